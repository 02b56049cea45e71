//! Attachments in a bucket, with a real S3 server beside the real server. Where the host has none, that is
//! said.

use std::{fs, path::Path, time::Duration};

use crate::clients::{client, eventually, pair};
use parlour::{Attachment, Draft, Item, Message, Room, protocol::wire::ErrorReason};
use parlour_features::{
    http,
    png::png,
    s3::{ACCESS_KEY, S3, SECRET_KEY, files, program},
    server::{Options, ROOMY, Server},
};

const BUCKET: &str = "parlour-files";

/// An S3 server and the configuration of a server that uses it; `None`, and said, where there is none.
fn bucket(folder: &Path, secret: &str) -> Option<(S3, String)> {
    let Some(program) = program() else {
        eprintln!("SKIPPED: no S3 server on this host; `cargo install s3s-fs --features binary`");
        return None;
    };
    let s3 = S3::start(&program, &folder.join("s3"), BUCKET);
    let file = folder.join("secret.txt");
    fs::write(&file, format!("{secret}\n")).expect("written");
    let config = format!(
        "{ROOMY}[blobs.s3]\nbucket = \"{BUCKET}\"\nendpoint = \"{}\"\nprefix = \"of/parlour\"\n\
         access_key_id = \"{ACCESS_KEY}\"\nsecret_access_key_file = \"{}\"\n",
        s3.url(),
        file.display()
    );
    Some((s3, config))
}

/// Bytes that don't look like any kind of file.
fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

async fn share(room: &Room, file: Attachment) -> u64 {
    let draft = Draft { attachments: vec![file], ..Draft::default() };
    room.send(draft).await.expect("sent").seq
}

#[tokio::test]
async fn files_go_to_the_bucket_and_come_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut s3, config)) = bucket(folder.path(), SECRET_KEY) else { return };
    let mut server = Server::start(Options::config(config));
    server.logs("attachments are kept in the bucket");
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Photos", ["bob"]).await.unwrap();
    let mut timeline = bob.room(room.id()).timeline().await.unwrap();
    // In several parts, and one that has a preview.
    let film = noise(20 * 1024 * 1024 + 7);
    let long = alice.upload(film.clone()).named("film.bin").await.unwrap();
    let seq = share(&room, long.clone()).await;
    let photo = alice.upload(png(1000, 500)).named("beach.png").await.unwrap();
    let photo_seq = share(&room, photo.clone()).await;
    let objects = s3.objects(BUCKET);
    // With the one that says whose it is.
    assert_eq!(objects.len(), 4, "{objects:?}");
    assert!(objects.iter().all(|name| name.starts_with("of/parlour/")), "{objects:?}");
    assert!(objects.iter().any(|name| name.ends_with(".preview")), "{objects:?}");
    assert_eq!(files(&server.data().join("blobs")), Vec::<std::path::PathBuf>::new());

    let mut found = None;
    eventually(|| {
        let mut messages = timeline.refresh().iter().filter_map(Item::message);
        found = messages.find(|message: &&Message| message.seq() == Some(seq)).cloned();
        found.is_some()
    })
    .await;
    let (_, download) = found.unwrap().downloads().remove(0);
    assert!(download.bytes(1 << 30).await.unwrap() == film);
    let theirs = bob.room(room.id());
    let small = theirs.download(photo_seq, &photo).preview().bytes(1 << 20).await.unwrap();
    assert!(small.starts_with(b"\xff\xd8\xff"), "a JPEG");
    // Over HTTP from the middle, and from its very end.
    let link = theirs.download(seq, &long).link().await.unwrap();
    let part = |range: &str| {
        let head = format!("Range: bytes={range}\r\n");
        http::request(server.ready().http, "GET", &link, &head, b"").unwrap()
    };
    let middle = part("10000000-10000099");
    assert_eq!((middle.status, &middle.body[..]), (206, &film[10_000_000..10_000_100]));
    assert_eq!(part(&format!("{}-", film.len())).status, 416);

    // The operator hears where they are, and that a backup hasn't them.
    assert!(server.printed(&["doctor"]).contains("parlour-files can be used"));
    let to = server.root().join("backup").display().to_string();
    assert!(server.printed(&["backup", "--to", &to]).contains("not in the backup"));

    // A crash changes nothing; nor does the bucket's, to whom only chats.
    server.kill();
    server.run().unwrap();
    assert!(theirs.download(seq, &long).bytes(1 << 30).await.unwrap() == film);
    s3.kill();
    room.send("still here").await.unwrap();
    let waits = alice.upload(noise(5000)).named("late.bin").into_future();
    let waits = tokio::spawn(waits);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.is_finished(), "it isn't kept, so it isn't acknowledged");
    s3.run();
    let late = waits.await.unwrap().unwrap();
    let seq = share(&room, late.clone()).await;
    assert!(theirs.download(seq, &late).bytes(1 << 20).await.unwrap() == noise(5000));
    eventually(|| s3.objects(BUCKET).len() == 5).await;
    server.assert_well();
}

#[tokio::test]
async fn a_bucket_that_refuses_is_told_to_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let Some((s3, config)) = bucket(folder.path(), "another secret") else { return };
    let server = Server::start(Options::config(config));
    server.logs("the bucket refuses");
    let doctor = server.command(&["doctor"]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(!doctor.status.success() && told.contains("fail  bucket"), "{told}");
    assert!(told.contains("SignatureDoesNotMatch") || told.contains("403"), "{told}");
    assert!(!told.contains("another secret") && !server.log().contains("another secret"));
    // Messages don't need it.
    let alice = client(&server, "alice").connect().await.unwrap();
    let room = alice.create_group("Talk", [] as [&str; 0]).await.unwrap();
    room.send("hello").await.unwrap();
    let upload = alice.upload(noise(100)).named("a.bin").into_future();
    let waits = tokio::time::timeout(Duration::from_secs(120), upload).await;
    let refused = waits.expect("it doesn't wait for ever").unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::StoreUnavailable), "{refused}");
    assert_eq!(s3.objects(BUCKET), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wrong_in_its_configuration_is_named() {
    let told = |lines: &str| {
        let server = Server::prepare(Options::config(format!("[blobs.s3]\n{lines}")));
        let refused = server.command(&["serve"]);
        assert!(!refused.status.success());
        String::from_utf8_lossy(&refused.stderr).into_owned()
    };
    let whole = "bucket = \"files\"\naccess_key_id = \"AK\"\n";
    for (lines, word) in [
        ("bucket = \"Files!\"".to_owned(), "blobs.s3.bucket is no bucket's name"),
        ("bucket = \"files\"".to_owned(), "blobs.s3.access_key_id must be there"),
        (whole.to_owned(), "blobs.s3.secret_access_key_file must be there"),
        (format!("{whole}secret_access_key_file = \"gone.txt\""), "gone.txt can't be read"),
        (format!("{whole}endpoint = \"http://192.0.2.1\""), "blobs.s3.endpoint is not an address"),
        (format!("{whole}endpoint = \"s3.example.org\""), "blobs.s3.endpoint is not an address"),
        (format!("{whole}prefix = \"/a\""), "blobs.s3.prefix"),
        ("buckett = \"files\"".to_owned(), "did you mean blobs.s3.bucket?"),
    ] {
        let refused = told(&lines);
        assert!(refused.contains(word), "{lines}: {refused}");
    }
}

//! Attachments from outside: real files over a real server, in one piece whatever happens on the way.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clients::{client, eventually, pair};
use parlour::{
    Attachment, Client, Draft, Item, Message, QueueError, Room, SendError, Timeline, TransferError,
    protocol::wire::ErrorReason,
};
use parlour_features::{
    http,
    png::png,
    relay::{Relay, Way},
    server::{Options, ROOMY, Server},
};

/// Bytes that nobody has seen before, and that don't look like any kind of file.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    std::iter::once(b' ').chain((1..len).map(|_| (next() >> 32) as u8)).collect()
}

async fn share(room: &Room, file: Attachment) -> u64 {
    let draft = Draft { attachments: vec![file], ..Draft::default() };
    room.send(draft).await.expect("sent").seq
}

/// The last message, once it has attachments.
async fn received(timeline: &mut Timeline) -> Message {
    let mut found = None;
    eventually(|| {
        let mut messages = timeline.refresh().iter().filter_map(Item::message);
        found = messages.rfind(|message| !message.attachments.is_empty()).cloned();
        found.is_some()
    })
    .await;
    found.expect("it was found")
}

fn refused<T: std::fmt::Debug>(result: Result<T, TransferError>) -> Option<ErrorReason> {
    result.expect_err("refused").reason()
}

async fn bytes(message: &Message) -> Vec<u8> {
    let (_, download) = message.downloads().remove(0);
    download.bytes(1 << 30).await.expect("downloaded").to_vec()
}

#[tokio::test]
async fn a_picture_goes_from_hand_to_hand() {
    let config = format!("{ROOMY}[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let server = Server::start(Options::config(config));
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Photos", ["bob"]).await.unwrap();
    let mut timeline = bob.room(room.id()).timeline().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beach.png");
    let picture = png(1000, 500);
    std::fs::write(&path, &picture).unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let hears = told.clone();
    let photo = alice
        .upload(path.as_path())
        .described("The beach at noon")
        .progress(move |at, of| hears.store(at * 1000 / of, Ordering::Relaxed))
        .await
        .unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 1000);
    assert_eq!((photo.name.as_str(), photo.media_type.as_str()), ("beach.png", "image/png"));
    assert_eq!((photo.width, photo.height, photo.has_preview), (1000, 500, true));
    let seq = share(&room, photo.clone()).await;
    let message = received(&mut timeline).await;
    assert_eq!((message.seq(), message.text.as_str()), (Some(seq), ""));
    assert_eq!(message.attachments, std::slice::from_ref(&photo));
    assert!(bytes(&message).await == picture);
    let theirs = bob.room(room.id());
    let small = theirs.download(seq, &photo).preview().bytes(1 << 20).await.unwrap();
    assert!(small.starts_with(b"\xff\xd8\xff"), "a JPEG");
    let much = theirs.download(seq, &photo).bytes(100).await;
    assert!(matches!(much, Err(TransferError::TooLarge)), "{much:?}");
    let to = dir.path().join("saved.png");
    theirs.download(seq, &photo).to_file(&to).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == picture);
    assert!(!dir.path().join("saved.png.part").exists());
    // The same file again takes no bytes at all.
    let metrics = |name: &str| transferred(&server, name);
    let before = metrics("upload");
    let again = alice.upload(path.as_path()).named("again.png").await.unwrap();
    assert_eq!((again.hash, metrics("upload")), (photo.hash, before));
}

fn transferred(server: &Server, direction: &str) -> f64 {
    let address = server.ready().metrics.expect("a listener of its own");
    let text = http::get(address, "/metrics", None).body;
    let name = format!("parlour_blob_bytes_total{{direction=\"{direction}\"}}");
    http::metric(&text, &name).unwrap_or_default()
}

#[tokio::test]
async fn who_may_not_read_the_message_gets_no_file() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let eve = client(&server, "eve").connect().await.unwrap();
    let room = alice.create_group("Secrets", ["bob"]).await.unwrap();
    let file = alice.upload(noise(5000, 1)).named("secret").await.unwrap();
    let seq = share(&room, file.clone()).await;
    let theirs = |client: &Client| client.room(room.id()).download(seq, &file).bytes(1 << 20);
    assert_eq!(refused(theirs(&eve).await), Some(ErrorReason::RoomNotFound));
    let own = eve.create_group("Mine", [] as [&str; 0]).await.unwrap();
    let stolen = own.send(Draft { attachments: vec![file.clone()], ..Draft::default() }).await;
    let Err(QueueError::Failed(SendError::Refused(refusal))) = stolen else {
        panic!("{stolen:?}");
    };
    assert_eq!(refusal.reason, ErrorReason::BlobNotFound as i32);
    assert!(theirs(&bob).await.is_ok());
    let http = server.ready().http;
    let link = bob.room(room.id()).download(seq, &file).link().await.unwrap();
    let fetch = || http::request(http, "GET", &link, "", b"").unwrap();
    assert_eq!((fetch().status, fetch().body), (200, noise(5000, 1)));
    room.remove_member(bob.me().unwrap()).await.unwrap();
    assert_eq!(refused(theirs(&bob).await), Some(ErrorReason::RoomNotFound));
    assert_eq!(fetch().status, 404, "who leaves the room takes their links with them");
    let mine = room.download(seq, &file);
    let link = mine.link().await.unwrap();
    room.delete(seq).await.unwrap();
    assert_eq!(refused(theirs(&alice).await), Some(ErrorReason::BlobNotFound));
    assert_eq!(http::request(http, "GET", &link, "", b"").unwrap().status, 404);
}

#[tokio::test]
async fn forwarding_takes_the_file_along() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("One", ["bob"]).await.unwrap();
    let mut timeline = bob.room(room.id()).timeline().await.unwrap();
    let file = alice.upload(noise(5000, 2)).named("list").await.unwrap();
    let draft = Draft { text: "see".into(), attachments: vec![file], ..Draft::default() };
    room.send(draft).await.unwrap();
    let message = received(&mut timeline).await;
    let carol = client(&server, "carol").connect().await.unwrap();
    let other = bob.open_direct("carol").await.unwrap();
    message.forward(&other).await.unwrap();
    let mut timeline = carol.room(other.id()).timeline().await.unwrap();
    let forwarded = received(&mut timeline).await;
    assert_eq!((forwarded.text.as_str(), forwarded.sender), ("see", bob.me()));
    room.delete(message.seq().unwrap()).await.unwrap();
    assert!(bytes(&forwarded).await == noise(5000, 2), "it lives on where it was sent to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_goes_on_after_the_network_was_away() {
    let server = Server::roomy();
    let relay = Relay::to(server.ready().quic, 3).await;
    let slow = Way { delay: Duration::from_millis(20), ..Way::default() };
    relay.set(slow);
    let alice = client(&server, "alice").address(relay.address().to_string());
    let alice = alice.connect().await.unwrap();
    let room = alice.create_group("Files", [] as [&str; 0]).await.unwrap();
    let content = noise(24 << 20, 3);
    let at = Arc::new(AtomicU64::new(0));
    let hears = at.clone();
    let upload = alice.upload(content.clone()).named("film").progress(move |now, _| {
        hears.store(now, Ordering::Relaxed);
    });
    let upload = tokio::spawn(upload.into_future());
    eventually(|| at.load(Ordering::Relaxed) > 4 << 20).await;
    assert!(!upload.is_finished());
    // Everything the client has sent from is dead, as when a phone leaves the house.
    relay.kill_addresses();
    alice.network_changed();
    let film = upload.await.unwrap().unwrap();
    let seq = share(&room, film.clone()).await;

    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("film");
    let at = Arc::new(AtomicU64::new(0));
    let hears = at.clone();
    let download = room.download(seq, &film).progress(move |now, _| {
        hears.store(now, Ordering::Relaxed);
    });
    let file = to.clone();
    let download = tokio::spawn(async move { download.to_file(file).await });
    eventually(|| at.load(Ordering::Relaxed) > 4 << 20).await;
    relay.kill_addresses();
    alice.network_changed();
    download.await.unwrap().unwrap();
    assert!(std::fs::read(&to).unwrap() == content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_the_server_was_killed() {
    let mut server = Server::roomy();
    let alice = client(&server, "alice").connect().await.unwrap();
    let room = alice.create_group("Files", [] as [&str; 0]).await.unwrap();
    let content = noise(64 << 20, 4);
    let (at, least) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
    let (hears, lowest) = (at.clone(), least.clone());
    let upload = alice.upload(content.clone()).named("film").progress(move |now, _| {
        if now < hears.swap(now, Ordering::Relaxed) {
            lowest.store(now, Ordering::Relaxed);
        }
    });
    let upload = tokio::spawn(upload.into_future());
    eventually(|| at.load(Ordering::Relaxed) > 24 << 20).await;
    server.kill();
    assert!(!upload.is_finished(), "the machine is faster than this test thought");
    server.run().unwrap();
    let film = upload.await.unwrap().unwrap();
    let again_from = least.load(Ordering::Relaxed);
    assert!((8 << 20..64 << 20).contains(&again_from), "it went on from {again_from}");
    let seq = share(&room, film.clone()).await;
    assert!(room.download(seq, &film).bytes(1 << 30).await.unwrap() == content);
    // Acknowledged is there after another crash.
    server.kill();
    server.run().unwrap();
    assert!(room.download(seq, &film).bytes(1 << 30).await.unwrap() == content);
}

#[tokio::test]
async fn what_isnt_taken_is_refused_with_its_reason() {
    let config = "[blobs]\nsize_max_mb = 1\nmedia_types = [\"image/*\", \"text/plain\"]\n\
                  user_per_day_max_mb = 2\n";
    let server = Server::start(Options::config(format!("{ROOMY}{config}")));
    let alice = client(&server, "alice").connect().await.unwrap();
    let upload = |bytes: Vec<u8>, kind: &str| alice.upload(bytes).media_type(kind).into_future();
    let large = upload(noise((1 << 20) + 1, 5), "text/plain").await;
    assert_eq!(refused(large), Some(ErrorReason::BlobTooLarge));
    let kind = upload(noise(10, 5), "application/pdf").await;
    assert_eq!(refused(kind), Some(ErrorReason::MediaTypeRefused));
    let lie = upload(b"%PDF-1.7 and so on".to_vec(), "text/plain").await;
    assert_eq!(refused(lie), Some(ErrorReason::MediaTypeRefused));
    assert!(matches!(upload(vec![], "text/plain").await, Err(TransferError::Empty)));
    let nowhere = alice.upload(Path::new("/nonexistent")).await;
    assert!(matches!(nowhere, Err(TransferError::File(_))), "{nowhere:?}");
    for seed in 6..8 {
        upload(noise(1 << 20, seed), "text/plain").await.unwrap();
    }
    let much = upload(noise(1 << 20, 9), "text/plain").await;
    assert_eq!(refused(much), Some(ErrorReason::QuotaExceeded));
}

#[tokio::test]
async fn pages_and_scripts_use_http() {
    let mut server = Server::roomy();
    let alice = client(&server, "alice").connect().await.unwrap();
    let room = alice.create_group("Files", [] as [&str; 0]).await.unwrap();
    let picture = alice.upload(png(30, 20)).named("a.png").await.unwrap();
    let page = b"<html><script>alert(1)</script></html>".to_vec();
    let page = alice.upload(page).named("a.html").await.unwrap();
    let seq = share(&room, picture.clone()).await;
    let http = server.ready().http;
    let get = |link: &str, headers: &str| http::request(http, "GET", link, headers, b"").unwrap();
    let link = room.download(seq, &picture).link().await.unwrap();
    let whole = get(&format!("{link}?name=a%20b.png"), "");
    assert_eq!((whole.status, whole.body.len()), (200, picture.size as usize));
    assert_eq!(whole.header("content-type"), Some("image/png"));
    assert_eq!(whole.header("content-disposition"), Some("inline; filename*=UTF-8''a%20b.png"));
    assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
    let tag = whole.header("etag").unwrap().to_owned();
    let part = get(&link, "Range: bytes=1-3\r\n");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"PNG"[..]));
    let of = format!("bytes 1-3/{}", picture.size);
    assert_eq!(part.header("content-range"), Some(of.as_str()));
    assert_eq!(get(&link, "Range: bytes=99999-\r\n").status, 416);
    assert_eq!(get(&link, &format!("If-None-Match: {tag}\r\n")).status, 304);
    let head = http::request(http, "HEAD", &link, "", b"").unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    for wrong in ["x", "", "%00", &"A".repeat(5000)] {
        assert_eq!(get(&format!("/parlour/v1/blobs/{wrong}"), "").status, 404, "{wrong}");
    }
    let other = link.replace("/blobs/", "/uploads/");
    assert_eq!(http::request(http, "PUT", &other, "", b"x").unwrap().status, 404);
    let seq = share(&room, page.clone()).await;
    let link = room.download(seq, &page).link().await.unwrap();
    let served = get(&link, "");
    assert_eq!(served.header("content-type"), Some("application/octet-stream"));
    assert_eq!(served.header("content-disposition"), Some("attachment"));
    assert_eq!(served.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    server.assert_well();
}

#[tokio::test]
async fn a_script_uploads_in_pieces() {
    use parlour::protocol::{blob::LinkUploadRequest, generated::rpc};
    let server = Server::roomy();
    let alice = client(&server, "alice").connect().await.unwrap();
    let content = noise(300_000, 10);
    let request = LinkUploadRequest {
        upload: vec![7; 16].into(),
        size: content.len() as u64,
        media_type: "text/plain".into(),
        sha256: Default::default(),
    };
    let link = alice.call::<rpc::LinkUpload>(request).await.unwrap().path;
    let http = server.ready().http;
    let ask = |method: &str, offset: Option<usize>, body: &[u8]| {
        let header = offset.map(|at| format!("Upload-Offset: {at}\r\n")).unwrap_or_default();
        http::request(http, method, &link, &header, body).unwrap()
    };
    let offset = |reply: &http::Reply| reply.header("upload-offset").map(str::to_owned);
    let first = ask("PUT", None, &content[..100_000]);
    assert_eq!((first.status, offset(&first).as_deref()), (202, Some("100000")));
    let wrong = ask("PATCH", Some(5), &content[..10]);
    assert_eq!((wrong.status, offset(&wrong).as_deref()), (409, Some("100000")));
    assert_eq!(ask("PATCH", None, b"").status, 409);
    let told = ask("HEAD", None, b"");
    assert_eq!((told.status, offset(&told).as_deref()), (204, Some("100000")));
    let over = ask("PATCH", Some(100_000), &[&content[100_000..], b"more"].concat());
    assert_eq!(over.status, 400);
    let told: usize = offset(&ask("HEAD", None, b"")).unwrap().parse().unwrap();
    let done = ask("PATCH", Some(told), &content[told..]);
    assert_eq!(done.status, 201, "{}", String::from_utf8_lossy(&done.body));
    let body = String::from_utf8(done.body).unwrap();
    assert!(body.contains("\"media_type\":\"text/plain\""), "{body}");
    assert_eq!(ask("PUT", None, b"").status, 200, "it is known from now on");
    // What a script has uploaded, its user can send.
    let room = alice.create_group("Files", [] as [&str; 0]).await.unwrap();
    let file = alice.upload(content.clone()).named("list.txt").await.unwrap();
    assert!(body.contains(&file.hash.to_string()));
    let seq = share(&room, file.clone()).await;
    assert!(room.download(seq, &file).bytes(1 << 20).await.unwrap() == content);
}

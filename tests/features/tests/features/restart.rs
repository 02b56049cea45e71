//! Restarts: what was acknowledged is there, sessions go on, and a copy of the data is noticed.

use std::{fs, path::Path};

use parlour_features::{
    raw::Client,
    server::{Options, ROOMY, Server},
    world::{client_ref, group, hello_of, join, say, text, text_of},
};
use parlour_protocol::{
    generated::rpc::{Delete, GetRoom, ReadLog, Send},
    message::DeleteRequest,
    room::GetRoomRequest,
    sync::ReadLogRequest,
    wire::Hello,
};

async fn texts(client: &Client, room: &bytes::Bytes) -> Vec<String> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 2, ..Default::default() };
    let items = client.bulk::<ReadLog>(&request).await.expect("read");
    items.iter().flat_map(|item| &item.events).map(|event| text_of(&event.body)).collect()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let mut server = Server::roomy();
    let hello = hello_of(&server, "ada");
    let ada = server.door().connect(hello.clone()).await.expect("welcomed");
    join(&server, "bob").await;
    let room = group(&ada, "kitchen", &["bob"]).await;
    let unanswered = text(&room, "answered twice");
    say(&ada, &room, "one").await.expect("sent");
    let first = ada.call::<Send>(&unanswered).await.expect("sent");
    let (resume, incarnation, session) = {
        let welcome = ada.welcome();
        (welcome.resume.clone(), welcome.incarnation.clone(), welcome.session.clone())
    };
    server.kill();
    server.run().expect("it starts again");

    let hello = Hello { resume, ..hello };
    let ada = server.door().connect(hello).await.expect("the old token is good");
    let welcome = ada.welcome();
    assert!(welcome.resumed && welcome.session == session, "the session goes on");
    assert_eq!(welcome.incarnation, incarnation, "caches stay good");
    let again = ada.call::<Send>(&unanswered).await.expect("sent again");
    assert!(again.deduplicated && again.seq == first.seq);
    assert_eq!(texts(&ada, &room).await, ["one", "answered twice"]);
    let request = GetRoomRequest { room: room.clone() };
    let read = ada.call::<GetRoom>(&request).await.expect("read").room.expect("a room");
    assert_eq!((&read.name[..], read.member_count), ("kitchen", 2));
    let bob = join(&server, "bob").await;
    assert_eq!(texts(&bob, &room).await.len(), 2);
}

/// Whether a file in the folder, or in one within, has the words.
fn is_in(folder: &Path, words: &str) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return is_in(&path, words);
        }
        // Sockets can't be read.
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

#[tokio::test]
async fn a_compacted_store_has_everything_but_what_was_erased() {
    let (kept, secret) = ("kept for ever", "never said, I hope");
    for kind in ["sled", "redb"] {
        let config = format!("{ROOMY}[store]\nkind = \"{kind}\"\n");
        let mut server = Server::start(Options::config(config));
        let ada = join(&server, "ada").await;
        let room = group(&ada, "kitchen", &[]).await;
        let said = say(&ada, &room, secret).await.expect("sent");
        say(&ada, &room, kept).await.expect("sent");
        let delete =
            DeleteRequest { room: room.clone(), client_ref: client_ref(), target_seq: said.seq };
        ada.call::<Delete>(&delete).await.expect("deleted");
        let before = texts(&ada, &room).await;
        let incarnation = ada.welcome().incarnation.clone();
        assert!(server.stop().success());
        let output = server.command(&["storage", "compact"]);
        assert!(output.status.success(), "{output:?}");
        assert!(is_in(&server.data(), kept) && !is_in(&server.data(), secret), "{kind}");
        server.run().expect("it starts again");
        let ada = join(&server, "ada").await;
        assert_eq!(texts(&ada, &room).await, before);
        assert_eq!(ada.welcome().incarnation, incarnation, "caches stay good");
    }
}

#[tokio::test]
async fn a_client_notices_a_dead_server_when_it_is_back() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    server.kill();
    server.run().expect("it starts again");
    // The new process resets what the old one knew, because its keys outlive it; without that a
    // client would wait for its idle timeout.
    let began = std::time::Instant::now();
    let ping = parlour_protocol::wire::client_frame::Frame::Ping(Default::default());
    let _ = ada.say_frame(ping).await;
    ada.closed().await;
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "took {:?}", began.elapsed());
}

#[tokio::test]
async fn a_restored_backup_is_another_incarnation_with_the_same_history() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    say(&ada, &room, "kept").await.expect("sent");
    let incarnation = ada.welcome().incarnation.clone();
    let (backup, restored) = (server.root().join("backup"), server.root().join("restored"));
    let (backup, restored) = (backup.display().to_string(), restored.display().to_string());
    let output = server.command(&["backup", "--to", &backup]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    say(&ada, &room, "after the backup").await.expect("a hot backup stops nobody");
    drop(ada);
    assert_eq!(server.stop().code(), Some(0));
    let output = server.command(&["restore", "--from", &backup, "--to", &restored]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.use_data(restored.into());
    server.run().expect("it starts from the backup");
    let ada = join(&server, "ada").await;
    assert_ne!(ada.welcome().incarnation, incarnation, "caches must be dropped");
    assert_eq!(texts(&ada, &room).await, ["kept"]);
}

//! The Rust SDK against a real server: what happens when the connection doesn't go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::clients::{client, eventually, pair, texts};
use futures_util::StreamExt;
use parlour::{Client, ConnectError, Distrust, NoToken, QueueError, State, Stop, Token, Trust};
use parlour_features::{
    relay::{Relay, Way},
    server::{Options, ROOMY, Server},
    token,
    world::ORG,
};

#[tokio::test]
async fn sends_during_a_crash_arrive_exactly_once() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    let mut expected = Vec::new();
    for round in 0..3 {
        let mut waiting = Vec::new();
        for n in 0..20 {
            let text = format!("{round}.{n}");
            waiting.push(room.queue(text.clone()).await.unwrap());
            expected.push(text);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        server.kill();
        server.run().unwrap();
        for queued in waiting {
            queued.sent().await.unwrap();
        }
    }
    eventually(|| texts(theirs.refresh()) == expected).await;
}

/// Copies of its cache, each made at once after it, are as whole as what a system leaves that ends an app while it sleeps.
#[tokio::test]
async fn who_is_in_the_background_has_everything_on_the_disk() {
    let mut server = Server::roomy();
    let folder = tempfile::tempdir().unwrap();
    let (_, bob) = pair(&server).await;
    let cache = folder.path().join("cache.db");
    let alice = client(&server, "alice").cache(cache.clone()).connect().await.unwrap();
    let room = alice.open_direct("bob").await.unwrap();
    let (mut mine, theirs) = (room.timeline().await.unwrap(), bob.room(room.id()));
    let mut expected = Vec::new();
    for round in 0..20 {
        theirs.send(round.to_string()).await.unwrap();
        expected.push(round.to_string());
        eventually(|| texts(mine.refresh()) == expected).await;
        alice.entered_background().await.unwrap();
        for end in ["", "-wal"] {
            let file = folder.path().join(format!("cache.db{end}"));
            std::fs::copy(file, folder.path().join(format!("copy-{round}{end}"))).unwrap();
        }
        alice.entered_foreground().await.unwrap();
    }
    alice.disconnect().await;
    let late = alice.entered_background().await;
    assert!(matches!(late, Err(QueueError::Closed)), "{late:?}");
    server.kill();
    for round in 0..20 {
        let copy = folder.path().join(format!("copy-{round}"));
        let alice = client(&server, "alice").cache(copy).start().await.unwrap();
        let timeline = alice.room(room.id()).timeline().await.unwrap();
        assert_eq!(texts(timeline.items()), expected[..=round]);
        alice.disconnect().await;
    }
}

#[tokio::test]
async fn what_was_queued_without_a_server_is_sent_by_the_next_start() {
    let mut server = Server::roomy();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let (_, bob) = pair(&server).await;
    let alice = client(&server, "alice").cache(cache.clone()).connect().await.unwrap();
    let room = alice.open_direct("bob").await.unwrap();
    room.send("first").await.unwrap();
    let timeline = room.timeline().await.unwrap();
    drop(timeline);
    server.kill();
    let id = room.id();
    room.queue("second").await.unwrap();
    alice.disconnect().await;

    // Without a server: what the cache has is there.
    let alice = client(&server, "alice").cache(cache).start().await.unwrap();
    assert_eq!(alice.rooms().await.unwrap().items().len(), 1);
    let mut mine = alice.room(id).timeline().await.unwrap();
    assert_eq!(texts(mine.items()), ["first", "second"]);
    let third = alice.room(id).queue("third").await.unwrap();

    server.run().unwrap();
    third.sent().await.unwrap();
    let mut theirs = bob.room(id).timeline().await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["first", "second", "third"]).await;
    eventually(|| texts(mine.refresh()) == ["first", "second", "third"]).await;
}

#[tokio::test]
async fn a_room_that_moved_on_is_caught_up() {
    let server = Server::roomy();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.db");
    let (alice, _) = pair(&server).await;
    for (missed, others) in [(20, "few"), (700, "many")] {
        let room = alice.create_group(others, ["bob"]).await.unwrap();
        room.send("before").await.unwrap();
        let bob = client(&server, "bob").cache(cache.clone()).connect().await.unwrap();
        let mut timeline = bob.room(room.id()).timeline().await.unwrap();
        eventually(|| texts(timeline.refresh()) == ["before"]).await;
        bob.disconnect().await;
        for n in 0..missed {
            room.send(format!("{n}")).await.unwrap();
        }
        let bob = client(&server, "bob").cache(cache.clone()).connect().await.unwrap();
        let mut timeline = bob.room(room.id()).timeline().await.unwrap();
        let last = format!("{}", missed - 1);
        eventually(|| texts(timeline.refresh()).last() == Some(&last)).await;
        while timeline.load_older(500).await.unwrap() {
            timeline.refresh();
        }
        let shown = texts(timeline.refresh());
        assert_eq!(shown.len(), missed + 1, "{others}");
        assert_eq!(shown[0], "before");
        bob.disconnect().await;
    }
}

#[tokio::test]
async fn a_changed_network_is_survived() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    for n in 0..5 {
        alice.network_changed();
        bob.network_changed();
        room.send(format!("{n}")).await.unwrap();
    }
    eventually(|| texts(theirs.refresh()) == ["0", "1", "2", "3", "4"]).await;
    assert_eq!(alice.current_state(), State::Live);
}

#[tokio::test]
async fn what_comes_and_goes_while_an_address_dies_arrives_once() {
    let server = Server::roomy();
    let relay = Relay::to(server.ready().quic, 7).await;
    let alice = client(&server, "alice").connect().await.unwrap();
    let door = relay.address().to_string();
    let bob = client(&server, "bob").address(door).connect().await.unwrap();
    bob.synced().await.unwrap();
    relay.set(Way { delay: Duration::from_millis(40), ..Way::default() });
    let room = alice.create_group("all", ["bob"]).await.unwrap();
    let mut hers = room.timeline().await.unwrap();
    let his = bob.room(room.id());
    let mut seen = his.timeline().await.unwrap();
    let mut waiting = Vec::new();
    for n in 0..60 {
        waiting.push(room.queue(format!("alice {n}")).await.unwrap());
        waiting.push(his.queue(format!("bob {n}")).await.unwrap());
        if n % 20 == 10 {
            relay.kill_addresses();
            bob.network_changed();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for queued in waiting {
        queued.sent().await.unwrap();
    }
    let expected = |name: &str| (0..60).map(|n| format!("{name} {n}")).collect::<Vec<_>>();
    for timeline in [&mut hers, &mut seen] {
        eventually(|| texts(timeline.refresh()).len() >= 120).await;
        let shown = texts(timeline.items());
        for name in ["alice", "bob"] {
            let theirs = shown.iter().filter(|text| text.starts_with(name)).cloned();
            assert_eq!(theirs.collect::<Vec<_>>(), expected(name));
        }
    }
}

#[tokio::test]
async fn a_drained_server_is_left_and_found_again() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    room.send("before").await.unwrap();
    server.stop();
    let queued = room.queue("after").await.unwrap();
    server.run().unwrap();
    queued.sent().await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["before", "after"]).await;
}

#[tokio::test]
async fn bad_tokens_and_certificates_end_the_attempt() {
    let server = Server::roomy();
    let refused = client(&server, "alice").token("no.such.token").connect().await;
    assert!(matches!(refused, Err(ConnectError::Unauthorized(0x100))), "{refused:?}");
    for (trust, expected) in [
        (Trust::CertificateSha256([1; 32]), Distrust::Fingerprint),
        (Trust::System, Distrust::Issuer),
    ] {
        let refused = client(&server, "alice").trust(trust).connect().await;
        let why = match &refused {
            Err(ConnectError::Untrusted(why)) => Some(*why),
            _ => None,
        };
        assert_eq!(why, Some(expected), "{refused:?}");
    }
    for builder in [Client::builder(), Client::builder().address("nowhere").token("x")] {
        assert!(matches!(builder.connect().await, Err(ConnectError::Address)));
    }
}

#[tokio::test]
async fn a_token_that_runs_out_is_replaced_on_the_live_connection() {
    let server = Server::start(Options::config(ROOMY));
    let asked = Arc::new(AtomicU32::new(0));
    let short: Vec<String> = (0..8)
        .map(|n| {
            let mut claims = token::claims(ORG, "alice");
            claims.exp = claims.iat + 6 + 6 * n;
            server.sign(&claims)
        })
        .collect();
    let count = asked.clone();
    let provider = Token::provider(move |fresh| {
        let n = if fresh { count.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        let token = short.get(n as usize).cloned();
        async move { token.ok_or(NoToken) }
    });
    let alice = client(&server, "alice").token(provider).connect().await.unwrap();
    let mut states = alice.state();
    assert_eq!(states.next().await, Some(State::Live));
    let lost = tokio::time::timeout(Duration::from_secs(14), states.next()).await;
    assert!(lost.is_err(), "the connection went on: {lost:?}");
    assert!(asked.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_revoked_client_stays_away() {
    let server = Server::roomy();
    let (alice, _bob) = pair(&server).await;
    let output = server.command(&["revoke", "--org", ORG, "--subject", "alice"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually(|| alice.current_state() == State::Stopped(Stop::Revoked)).await;
}

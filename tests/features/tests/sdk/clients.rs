//! Clients of the SDK for tests.

use std::time::Duration;

use futures_util::StreamExt;
use parlour::{Builder, Client, Item, OwnChange, OwnChanges, Trust};
use parlour_features::{raw::Carrier, server::Server, token, world::ORG};

/// A client to be, with the server's certificate pinned.
pub(crate) fn client(server: &Server, sub: &str) -> Builder {
    let ready = server.ready();
    let builder = Client::builder();
    let builder = match Carrier::of_environment() {
        // Nobody listens there.
        Carrier::WebSocket => {
            builder.address("127.0.0.1:9").websocket(format!("ws://{}/parlour/v1/ws", ready.http))
        }
        _ => builder.address(ready.quic.to_string()),
    };
    builder
        .token(server.sign(&token::claims(ORG, sub)))
        .trust(Trust::parse_sha256(&ready.sha256).expect("the server prints its hash"))
}

/// Alice and Bob, connected and in step.
pub(crate) async fn pair(server: &Server) -> (Client, Client) {
    let alice = client(server, "alice").connect().await.expect("alice connects");
    let bob = client(server, "bob").connect().await.expect("bob connects");
    alice.synced().await.expect("alice is in step");
    bob.synced().await.expect("bob is in step");
    (alice, bob)
}

/// Waits until something is so. What changes comes over the network, so there is a bound.
pub(crate) async fn eventually(mut so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never became so");
}

/// The texts of a timeline's messages.
pub(crate) fn texts(items: &[Item]) -> Vec<String> {
    let text = |item: &Item| {
        item.message().map(|m| if m.is_deleted { "(deleted)".to_owned() } else { m.text.clone() })
    };
    items.iter().filter_map(text).collect()
}

/// The next change but those that say nothing.
pub(crate) async fn next(changes: &mut OwnChanges) -> OwnChange {
    loop {
        let wait = tokio::time::timeout(Duration::from_secs(30), changes.next());
        match wait.await.expect("something changes").expect("the client lives") {
            OwnChange::Missed => {}
            change => return change,
        }
    }
}

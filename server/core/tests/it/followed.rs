//! Whoever follows a call hears that the hub has refused it, and of nothing else.

use std::sync::{Arc, Mutex};

use parlour_core::{
    draft::Follow,
    hub::Output,
    ports::{clock::Clock, store::StoreError},
};
use parlour_inproc::{Server, group, message};
use parlour_protocol::{
    generated::rpc,
    wire::{Error, ErrorReason},
};

#[derive(Default)]
struct Heard(Mutex<Vec<i32>>);

impl Follow for Heard {
    fn handle_refused(&self, error: &Error) {
        self.0.lock().unwrap().push(error.reason);
    }
}

/// Three sends of one chain, of which the first is being committed; the commit then fails so.
fn heard_of(error: StoreError) -> Vec<i32> {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let heard = Arc::new(Heard::default());
    server.follower = Some(heard.clone());
    let begin = |server: &mut Server| {
        let request = message(server, &room, "text");
        server.start_in_chain::<rpc::Send>(ada, &request, 1);
    };
    begin(&mut server);
    let now = server.hand.now();
    assert!(matches!(server.hub.poll(now), Some(Output::Append(_))));
    begin(&mut server);
    begin(&mut server);
    server.hub.handle_appended(Err(error), now);
    server.run();
    let heard = heard.0.lock().unwrap();
    heard.clone()
}

const BROKEN: i32 = ErrorReason::ChainBroken as i32;

#[test]
fn who_follows_a_call_hears_why_the_hub_refused_it() {
    let unavailable = ErrorReason::StoreUnavailable as i32;
    assert_eq!(heard_of(StoreError::Unavailable), [unavailable, BROKEN, BROKEN]);
}

#[test]
fn what_is_decided_again_is_not_refused_yet() {
    // The first one's handler says that the store takes nothing, and whoever runs it knows.
    assert_eq!(heard_of(StoreError::ReadOnly), [BROKEN, BROKEN]);
}

#[test]
fn what_is_committed_is_not_refused() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let heard = Arc::new(Heard::default());
    server.follower = Some(heard.clone());
    let request = message(&mut server, &room, "text");
    server.call::<rpc::Send>(ada, &request).unwrap();
    // The same again is decided again, and answered.
    server.call::<rpc::Send>(ada, &request).unwrap();
    assert!(heard.0.lock().unwrap().is_empty());
}

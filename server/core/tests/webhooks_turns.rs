//! Outgoing webhooks beside one another: none is in another's way, nor a room in another room's.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use parlour_core::ports::posts::PostError;
use parlour_inproc::{Server, accounts::acme, group, send};
use parlour_protocol::{
    account::{CreateKeyRequest, CreateServiceAccountRequest},
    generated::rpc,
    webhook::{create_webhook_request::Of as CreateOf, *},
};

fn create(server: &mut Server, by: usize, of: CreateOf, filter: Option<EventFilter>) {
    let request = CreateWebhookRequest {
        of: Some(of),
        client_ref: server.client_ref().to_field(),
        name: "of a test".into(),
        url: "https://example.org/path".into(),
        filter,
    };
    server.call::<rpc::CreateWebhook>(by, &request).unwrap();
}

fn say(server: &mut Server, by: usize, room: &Bytes, count: usize) {
    for _ in 0..count {
        send(server, by, room, "said");
    }
}

#[test]
fn an_address_that_fails_for_long_misses_nothing_of_other_rooms() {
    let (mut server, admin) = acme();
    let subject = || "deploy".to_owned();
    let request = CreateServiceAccountRequest { subject: subject(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(admin, &request).unwrap();
    let request = CreateKeyRequest { subject: subject(), name: "key".into(), ..Default::default() };
    let secret = server.call::<rpc::CreateKey>(admin, &request).unwrap().secret;
    let (deploy, ada) = (server.connect(&secret), server.connect("ada"));
    let one = group(&mut server, ada, &[deploy]);
    server.advance(Duration::from_secs(1));
    create(&mut server, admin, CreateOf::Account(subject()), None);
    server.advance(Duration::from_secs(1));
    server.outside.answer([Err(PostError::TooSlow)]);
    say(&mut server, ada, &one, 1);
    server.post();
    // It comes into a room while nothing is posted; there is said more than is looked back.
    let other = group(&mut server, ada, &[deploy]);
    server.post();
    let first = send(&mut server, ada, &other, "the first");
    say(&mut server, ada, &other, 1_100);
    server.outside.take();
    server.advance(Duration::from_secs(2));
    server.post();
    let posted = server.outside.take();
    assert!(posted.contains(&first) && posted.len() == 1_103, "{} posts", posted.len());
}

#[test]
fn what_isnt_wanted_holds_up_nothing_that_is() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let (quiet, room) = (group(&mut server, ada, &[]), group(&mut server, ada, &[]));
    let filter = EventFilter { groups: vec![EventGroup::Reactions as i32], ..Default::default() };
    create(&mut server, ada, CreateOf::Room(quiet.clone()), Some(filter));
    create(&mut server, ada, CreateOf::Room(room.clone()), None);
    server.post();
    server.outside.take();
    say(&mut server, ada, &quiet, 2_000);
    let wanted = send(&mut server, ada, &room, "wanted");
    server.post();
    assert_eq!(server.outside.take(), [wanted]);
}

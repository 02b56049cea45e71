//! Outgoing webhooks beside one another: none is in another's way, nor a room in another room's.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::ports::{clock::Clock, posts::PostError};
use parlour_inproc::{Server, accounts::acme, group, send};
use parlour_protocol::{
    account::{CreateKeyRequest, CreateServiceAccountRequest},
    generated::rpc,
    webhook::{
        create_webhook_request::Of as CreateOf, list_webhooks_request::Of as ListOf,
        resume_webhook_request::Of as ResumeOf, *,
    },
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

fn listed(server: &mut Server, by: usize, room: &Bytes) -> Vec<Webhook> {
    let request = ListWebhooksRequest { of: Some(ListOf::Room(room.clone())) };
    server.call::<rpc::ListWebhooks>(by, &request).unwrap().webhooks
}

#[test]
fn one_that_goes_on_waits_until_its_last_post_has_ended() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    create(&mut server, ada, CreateOf::Room(room.clone()), None);
    let slow = server.begin_post().unwrap();
    let request = ResumeWebhookRequest {
        of: Some(ResumeOf::Room(room.clone())),
        webhook: listed(&mut server, ada, &room)[0].id.clone(),
        from_seq: 1,
        replay_room: Bytes::new(),
    };
    server.call::<rpc::ResumeWebhook>(ada, &request).unwrap();
    assert!(server.begin_post().is_none(), "two at once");
    server.end_post(slow, Err(PostError::TooSlow));
    let first = server.begin_post().unwrap();
    assert_eq!(first.post.seq, 1, "that of before says nothing any more");
    assert!(server.begin_post().is_none());
}

#[test]
fn one_owner_leaves_places_for_others() {
    let mut server = Server::new();
    let owners = ["ada", "ben", "cem", "dan", "eve"].map(|name| server.connect(name));
    for owner in owners {
        let room = group(&mut server, owner, &[]);
        for _ in 0..12 {
            create(&mut server, owner, CreateOf::Room(room.clone()), None);
        }
    }
    let mut begun = vec![];
    while let Some(delivery) = server.begin_post() {
        begun.push(delivery);
    }
    // Eight of each, and no more of one organization than leaves some for others.
    assert_eq!(begun.len(), 24);
    let courier = server.take_courier();
    let now = server.hand.now();
    // Only an end makes a place: there is nothing to do before but to keep what was done.
    assert!(courier.deadline(now).is_none_or(|due| due > now.elapsed));
    server.put_courier(courier);
    server.end_post(begun.pop().unwrap(), Ok(()));
    assert!(server.begin_post().is_some() && server.begin_post().is_none());
}

#[test]
fn a_stop_that_cannot_be_committed_holds_up_no_other() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    for _ in 0..2 {
        let room = group(&mut server, ada, &[]);
        create(&mut server, ada, CreateOf::Room(room), None);
        let delivery = server.begin_post().unwrap();
        server.end_post(delivery, Err(PostError::Status(410, None)));
    }
    let mut courier = server.take_courier();
    let now = server.hand.now();
    let next = |server: &Server, courier: &mut parlour_core::webhooks::courier::Courier, now| {
        server.runtime.block_on(courier.next_stop(now)).unwrap()
    };
    let first = next(&server, &mut courier, now).unwrap();
    courier.handle_unstoppable(first.line, now);
    let second = next(&server, &mut courier, now).unwrap();
    assert_ne!(first.line, second.line);
    courier.handle_stopped(second.line, second.state);
    assert!(next(&server, &mut courier, now).is_none());
    let again_at = courier.deadline(now).unwrap();
    assert!(again_at > now.elapsed);
    server.advance(again_at - now.elapsed);
    let now = server.hand.now();
    assert_eq!(next(&server, &mut courier, now).unwrap().line, first.line);
}

//! Outgoing webhooks without a network: what they post, in which order, how often, and what they don't.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::ports::posts::PostError;
use parlour_inproc::{
    Server,
    accounts::{acme, reason},
    group, send, user,
};
use parlour_protocol::{
    access::{Permission, PermissionOverride, SetOverridesRequest, permission_override::Subject},
    account::*,
    directory::{self as wire, change::Change as What, *},
    generated::{EventMessage, rpc},
    message::DeleteRequest,
    room::*,
    webhook::{
        create_webhook_request::Of as CreateOf, list_webhooks_request::Of as ListOf,
        resume_webhook_request::Of as ResumeOf, revoke_webhook_request::Of as RevokeOf, *,
    },
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

const HOUR: Duration = Duration::from_secs(3600);

fn new(server: &mut Server, of: CreateOf) -> CreateWebhookRequest {
    CreateWebhookRequest {
        of: Some(of),
        client_ref: server.client_ref().to_field(),
        name: "of a test".into(),
        url: "https://example.org/secret/path".into(),
        filter: None,
    }
}

fn of_room(server: &mut Server, client: usize, room: &Bytes) -> CreateWebhookResponse {
    let request = new(server, CreateOf::Room(room.clone()));
    server.call::<rpc::CreateWebhook>(client, &request).unwrap()
}

fn listed(server: &mut Server, client: usize, room: &Bytes) -> Webhook {
    let request = ListWebhooksRequest { of: Some(ListOf::Room(room.clone())) };
    let mut webhooks = server.call::<rpc::ListWebhooks>(client, &request).unwrap().webhooks;
    assert_eq!(webhooks.len(), 1);
    webhooks.remove(0)
}

fn resume(server: &mut Server, client: usize, room: &Bytes, id: &Bytes, from_seq: u64) {
    let request = ResumeWebhookRequest {
        of: Some(ResumeOf::Room(room.clone())),
        webhook: id.clone(),
        from_seq,
        replay_room: Bytes::new(),
    };
    server.call::<rpc::ResumeWebhook>(client, &request).unwrap();
}

fn kinds(server: &mut Server, client: usize) -> Vec<u32> {
    server.deliver();
    let heard = server.clients[client].heard();
    heard.into_iter().map(|event| event.header.unwrap().kind).collect()
}

/// A room of two, with a webhook of whoever made it, which has posted all there was.
fn hooked() -> (Server, usize, usize, Bytes, Webhook) {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    send(&mut server, ada, &room, "before it was made");
    let made = of_room(&mut server, ada, &room);
    assert!(made.secret.starts_with("whsec_"));
    server.post();
    // It begins with its own making.
    assert_eq!(server.outside.take(), [3]);
    (server, ada, ben, room, made.webhook.unwrap())
}

#[test]
fn what_happens_in_the_room_is_posted_in_order() {
    let (mut server, ada, ben, room, hook) = hooked();
    for n in 0..40 {
        send(&mut server, [ada, ben][n % 2], &room, "hello");
    }
    server.post();
    let posts = server.outside.posts.lock().unwrap().clone();
    assert_eq!(posts.iter().map(|post| post.seq).collect::<Vec<_>>(), (4..44).collect::<Vec<_>>());
    let post = &posts[0];
    assert_eq!(post.webhook.to_field(), hook.id);
    assert_eq!((&*post.url, post.room.to_field()), ("https://example.org/secret/path", room));
    let event = Event::decode(post.event.clone()).unwrap();
    assert_eq!(event.header.unwrap().seq, 4);
    assert_eq!(post.secret.len(), 32);
}

#[test]
fn what_is_not_taken_comes_again_before_what_is_behind_it() {
    let (mut server, ada, _, room, _) = hooked();
    server.outside.answer([Err(PostError::Status(500, None)), Err(PostError::TooSlow)]);
    send(&mut server, ada, &room, "one");
    send(&mut server, ada, &room, "two");
    server.post();
    assert_eq!(server.outside.take(), [4]);
    let seen = listed(&mut server, ada, &room);
    server.advance(Duration::from_secs(1));
    server.post();
    assert_eq!(server.outside.take(), [4]);
    server.advance(Duration::from_secs(2));
    server.post();
    assert_eq!(server.outside.take(), [4, 5]);
    server.advance(Duration::from_secs(2));
    server.post();
    assert_eq!(seen.state(), WebhookState::Active);
    assert_eq!(listed(&mut server, ada, &room).failures, 0);
}

#[test]
fn nothing_is_lost_over_a_crash_and_little_comes_twice() {
    let (mut server, ada, _, room, _) = hooked();
    for _ in 0..5 {
        send(&mut server, ada, &room, "hello");
    }
    server.advance(Duration::from_secs(2));
    server.post();
    assert_eq!(server.outside.take(), [4, 5, 6, 7, 8]);
    // How far it came is kept, but not what came right before the end.
    server.forget_courier();
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    for _ in 0..2 {
        send(&mut server, ada, &room, "hello");
        server.post();
    }
    server.forget_courier();
    send(&mut server, ada, &room, "hello");
    server.post();
    assert_eq!(server.outside.take(), [9, 10, 10, 11]);
    // While nobody posted.
    server.advance(Duration::from_secs(2));
    server.post();
    server.forget_courier();
    send(&mut server, ada, &room, "hello");
    server.post();
    assert_eq!(server.outside.take(), [12]);
}

#[test]
fn a_filter_leaves_out_and_goes_on() {
    let (mut server, ada, ben, room, _) = hooked();
    let request = CreateWebhookRequest {
        filter: Some(EventFilter {
            groups: vec![EventGroup::Messages as i32, EventGroup::Deletes as i32],
            skip_own: true,
            ..EventFilter::default()
        }),
        ..new(&mut server, CreateOf::Room(room.clone()))
    };
    let made = server.call::<rpc::CreateWebhook>(ada, &request).unwrap().webhook.unwrap();
    let own = send(&mut server, ada, &room, "her own");
    let text = send(&mut server, ben, &room, "his");
    let rename = RenameRoomRequest { room: room.clone(), name: "another".into() };
    server.call::<rpc::RenameRoom>(ada, &rename).unwrap();
    let delete = DeleteRequest { room: room.clone(), target_seq: text, ..Default::default() };
    let delete = DeleteRequest { client_ref: server.client_ref().to_field(), ..delete };
    let deleted = server.call::<rpc::Delete>(ben, &delete).unwrap().seq;
    server.post();
    let posts = server.outside.posts.lock().unwrap().clone();
    let of = |id: &Bytes| -> Vec<u64> {
        posts.iter().filter(|post| post.webhook.to_field() == *id).map(|post| post.seq).collect()
    };
    assert_eq!(of(&made.id), [text, deleted]);
    let all = of(&listed_all(&mut server, ada, &room)[0].id);
    assert_eq!(all, [4, own, text, own + 2, deleted]);
    // What was deleted before it was posted has no body any more.
    let event = posts.iter().find(|post| post.seq == text).unwrap();
    assert!(Event::decode(event.event.clone()).unwrap().body.is_empty());
    // Long stretches without anything wanted are passed over.
    server.outside.take();
    for _ in 0..100 {
        send(&mut server, ada, &room, "her own");
    }
    let last = send(&mut server, ben, &room, "his");
    server.post();
    let posts = server.outside.posts.lock().unwrap().clone();
    let seqs: Vec<u64> = posts
        .iter()
        .filter(|post| post.webhook.to_field() == made.id)
        .map(|post| post.seq)
        .collect();
    assert_eq!(seqs, [last]);
}

fn listed_all(server: &mut Server, client: usize, room: &Bytes) -> Vec<Webhook> {
    let request = ListWebhooksRequest { of: Some(ListOf::Room(room.clone())) };
    server.call::<rpc::ListWebhooks>(client, &request).unwrap().webhooks
}

#[test]
fn whoever_loses_the_room_reads_no_more_of_it() {
    let (mut server, ada, ben, room, hook) = hooked();
    // Ben may look after it, and makes it his own.
    let overrides = vec![PermissionOverride {
        allow: 1 << (Permission::ManageWebhooks as u64 - 1),
        ..ben_alone(&server, ben)
    }];
    let request = SetOverridesRequest { room: room.clone(), overrides };
    server.call::<rpc::SetOverrides>(ada, &request).unwrap();
    resume(&mut server, ben, &room, &hook.id, 0);
    server.post();
    server.outside.take();
    server.clients[ada].heard();
    let remove =
        RemoveMemberRequest { room: room.clone(), user: server.clients[ben].user.to_field() };
    server.call::<rpc::RemoveMember>(ada, &remove).unwrap();
    send(&mut server, ada, &room, "not for him");
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    assert!(kinds(&mut server, ada).contains(&WebhookStopped::RULE.kind));
    assert_eq!(listed(&mut server, ada, &room).state(), WebhookState::NoAccess);
    // It stays so over a restart, until somebody who may lets it go on.
    server.forget_courier();
    send(&mut server, ada, &room, "neither");
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    resume(&mut server, ada, &room, &hook.id, 0);
    server.post();
    assert!(!server.outside.take().is_empty());
    assert_eq!(listed(&mut server, ada, &room).owner, server.clients[ada].user.to_field());
}

fn ben_alone(server: &Server, ben: usize) -> PermissionOverride {
    let subject = Some(Subject::User(server.clients[ben].user.to_field()));
    PermissionOverride { subject, ..PermissionOverride::default() }
}

#[test]
fn what_fails_for_days_is_stopped_and_goes_on_where_it_was() {
    let (mut server, ada, _, room, hook) = hooked();
    server.clients[ada].heard();
    send(&mut server, ada, &room, "nobody takes it");
    let mut tries = 0;
    while listed(&mut server, ada, &room).state() == WebhookState::Active {
        server.outside.answer([Err(PostError::Unreachable)]);
        server.post();
        server.advance(HOUR);
        tries += 1;
        assert!(tries < 100);
    }
    assert!(tries > 72, "for three days: {tries}");
    assert!(kinds(&mut server, ada).contains(&WebhookStopped::RULE.kind));
    let seen = listed(&mut server, ada, &room);
    assert_eq!(seen.state(), WebhookState::Failed);
    assert!(seen.failing_since_ms > 0 && seen.failures > 70);
    assert_eq!(seen.problem, "nobody answers there");
    server.outside.answers.lock().unwrap().clear();
    server.outside.take();
    server.forget_courier();
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    resume(&mut server, ada, &room, &hook.id, 0);
    server.post();
    // The message, the stop, and that it goes on.
    assert_eq!(server.outside.take(), [4, 5, 6]);
    assert_eq!(listed(&mut server, ada, &room).state(), WebhookState::Active);
}

#[test]
fn one_that_says_it_is_gone_is_stopped_at_once() {
    let (mut server, ada, _, room, _) = hooked();
    server.outside.answer([Err(PostError::Status(410, None))]);
    send(&mut server, ada, &room, "to nobody");
    server.post();
    assert_eq!(listed(&mut server, ada, &room).state(), WebhookState::Gone);
    server.advance(HOUR);
    server.post();
    assert_eq!(server.outside.take(), [4]);
}

#[test]
fn events_are_gone_over_once_more() {
    let (mut server, ada, _, room, hook) = hooked();
    for _ in 0..3 {
        send(&mut server, ada, &room, "hello");
    }
    server.post();
    assert_eq!(server.outside.take(), [4, 5, 6]);
    server.advance(Duration::from_secs(2));
    resume(&mut server, ada, &room, &hook.id, 5);
    // What the courier still had to say about before doesn't count.
    server.post();
    assert_eq!(server.outside.take(), [5, 6, 7]);
    server.advance(Duration::from_secs(2));
    server.post();
    server.forget_courier();
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    let request = ResumeWebhookRequest {
        of: Some(ResumeOf::Room(room.clone())),
        webhook: hook.id,
        from_seq: 99,
        replay_room: Bytes::new(),
    };
    let refused = server.call::<rpc::ResumeWebhook>(ada, &request).unwrap_err();
    assert_eq!(refused.violations[0].field, "from_seq");
}

#[test]
fn a_revoked_one_posts_no_more_and_is_not_made_again() {
    let (mut server, ada, ben, room, hook) = hooked();
    let request =
        RevokeWebhookRequest { of: Some(RevokeOf::Room(room.clone())), webhook: hook.id.clone() };
    let refused = server.call::<rpc::RevokeWebhook>(ben, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::NotAllowed);
    send(&mut server, ada, &room, "too late");
    server.call::<rpc::RevokeWebhook>(ada, &request).unwrap();
    server.advance(Duration::from_secs(2));
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    assert!(listed_all(&mut server, ada, &room).is_empty());
    let refused = server.call::<rpc::RevokeWebhook>(ada, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::WebhookNotFound);
}

#[test]
fn making_one_again_is_the_same_one_and_there_is_a_bound() {
    let (mut server, ada, ben, room, _) = hooked();
    let request = new(&mut server, CreateOf::Room(room.clone()));
    let first = server.call::<rpc::CreateWebhook>(ada, &request).unwrap();
    let again = server.call::<rpc::CreateWebhook>(ada, &request).unwrap();
    assert!(again.deduplicated && again.secret.is_empty());
    assert_eq!(first.webhook.unwrap().id, again.webhook.unwrap().id);
    let other = CreateWebhookRequest { name: "another".into(), ..request.clone() };
    let refused = server.call::<rpc::CreateWebhook>(ada, &other).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RefConflict);
    for (field, request) in [
        ("url", CreateWebhookRequest { url: "http://example.org".into(), ..request.clone() }),
        ("url", CreateWebhookRequest { url: "x".repeat(2049), ..request.clone() }),
        ("name", CreateWebhookRequest { name: String::new(), ..request.clone() }),
    ] {
        let refused = server.call::<rpc::CreateWebhook>(ada, &request).unwrap_err();
        assert_eq!(refused.violations[0].field, field);
    }
    let refused = server.call::<rpc::CreateWebhook>(ben, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::NotAllowed);
    for _ in 2..20 {
        of_room(&mut server, ada, &room);
    }
    let request = new(&mut server, CreateOf::Room(room));
    let refused = server.call::<rpc::CreateWebhook>(ada, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::TooManyWebhooks);
}

#[test]
fn members_see_that_it_is_there_but_not_where_it_leads() {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    server.clients[ben].heard();
    of_room(&mut server, ada, &room);
    server.deliver();
    let events = server.clients[ben].heard();
    let made = WebhookCreated::decode(events[0].body.clone()).unwrap().webhook.unwrap();
    assert_eq!(made.url, "https://example.org");
    assert_eq!(listed(&mut server, ada, &room).url, "https://example.org/secret/path");
}

fn bot(server: &mut Server, admin: usize) -> usize {
    let request = CreateServiceAccountRequest { subject: "deploy".into(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(admin, &request).unwrap();
    let request =
        CreateKeyRequest { subject: "deploy".into(), name: "first".into(), ..Default::default() };
    let secret = server.call::<rpc::CreateKey>(admin, &request).unwrap().secret;
    server.connect(&secret)
}

fn of_account(server: &mut Server, client: usize) -> Result<CreateWebhookResponse, Error> {
    let request = new(server, CreateOf::Account("deploy".into()));
    server.call::<rpc::CreateWebhook>(client, &request)
}

#[test]
fn a_service_accounts_webhook_posts_from_every_room_it_is_in() {
    let (mut server, admin) = acme();
    let deploy = bot(&mut server, admin);
    let ada = server.connect("ada");
    let old = group(&mut server, ada, &[deploy]);
    let elsewhere = group(&mut server, ada, &[]);
    send(&mut server, ada, &old, "before");
    server.advance(Duration::from_secs(1));
    let hook = of_account(&mut server, admin).unwrap().webhook.unwrap();
    server.advance(Duration::from_secs(1));
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());
    send(&mut server, ada, &old, "in the old room");
    send(&mut server, ada, &elsewhere, "not for it");
    server.post();
    assert_eq!(server.outside.take(), [3]);
    // From a room it comes into, what brought it in and what follows; nothing from before.
    for _ in 0..3 {
        send(&mut server, ada, &elsewhere, "not for it");
    }
    let add = AddMembersRequest {
        room: elsewhere.clone(),
        members: vec![user(server.clients[deploy].user)],
    };
    server.call::<rpc::AddMembers>(ada, &add).unwrap();
    send(&mut server, ada, &elsewhere, "for it");
    server.post();
    assert_eq!(server.outside.take(), [6, 7]);
    server.advance(Duration::from_secs(2));
    server.post();
    server.forget_courier();
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());

    // Out of the room it hears nothing of it, and the other one goes on.
    let remove = RemoveMemberRequest {
        room: elsewhere.clone(),
        user: server.clients[deploy].user.to_field(),
    };
    server.call::<rpc::RemoveMember>(ada, &remove).unwrap();
    send(&mut server, ada, &elsewhere, "not for it");
    let last = send(&mut server, ada, &old, "for it");
    server.post();
    assert_eq!(server.outside.take(), [last]);

    // Nor while it is deactivated.
    let out = PutUser { subject: "deploy".into(), deactivated: Some(true), ..PutUser::default() };
    let change = wire::Change { change: Some(What::PutUser(out)) };
    let request = ChangeDirectoryRequest { changes: vec![change], dry_run: false };
    server.call::<rpc::ChangeDirectory>(admin, &request).unwrap();
    send(&mut server, ada, &old, "not for it");
    server.post();
    assert_eq!(server.outside.take(), Vec::<u64>::new());

    // What was done is in the audit log, without the path.
    let request = ReadAuditRequest { from_seq: 0, limit: 50 };
    let entries = server.call::<rpc::ReadAudit>(admin, &request).unwrap().entries;
    let changed: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.kind == WebhooksChanged::RULE.kind)
        .map(|entry| WebhooksChanged::decode(entry.body).unwrap())
        .collect();
    assert_eq!(changed.len(), 1);
    let told = changed[0].webhook.clone().unwrap();
    assert_eq!((changed[0].action(), told.id), (WebhookAction::Created, hook.id));
    assert_eq!((&*changed[0].subject, &*told.url), ("deploy", "https://example.org"));
}

#[test]
fn a_service_accounts_webhook_is_an_admins() {
    let (mut server, admin) = acme();
    bot(&mut server, admin);
    let guest = server.connect("guest");
    let refused = of_account(&mut server, guest).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::ScopeMissing);
    let request = new(&mut server, CreateOf::Account("alice".into()));
    let refused = server.call::<rpc::CreateWebhook>(admin, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::AccountNotFound);
    let made = of_account(&mut server, admin).unwrap().webhook.unwrap();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let resume = ResumeWebhookRequest {
        of: Some(ResumeOf::Account("deploy".into())),
        webhook: made.id.clone(),
        from_seq: 1,
        replay_room: room,
    };
    let refused = server.call::<rpc::ResumeWebhook>(admin, &resume).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RoomNotFound, "a room it isn't in");
    let stop =
        RevokeWebhookRequest { of: Some(RevokeOf::Account("deploy".into())), webhook: made.id };
    server.call::<rpc::RevokeWebhook>(admin, &stop).unwrap();
    let list = ListWebhooksRequest { of: Some(ListOf::Account("deploy".into())) };
    assert!(server.call::<rpc::ListWebhooks>(admin, &list).unwrap().webhooks.is_empty());
}

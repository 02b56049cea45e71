//! What is said of what holds secrets.

use std::fmt::Debug;

use bytes::Bytes;
use parlour_protocol::{
    account::CreateKeyResponse,
    ids::{RoomId, UserId, WebhookId},
    webhook::{CreateWebhookRequest, CreateWebhookResponse},
    wire::{PasswordSignIn, SignIn, SignedIn, sign_in::How},
};

use crate::{
    accounts::rows::{AccountRow, CodeRow, InviteRow, KeyRow, LoginRow, SpentRow, UseRow},
    draft::{Again, NewEvent},
    hooks::HookRow,
    hub::Outbox,
    ports::{
        posts::Post,
        store::{Append, Erase, LogKey, Put, Shard, Stored},
    },
    session::Output,
    tables::Table,
    webhooks::{
        courier::Delivery,
        rows::{Scope, Webhook, WebhookRow},
    },
};

const SECRET: &str = "hunter2";

/// Says nothing of [`SECRET`], neither as text nor as numbers.
fn check(what: &dyn Debug) {
    let shown = format!("{what:?} {what:#?}");
    let numbers = format!("{:?}", SECRET.as_bytes());
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!shown.contains(numbers.trim_matches(['[', ']'])), "{shown}");
}

fn text() -> String {
    SECRET.into()
}

fn bytes() -> Bytes {
    Bytes::from_static(SECRET.as_bytes())
}

#[test]
fn webhooks_tell_neither_their_secret_nor_their_address() {
    let (room, webhook) = (RoomId::from_bytes([1; 16]), WebhookId::from_bytes([2; 16]));
    let post = Post {
        webhook,
        url: format!("https://example.org/{SECRET}").into(),
        secret: SECRET.as_bytes().into(),
        room,
        seq: 7,
        event: bytes(),
    };
    let shown = format!("{post:?}");
    assert!(shown.contains("seq: 7"), "{shown}");
    check(&post);
    check(&Delivery { line: (Scope::Room(room), webhook), epoch: 0, post });
    let row = WebhookRow { name: text(), url: text(), secret: bytes(), ..WebhookRow::default() };
    check(&Webhook { scope: Scope::Room(room), id: webhook, row });
    check(&CreateWebhookResponse { secret: text(), ..Default::default() });
    check(&CreateWebhookRequest { url: text(), ..Default::default() });
    check(&HookRow { name: text(), secret: bytes(), ..HookRow::default() });
}

#[test]
fn accounts_tell_no_hash_and_nothing_of_people() {
    check(&AccountRow { subject: text(), password: text(), link: bytes(), ..Default::default() });
    check(&LoginRow { secret: bytes(), before: bytes(), agent: text(), ..Default::default() });
    check(&CodeRow { user: bytes(), invite: bytes(), expires_ms: 1 });
    check(&SpentRow { login: bytes(), secret: bytes(), of: bytes() });
    check(&InviteRow { label: text(), ..Default::default() });
    check(&UseRow { subject: text(), note: text(), secret: bytes(), ..Default::default() });
    check(&CreateKeyResponse { secret: text(), ..Default::default() });
    check(&SignedIn { token: text(), login: bytes(), ..Default::default() });
    let password = PasswordSignIn { password: text(), ..Default::default() };
    check(&SignIn { how: Some(How::Password(password)), ..Default::default() });
    check(&KeyRow { name: text(), secret: bytes(), creator: text(), ..Default::default() });
}

#[test]
fn what_is_on_its_way_tells_no_content() {
    let log = LogKey::Room(RoomId::from_bytes([1; 16]));
    check(&Put { table: Table::API_KEYS, key: bytes(), value: Some(bytes()) });
    check(&Append { log, expected_seq: 1, records: vec![bytes()], state: bytes() });
    check(&Erase { log, seq: 1, record: bytes() });
    check(&Stored { seq: 1, record: Some(bytes()) });
    check(&NewEvent::new(UserId::from_bytes([1; 16]), 10, bytes()));
    check(&Again::first(30, bytes(), None));
    check(&Output::Send(bytes()));
    let mut outbox = Outbox::default();
    let _ = outbox.push_control(bytes());
    check(&outbox);
    let mut rows = crate::draft::RowsDraft::new(Shard::Node, vec![]);
    rows.tells = Some((UserId::from_bytes([1; 16]), bytes()));
    rows.puts.push(Put { table: Table::WEBHOOKS, key: bytes(), value: Some(bytes()) });
    check(&rows);
}

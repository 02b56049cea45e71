//! The inbox and settings without a network: what was said to one is listed as long as one may read
//! it, and what one wants is known to all devices.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, group, message, send};
use parlour_protocol::{
    generated::{EventBody, rpc},
    inbox::*,
    marker::MarkReadRequest,
    message::{DeleteRequest, EditRequest, MessageEdited, SendRequest},
    room::RemoveMemberRequest,
    settings::*,
    sync::*,
    wire::{Error, ErrorReason, event_frame},
};
use prost::Message;

fn mention(server: &mut Server, by: usize, whom: usize, room: &Bytes, root: u64) -> u64 {
    // Each at a time of its own, so that their order is known.
    server.advance(Duration::from_millis(2));
    let mentions = vec![server.clients[whom].user.to_field()];
    let request = message(server, room, "you");
    let request = SendRequest { mentions, thread_root_seq: root, ..request };
    let seq = server.call::<rpc::Send>(by, &request).unwrap().seq;
    server.deliver();
    seq
}

fn page(server: &mut Server, by: usize, request: &ReadMentionsRequest) -> (Vec<Mention>, Bytes) {
    let items = server.bulk::<rpc::ReadMentions>(by, request).unwrap();
    let next = items.last().unwrap().next_page.clone();
    (items.into_iter().flat_map(|item| item.mentions).collect(), next)
}

fn inbox(server: &mut Server, by: usize) -> Vec<(u64, bool)> {
    let (mentions, next) = page(server, by, &ReadMentionsRequest::default());
    assert!(next.is_empty());
    let line = |m: &Mention| (m.message.as_ref().unwrap().header.as_ref().unwrap().seq, m.unread);
    mentions.iter().map(line).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn mentions_are_listed_newest_first_with_what_became_of_them() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let (one, two) = (group(&mut server, ann, &[ben]), group(&mut server, ann, &[ben]));
    let first = mention(&mut server, ann, ben, &one, 0);
    let second = mention(&mut server, ann, ben, &two, 0);
    let root = send(&mut server, ann, &one, "a root");
    let third = mention(&mut server, ann, ben, &one, root);
    assert_eq!(inbox(&mut server, ben), [(third, true), (second, true), (first, true)]);
    assert_eq!(inbox(&mut server, ann), []);
    let request = MarkReadRequest { room: one.clone(), seq: root };
    server.call::<rpc::MarkRead>(ben, &request).unwrap();
    assert_eq!(inbox(&mut server, ben), [(third, true), (second, true), (first, false)]);
    let unread = ReadMentionsRequest { unread_only: true, ..Default::default() };
    assert_eq!(page(&mut server, ben, &unread).0.len(), 2);
    // An edit comes with it, a deleted one doesn't come.
    let body =
        MessageEdited { text: "you all".into(), ..Default::default() }.encode_to_vec().into();
    let client_ref = server.client_ref().to_field();
    let edit = EditRequest { room: one.clone(), client_ref, target_seq: first, body };
    server.call::<rpc::Edit>(ann, &edit).unwrap();
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: two.clone(), client_ref, target_seq: second };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    server.deliver();
    let (mentions, _) = page(&mut server, ben, &ReadMentionsRequest::default());
    assert_eq!(mentions.len(), 2);
    assert_eq!((&mentions[1].room, mentions[1].amendments.len()), (&one, 1));
    // Nor does one of a room that is lost.
    let user = server.clients[ben].user.to_field();
    server.call::<rpc::RemoveMember>(ann, &RemoveMemberRequest { room: one, user }).unwrap();
    assert_eq!(inbox(&mut server, ben), []);
}

#[test]
fn pages_of_the_inbox_follow_each_other() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let mut all: Vec<u64> = (0..7).map(|_| mention(&mut server, ann, ben, &room, 0)).collect();
    all.reverse();
    let (mut found, mut next) = (vec![], Bytes::new());
    loop {
        let request = ReadMentionsRequest { page: next, limit: 3, unread_only: false };
        let (mentions, more) = page(&mut server, ben, &request);
        found.extend(mentions.into_iter().map(|m| m.message.unwrap().header.unwrap().seq));
        next = more;
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(found, all);
    let request = ReadMentionsRequest { limit: 101, ..Default::default() };
    assert_eq!(reason(server.bulk::<rpc::ReadMentions>(ben, &request)), ErrorReason::InvalidField);
    let page = Bytes::from_static(b"nonsense");
    let request = ReadMentionsRequest { page, ..Default::default() };
    assert_eq!(reason(server.bulk::<rpc::ReadMentions>(ben, &request)), ErrorReason::InvalidField);
}

fn digest(server: &mut Server, client: usize) -> RoomDigest {
    let items = server.bulk::<rpc::Sync>(client, &SyncRequest::default()).unwrap();
    let mut digests = items.into_iter().filter_map(|item| match item.item {
        Some(sync_item::Item::Digests(digests)) => digests.rooms.into_iter().next(),
        _ => None,
    });
    digests.next().unwrap()
}

/// Bodies of the user's own log heard since it was last asked.
fn told(server: &mut Server, client: usize) -> Vec<EventBody> {
    server.deliver();
    let frames = std::mem::take(&mut server.clients[client].frames);
    let of = |frame| match frame {
        event_frame::Frame::UserEvents(events) => Some(events.events),
        _ => None,
    };
    let events = frames.into_iter().filter_map(of).flatten();
    events.map(|e| EventBody::decode(e.header.unwrap().kind, e.body).unwrap()).collect()
}

#[test]
fn what_one_wants_of_a_room_is_told_to_all_devices_and_kept() {
    let mut server = Server::new();
    let (ann, other, ben) = (server.connect("ann"), server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    assert_eq!(digest(&mut server, ann).settings, None);
    told(&mut server, other);
    let wanted = RoomSettings {
        level: NotificationLevel::Mentions as i32,
        muted_until_ms: 7,
        favourite: true,
        section: "work".into(),
    };
    let set = |settings| SetRoomSettingsRequest { room: room.clone(), settings: Some(settings) };
    server.call::<rpc::SetRoomSettings>(ann, &set(wanted.clone())).unwrap();
    let news = told(&mut server, other);
    assert!(
        matches!(&news[..], [EventBody::RoomSettingsChanged(c)] if c.settings == Some(wanted.clone()))
    );
    server.call::<rpc::SetRoomSettings>(ann, &set(wanted.clone())).unwrap();
    assert_eq!(told(&mut server, other), [], "it is so already");
    assert_eq!(digest(&mut server, ann).settings, Some(wanted.clone()));
    assert_eq!(digest(&mut server, ben).settings, None, "nobody else's");
    let long = RoomSettings { section: "x".repeat(65), ..wanted.clone() };
    let refused = server.call::<rpc::SetRoomSettings>(ann, &set(long));
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    let odd = RoomSettings { level: 99, ..wanted };
    let refused = server.call::<rpc::SetRoomSettings>(ann, &set(odd));
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    server.call::<rpc::SetRoomSettings>(ann, &set(RoomSettings::default())).unwrap();
    assert_eq!(digest(&mut server, ann).settings, None);
}

#[test]
fn what_one_wants_everywhere_is_kept_within_bounds() {
    let mut server = Server::new();
    let (ann, other) = (server.connect("ann"), server.connect("ann"));
    let get = |server: &mut Server| {
        server.call::<rpc::GetSettings>(other, &GetSettingsRequest {}).unwrap().settings.unwrap()
    };
    assert_eq!(get(&mut server), Settings::default());
    let wanted = Settings { keywords: vec!["release".into()], ..Settings::default() };
    let set = |settings: &Settings| SetSettingsRequest { settings: Some(settings.clone()) };
    server.call::<rpc::SetSettings>(ann, &set(&wanted)).unwrap();
    assert_eq!(get(&mut server), wanted);
    let news = told(&mut server, other);
    assert!(matches!(&news[..], [EventBody::SettingsChanged(_)]), "{news:?}");
    for keywords in [vec!["x".repeat(65)], vec![" ".into()], vec!["word".into(); 51]] {
        let refused =
            server.call::<rpc::SetSettings>(ann, &set(&Settings { keywords, ..wanted.clone() }));
        assert_eq!(reason(refused), ErrorReason::InvalidField);
    }
    assert_eq!(get(&mut server), wanted);
}

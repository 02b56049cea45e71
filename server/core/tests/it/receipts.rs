//! Receipts without a network: who has read how far is kept, told in small rooms, and hidden by who
//! wants it hidden.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, group, group_of, send, user};
use parlour_protocol::{
    generated::{EventMessage, rpc},
    ids::UserId,
    marker::{MarkReadRequest, MarkUnreadRequest},
    people::BlockUserRequest,
    receipt::*,
    room::{OpenDirectRequest, RemoveMemberRequest},
    settings::{SetSettingsRequest, Settings},
    wire::{Delivery, event_frame},
};
use prost::Message;

fn read(server: &mut Server, by: usize, room: &Bytes, seq: u64) {
    let request = MarkReadRequest { room: room.clone(), seq };
    server.call::<rpc::MarkRead>(by, &request).unwrap();
}

fn receipts(server: &mut Server, by: usize, room: &Bytes) -> Vec<(UserId, u64)> {
    let request = ListReceiptsRequest { room: room.clone(), ..Default::default() };
    let listed = server.call::<rpc::ListReceipts>(by, &request).unwrap();
    let of = |receipt: &Receipt| (UserId::parse(&receipt.user).unwrap(), receipt.seq);
    listed.receipts.iter().map(of).collect()
}

/// Receipts heard since it was last asked: who, and how far.
fn heard(server: &mut Server, client: usize) -> Vec<(UserId, u64)> {
    // Once to begin the wait for others, once to end it.
    server.advance(Duration::from_millis(1));
    server.advance(Duration::from_millis(300));
    server.deliver();
    let frames = std::mem::take(&mut server.clients[client].frames);
    let of = |frame| match frame {
        event_frame::Frame::Ephemeral(notice) if notice.kind == ReadReceipt::RULE.kind => {
            let read = ReadReceipt::decode(notice.body).unwrap();
            Some((UserId::parse(&notice.sender).unwrap(), read.seq))
        }
        _ => None,
    };
    frames.into_iter().filter_map(of).collect()
}

fn hide(server: &mut Server, by: usize, hide_receipts: bool) {
    let settings = Some(Settings { hide_receipts, ..Settings::default() });
    server.call::<rpc::SetSettings>(by, &SetSettingsRequest { settings }).unwrap();
}

#[test]
fn who_has_read_is_told_and_kept() {
    let mut server = Server::new();
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let room = group(&mut server, ann, &[ben, cyd]);
    let ben_id = server.clients[ben].user;
    let first = send(&mut server, ann, &room, "one");
    let second = send(&mut server, ann, &room, "two");
    heard(&mut server, ann);
    read(&mut server, ben, &room, first);
    read(&mut server, ben, &room, second);
    assert_eq!(heard(&mut server, ann), [(ben_id, second)], "of several the newest");
    assert_eq!(heard(&mut server, ann), [], "once");
    // Sending is having read; who has read nothing isn't listed.
    let mut listed = receipts(&mut server, cyd, &room);
    listed.sort();
    let mut expected = [(server.clients[ann].user, second), (ben_id, second)];
    expected.sort();
    assert_eq!(listed, expected);
    // Marking unread is nobody else's business, and takes the receipt back.
    let request = MarkUnreadRequest { room: room.clone(), seq: second };
    server.call::<rpc::MarkUnread>(ben, &request).unwrap();
    assert_eq!(heard(&mut server, ann), []);
    assert!(receipts(&mut server, ann, &room).contains(&(ben_id, second - 1)));
}

#[test]
fn who_hides_theirs_is_not_seen_and_does_not_see() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "one");
    hide(&mut server, ben, true);
    heard(&mut server, ann);
    read(&mut server, ben, &room, seq);
    assert_eq!(heard(&mut server, ann), []);
    let ann_id = server.clients[ann].user;
    assert_eq!(receipts(&mut server, ann, &room), [(ann_id, seq)]);
    assert_eq!(receipts(&mut server, ben, &room), []);
    hide(&mut server, ben, false);
    assert_eq!(receipts(&mut server, ben, &room).len(), 2);
}

#[test]
fn only_members_hear_and_a_busy_or_focused_connection_does_without() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let focused = server.connect_with("ann", Delivery::Focused);
    let eve = server.connect("eve");
    let room = group(&mut server, ann, &[ben, eve]);
    let seq = send(&mut server, ann, &room, "one");
    heard(&mut server, ann);
    // A marker that moves while its user is removed tells nobody, and nobody tells them.
    read(&mut server, eve, &room, seq);
    let gone =
        RemoveMemberRequest { room: room.clone(), user: server.clients[eve].user.to_field() };
    server.call::<rpc::RemoveMember>(ann, &gone).unwrap();
    read(&mut server, ben, &room, seq);
    let ben_id = server.clients[ben].user;
    assert_eq!(heard(&mut server, ann), [(ben_id, seq)]);
    assert_eq!(heard(&mut server, ben), [(ben_id, seq)], "who has read has other devices");
    for client in [focused, eve] {
        assert_eq!(heard(&mut server, client), [], "client {client}");
    }
    let request = ListReceiptsRequest { room, ..Default::default() };
    assert!(server.call::<rpc::ListReceipts>(eve, &request).is_err());
}

#[test]
fn large_rooms_are_paged_and_told_on_request_only() {
    let mut server = Server::new();
    let all: Vec<usize> = (0..51).map(|n| server.connect(&format!("user {n}"))).collect();
    let members = all.iter().map(|client| user(server.clients[*client].user)).collect();
    let room = group_of(&mut server, all[0], members);
    let seq = send(&mut server, all[0], &room, "one");
    heard(&mut server, all[0]);
    for client in &all[1..] {
        read(&mut server, *client, &room, seq);
    }
    assert_eq!(heard(&mut server, all[0]), []);
    let (mut found, mut page) = (0, Bytes::new());
    loop {
        let request = ListReceiptsRequest { room: room.clone(), page, page_size: 20 };
        let listed = server.call::<rpc::ListReceipts>(all[0], &request).unwrap();
        found += listed.receipts.len();
        page = listed.next_page;
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(found, 51);
    let request = ListReceiptsRequest { room, page: Bytes::new(), page_size: 501 };
    assert!(server.call::<rpc::ListReceipts>(all[0], &request).is_err());
}

#[test]
fn a_receipt_noted_before_a_block_is_not_told_behind_it() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let ben_id = server.clients[ben].user;
    let request = OpenDirectRequest { with: Some(user(ben_id)) };
    let room = server.call::<rpc::OpenDirect>(ann, &request).unwrap().room.unwrap().id;
    let first = send(&mut server, ann, &room, "one");
    heard(&mut server, ann);
    read(&mut server, ben, &room, first);
    assert_eq!(heard(&mut server, ann), [(ben_id, first)]);
    let second = send(&mut server, ann, &room, "two");
    heard(&mut server, ann);
    read(&mut server, ben, &room, second);
    let block = BlockUserRequest { user: Some(user(server.clients[ann].user)) };
    server.call::<rpc::BlockUser>(ben, &block).unwrap();
    assert_eq!(heard(&mut server, ann), []);
}

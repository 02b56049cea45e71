//! Threads without a network: who follows them, what is unread in them, what the room says of them.

use std::sync::Arc;

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_inproc::{Server, group, message, send};
use parlour_protocol::{
    access::Permission,
    generated::{EventBody, rpc},
    marker::Unread,
    message::*,
    room::RemoveMemberRequest,
    sync::*,
    thread::*,
    wire::{Error, ErrorReason, Event, EventHeader, event_frame},
};
use prost::Message;

fn reply(server: &mut Server, by: usize, room: &Bytes, root: u64, text: &str) -> u64 {
    let request = SendRequest { thread_root_seq: root, ..message(server, room, text) };
    server.call::<rpc::Send>(by, &request).unwrap().seq
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn digest(server: &mut Server, client: usize) -> RoomDigest {
    let items = server.bulk::<rpc::Sync>(client, &SyncRequest::default()).unwrap();
    let mut digests = items.into_iter().filter_map(|item| match item.item {
        Some(sync_item::Item::Digests(digests)) => digests.rooms.into_iter().next(),
        _ => None,
    });
    digests.next().unwrap()
}

/// What is unread in the threads that the client follows, by root.
fn followed(server: &mut Server, client: usize) -> Vec<(u64, u64, u64)> {
    let listed = server.call::<rpc::ListThreads>(client, &ListThreadsRequest::default()).unwrap();
    assert!(listed.next_page.is_empty());
    let line = |followed: &FollowedThread| {
        let unread = followed.unread.unwrap();
        (followed.thread.as_ref().unwrap().root_seq, unread.messages, unread.mentions)
    };
    listed.threads.iter().map(line).collect()
}

fn delete(server: &mut Server, by: usize, room: &Bytes, target_seq: u64) {
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::Delete>(by, &request).unwrap();
    server.deliver();
}

fn page(server: &mut Server, by: usize, room: &Bytes, root: u64, before: u64) -> ReadThreadItem {
    let request =
        ReadThreadRequest { room: room.clone(), root_seq: root, before_seq: before, limit: 2 };
    let items = server.bulk::<rpc::ReadThread>(by, &request).unwrap();
    let mut all = ReadThreadItem::default();
    for item in items {
        all.events.extend(item.events);
        all.amendments.extend(item.amendments);
        (all.at_start, all.thread) = (item.at_start, item.thread.or(all.thread));
    }
    all
}

fn headers(events: &[Event]) -> Vec<EventHeader> {
    events.iter().map(|event| event.header.clone().unwrap()).collect()
}

/// What the user's own log told since it was last asked.
fn told(server: &mut Server, client: usize) -> Vec<EventBody> {
    server.deliver();
    let frames = std::mem::take(&mut server.clients[client].frames);
    let of = |frame| match frame {
        event_frame::Frame::UserEvents(events) => Some(events.events),
        _ => None,
    };
    let events = frames.into_iter().filter_map(of).flatten();
    let body = |event: Event| EventBody::decode(event.header.unwrap().kind, event.body).unwrap();
    events.map(body).collect()
}

#[test]
fn a_reply_counts_in_its_thread_and_not_in_the_room() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    let before = digest(&mut server, ann);
    let first = reply(&mut server, ben, &room, root, "one");
    let second = reply(&mut server, ben, &room, root, "two");
    server.deliver();
    let heard = headers(&server.clients[ann].heard());
    let of: Vec<_> = heard.iter().filter(|h| h.thread_no > 0).collect();
    let places: Vec<_> = of.iter().map(|h| (h.seq, h.thread_root_seq, h.thread_no)).collect();
    assert_eq!(places, [(first, root, 1), (second, root, 2)]);
    let after = digest(&mut server, ann);
    assert_eq!((after.msg_no, after.unread), (before.msg_no, before.unread));
    assert_eq!(after.seq, second);
    assert_eq!(after.threads.len(), 1, "who wrote the root follows its thread");
    assert_eq!(after.threads[0].unread, Some(Unread { messages: 2, mentions: 0 }));
    // To who replies last, all of it is read.
    assert_eq!(followed(&mut server, ben), [(root, 0, 0)]);
    delete(&mut server, ben, &room, first);
    assert_eq!(followed(&mut server, ann), [(root, 1, 0)]);
    let unread = digest(&mut server, ann).unread;
    assert_eq!(unread, before.unread, "the room never counted it");
}

#[test]
fn following_begins_by_replying_and_by_being_mentioned() {
    let mut server = Server::new();
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let room = group(&mut server, ann, &[ben, cyd]);
    let root = send(&mut server, ann, &room, "well?");
    reply(&mut server, ben, &room, root, "one");
    server.deliver();
    assert_eq!(followed(&mut server, cyd), []);
    told(&mut server, cyd);
    let mentions = vec![server.clients[cyd].user.to_field()];
    let request = message(&mut server, &room, "you, too");
    let request = SendRequest { thread_root_seq: root, mentions, ..request };
    let seq = server.call::<rpc::Send>(ben, &request).unwrap().seq;
    let news = told(&mut server, cyd);
    assert!(matches!(&news[0], EventBody::Mentioned(m) if m.thread_root_seq == root), "{news:?}");
    assert!(matches!(&news[1], EventBody::ThreadFollowed(f) if f.root_seq == root), "{news:?}");
    assert_eq!(news.len(), 2);
    assert_eq!(followed(&mut server, cyd), [(root, 1, 1)], "from the mention on");
    assert_eq!(digest(&mut server, cyd).unread.unwrap().mentions, 0, "the room counts its own");
    delete(&mut server, ben, &room, seq);
    assert_eq!(followed(&mut server, cyd), [(root, 0, 0)]);
    // No longer, and no more by what others write.
    let request = UnfollowThreadRequest { room: room.clone(), root_seq: root };
    server.call::<rpc::UnfollowThread>(ann, &request).unwrap();
    reply(&mut server, ben, &room, root, "more");
    server.deliver();
    assert_eq!(followed(&mut server, ann), []);
    let request = FollowThreadRequest { room: room.clone(), root_seq: root };
    let again = server.call::<rpc::FollowThread>(ann, &request).unwrap().thread.unwrap();
    assert_eq!(again.unread, Some(Unread::default()), "what is there counts as read");
    reply(&mut server, ben, &room, root, "and more");
    assert_eq!(followed(&mut server, ann), [(root, 1, 0)]);
}

#[test]
fn markers_move_and_are_told_to_all_devices() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let other = server.connect("ann");
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    let seqs: Vec<u64> =
        (0..4).map(|n| reply(&mut server, ben, &room, root, &format!("{n}"))).collect();
    told(&mut server, other);
    let read = |seq| MarkThreadReadRequest { room: room.clone(), root_seq: root, seq };
    let marked = server.call::<rpc::MarkThreadRead>(ann, &read(seqs[1])).unwrap();
    assert_eq!(marked.unread.unwrap().messages, 2);
    let back = server.call::<rpc::MarkThreadRead>(ann, &read(seqs[0])).unwrap();
    assert_eq!(back.marker, marked.marker, "it never moves back");
    let news = told(&mut server, other);
    assert!(matches!(&news[..], [EventBody::ThreadMarkerMoved(m)] if m.marker == marked.marker));
    let unread = MarkThreadUnreadRequest { room: room.clone(), root_seq: root, seq: seqs[1] };
    let marked = server.call::<rpc::MarkThreadUnread>(ann, &unread).unwrap();
    assert_eq!(marked.unread.unwrap().messages, 3);
    let all = server.call::<rpc::MarkThreadRead>(ann, &read(u64::MAX)).unwrap();
    assert_eq!(all.unread, Some(Unread::default()));
    // An own reply reads what is before it.
    let request = MarkThreadUnreadRequest { room: room.clone(), root_seq: root, seq: root };
    let marked = server.call::<rpc::MarkThreadUnread>(ann, &request).unwrap();
    assert_eq!(marked.unread.unwrap().messages, 4);
    reply(&mut server, ann, &room, root, "so");
    assert_eq!(followed(&mut server, ann), [(root, 0, 0)]);
}

#[test]
fn a_page_of_a_thread_has_its_replies_and_what_amends_them() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    let seqs: Vec<u64> = (0..3)
        .map(|n| {
            send(&mut server, ben, &room, "between");
            reply(&mut server, ben, &room, root, &format!("{n}"))
        })
        .collect();
    let body = MessageEdited { text: "better".into(), ..Default::default() }.encode_to_vec().into();
    let client_ref = server.client_ref().to_field();
    let edit = EditRequest { room: room.clone(), client_ref, target_seq: seqs[1], body };
    server.call::<rpc::Edit>(ben, &edit).unwrap();
    let newest = page(&mut server, ann, &room, root, 0);
    let places = |page: &ReadThreadItem| headers(&page.events).iter().map(|h| h.seq).collect();
    assert_eq!((places(&newest), newest.at_start), (vec![seqs[1], seqs[2]], false));
    let amendments = headers(&newest.amendments);
    assert_eq!((amendments.len(), amendments[0].target_seq), (1, seqs[1]));
    assert_eq!(amendments[0].thread_root_seq, root, "an edit says where it belongs");
    let first = page(&mut server, ann, &room, root, seqs[1]);
    assert_eq!((places(&first), first.at_start), (vec![root, seqs[0]], true));
    let thread = first.thread.unwrap();
    assert_eq!((thread.thread_no, thread.last_seq, thread.deleted), (3, seqs[2], 0));
    assert_eq!(thread.repliers, [server.clients[ben].user.to_field()]);
    // The room's own page knows what stands under its messages.
    let request = ReadTimelineRequest { room: room.clone(), before_seq: root + 1, limit: 1 };
    let items = server.bulk::<rpc::ReadTimeline>(ann, &request).unwrap();
    assert_eq!(items[0].threads, [thread]);
    // A message without replies has a thread of none.
    let lonely = send(&mut server, ann, &room, "hm");
    let page = page(&mut server, ann, &room, lonely, 0);
    assert_eq!((places(&page), page.at_start), (vec![lonely], true));
}

#[test]
fn what_cant_be_a_thread_is_refused() {
    let mut server = Server::new();
    let (ann, ben, eve) = (server.connect("ann"), server.connect("ben"), server.connect("eve"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    let inner = reply(&mut server, ben, &room, root, "one");
    let base = message(&mut server, &room, "no");
    let in_thread = |thread_root_seq| SendRequest { thread_root_seq, ..base.clone() };
    let refused = server.call::<rpc::Send>(ben, &in_thread(inner));
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    let refused = server.call::<rpc::Send>(ben, &in_thread(9999));
    assert_eq!(reason(refused), ErrorReason::MessageNotFound);
    let everyone = SendRequest { mention_everyone: true, ..in_thread(root) };
    assert_eq!(reason(server.call::<rpc::Send>(ben, &everyone)), ErrorReason::InvalidField);
    assert_eq!(reason(server.call::<rpc::Send>(eve, &in_thread(root))), ErrorReason::RoomNotFound);
    let request = ReadThreadRequest { room: room.clone(), root_seq: root, ..Default::default() };
    assert_eq!(reason(server.bulk::<rpc::ReadThread>(eve, &request)), ErrorReason::RoomNotFound);
    let request = MarkThreadReadRequest { room: room.clone(), root_seq: 1, seq: 1 };
    let refused = server.call::<rpc::MarkThreadRead>(ben, &request);
    assert_eq!(reason(refused), ErrorReason::ThreadNotFollowed);
    let request = MarkThreadUnreadRequest { room: room.clone(), root_seq: root, seq: 1 };
    let refused = server.call::<rpc::MarkThreadUnread>(ben, &request);
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    delete(&mut server, ann, &room, root);
    let refused = server.call::<rpc::Send>(ben, &in_thread(root));
    assert_eq!(reason(refused), ErrorReason::MessageNotFound);
    assert_eq!(followed(&mut server, ben).len(), 1, "what was written stays");
}

#[test]
fn replying_is_a_permission_of_its_own() {
    use parlour_protocol::access::{
        PermissionOverride, SetOverridesRequest, permission_override::Subject,
    };
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "news");
    let bit = |permission: Permission| 1u64 << (permission as u64 - 1);
    let deny = |server: &mut Server, deny| {
        let subject = Some(Subject::Role("everyone".into()));
        let overrides = vec![PermissionOverride { subject, allow: 0, deny }];
        let request = SetOverridesRequest { room: room.clone(), overrides };
        server.call::<rpc::SetOverrides>(ann, &request).unwrap();
    };
    deny(&mut server, bit(Permission::Send));
    let base = message(&mut server, &room, "so");
    let plain = server.call::<rpc::Send>(ben, &base);
    assert_eq!(reason(plain), ErrorReason::NotAllowed);
    let in_thread = SendRequest { thread_root_seq: root, ..base };
    server.call::<rpc::Send>(ben, &in_thread).unwrap();
    deny(&mut server, bit(Permission::Reply));
    let in_thread = SendRequest { thread_root_seq: root, ..message(&mut server, &room, "so") };
    assert_eq!(reason(server.call::<rpc::Send>(ben, &in_thread)), ErrorReason::NotAllowed);
}

#[test]
fn who_left_the_room_has_no_threads_of_it() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    reply(&mut server, ben, &room, root, "one");
    server.deliver();
    assert_eq!(followed(&mut server, ben).len(), 1);
    let user = server.clients[ben].user.to_field();
    let request = RemoveMemberRequest { room: room.clone(), user };
    server.call::<rpc::RemoveMember>(ann, &request).unwrap();
    assert_eq!(followed(&mut server, ben), []);
}

#[test]
fn replies_that_come_together_are_numbered_in_turn() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    let mut calls = vec![];
    for n in 0..20 {
        let by = [ann, ben][n % 2];
        let request = message(&mut server, &room, "so");
        let request = SendRequest { thread_root_seq: root, ..request };
        // The same ref once more in the same group: it is one reply all the same.
        for _ in 0..1 + usize::from(n % 5 == 0) {
            calls.push((by, server.start::<rpc::Send>(by, &request)));
        }
    }
    server.run();
    server.deliver();
    for (by, call) in calls {
        server.answer::<rpc::Send>(by, call).unwrap();
    }
    let replies = headers(&server.clients[ann].heard());
    let numbers: Vec<u64> = replies.iter().map(|h| h.thread_no).filter(|no| *no > 0).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[test]
fn lists_are_paged_and_can_leave_out_what_is_read() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let mut roots = vec![];
    for _ in 0..5 {
        let root = send(&mut server, ann, &room, "well?");
        server.advance(std::time::Duration::from_millis(5));
        reply(&mut server, ben, &room, root, "one");
        server.deliver();
        roots.push(root);
    }
    roots.reverse();
    let (mut found, mut page) = (vec![], Bytes::new());
    loop {
        let request = ListThreadsRequest { page, page_size: 2, unread_only: false };
        let listed = server.call::<rpc::ListThreads>(ann, &request).unwrap();
        found.extend(listed.threads.into_iter().map(|t| t.thread.unwrap().root_seq));
        page = listed.next_page;
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(found, roots, "the newest reply first, each once");
    let request = ListThreadsRequest { unread_only: true, ..Default::default() };
    assert_eq!(server.call::<rpc::ListThreads>(ben, &request).unwrap().threads, []);
    assert_eq!(server.call::<rpc::ListThreads>(ann, &request).unwrap().threads.len(), 5);
    let request = ListThreadsRequest { page_size: 101, ..Default::default() };
    let refused = server.call::<rpc::ListThreads>(ann, &request);
    assert_eq!(reason(refused), ErrorReason::InvalidField);
}

#[test]
fn threads_are_what_they_were_after_a_restart() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "well?");
    reply(&mut server, ben, &room, root, "one");
    server.deliver();
    let mut server = Server::over(store);
    server.recover();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    reply(&mut server, ben, &room, root, "two");
    server.deliver();
    assert_eq!(followed(&mut server, ann), [(root, 2, 0)]);
    let thread = page(&mut server, ann, &room, root, 0).thread.unwrap();
    assert_eq!(thread.thread_no, 2);
}

//! Polls as others are told of them: in pages, threads and searches, without a name where nobody is to
//! know, and gone with their messages.

use std::time::Duration;

use crate::asking::*;
use bytes::Bytes;
use parlour_core::tables::Table;
use parlour_inproc::{Server, group, message, send};
use parlour_protocol::{
    generated::{EventBody, rpc},
    message::*,
    poll::*,
    search::SearchMessagesRequest,
    sync::*,
    thread::ReadThreadRequest,
    wire::{ErrorReason, event_frame},
};
use prost::Message;

#[test]
fn nobody_learns_who_voted_in_an_anonymous_poll() {
    let mut server = Server::new();
    let (ann, ben, desk) = (server.connect("ann"), server.connect("ben"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    send(&mut server, ben, &room, "the last word of ben's before the poll");
    let seq = ask(&mut server, ann, &room, lunch(2, true));
    let before = server.clients[ann].frames.len();
    let client_refs: Vec<Bytes> = [&[0, 1][..], &[1], &[], &[2]]
        .map(|choices| {
            let request = voting(&mut server, &room, seq, choices);
            server.call::<rpc::Vote>(ben, &request).unwrap();
            request.client_ref
        })
        .into();
    server.advance(Duration::from_secs(120));
    server.deliver();
    // All that ann can hear or read, byte for byte.
    let mut told: Vec<Vec<u8>> = server.clients[ann].frames[before..]
        .iter()
        .map(|frame| {
            let frame = Some(frame.clone());
            parlour_protocol::wire::EventFrame { frame }.encode_to_vec()
        })
        .collect();
    let events = log(&mut server, ann, &room);
    told.extend(events.iter().skip(seq as usize - 1).map(Message::encode_to_vec));
    let timeline = ReadTimelineRequest { room: room.clone(), before_seq: 0, limit: 5 };
    let items = server.bulk::<rpc::ReadTimeline>(ann, &timeline).unwrap();
    told.extend(items.iter().map(Message::encode_to_vec));
    told.push(poll(&mut server, ann, &room, seq).encode_to_vec());
    let sync = server.bulk::<rpc::Sync>(ann, &SyncRequest::default()).unwrap();
    told.extend(sync.iter().map(Message::encode_to_vec));
    server.index();
    let lunch = SearchMessagesRequest { text: "lunch".into(), ..Default::default() };
    let hits = server.bulk::<rpc::SearchMessages>(ann, &lunch).unwrap();
    told.extend(hits.iter().map(Message::encode_to_vec));
    let voter = server.clients[ben].user.to_field();
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    for bytes in &told {
        // The room's members and creator are no secret; nothing of this names them.
        assert!(!holds(bytes, &voter), "the voter is named");
        assert!(client_refs.iter().all(|client_ref| !holds(bytes, client_ref)), "a ref is told");
    }
    let error = voters(&mut server, ann, &room, seq);
    assert_eq!(reason(error), ErrorReason::PollAnonymous);
    assert_eq!(poll(&mut server, ann, &room, seq).own_seq, 0);
    // The same is found where it may be known.
    let named = ask(&mut server, ann, &room, self::lunch(1, false));
    vote(&mut server, ben, &room, named, &[0]);
    let told = log(&mut server, ann, &room).pop().unwrap().encode_to_vec();
    assert!(holds(&told, &voter));
    // The voter's other device hears it, in the user's own log.
    let cast: Vec<_> = server.clients[desk]
        .frames
        .iter()
        .filter_map(|frame| match frame {
            event_frame::Frame::UserEvents(events) => Some(&events.events),
            _ => None,
        })
        .flatten()
        .filter_map(|event| match body(event) {
            EventBody::PollVoteCast(cast) => Some((cast.target_seq, cast.choices)),
            _ => None,
        })
        .collect();
    let wanted = [vec![0, 1], vec![1], vec![], vec![2]].map(|choices| (seq, choices));
    assert_eq!(cast, wanted);
    assert_eq!(poll(&mut server, desk, &room, seq).own, [2]);
}

#[test]
fn with_its_message_a_poll_is_gone() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = ask(&mut server, ann, &room, lunch(1, true));
    let other = ask(&mut server, ann, &room, lunch(1, true));
    for place in [0, 1, 2] {
        vote(&mut server, ben, &room, seq, &[place]);
    }
    vote(&mut server, ann, &room, seq, &[0]);
    vote(&mut server, ann, &room, other, &[0]);
    assert_eq!((rows(&server, Table::POLLS), rows(&server, Table::POLL_VOTES)), (2, 5));
    // A vote that is under way comes before it or not at all.
    let late = voting(&mut server, &room, seq, &[1]);
    let client_ref = server.client_ref().to_field();
    let gone = DeleteRequest { room: room.clone(), client_ref, target_seq: seq };
    let gone = server.start::<rpc::Delete>(ann, &gone);
    let late = server.start::<rpc::Vote>(ben, &late);
    server.run();
    server.answer::<rpc::Delete>(ann, gone).unwrap();
    assert_eq!(reason(server.answer::<rpc::Vote>(ben, late)), ErrorReason::MessageNotFound);
    assert_eq!((rows(&server, Table::POLLS), rows(&server, Table::POLL_VOTES)), (1, 1));
    assert_eq!(poll(&mut server, ben, &room, other).counts, [1, 0, 0]);
}

#[test]
fn votes_go_with_their_message_after_a_crash_too() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let seq = ask(&mut server, ann, &room, lunch(1, false));
    vote(&mut server, ann, &room, seq, &[0]);
    server.drop_effects = true;
    delete(&mut server, ann, &room, seq);
    assert_eq!(rows(&server, Table::POLL_VOTES), 1);
    server.drop_effects = false;
    server.recover();
    assert_eq!(rows(&server, Table::POLL_VOTES), 0);
}

#[test]
fn a_page_has_the_result_and_not_the_votes() {
    let mut server = Server::new();
    let all: Vec<usize> = (0..20).map(|n| server.connect(&format!("user {n}"))).collect();
    let room = group(&mut server, all[0], &all[1..]);
    let seq = ask(&mut server, all[0], &room, lunch(1, false));
    for user in &all {
        vote(&mut server, *user, &room, seq, &[(*user % 3) as u32]);
    }
    let end = close(&mut server, all[0], &room, seq).unwrap();
    let request = ReadTimelineRequest { room: room.clone(), before_seq: seq + 1, limit: 5 };
    let items = server.bulk::<rpc::ReadTimeline>(all[4], &request).unwrap();
    assert!(items.iter().all(|item| item.amendments.is_empty()));
    let polls: Vec<&PollState> = items.iter().flat_map(|item| &item.polls).collect();
    assert_eq!(polls.len(), 1);
    assert_eq!((polls[0].counts.clone(), polls[0].own.clone()), (vec![7, 7, 6], vec![1]));
    assert_eq!((polls[0].closed_seq, polls[0].changed_seq, polls[0].voters), (end, end, 20));
}

#[test]
fn a_poll_may_stand_in_a_thread() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "where to?");
    let request = asking(&mut server, &room, lunch(1, false));
    let request = SendRequest { thread_root_seq: root, ..request };
    let seq = server.call::<rpc::Send>(ben, &request).unwrap().seq;
    let voted = vote(&mut server, ann, &room, seq, &[2]);
    let events = log(&mut server, ann, &room);
    let header = events[voted as usize - 1].header.as_ref().unwrap();
    assert_eq!((header.thread_root_seq, header.thread_no, header.msg_no), (root, 0, 1));
    let request = ReadThreadRequest { room, root_seq: root, before_seq: 0, limit: 10 };
    let items = server.bulk::<rpc::ReadThread>(ann, &request).unwrap();
    let polls: Vec<&PollState> = items.iter().flat_map(|item| &item.polls).collect();
    assert_eq!((polls.len(), polls[0].counts.clone()), (1, vec![0, 0, 1]));
}

#[test]
fn an_edit_changes_the_text_and_not_the_poll() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let body =
        MessagePosted { text: "hungry".into(), poll: Some(lunch(1, false)), ..Default::default() };
    let request =
        SendRequest { body: body.encode_to_vec().into(), ..message(&mut server, &room, "") };
    let seq = server.call::<rpc::Send>(ann, &request).unwrap().seq;
    let edit = |server: &mut Server, target_seq, text: &str| {
        let client_ref = server.client_ref().to_field();
        let body = MessageEdited { text: text.into(), ..Default::default() }.encode_to_vec().into();
        let request = EditRequest { room: room.clone(), client_ref, target_seq, body };
        server.call::<rpc::Edit>(ann, &request)
    };
    edit(&mut server, seq, "").unwrap();
    edit(&mut server, seq, "starving").unwrap();
    vote(&mut server, ann, &room, seq, &[1]);
    let plain = send(&mut server, ann, &room, "no poll");
    assert_eq!(reason(edit(&mut server, plain, "")), ErrorReason::InvalidField);
    server.index();
    let mut hits = |text: &str| {
        let request = SearchMessagesRequest { text: text.into(), ..Default::default() };
        let items = server.bulk::<rpc::SearchMessages>(ann, &request).unwrap();
        let hits: Vec<_> = items.into_iter().flat_map(|item| item.hits).collect();
        hits.iter().map(|hit| hit.highlights.len()).collect::<Vec<_>>()
    };
    assert_eq!(hits("starving"), [1]);
    assert_eq!(hits("lunch"), [0], "found, and nothing of the text is it");
    assert_eq!(hits("soup starving"), [1]);
    assert_eq!(hits("hungry"), [0; 0]);
}

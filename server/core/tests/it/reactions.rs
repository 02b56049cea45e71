//! Reactions and replies without a network: each counts once, and a page of the timeline shows them
//! as they are.

use bytes::Bytes;
use parlour_inproc::{Server, group, message, send};
use parlour_protocol::{
    generated::{EventBody, rpc},
    message::DeleteRequest,
    reaction::*,
    sync::*,
    wire::{Error, ErrorReason, Event},
};

fn react(server: &mut Server, by: usize, room: &Bytes, seq: u64, emoji: &str) -> ReactResponse {
    try_react(server, by, room, seq, emoji).unwrap()
}

fn try_react(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    target_seq: u64,
    emoji: &str,
) -> Result<ReactResponse, Error> {
    let client_ref = server.client_ref().to_field();
    let emoji = emoji.to_owned();
    let request = ReactRequest { room: room.clone(), client_ref, target_seq, emoji };
    server.call::<rpc::React>(by, &request)
}

fn unreact(server: &mut Server, by: usize, room: &Bytes, seq: u64, emoji: &str) -> u64 {
    let client_ref = server.client_ref().to_field();
    let (room, emoji) = (room.clone(), emoji.to_owned());
    let request = UnreactRequest { room, client_ref, target_seq: seq, emoji };
    server.call::<rpc::Unreact>(by, &request).unwrap().seq
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn page(server: &mut Server, by: usize, room: &Bytes, before_seq: u64) -> (Vec<Event>, Vec<Event>) {
    let request = ReadTimelineRequest { room: room.clone(), before_seq, limit: 1 };
    let items = server.bulk::<rpc::ReadTimeline>(by, &request).unwrap();
    let mut all = (vec![], vec![]);
    for item in items {
        all.0.extend(item.events);
        all.1.extend(item.amendments);
    }
    all
}

/// Kinds and emoji of reactions among some events.
fn emoji(events: &[Event]) -> Vec<(char, String)> {
    let of = |event: &Event| {
        let kind = event.header.as_ref().unwrap().kind;
        match EventBody::decode(kind, event.body.clone()).unwrap() {
            EventBody::ReactionAdded(reaction) => Some(('+', reaction.emoji)),
            EventBody::ReactionWithdrawn(reaction) => Some(('-', reaction.emoji)),
            _ => None,
        }
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_reaction_is_there_once_and_goes_once() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "well?");
    assert!(react(&mut server, ben, &room, seq, "👍").seq > 0);
    assert_eq!(react(&mut server, ben, &room, seq, "👍").seq, 0, "it is there");
    assert!(react(&mut server, ann, &room, seq, "👍").seq > 0);
    assert_eq!(unreact(&mut server, ben, &room, seq, "🎉"), 0, "it isn't there");
    assert!(unreact(&mut server, ben, &room, seq, "👍") > 0);
    assert_eq!(unreact(&mut server, ben, &room, seq, "👍"), 0);
    assert!(react(&mut server, ben, &room, seq, "👍").seq > 0);
    server.deliver();
    let heard = emoji(&server.clients[ann].heard());
    assert_eq!(heard.iter().map(|(sign, _)| *sign).collect::<String>(), "++-+");
}

#[test]
fn the_same_ref_is_the_same_reaction() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let target_seq = send(&mut server, ann, &room, "well?");
    let client_ref = server.client_ref().to_field();
    let request = ReactRequest { room, client_ref, target_seq, emoji: "👍".into() };
    let first = server.call::<rpc::React>(ann, &request).unwrap();
    let again = server.call::<rpc::React>(ann, &request).unwrap();
    assert_eq!((again.seq, again.deduplicated), (first.seq, true));
    let other = ReactRequest { emoji: "👎".into(), ..request };
    assert_eq!(reason(server.call::<rpc::React>(ann, &other)), ErrorReason::RefConflict);
}

#[test]
fn a_page_brings_what_came_after_it() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "well?");
    react(&mut server, ben, &room, seq, "👍");
    react(&mut server, ben, &room, seq, "🎉");
    unreact(&mut server, ben, &room, seq, "🎉");
    react(&mut server, ann, &room, seq, "👍");
    for n in 0..3 {
        send(&mut server, ann, &room, &format!("more {n}"));
    }
    let (events, amendments) = page(&mut server, ben, &room, seq + 1);
    assert_eq!(events.len(), 1);
    let mut found = emoji(&amendments);
    found.sort();
    let thumb = ('+', "👍".to_owned());
    assert_eq!(found, [thumb.clone(), thumb, ('-', "🎉".to_owned())]);
    // A page that ends later doesn't bring what it shows by itself.
    let (events, amendments) = page(&mut server, ben, &room, seq + 2);
    assert_eq!((emoji(&events).len(), amendments.len()), (1, 0));
}

#[test]
fn many_reactions_come_in_several_items() {
    let mut server = Server::new();
    let people: Vec<usize> = (0..95).map(|n| server.connect(&format!("u{n}"))).collect();
    let room = group(&mut server, people[0], &people[1..]);
    let seq = send(&mut server, people[0], &room, "well?");
    for person in &people {
        for n in 0..20 {
            react(&mut server, *person, &room, seq, &format!(":emoji_with_a_long_name_{n}:"));
        }
    }
    let request = ReadTimelineRequest { room, before_seq: seq + 1, limit: 1 };
    let items = server.bulk::<rpc::ReadTimeline>(people[0], &request).unwrap();
    let count: usize = items.iter().map(|item| item.amendments.len()).sum();
    assert_eq!(count, 95 * 20);
    assert!(items.len() > 1);
    assert!(items.iter().all(|item| prost::Message::encoded_len(item) < 256 * 1024));
}

#[test]
fn wrong_reactions_are_refused() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[]);
    let seq = send(&mut server, ann, &room, "well?");
    let wrong = [
        (ann, seq, "nice", ErrorReason::InvalidField),
        (ann, 99, "👍", ErrorReason::MessageNotFound),
        (ann, 1, "👍", ErrorReason::MessageNotFound),
        (ben, seq, "👍", ErrorReason::RoomNotFound),
    ];
    for (by, seq, emoji, expected) in wrong {
        assert_eq!(reason(try_react(&mut server, by, &room, seq, emoji)), expected);
    }
    for n in 0..20 {
        react(&mut server, ann, &room, seq, &format!(":e{n}:"));
    }
    let more = try_react(&mut server, ann, &room, seq, "👍");
    assert_eq!(reason(more), ErrorReason::TooManyReactions);
    unreact(&mut server, ann, &room, seq, ":e0:");
    react(&mut server, ann, &room, seq, "👍");
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: seq };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    let late = try_react(&mut server, ann, &room, seq, "🎉");
    assert_eq!(reason(late), ErrorReason::MessageNotFound);
}

#[test]
fn a_reply_names_what_it_answers() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "well?");
    let mut reply = message(&mut server, &room, "yes");
    reply.reply_to_seq = seq;
    let sent = server.call::<rpc::Send>(ben, &reply).unwrap();
    server.deliver();
    let heard = server.clients[ann].heard();
    let header = heard.last().unwrap().header.clone().unwrap();
    assert_eq!((header.seq, header.target_seq), (sent.seq, seq));
    let mut to_nothing = message(&mut server, &room, "yes?");
    to_nothing.reply_to_seq = 99;
    assert_eq!(reason(server.call::<rpc::Send>(ben, &to_nothing)), ErrorReason::MessageNotFound);
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: seq };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    let request = ReadLogRequest { room: room.clone(), ..Default::default() };
    let items = server.bulk::<rpc::ReadLog>(ben, &request).unwrap();
    let log: Vec<Event> = items.into_iter().flat_map(|item| item.events).collect();
    let kept = log.iter().find(|event| event.header.as_ref().unwrap().seq == sent.seq).unwrap();
    assert!(!kept.body.is_empty(), "what is answered may go, the answer stays");
}

#[test]
fn what_is_put_and_taken_off_in_one_breath_is_off() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let target_seq = send(&mut server, ann, &room, "well?");
    let mut calls = vec![];
    for on in [true, false, true, false] {
        let (room, client_ref) = (room.clone(), server.client_ref().to_field());
        let emoji = "👍".to_owned();
        calls.push(if on {
            let request = ReactRequest { room, client_ref, target_seq, emoji };
            server.start_in_chain::<rpc::React>(ann, &request, 1)
        } else {
            let request = UnreactRequest { room, client_ref, target_seq, emoji };
            server.start_in_chain::<rpc::Unreact>(ann, &request, 1)
        });
    }
    server.run();
    server.deliver();
    let heard = emoji(&server.clients[ann].heard());
    assert_eq!(heard.last().map(|(sign, _)| *sign), Some('-'), "{heard:?}");
    // Whoever comes later sees it as it is.
    send(&mut server, ann, &room, "more");
    let (_, amendments) = page(&mut server, ann, &room, target_seq + 1);
    assert_eq!(emoji(&amendments), [('-', "👍".to_owned())]);
    assert_eq!(unreact(&mut server, ann, &room, target_seq, "👍"), 0, "it isn't there");
}

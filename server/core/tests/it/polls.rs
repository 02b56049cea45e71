//! Votes without a network: one for each user, counted exactly.

use std::time::Duration;

use crate::asking::*;
use parlour_inproc::{Server, group, send};
use parlour_protocol::{generated::rpc, poll::*, room::ArchiveRoomRequest, wire::ErrorReason};

#[test]
fn a_vote_takes_the_place_of_the_one_before() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = ask(&mut server, ann, &room, lunch(2, false));
    let first = vote(&mut server, ben, &room, seq, &[1, 0]);
    assert!(first > seq);
    assert_eq!(vote(&mut server, ben, &room, seq, &[0, 1]), 0, "the same again");
    vote(&mut server, ann, &room, seq, &[1]);
    vote(&mut server, ben, &room, seq, &[2]);
    let last = vote(&mut server, ann, &room, seq, &[]);
    let found = poll(&mut server, ben, &room, seq);
    assert_eq!((found.counts.clone(), found.voters), (vec![0, 0, 1], 1));
    assert_eq!((found.own, found.changed_seq, found.closed_seq), (vec![2], last, 0));
    assert_eq!(poll(&mut server, ann, &room, seq).own, [0; 0]);
    let events = log(&mut server, ben, &room);
    assert_eq!(counted(&events, seq), (found.counts, found.voters));
    let ben_id = server.clients[ben].user.to_field();
    assert_eq!(voters(&mut server, ann, &room, seq).unwrap(), [(ben_id, vec![2])]);
}

#[test]
fn votes_at_the_same_time_are_counted_exactly() {
    let mut server = Server::new();
    let all: Vec<usize> = (0..60).map(|n| server.connect(&format!("user {n}"))).collect();
    let room = group(&mut server, all[0], &all[1..]);
    let polls: Vec<u64> =
        (0..2).map(|n| ask(&mut server, all[0], &room, lunch(2, n == 1))).collect();
    // Everyone votes five times, in both polls, before anything is committed.
    let mut wanted = vec![vec![vec![]; all.len()]; polls.len()];
    let mut calls = vec![];
    for round in 0..5usize {
        for (at, user) in all.iter().enumerate() {
            for (which, seq) in polls.iter().enumerate() {
                let one = ((at + round + which) % 3) as u32;
                let choices = match (at * 7 + round) % 4 {
                    0 => vec![],
                    1 => vec![one, (one + 1) % 3],
                    _ => vec![one],
                };
                let request = voting(&mut server, &room, *seq, &choices);
                calls.push((*user, server.start::<rpc::Vote>(*user, &request)));
                wanted[which][at] = choices;
            }
        }
        server.run();
    }
    for (user, call) in calls {
        server.answer::<rpc::Vote>(user, call).unwrap();
    }
    let events = log(&mut server, all[0], &room);
    for (which, seq) in polls.iter().enumerate() {
        let mut counts = vec![0; 3];
        wanted[which].iter().flatten().for_each(|place| counts[*place as usize] += 1);
        let chosen = wanted[which].iter().filter(|choices| !choices.is_empty()).count() as u64;
        let found = poll(&mut server, all[0], &room, *seq);
        assert_eq!((found.counts, found.voters), (counts.clone(), chosen));
        assert_eq!(counted(&events, *seq), (counts, chosen));
    }
    let told = voters(&mut server, all[0], &room, polls[0]).unwrap();
    assert_eq!(told.len(), wanted[0].iter().filter(|choices| !choices.is_empty()).count());
}

#[test]
fn two_devices_of_one_user_have_one_vote() {
    let mut server = Server::new();
    let (phone, desk, ann) = (server.connect("ben"), server.connect("ben"), server.connect("ann"));
    let room = group(&mut server, ann, &[phone]);
    for anonymous in [false, true] {
        let seq = ask(&mut server, ann, &room, lunch(1, anonymous));
        let requests = [0, 1, 2, 0].map(|place| voting(&mut server, &room, seq, &[place]));
        let devices = [phone, desk, phone, desk];
        let calls: Vec<u64> = devices
            .iter()
            .zip(&requests)
            .map(|(device, request)| server.start::<rpc::Vote>(*device, request))
            .collect();
        server.run();
        for (device, call) in devices.into_iter().zip(calls) {
            server.answer::<rpc::Vote>(device, call).unwrap();
        }
        let found = poll(&mut server, desk, &room, seq);
        assert_eq!((found.voters, found.counts.iter().sum::<u64>()), (1, 1));
        assert_eq!(found.counts[found.own[0] as usize], 1, "it is the one that is the own");
        let events = log(&mut server, ann, &room);
        assert_eq!(counted(&events, seq), (found.counts, 1));
    }
}

#[test]
fn what_one_device_votes_last_in_a_chain_counts() {
    let mut server = Server::new();
    let (ann, ben, desk) = (server.connect("ann"), server.connect("ben"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = ask(&mut server, ann, &room, lunch(1, false));
    let other = voting(&mut server, &room, seq, &[1]);
    server.start::<rpc::Vote>(desk, &other);
    let mut waiting: Vec<VoteRequest> =
        [0, 1, 2].map(|place| voting(&mut server, &room, seq, &[place])).into();
    for chain in 1..20 {
        let calls: Vec<u64> = waiting
            .iter()
            .map(|request| server.start_in_chain::<rpc::Vote>(ben, request, chain))
            .collect();
        server.run();
        let answers: Vec<_> =
            calls.into_iter().map(|call| server.answer::<rpc::Vote>(ben, call)).collect();
        let mut again = vec![];
        for (request, answer) in waiting.into_iter().zip(answers) {
            match answer {
                Ok(_) => assert!(again.is_empty(), "one behind a refused one was done"),
                Err(error) => {
                    assert_eq!(reason::<()>(Err(error)), ErrorReason::ChainBroken);
                    again.push(request);
                }
            }
        }
        waiting = again;
        if waiting.is_empty() {
            assert_eq!(poll(&mut server, ben, &room, seq).own, [2]);
            return;
        }
    }
    panic!("the chain never ends");
}

#[test]
fn the_same_ref_is_the_same_vote() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    for anonymous in [false, true] {
        let seq = ask(&mut server, ann, &room, lunch(1, anonymous));
        let request = voting(&mut server, &room, seq, &[1]);
        let first = server.call::<rpc::Vote>(ben, &request).unwrap();
        vote(&mut server, ben, &room, seq, &[2]);
        let again = server.call::<rpc::Vote>(ben, &request).unwrap();
        assert_eq!((again.seq, again.deduplicated), (first.seq, true));
        assert_eq!(poll(&mut server, ben, &room, seq).counts, [0, 0, 1]);
        let other = VoteRequest { choices: vec![0], ..request };
        assert_eq!(reason(server.call::<rpc::Vote>(ben, &other)), ErrorReason::RefConflict);
    }
}

#[test]
fn a_closed_poll_takes_no_votes() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = ask(&mut server, ben, &room, lunch(1, false));
    vote(&mut server, ann, &room, seq, &[0]);
    let late = voting(&mut server, &room, seq, &[1]);
    let ending = {
        let client_ref = server.client_ref().to_field();
        ClosePollRequest { room: room.clone(), client_ref, target_seq: seq }
    };
    // At the same time: whichever comes first.
    let end = server.start::<rpc::ClosePoll>(ben, &ending);
    let vote_call = server.start::<rpc::Vote>(ann, &late);
    server.run();
    let end = server.answer::<rpc::ClosePoll>(ben, end).unwrap().seq;
    assert_eq!(reason(server.answer::<rpc::Vote>(ann, vote_call)), ErrorReason::PollClosed);
    assert_eq!(reason(try_vote(&mut server, ann, &room, seq, &[])), ErrorReason::PollClosed);
    let again = server.call::<rpc::ClosePoll>(ben, &ending).unwrap();
    assert_eq!((again.seq, again.deduplicated), (end, true));
    assert_eq!(close(&mut server, ben, &room, seq).unwrap(), 0, "it is closed");
    let found = poll(&mut server, ann, &room, seq);
    assert_eq!((found.counts, found.closed_seq), (vec![1, 0, 0], end));
}

#[test]
fn the_servers_clock_ends_a_poll() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let now_ms = {
        let seq = send(&mut server, ann, &room, "what time is it?");
        let events = log(&mut server, ann, &room);
        events[seq as usize - 1].header.as_ref().unwrap().at_ms
    };
    let over = Poll { closes_at_ms: now_ms, ..lunch(1, false) };
    assert_eq!(reason(try_ask(&mut server, ann, &room, over)), ErrorReason::InvalidField);
    let ends = Poll { closes_at_ms: now_ms + 5_000, ..lunch(1, false) };
    let request = asking(&mut server, &room, ends);
    let seq = server.call::<rpc::Send>(ann, &request).unwrap().seq;
    vote(&mut server, ann, &room, seq, &[0]);
    server.advance(Duration::from_secs(5));
    assert_eq!(reason(try_vote(&mut server, ann, &room, seq, &[1])), ErrorReason::PollClosed);
    // One that was sent in time and comes again is still the same.
    let again = server.call::<rpc::Send>(ann, &request).unwrap();
    assert_eq!((again.seq, again.deduplicated), (seq, true));
}

#[test]
fn only_the_sender_or_a_moderator_closes_a_poll() {
    let mut server = Server::new();
    let (ann, ben, cid) = (server.connect("ann"), server.connect("ben"), server.connect("cid"));
    let room = group(&mut server, ann, &[ben, cid]);
    let seq = ask(&mut server, ben, &room, lunch(1, false));
    assert_eq!(reason(close(&mut server, cid, &room, seq)), ErrorReason::NotAllowed);
    assert!(close(&mut server, ann, &room, seq).unwrap() > 0, "who made the group may do all");
    let stranger = server.connect("stranger");
    assert_eq!(reason(close(&mut server, stranger, &room, seq)), ErrorReason::RoomNotFound);
    assert_eq!(
        reason(try_vote(&mut server, stranger, &room, seq, &[0])),
        ErrorReason::RoomNotFound
    );
}

#[test]
fn what_is_no_vote_is_refused() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let plain = send(&mut server, ann, &room, "no poll");
    let seq = ask(&mut server, ann, &room, lunch(1, false));
    for choices in [&[3][..], &[0, 1], &[0, 0], &[u32::MAX]] {
        let refused = try_vote(&mut server, ann, &room, seq, choices);
        assert_eq!(reason(refused), ErrorReason::InvalidField, "{choices:?}");
    }
    assert_eq!(reason(try_vote(&mut server, ann, &room, plain, &[0])), ErrorReason::InvalidField);
    assert_eq!(reason(try_vote(&mut server, ann, &room, 99, &[0])), ErrorReason::MessageNotFound);
    let none = Poll { options: vec![], ..lunch(1, false) };
    assert_eq!(reason(try_ask(&mut server, ann, &room, none)), ErrorReason::InvalidField);
    let request = GetPollsRequest { room: room.clone(), target_seqs: vec![plain, seq, 99] };
    let found = server.call::<rpc::GetPolls>(ann, &request).unwrap().polls;
    assert_eq!(found.iter().map(|poll| poll.target_seq).collect::<Vec<_>>(), [seq]);
    let archive = ArchiveRoomRequest { room: room.clone(), archived: true };
    server.call::<rpc::ArchiveRoom>(ann, &archive).unwrap();
    assert_eq!(reason(try_vote(&mut server, ann, &room, seq, &[0])), ErrorReason::RoomArchived);
    assert_eq!(reason(close(&mut server, ann, &room, seq)), ErrorReason::RoomArchived);
}

#[test]
fn what_was_chosen_is_there_after_a_restart() {
    let store = std::sync::Arc::new(parlour_adapters::memory::Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let seq = ask(&mut server, ann, &room, lunch(1, false));
    vote(&mut server, ann, &room, seq, &[0]);
    vote(&mut server, ann, &room, seq, &[1]);
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    vote(&mut server, ann, &room, seq, &[2]);
    let found = poll(&mut server, ann, &room, seq);
    assert_eq!((found.counts, found.voters, found.own), (vec![0, 0, 1], 1, vec![2]));
}

//! Threads: who follows which, and what is told of them.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    sync::{RoomDigest, SyncRequest, sync_item},
    thread::{
        FollowThreadRequest, FollowedThread, ListThreadsRequest, MarkThreadReadRequest,
        ReadThreadRequest, UnfollowThreadRequest,
    },
    wire::ErrorReason,
};

use super::{
    check::{self, live},
    model::{Room, User},
    sending::{some_place, some_recent, there},
    steps::{ended, someone_in},
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// As many threads of a room as a digest has.
const DIGEST_MAX: usize = 50;

/// Somebody does something about a thread, or reads one.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    match rng.below(8) {
        0..2 => follow(world, rng, user, room, report),
        2 => unfollow(world, rng, user, room, report),
        3 => mark(world, rng, user, room, report),
        4..6 => read(world, rng, user, room, report),
        6 => digests(world, user, report),
        _ => list(world, user, report),
    }
}

/// The root of a thread that there is, or anything else.
fn some_thread(world: &World, rng: &mut Rng, room: Room) -> u64 {
    let recent = some_recent(world, rng, room).filter(|_| rng.below(3) > 0);
    let place = some_place(world, rng, room);
    recent.map_or(place, |said| if said.root > 0 { said.root } else { said.seq })
}

fn follow(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let root = some_thread(world, rng, room);
    let request = FollowThreadRequest { room: world.rooms[room].clone(), root_seq: root };
    let result = world.call::<rpc::FollowThread>(user, &request, report);
    let expected = match (world.model.is_in(room, user), there(world, room, root)) {
        (false, _) => Some(ErrorReason::RoomNotFound),
        (true, None) => Some(ErrorReason::MessageNotFound),
        (true, Some(said)) => (said.root > 0).then_some(ErrorReason::InvalidField),
    };
    if ended(report, "follow", &result, expected) && world.follows.insert((user, room, root)) {
        check::follows(world, user, room, root, report);
    }
}

fn unfollow(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let root = some_thread(world, rng, room);
    let request = UnfollowThreadRequest { room: world.rooms[room].clone(), root_seq: root };
    let result = world.call::<rpc::UnfollowThread>(user, &request, report);
    let is_in = world.model.is_in(room, user);
    let expected = (!is_in).then_some(ErrorReason::RoomNotFound);
    if ended(report, "unfollow", &result, expected) {
        world.follows.remove(&(user, room, root));
    }
}

fn mark(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let root_seq = some_thread(world, rng, room);
    let request =
        MarkThreadReadRequest { room: world.rooms[room].clone(), root_seq, seq: root_seq };
    let result = world.call::<rpc::MarkThreadRead>(user, &request, report);
    let follows = world.follows.contains(&(user, room, root_seq));
    let expected = match (world.model.is_in(room, user), follows) {
        (false, _) => Some(ErrorReason::RoomNotFound),
        (true, false) => Some(ErrorReason::ThreadNotFollowed),
        (true, true) => None,
    };
    ended(report, "mark a thread", &result, expected);
}

/// A thread is its replies that are there, with its root if that is; where it is read whole, all of them.
fn read(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    if world.messages[room].is_empty() && world.gone[room].is_empty() {
        return;
    }
    let root_seq = some_thread(world, rng, room);
    let room_id = world.rooms[room].clone();
    let request = ReadThreadRequest { room: room_id, root_seq, before_seq: 0, limit: 40 };
    let result = world.bulk::<rpc::ReadThread>(user, &request, report);
    let is_in = world.model.is_in(room, user);
    let expected = (!is_in).then_some(ErrorReason::RoomNotFound);
    if !ended(report, "read a thread", &result, expected) {
        return;
    }
    let items = result.unwrap_or_default();
    let found: BTreeSet<u64> = items.iter().flat_map(|item| live(&item.events)).collect();
    let is_whole = items.last().is_some_and(|item| item.at_start);
    let of_it = |root: u64, seq: u64| root == root_seq || seq == root_seq;
    let said = world.messages[room].iter().filter(|said| of_it(said.root, said.seq));
    let expected: BTreeSet<u64> = said.map(|said| said.seq).collect();
    let is_right = if is_whole { found == expected } else { found.is_subset(&expected) };
    report.expect(is_right, || {
        format!("thread {root_seq} of room {room} has {found:?}, not {expected:?}")
    });
}

/// The threads that a user follows and may read.
fn followed(world: &World, user: User) -> BTreeSet<(Bytes, u64)> {
    let is_in = |room: Room| world.model.is_in(room, user);
    let mine = world.follows.iter().filter(|(who, room, _)| *who == user && is_in(*room));
    mine.map(|(_, room, root)| (world.rooms[*room].clone(), *root)).collect()
}

/// Followed threads are those of rooms one is in now, all of them.
fn list(world: &mut World, user: User, report: &mut Report) {
    let (mut found, mut page) = (BTreeSet::new(), Bytes::new());
    loop {
        let request = ListThreadsRequest { page, page_size: 100, unread_only: false };
        let Ok(listed) = world.call::<rpc::ListThreads>(user, &request, report) else { break };
        let of = |one: FollowedThread| Some((one.room, one.thread?.root_seq));
        found.extend(listed.threads.into_iter().filter_map(of));
        page = listed.next_page;
        if page.is_empty() {
            break;
        }
    }
    let expected = followed(world, user);
    report.expect(found == expected, || {
        format!("{} follows {} threads, not {}", USERS[user], found.len(), expected.len())
    });
}

/// The same threads stand in the digests of their rooms.
fn digests(world: &mut World, user: User, report: &mut Report) {
    let items = world.bulk::<rpc::Sync>(user, &SyncRequest::default(), report);
    let of = |digest: RoomDigest| {
        let room = digest.room.unwrap_or_default().id;
        let threads = digest.threads.into_iter().filter_map(|one| one.thread);
        (room, threads.map(|thread| thread.root_seq).collect::<BTreeSet<u64>>())
    };
    let expected = followed(world, user);
    for item in items.unwrap_or_default() {
        let Some(sync_item::Item::Digests(digests)) = item.item else { continue };
        for (room, found) in digests.rooms.into_iter().map(of) {
            let here = expected.iter().filter(|(other, _)| *other == room);
            let here: BTreeSet<u64> = here.map(|(_, root)| *root).collect();
            let is_right = found.is_subset(&here) && found.len() == here.len().min(DIGEST_MAX);
            report.expect(is_right, || {
                let (found, here) = (found.len(), here.len());
                format!("{} has {found} of {here} threads in a digest", USERS[user])
            });
        }
    }
}

//! What must be so after every step, and what reading has to answer.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    directory::ListNodesRequest,
    generated::{EventBody, rpc},
    inbox::{Mention, ReadMentionsRequest},
    receipt::ListReceiptsRequest,
    room::{GetRoomRequest, ListMembersRequest},
    search::{SearchHit, SearchMessagesRequest},
    sync::{ReadLogRequest, ReadTimelineRequest, SyncRequest, sync_item},
    thread::{FollowedThread, ListThreadsRequest, ReadThreadRequest},
    wire::{Event, event_frame::Frame},
};

use super::{
    model::{Model, Room},
    steps::{any_room, someone},
    world::{USERS, World, key_of},
};
use crate::{report::Report, rng::Rng};

/// A removal from a group, which whoever is removed hears as the last thing.
const MEMBER_REMOVED: u32 = 3;
/// Of more messages than that it is enough to see the newest.
const FOUND_MAX: usize = 100;

/// Nobody has heard anything of a room they weren't in; everyone's own log says which rooms they
/// are in now.
pub(super) fn heard(world: &mut World, before: &Model, report: &mut Report) {
    world.server.deliver();
    for (user, name) in USERS.iter().enumerate() {
        let Some(client) = world.clients[user] else { continue };
        let frames = std::mem::take(&mut world.server.clients[client].frames);
        for frame in frames {
            match frame {
                Frame::RoomEvents(events) => {
                    let Some(room) = world.rooms.iter().position(|id| *id == events.room) else {
                        report.violation("an event of a room that isn't there");
                        continue;
                    };
                    for event in &events.events {
                        world.totals.deliveries += 1;
                        let kind = event.header.as_ref().map_or(0, |header| header.kind);
                        let known = room < before.nodes.len() + before.groups.len();
                        let last = kind == MEMBER_REMOVED && known && before.is_in(room, user);
                        let may = world.model.is_in(room, user) || last;
                        report.expect(may, || format!("{name} hears kind {kind} of room {room}"));
                    }
                }
                Frame::Ephemeral(notice) => {
                    let room = world.rooms.iter().position(|id| *id == notice.room);
                    let may = room.is_some_and(|room| world.model.is_in(room, user));
                    report.expect(may, || format!("{name} hears a receipt of room {room:?}"));
                }
                Frame::UserEvents(events) => follow(&mut world.told[user], &events.events),
                _ => {}
            }
        }
        let rooms = world.rooms_of(user);
        report.expect(world.told[user] == rooms, || {
            let told = world.told[user].len();
            format!("{name}'s log says {told} rooms, and there are {}", rooms.len())
        });
        // Once is enough.
        world.told[user] = rooms;
    }
}

fn follow(told: &mut BTreeSet<Bytes>, events: &[Event]) {
    for event in events {
        let kind = event.header.as_ref().map_or(0, |header| header.kind);
        match EventBody::decode(kind, event.body.clone()) {
            Ok(EventBody::RoomGained(gained)) => {
                told.insert(gained.room.unwrap_or_default().id);
            }
            Ok(EventBody::RoomLost(lost)) => {
                told.remove(&lost.room);
            }
            _ => {}
        }
    }
}

/// Everyone who is in the room and connected has just heard that event.
pub(super) fn everyone_heard(world: &mut World, room: Room, seq: u64, report: &mut Report) {
    world.server.deliver();
    for (user, name) in USERS.iter().enumerate() {
        let Some(client) = world.clients[user] else { continue };
        let frames = world.server.clients[client].frames.iter();
        let has = frames.clone().any(|frame| match frame {
            Frame::RoomEvents(events) if events.room == world.rooms[room] => events
                .events
                .iter()
                .any(|event| event.header.as_ref().is_some_and(|header| header.seq == seq)),
            _ => false,
        });
        let should = world.model.is_in(room, user);
        report.expect(has || !should, || format!("{name} misses {seq} of room {room}"));
    }
}

/// Reads something, and compares.
pub(super) fn read(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let ((user, client), room) = (someone(world, rng), any_room(world, rng));
    let (id, may) = (world.rooms[room].clone(), world.model.is_in(room, user));
    let server = &mut world.server;
    match rng.below(11) {
        0 => {
            let request = ReadLogRequest { room: id, from_seq: 1, to_seq: 3, limit: 3 };
            let found = server.bulk::<rpc::ReadLog>(client, &request).is_ok();
            report.expect(found == may, || format!("ReadLog of room {room}: {found}"));
        }
        1 => {
            let request = ReadTimelineRequest { room: id, limit: 3, ..Default::default() };
            let found = server.bulk::<rpc::ReadTimeline>(client, &request).is_ok();
            report.expect(found == may, || format!("ReadTimeline of room {room}: {found}"));
        }
        2 => {
            let found = server.call::<rpc::GetRoom>(client, &GetRoomRequest { room: id }).is_ok();
            report.expect(found == may, || format!("GetRoom of room {room}: {found}"));
        }
        3 => members(world, client, room, may, report),
        4 => nodes(world, user, client, report),
        5 => thread(world, client, room, may, report),
        6 => followed(world, user, client, report),
        7 => mentions(world, user, client, report),
        8 => {
            let request = ListReceiptsRequest { room: id, ..Default::default() };
            let found = server.call::<rpc::ListReceipts>(client, &request).is_ok();
            report.expect(found == may, || format!("ListReceipts of room {room}: {found}"));
        }
        9 => found(world, user, client, report),
        _ => rooms(world, user, client, report),
    }
}

fn thread(world: &mut World, client: usize, room: Room, may: bool, report: &mut Report) {
    let Some(said) = world.messages[room].last() else { return };
    let root_seq = if said.root > 0 { said.root } else { said.seq };
    let request =
        ReadThreadRequest { room: world.rooms[room].clone(), root_seq, ..Default::default() };
    let found = world.server.bulk::<rpc::ReadThread>(client, &request).is_ok();
    report.expect(found == may, || format!("ReadThread of room {room}: {found}"));
}

/// Followed threads are those of rooms one is in now, all of them.
fn followed(world: &mut World, user: usize, client: usize, report: &mut Report) {
    let (mut found, mut page) = (BTreeSet::new(), Bytes::new());
    loop {
        let request = ListThreadsRequest { page, page_size: 100, unread_only: false };
        let Ok(listed) = world.server.call::<rpc::ListThreads>(client, &request) else { break };
        let of = |one: FollowedThread| Some((one.room, one.thread?.root_seq));
        found.extend(listed.threads.into_iter().filter_map(of));
        page = listed.next_page;
        if page.is_empty() {
            break;
        }
    }
    let is_in = |room: Room| world.model.is_in(room, user);
    let mine = world.follows.iter().filter(|(who, room, _)| *who == user && is_in(*room));
    let expected = mine.map(|(_, room, root)| (world.rooms[*room].clone(), *root)).collect();
    report.expect(found == expected, || {
        let expected: &BTreeSet<(Bytes, u64)> = &expected;
        format!("{} follows {} threads, not {}", USERS[user], found.len(), expected.len())
    });
}

/// Mentions are those of messages that are there, in rooms one is in now; of many the newest.
fn mentions(world: &mut World, user: usize, client: usize, report: &mut Report) {
    let request = ReadMentionsRequest { limit: 100, ..Default::default() };
    let items = world.server.bulk::<rpc::ReadMentions>(client, &request).unwrap_or_default();
    let of = |one: Mention| Some((one.room, one.message?.header?.seq));
    let found: Vec<(Bytes, u64)> =
        items.into_iter().flat_map(|item| item.mentions).filter_map(of).collect();
    let mut expected = BTreeSet::new();
    for (room, said) in world.messages.iter().enumerate() {
        if world.model.is_in(room, user) {
            let mine = said.iter().filter(|said| said.mentions == Some(user));
            expected.extend(mine.map(|said| (world.rooms[room].clone(), said.seq)));
        }
    }
    let whole = found.len() == expected.len().min(100);
    let all = found.iter().all(|one| expected.contains(one));
    report.expect(whole && all, || {
        format!("{} has {} mentions, not {}", USERS[user], found.len(), expected.len())
    });
}

/// What is found are messages that are there, in rooms one is in now, also where the index is late; all
/// of them up to where it has come.
fn found(world: &mut World, user: usize, client: usize, report: &mut Report) {
    // Every message says the same, so that each of them would be found.
    let (mut found, mut page) = (vec![], Bytes::new());
    loop {
        let (text, limit) = ("text".into(), 50);
        let request = SearchMessagesRequest { text, limit, page, ..Default::default() };
        let items = world.server.bulk::<rpc::SearchMessages>(client, &request);
        let Ok(items) = items else {
            report.violation("a search is refused");
            return;
        };
        page = items.last().map(|item| item.next_page.clone()).unwrap_or_default();
        let of = |hit: SearchHit| Some((hit.room, hit.message?.header?.seq));
        found.extend(items.into_iter().flat_map(|item| item.hits).filter_map(of));
        if page.is_empty() || found.len() >= FOUND_MAX {
            break;
        }
    }
    world.totals.found += found.len() as u64;
    let mut expected = BTreeSet::new();
    for (room, said) in world.messages.iter().enumerate() {
        if world.model.is_in(room, user) {
            expected.extend(said.iter().map(|said| (world.rooms[room].clone(), said.seq)));
        }
    }
    let strange = found.iter().filter(|one| !expected.contains(one)).count();
    report.expect(strange == 0, || format!("{} finds {strange} too many", USERS[user]));
    let reached = |room: &Bytes| {
        let room = parlour_protocol::ids::RoomId::parse(room).expect("the world's rooms have ids");
        world.server.node.search.reached(room)
    };
    let known = expected.iter().filter(|(room, seq)| *seq <= reached(room)).count();
    report.expect(found.len() >= known.min(FOUND_MAX), || {
        format!("{} finds {} messages of {known}", USERS[user], found.len())
    });
}

fn members(world: &mut World, client: usize, room: Room, may: bool, report: &mut Report) {
    let request = ListMembersRequest { room: world.rooms[room].clone(), ..Default::default() };
    let found = world.server.call::<rpc::ListMembers>(client, &request);
    report.expect(found.is_ok() == may, || format!("ListMembers of room {room}"));
    let Ok(found) = found else { return };
    let found: BTreeSet<String> = found.members.into_iter().map(|user| user.subject).collect();
    let is_in = |user: &usize| world.model.is_in(room, *user);
    let expected = (0..USERS.len()).filter(is_in).map(|user| USERS[user].to_owned()).collect();
    report.expect(found == expected, || format!("room {room} has {found:?}, not {expected:?}"));
}

fn nodes(world: &mut World, user: usize, client: usize, report: &mut Report) {
    // With an admin's scope everything is shown; guests don't have it.
    let all = !USERS[user].starts_with("guest");
    let answer = world.server.call::<rpc::ListNodes>(client, &ListNodesRequest::default());
    let found: BTreeSet<String> = answer
        .map(|answer| answer.nodes.into_iter().map(|node| node.key).collect())
        .unwrap_or_default();
    let shown = |room: &usize| all || world.model.is_shown(*room, user);
    let nodes = 0..world.model.nodes.len();
    let expected = nodes.filter(shown).map(|room| key_of(room).to_owned()).collect();
    report.expect(found == expected, || {
        format!("{} is shown {found:?}, not {expected:?}", USERS[user])
    });
}

fn rooms(world: &mut World, user: usize, client: usize, report: &mut Report) {
    let items = world.server.bulk::<rpc::Sync>(client, &SyncRequest::default());
    let mut found = BTreeSet::new();
    for item in items.unwrap_or_default() {
        if let Some(sync_item::Item::Digests(digests)) = item.item {
            found.extend(digests.rooms.into_iter().filter_map(|digest| Some(digest.room?.id)));
        }
    }
    let expected = world.rooms_of(user);
    report.expect(found == expected, || {
        let (found, expected) = (found.len(), expected.len());
        format!("{} syncs {found} rooms of {expected}", USERS[user])
    });
}

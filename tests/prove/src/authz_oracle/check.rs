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
    sync::{ReadLogRequest, ReadTimelineItem, ReadTimelineRequest, SyncRequest, sync_item},
    wire::{Event, EventHeader, event_frame::Frame},
};

use super::{
    model::{Model, Room, User},
    people, polls,
    secrets::{Of, Secret, words_in},
    steps::someone_in,
    world::{USERS, World, key_of},
};
use crate::{report::Report, rng::Rng};

/// Removals from a group, which whoever is removed hears as the last thing: `MemberRemoved` and
/// `MemberBanned`.
const REMOVALS: [u32; 2] = [3, 13];
/// `MessagePosted`.
const MESSAGE: u32 = 10;
/// The flag of what is deleted.
const ERASED: u32 = 2;
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
                        let last = REMOVALS.contains(&kind) && known && before.is_in(room, user);
                        let may = world.model.is_in(room, user) || last;
                        report.expect(may, || format!("{name} hears kind {kind} of room {room}"));
                        told(world, room, &event.body, name, report);
                        polls::names(world, room, event, report);
                    }
                }
                Frame::Ephemeral(notice) => {
                    let room = world.rooms.iter().position(|id| *id == notice.room);
                    let may = room.is_some_and(|room| world.model.is_in(room, user));
                    report.expect(may, || format!("{name} hears a receipt of room {room:?}"));
                    let is_apart = room.is_some_and(|room| people::are_long_apart(world, room));
                    let may = !is_apart || notice.sender == world.user_field(user);
                    report.expect(may, || format!("{name} hears how far who is apart has read"));
                }
                Frame::UserEvents(events) => {
                    for event in &events.events {
                        own(world, before, user, event, report);
                    }
                    follow(&mut world.told[user], &events.events);
                }
                Frame::Presence(update) => people::seen(world, user, &update, report),
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

/// What one's own log tells is of rooms that one is in, or was in until now.
fn own(world: &World, before: &Model, user: User, event: &Event, report: &mut Report) {
    world.look(user, &event.body, "their own log", report);
    let kind = event.header.as_ref().map_or(0, |header| header.kind);
    let room = match EventBody::decode(kind, event.body.clone()) {
        Ok(EventBody::Mentioned(said)) => {
            let is_deaf =
                |(who, whom): &(User, User)| *who == user && world.user_field(*whom) == said.sender;
            let blocked = world.model.blocks.iter().find(|block| is_deaf(block));
            report.expect(blocked.is_none(), || format!("{} hears {blocked:?}", USERS[user]));
            said.room
        }
        Ok(EventBody::PollVoteCast(cast)) => {
            let room = world.rooms.iter().position(|id| *id == cast.room);
            let at = (room.unwrap_or_default(), cast.target_seq);
            let is_own = polls::is_own_vote(world, user, at, &cast.choices);
            report.expect(is_own, || format!("{} hears of a vote at {at:?}", USERS[user]));
            cast.room
        }
        Ok(EventBody::MarkerMoved(moved)) => moved.room,
        Ok(EventBody::ThreadFollowed(followed)) => followed.room,
        Ok(EventBody::ThreadMarkerMoved(moved)) => moved.room,
        _ => return,
    };
    let room = world.rooms.iter().position(|id| *id == room);
    let is_in = |room| world.model.is_in(room, user) || before.is_in(room, user);
    report.expect(room.is_some_and(is_in), || {
        format!("{}'s log has kind {kind} of room {room:?}", USERS[user])
    });
}

/// Whether somebody who is connected has just been told that in their own log.
fn is_told(world: &World, user: User, is_it: impl Fn(EventBody) -> bool) -> bool {
    let Some(client) = world.clients[user] else { return true };
    world.server.clients[client].frames.iter().any(|frame| match frame {
        Frame::UserEvents(events) => events.events.iter().any(|event| {
            let kind = event.header.as_ref().map_or(0, |header| header.kind);
            EventBody::decode(kind, event.body.clone()).is_ok_and(&is_it)
        }),
        _ => false,
    })
}

/// Whoever is mentioned has heard that.
pub(super) fn is_mentioned(world: &World, user: User, room: Room, seq: u64, report: &mut Report) {
    let told = is_told(world, user, |body| match body {
        EventBody::Mentioned(said) => said.room == world.rooms[room] && said.seq == seq,
        _ => false,
    });
    report.expect(told, || format!("{} isn't told of {seq} in room {room}", USERS[user]));
}

/// Whoever follows a thread from now on has heard that.
pub(super) fn follows(world: &World, user: User, room: Room, root: u64, report: &mut Report) {
    let told = is_told(world, user, |body| match body {
        EventBody::ThreadFollowed(it) => it.room == world.rooms[room] && it.root_seq == root,
        _ => false,
    });
    report.expect(told, || format!("{} isn't told of thread {root}", USERS[user]));
}

/// A message goes: neither it nor its edits have left a word in the room's log, as it is stored.
pub(super) fn goes(world: &mut World, room: Room, seq: u64, report: &mut Report) {
    for place in world.remove(room, seq) {
        let words = world.stored(room, place, place).into_iter().flat_map(|(_, said)| said);
        let words: Vec<usize> = words.collect();
        report.expect(words.is_empty(), || format!("{place} of room {room} keeps {words:?}"));
    }
}

/// Where messages that are there stand among some events.
pub(super) fn live(events: &[Event]) -> impl Iterator<Item = u64> {
    let headers = events.iter().filter_map(|event| event.header.as_ref());
    let posted = |header: &&EventHeader| header.kind == MESSAGE && header.flags & ERASED == 0;
    headers.filter(posted).map(|header| header.seq)
}

/// What an event of a room says is the room's to say, and not gone.
fn told(world: &World, room: Room, body: &[u8], name: &str, report: &mut Report) {
    for number in words_in(body) {
        let Secret { of, gone } = world.secrets[number];
        let is_its = !gone && (of == Of::Room(room) || of == Of::Name(room));
        report.expect(is_its, || format!("{name} hears text {number} of {of:?} in room {room}"));
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
    let (user, room) = someone_in(world, rng);
    let (id, may) = (world.rooms[room].clone(), world.model.is_in(room, user));
    match rng.below(9) {
        0 => {
            // Some of it, mostly the end.
            let end = world.messages[room].last().map_or(1, |said| said.seq);
            let (from_seq, limit) = (end.saturating_sub(rng.below(40)).max(1), 20);
            let request = ReadLogRequest { room: id, from_seq, to_seq: 0, limit };
            let found = world.bulk::<rpc::ReadLog>(user, &request, report);
            report.expect(found.is_ok() == may, || format!("ReadLog of room {room}"));
            for event in found.iter().flatten().flat_map(|item| &item.events) {
                polls::names(world, room, event, report);
            }
        }
        1 => {
            let request = ReadTimelineRequest { room: id, limit: 20, ..Default::default() };
            let found = world.bulk::<rpc::ReadTimeline>(user, &request, report);
            report.expect(found.is_ok() == may, || format!("ReadTimeline of room {room}"));
            let events = |item: &ReadTimelineItem| {
                item.events.iter().chain(&item.amendments).cloned().collect::<Vec<Event>>()
            };
            for event in found.iter().flatten().flat_map(events) {
                polls::names(world, room, &event, report);
            }
        }
        2 => {
            let found =
                world.call::<rpc::GetRoom>(user, &GetRoomRequest { room: id }, report).is_ok();
            report.expect(found == may, || format!("GetRoom of room {room}: {found}"));
        }
        3 => members(world, user, room, may, report),
        4 => nodes(world, user, report),
        5 => mentions(world, user, report),
        6 => {
            let request = ListReceiptsRequest { room: id, ..Default::default() };
            let found = world.call::<rpc::ListReceipts>(user, &request, report);
            report.expect(found.is_ok() == may, || format!("ListReceipts of room {room}"));
            let (is_apart, me) = (world.model.is_apart(room), world.user_field(user));
            let mut readers = found.iter().flat_map(|found| &found.receipts);
            let alone = !is_apart || readers.all(|receipt| receipt.user == me);
            report.expect(alone, || format!("{} sees how far another has read", USERS[user]));
        }
        7 => found(world, user, report),
        _ => rooms(world, user, report),
    }
}

/// Mentions are those of messages that are there, in rooms one is in now; of many the newest.
fn mentions(world: &mut World, user: User, report: &mut Report) {
    let request = ReadMentionsRequest { limit: 100, ..Default::default() };
    let items = world.bulk::<rpc::ReadMentions>(user, &request, report).unwrap_or_default();
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
fn found(world: &mut World, user: User, report: &mut Report) {
    // Every message says the same, so that each of them would be found.
    let (mut found, mut page) = (vec![], Bytes::new());
    loop {
        let (text, limit) = ("text".into(), 50);
        let request = SearchMessagesRequest { text, limit, page, ..Default::default() };
        let items = world.bulk::<rpc::SearchMessages>(user, &request, report);
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

fn members(world: &mut World, user: User, room: Room, may: bool, report: &mut Report) {
    let request = ListMembersRequest { room: world.rooms[room].clone(), ..Default::default() };
    let found = world.call::<rpc::ListMembers>(user, &request, report);
    report.expect(found.is_ok() == may, || format!("ListMembers of room {room}"));
    let Ok(found) = found else { return };
    let found: BTreeSet<Bytes> = found.members.into_iter().map(|user| user.id).collect();
    let is_in = |user: &usize| world.model.is_in(room, *user);
    let expected = (0..USERS.len()).filter(is_in).map(|user| world.user_field(user)).collect();
    report.expect(found == expected, || {
        let expected: &BTreeSet<Bytes> = &expected;
        format!("room {room} has {} members, not {}", found.len(), expected.len())
    });
}

fn nodes(world: &mut World, user: User, report: &mut Report) {
    // With an admin's scope everything is shown; guests don't have it.
    let all = !USERS[user].starts_with("guest");
    let answer = world.call::<rpc::ListNodes>(user, &ListNodesRequest::default(), report);
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

fn rooms(world: &mut World, user: User, report: &mut Report) {
    let items = world.bulk::<rpc::Sync>(user, &SyncRequest::default(), report);
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

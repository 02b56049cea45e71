//! The steps: one thing that somebody does, to the server and to the model, and what must have
//! come of it.

use std::{collections::BTreeSet, time::Duration};

use parlour_protocol::{
    access::{PermissionOverride, SetOverridesRequest, permission_override::Subject},
    directory::{EndMembership, PutMembership, PutNode, PutOverrides, change::Change as What},
    generated::rpc,
    marker::MarkReadRequest,
    message::DeleteRequest,
    room::{AddMembersRequest, RemoveMemberRequest},
    wire::{Error, ErrorReason},
};

use super::{
    check, doors, erasing, files, later,
    model::{
        ADD_MEMBERS, ATTACH, Kind, MANAGE_PERMISSIONS, MANAGE_ROOM, MENTION_EVERYONE, MODERATE,
        Override, PIN, REACT, REMOVE_MEMBERS, REPLY, Room, SEND, User, VIEW, Whom,
    },
    own, people, polls,
    sending::{self, some_recent},
    texts, threads,
    world::{GROUPS_MAX, NODES, Said, USERS, World, key_of, put_user},
};
use crate::{report::Report, rng::Rng};

const ROLES: [&str; 3] = ["member", "lead", "scribe"];
const BITS: [u8; 11] = [
    VIEW,
    SEND,
    REACT,
    REPLY,
    ATTACH,
    MENTION_EVERYONE,
    MODERATE,
    PIN,
    ADD_MEMBERS,
    REMOVE_MEMBERS,
    MANAGE_ROOM,
];

pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let before = world.model.clone();
    world.began_ms = world.now_ms();
    match rng.below(100) {
        0..12 => membership(world, rng),
        12..18 => node(world, rng),
        18..24 => overrides(world, rng),
        24..26 => person(world, rng, report),
        // Rare, or nothing would be left.
        26 if rng.below(8) == 0 => erasing::step(world, rng, report),
        26 => world.server.index(),
        27..31 => group(world, rng, report),
        31..34 => connection(world, rng, report),
        34..36 => people::step(world, rng, report),
        36..41 => doors::step(world, rng, report),
        41..44 => own::step(world, rng, report),
        44..48 => later::step(world, rng, report),
        48..51 => texts::step(world, rng, report),
        51..54 => polls::step(world, rng, report),
        54..77 => sending::step(world, rng, report),
        77..82 => delete(world, rng, report),
        82..84 => mark(world, rng, report),
        84..88 => threads::step(world, rng, report),
        88..91 => files::step(world, rng, report),
        // In between the index is late.
        91 => world.server.index(),
        _ => check::read(world, rng, report),
    }
    check::heard(world, &before, report);
}

pub(super) fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

/// Somebody who is connected.
pub(super) fn someone(world: &World, rng: &mut Rng) -> (User, usize) {
    loop {
        let user = below(rng, USERS.len());
        if let Some(client) = world.clients[user] {
            return (user, client);
        }
    }
}

pub(super) fn any_room(world: &World, rng: &mut Rng) -> Room {
    below(rng, world.rooms.len())
}

/// Somebody who is connected, and mostly a room that they are in.
pub(super) fn someone_in(world: &World, rng: &mut Rng) -> (User, Room) {
    let (user, _) = someone(world, rng);
    if rng.below(4) > 0 {
        let is_in = |room: &Room| world.model.is_in(*room, user);
        let rooms: Vec<Room> = (0..world.rooms.len()).filter(is_in).collect();
        if !rooms.is_empty() {
            return (user, rooms[below(rng, rooms.len())]);
        }
    }
    (user, any_room(world, rng))
}

fn membership(world: &mut World, rng: &mut Rng) {
    let (room, user) = (1 + below(rng, NODES.len()), below(rng, USERS.len()));
    if world.erased.contains(&user) {
        return;
    }
    let (node, subject) = (key_of(room).to_owned(), USERS[user].to_owned());
    if rng.below(3) > 0 {
        let role = ROLES[below(rng, ROLES.len())];
        world.model.nodes[room].members.insert(user, role);
        let put = PutMembership { node, subject, role: role.to_owned() };
        world.change(vec![What::PutMembership(put)]);
    } else {
        world.model.nodes[room].members.remove(&user);
        world.change(vec![What::EndMembership(EndMembership { node, subject })]);
    }
}

fn node(world: &mut World, rng: &mut Rng) {
    let room = 1 + below(rng, NODES.len());
    let mut put = PutNode { key: key_of(room).to_owned(), ..PutNode::default() };
    let node = &mut world.model.nodes[room];
    match rng.below(4) {
        // Only below one of the first departments and teams, so that no circle comes of it.
        0 | 1 if (3..=5).contains(&room) => {
            let parent = below(rng, 3);
            node.parent = Some(parent);
            put.parent = Some(key_of(parent).to_owned());
        }
        0 | 1 if (6..=7).contains(&room) => {
            let parent = below(rng, 6);
            node.parent = Some(parent);
            put.parent = Some(key_of(parent).to_owned());
        }
        2 => {
            // Not archived most of the time, or nothing would be left to write into.
            node.archived = rng.below(4) == 0;
            put.archived = Some(node.archived);
        }
        _ => {
            node.private = rng.below(2) == 0;
            put.private = Some(node.private);
        }
    }
    world.change(vec![What::PutNode(put)]);
}

fn some_bits(rng: &mut Rng, from: &[u8]) -> BTreeSet<u8> {
    from.iter().copied().filter(|_| rng.below(4) == 0).collect()
}

fn some_overrides(rng: &mut Rng, from: &[u8]) -> Vec<Override> {
    let mut all: Vec<Override> = vec![];
    for _ in 0..rng.below(4) {
        let whom = match rng.below(4) {
            0 => Whom::Everyone,
            1 => Whom::User(below(rng, USERS.len())),
            _ => Whom::Role(["member", "lead", "scribe", "guest"][below(rng, 4)]),
        };
        if all.iter().all(|(other, ..)| *other != whom) {
            all.push((whom, some_bits(rng, from), some_bits(rng, from)));
        }
    }
    all
}

fn on_the_wire(world: &World, overrides: &[Override]) -> Vec<PermissionOverride> {
    let bits = |bits: &BTreeSet<u8>| bits.iter().map(|bit| 1_u64 << (bit - 1)).sum();
    let one = |(whom, allow, deny): &Override| PermissionOverride {
        subject: Some(match whom {
            Whom::Everyone => Subject::Role("everyone".into()),
            Whom::Role(role) => Subject::Role((*role).to_owned()),
            Whom::User(user) => Subject::User(world.user_field(*user)),
        }),
        allow: bits(allow),
        deny: bits(deny),
    };
    overrides.iter().map(one).collect()
}

fn overrides(world: &mut World, rng: &mut Rng) {
    let room = below(rng, NODES.len() + 1);
    let some = some_overrides(rng, &BITS);
    let overrides = on_the_wire(world, &some);
    world.model.nodes[room].overrides = some;
    let put = PutOverrides { node: key_of(room).to_owned(), overrides };
    world.change(vec![What::PutOverrides(put)]);
}

fn person(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let user = 1 + below(rng, USERS.len() - 1);
    if world.erased.contains(&user) {
        return;
    }
    if rng.below(3) == 0 {
        let out = !world.model.deactivated.contains(&user) && rng.below(2) == 0;
        if out {
            world.model.deactivated.insert(user);
        } else {
            world.model.deactivated.remove(&user);
        }
        world.change(vec![put_user(user, None, Some(out))]);
        if out {
            let client = world.clients[user].map(|client| world.server.clients[client].id);
            let closed = &world.server.closed;
            let is_out = client.is_none_or(|id| closed.iter().any(|(conn, _)| *conn == id));
            report.expect(is_out, || format!("{} is deactivated and stays", USERS[user]));
            world.disconnect(user);
        }
    } else {
        let role = ["member", "member", "admin", "guest"][below(rng, 4)];
        world.model.nodes[0].members.insert(user, role);
        world.change(vec![put_user(user, Some(role), None)]);
    }
}

fn connection(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let user = 1 + below(rng, USERS.len() - 1);
    if world.clients[user].is_some() {
        world.disconnect(user);
    } else if world.model.deactivated.contains(&user) {
        let is_let_in = world.server.try_admit(USERS[user]).is_ok();
        report.expect(!is_let_in, || format!("{} is let in again", USERS[user]));
    } else {
        world.connect(user);
    }
}

fn group(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, _) = someone(world, rng);
    let groups: Vec<Room> = (world.model.nodes.len()..world.rooms.len())
        .filter(|room| world.model.group(*room).is_some_and(|group| group.kind == Kind::Group))
        .collect();
    if groups.is_empty() || (groups.len() < GROUPS_MAX && rng.below(4) == 0) {
        // Whoever has blocked them isn't brought in.
        let wanted = (0..USERS.len()).filter(|_| rng.below(3) == 0);
        let deaf = |other: &User| world.model.blocks.contains(&(*other, user));
        let members = wanted.filter(|other| !deaf(other)).collect();
        return world.group(user, members);
    }
    let room = groups[below(rng, groups.len())];
    let is_in = world.model.is_in(room, user);
    match rng.below(3) {
        0 => add(world, rng, user, room, report),
        1 => remove(world, rng, user, room, report),
        _ => {
            let some = some_overrides(rng, &BITS[1..]);
            let overrides = on_the_wire(world, &some);
            let request = SetOverridesRequest { room: world.rooms[room].clone(), overrides };
            let result = world.call::<rpc::SetOverrides>(user, &request, report);
            let closed = world.model.is_read_only(room);
            let model = &mut world.model;
            let before = model.group(room).map_or(vec![], |group| group.overrides.clone());
            let new = some.iter().filter(|one| !before.contains(one));
            let given = |bit: &u8| model.may(room, user, *bit);
            let gives = new.into_iter().all(|(_, allow, _)| allow.iter().all(given));
            let may = model.may(room, user, MANAGE_PERMISSIONS) && gives;
            if agreed(report, "overrides", &result, is_in, closed, may)
                && let Some(group) = model.group_mut(room)
            {
                group.overrides = some;
            }
        }
    }
    world.server.run();
    world.server.deliver();
}

fn add(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let other = below(rng, USERS.len());
    let members = vec![world.user_ref(other)];
    let request = AddMembersRequest { room: world.rooms[room].clone(), members };
    let result = world.call::<rpc::AddMembers>(user, &request, report);
    let model = &mut world.model;
    // Nobody brings in who is banned, or who has blocked them.
    let is_banned = model.group(room).is_some_and(|group| group.banned.contains(&other));
    let is_wanted = !is_banned && !model.blocks.contains(&(other, user));
    let is_there = model.is_in(room, other);
    let may = model.may(room, user, ADD_MEMBERS) && (is_there || is_wanted);
    let is_in = model.is_in(room, user);
    if agreed(report, "add", &result, is_in, false, may)
        && let Some(group) = model.group_mut(room)
    {
        group.members.insert(other);
    }
}

fn remove(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let other = below(rng, USERS.len());
    if !world.model.is_in(room, other) {
        return;
    }
    let (id, field) = (world.rooms[room].clone(), world.user_field(other));
    let request = RemoveMemberRequest { room: id, user: field };
    let result = world.call::<rpc::RemoveMember>(user, &request, report);
    let model = &mut world.model;
    let may = user == other || model.may(room, user, REMOVE_MEMBERS);
    let is_in = model.is_in(room, user);
    if agreed(report, "remove", &result, is_in, false, may)
        && let Some(group) = model.group_mut(room)
    {
        group.members.remove(&other);
    }
}

/// Reads up to somewhere; others hear of it, if they may.
fn mark(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    let seq = world.messages[room].last().map_or(1, |said| said.seq);
    let request = MarkReadRequest { room: world.rooms[room].clone(), seq };
    let result = world.call::<rpc::MarkRead>(user, &request, report);
    agreed(report, "mark", &result, world.model.is_in(room, user), false, true);
    // Often enough receipts are told before anything else happens, and sometimes they aren't.
    if rng.below(2) == 0 {
        world.server.advance(Duration::from_millis(1));
        world.server.advance(Duration::from_millis(300));
    }
}

fn delete(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    let Some(Said { seq, by: sender, .. }) = some_recent(world, rng, room) else { return };
    let client_ref = world.server.client_ref().to_field();
    let request = DeleteRequest { room: world.rooms[room].clone(), client_ref, target_seq: seq };
    let result = world.call::<rpc::Delete>(user, &request, report);
    let may = user == sender || world.model.may(room, user, MODERATE);
    let (is_in, closed) = (world.model.is_in(room, user), world.model.is_read_only(room));
    if agreed(report, "delete", &result, is_in, closed, may)
        && let Ok(deleted) = result
    {
        check::goes(world, room, seq, report);
        check::everyone_heard(world, room, deleted.seq, report);
    }
}

/// Whether it was done; a violation where the model says otherwise.
pub(super) fn agreed<T>(
    report: &mut Report,
    what: &str,
    result: &Result<T, Error>,
    is_in: bool,
    is_closed: bool,
    may: bool,
) -> bool {
    let expected = match (is_in, is_closed, may) {
        (false, ..) => Some(ErrorReason::RoomNotFound),
        (true, true, _) => Some(ErrorReason::RoomArchived),
        (true, false, false) => Some(ErrorReason::NotAllowed),
        (true, false, true) => None,
    };
    ended(report, what, result, expected)
}

/// Whether it was done; a violation where it should have ended otherwise.
pub(super) fn ended<T>(
    report: &mut Report,
    what: &str,
    result: &Result<T, Error>,
    expected: Option<ErrorReason>,
) -> bool {
    let found = result
        .as_ref()
        .err()
        .map(|error| ErrorReason::try_from(error.reason).unwrap_or(ErrorReason::Unspecified));
    report.expect(found == expected, || format!("{what}: {found:?} instead of {expected:?}"));
    found.is_none() && expected.is_none()
}

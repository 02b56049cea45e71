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
    check, files,
    model::{
        ATTACH, MANAGE_PERMISSIONS, MENTION_EVERYONE, MODERATE, Override, REMOVE_MEMBERS, REPLY,
        Room, SEND, User, VIEW, Whom,
    },
    world::{GROUPS_MAX, NODES, Said, USERS, World, key_of, put_user},
};
use crate::{report::Report, rng::Rng};

const ROLES: [&str; 3] = ["member", "lead", "scribe"];
const BITS: [u8; 6] = [VIEW, SEND, MENTION_EVERYONE, MODERATE, 11, 5];

pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let before = world.model.clone();
    match rng.below(100) {
        0..12 => membership(world, rng),
        12..18 => node(world, rng),
        18..24 => overrides(world, rng),
        24..27 => person(world, rng),
        27..32 => group(world, rng, report),
        32..36 => connection(world, rng),
        36..76 => send(world, rng, report),
        76..82 => delete(world, rng, report),
        82..85 => mark(world, rng, report),
        85..90 => files::step(world, rng, report),
        // In between the index is late.
        90..92 => world.server.index(),
        _ => check::read(world, rng, report),
    }
    check::heard(world, &before, report);
}

fn below(rng: &mut Rng, bound: usize) -> usize {
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

fn membership(world: &mut World, rng: &mut Rng) {
    let (room, user) = (1 + below(rng, NODES.len()), below(rng, USERS.len()));
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

fn person(world: &mut World, rng: &mut Rng) {
    let user = 1 + below(rng, USERS.len() - 1);
    if rng.below(3) == 0 {
        let out = !world.model.deactivated.contains(&user) && rng.below(2) == 0;
        if out {
            world.model.deactivated.insert(user);
        } else {
            world.model.deactivated.remove(&user);
        }
        world.change(vec![put_user(user, None, Some(out))]);
        if out {
            world.disconnect(user);
        }
    } else {
        let role = ["member", "member", "admin", "guest"][below(rng, 4)];
        world.model.nodes[0].members.insert(user, role);
        world.change(vec![put_user(user, Some(role), None)]);
    }
}

fn connection(world: &mut World, rng: &mut Rng) {
    let user = 1 + below(rng, USERS.len() - 1);
    if world.clients[user].is_some() {
        world.disconnect(user);
    } else if !world.model.deactivated.contains(&user) {
        world.connect(user);
    }
}

fn group(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, client) = someone(world, rng);
    let groups = world.model.groups.len();
    if groups == 0 || (groups < GROUPS_MAX && rng.below(4) == 0) {
        let members = (0..USERS.len()).filter(|_| rng.below(3) == 0).collect();
        return world.group(user, members);
    }
    let at = below(rng, groups);
    let room = world.model.nodes.len() + at;
    let (id, other) = (world.rooms[room].clone(), below(rng, USERS.len()));
    let is_in = world.model.is_in(room, user);
    match rng.below(3) {
        0 => {
            let members = vec![world.user_ref(other)];
            let request = AddMembersRequest { room: id, members };
            let result = world.server.call::<rpc::AddMembers>(client, &request);
            let may = world.model.may(room, user, 9);
            if agreed(report, "add", &result, is_in, false, may) {
                world.model.groups[at].members.insert(other);
            }
        }
        1 if world.model.groups[at].members.contains(&other) => {
            let request = RemoveMemberRequest { room: id, user: world.user_field(other) };
            let result = world.server.call::<rpc::RemoveMember>(client, &request);
            let may = user == other || world.model.may(room, user, REMOVE_MEMBERS);
            if agreed(report, "remove", &result, is_in, false, may) {
                world.model.groups[at].members.remove(&other);
            }
        }
        _ => {
            let some = some_overrides(rng, &BITS[1..]);
            let overrides = on_the_wire(world, &some);
            let request = SetOverridesRequest { room: id, overrides };
            let result = world.server.call::<rpc::SetOverrides>(client, &request);
            let given = |bit: &u8| world.model.may(room, user, *bit);
            let before = &world.model.groups[at].overrides;
            let new = some.iter().filter(|one| !before.contains(one));
            let gives = new.into_iter().all(|(_, allow, _)| allow.iter().all(given));
            let may = world.model.may(room, user, MANAGE_PERMISSIONS) && gives;
            if agreed(report, "overrides", &result, is_in, false, may) {
                world.model.groups[at].overrides = some;
            }
        }
    }
    world.server.run();
    world.server.deliver();
}

fn send(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let ((user, client), room) = (someone(world, rng), any_room(world, rng));
    let file = Some(files::some_file(rng)).filter(|_| rng.below(4) == 0);
    let mut request = {
        let (id, blobs) = (world.rooms[room].clone(), file.map(|file| files::blob_of(world, file)));
        parlour_inproc::carrying(&mut world.server, &id, "text", blobs.as_slice())
    };
    request.mention_everyone = rng.below(5) == 0;
    let root = some_root(world, rng, room);
    if root > 0 {
        (request.thread_root_seq, request.mention_everyone) = (root, false);
    }
    let mentions = Some(below(rng, USERS.len())).filter(|whom| world.model.is_in(room, *whom));
    let mentions = mentions.filter(|_| rng.below(4) == 0);
    request.mentions = mentions.iter().map(|whom| world.user_field(*whom)).collect();
    let result = world.server.call::<rpc::Send>(client, &request);
    let model = &world.model;
    let may = model.may(room, user, if root > 0 { REPLY } else { SEND })
        && (!request.mention_everyone || model.may(room, user, MENTION_EVERYONE))
        && (file.is_none() || model.may(room, user, ATTACH));
    let (is_in, closed) = (model.is_in(room, user), model.is_read_only(room));
    let has_file = file.is_none_or(|file| world.claims.contains(&(user, file)));
    if is_in && !closed && may && !has_file {
        let found = result.err().map(|error| error.reason);
        let expected = Some(ErrorReason::BlobNotFound as i32);
        report.expect(found == expected, || format!("a file of others is sent: {found:?}"));
        world.totals.refused += 1;
    } else if agreed(report, "send", &result, is_in, closed, may)
        && let Ok(sent) = result
    {
        world.totals.sent += 1;
        let everyone = request.mention_everyone;
        let mentions = mentions.filter(|whom| *whom != user && !everyone);
        note(world, room, Said { seq: sent.seq, by: user, root, mentions, file });
        check::everyone_heard(world, room, sent.seq, report);
    } else {
        world.totals.refused += 1;
    }
}

/// The root of a thread to reply in, or 0: a message that is there and in no thread itself.
fn some_root(world: &World, rng: &mut Rng, room: Room) -> u64 {
    let roots: Vec<u64> =
        world.messages[room].iter().filter(|said| said.root == 0).map(|said| said.seq).collect();
    match roots.len() {
        0 => 0,
        _ if rng.below(3) > 0 => 0,
        n => roots[below(rng, n)],
    }
}

/// What a message makes of threads: whoever replies follows, and whoever is mentioned, and with the
/// first reply the author.
fn note(world: &mut World, room: Room, said: Said) {
    if said.root > 0 {
        world.follows.insert((said.by, room, said.root));
        world.follows.extend(said.mentions.map(|whom| (whom, room, said.root)));
        if world.replied.insert((room, said.root)) {
            let root = world.messages[room].iter().find(|other| other.seq == said.root);
            let author = root.map(|root| root.by).filter(|by| world.model.is_in(room, *by));
            world.follows.extend(author.map(|author| (author, room, said.root)));
        }
    }
    world.messages[room].push(said);
}

/// Reads up to somewhere; others hear of it, if they may.
fn mark(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let ((user, client), room) = (someone(world, rng), any_room(world, rng));
    let seq = world.messages[room].last().map_or(1, |said| said.seq);
    let request = MarkReadRequest { room: world.rooms[room].clone(), seq };
    let result = world.server.call::<rpc::MarkRead>(client, &request);
    agreed(report, "mark", &result, world.model.is_in(room, user), false, true);
    // Often enough receipts are told before anything else happens, and sometimes they aren't.
    if rng.below(2) == 0 {
        world.server.advance(Duration::from_millis(1));
        world.server.advance(Duration::from_millis(300));
    }
}

fn delete(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let ((user, client), room) = (someone(world, rng), any_room(world, rng));
    let Some(Said { seq, by: sender, file, .. }) = world.messages[room].last().copied() else {
        return;
    };
    let client_ref = world.server.client_ref().to_field();
    let request = DeleteRequest { room: world.rooms[room].clone(), client_ref, target_seq: seq };
    let result = world.server.call::<rpc::Delete>(client, &request);
    let may = user == sender || world.model.may(room, user, MODERATE);
    let (is_in, closed) = (world.model.is_in(room, user), world.model.is_read_only(room));
    if agreed(report, "delete", &result, is_in, closed, may)
        && let Ok(deleted) = result
    {
        world.messages[room].pop();
        world.gone[room].extend(file.map(|file| (seq, file)));
        check::everyone_heard(world, room, deleted.seq, report);
    }
}

/// Whether it was done; a violation where the model says otherwise.
fn agreed<T>(
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
    let found = result
        .as_ref()
        .err()
        .map(|error| ErrorReason::try_from(error.reason).unwrap_or(ErrorReason::Unspecified));
    report.expect(found == expected, || format!("{what}: {found:?} instead of {expected:?}"));
    found.is_none() && expected.is_none()
}

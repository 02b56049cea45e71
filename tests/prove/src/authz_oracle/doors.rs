//! Who comes into groups and who is kept out: joining, leaving, bans, open and archived groups.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    room::{
        ArchiveRoomRequest, BanRequest, HandOverRoomRequest, JoinRoomRequest, ListBansRequest,
        ListOpenRoomsRequest, RemoveMemberRequest, RenameRoomRequest, SetOpenRequest, UnbanRequest,
    },
    wire::ErrorReason,
};

use super::{
    check,
    model::{Kind, MANAGE_ROOM, REMOVE_MEMBERS, Room, User},
    secrets::{Of, word},
    steps::{any_room, below, ended, someone},
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// Somebody does something about a group's door.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, _) = someone(world, rng);
    // Mostly a group: what rooms of the directory answer is soon known. And one that they are in or could be.
    let (nodes, groups) = (world.model.nodes.len(), world.model.groups.len());
    let mut room = any_room(world, rng);
    for _ in 0..rng.below(5) {
        let is_theirs = world.model.is_in(room, user) || world.model.is_offered(room, user);
        if room >= nodes && is_theirs || groups == 0 {
            break;
        }
        room = nodes + below(rng, groups);
    }
    match rng.below(16) {
        0..2 => open(world, rng, user, room, report),
        2 => archive(world, rng, user, room, report),
        3..7 => join(world, user, room, report),
        7 => leave(world, user, room, report),
        8..10 => ban(world, rng, user, room, report),
        10 => unban(world, rng, user, room, report),
        11..13 => list_open(world, user, report),
        13 => list_bans(world, user, room, report),
        14 => rename(world, user, room, report),
        _ => hand_over(world, rng, user, room, report),
    }
}

/// Why somebody can't change that group at all, whatever they may do in it.
fn no_group(world: &World, user: User, room: Room) -> Option<ErrorReason> {
    if !world.model.is_in(room, user) {
        return Some(ErrorReason::RoomNotFound);
    }
    match world.model.group(room).map(|group| group.kind) {
        Some(Kind::Group) => None,
        Some(Kind::Direct | Kind::Private) => Some(ErrorReason::DirectRoom),
        None => Some(ErrorReason::DirectoryRoom),
    }
}

/// The same, or that it takes a permission that they don't have.
fn refused(world: &World, user: User, room: Room, what: u8) -> Option<ErrorReason> {
    let may = || world.model.may(room, user, what);
    no_group(world, user, room).or_else(|| (!may()).then_some(ErrorReason::NotAllowed))
}

/// Everyone in the room has heard the event, if there was one.
fn told(world: &mut World, room: Room, seq: u64, report: &mut Report) {
    if seq > 0 {
        check::everyone_heard(world, room, seq, report);
    }
}

fn open(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let open = rng.below(3) > 0;
    let request = SetOpenRequest { room: world.rooms[room].clone(), open };
    let result = world.call::<rpc::SetOpen>(user, &request, report);
    let expected = refused(world, user, room, MANAGE_ROOM);
    if ended(report, "open", &result, expected)
        && let (Ok(done), Some(group)) = (result, world.model.group_mut(room))
    {
        let was = std::mem::replace(&mut group.open, open);
        report.expect((done.seq > 0) == (was != open), || format!("opened {was}, now {open}"));
        told(world, room, done.seq, report);
    }
}

fn archive(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    // Taken back most of the time, or nothing would be left to write into.
    let archived = rng.below(4) == 0;
    let request = ArchiveRoomRequest { room: world.rooms[room].clone(), archived };
    let result = world.call::<rpc::ArchiveRoom>(user, &request, report);
    let expected = refused(world, user, room, MANAGE_ROOM);
    if ended(report, "archive", &result, expected)
        && let (Ok(done), Some(group)) = (result, world.model.group_mut(room))
    {
        group.archived = archived;
        told(world, room, done.seq, report);
    }
}

fn join(world: &mut World, user: User, room: Room, report: &mut Report) {
    let request = JoinRoomRequest { room: world.rooms[room].clone() };
    let result = world.call::<rpc::JoinRoom>(user, &request, report);
    let model = &world.model;
    let is_banned = model.group(room).is_some_and(|group| group.banned.contains(&user));
    let expected = match (model.is_guest(user), model.is_in(room, user)) {
        (true, _) => Some(ErrorReason::NotAllowed),
        (false, true) => None,
        (false, false) if !model.is_offered(room, user) => Some(ErrorReason::RoomNotFound),
        (false, false) => is_banned.then_some(ErrorReason::NotAllowed),
    };
    if ended(report, "join", &result, expected)
        && let (Ok(_), Some(group)) = (result, world.model.group_mut(room))
    {
        world.totals.joined += u64::from(group.members.insert(user));
    }
}

fn leave(world: &mut World, user: User, room: Room, report: &mut Report) {
    let (room_id, me) = (world.rooms[room].clone(), world.user_field(user));
    let request = RemoveMemberRequest { room: room_id, user: me };
    let result = world.call::<rpc::RemoveMember>(user, &request, report);
    let expected = no_group(world, user, room);
    if ended(report, "leave", &result, expected)
        && let Some(group) = world.model.group_mut(room)
    {
        group.members.remove(&user);
    }
}

fn ban(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let other = below(rng, USERS.len());
    let request = BanRequest { room: world.rooms[room].clone(), user: world.user_field(other) };
    let result = world.call::<rpc::Ban>(user, &request, report);
    let is_creator = world.model.group(room).is_some_and(|group| group.creator == other);
    let never = (is_creator || user == other).then_some(ErrorReason::NotAllowed);
    let expected = refused(world, user, room, REMOVE_MEMBERS).or(never);
    if ended(report, "ban", &result, expected)
        && let (Ok(done), Some(group)) = (result, world.model.group_mut(room))
    {
        group.members.remove(&other);
        let is_new = group.banned.insert(other);
        world.totals.banned += u64::from(is_new);
        report.expect((done.seq > 0) == is_new, || format!("{other} is banned, anew: {is_new}"));
        told(world, room, done.seq, report);
    }
}

fn unban(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let banned: Vec<User> =
        world.model.group(room).iter().flat_map(|group| group.banned.iter().copied()).collect();
    let other = match banned.len() {
        0 => below(rng, USERS.len()),
        n => banned[below(rng, n)],
    };
    let request = UnbanRequest { room: world.rooms[room].clone(), user: world.user_field(other) };
    let result = world.call::<rpc::Unban>(user, &request, report);
    let expected = refused(world, user, room, REMOVE_MEMBERS);
    if ended(report, "unban", &result, expected)
        && let (Ok(done), Some(group)) = (result, world.model.group_mut(room))
    {
        group.banned.remove(&other);
        told(world, room, done.seq, report);
    }
}

/// Everyone but guests is shown the open groups, also those that they are banned from.
fn list_open(world: &mut World, user: User, report: &mut Report) {
    let (mut found, mut page) = (BTreeSet::new(), Bytes::new());
    loop {
        let request = ListOpenRoomsRequest { page, page_size: 2 };
        let result = world.call::<rpc::ListOpenRooms>(user, &request, report);
        let guest = world.model.is_guest(user).then_some(ErrorReason::NotAllowed);
        if !ended(report, "list open rooms", &result, guest) {
            return;
        }
        let Ok(listed) = result else { return };
        found.extend(listed.rooms.into_iter().filter_map(|one| Some((one.room?.id, one.joined))));
        page = listed.next_page;
        if page.is_empty() {
            break;
        }
    }
    let mut expected = BTreeSet::new();
    for (room, id) in world.rooms.iter().enumerate() {
        if world.model.is_offered(room, user) {
            expected.insert((id.clone(), world.model.is_in(room, user)));
        }
    }
    report.expect(found == expected, || {
        format!("{} may join {} groups, not {}", USERS[user], found.len(), expected.len())
    });
}

fn list_bans(world: &mut World, user: User, room: Room, report: &mut Report) {
    let request = ListBansRequest { room: world.rooms[room].clone() };
    let result = world.call::<rpc::ListBans>(user, &request, report);
    let expected = refused(world, user, room, REMOVE_MEMBERS);
    if ended(report, "list bans", &result, expected)
        && let (Ok(listed), Some(group)) = (result, world.model.group(room))
    {
        let found: BTreeSet<Bytes> = listed.users.into_iter().collect();
        let banned = group.banned.iter().map(|user| world.user_field(*user)).collect();
        report.expect(found == banned, || format!("other bans of room {room}"));
    }
}

fn rename(world: &mut World, user: User, room: Room, report: &mut Report) {
    let name = world.secret(Of::Name(room));
    let request = RenameRoomRequest { room: world.rooms[room].clone(), name: word(name) };
    let result = world.call::<rpc::RenameRoom>(user, &request, report);
    let expected = refused(world, user, room, MANAGE_ROOM);
    if ended(report, "rename", &result, expected)
        && let Ok(done) = result
    {
        // What it was called before stands in its log only.
        if let Some(before) = world.names.insert(room, name) {
            world.secrets[before].of = Of::Room(room);
        }
        told(world, room, done.seq, report);
    }
}

fn hand_over(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let to = below(rng, USERS.len());
    let request = HandOverRoomRequest { room: world.rooms[room].clone(), to: world.user_field(to) };
    let result = world.call::<rpc::HandOverRoom>(user, &request, report);
    let model = &world.model;
    let expected = no_group(world, user, room).or_else(|| {
        let is_creator = model.group(room).is_some_and(|group| group.creator == user);
        let may_own = !model.is_guest(to) && !model.deactivated.contains(&to);
        match (is_creator, model.is_in(room, to), may_own) {
            (true, false, _) => Some(ErrorReason::UserNotFound),
            (true, true, true) => None,
            _ => Some(ErrorReason::NotAllowed),
        }
    });
    if ended(report, "hand over", &result, expected)
        && let (Ok(done), Some(group)) = (result, world.model.group_mut(room))
    {
        group.creator = to;
        told(world, room, done.seq, report);
    }
}

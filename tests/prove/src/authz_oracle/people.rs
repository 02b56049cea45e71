//! People: who blocks whom, direct and private rooms, who finds and sees whom.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    access::GetAccessRequest,
    generated::rpc,
    people::{BlockUserRequest, ListBlockedRequest, ListPeopleRequest, UnblockUserRequest},
    presence::{Activity, PresenceState, PresenceUpdate, SetPresenceRequest, WatchPresenceRequest},
    room::{CreateGroupRequest, OpenDirectRequest, OpenPrivateRoomRequest, PostNoticeRequest},
    user::GetUsersRequest,
    wire::ErrorReason,
};

use super::{
    check,
    model::{Group, Kind, Room, User},
    secrets::Of,
    sending::{Wish, note},
    steps::{below, ended, someone, someone_in},
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// Permissions there are.
const PERMISSIONS: u8 = 17;
/// So long after a block what was under way may still arrive.
const UNDER_WAY_MS: u64 = 300;
/// No room.
const NOWHERE: Room = usize::MAX;
/// Of so many users one is posted notices to: the rooms would be too many otherwise.
const NOTICES_EACH: usize = 4;

/// Somebody does something about somebody else, or looks at who is there.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, _) = someone(world, rng);
    match rng.below(16) {
        0..3 => block(world, rng, user, report),
        3..6 => unblock(world, rng, user, report),
        6..8 => direct(world, user, report),
        8..11 => notice(world, rng, user, report),
        11 => private(world, user, report),
        12 => blocked(world, user, report),
        13 => people(world, rng, user, report),
        14 if rng.below(2) == 0 => unwanted(world, user, report),
        14 => watch(world, user, report),
        _ if rng.below(3) == 0 => active(world, user, report),
        _ => access(world, rng, report),
    }
}

/// With whom a user has a direct room: one each, or the rooms would be too many.
fn partner(user: User) -> User {
    user ^ 1
}

/// Mostly whom it matters with.
fn some_other(rng: &mut Rng, user: User) -> User {
    if rng.below(3) > 0 { partner(user) } else { below(rng, USERS.len()) }
}

fn block(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let other = some_other(rng, user);
    let request = BlockUserRequest { user: Some(world.user_ref(other)) };
    let result = world.call::<rpc::BlockUser>(user, &request, report);
    let expected = (user == other).then_some(ErrorReason::InvalidField);
    if ended(report, "block", &result, expected) && world.model.blocks.insert((user, other)) {
        world.blocked_ms.insert((user, other), world.now_ms());
        world.totals.blocked += 1;
    }
}

fn unblock(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let mine = world.model.blocks.iter().filter(|(who, _)| *who == user);
    let mine: Vec<User> = mine.map(|(_, whom)| *whom).collect();
    let other = if mine.is_empty() { some_other(rng, user) } else { mine[below(rng, mine.len())] };
    let request = UnblockUserRequest { user: world.user_field(other) };
    let result = world.call::<rpc::UnblockUser>(user, &request, report);
    if ended(report, "unblock", &result, None) {
        world.model.blocks.remove(&(user, other));
    }
}

/// Whom somebody has blocked is theirs to know.
fn blocked(world: &mut World, user: User, report: &mut Report) {
    let result = world.call::<rpc::ListBlocked>(user, &ListBlockedRequest {}, report);
    let found: BTreeSet<Bytes> =
        result.map(|it| it.users.into_iter().collect()).unwrap_or_default();
    let mine = world.model.blocks.iter().filter(|(who, _)| *who == user);
    let expected = mine.map(|(_, whom)| world.user_field(*whom)).collect();
    report.expect(found == expected, || format!("{} has other blocks", USERS[user]));
}

/// Opens a direct room, which nobody makes with somebody that they are apart from.
fn direct(world: &mut World, user: User, report: &mut Report) {
    let other = partner(user);
    let request = OpenDirectRequest { with: Some(world.user_ref(other)) };
    let result = world.call::<rpc::OpenDirect>(user, &request, report);
    let members: BTreeSet<User> = [user, other].into();
    let is_it = |group: &Group| group.kind == Kind::Direct && group.members == members;
    let is_there = world.model.groups.iter().any(is_it);
    let refused = !is_there && world.model.are_apart(user, other);
    if ended(report, "direct", &result, refused.then_some(ErrorReason::NotAllowed))
        && let Ok(opened) = result
    {
        report.expect(opened.created != is_there, || "a direct room is made twice".to_owned());
        if !is_there {
            let id = opened.room.unwrap_or_default().id;
            world
                .push(id, Group { kind: Kind::Direct, creator: user, members, ..Group::default() });
        }
    }
}

/// A user's own room, if it is there.
fn private_of(world: &World, user: User) -> Option<Room> {
    let is_it = |group: &Group| group.kind == Kind::Private && group.creator == user;
    let at = world.model.groups.iter().position(is_it)?;
    Some(world.model.nodes.len() + at)
}

/// It is there from now on.
fn make_private(world: &mut World, user: User) -> Room {
    if let Some(room) = private_of(world, user) {
        return room;
    }
    let members = [user].into();
    let group = Group { kind: Kind::Private, creator: user, members, ..Group::default() };
    world.push(world.private_id(user), group)
}

fn private(world: &mut World, user: User, report: &mut Report) {
    let user = user / NOTICES_EACH * NOTICES_EACH;
    if world.clients[user].is_none() {
        return;
    }
    let was_there = private_of(world, user).is_some();
    let result = world.call::<rpc::OpenPrivateRoom>(user, &OpenPrivateRoomRequest {}, report);
    if ended(report, "open a private room", &result, None)
        && let Ok(opened) = result
    {
        report.expect(opened.created != was_there, || "a private room is made twice".to_owned());
        let room = make_private(world, user);
        let is_it = opened.room.is_some_and(|opened| opened.id == world.rooms[room]);
        report.expect(is_it, || "a private room has another id".to_owned());
    }
}

/// Programs post into rooms that they aren't in.
fn notice(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let to = if rng.below(2) == 0 { partner(user) } else { below(rng, USERS.len()) };
    let to = to / NOTICES_EACH * NOTICES_EACH;
    let text = world.secret(Of::Room(NOWHERE));
    let message = world.text_of(NOWHERE, text, &[]);
    let request = PostNoticeRequest {
        to: Some(world.user_ref(to)),
        client_ref: message.client_ref,
        body: message.body,
        attachments: vec![],
    };
    let result = world.call::<rpc::PostNotice>(user, &request, report);
    let model = &world.model;
    // The scope is the token's, whatever the directory says.
    let expected = match (USERS[user].starts_with("guest"), model.deactivated.contains(&to)) {
        (true, _) => Some(ErrorReason::ScopeMissing),
        (false, true) => Some(ErrorReason::UserNotFound),
        (false, false) => model.blocks.contains(&(to, user)).then_some(ErrorReason::NotAllowed),
    };
    if ended(report, "notice", &result, expected)
        && let Ok(posted) = result
    {
        let room = make_private(world, to);
        world.secrets[text].of = Of::Room(room);
        check::everyone_heard(world, room, posted.seq, report);
        note(world, Wish::plain(user, room, text), posted.seq, report);
    }
}

/// Everyone who is there is found by everyone but guests, whoever has blocked whom.
fn people(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let query = ["", "", "guest", "ha", "ann"][below(rng, 5)];
    let request = ListPeopleRequest { query: query.into(), page_size: 200, ..Default::default() };
    let result = world.call::<rpc::ListPeople>(user, &request, report);
    let guest = world.model.is_guest(user).then_some(ErrorReason::NotAllowed);
    if ended(report, "people", &result, guest)
        && let Ok(listed) = result
    {
        let found: BTreeSet<String> = listed.users.into_iter().map(|user| user.subject).collect();
        let is_there = |user: &User| !world.model.deactivated.contains(user);
        let there = (0..USERS.len()).filter(is_there).map(|user| USERS[user]);
        let expected = there.filter(|name| name.starts_with(query)).map(str::to_owned).collect();
        report.expect(found == expected, || format!("{query:?} finds {found:?}, not {expected:?}"));
    }
    let users = (0..USERS.len()).map(|user| world.user_field(user)).collect();
    let request = GetUsersRequest { users, subjects: vec![] };
    let result = world.call::<rpc::GetUsers>(user, &request, report);
    let found: Vec<(String, bool)> = result
        .map(|listed| listed.users.into_iter().map(|it| (it.subject, it.deactivated)).collect())
        .unwrap_or_default();
    // Of whoever is erased nothing says who they were.
    let name = |user: User| if world.erased.contains(&user) { "" } else { USERS[user] };
    let one = |user: User| (name(user).to_owned(), world.model.deactivated.contains(&user));
    let expected: Vec<_> = (0..USERS.len()).map(one).collect();
    report.expect(found == expected, || format!("people are {found:?}"));
}

/// Nobody brings those into a group who have blocked them.
fn unwanted(world: &mut World, user: User, report: &mut Report) {
    let deaf = world.model.blocks.iter().find(|(_, whom)| *whom == user);
    let Some((other, _)) = deaf.copied() else { return };
    let members = vec![world.user_ref(other)];
    let client_ref = world.server.client_ref().to_field();
    let request = CreateGroupRequest { client_ref, name: "team".into(), members };
    let result = world.call::<rpc::CreateGroup>(user, &request, report);
    ended(report, "bring in", &result, Some(ErrorReason::NotAllowed));
}

/// They are there, for whoever watches them.
fn active(world: &mut World, user: User, report: &mut Report) {
    let request = SetPresenceRequest { activity: Activity::Active as i32 };
    let result = world.call::<rpc::SetPresence>(user, &request, report);
    ended(report, "presence", &result, None);
}

/// Whether somebody may see that another is there: not whoever is blocked, and guests only those that they
/// share a room with.
pub(super) fn may_watch(world: &World, user: User, other: User) -> bool {
    let shares = |room: Room| world.model.is_in(room, user) && world.model.is_in(room, other);
    let is_known =
        user == other || !world.model.is_guest(user) || (0..world.rooms.len()).any(shares);
    is_known && !world.model.blocks.contains(&(other, user))
}

fn watch(world: &mut World, user: User, report: &mut Report) {
    let all: Vec<Bytes> = (0..USERS.len()).map(|user| world.user_field(user)).collect();
    let request = WatchPresenceRequest { add: all.clone(), remove: vec![] };
    let result = world.call::<rpc::WatchPresence>(user, &request, report);
    let Ok(answer) = result else {
        report.violation("watching is refused");
        return;
    };
    let found: BTreeSet<Bytes> = answer.people.into_iter().map(|one| one.user).collect();
    for (other, id) in all.iter().enumerate() {
        if !world.model.deactivated.contains(&other) {
            let may = may_watch(world, user, other);
            report.expect(found.contains(id) == may, || {
                format!("{} watches {}: not {may}", USERS[user], USERS[other])
            });
        }
    }
}

/// Whether two have been apart for so long that nothing is under way between them any more.
pub(super) fn are_long_apart(world: &World, room: Room) -> bool {
    let members = world.model.group(room).map(|group| &group.members);
    let within = |(a, b): &(User, User)| {
        members.is_some_and(|members| members.contains(a) && members.contains(b))
    };
    let blocks = world.model.blocks.iter().filter(|block| within(block));
    let mut since = blocks.filter_map(|block| world.blocked_ms.get(block));
    world.model.is_apart(room) && since.any(|at| at + UNDER_WAY_MS <= world.began_ms)
}

/// What is told of others' presence as it changes.
pub(super) fn seen(world: &World, user: User, update: &PresenceUpdate, report: &mut Report) {
    for one in update.people.iter().filter(|one| one.state() != PresenceState::Offline) {
        let other = (0..USERS.len()).find(|other| world.user_field(*other) == one.user);
        let may = other.is_some_and(|other| may_watch(world, user, other));
        report.expect(may, || format!("{} sees {other:?} there", USERS[user]));
    }
}

/// What the server says one may do in a room.
fn access(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    let request = GetAccessRequest { room: world.rooms[room].clone() };
    let result = world.call::<rpc::GetAccess>(user, &request, report);
    let is_in = world.model.is_in(room, user);
    if ended(report, "access", &result, (!is_in).then_some(ErrorReason::RoomNotFound))
        && let Ok(access) = result
    {
        for what in 1..=PERMISSIONS {
            let may = world.model.may(room, user, what);
            let says = access.permissions & (1 << (what - 1)) != 0;
            report.expect(may == says, || format!("{what} in room {room}: {says}, not {may}"));
        }
    }
}

//! People who go, and what is kept all the same: erasure, legal holds, retention.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    compliance::{
        EraseUserRequest, HoldState, HoldTarget, LegalHold, ListLegalHoldsRequest,
        SetLegalHoldRequest, hold_target::Of as Target,
    },
    generated::rpc,
    room::user_ref,
    wire::ErrorReason,
};

use super::{
    check,
    model::{Kind, Room, User},
    steps::{any_room, below, ended, someone},
    world::{USERS, World, put_user},
};
use crate::{report::Report, rng::Rng};

/// What a rule of retention leaves, here.
const KEPT_MS: u64 = 60_000;

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    Room(Room),
    User(User),
}

/// Somebody who may erases somebody, or has something held or deleted.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, _) = someone(world, rng);
    match rng.below(8) {
        0..2 => erase(world, rng, user, report),
        2..4 => come_back(world, rng),
        4..6 => hold(world, rng, user, report),
        6 => holds(world, user, report),
        _ => retain(world, rng, report),
    }
}

/// The scope is the token's.
fn no_scope(user: User) -> Option<ErrorReason> {
    USERS[user].starts_with("guest").then_some(ErrorReason::ScopeMissing)
}

fn erase(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let out: Vec<User> = world.model.deactivated.iter().copied().collect();
    let other = match out.len() {
        n if n > 0 && rng.below(4) > 0 => out[below(rng, n)],
        _ => 1 + below(rng, USERS.len() - 1),
    };
    let request = EraseUserRequest { user: Some(world.user_ref(other)) };
    let result = world.call::<rpc::EraseUser>(user, &request, report);
    let is_erased = world.erased.contains(&other);
    let is_held = world.held.contains(&Held::User(other));
    let expected = no_scope(user).or(match (is_erased, world.model.deactivated.contains(&other)) {
        (true, _) => None,
        (false, false) => Some(ErrorReason::NotDeactivated),
        (false, true) => is_held.then_some(ErrorReason::UserHeld),
    });
    if !ended(report, "erase", &result, expected) || is_erased {
        return;
    }
    let ended = world.server.erase(usize::MAX);
    report.expect(ended.iter().all(Option::is_some), || "an erasure stops".to_owned());
    world.totals.erased += 1;
    gone(world, other, report);
}

/// What somebody wrote is gone, and what was kept for them; what others did stays.
fn gone(world: &mut World, user: User, report: &mut Report) {
    world.erased.insert(user);
    for node in &mut world.model.nodes {
        node.members.remove(&user);
    }
    for room in 0..world.rooms.len() {
        let group = world.model.group_mut(room);
        let is_own =
            group.as_ref().is_some_and(|it| it.kind == Kind::Private && it.creator == user);
        if let Some(group) = group.filter(|group| group.kind == Kind::Group) {
            group.members.remove(&user);
        }
        let theirs = world.messages[room].iter().filter(|said| said.by == user || is_own);
        for seq in theirs.map(|said| said.seq).collect::<Vec<u64>>() {
            check::goes(world, room, seq, report);
        }
        for said in world.messages[room].iter_mut().filter(|said| said.mentions == Some(user)) {
            said.mentions = None;
        }
    }
    world.model.blocks.retain(|(who, _)| *who != user);
    world.claims.retain(|(who, _)| *who != user);
    world.follows.retain(|(who, ..)| *who != user);
    world.saved.retain(|(who, ..)| *who != user);
    let (theirs, left): (Vec<_>, Vec<_>) =
        std::mem::take(&mut world.scheduled).into_iter().partition(|one| one.wish.by == user);
    world.scheduled = left;
    theirs.iter().for_each(|one| world.secrets[one.wish.text].gone = true);
    let (theirs, left): (Vec<_>, Vec<_>) =
        std::mem::take(&mut world.reminders).into_iter().partition(|one| one.of == user);
    world.reminders = left;
    theirs.iter().for_each(|one| world.secrets[one.text].gone = true);
}

/// Somebody who was erased is let in again, as somebody new.
fn come_back(world: &mut World, rng: &mut Rng) {
    let erased: Vec<User> = world.erased.iter().copied().collect();
    if erased.is_empty() {
        return;
    }
    let user = erased[below(rng, erased.len())];
    world.change(vec![put_user(user, Some("member"), Some(false))]);
    world.erased.remove(&user);
    world.model.deactivated.remove(&user);
    world.model.nodes[0].members.insert(user, "member");
}

fn target_of(world: &World, held: Held) -> HoldTarget {
    HoldTarget {
        of: Some(match held {
            Held::Room(room) => Target::Room(world.rooms[room].clone()),
            Held::User(user) => Target::User(world.user_ref(user)),
        }),
    }
}

/// Holds something, or ends that; it is held for another day then.
fn hold(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let held = match rng.below(8) {
        0 => Held::User(1 + below(rng, USERS.len() - 1)),
        _ => Held::Room(any_room(world, rng)),
    };
    let on = rng.below(2) == 0;
    let request = SetLegalHoldRequest {
        target: Some(target_of(world, held)),
        state: if on { HoldState::Held } else { HoldState::Ended } as i32,
        reason: "why".into(),
    };
    let result = world.call::<rpc::SetLegalHold>(user, &request, report);
    if ended(report, "hold", &result, no_scope(user)) {
        if on {
            world.holds.insert(held);
            world.held.insert(held);
        } else {
            world.holds.remove(&held);
        }
    }
}

/// Holds are listed to those who may set them, and what is held to nobody.
fn holds(world: &mut World, user: User, report: &mut Report) {
    let result = world.call::<rpc::ListLegalHolds>(user, &ListLegalHoldsRequest {}, report);
    if !ended(report, "holds", &result, no_scope(user)) {
        return;
    }
    let of = |hold: LegalHold| match hold.target?.of? {
        Target::Room(room) => Some(room),
        Target::User(user) => match user.user? {
            user_ref::User::Id(id) => Some(id),
            user_ref::User::Subject(_) => None,
        },
        Target::Organization(_) => None,
    };
    let found: Option<BTreeSet<Bytes>> =
        result.ok().and_then(|listed| listed.holds.into_iter().map(of).collect());
    let expected = world.holds.iter().map(|held| match held {
        Held::Room(room) => world.rooms[*room].clone(),
        Held::User(user) => world.user_field(*user),
    });
    let expected = Some(expected.collect());
    report.expect(found == expected, || "other holds are listed".to_owned());
}

/// A rule deletes what is old in a room, but nothing that is held.
fn retain(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let room = any_room(world, rng);
    let (root, id) = (world.clients[0].expect("root stays"), world.rooms[room].clone());
    world.server.retain_older(root, &id, KEPT_MS);
    let now_ms = world.now_ms();
    let is_held =
        |by: User| world.held.contains(&Held::Room(room)) || world.held.contains(&Held::User(by));
    let old = world.messages[room].iter().filter(|said| said.at_ms + KEPT_MS <= now_ms);
    let old: Vec<u64> = old.filter(|said| !is_held(said.by)).map(|said| said.seq).collect();
    for seq in old {
        world.totals.retained += 1;
        check::goes(world, room, seq, report);
    }
}

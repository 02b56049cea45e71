//! What somebody keeps: saved messages, pins, reminders. None of it gives back what can't be read any more.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    pin::{ListPinsRequest, PinRequest, UnpinRequest},
    reminder::{DeleteReminderRequest, ListRemindersRequest, Reminder, SetReminderRequest},
    saved::{ListSavedRequest, SaveMessageRequest, SavedMessage, UnsaveMessageRequest},
    wire::ErrorReason,
};

use super::{
    check::{self, live},
    later::Reminded,
    model::{PIN, Room, User},
    secrets::{Of, word},
    sending::{some_place, there},
    steps::{below, ended, someone_in},
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// As many reminders as one user has here.
const REMINDERS_MAX: usize = 20;

/// Somebody keeps something, or looks at what they have kept.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    match rng.below(12) {
        0..2 => save(world, rng, user, room, report),
        2 => unsave(world, rng, user, report),
        3 => list_saved(world, user, report),
        4..7 => pin(world, rng, user, room, report),
        7 => unpin(world, rng, user, room, report),
        8 => list_pins(world, user, room, report),
        9 => remind(world, rng, user, room, report),
        10 => forget(world, rng, user, report),
        _ => list_reminders(world, user, report),
    }
}

/// Why somebody can't name a message.
fn unknown(world: &World, user: User, room: Room, seq: u64) -> Option<ErrorReason> {
    match (world.model.is_in(room, user), there(world, room, seq)) {
        (false, _) => Some(ErrorReason::RoomNotFound),
        (true, None) => Some(ErrorReason::MessageNotFound),
        (true, Some(_)) => None,
    }
}

fn save(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let seq = some_place(world, rng, room);
    let request = SaveMessageRequest { room: world.rooms[room].clone(), seq };
    let result = world.call::<rpc::SaveMessage>(user, &request, report);
    if ended(report, "save", &result, unknown(world, user, room, seq)) {
        world.saved.insert((user, room, seq));
    }
}

fn unsave(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    let mine: Vec<_> = world.saved.iter().filter(|(who, ..)| *who == user).copied().collect();
    if mine.is_empty() {
        return;
    }
    // Also one that can't be read any more.
    let (_, room, seq) = mine[below(rng, mine.len())];
    let request = UnsaveMessageRequest { room: world.rooms[room].clone(), seq };
    let result = world.call::<rpc::UnsaveMessage>(user, &request, report);
    if ended(report, "unsave", &result, None) {
        world.saved.remove(&(user, room, seq));
    }
}

/// Saved messages stay on the list, and it says of each whether it can't be read; not why.
fn list_saved(world: &mut World, user: User, report: &mut Report) {
    let request = ListSavedRequest { page_size: 200, ..Default::default() };
    let result = world.call::<rpc::ListSaved>(user, &request, report);
    let of = |one: SavedMessage| (one.room, one.seq, one.gone);
    let found: BTreeSet<(Bytes, u64, bool)> =
        result.map(|listed| listed.saved.into_iter().map(of).collect()).unwrap_or_default();
    let mine = world.saved.iter().filter(|(who, ..)| *who == user);
    let is_gone = |room: Room, seq: u64| unknown(world, user, room, seq).is_some();
    let expected = mine
        .map(|(_, room, seq)| (world.rooms[*room].clone(), *seq, is_gone(*room, *seq)))
        .collect();
    report.expect(found == expected, || format!("{} has saved other messages", USERS[user]));
}

fn pin(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let target_seq = some_place(world, rng, room);
    let client_ref = world.server.client_ref().to_field();
    let request = PinRequest { room: world.rooms[room].clone(), client_ref, target_seq };
    let result = world.call::<rpc::Pin>(user, &request, report);
    let expected = no_pin(world, user, room, target_seq);
    if ended(report, "pin", &result, expected)
        && let Ok(done) = result
    {
        let is_new = world.pins.insert((room, target_seq));
        report.expect((done.seq > 0) == is_new, || format!("pinned, anew: {is_new}"));
        if is_new {
            check::everyone_heard(world, room, done.seq, report);
        }
    }
}

/// Why somebody can't pin a message.
fn no_pin(world: &World, user: User, room: Room, seq: u64) -> Option<ErrorReason> {
    let model = &world.model;
    match (model.is_in(room, user), model.is_read_only(room), model.may(room, user, PIN)) {
        (false, ..) => Some(ErrorReason::RoomNotFound),
        (true, true, _) => Some(ErrorReason::RoomArchived),
        (true, false, false) => Some(ErrorReason::NotAllowed),
        (true, false, true) => unknown(world, user, room, seq),
    }
}

fn unpin(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let pinned: Vec<u64> =
        world.pins.iter().filter(|(at, _)| *at == room).map(|(_, seq)| *seq).collect();
    let target_seq = match pinned.len() {
        0 => some_place(world, rng, room),
        n => pinned[below(rng, n)],
    };
    let client_ref = world.server.client_ref().to_field();
    let request = UnpinRequest { room: world.rooms[room].clone(), client_ref, target_seq };
    let result = world.call::<rpc::Unpin>(user, &request, report);
    let expected = no_pin(world, user, room, target_seq);
    if ended(report, "unpin", &result, expected) {
        world.pins.remove(&(room, target_seq));
    }
}

/// Pinned messages are those that are there, for those who are in the room.
fn list_pins(world: &mut World, user: User, room: Room, report: &mut Report) {
    let request = ListPinsRequest { room: world.rooms[room].clone() };
    let result = world.bulk::<rpc::ListPins>(user, &request, report);
    let is_in = world.model.is_in(room, user);
    if !ended(report, "pins", &result, (!is_in).then_some(ErrorReason::RoomNotFound)) {
        return;
    }
    let items = result.unwrap_or_default();
    let found: BTreeSet<u64> = items.iter().flat_map(|item| live(&item.events)).collect();
    let pins = items.iter().flat_map(|item| item.pins.iter().map(|pin| pin.target_seq));
    let pins: BTreeSet<u64> = pins.collect();
    let expected = world.pins.iter().filter(|(at, _)| *at == room).map(|(_, seq)| *seq).collect();
    report.expect(found == expected && pins == expected, || {
        format!("room {room} has pins {pins:?} of {found:?}, not {expected:?}")
    });
}

/// Of a message that can be read now, or only a text.
fn remind(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    if world.reminders.iter().filter(|one| one.of == user).count() >= REMINDERS_MAX {
        return;
    }
    let with = (rng.below(3) > 0).then(|| (room, some_place(world, rng, room)));
    let text = world.secret(Of::User(user));
    let (at_ms, id) = (world.now_ms() + 1 + rng.below(5_000), world.server.client_ref().to_field());
    let reminder = Reminder {
        id: id.clone(),
        at_ms,
        room: with.map(|(room, _)| world.rooms[room].clone()).unwrap_or_default(),
        seq: with.map_or(0, |(_, seq)| seq),
        text: word(text),
        due: false,
    };
    let request = SetReminderRequest { reminder: Some(reminder) };
    let result = world.call::<rpc::SetReminder>(user, &request, report);
    let expected = with.and_then(|(room, seq)| unknown(world, user, room, seq));
    if ended(report, "remind", &result, expected) {
        world.reminders.push(Reminded { id, of: user, at_ms, due: false, text });
    }
}

/// One's own reminder, or one of somebody else's, which isn't there for whoever asks.
fn forget(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    if world.reminders.is_empty() {
        return;
    }
    let at = below(rng, world.reminders.len());
    let request = DeleteReminderRequest { id: world.reminders[at].id.clone() };
    let result = world.call::<rpc::DeleteReminder>(user, &request, report);
    if ended(report, "forget", &result, None) && world.reminders[at].of == user {
        let reminded = world.reminders.remove(at);
        world.secrets[reminded.text].gone = true;
    }
}

fn list_reminders(world: &mut World, user: User, report: &mut Report) {
    let request = ListRemindersRequest::default();
    let result = world.call::<rpc::ListReminders>(user, &request, report);
    let found: BTreeSet<(Bytes, bool)> = result
        .map(|listed| listed.reminders.into_iter().map(|one| (one.id, one.due)).collect())
        .unwrap_or_default();
    let mine = world.reminders.iter().filter(|one| one.of == user);
    let expected = mine.map(|one| (one.id.clone(), one.due)).collect();
    report.expect(found == expected, || format!("{} has other reminders", USERS[user]));
}

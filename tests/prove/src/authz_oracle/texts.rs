//! Texts that change and go: edits and their history, words that are found, messages that disappear.

use std::collections::BTreeSet;

use parlour_protocol::{
    generated::rpc,
    message::{EditRequest, MessageEdited, ReadEditsRequest},
    room::SetMessageExpiryRequest,
    search::{SearchHit, SearchMessagesRequest},
    wire::ErrorReason,
};
use prost::Message;

use super::{
    check,
    model::{Kind, MANAGE_ROOM, Room, SEND, User},
    secrets::{Of, word, words_in},
    sending::{some_place, some_recent, there},
    steps::{agreed, below, ended, someone_in},
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// Seconds after which messages disappear, where they do.
const EXPIRIES_S: [u32; 3] = [0, 5, 20];

/// Somebody changes a text, looks at what it was, or looks for it.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    match rng.below(8) {
        0..3 => edit(world, rng, user, room, report),
        3..5 => edits(world, rng, user, room, report),
        5..7 => find(world, rng, user, room, report),
        _ => expiry(world, rng, user, room, report),
    }
}

fn edit(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let target_seq = some_place(world, rng, room);
    // Mostly by whoever may, or hardly anything would be edited.
    let by = there(world, room, target_seq).map(|said| said.by).filter(|_| rng.below(4) > 0);
    let user = by.filter(|by| world.clients[*by].is_some()).unwrap_or(user);
    let text = world.secret(Of::Room(room));
    let body = MessageEdited { text: format!("text {}", word(text)), ..Default::default() };
    let request = EditRequest {
        room: world.rooms[room].clone(),
        client_ref: world.server.client_ref().to_field(),
        target_seq,
        body: body.encode_to_vec().into(),
    };
    let result = world.call::<rpc::Edit>(user, &request, report);
    let model = &world.model;
    let said = there(world, room, target_seq);
    let expected = match (model.is_in(room, user), model.is_read_only(room), said) {
        (false, ..) => Some(ErrorReason::RoomNotFound),
        (true, true, _) => Some(ErrorReason::RoomArchived),
        _ if !model.may(room, user, SEND) => Some(ErrorReason::NotAllowed),
        (.., None) => Some(ErrorReason::MessageNotFound),
        (.., Some(said)) => (said.by != user).then_some(ErrorReason::NotAllowed),
    };
    if ended(report, "edit", &result, expected)
        && let Ok(edited) = result
    {
        world.edits.entry((room, target_seq)).or_default().push((edited.seq, text));
        world.totals.edited += 1;
        check::everyone_heard(world, room, edited.seq, report);
    }
}

/// All that a message has said, in order; nothing of a deleted one.
fn edits(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let target_seq = some_place(world, rng, room);
    let request = ReadEditsRequest { room: world.rooms[room].clone(), target_seq };
    let result = world.bulk::<rpc::ReadEdits>(user, &request, report);
    let said = there(world, room, target_seq);
    let expected = match (world.model.is_in(room, user), said) {
        (false, _) => Some(ErrorReason::RoomNotFound),
        (true, None) => Some(ErrorReason::MessageNotFound),
        (true, Some(_)) => None,
    };
    if ended(report, "read edits", &result, expected)
        && let (Ok(items), Some(said)) = (result, said)
    {
        let events = items.iter().flat_map(|item| &item.events);
        let found: Vec<usize> = events.flat_map(|event| words_in(&event.body)).collect();
        let edits = world.edits.get(&(room, target_seq)).into_iter().flatten();
        // A poll asks what its message says.
        let asked = said.has_poll.then_some(said.text);
        let texts = [said.text].into_iter().chain(asked).chain(edits.map(|(_, text)| *text));
        let expected: Vec<usize> = texts.collect();
        report.expect(found == expected, || format!("it said {found:?}, not {expected:?}"));
    }
}

/// A message is found by what it says now, and by nobody by what it said before.
fn find(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let Some(said) = some_recent(world, rng, room) else { return };
    world.server.index();
    let edits = world.edits.get(&(room, said.seq));
    let last = edits.and_then(|edits| edits.last()).map(|(_, text)| *text);
    let old = if rng.below(2) == 0 { said.text } else { last.unwrap_or(said.text) };
    let (text, limit) = (word(old), 50);
    let request = SearchMessagesRequest { text, limit, ..Default::default() };
    let items = world.bulk::<rpc::SearchMessages>(user, &request, report);
    let of = |hit: SearchHit| Some((hit.room, hit.message?.header?.seq));
    let found: BTreeSet<_> =
        items.unwrap_or_default().into_iter().flat_map(|item| item.hits).filter_map(of).collect();
    // What a poll asks is found whatever its message says now.
    let is_said = last.is_none_or(|last| last == old) || (said.has_poll && old == said.text);
    let may = world.model.is_in(room, user) && is_said;
    let expected = may.then(|| (world.rooms[room].clone(), said.seq)).into_iter().collect();
    report.expect(found == expected, || {
        format!("{} finds {} by text {old} of room {room}: not {may}", USERS[user], found.len())
    });
}

fn expiry(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    let seconds = EXPIRIES_S[below(rng, EXPIRIES_S.len())];
    let request = SetMessageExpiryRequest { room: world.rooms[room].clone(), seconds };
    let result = world.call::<rpc::SetMessageExpiry>(user, &request, report);
    let model = &mut world.model;
    let (is_in, closed) = (model.is_in(room, user), model.is_read_only(room));
    let of_two = model.group(room).is_some_and(|group| group.kind != Kind::Group);
    let may = model.may(room, user, if of_two { SEND } else { MANAGE_ROOM });
    if agreed(report, "expiry", &result, is_in, closed, may) {
        model.expiries_s.insert(room, seconds);
    }
}

/// Messages whose time is over are gone.
pub(super) fn expire(world: &mut World, now_ms: u64, report: &mut Report) {
    for room in 0..world.rooms.len() {
        let over = world.messages[room].iter().filter(|said| said.expires_ms <= now_ms);
        for seq in over.map(|said| said.seq).collect::<Vec<u64>>() {
            world.totals.expired += 1;
            check::goes(world, room, seq, report);
        }
    }
}

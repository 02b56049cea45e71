//! What has a time: scheduled messages, reminders, messages that disappear.

use bytes::Bytes;
use parlour_core::ports::{
    clock::Clock,
    store::{LogKey, ReadRange},
};
use parlour_protocol::{
    generated::rpc,
    ids::RoomId,
    message::SendRequest,
    schedule::{
        CancelScheduledRequest, ListScheduledRequest, ScheduleSendRequest, Scheduled,
        ScheduledState, UpdateScheduledRequest,
    },
    wire::ErrorReason,
};

use super::{
    check,
    model::{Room, User},
    secrets::{Of, words_in},
    sending::{Wish, note, some_wish, there, why_not},
    steps::{below, ended, someone_in},
    texts,
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// As many scheduled messages as one user has here.
const SCHEDULED_MAX: usize = 20;
/// How far ahead things are set, and how far time goes on at once, at most.
const AHEAD_MS: u64 = 6_000;

/// A message that is to be sent later.
#[derive(Clone, Debug)]
pub(super) struct ToSend {
    pub(super) id: Bytes,
    pub(super) wish: Wish,
    at_ms: u64,
    /// Why it wasn't sent.
    failed: Option<ErrorReason>,
}

/// Something to be reminded of.
#[derive(Clone, Debug)]
pub(super) struct Reminded {
    pub(super) id: Bytes,
    pub(super) of: User,
    pub(super) at_ms: u64,
    pub(super) due: bool,
    /// The number of its text.
    pub(super) text: usize,
}

/// Somebody does something about later, or it is later.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    match rng.below(8) {
        0..3 => schedule(world, rng, user, room, report),
        3 => change(world, rng, user, report),
        4 => list(world, user, report),
        _ => pass(world, rng, report),
    }
}

fn schedule(world: &mut World, rng: &mut Rng, user: User, room: Room, report: &mut Report) {
    if world.scheduled.iter().filter(|one| one.wish.by == user).count() >= SCHEDULED_MAX {
        return;
    }
    let (mut wish, send) = some_wish(world, rng, user, room);
    let mut send = SendRequest { client_ref: Bytes::new(), ..send };
    // What disappears may do so at the moment at which this is sent, before it or after it.
    let goes = |seq| there(world, room, seq).is_some_and(|said| said.expires_ms < u64::MAX);
    if goes(wish.root) || goes(wish.reply_to) {
        (wish.root, wish.reply_to) = (0, 0);
        (send.thread_root_seq, send.reply_to_seq) = (0, 0);
    }
    world.secrets[wish.text].of = Of::User(user);
    let (id, at_ms) =
        (world.server.client_ref().to_field(), world.now_ms() + 1 + rng.below(AHEAD_MS));
    let request = ScheduleSendRequest { id: id.clone(), send_at_ms: at_ms, send: Some(send) };
    let result = world.call::<rpc::ScheduleSend>(user, &request, report);
    if ended(report, "schedule", &result, why_not(world, &wish)) {
        world.scheduled.push(ToSend { id, wish, at_ms, failed: None });
    }
}

/// Gives a scheduled message another time, or takes it back. Those of others aren't there.
fn change(world: &mut World, rng: &mut Rng, user: User, report: &mut Report) {
    if world.scheduled.is_empty() {
        return;
    }
    let at = below(rng, world.scheduled.len());
    let id = world.scheduled[at].id.clone();
    let is_own = world.scheduled[at].wish.by == user;
    let expected = (!is_own).then_some(ErrorReason::ScheduledNotFound);
    if rng.below(2) == 0 {
        let result =
            world.call::<rpc::CancelScheduled>(user, &CancelScheduledRequest { id }, report);
        if ended(report, "cancel", &result, expected) {
            let taken = world.scheduled.remove(at);
            world.secrets[taken.wish.text].gone = true;
        }
        return;
    }
    let at_ms = world.now_ms() + 1 + rng.below(AHEAD_MS);
    let request = UpdateScheduledRequest { id, send_at_ms: at_ms, send: None };
    let result = world.call::<rpc::UpdateScheduled>(user, &request, report);
    if ended(report, "put off", &result, expected) {
        let one = &mut world.scheduled[at];
        (one.at_ms, one.failed) = (at_ms, None);
    }
}

fn list(world: &mut World, user: User, report: &mut Report) {
    let request = ListScheduledRequest::default();
    let result = world.call::<rpc::ListScheduled>(user, &request, report);
    let reason = |one: &Scheduled| {
        let failed = one.state == ScheduledState::Failed as i32;
        let reason = one.error.as_ref().and_then(|it| ErrorReason::try_from(it.reason).ok());
        failed.then(|| reason.unwrap_or(ErrorReason::Unspecified))
    };
    let mut found: Vec<(Bytes, Option<ErrorReason>)> = result
        .map(|listed| {
            listed.scheduled.into_iter().map(|one| (one.id.clone(), reason(&one))).collect()
        })
        .unwrap_or_default();
    found.sort();
    let mine = world.scheduled.iter().filter(|one| one.wish.by == user);
    let mut expected: Vec<_> = mine.map(|one| (one.id.clone(), one.failed)).collect();
    expected.sort();
    report.expect(found == expected, || {
        format!("{} has {found:?} scheduled, not {expected:?}", USERS[user])
    });
}

/// Time passes, and what is due is done.
fn pass(world: &mut World, rng: &mut Rng, report: &mut Report) {
    world.server.advance(std::time::Duration::from_millis(1 + rng.below(AHEAD_MS)));
    let now_ms = world.now_ms();
    world.server.carry_out_timers();
    for reminded in world.reminders.iter_mut().filter(|one| one.at_ms <= now_ms) {
        reminded.due = true;
    }
    texts::expire(world, now_ms, report);
    send_due(world, now_ms, report);
}

/// What was due was sent, if its sender could send it now, and otherwise it wasn't.
fn send_due(world: &mut World, now_ms: u64, report: &mut Report) {
    let is_due = |one: &ToSend| one.failed.is_none() && one.at_ms <= now_ms;
    let (due, left): (Vec<ToSend>, Vec<ToSend>) =
        std::mem::take(&mut world.scheduled).into_iter().partition(is_due);
    world.scheduled = left;
    let mut sent: Vec<(u64, Wish)> = vec![];
    for one in due {
        let is_out = world.model.deactivated.contains(&one.wish.by);
        let out = is_out.then_some(ErrorReason::NotAllowed);
        let failed = out.or_else(|| why_not(world, &one.wish));
        let seq = world.seq_of(one.wish.room, one.wish.text);
        report.expect(seq.is_some() == failed.is_none(), || {
            format!("scheduled {:?} stands at {seq:?}: {failed:?}", one.wish)
        });
        match seq {
            Some(seq) => sent.push((seq, one.wish)),
            None => world.scheduled.push(ToSend { failed, ..one }),
        }
    }
    sent.sort_by_key(|(seq, _)| *seq);
    for (seq, wish) in sent {
        world.totals.scheduled += 1;
        world.secrets[wish.text].of = Of::Room(wish.room);
        check::everyone_heard(world, wish.room, seq, report);
        note(world, wish, seq, report);
    }
}

impl World {
    /// The time by the server's clock, Unix milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        self.server.hand.now().unix_ms
    }

    /// Where a text stands in a room's log, behind all messages that are known there.
    fn seq_of(&self, room: Room, text: usize) -> Option<u64> {
        let from = self.messages[room].last().map_or(1, |said| said.seq + 1);
        let stored = self.stored(room, from, u64::MAX >> 11);
        stored.into_iter().find(|(_, words)| words.contains(&text)).map(|(seq, _)| seq)
    }

    /// Which texts stand in some of a room's log, as it is stored.
    pub(super) fn stored(&self, room: Room, from: u64, to: u64) -> Vec<(u64, Vec<usize>)> {
        let (records_max, bytes_max) = (usize::MAX, usize::MAX);
        let range = ReadRange { from, to, reverse: false, records_max, bytes_max };
        let log = LogKey::Room(RoomId::parse(&self.rooms[room]).expect("a room's id"));
        let read = self.server.node.store.read(log, range);
        let read = self.server.runtime.block_on(read).expect("the store in memory is well");
        let words = |record: Option<Bytes>| words_in(&record.unwrap_or_default());
        read.into_iter().map(|stored| (stored.seq, words(stored.record))).collect()
    }
}

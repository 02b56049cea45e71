//! What a message means elsewhere: to those it mentions, and to those who follow its thread from now
//! on.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    event::FLAG_EVERYONE,
    generated::EventMessage,
    ids::{RoomId, UserId},
    marker::Marker,
    message::{MentionWithdrawn, Mentioned},
    thread::ThreadFollowed,
    wire::EventHeader,
};
use prost::Message;

use crate::{
    draft::{EffectsOf, Place},
    records::{Effect, EffectRow, key, room_seq},
    tables::Table,
    threads::{Followers, thread_key},
};

/// An entry in the own logs of those whom a message mentions, and a row to count.
pub(crate) fn mention_effects(
    room: RoomId,
    root_seq: u64,
    sender: UserId,
    users: Vec<UserId>,
) -> Option<EffectsOf> {
    let others: Vec<Bytes> =
        users.iter().filter(|user| **user != sender).map(|user| user.to_field()).collect();
    if others.is_empty() {
        return None;
    }
    Some(Arc::new(move |Place { seq, at_ms, .. }| {
        let (room_field, sender) = (room.to_field(), sender.to_field());
        let body = Mentioned { room: room_field, seq, sender, thread_root_seq: root_seq };
        vec![Effect {
            users: others.clone(),
            kind: Mentioned::RULE.kind,
            body: body.encode_to_vec().into(),
            rows: mention_rows(room, root_seq, seq, at_ms, true),
            gains_room: false,
        }]
    }))
}

/// The same for a message that is deleted. The unheard were never told of it; those whom its groups
/// meant were.
pub(crate) fn withdrawals(
    room: RoomId,
    header: &EventHeader,
    unheard: &[UserId],
    meant: Vec<Bytes>,
) -> Option<EffectsOf> {
    if header.flags & FLAG_EVERYONE != 0 {
        return None;
    }
    let is_unheard = |user: &Bytes| unheard.iter().any(|deaf| deaf.as_bytes()[..] == user[..]);
    let users: Vec<Bytes> = header
        .mentions
        .iter()
        .filter(|user| **user != header.sender && !is_unheard(user))
        .cloned()
        .chain(meant)
        .collect();
    if users.is_empty() {
        return None;
    }
    let (seq, at_ms, root_seq) = (header.seq, header.at_ms, header.thread_root_seq);
    Some(Arc::new(move |_| {
        let body = MentionWithdrawn { room: room.to_field(), seq, thread_root_seq: root_seq };
        vec![Effect {
            users: users.clone(),
            kind: MentionWithdrawn::RULE.kind,
            body: body.encode_to_vec().into(),
            rows: mention_rows(room, root_seq, seq, at_ms, false),
            gains_room: false,
        }]
    }))
}

fn mention_rows(
    room: RoomId,
    root_seq: u64,
    seq: u64,
    at_ms: u64,
    present: bool,
) -> Vec<EffectRow> {
    let row = |table: Table, rest| EffectRow {
        table: u32::from(table.id()),
        rest,
        present,
        value: Bytes::new(),
    };
    let inbox = key(&[&at_ms.to_be_bytes(), &room_seq(room, seq)]);
    let counted = match root_seq {
        0 => row(Table::MENTIONS, room_seq(room, seq)),
        _ => {
            let rest = key(&[&thread_key(room, root_seq), &seq.to_be_bytes()]);
            row(Table::THREAD_MENTIONS, rest)
        }
    };
    vec![counted, row(Table::INBOX, inbox)]
}

/// Whoever follows a thread because of a reply. To its sender all of it is read, to those it
/// mentions it begins with the reply, and to the root's author with the first one.
pub(crate) fn follow_effects(
    room: RoomId,
    root_seq: u64,
    sender: UserId,
    followers: Followers,
) -> Option<EffectsOf> {
    if followers.is_empty() {
        return None;
    }
    Some(Arc::new(move |place| {
        let Place { seq, thread_no, at_ms } = place;
        let read = Marker { seq, msg_no: thread_no, bcast_no: 0, set_at_seq: seq, at_ms };
        let before =
            Marker { seq: seq - 1, msg_no: thread_no - 1, bcast_no: 0, set_at_seq: seq, at_ms };
        let start = Marker { seq: root_seq, msg_no: 0, bcast_no: 0, set_at_seq: root_seq, at_ms };
        let sender = followers.sender.then_some(sender);
        let groups = [
            (sender.into_iter().collect(), read),
            (followers.mentioned.clone(), before),
            (followers.author.into_iter().collect(), start),
        ];
        let some = groups.into_iter().filter(|(users, _): &(Vec<UserId>, _)| !users.is_empty());
        some.map(|(users, marker)| followed(room, root_seq, &users, marker)).collect()
    }))
}

fn followed(room: RoomId, root_seq: u64, users: &[UserId], marker: Marker) -> Effect {
    let body = ThreadFollowed { room: room.to_field(), root_seq, marker: Some(marker) };
    let row = |table: Table, value: Bytes| EffectRow {
        table: u32::from(table.id()),
        rest: thread_key(room, root_seq),
        present: true,
        value,
    };
    Effect {
        users: users.iter().map(|user| user.to_field()).collect(),
        kind: ThreadFollowed::RULE.kind,
        body: body.encode_to_vec().into(),
        rows: vec![
            row(Table::THREAD_FOLLOWS, Bytes::new()),
            row(Table::THREAD_MARKERS, marker.encode_to_vec().into()),
        ],
        gains_room: false,
    }
}

/// One after the other.
pub(crate) fn both(first: Option<EffectsOf>, second: Option<EffectsOf>) -> Option<EffectsOf> {
    match (first, second) {
        (Some(first), Some(second)) => Some(Arc::new(move |place| {
            let mut effects = first(place);
            effects.extend(second(place));
            effects
        })),
        (one, None) | (None, one) => one,
    }
}

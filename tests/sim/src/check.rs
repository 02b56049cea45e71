//! The history checker: what must hold once everything has calmed down.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use parlour::{Client, HistoryError, RoomId, Timeline, UserId};
use parlour_core::{
    ports::store::{LogKey, ReadRange, Store},
    rooms::head_counters,
    unread,
};
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::EventBody,
    ids::ClientRef,
    wire::{Event, EventHeader},
};
use prost::Message;

/// An open timeline shows at least so many items by itself; a page is 50 events, edits among them.
const FILLED: usize = 10;
/// Threads of a room that are looked at.
const THREADS: usize = 4;

/// A message as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its text, empty when deleted.
    pub text: String,
    /// Whether it is deleted.
    pub is_deleted: bool,
}

/// A message that its client has written down.
#[derive(Clone, Debug)]
pub struct Written {
    /// In which room.
    pub room: RoomId,
    /// Whose it is.
    pub sender: UserId,
    /// Its own id, which the log keeps also where the text is gone.
    pub client_ref: ClientRef,
    /// What was written.
    pub text: String,
    /// Under which message, if under one.
    pub root: Option<u64>,
}

/// Something that was acknowledged.
#[derive(Clone, Debug)]
pub struct Acked {
    /// What was sent.
    pub sent: Written,
    /// The number given.
    pub seq: u64,
}

/// A room's log as it lies on the disk.
pub struct Log {
    /// Messages by number.
    pub messages: BTreeMap<u64, Told>,
    /// What stands in threads, and under which message.
    pub roots: BTreeMap<u64, u64>,
    /// First texts by number: of messages that weren't deleted.
    pub posted: BTreeMap<u64, String>,
    /// Bodies of deleted messages are gone; these numbers were messages.
    pub erased: BTreeSet<u64>,
    /// Numbers by sender and the sender's own id, of everything that has one.
    pub refs: BTreeMap<(Bytes, Bytes), u64>,
    /// How many were too old to be kept.
    pub too_old: usize,
}

impl Log {
    /// What its timeline shows.
    fn of_room(&self) -> Vec<(u64, Told)> {
        self.of(|seq| !self.roots.contains_key(&seq))
    }

    /// What the timeline of a thread shows.
    fn of_thread(&self, root: u64) -> Vec<(u64, Told)> {
        self.of(|seq| seq == root || self.roots.get(&seq) == Some(&root))
    }

    fn of(&self, wanted: impl Fn(u64) -> bool) -> Vec<(u64, Told)> {
        let wanted = self.messages.iter().filter(|(seq, _)| wanted(**seq));
        wanted.map(|(seq, told)| (*seq, told.clone())).collect()
    }
}

/// Reads a room's log and checks what it promises by itself.
pub async fn read_log(store: &dyn Store, room: RoomId, violations: &mut Vec<String>) -> Log {
    let range = ReadRange {
        from: 1,
        to: u64::MAX,
        reverse: false,
        records_max: usize::MAX,
        bytes_max: usize::MAX,
    };
    let stored = store.read(LogKey::Room(room), range).await.unwrap_or_default();
    let mut log = Log {
        messages: BTreeMap::new(),
        roots: BTreeMap::new(),
        posted: BTreeMap::new(),
        erased: BTreeSet::new(),
        refs: BTreeMap::new(),
        too_old: 0,
    };
    let (mut at_ms, mut expected) = (0, 1);
    for stored in stored {
        let event = stored.record.and_then(|record| Event::decode(record).ok());
        let Some(Event { header: Some(header), body }) = event else {
            violations.push(format!("room {room}: record {} can't be read", stored.seq));
            continue;
        };
        if header.seq != expected || stored.seq != expected {
            violations.push(format!("room {room}: {} where {expected} should be", header.seq));
        }
        expected += 1;
        if header.at_ms < at_ms {
            violations.push(format!("room {room}: time goes back at {}", header.seq));
        }
        at_ms = header.at_ms;
        let own = (header.sender.clone(), header.client_ref.clone());
        if !header.client_ref.is_empty() && log.refs.insert(own, header.seq).is_some() {
            violations.push(format!("room {room}: a client_ref twice, at {}", header.seq));
        }
        fold(&mut log, &header, body);
    }
    log
}

fn fold(log: &mut Log, header: &EventHeader, body: bytes::Bytes) {
    let seq = header.seq;
    if header.kind == 10 && header.thread_root_seq > 0 {
        log.roots.insert(seq, header.thread_root_seq);
    }
    if header.flags & FLAG_ERASED != 0 && header.kind == 10 {
        log.erased.insert(seq);
        log.messages.insert(seq, Told { text: String::new(), is_deleted: true });
        return;
    }
    match EventBody::decode(header.kind, body) {
        Ok(EventBody::MessagePosted(posted)) => {
            log.posted.insert(seq, posted.text.clone());
            log.messages.insert(seq, Told { text: posted.text, is_deleted: false });
        }
        Ok(EventBody::MessageEdited(edited)) => {
            if let Some(told) = log.messages.get_mut(&header.target_seq)
                && !told.is_deleted
            {
                told.text = edited.text;
            }
        }
        Ok(EventBody::MessagesDeleted(_)) => log.too_old += header.target_seqs.len(),
        _ => {}
    }
}

/// Everything that was written down is there, acknowledged or not, once all has calmed down; what was
/// acknowledged is where it was said to be; and nothing is there twice.
pub fn check_sends(
    logs: &BTreeMap<RoomId, Log>,
    acked: &[Acked],
    written: &[Written],
    violations: &mut Vec<String>,
) {
    for Written { room, sender, client_ref, text, root } in written {
        let Some(log) = logs.get(room) else { continue };
        // Under what is gone nothing is written any more.
        let may_lack = root.is_some_and(|root| log.messages[&root].is_deleted);
        match log.refs.get(&(sender.to_field(), client_ref.to_field())) {
            None if may_lack => {}
            None => violations.push(format!("room {room}: {text:?} was queued and isn't there")),
            Some(seq) if log.erased.contains(seq) || log.posted.get(seq) == Some(text) => {}
            Some(seq) => violations.push(format!("room {room}: {seq} isn't {text:?} any more")),
        }
    }
    for Acked { sent: Written { room, sender, client_ref, text, .. }, seq } in acked {
        let Some(log) = logs.get(room) else { continue };
        let at = log.refs.get(&(sender.to_field(), client_ref.to_field()));
        if at != Some(seq) {
            let what = format!("{text:?} was acknowledged as {seq} and is {at:?}");
            violations.push(format!("room {room}: {what}"));
        }
    }
    // Under two ids of its own it would be two messages to the log.
    for (room, log) in logs {
        let mut texts = BTreeSet::new();
        for (seq, text) in log.posted.iter().filter(|(_, text)| !texts.insert(*text)) {
            violations.push(format!("room {room}: {text:?} is there again, at {seq}"));
        }
    }
}

/// A device's messages are in the order in which they were written. Their texts end with a number
/// that grows.
pub fn check_order(logs: &BTreeMap<RoomId, Log>, device: &str, violations: &mut Vec<String>) {
    for (room, log) in logs {
        let mut last = 0;
        for (seq, text) in &log.posted {
            let Some((name, number)) = text.rsplit_once(' ') else { continue };
            let Some(number) = number.parse().ok().filter(|_| name == device) else { continue };
            if number < last {
                violations.push(format!("room {room}: {text:?} at {seq} is behind {last}"));
            }
            last = last.max(number);
        }
    }
}

/// A client shows what the log says, all of it, in its order.
pub async fn check_timeline(
    name: &str,
    client: &Client,
    room: RoomId,
    log: &Log,
    violations: &mut Vec<String>,
) {
    let timeline = client.room(room).timeline().await;
    let shown = match timeline {
        Ok(mut timeline) => shown(&mut timeline).await,
        Err(error) => Err(error),
    };
    compare(name, room, shown, log.of_room(), violations);
}

/// The same of the room's newest threads, and the server's counts of those that the user follows.
pub async fn check_threads(
    name: &str,
    client: &Client,
    room: RoomId,
    log: &Log,
    violations: &mut Vec<String>,
) {
    let roots: BTreeSet<u64> = log.roots.values().copied().collect();
    for root in roots.into_iter().rev().take(THREADS) {
        let shown = match client.room(room).thread(root).timeline().await {
            Ok(mut timeline) => shown(&mut timeline).await,
            Err(error) => Err(error),
        };
        // What was refused since the root is gone stays for its writer to see.
        let is_gone = log.messages[&root].is_deleted;
        let shown = shown.map(|mut shown| {
            shown.retain(|(seq, _)| *seq > 0 || !is_gone);
            shown
        });
        compare(&format!("{name}, under {root}"), room, shown, log.of_thread(root), violations);
    }
    let (Ok(followed), Ok(Some(summary))) =
        (client.threads(false).await, client.room(room).summary().await)
    else {
        return violations.push(format!("{name}: no counts of the threads of {room}"));
    };
    let followed = followed.iter().filter(|one| one.thread.room().id() == room);
    let counted =
        followed.fold((0, 0), |(all, named), one| (all + one.unread, named + one.mentions));
    let shown = (summary.thread_unread, summary.thread_mentions);
    if shown != counted {
        let what = format!("{shown:?} unread in threads, server counts {counted:?}");
        violations.push(format!("{name}: {room} has {what}"));
    }
}

/// A timeline that was open all the time shows it, too.
pub async fn check_open(
    name: &str,
    timeline: &mut Timeline,
    room: RoomId,
    log: &Log,
    violations: &mut Vec<String>,
) {
    // Nobody has paged in it.
    let by_itself = timeline.refresh().len();
    if by_itself < FILLED && matches!(timeline.load_older(1).await, Ok(true)) {
        violations.push(format!("{name} shows only {by_itself} of {room}, and there is more"));
    }
    let shown = shown(timeline).await;
    let name = format!("{name}, open all the time");
    compare(&name, room, shown, log.of_room(), violations);
}

fn compare(
    name: &str,
    room: RoomId,
    shown: Result<Vec<(u64, Told)>, HistoryError>,
    expected: Vec<(u64, Told)>,
    violations: &mut Vec<String>,
) {
    let shown = match shown {
        Ok(shown) => shown,
        Err(error) => return violations.push(format!("{name}: no timeline of {room}: {error}")),
    };
    if shown != expected {
        let at = shown.iter().zip(&expected).position(|(a, b)| a != b);
        let at = at.unwrap_or(shown.len().min(expected.len()));
        violations.push(format!(
            "{name}: timeline of {room} differs at {at}: shows {:?}, log has {:?} ({} and {} in all)",
            shown.get(at),
            expected.get(at),
            shown.len(),
            expected.len()
        ));
    }
}

/// Messages by number; one that has none yet is at 0, where the log has none.
async fn shown(timeline: &mut Timeline) -> Result<Vec<(u64, Told)>, HistoryError> {
    while timeline.load_older(200).await? {}
    let items = timeline.refresh().iter().filter_map(|item| item.message());
    let told = items.map(|message| {
        let told = Told { text: message.text.clone(), is_deleted: message.is_deleted };
        (message.seq().unwrap_or_default(), told)
    });
    Ok(told.collect())
}

/// A client counts as unread what the server does.
pub async fn check_unread(
    name: &str,
    client: &Client,
    user: UserId,
    room: RoomId,
    store: &dyn Store,
    violations: &mut Vec<String>,
) {
    let counted = async {
        let head = head_counters(store, LogKey::Room(room)).await.ok()?;
        let set = unread::stored_marker(store, user, room).await.ok()?;
        let marker = unread::marker_in_force(store, user, room, set).await.ok()?;
        unread::unread(store, user, room, head, marker).await.ok()
    };
    let (Some(counted), Ok(Some(summary))) = (counted.await, client.room(room).summary().await)
    else {
        return violations.push(format!("{name}: no counts of {room}"));
    };
    if (summary.unread, summary.mentions) != (counted.messages, counted.mentions) {
        violations.push(format!(
            "{name}: {room} has {} unread and {} mentions, server counts {} and {}",
            summary.unread, summary.mentions, counted.messages, counted.mentions
        ));
    }
}

//! The list of rooms: an observable list, the one with the newest event first, with unread counts
//! and who is typing.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Duration};

use parlour_protocol::{
    ids::{BlobHash, RoomId, UserId},
    limits::TYPING_FOR,
    room::RoomKind,
};

use crate::{
    cache::RoomRecord, diff::Diff, limits::TYPISTS_MAX, settings::RoomSettings, time::Now,
    time::sooner,
};

/// A room on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// Its id.
    pub id: RoomId,
    /// What it is a room of.
    pub kind: RoomKind,
    /// Whether it is a direct room.
    pub is_direct: bool,
    /// Empty for direct rooms.
    pub name: String,
    /// Of a direct room: the other user.
    pub peer: Option<UserId>,
    /// How many are in it.
    pub member_count: u32,
    /// What it is for.
    pub topic: String,
    /// Whether nothing new can be written.
    pub is_archived: bool,
    /// Of a node's room: the node above.
    pub parent: Option<RoomId>,
    /// Everyone in the organization may join.
    pub is_open: bool,
    /// Seconds between two messages of one member; 0 for none.
    pub slow_mode_s: u32,
    /// Seconds after which messages are deleted by themselves; 0 for never.
    pub message_expiry_s: u32,
    /// Its picture, of a group that has one.
    pub avatar: Option<BlobHash>,
    /// The newest known event.
    pub last_seq: u64,
    /// When that was, Unix milliseconds.
    pub last_at_ms: u64,
    /// Unread messages.
    pub unread: u64,
    /// Of those, the ones that mention the user or everyone.
    pub mentions: u64,
    /// Unread replies in threads of it that the user follows; not part of `unread`.
    pub thread_unread: u64,
    /// Of those, the ones that mention the user.
    pub thread_mentions: u64,
    /// What the user wants of it.
    pub settings: RoomSettings,
    /// Everything up to here is read.
    pub read_seq: u64,
    /// Who is typing.
    pub typing: Vec<UserId>,
}

type Key = (Reverse<u64>, RoomId);

/// All rooms of the user.
#[derive(Debug, Default)]
pub struct RoomList {
    records: BTreeMap<RoomId, RoomRecord>,
    typing: BTreeMap<RoomId, BTreeMap<UserId, Duration>>,
    keys: BTreeMap<RoomId, Key>,
    shown: Vec<Arc<RoomSummary>>,
    diffs: Vec<Diff<Arc<RoomSummary>>>,
}

impl RoomList {
    /// The rooms as they were saved.
    pub fn restore(saved: Vec<RoomRecord>) -> Self {
        let records = saved.into_iter().map(|record| (record.id, record)).collect();
        let mut list = RoomList { records, ..RoomList::default() };
        list.rebuild();
        list
    }

    /// All of them, newest first.
    pub fn items(&self) -> Vec<Arc<RoomSummary>> {
        self.shown.clone()
    }

    /// The changes since the last call.
    pub fn take_diffs(&mut self) -> Vec<Diff<Arc<RoomSummary>>> {
        std::mem::take(&mut self.diffs)
    }

    /// A room on one line.
    pub fn summary(&self, room: RoomId) -> Option<Arc<RoomSummary>> {
        let index = self.find(*self.keys.get(&room)?).ok()?;
        Some(self.shown[index].clone())
    }

    /// What is known of a room.
    pub fn get(&self, room: RoomId) -> Option<&RoomRecord> {
        self.records.get(&room)
    }

    /// Every room, by id.
    pub fn iter(&self) -> impl Iterator<Item = &RoomRecord> {
        self.records.values()
    }

    /// How many rooms there are, those included that aren't shown yet.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Changes a room, which is made if it isn't there. Call [`RoomList::touch`] afterwards.
    pub fn entry(&mut self, room: RoomId) -> &mut RoomRecord {
        self.records.entry(room).or_insert_with(|| RoomRecord::unknown(room))
    }

    /// Shows a room as it is now.
    pub fn touch(&mut self, room: RoomId) {
        let Some(record) = self.records.get(&room).filter(|record| record.is_described()) else {
            return;
        };
        let item = Arc::new(self.summarize(record));
        let key = key(&item);
        let old = self.keys.insert(room, key);
        if let Some(old) = old
            && let Ok(index) = self.find(old)
        {
            if old == key {
                if self.shown[index] != item {
                    self.shown[index] = item.clone();
                    self.diffs.push(Diff::Update { index, item });
                }
                return;
            }
            self.shown.remove(index);
            self.diffs.push(Diff::Remove { index });
        }
        let index = self.find(key).unwrap_or_else(|index| index);
        self.shown.insert(index, item.clone());
        self.diffs.push(Diff::Insert { index, item });
    }

    /// The user is no longer in the room.
    pub fn remove(&mut self, room: RoomId) -> Option<RoomRecord> {
        self.typing.remove(&room);
        if let Some(key) = self.keys.remove(&room)
            && let Ok(index) = self.find(key)
        {
            self.shown.remove(index);
            self.diffs.push(Diff::Remove { index });
        }
        self.records.remove(&room)
    }

    /// Forgets all rooms.
    pub fn clear(&mut self) {
        self.records.clear();
        self.typing.clear();
        self.rebuild();
    }

    // Typing.

    /// Somebody is typing, or has stopped.
    pub fn handle_typing(&mut self, room: RoomId, user: UserId, active: bool, now: Now) {
        if !self.records.contains_key(&room) {
            return;
        }
        let typists = self.typing.entry(room).or_default();
        if !active {
            typists.remove(&user);
        } else if typists.len() < TYPISTS_MAX || typists.contains_key(&user) {
            typists.insert(user, now.elapsed + TYPING_FOR);
        }
        if typists.is_empty() {
            self.typing.remove(&room);
        }
        self.touch(room);
    }

    /// When [`RoomList::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let all = self.typing.values().flat_map(|typists| typists.values());
        all.fold(None, |soonest, until| sooner(soonest, Some(*until)))
    }

    /// Forgets who stopped typing without saying so.
    pub fn handle_timeout(&mut self, now: Now) {
        let mut changed = Vec::new();
        self.typing.retain(|room, typists| {
            let before = typists.len();
            typists.retain(|_, until| *until > now.elapsed);
            if typists.len() != before {
                changed.push(*room);
            }
            !typists.is_empty()
        });
        changed.into_iter().for_each(|room| self.touch(room));
    }

    fn rebuild(&mut self) {
        let described = self.records.values().filter(|record| record.is_described());
        let mut shown: Vec<Arc<RoomSummary>> =
            described.map(|record| Arc::new(self.summarize(record))).collect();
        shown.sort_by_key(|item| key(item));
        self.keys = shown.iter().map(|item| (item.id, key(item))).collect();
        self.shown = shown;
        self.diffs = vec![Diff::Reset { items: self.items() }];
    }

    fn find(&self, key_wanted: Key) -> Result<usize, usize> {
        self.shown.binary_search_by_key(&key_wanted, |item| key(item))
    }

    fn summarize(&self, record: &RoomRecord) -> RoomSummary {
        RoomSummary {
            id: record.id,
            kind: RoomKind::try_from(record.kind).unwrap_or(RoomKind::Unspecified),
            is_direct: record.kind == RoomKind::Direct as i32,
            name: record.name.clone(),
            peer: record.peer,
            member_count: record.member_count,
            topic: record.topic.clone(),
            is_archived: record.is_archived,
            parent: record.parent,
            is_open: record.is_open,
            slow_mode_s: record.slow_mode_s,
            message_expiry_s: record.message_expiry_s,
            avatar: record.avatar,
            last_seq: record.head.seq,
            last_at_ms: record.head.at_ms,
            unread: record.counts.messages,
            mentions: record.counts.mentions,
            thread_unread: record.threads.iter().map(|thread| thread.counts.messages).sum(),
            thread_mentions: record.threads.iter().map(|thread| thread.counts.mentions).sum(),
            settings: record.settings.clone(),
            read_seq: record.counts.read_seq().max(record.unsent_read),
            typing: self.typing.get(&record.id).map_or(Vec::new(), |t| t.keys().copied().collect()),
        }
    }
}

fn key(item: &RoomSummary) -> Key {
    (Reverse(item.last_at_ms), item.id)
}

#[cfg(test)]
#[path = "rooms_tests.rs"]
mod tests;

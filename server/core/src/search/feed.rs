//! The feed: reads the rooms' logs into the index, each from where the index has come to. Driven from
//! outside, step by step. Everything comes at least once, and what was committed twice is there once.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::EventMessage,
    ids::{RoomId, UserId},
    limits::SEQ_MAX,
    message::{MessageDeleted, MessageEdited, MessagePosted, MessagesDeleted},
    wire::{Event, EventHeader},
};
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use super::words::has_link;
use crate::{
    limits::{ITEM_BYTES, ITEM_EVENTS, REACHED_EVERY, SCAN_ROWS},
    node::Node,
    polls::searched,
    ports::{
        search::{Change, Entry, Search, SearchError},
        store::{LogKey, ReadRange, Scan, StoreError, Stored},
    },
    records::key,
    tables::Table,
};

/// Why the feed stopped. It is opened anew after a while; what was committed stays.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The logs can't be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The index doesn't take it. One that is damaged has to be reset.
    #[error("{0}")]
    Search(#[from] SearchError),
    /// The index has read further than the logs are: it isn't theirs and has to be reset.
    #[error("the index is ahead of the logs")]
    Ahead,
}

impl FeedError {
    /// Whether the index has to be made anew.
    pub fn needs_reset(&self) -> bool {
        matches!(self, FeedError::Ahead | FeedError::Search(SearchError::Damaged))
    }
}

/// How far a room has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// Up to there the index has been told.
    read: u64,
    /// Up to there the index would say so after a restart.
    kept: u64,
}

/// See the module.
pub struct Feed {
    node: Arc<Node>,
    port: Arc<dyn Search>,
    marks: FxHashMap<RoomId, Mark>,
    waiting: VecDeque<RoomId>,
    is_waiting: FxHashSet<RoomId>,
    // Events committed to the logs, as far as hints say, since that was last asked.
    written: u64,
    // Read since the last commit.
    moved: FxHashMap<RoomId, u64>,
    // Rooms left of those that were behind when the index was opened.
    old: FxHashSet<RoomId>,
}

impl Feed {
    /// Opens the node's index and looks for what it lacks; `None` where there is no index.
    pub async fn open(node: Arc<Node>) -> Result<Option<Feed>, FeedError> {
        let Some(port) = node.search.port().cloned() else { return Ok(None) };
        let marks = port.open(node.incarnation).await?;
        node.search.begin(marks.iter().copied());
        let marks = marks.into_iter().map(|(room, seq)| (room, Mark { read: seq, kept: seq }));
        let mut feed = Feed {
            node,
            port,
            marks: marks.collect(),
            waiting: VecDeque::new(),
            is_waiting: FxHashSet::default(),
            written: 0,
            moved: FxHashMap::default(),
            old: FxHashSet::default(),
        };
        feed.look_around().await?;
        feed.old = feed.is_waiting.clone();
        Ok(Some(feed))
    }

    /// Looks at the ends of all logs for what nobody gave a hint of: two reads for a thousand rooms.
    pub async fn look_around(&mut self) -> Result<(), FeedError> {
        self.look_at(Table::ROOMS, 0).await?;
        self.look_at(Table::NODES, 16).await
    }

    /// Rooms whose ids stand in the keys of a table.
    async fn look_at(&mut self, table: Table, at: usize) -> Result<(), FeedError> {
        let mut scan = Scan::prefix(table, Bytes::new(), SCAN_ROWS);
        loop {
            let rows = self.node.store.scan(scan.clone()).await?;
            let ids = rows.iter().filter_map(|(row, _)| RoomId::parse(row.get(at..at + 16)?).ok());
            let ids: Vec<RoomId> = ids.collect();
            let logs: Vec<LogKey> = ids.iter().map(|room| LogKey::Room(*room)).collect();
            let heads = self.node.store.heads(&logs).await?;
            for (room, head) in ids.into_iter().zip(heads) {
                let (head, mark) = (head.map_or(0, |head| head.seq), self.mark(room));
                if mark.read > head {
                    return Err(FeedError::Ahead);
                }
                if mark.read < head {
                    self.wait(room);
                }
            }
            let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
                return Ok(());
            };
            scan.from = key(&[row, &[0]]);
        }
    }

    fn mark(&self, room: RoomId) -> Mark {
        self.marks.get(&room).copied().unwrap_or_default()
    }

    fn wait(&mut self, room: RoomId) {
        if self.is_waiting.insert(room) {
            self.waiting.push_back(room);
        }
    }

    /// Whether something was read that isn't committed.
    pub fn has_news(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Events that were committed to the logs since this was last asked.
    pub fn take_written(&mut self) -> u64 {
        self.hear();
        std::mem::take(&mut self.written)
    }

    /// Takes the hints.
    fn hear(&mut self) {
        let news = self.node.search.take_news();
        self.written += news.events;
        for (room, seq) in news.rooms {
            if seq > self.mark(room).read {
                self.wait(room);
            }
        }
    }

    /// Reads a stretch of one room's log into the index and says how many events that were; `None` when
    /// there is nothing to read.
    pub async fn step(&mut self) -> Result<Option<u64>, FeedError> {
        self.hear();
        let Some(room) = self.waiting.pop_front() else { return Ok(None) };
        self.is_waiting.remove(&room);
        let mark = self.mark(room);
        let range = ReadRange {
            from: mark.read + 1,
            to: SEQ_MAX,
            reverse: false,
            records_max: ITEM_EVENTS,
            bytes_max: ITEM_BYTES,
        };
        let stretch = self.node.store.read(LogKey::Room(room), range).await?;
        let Some(last) = stretch.last().map(|stored| stored.seq) else {
            self.old.remove(&room);
            return Ok(Some(0));
        };
        let mut changes = Vec::with_capacity(stretch.len());
        let mut kept = mark.kept;
        for Stored { record, .. } in stretch {
            // One that can't be read doesn't hide the others.
            let event = record.and_then(|record| Event::decode(record).ok());
            for change in self.changes(room, event).await? {
                if let Change::Add(entry) | Change::Replace(entry) = &change {
                    kept = kept.max(entry.upto);
                }
                changes.push(change);
            }
        }
        if last >= kept + REACHED_EVERY {
            changes.push(Change::Reached { room, seq: last });
            kept = last;
        }
        if !changes.is_empty() {
            self.port.apply(changes).await?;
        }
        self.marks.insert(room, Mark { read: last, kept });
        self.moved.insert(room, last);
        // The others have their turn before it goes on.
        self.wait(room);
        Ok(Some(last - mark.read))
    }

    /// What was read is found from now on. Also shows whether the index is still there.
    pub async fn commit(&mut self) -> Result<(), FeedError> {
        self.port.commit().await?;
        let moved = std::mem::take(&mut self.moved);
        self.node.search.committed(moved, self.old.is_empty());
        Ok(())
    }

    /// What an event means to the index.
    async fn changes(&self, room: RoomId, event: Option<Event>) -> Result<Vec<Change>, FeedError> {
        let Some(Event { header: Some(header), body }) = event else { return Ok(vec![]) };
        let gone = |seq: &u64| Change::Remove { room, seq: *seq };
        if header.kind == MessageDeleted::RULE.kind {
            return Ok(vec![gone(&header.target_seq)]);
        }
        if header.kind == MessagesDeleted::RULE.kind {
            return Ok(header.target_seqs.iter().map(gone).collect());
        }
        Ok(self.change(room, header, body).await?.into_iter().collect())
    }

    /// What an event means that deletes nothing.
    async fn change(
        &self,
        room: RoomId,
        header: EventHeader,
        body: Bytes,
    ) -> Result<Option<Change>, FeedError> {
        let is_erased = |header: &EventHeader| header.flags & FLAG_ERASED != 0;
        if is_erased(&header) {
            return Ok(None);
        }
        if header.kind == MessagePosted::RULE.kind {
            let posted = MessagePosted::decode(body).unwrap_or_default();
            let text = searched(&posted.text, posted.poll.as_ref());
            return Ok(entry(room, &header, header.seq, text).map(Change::Add));
        }
        if header.kind != MessageEdited::RULE.kind {
            return Ok(None);
        }
        let target = self.event_at(room, header.target_seq).await?;
        let Some(Event { header: Some(target), body: posted }) = target else { return Ok(None) };
        if is_erased(&target) || target.kind != MessagePosted::RULE.kind {
            return Ok(None);
        }
        let edited = MessageEdited::decode(body).unwrap_or_default();
        // What it asks stays.
        let poll = MessagePosted::decode(posted).ok().and_then(|posted| posted.poll);
        let text = searched(&edited.text, poll.as_ref());
        Ok(entry(room, &target, header.seq, text).map(Change::Replace))
    }

    async fn event_at(&self, room: RoomId, seq: u64) -> Result<Option<Event>, FeedError> {
        let range =
            ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: ITEM_BYTES };
        let read = self.node.store.read(LogKey::Room(room), range).await?;
        let record = read.into_iter().next().and_then(|stored| stored.record);
        Ok(record.and_then(|record| Event::decode(record).ok()))
    }
}

/// A message as the index has it.
fn entry(room: RoomId, header: &EventHeader, upto: u64, text: String) -> Option<Entry> {
    Some(Entry {
        room,
        seq: header.seq,
        upto,
        at_ms: header.at_ms,
        sender: UserId::parse(&header.sender).ok()?,
        thread_root: header.thread_root_seq,
        has_link: has_link(&text),
        has_file: has_file(header),
        text,
    })
}

/// Whether there is a file with a message.
pub(crate) fn has_file(header: &EventHeader) -> bool {
    !header.attachments.is_empty()
}

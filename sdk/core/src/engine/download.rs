//! Whole histories: blocks of a room's log from the newest to the oldest, a few at a time. Their
//! events go to the cache as the bytes they came as; nobody looks at them here.

use std::collections::BTreeMap;

use bytes::Bytes;
use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::RoomId,
    sync::ReadLogRequest,
};

use super::{Action, BulkId, Engine, Notice, page::LogPieces, repair::Task};
use crate::{
    cache::{PackedRun, Write},
    event::Malformed,
    limits::{DOWNLOAD_EVENTS, DOWNLOADS_AT_ONCE},
    timeline::Scope,
};

/// How far the download of one room is, beyond what its record says.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Blocks that are whole before newer ones are: the last number and the first.
    done: BTreeMap<u64, u64>,
}

/// A stretch of the log that is being read, from its first number on.
#[derive(Debug)]
pub(super) struct Block {
    from: u64,
    to: u64,
    /// What was written ends before this number.
    next: u64,
    /// Messages deleted meanwhile; what comes now may have been read before. It loses their bodies
    /// before it is written, so that they are gone wherever the block ends.
    deleted: Vec<u64>,
}

impl Block {
    /// Takes the next item; the runs it makes meet each other and those before.
    pub(super) fn add(&mut self, room: RoomId, item: &Bytes) -> Result<Vec<PackedRun>, Malformed> {
        let pieces = LogPieces::parse(item, self.next, self.to, &self.deleted)?;
        let mut runs = Vec::with_capacity(pieces.packed.len());
        let mut packed = pieces.packed.into_iter().peekable();
        while let Some((_, events)) = packed.next() {
            // Numbers without an event belong to the run before them.
            let to = packed.peek().map_or(pieces.covered_to, |(next, _)| next - 1);
            runs.push(PackedRun { room, from: self.next, to, events });
            self.next = to + 1;
        }
        Ok(runs)
    }

    /// The numbers after the last event: there is nothing that could be read.
    fn rest(&self, room: RoomId) -> Option<PackedRun> {
        let (from, to) = (self.next, self.to);
        (from <= to).then(|| PackedRun { room, from, to, events: Bytes::new() })
    }
}

impl Engine {
    /// Writes a room's whole history to the cache, as far as it isn't there;
    /// [`Notice::Downloaded`] comes at its end. Goes on after reconnects.
    pub fn download(&mut self, room: RoomId) {
        self.downloads.entry(room).or_default();
        self.continue_downloads();
    }

    /// Nobody wants the history any more. What was written stays.
    pub fn stop_download(&mut self, room: RoomId) {
        if self.downloads.remove(&room).is_some() {
            self.cancel_blocks(room);
            self.continue_downloads();
        }
    }

    /// Reads the history of downloaded rooms on.
    pub(super) fn continue_downloads(&mut self) {
        if self.session.is_none() {
            return;
        }
        let rooms: Vec<RoomId> = self.downloads.keys().copied().collect();
        for room in &rooms {
            // What is whole waits for nobody's lane.
            if self.missing_before(*room).is_some_and(|before| before <= 1) {
                self.finish_download(*room);
            }
        }
        for room in rooms {
            while self.blocks().count() < DOWNLOADS_AT_ONCE {
                let missing = self.missing_before(room).filter(|before| *before > 1);
                let Some(before) = missing else { break };
                let (from, to) = (before.saturating_sub(DOWNLOAD_EVENTS).max(1), before - 1);
                let request =
                    ReadLogRequest { room: room.to_field(), from_seq: from, to_seq: to, limit: 0 };
                let block = Block { from, to, next: from, deleted: Vec::new() };
                let task = Task::Download(room, block);
                self.start_bulk(rpc::ReadLog::METHOD.id, &request, task);
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = (RoomId, &Block)> {
        self.bulks.values().filter_map(|task| match task {
            Task::Download(room, block) => Some((*room, block)),
            _ => None,
        })
    }

    /// The number before which neither the cache has anything nor a lane is reading it. `None`
    /// when the room isn't known.
    fn missing_before(&self, room: RoomId) -> Option<u64> {
        let log = self.rooms.get(room)?.log;
        let done = &self.downloads.get(&room)?.done;
        let mut before = if log.is_empty() { log.to + 1 } else { log.from };
        let under_way = self.blocks().filter(|(of, _)| *of == room);
        let under_way: Vec<(u64, u64)> = under_way.map(|(_, b)| (b.from, b.to)).collect();
        loop {
            let known = done.iter().map(|(to, from)| (*from, *to)).chain(under_way.iter().copied());
            let next = known.filter(|(from, to)| *from < before && to + 1 >= before);
            let Some((from, _)) = next.min() else { return Some(before) };
            before = from;
        }
    }

    fn finish_download(&mut self, room: RoomId) {
        // Its last blocks may still be on their way.
        if self.blocks().all(|(of, _)| of != room) && self.downloads.remove(&room).is_some() {
            self.notices.push_back(Notice::Downloaded(room, Ok(1)));
        }
    }

    /// A block is whole. Blocks may end in another order than they began.
    pub(super) fn handle_downloaded(&mut self, room: RoomId, block: Block) {
        self.writes.extend(block.rest(room).map(Write::Packed));
        let (Some(record), Some(progress)) = (self.rooms.get(room), self.downloads.get_mut(&room))
        else {
            return;
        };
        progress.done.insert(block.to, block.from);
        let begin = if record.log.is_empty() { record.log.to + 1 } else { record.log.from };
        let mut from = begin;
        while let Some((to, first)) = progress.done.last_key_value().map(|(to, from)| (*to, *from))
            && to + 1 >= from
        {
            progress.done.pop_last();
            from = from.min(first);
        }
        if from < begin {
            self.rooms.entry(room).log.from = from;
            self.changed_rooms.insert(room);
        }
        self.continue_downloads();
    }

    /// What is on its way may have been read before these were deleted.
    pub(super) fn erase_under_way(&mut self, room: RoomId, seqs: &[u64]) {
        for task in self.bulks.values_mut() {
            match task {
                // A message after the block, and its edits, aren't in it.
                Task::Download(of, block) if *of == room => {
                    block.deleted.extend(seqs.iter().filter(|seq| **seq <= block.to));
                    block.deleted.sort_unstable();
                }
                Task::Older(Scope { room: of, .. }, _, page) | Task::Newest(of, page)
                    if *of == room =>
                {
                    page.deleted.extend_from_slice(seqs);
                    page.deleted.sort_unstable();
                }
                _ => {}
            }
        }
    }

    /// What was downloaded beyond the room's record doesn't count any more.
    pub(super) fn restart_download(&mut self, room: RoomId) {
        if let Some(progress) = self.downloads.get_mut(&room) {
            *progress = Progress::default();
            self.cancel_blocks(room);
        }
    }

    fn cancel_blocks(&mut self, room: RoomId) {
        let is_meant = |task: &Task| matches!(task, Task::Download(of, _) if *of == room);
        let ids: Vec<BulkId> =
            self.bulks.iter().filter(|(_, task)| is_meant(task)).map(|(id, _)| *id).collect();
        for id in ids {
            self.bulks.remove(&id);
            self.actions.push_back(Action::CancelBulk(id));
        }
    }
}

#[cfg(test)]
#[path = "../download_tests.rs"]
mod tests;

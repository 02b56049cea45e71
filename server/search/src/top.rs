//! The first of those found. What isn't in the rooms asked for, or of another time, is left out here,
//! whatever the query had. A segment has its messages by time, the newest first, so that a search for the
//! newest ends as soon as it has enough.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    sync::{Arc, Mutex},
};

use parlour_core::ports::search::{Order, Place, Query as Wanted};
use parlour_protocol::ids::RoomId;
use rustc_hash::FxHashMap;
use tantivy::{
    DocId, DocSet, Score, SegmentOrdinal, SegmentReader, TERMINATED,
    collector::{Collector, SegmentCollector},
    columnar::{BytesColumn, Column, ColumnValues},
    index::SegmentId,
    query::Weight,
};

use crate::schema::column;

/// The rooms of each segment by their numbers there: worked out once.
#[derive(Debug, Default)]
pub(crate) struct RoomsOf(Mutex<FxHashMap<SegmentId, Arc<[RoomId]>>>);

impl RoomsOf {
    /// Forgets segments that are gone.
    pub(crate) fn keep(&self, readers: &[SegmentReader]) {
        let mut known = self.0.lock().expect("no panic while the lock is held");
        known.retain(|id, _| readers.iter().any(|reader| reader.segment_id() == *id));
    }

    fn get(&self, segment: &SegmentReader, column: &BytesColumn) -> io::Result<Arc<[RoomId]>> {
        let id = segment.segment_id();
        let known = self.0.lock().expect("no panic while the lock is held").get(&id).cloned();
        if let Some(rooms) = known {
            return Ok(rooms);
        }
        let rooms: Arc<[RoomId]> = rooms(column)?.into();
        let mut known = self.0.lock().expect("no panic while the lock is held");
        known.insert(id, rooms.clone());
        Ok(rooms)
    }
}

/// The rooms in a column, by their numbers there.
fn rooms(column: &BytesColumn) -> io::Result<Vec<RoomId>> {
    let mut rooms = Vec::with_capacity(column.num_terms());
    let mut stream = column.dictionary().stream()?;
    while stream.advance() {
        let room = RoomId::parse(stream.key());
        rooms.push(room.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?);
    }
    Ok(rooms)
}

/// How far each room of a segment was read, as its living documents say.
pub(crate) fn marks(
    segment: &SegmentReader,
    marks: &mut FxHashMap<RoomId, u64>,
) -> tantivy::Result<()> {
    let columns = segment.fast_fields();
    // A segment of nothing but what was removed may have no columns.
    let Some(column) = columns.bytes(column::ROOM)? else { return Ok(()) };
    let upto = columns.u64(column::UPTO)?;
    let rooms = rooms(&column)?;
    let mut most = vec![0; rooms.len()];
    for doc in segment.doc_ids_alive() {
        let (Some(room), Some(seq)) = (column.ords().first(doc), upto.first(doc)) else { continue };
        if let Some(most) = most.get_mut(room as usize) {
            *most = seq.max(*most);
        }
    }
    for (room, seq) in rooms.into_iter().zip(most).filter(|(_, seq)| *seq > 0) {
        let mark = marks.entry(room).or_default();
        *mark = seq.max(*mark);
    }
    Ok(())
}

/// See the module.
pub(crate) struct Top {
    pub(crate) wanted: Wanted,
    pub(crate) rooms_of: Arc<RoomsOf>,
}

/// The first of a segment.
pub(crate) struct SegmentTop {
    wanted: Wanted,
    at_ms: Arc<dyn ColumnValues<u64>>,
    seq: Arc<dyn ColumnValues<u64>>,
    room: Column<u64>,
    rooms: Arc<[RoomId]>,
    // Whether a room is one of those asked for, once that was looked up.
    is_in: Vec<Option<bool>>,
    first: BinaryHeap<Reverse<Place>>,
}

impl Collector for Top {
    type Fruit = Vec<Place>;
    type Child = Option<SegmentTop>;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<Option<SegmentTop>> {
        let columns = segment.fast_fields();
        let Some(room) = columns.bytes(column::ROOM)? else { return Ok(None) };
        let rooms = self.rooms_of.get(segment, &room)?;
        Ok(Some(SegmentTop {
            wanted: self.wanted.clone(),
            at_ms: columns.u64(column::AT_MS)?.first_or_default_col(0),
            seq: columns.u64(column::SEQ)?.first_or_default_col(0),
            room: room.ords().clone(),
            is_in: vec![None; rooms.len()],
            rooms,
            first: BinaryHeap::with_capacity(self.wanted.limit + 1),
        }))
    }

    fn requires_scoring(&self) -> bool {
        self.wanted.order == Order::Relevance
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        number: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<Option<Vec<Place>>> {
        let Some(mut top) = self.for_segment(number, segment)? else { return Ok(None) };
        let alive = segment.alive_bitset();
        let is_alive = |doc| alive.is_none_or(|alive| alive.is_alive(doc));
        if self.requires_scoring() {
            weight.for_each(segment, &mut |doc, score| {
                if is_alive(doc) {
                    top.collect(doc, score);
                }
            })?;
            return Ok(Some(top.harvest()));
        }
        let mut found = weight.scorer(segment, 1.0)?;
        let start = top.start(segment.max_doc());
        let mut doc = if found.doc() < start { found.seek(start) } else { found.doc() };
        while doc != TERMINATED && !top.is_past(doc) {
            if is_alive(doc) {
                top.collect(doc, 0.0);
            }
            doc = found.advance();
        }
        Ok(Some(top.harvest()))
    }

    fn merge_fruits(&self, fruits: Vec<Option<Vec<Place>>>) -> tantivy::Result<Vec<Place>> {
        let mut all: Vec<Place> = fruits.into_iter().flatten().flatten().collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.truncate(self.wanted.limit);
        Ok(all)
    }
}

impl SegmentTop {
    /// The first message that isn't too new.
    fn start(&self, max_doc: DocId) -> DocId {
        let before = self.wanted.asked.before_ms.map(|before_ms| before_ms.saturating_sub(1));
        let newest = before.into_iter().chain(self.wanted.after.map(|after| after.at_ms)).min();
        let Some(newest_ms) = newest else { return 0 };
        let (mut from, mut to) = (0, max_doc);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.at_ms.get_val(middle) > newest_ms {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        from
    }

    /// Whether neither this message nor one after it is among the newest.
    fn is_past(&self, doc: DocId) -> bool {
        let at_ms = self.at_ms.get_val(doc);
        let last = self.first.peek().filter(|_| self.first.len() == self.wanted.limit);
        at_ms < self.wanted.asked.after_ms || last.is_some_and(|Reverse(last)| at_ms < last.at_ms)
    }
}

impl SegmentCollector for SegmentTop {
    type Fruit = Vec<Place>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let at_ms = self.at_ms.get_val(doc);
        let asked = &self.wanted.asked;
        if at_ms < asked.after_ms || asked.before_ms.is_some_and(|before_ms| at_ms >= before_ms) {
            return;
        }
        let score = match self.wanted.order {
            Order::Newest => 0,
            Order::Relevance => score.max(0.0).to_bits(),
        };
        // Most are worse than what there is already: that is seen first.
        let last = self.first.peek().filter(|_| self.first.len() == self.wanted.limit);
        if last.is_some_and(|Reverse(last)| (score, at_ms) < (last.score, last.at_ms)) {
            return;
        }
        let Some(number) = self.room.first(doc).map(|number| number as usize) else { return };
        let Some(room) = self.rooms.get(number).copied() else { return };
        let wanted = &self.wanted.rooms;
        let is_in = self.is_in[number].get_or_insert_with(|| wanted.binary_search(&room).is_ok());
        let seq = self.seq.get_val(doc);
        let place = Place { score, at_ms, seq, room };
        if !*is_in || seq == 0 || self.wanted.after.is_some_and(|after| place >= after) {
            return;
        }
        self.first.push(Reverse(place));
        if self.first.len() > self.wanted.limit {
            self.first.pop();
        }
    }

    fn harvest(self) -> Vec<Place> {
        self.first.into_iter().map(|Reverse(place)| place).collect()
    }
}

impl std::fmt::Debug for Top {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Top").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

//! What must be in a store after a crash: everything acknowledged, in order, once, whole.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{BufRead, BufReader, Read},
};

use bytes::Buf;
use parlour_adapters::{Options, maintenance};
use parlour_core::{
    ports::store::{LogKey, ReadRange, Scan, Store},
    tables::Table,
};

use crate::{
    load::{self, ROOMS, Tag},
    report::Report,
};

/// What a child said before it ended.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// It began to open the store.
    pub(crate) opening: bool,
    /// It had it open.
    pub(crate) open: bool,
    /// (room, writer, n) -> first sequence number.
    pub(crate) acked: HashMap<(u8, u8, u64), u64>,
    /// Errors it met.
    pub(crate) failures: Vec<String>,
}

impl Said {
    /// Reads a child's stdout to its end.
    pub(crate) fn read(out: impl Read) -> Said {
        let mut said = Said::default();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            said.hear(&line);
        }
        said
    }

    /// Takes one line.
    pub(crate) fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            None if line == "opening" => self.opening = true,
            None if line == "open" => self.open = true,
            Some(("acked", rest)) => {
                let numbers: Vec<u64> =
                    rest.split(' ').filter_map(|word| word.parse().ok()).collect();
                // A line that was cut short wasn't said.
                if let [room, writer, n, seq] = numbers[..] {
                    self.acked.insert((room as u8, writer as u8, n), seq);
                }
            }
            Some(("failed", what)) => self.failures.push(what.to_owned()),
            _ => {}
        }
    }
}

/// What is known about one store over all its crashes.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// By room: what was seen or acknowledged, (writer, n) by first sequence number.
    known: BTreeMap<u8, BTreeMap<u64, (u8, u64)>>,
}

impl Truth {
    /// Adds what a child said.
    pub(crate) fn add(&mut self, said: &Said) {
        for ((room, writer, n), seq) in &said.acked {
            self.known.entry(*room).or_default().insert(*seq, (*writer, *n));
        }
    }

    /// Compares an opened store with what is known; what it holds is known from then on.
    pub(crate) async fn compare(&mut self, store: &dyn Store, report: &mut Report) {
        for room in 0..ROOMS {
            let found = self.compare_room(store, room, report).await;
            let known = self.known.entry(room).or_default();
            for (seq, batch) in known.iter() {
                report.expect(found.get(seq) == Some(batch), || {
                    let (writer, n) = batch;
                    let there = found.get(seq);
                    format!("room {room} seq {seq}: {writer}/{n} is lost, there is {there:?}")
                });
            }
            *known = found;
        }
    }

    /// Reads one room: order, whole batches, no doubles, rows that agree with the log.
    async fn compare_room(
        &self,
        store: &dyn Store,
        room: u8,
        report: &mut Report,
    ) -> BTreeMap<u64, (u8, u64)> {
        let log = LogKey::Room(load::room(room));
        let head = match store.heads(&[log]).await {
            Ok(mut heads) => heads.remove(0),
            Err(error) => {
                report.violation(&format!("room {room}: head can't be read: {error}"));
                return BTreeMap::new();
            }
        };
        let mut batches = Batches::default();
        let mut next = 1;
        let end = head.as_ref().map_or(0, |head| head.seq);
        while next <= end {
            let range = ReadRange {
                from: next,
                to: end,
                reverse: false,
                records_max: 500,
                bytes_max: 1 << 22,
            };
            let found = store.read(log, range).await.unwrap_or_default();
            if found.is_empty() {
                report.violation(&format!("room {room}: nothing at {next}, head is {end}"));
                break;
            }
            for stored in found {
                let tag = stored.record.as_ref().and_then(Tag::of_record);
                batches.take(room, next, stored.seq, tag, report);
                next = stored.seq + 1;
            }
        }
        report.expect(batches.expected.is_none(), || format!("room {room}: torn batch at the end"));
        if let Some(head) = head {
            let state = (head.state.len() == 8).then(|| head.state.clone().get_u64());
            report.expect(state == Some(head.seq), || format!("room {room}: state is {state:?}"));
        }
        compare_rows(store, room, &batches, report).await;
        batches.found
    }
}

/// The rows written with each batch are there, and no others.
async fn compare_rows(store: &dyn Store, room: u8, batches: &Batches, report: &mut Report) {
    let prefix = load::room(room).to_field();
    let rows = store.scan(Scan::prefix(Table::SENDS, prefix, usize::MAX)).await.unwrap_or_default();
    report.expect(rows.len() == batches.found.len(), || {
        format!("room {room}: {} rows for {} batches", rows.len(), batches.found.len())
    });
    for (key, mut value) in rows {
        let mut rest = &key[16..];
        let (writer, n) = (rest.get_u8(), rest.get_u64());
        let seq = value.get_u64();
        report.expect(batches.found.get(&seq) == Some(&(writer, n)), || {
            format!("room {room}: row of {writer}/{n} says {seq}")
        });
    }
    for (writer, last) in &batches.last {
        let row = store.get(Table::LAST_SENT, &load::last_key(room, *writer)).await;
        let row = row.ok().flatten().map(|mut row| row.get_u64());
        report.expect(row == Some(*last), || {
            format!("room {room}: last of {writer} is {row:?}, the log says {last}")
        });
    }
}

/// Batches as they come up in a log.
#[derive(Debug, Default)]
struct Batches {
    found: BTreeMap<u64, (u8, u64)>,
    seen: HashSet<(u8, u64)>,
    last: HashMap<u8, u64>,
    /// What the next record has to be, inside a batch.
    expected: Option<Tag>,
}

impl Batches {
    fn take(&mut self, room: u8, next: u64, seq: u64, tag: Option<Tag>, report: &mut Report) {
        report.expect(seq == next, || format!("room {room}: {seq} follows {}", next - 1));
        let Some(tag) = tag else {
            return report.violation(&format!("room {room} seq {seq}: damaged or foreign"));
        };
        let expected = self.expected.take();
        report.expect(
            expected.map_or(tag.index == 0 && tag.room == room, |expected| tag == expected),
            || format!("room {room} seq {seq}: torn batch, {tag:?} instead of {expected:?}"),
        );
        if tag.index == 0 {
            report.expect(self.seen.insert((tag.writer, tag.n)), || {
                format!("room {room} seq {seq}: {}/{} is doubled", tag.writer, tag.n)
            });
            let last = self.last.insert(tag.writer, tag.n).unwrap_or(0);
            report.expect(tag.n == last + 1, || {
                format!("room {room} seq {seq}: {} follows {last} of {}", tag.n, tag.writer)
            });
            self.found.insert(seq, (tag.writer, tag.n));
        }
        if tag.index + 1 < tag.of {
            self.expected = Some(Tag { index: tag.index + 1, ..tag });
        }
    }
}

/// Scrubs a closed store.
pub(crate) fn scrub(options: &Options, report: &mut Report) {
    match maintenance::check(options) {
        Ok(found) => report.expect(found.is_clean(), || format!("check reports {found:?}")),
        Err(error) => report.violation(&format!("check: {error}")),
    }
}

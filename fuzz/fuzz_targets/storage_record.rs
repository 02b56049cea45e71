//! A store whose rows were damaged underneath it: flipped bits, cut, emptied, exchanged, removed.
//! Whatever it then says is what was written, or that it is damaged; never anything else. And rows
//! that hold any bytes at all make nothing panic, nor do such entries of the journal.
#![no_main]

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::Path,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use parlour_adapters::{
    Kv, OpenError, Options,
    kv::{
        engine::{Engine, EngineError, Visit, Writes},
        journal,
        packed::Packed,
    },
};
use parlour_core::{
    directory::rows::NodeRow,
    ports::store::{Append, Batch, LogKey, Put, ReadRange, Scan, Shard, Store, StoreError},
    records::Counters,
    row_kinds,
    tables::Table,
};
use parlour_protocol::{
    ids::RoomId,
    prost::{Message, bytes::Bytes},
};
use tokio::runtime::Runtime;

const ROOM: RoomId = RoomId::from_bytes([7; 16]);
const LOG: LogKey = LogKey::Room(ROOM);
/// Lengths of the records: some fit into one value, others are continued in further ones.
const LENGTHS: &[usize] = &[1, 100, 4000, 4096, 4097, 9000, 61_440];

type Rows = BTreeMap<Vec<u8>, Bytes>;

/// What lies under the store of single rows, and under that of blocks.
static ROWS: [Mutex<Rows>; 2] = [const { Mutex::new(Rows::new()) }; 2];
static SINGLE: LazyLock<Sound<Underneath<0>>> = LazyLock::new(|| Sound::make(0));
static PACKED: LazyLock<Sound<Packed<Underneath<1>>>> = LazyLock::new(|| Sound::make(1));

#[derive(Arbitrary, Debug)]
enum Input {
    /// At most four, so that no checksum is met by chance or by search.
    Damaged([Option<Damage>; 4]),
    /// Every row is replaced in turn.
    Anything(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Damage {
    row: u8,
    kind: Kind,
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Flip { at: u16, bit: u8 },
    Cut { to: u16 },
    Zero { from: u16 },
    Exchange { with: u8 },
    Remove,
}

fuzz_target!(|input: Input| {
    SINGLE.try_with(&input);
    PACKED.try_with(&input);
    if let Input::Anything(bytes) = &input {
        decode(bytes);
    }
});

/// Rows as the core reads them, and entries of the journal: what one says is what it was made of.
fn decode(bytes: &[u8]) {
    row_kinds::decode_each(bytes);
    let _ = NodeRow::decode(bytes).map(NodeRow::into_record);
    let _ = Counters::decode(bytes);
    if let Some(writes) = journal::decode(Bytes::copy_from_slice(bytes)) {
        assert_eq!(journal::decode(journal::encode(&writes)), Some(writes));
    }
}

fn rows_now(which: usize) -> MutexGuard<'static, Rows> {
    ROWS[which].lock().unwrap_or_else(PoisonError::into_inner)
}

impl Damage {
    fn apply(&self, rows: &mut Rows) {
        let nth = |row: u8| rows.keys().nth(usize::from(row) % rows.len().max(1)).cloned();
        let Some(key) = nth(self.row) else { return };
        let mut value = rows.get(&key).map(|value| value.to_vec()).unwrap_or_default();
        match &self.kind {
            Kind::Flip { at, bit } => {
                let length = value.len().max(1);
                if let Some(byte) = value.get_mut(usize::from(*at) % length) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Kind::Cut { to } => value.truncate(usize::from(*to) % value.len().max(1)),
            Kind::Zero { from } => {
                let from = usize::from(*from) % value.len().max(1);
                value[from..].fill(0);
            }
            Kind::Exchange { with } => {
                let Some(other) = nth(*with) else { return };
                let before = rows.insert(other, Bytes::from(value)).unwrap_or_default();
                rows.insert(key, before);
                return;
            }
            Kind::Remove => {
                rows.remove(&key);
                return;
            }
        }
        rows.insert(key, Bytes::from(value));
    }
}

/// A store, and what was written to it.
struct Sound<E: Engine> {
    runtime: Runtime,
    store: Kv<E>,
    /// Which rows lie under it.
    which: usize,
    rows: Rows,
    records: Vec<Bytes>,
    table: BTreeMap<Bytes, Bytes>,
}

impl<E: Engine> Sound<E> {
    fn make(which: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let name = format!("parlour-fuzz-{}-{which}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let open = || Kv::<E>::open(Options::new(&folder)).expect("a sound store opens");
        let store = open();
        let bytes = |length: usize| (0..length).map(|at| (at * 31 + length) as u8).collect();
        let records: Vec<Bytes> = LENGTHS.iter().map(|length| bytes(*length)).collect();
        let table = [(&b"short"[..], 10), (b"long", 10_000), (b"longer", 65_536), (b"none", 0)];
        let table = table.map(|(key, length)| (Bytes::from_static(key), bytes(length)));
        let mut batch = Batch::new(Shard::Room(ROOM));
        let state = Bytes::from_static(b"state");
        batch.appends = vec![Append { log: LOG, expected_seq: 0, records: records.clone(), state }];
        let put = |(key, value): &(Bytes, Bytes)| Put {
            table: Table::ROOMS,
            key: key.clone(),
            value: Some(value.clone()),
        };
        batch.puts = table.iter().map(put).collect();
        let applied = runtime.block_on(store.append(vec![batch])).expect("the store takes it");
        assert_eq!(applied, [Ok(())]);
        // Closing it writes what waits in its memory.
        drop(store);
        let store = open();
        // The folder has served: its rows lie in this process.
        let _ = std::fs::remove_dir_all(&folder);
        let rows = rows_now(which).clone();
        let sound = Sound { runtime, store, which, rows, records, table: table.into() };
        assert_eq!(sound.records().len(), 2 * LENGTHS.len());
        assert_eq!(sound.scan().map(|rows| rows.len()), Ok(4));
        sound
    }

    fn try_with(&self, input: &Input) {
        match input {
            Input::Damaged(damages) => {
                let mut rows = self.rows.clone();
                damages.iter().flatten().for_each(|damage| damage.apply(&mut rows));
                *rows_now(self.which) = rows;
                self.check();
            }
            Input::Anything(bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                let rows = self.rows.keys().map(|key| (key.clone(), bytes.clone()));
                *rows_now(self.which) = rows.collect();
                // The result doesn't matter: nobody wrote these rows.
                self.records();
                let _ = self.heads();
                let _ = self.row(b"short");
                let _ = self.scan();
            }
        }
    }

    /// Holds all the store says against what was written.
    fn check(&self) {
        for stored in self.records() {
            let (seq, record) = stored;
            let written = &self.records[seq as usize - 1];
            assert!(record.is_none_or(|record| record == *written), "record {seq} is another");
        }
        match self.heads() {
            Ok(Some((seq, state))) => assert_eq!((seq, &state[..]), (7, &b"state"[..])),
            Ok(None) | Err(StoreError::Damaged) => {}
            Err(error) => panic!("{error}"),
        }
        for (key, written) in &self.table {
            match self.row(key) {
                Ok(Some(value)) => assert_eq!(value, *written, "{key:?}"),
                Ok(None) | Err(StoreError::Damaged) => {}
                Err(error) => panic!("{error}"),
            }
        }
        for (key, value) in self.scan().unwrap_or_default() {
            assert_eq!(self.table.get(&key), Some(&value), "{key:?}");
        }
    }

    /// The log read forwards and backwards.
    fn records(&self) -> Vec<(u64, Option<Bytes>)> {
        let mut out = Vec::new();
        for reverse in [false, true] {
            let range =
                ReadRange { from: 1, to: u64::MAX, reverse, records_max: 100, bytes_max: 1 << 20 };
            let read = self.runtime.block_on(self.store.read(LOG, range));
            out.extend(
                read.unwrap_or_default().into_iter().map(|stored| (stored.seq, stored.record)),
            );
        }
        out
    }

    fn heads(&self) -> Result<Option<(u64, Bytes)>, StoreError> {
        let heads = self.runtime.block_on(self.store.heads(&[LOG]))?;
        Ok(heads.into_iter().flatten().next().map(|head| (head.seq, head.state)))
    }

    fn row(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.runtime.block_on(self.store.get(Table::ROOMS, key))
    }

    fn scan(&self) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.runtime.block_on(self.store.scan(Scan::prefix(Table::ROOMS, Bytes::new(), 100)))
    }
}

/// The engine: whatever lies in `ROWS[WHICH]`.
struct Underneath<const WHICH: usize>;

impl<const WHICH: usize> Engine for Underneath<WHICH> {
    const NAME: &'static str = "underneath";
    const JOURNALED: bool = false;

    fn open(_: &Path, _: &Options) -> Result<Self, OpenError> {
        Ok(Underneath)
    }

    fn is_in(_: &Path) -> bool {
        true
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(rows_now(WHICH).get(key).cloned())
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        if from >= to {
            return Ok(());
        }
        let range =
            rows_now(WHICH).range(from.to_vec()..to.to_vec()).map(owned).collect::<Vec<_>>();
        let mut visit = |(key, value): &(Vec<u8>, Bytes)| visit(key, value);
        let end: ControlFlow<()> = match reverse {
            false => range.iter().try_for_each(&mut visit),
            true => range.iter().rev().try_for_each(&mut visit),
        };
        let _ = end;
        Ok(())
    }

    fn apply(&self, writes: Writes) -> Result<(), EngineError> {
        for (key, value) in writes {
            match value {
                Some(value) => drop(rows_now(WHICH).insert(key, value)),
                None => drop(rows_now(WHICH).remove(&key)),
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

fn owned((key, value): (&Vec<u8>, &Bytes)) -> (Vec<u8>, Bytes) {
    (key.clone(), value.clone())
}

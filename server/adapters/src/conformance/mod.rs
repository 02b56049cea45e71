//! What every adapter of the `Store` port has to do, as one suite that each of them runs.
//! A failure panics with what was expected, so call it from tests only.

mod appends;
mod bounds;
mod disk;
mod logs;
mod tables;

use std::{future::Future, path::PathBuf, sync::Arc};

use bytes::Bytes;
use parlour_core::{
    ports::store::{
        Append, Batch, Erase, LogKey, Put, ReadRange, Refusal, Scan, Shard, Store, StoreError,
        Stored,
    },
    tables::Table,
};
use parlour_protocol::ids::{RoomId, UserId};

/// Runs everything that doesn't need a disk; `make` returns a new, empty store each time.
pub async fn run<M, F>(make: M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    appends::run(&make).await;
    logs::run(&make).await;
    tables::run(&make).await;
    bounds::run(&make).await;
}

/// Runs what a store on disk has to survive. `open` opens the store in a folder, or makes it;
/// `scratch` is an empty folder to work in.
pub async fn run_on_disk<O, F>(scratch: PathBuf, open: O)
where
    O: Fn(PathBuf) -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    disk::run(&scratch, &open).await;
}

/// A room's log by a small number.
fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

fn log(n: u8) -> LogKey {
    LogKey::Room(room(n))
}

fn user_log(n: u8) -> LogKey {
    LogKey::User(UserId::from_bytes([n; 16]))
}

fn batch(n: u8) -> Batch {
    Batch::new(Shard::Room(room(n)))
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A batch that appends records with these texts; the state is the last text.
fn appending(n: u8, expected_seq: u64, texts: &[&str]) -> Batch {
    let records = texts.iter().map(|text| bytes(text)).collect();
    let state = bytes(texts.last().unwrap_or(&""));
    let append = Append { log: log(n), expected_seq, records, state };
    Batch { appends: vec![append], ..batch(n) }
}

fn putting(table: Table, key: &str, value: Option<&str>) -> Batch {
    let put = Put { table, key: bytes(key), value: value.map(bytes) };
    Batch { puts: vec![put], ..batch(1) }
}

fn erasing(n: u8, seq: u64, text: &str) -> Batch {
    let erase = Erase { log: log(n), seq, record: bytes(text) };
    Batch { erases: vec![erase], ..batch(n) }
}

/// The whole of a log, forward.
const ALL: ReadRange =
    ReadRange { from: 0, to: u64::MAX, reverse: false, records_max: 10_000, bytes_max: 1 << 30 };

/// What the suite sees of a store: the port.
type DynStore = dyn Store;

/// Appends and expects every batch to be applied.
async fn apply(store: &DynStore, batches: Vec<Batch>) {
    let results = store.append(batches).await.expect("the store accepts writes");
    assert!(results.iter().all(Result::is_ok), "refused: {results:?}");
}

async fn apply_one(store: &DynStore, batch: Batch) -> Result<(), Refusal> {
    let results = store.append(vec![batch]).await.expect("the store accepts writes");
    assert_eq!(results.len(), 1, "one result for each batch");
    results.into_iter().next().expect("there is one")
}

async fn read(store: &DynStore, log: LogKey, range: ReadRange) -> Vec<Stored> {
    store.read(log, range).await.expect("reads")
}

/// The texts of a range, by sequence number.
async fn texts(store: &DynStore, log: LogKey, range: ReadRange) -> Vec<(u64, String)> {
    let found = read(store, log, range).await;
    let text = |record: Option<Bytes>| {
        let record = record.expect("no record is damaged");
        String::from_utf8(record.to_vec()).expect("the suite writes text")
    };
    found.into_iter().map(|stored| (stored.seq, text(stored.record))).collect()
}

async fn head_seq(store: &DynStore, log: LogKey) -> Option<u64> {
    let heads = store.heads(&[log]).await.expect("reads");
    assert_eq!(heads.len(), 1, "one head for each log");
    heads[0].as_ref().map(|head| head.seq)
}

async fn get(store: &DynStore, table: Table, key: &str) -> Option<Bytes> {
    store.get(table, key.as_bytes()).await.expect("reads")
}

async fn scan_keys(store: &DynStore, scan: Scan) -> Vec<String> {
    let rows = store.scan(scan).await.expect("reads");
    rows.into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
}

/// Bytes that differ everywhere, so that a lost or swapped piece shows.
fn long(len: usize, seed: u32) -> Bytes {
    let mut state = seed | 1;
    let next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Everything two stores can be told apart by, for these logs.
async fn assert_same(one: &DynStore, other: &DynStore, logs: &[LogKey]) {
    let heads = one.heads(logs).await.expect("reads");
    assert_eq!(heads, other.heads(logs).await.expect("reads"));
    for log in logs {
        assert_eq!(read(one, *log, ALL).await, read(other, *log, ALL).await);
    }
    for table in Table::ALL {
        let all = || Scan::prefix(*table, Bytes::new(), 10_000);
        let rows = one.scan(all()).await.expect("reads");
        assert_eq!(rows, other.scan(all()).await.expect("reads"), "table {}", table.name());
    }
}

/// A bit of everything and a long log, for tests of stores that came about in another way.
#[cfg(test)]
pub(crate) async fn fill(store: &DynStore) {
    disk::fill(store).await;
    let text = "x".repeat(200);
    for step in 0..30 {
        apply(store, vec![appending(5, step * 100, &vec![&text[..]; 100])]).await;
    }
}

/// Whether a store is the same as one that was filled.
#[cfg(test)]
pub(crate) async fn assert_filled(filled: &DynStore, other: &DynStore) {
    assert_same(filled, other, &disk::logs()).await;
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable))
}

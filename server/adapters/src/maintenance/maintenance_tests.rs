//! Check, copy and restore, on stores that other tests' suite filled.

use std::path::Path;

use bytes::Bytes;
use parlour_core::{
    ports::store::{Append, Batch, LogKey, Put, Scan, Shard, Store, StoreError},
    tables::Table,
};
use parlour_protocol::ids::RoomId;

use super::*;
use crate::{Redb, Sled, any, kv::engine::Writes};

fn options(path: &Path) -> Options {
    Options { cache_bytes: 4 << 20, reserve_bytes: 0, ..Options::new(path) }
}

const ROOM: RoomId = RoomId::from_bytes([1; 16]);
const LOG: LogKey = LogKey::Room(ROOM);

async fn fill(store: &dyn Store) {
    for n in 0..20_u8 {
        let mut batch = Batch::new(Shard::Room(ROOM));
        let long = Bytes::from(vec![n; 10_000]);
        let records = vec![Bytes::from(vec![n; 100]), long.clone()];
        let append =
            Append { log: LOG, expected_seq: u64::from(n) * 2, records, state: long.slice(..9) };
        batch.appends.push(append);
        let key = Bytes::from(vec![n; 20]);
        batch.puts.push(Put { table: Table::MEMBERS, key, value: Some(long) });
        assert_eq!(store.append(vec![batch]).await.unwrap(), [Ok(())]);
    }
}

#[tokio::test]
async fn a_copy_is_the_same_store_and_a_restored_one_is_new() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| options(&scratch.path().join(name));
    let store = Sled::open(at("a")).unwrap();
    fill(&store).await;
    let info = store.info();
    store.backup(scratch.path().join("backup")).await.unwrap();
    drop(store);
    let report = copy(&at("a"), Kind::Redb, &at("b")).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.logs, report.records, report.rows), (1, 40, 20));
    assert_eq!(check(&at("a")).unwrap(), report);
    assert_eq!(check(&at("b")).unwrap(), report);
    assert!(matches!(copy(&at("a"), Kind::Redb, &at("b")), Err(OpenError::NotEmpty)));
    let copied = Redb::open(at("b")).unwrap();
    assert_eq!(copied.info().incarnation, info.incarnation);
    drop(copied);
    assert_eq!(copy(&at("b"), Kind::Sled, &at("c")).unwrap(), report);
    assert_eq!(restore(&at("backup"), Kind::Sled, &at("d")).unwrap(), report);
    let restored = any::open(Kind::Sled, at("d")).await.unwrap();
    assert_ne!(restored.info().incarnation, info.incarnation);
    let rows = restored.scan(Scan::prefix(Table::MEMBERS, Bytes::new(), 100)).await.unwrap();
    assert_eq!(rows.len(), 20);
    assert!(matches!(check(&at("nothing")), Err(OpenError::NotFound)));
    assert!(matches!(any::open(Kind::Redb, at("d")).await, Err(OpenError::OtherKind { .. })));
}

/// Opens the engine below the store and writes what a store never would.
fn tamper(options: &Options, change: impl FnOnce(&SledEngine, &mut Writes)) {
    let folder = Folder::lock(&options.path).unwrap();
    let engine = SledEngine::open(&folder.engine_path::<SledEngine>(), options).unwrap();
    let mut writes = Writes::new();
    change(&engine, &mut writes);
    engine.apply(writes).unwrap();
    engine.sync().unwrap();
}

async fn tampered(
    name: &str,
    change: impl FnOnce(&SledEngine, &mut Writes),
) -> (tempfile::TempDir, Options) {
    let scratch = tempfile::tempdir().unwrap();
    let options = options(&scratch.path().join(name));
    let store = Sled::open(options.clone()).unwrap();
    fill(&store).await;
    drop(store);
    tamper(&options, change);
    (scratch, options)
}

#[tokio::test]
async fn every_kind_of_damage_is_reported() {
    let row = layout::row_key(Table::MEMBERS, &[3; 20]);
    let (_scratch, options) = tampered("rows", |engine, writes| {
        // A byte changed, a record gone, a piece of a long record gone, a row gone, a stray.
        let mut garbled = engine.get(&layout::record_key(LOG, 1)).unwrap().unwrap().to_vec();
        garbled[20] ^= 1;
        writes.insert(layout::record_key(LOG, 1), Some(garbled.into()));
        writes.insert(layout::record_key(LOG, 5), None);
        writes.insert(layout::more_key(&layout::record_key(LOG, 8), 2), None);
        writes.insert(row.clone(), None);
        layout::put(writes, &layout::record_key(LOG, 99), b"stray");
        let swapped = engine.get(&layout::row_key(Table::MEMBERS, &[4; 20])).unwrap();
        writes.insert(layout::row_key(Table::MEMBERS, &[5; 20]), swapped);
    })
    .await;
    let report = check(&options).unwrap();
    let record = |seq| Damage::Record { log: LOG, seq };
    let expected = [
        record(1),
        record(5),
        record(8),
        Damage::Stray { log: LOG, seq: 99 },
        Damage::Row { table: Table::MEMBERS, key: Bytes::from(vec![5; 20]) },
        Damage::Tally { region: "members" },
    ];
    assert_eq!(report.listed, expected);
    assert_eq!(report.damaged, expected.len() as u64);
    assert_eq!(report.records, 37);
}

#[tokio::test]
async fn a_stale_row_with_a_good_checksum_is_reported() {
    let row = layout::row_key(Table::MEMBERS, &[3; 20]);
    let (_scratch, options) = tampered("stale", |_, writes| {
        layout::put(writes, &row, &[2; 10_000]);
    })
    .await;
    assert_eq!(check(&options).unwrap().listed, [Damage::Tally { region: "members" }]);
}

#[tokio::test]
async fn damaged_records_hide_nothing_and_a_damaged_head_refuses_appends() {
    let (_scratch, options) = tampered("head", |_, writes| {
        writes.insert(layout::record_key(LOG, 2), Some(Bytes::from_static(b"x")));
        let other = layout::head_key(LogKey::Room(RoomId::from_bytes([2; 16])));
        writes.insert(other, Some(Bytes::from_static(b"garbage")));
    })
    .await;
    let store = Sled::open(options).unwrap();
    let all = parlour_core::ports::store::ReadRange {
        from: 1,
        to: 3,
        reverse: true,
        records_max: 10,
        bytes_max: 1 << 20,
    };
    let found = store.read(LOG, all).await.unwrap();
    let readable: Vec<_> =
        found.iter().map(|stored| (stored.seq, stored.record.is_some())).collect();
    assert_eq!(readable, [(3, true), (2, false), (1, true)]);
    let room = RoomId::from_bytes([2; 16]);
    let append = Append {
        log: LogKey::Room(room),
        expected_seq: 0,
        records: vec![Bytes::new()],
        state: Bytes::new(),
    };
    let refused = Batch { appends: vec![append], ..Batch::new(Shard::Room(room)) };
    let fine = Batch::new(Shard::Room(ROOM));
    let results = store.append(vec![refused, fine]).await.unwrap();
    assert_eq!(results, [Err(parlour_core::ports::store::Refusal::Damaged), Ok(())]);
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_name() {
    let (_scratch, options) = tampered("schema", |_, writes| {
        layout::put(writes, &layout::meta_key("schema"), &99_u32.to_be_bytes());
    })
    .await;
    let refused = Sled::open(options.clone()).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "store has schema 99, this release knows up to 2");
    tamper(&options, |_, writes| drop(writes.insert(layout::meta_key("schema"), None)));
    assert!(matches!(Sled::open(options), Err(OpenError::Damaged { .. })));
}

#[tokio::test]
async fn an_engine_that_went_back_in_time_does_not_open() {
    let scratch = tempfile::tempdir().unwrap();
    let options = options(&scratch.path().join("store"));
    let (db, old) = (options.path.join("redb/data.redb"), scratch.path().join("old"));
    drop(Redb::open(options.clone()).unwrap());
    std::fs::copy(&db, &old).unwrap();
    let store = Redb::open(options.clone()).unwrap();
    fill(&store).await;
    drop(store);
    std::fs::copy(&old, &db).unwrap();
    let refused = Redb::open(options.clone()).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "store is damaged: redb has commit 0, 20 was the last");
    // Whoever accepts the loss says so by removing the witness.
    std::fs::remove_file(options.path.join("commit")).unwrap();
    Redb::open(options).unwrap();
}

#[tokio::test]
async fn a_log_whose_head_is_lost_stays_damaged_and_takes_nothing() {
    let (scratch, options) = tampered("headless", |_, writes| {
        writes.insert(layout::head_key(LOG), None);
    })
    .await;
    let to = self::options(&scratch.path().join("salvaged"));
    let report = salvage(&options, Kind::Redb, &to).unwrap();
    assert!(report.listed.iter().any(|it| matches!(it, Damage::Head { .. })), "{report:?}");
    let store = Redb::open(to).unwrap();
    assert_eq!(store.heads(&[LOG]).await, Err(StoreError::Damaged));
    let mut batch = Batch::new(Shard::Room(ROOM));
    let records = vec![Bytes::from_static(b"over the first")];
    batch.appends.push(Append { log: LOG, expected_seq: 0, records, state: Bytes::new() });
    let answers = store.append(vec![batch]).await.unwrap();
    assert!(answers[0].is_err(), "{answers:?}");
}

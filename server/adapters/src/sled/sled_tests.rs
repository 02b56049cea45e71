//! sled against the suite, and the openings that plain sled fails.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use parlour_core::{
    ports::store::{Batch, Put, Shard, Store, StoreError},
    tables::Table,
};
use parlour_protocol::ids::RoomId;

use super::{Sled, SledTree};
use crate::{
    Kind, OpenError, Options, conformance,
    kv::{
        Kv,
        engine::{Engine, Writes},
        layout,
    },
    maintenance::Damage,
};

fn options(path: PathBuf) -> Options {
    Options { cache_bytes: 4 << 20, reserve_bytes: 0, ..Options::new(path) }
}

async fn open(path: PathBuf) -> Arc<dyn Store> {
    Arc::new(Sled::open(options(path)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sled_conforms() {
    let scratch = tempfile::tempdir().unwrap();
    let next = std::cell::Cell::new(0);
    let make = || {
        next.set(next.get() + 1);
        open(scratch.path().join(next.get().to_string()))
    };
    conformance::run(make).await;
    conformance::run_on_disk(scratch.path().to_owned(), open).await;
}

#[tokio::test]
async fn an_unfinished_snapshot_does_not_keep_the_store_shut() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().to_owned();
    drop(open(path.clone()).await);
    std::fs::write(path.join("sled/snap.0000000000100000.generating"), b"torn").unwrap();
    drop(open(path.clone()).await);
    std::fs::write(path.join("sled/snap.7FFFFFFFFFFFFFFF"), b"torn and renamed").unwrap();
    drop(open(path.clone()).await);
    assert!(path.join("sled/aside.snap.7FFFFFFFFFFFFFFF").exists());
}

#[tokio::test]
async fn one_folder_is_opened_once() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Sled::open(options(scratch.path().to_owned())).unwrap();
    let second = Sled::open(options(scratch.path().to_owned()));
    assert!(matches!(second, Err(OpenError::Locked)));
    drop(store);
    Sled::open(options(scratch.path().to_owned())).unwrap();
}

/// The store of a release before blocks: every row by itself, under schema 1.
type Unpacked = Kv<SledTree>;

#[tokio::test]
async fn a_store_of_schema_1_is_packed_when_it_is_opened() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().to_owned();
    let model = crate::Memory::new([0; 16]);
    let old = Unpacked::open(options(path.clone())).unwrap();
    let incarnation = old.info().incarnation;
    conformance::fill(&model).await;
    conformance::fill(&old).await;
    drop(old);
    {
        let folder = path.join("sled");
        let tree = SledTree::open(&folder, &options(path.clone())).unwrap();
        let mut writes = Writes::new();
        let key = layout::meta_key("schema");
        layout::put(&mut writes, &key, &1_u32.to_be_bytes());
        tree.apply(writes).unwrap();
        tree.sync().unwrap();
    }
    let new = open(path.clone()).await;
    assert_eq!(new.info().incarnation, incarnation);
    assert_eq!(new.info().schema, 2);
    conformance::assert_filled(&model, &*new).await;
    drop(new);
    assert!(crate::maintenance::check(&options(path.clone())).unwrap().is_clean());
}

/// Flips a byte in the last block of rows, under the engine's own checks.
fn damage_last_block(options: &Options) {
    let db = ::sled::Config::new()
        .path(options.path.join("sled"))
        .segment_size(crate::limits::SLED_SEGMENT_BYTES)
        .flush_every_ms(None)
        .open()
        .unwrap();
    let last = db.scan_prefix([0x10]).next_back().unwrap().unwrap();
    let mut block = last.1.to_vec();
    let middle = block.len() / 2;
    block[middle] ^= 1;
    db.insert(last.0, block).unwrap();
    db.flush().unwrap();
}

fn put(n: u32) -> Batch {
    let mut batch = Batch::new(Shard::Room(RoomId::from_bytes([1; 16])));
    let (key, value) = (n.to_be_bytes().to_vec().into(), Bytes::from(vec![7; 2_000]));
    batch.puts.push(Put { table: Table::MEMBERS, key, value: Some(value) });
    batch
}

#[tokio::test]
async fn damage_where_it_writes_makes_a_store_read_only_and_loses_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let options = options(scratch.path().join("store"));
    let store = Sled::open(options.clone()).unwrap();
    for n in 0..100 {
        assert_eq!(store.append(vec![put(n)]).await.unwrap(), [Ok(())]);
    }
    drop(store);
    damage_last_block(&options);

    let store = Sled::open(options.clone()).unwrap();
    let mut acknowledged = vec![];
    // All of them lie behind the damaged block's fence, until it is to be written.
    for n in 1_000..3_000 {
        match store.append(vec![put(n)]).await {
            Ok(results) => {
                assert_eq!(results, [Ok(())]);
                acknowledged.push(n);
            }
            Err(StoreError::ReadOnly) => break,
            Err(error) => assert_eq!(error, StoreError::Unavailable),
        }
    }
    assert!((100..2_000).contains(&acknowledged.len()), "{}", acknowledged.len());
    let mut store = store;
    for _ in 0..2 {
        for n in (0..50).chain(acknowledged.iter().copied()) {
            let row = store.get(Table::MEMBERS, &n.to_be_bytes()).await.unwrap();
            assert_eq!(row.unwrap().len(), 2_000, "{n}");
        }
        assert_eq!(
            store.get(Table::MEMBERS, &99_u32.to_be_bytes()).await,
            Err(StoreError::Damaged)
        );
        assert_eq!(store.append(vec![put(1)]).await, Err(StoreError::ReadOnly));
        drop(store);
        store = Sled::open(options.clone()).unwrap();
    }
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_store_is_salvaged() {
    let scratch = tempfile::tempdir().unwrap();
    let options = options(scratch.path().join("store"));
    let store = Sled::open(options.clone()).unwrap();
    for n in 0..100 {
        assert_eq!(store.append(vec![put(n)]).await.unwrap(), [Ok(())]);
    }
    let incarnation = store.info().incarnation;
    drop(store);
    damage_last_block(&options);
    let store = Sled::open(options.clone()).unwrap();
    // Committed over the damaged block: it is in the journal only.
    assert_eq!(store.append(vec![put(1_000)]).await.unwrap(), [Ok(())]);
    drop(store);

    let to = |name: &str| Options { path: scratch.path().join(name), ..options.clone() };
    let copied = crate::maintenance::copy(&options, Kind::Redb, &to("copy"));
    assert!(matches!(copied, Err(OpenError::Damaged { .. })), "{copied:?}");
    for kind in [Kind::Redb, Kind::Sled] {
        let to = to(&kind.to_string());
        let report = crate::maintenance::salvage(&options, kind, &to).unwrap();
        assert_eq!(report.listed, [Damage::Tally { region: "members" }]);
        // A block holds two such rows; one of them is damaged.
        assert_eq!(report.rows, 100);
        assert!(crate::maintenance::check(&to).unwrap().is_clean());
        let salvaged = crate::any::open(kind, to).await.unwrap();
        assert_ne!(salvaged.info().incarnation, incarnation);
        for n in (0..100).chain([1_000]) {
            let row = salvaged.get(Table::MEMBERS, &u32::to_be_bytes(n)).await.unwrap();
            assert_eq!(row.is_some(), n != 99, "{n}");
        }
        assert_eq!(salvaged.append(vec![put(2_000)]).await.unwrap(), [Ok(())]);
    }
}

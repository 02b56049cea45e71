//! sled against the suite, and the openings that plain sled fails.

use std::{path::PathBuf, sync::Arc};

use parlour_core::ports::store::Store;

use super::{Sled, SledTree};
use crate::{
    OpenError, Options, conformance,
    kv::{
        Kv,
        engine::{Engine, Writes},
        layout,
    },
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

//! sled against the suite, and the openings that plain sled fails.

use std::{path::PathBuf, sync::Arc};

use parlour_core::ports::store::Store;

use super::Sled;
use crate::{OpenError, Options, conformance};

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

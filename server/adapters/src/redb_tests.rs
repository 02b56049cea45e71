//! redb against the suite.

use std::{path::PathBuf, sync::Arc};

use parlour_core::ports::store::Store;

use super::Redb;
use crate::{Options, conformance};

async fn open(path: PathBuf) -> Arc<dyn Store> {
    let options = Options { cache_bytes: 4 << 20, reserve_bytes: 0, ..Options::new(path) };
    Arc::new(Redb::open(options).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn redb_conforms() {
    let scratch = tempfile::tempdir().unwrap();
    let next = std::cell::Cell::new(0);
    let make = || {
        next.set(next.get() + 1);
        open(scratch.path().join(next.get().to_string()))
    };
    conformance::run(make).await;
    conformance::run_on_disk(scratch.path().to_owned(), open).await;
}

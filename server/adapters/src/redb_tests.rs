//! redb against the suite.

use std::{path::PathBuf, sync::Arc};

use parlour_core::ports::store::Store;

use super::{Redb, Way};
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

#[test]
fn a_scan_that_leads_back_or_away_meets_damage() {
    let way = |reverse| Way { from: b"b", to: b"f", reverse, last: None };
    let goes = |reverse, keys: &[&str]| {
        let mut way = way(reverse);
        keys.iter().all(|key| way.go_on(key.as_bytes()).is_ok())
    };
    assert!(goes(false, &["b", "bb", "e"]) && goes(true, &["e", "bb", "b"]));
    for (reverse, keys) in [
        (false, ["c", "c"]),
        (false, ["c", "bb"]),
        (true, ["c", "c"]),
        (true, ["c", "d"]),
        (false, ["a", "c"]),
        (false, ["c", "f"]),
        (true, ["f", "e"]),
        (true, ["b", "a"]),
    ] {
        assert!(!goes(reverse, &keys), "{reverse} {keys:?}");
    }
}

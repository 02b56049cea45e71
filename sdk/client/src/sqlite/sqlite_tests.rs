//! The SQLite cache keeps the promises of the port, and keeps them over a restart.

use parlour_sdk_core::cache::conformance;

use super::*;

#[test]
fn the_sqlite_cache_conforms() {
    conformance::run(|| SqliteCache::prepare(Connection::open_in_memory().unwrap()).unwrap());
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let meta = Meta { user_seq: 9, ..Meta::default() };
    SqliteCache::open(&path).unwrap().commit(&[Write::Meta(meta.clone())]).unwrap();
    assert_eq!(SqliteCache::open(&path).unwrap().load().unwrap().meta, meta);
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    assert!(SqliteCache::open(&path).is_err());
}

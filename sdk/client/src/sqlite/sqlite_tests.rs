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
fn a_cache_is_one_clients_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let first = SqliteCache::open(&path).unwrap();
    assert_eq!(SqliteCache::open(&path).unwrap_err(), CacheError::InUse);
    drop(first);
    SqliteCache::open(&path).unwrap();
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

#[test]
fn only_what_is_nowhere_else_waits_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = SqliteCache::open(&folder.path().join("cache.db")).unwrap();
    let level = |cache: &SqliteCache| -> i64 {
        cache.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
    };
    let (normal, full) = (1, 2);
    let room = RoomId::from_bytes([1; 16]);
    let history = PackedRun { room, from: 1, to: 9, events: Bytes::new() };
    let mut unread = RoomRecord::unknown(room);
    unread.unsent_read = 3;
    for (write, wanted) in [
        (Write::Packed(history), normal),
        (Write::Room(Box::new(unread)), full),
        (Write::Room(Box::new(RoomRecord::unknown(room))), normal),
        (Write::ResetOutbox, full),
        (Write::Stale(room), normal),
        (Write::Sync, full),
    ] {
        cache.commit(&[Write::Meta(Meta::default()), write.clone()]).unwrap();
        assert_eq!(level(&cache), wanted, "{write:?}");
    }
}

//! The cache in an SQLite file: write-ahead log, one transaction per batch, a run of events per
//! row. Rows are the bytes the state machines make of them; only what is searched by is a column.

use std::{fmt, path::Path};

use bytes::Bytes;
use parlour_protocol::ids::{RoomId, UserId};
use parlour_sdk_core::{
    cache::{Cache, CacheError, Meta, PackedRun, RoomRecord, Run, Saved, Write},
    event::{pack, unpack},
    limits::USERS_KEPT_MAX,
    outbox::Entry,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, params};

use crate::limits::CACHE_FREE_WITHIN;

/// Raised when the tables change; a file of another version is begun anew, since all of it but the
/// outbox can be read from the server again.
const VERSION: i64 = 1;

/// Nearly all of the file are runs of some 64 KiB each: with SQLite's 4 KiB pages, writing them
/// takes twice the processor time.
const PAGE_BYTES: i64 = 16 * 1024;
/// The write-ahead log is folded into the file when it is this long.
const CHECKPOINT_BYTES: i64 = 4 * 1024 * 1024;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 0), row BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS rooms (id BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outbox (
        ref BLOB PRIMARY KEY, place INTEGER NOT NULL, row BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS runs (
        room BLOB NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
        stale INTEGER NOT NULL, events BLOB NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS runs_by_place ON runs (room, from_seq, to_seq);
    CREATE TABLE IF NOT EXISTS users (id BLOB PRIMARY KEY, row BLOB NOT NULL);
";

/// The cache in an SQLite file.
pub struct SqliteCache {
    connection: Connection,
    /// Whether the next commit is synced.
    is_synced: bool,
}

impl fmt::Debug for SqliteCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteCache")
    }
}

fn sql(error: rusqlite::Error) -> CacheError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => CacheError::InUse,
        _ => CacheError::new(error),
    }
}

impl SqliteCache {
    /// Opens a file, or makes it. It is this client's alone until it is dropped: what two clients
    /// know about one outbox would differ.
    ///
    /// # Errors
    /// When it can't be opened, isn't a cache, or is another client's.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        Self::prepare(Connection::open(path).map_err(sql)?)
    }

    fn prepare(connection: Connection) -> Result<Self, CacheError> {
        connection.busy_timeout(CACHE_FREE_WITHIN).map_err(sql)?;
        // Taken with the first read and held until the end, also if that is a crash.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(sql)?;
        // Only a file that is being made takes the page size.
        let begin = format!("PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = WAL");
        connection.execute_batch(&begin).map_err(sql)?;
        let page: i64 =
            connection.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(sql)?;
        let checkpoint = CHECKPOINT_BYTES / page.max(1);
        connection.pragma_update(None, "wal_autocheckpoint", checkpoint).map_err(sql)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sql)?;
        if version != 0 && version != VERSION {
            return Err(CacheError::new(format_args!("version {version} of the cache is unknown")));
        }
        connection.execute_batch(TABLES).map_err(sql)?;
        connection.execute_batch(&format!("PRAGMA user_version = {VERSION}")).map_err(sql)?;
        connection.set_prepared_statement_cache_capacity(32);
        let mut cache = SqliteCache { connection, is_synced: false };
        cache.sync_commits(true)?;
        Ok(cache)
    }

    /// WAL with NORMAL survives a crash of the program; FULL makes a commit, and with it those
    /// before, survive a power cut, too, at one sync each.
    fn sync_commits(&mut self, wanted: bool) -> Result<(), CacheError> {
        if self.is_synced != wanted {
            let level = if wanted { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level).map_err(sql)?;
            self.is_synced = wanted;
        }
        Ok(())
    }

    /// The users that were put last; those before them are forgotten.
    fn users(&self) -> Result<Vec<(UserId, Bytes)>, CacheError> {
        let old = "DELETE FROM users WHERE rowid <= (SELECT max(rowid) FROM users) - ?1";
        self.connection.execute(old, [number(USERS_KEPT_MAX as u64)]).map_err(sql)?;
        let mut statement =
            self.connection.prepare_cached("SELECT id, row FROM users").map_err(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)));
        let mut users = Vec::new();
        for row in rows.map_err(sql)? {
            let (id, row): (Vec<u8>, Vec<u8>) = row.map_err(sql)?;
            users.push((UserId::parse(&id).map_err(CacheError::new)?, row.into()));
        }
        Ok(users)
    }

    fn rows(&self, query: &str) -> Result<Vec<Vec<u8>>, CacheError> {
        let mut statement = self.connection.prepare_cached(query).map_err(sql)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(sql)?;
        rows.collect::<Result<_, _>>().map_err(sql)
    }
}

impl Cache for SqliteCache {
    fn load(&mut self) -> Result<Saved, CacheError> {
        let meta = self
            .connection
            .query_row("SELECT row FROM meta", [], |row| row.get::<_, Vec<u8>>(0))
            .optional()
            .map_err(sql)?;
        let meta = match meta {
            Some(row) => Meta::decode(&row)?,
            None => Meta::default(),
        };
        let mut rooms = Vec::new();
        for row in self.rows("SELECT row FROM rooms")? {
            rooms.push(RoomRecord::decode(&row)?);
        }
        let mut outbox = Vec::new();
        for row in self.rows("SELECT row FROM outbox ORDER BY place")? {
            outbox.push(Entry::decode(&row)?);
        }
        Ok(Saved { meta, rooms, outbox, users: self.users()? })
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), CacheError> {
        self.sync_commits(writes.iter().any(Write::is_irreplaceable))?;
        let transaction = self.connection.transaction().map_err(sql)?;
        for write in writes {
            apply(&transaction, write)?;
        }
        transaction.commit().map_err(sql)
    }

    fn runs(&mut self, room: RoomId, before: u64, limit: usize) -> Result<Vec<Run>, CacheError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT from_seq, to_seq, stale, events FROM runs
                 WHERE room = ?1 AND from_seq < ?2 ORDER BY from_seq DESC",
            )
            .map_err(sql)?;
        let mut rows = statement.query(params![room.as_bytes(), number(before)]).map_err(sql)?;
        let (mut found, mut events) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(sql)? {
            let run = parse_run(room, row)?;
            events += run.events.iter().filter(|event| event.seq() < before).count();
            found.push(run);
            if events >= limit {
                break;
            }
        }
        Ok(found)
    }
}

/// SQLite's integers are signed; no log gets near that.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn parse_run(room: RoomId, row: &Row<'_>) -> Result<Run, CacheError> {
    let place = |at| row.get::<_, i64>(at).map(|n| n.unsigned_abs()).map_err(sql);
    let events: Vec<u8> = row.get(3).map_err(sql)?;
    Ok(Run {
        room,
        from: place(0)?,
        to: place(1)?,
        is_stale: place(2)? != 0,
        events: unpack(Bytes::from(events))?,
    })
}

fn apply(transaction: &Transaction<'_>, write: &Write) -> Result<(), CacheError> {
    let run = |query: &str, values: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(query)?.execute(values)
    };
    match write {
        Write::Meta(meta) => {
            run("INSERT OR REPLACE INTO meta (id, row) VALUES (0, ?1)", &[&meta.encode()])
        }
        Write::Room(room) => run(
            "INSERT OR REPLACE INTO rooms (id, row) VALUES (?1, ?2)",
            params![room.id.as_bytes(), room.encode()],
        ),
        Write::RoomGone(room) => run("DELETE FROM rooms WHERE id = ?1", &[room.as_bytes()])
            .and_then(|_| run("DELETE FROM runs WHERE room = ?1", &[room.as_bytes()])),
        Write::Run(new) => {
            clear(transaction, new.room, new.from, new.to)?;
            return insert_run(transaction, new);
        }
        Write::Packed(new) => {
            clear(transaction, new.room, new.from, new.to)?;
            return insert_packed(transaction, new, false);
        }
        Write::Stale(room) => {
            run("UPDATE runs SET stale = 1 WHERE room = ?1 AND stale = 0", &[room.as_bytes()])
        }
        Write::Erase(room, seqs) => return erase(transaction, *room, seqs),
        Write::Outbox(entry) => run(
            "INSERT OR REPLACE INTO outbox (ref, place, row) VALUES (?1, ?2, ?3)",
            params![entry.client_ref.as_bytes(), number(entry.order), entry.encode()],
        ),
        Write::OutboxGone(client_ref) => {
            run("DELETE FROM outbox WHERE ref = ?1", &[client_ref.as_bytes()])
        }
        Write::Reset => run("DELETE FROM rooms", &[])
            .and_then(|_| run("DELETE FROM runs", &[]))
            .and_then(|_| run("DELETE FROM users", &[])),
        Write::ResetOutbox => run("DELETE FROM outbox", &[]),
        Write::User(user, row) => run(
            // Under a new number, the last of all.
            "INSERT OR REPLACE INTO users (id, row) VALUES (?1, ?2)",
            params![user.as_bytes(), &row[..]],
        ),
        Write::Sync => Ok(0),
    }
    .map(|_| ())
    .map_err(sql)
}

/// Takes out of a room's runs what is between two numbers, both included.
fn clear(
    transaction: &Transaction<'_>,
    room: RoomId,
    first: u64,
    last: u64,
) -> Result<(), CacheError> {
    let (from, to) = (number(first), number(last));
    // Runs of a room never overlap, so that the one begun last before this one's end is the first
    // to look at, and the one that ends before this one begins is the last.
    let mut overlapping = Vec::new();
    {
        let mut statement = transaction
            .prepare_cached(
                "SELECT from_seq, to_seq, rowid FROM runs
                 WHERE room = ?1 AND from_seq <= ?2 ORDER BY from_seq DESC",
            )
            .map_err(sql)?;
        let mut rows = statement.query(params![room.as_bytes(), to]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let (old_from, old_to): (i64, i64) =
                (row.get(0).map_err(sql)?, row.get(1).map_err(sql)?);
            if old_to < from {
                break;
            }
            let is_within = old_from >= from && old_to <= to;
            overlapping.push((row.get::<_, i64>(2).map_err(sql)?, is_within));
        }
    }
    for (id, is_within) in overlapping {
        let parts = if is_within {
            Vec::new()
        } else {
            let query = "SELECT from_seq, to_seq, stale, events FROM runs WHERE rowid = ?1";
            let mut statement = transaction.prepare_cached(query).map_err(sql)?;
            let mut rows = statement.query([id]).map_err(sql)?;
            match rows.next().map_err(sql)? {
                Some(row) => parse_run(room, row)?.without(first, last),
                None => Vec::new(),
            }
        };
        transaction
            .prepare_cached("DELETE FROM runs WHERE rowid = ?1")
            .and_then(|mut statement| statement.execute([id]))
            .map_err(sql)?;
        for part in &parts {
            insert_run(transaction, part)?;
        }
    }
    Ok(())
}

fn insert_run(transaction: &Transaction<'_>, run: &Run) -> Result<(), CacheError> {
    let (room, from, to) = (run.room, run.from, run.to);
    let packed = PackedRun { room, from, to, events: pack(&run.events) };
    insert_packed(transaction, &packed, run.is_stale)
}

fn insert_packed(
    transaction: &Transaction<'_>,
    run: &PackedRun,
    is_stale: bool,
) -> Result<(), CacheError> {
    transaction
        .prepare_cached(
            "INSERT INTO runs (room, from_seq, to_seq, stale, events) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                run.room.as_bytes(),
                number(run.from),
                number(run.to),
                is_stale,
                &run.events[..],
            ])
        })
        .map(|_| ())
        .map_err(sql)
}

/// The bodies of messages and those of their edits, which come after them. The numbers are in order.
fn erase(transaction: &Transaction<'_>, room: RoomId, seqs: &[u64]) -> Result<(), CacheError> {
    let Some(first) = seqs.iter().min() else { return Ok(()) };
    let mut changed = Vec::new();
    {
        let mut statement = transaction
            .prepare_cached(
                "SELECT from_seq, to_seq, stale, events, rowid FROM runs
                 WHERE room = ?1 AND to_seq >= ?2",
            )
            .map_err(sql)?;
        let mut rows = statement.query(params![room.as_bytes(), number(*first)]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let mut run = parse_run(room, row)?;
            if run.erase(seqs) {
                changed.push((row.get::<_, i64>(4).map_err(sql)?, pack(&run.events)));
            }
        }
    }
    for (id, events) in changed {
        transaction
            .prepare_cached("UPDATE runs SET events = ?2 WHERE rowid = ?1")
            .and_then(|mut statement| statement.execute(params![id, &events[..]]))
            .map_err(sql)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;

//! The peer's side: rows made in SQL, pages over Socket.IO, a transaction in SQLite for each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{READER, ROOM, Reader, timed};
use crate::harness::postgres::Postgres;
use crate::harness::{Outcome, during};
use crate::subject::Subject;
use crate::swarm::dialect::Dialect;
use crate::swarm::sockets::{Sockets, Target};
use crate::swarm::world::World;
use crate::swarm::{Client, Seen, Swarm};

/// As large as a page of Parlour's may be.
const PAGE: u32 = 500;
const TURN: Duration = Duration::from_millis(50);
const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
    CREATE TABLE messages (room TEXT, id INTEGER, sender TEXT, at TEXT, body TEXT, \
    PRIMARY KEY (room, id)) WITHOUT ROWID;";

/// Puts messages into the room that will be read.
pub(super) fn fill(postgres: &Postgres, messages: usize) -> Outcome {
    let (room, text) = (World::room_name(ROOM), super::world().text(0));
    let sql = format!(
        "INSERT INTO messages (room, sender, body) \
         SELECT '{room}', 'u{READER}', '{text}' FROM generate_series(1, {messages}); ANALYZE;"
    );
    postgres.query(&sql).map(|_| ())
}

pub(super) fn reader(
    subject: Subject,
    address: SocketAddr,
    world: Arc<World>,
    messages: usize,
) -> Reader {
    Box::new(move || {
        let tls = subject == Subject::SocketioTls;
        let target = Target { address, dialect: Dialect::Socketio, tls, recover: false };
        let mut swarm = Sockets::new(target, world.clone())?;
        let folder = tempfile::tempdir().map_err(during("temporary folder"))?;
        let cache = Connection::open(folder.path().join("cache")).map_err(during("SQLite"))?;
        cache.execute_batch(SCHEMA).map_err(during("SQLite"))?;
        timed(|| {
            let client = swarm.connect(READER, None)?;
            wait(&mut swarm, |seen| matches!(seen, Seen::Ready(_)).then_some(()))?;
            let got = read_all(&mut swarm, client, cache)?;
            if got == messages { Ok(()) } else { Err(format!("{got} of {messages} messages")) }
        })
    })
}

/// Reads page after page, from the newest back.
fn read_all(swarm: &mut Sockets, client: Client, mut cache: Connection) -> Outcome<usize> {
    let (mut before, mut got) = (0, 0);
    loop {
        swarm.page(client, ROOM, before, PAGE)?;
        let body = wait(swarm, |seen| match seen {
            Seen::Page { body } => Some(body),
            _ => None,
        })?;
        let rows = rows(&body)?;
        let Some(oldest) = rows.last().and_then(id) else { return Ok(got) };
        before = oldest as u64;
        got += rows.len();
        keep(&mut cache, &rows).map_err(during("SQLite"))?;
    }
}

/// `43<number>[[row, row, ...]]`
fn rows(body: &[u8]) -> Outcome<Vec<Value>> {
    let start = body.iter().position(|byte| *byte == b'[').ok_or("no page in the answer")?;
    let (rows,): (Vec<Value>,) = serde_json::from_slice(&body[start..]).map_err(during("page"))?;
    Ok(rows)
}

/// PostgreSQL's 64-bit numbers come as strings.
fn id(row: &Value) -> Option<i64> {
    row["id"].as_str()?.parse().ok()
}

fn keep(cache: &mut Connection, rows: &[Value]) -> rusqlite::Result<()> {
    let batch = cache.transaction()?;
    {
        let mut insert =
            batch.prepare_cached("INSERT OR REPLACE INTO messages VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for row in rows {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            insert.execute(params![
                World::room_name(ROOM),
                id(row),
                text("sender"),
                text("at"),
                text("body")
            ])?;
        }
    }
    batch.commit()
}

fn wait<T>(swarm: &mut Sockets, wanted: impl Fn(Seen) -> Option<T>) -> Outcome<T> {
    let mut seen = Vec::new();
    loop {
        swarm.turn(TURN, &mut seen)?;
        for seen in seen.drain(..) {
            if let Seen::Closed { why, .. } = seen {
                return Err(why);
            }
            if let Some(found) = wanted(seen) {
                return Ok(found);
            }
        }
    }
}

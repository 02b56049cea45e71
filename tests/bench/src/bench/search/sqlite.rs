//! SQLite's FTS5 with an external content table, the newest first by its own order of rows.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::corpus::{Corpus, Query};
use super::{Engine, PAGE};
use crate::harness::{Outcome, during};

const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; \
    CREATE TABLE messages (id INTEGER PRIMARY KEY, room INTEGER NOT NULL, body TEXT NOT NULL); \
    CREATE TABLE readable (room INTEGER PRIMARY KEY); \
    CREATE VIRTUAL TABLE words USING fts5(body, content='messages', content_rowid='id');";
const FIND: &str = "SELECT messages.id, messages.room, messages.body FROM words \
    JOIN messages ON messages.id = words.rowid \
    WHERE words MATCH ?1 AND messages.room IN (SELECT room FROM readable) \
    ORDER BY words.rowid DESC LIMIT ?2";

/// See the module.
pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    /// Inserts everything and lets it optimize its index.
    pub(crate) fn load(corpus: &Corpus, folder: &Path) -> Outcome<Self> {
        let failed = during("SQLite");
        let load = || -> rusqlite::Result<Connection> {
            let mut connection = Connection::open(folder.join("words.sqlite"))?;
            connection.execute_batch(SCHEMA)?;
            let changes = connection.transaction()?;
            {
                let mut room = changes.prepare("INSERT INTO readable VALUES (?1)")?;
                for readable in &corpus.readable {
                    room.execute([*readable as i64])?;
                }
                let mut row = changes.prepare("INSERT INTO messages VALUES (?1, ?2, ?3)")?;
                for (id, message) in (1_i64..).zip(&corpus.messages) {
                    row.execute(params![id, message.room as i64, message.text])?;
                }
            }
            changes.execute("INSERT INTO words(words) VALUES ('rebuild')", [])?;
            changes.execute("INSERT INTO words(words) VALUES ('optimize')", [])?;
            changes.commit()?;
            connection.execute_batch("ANALYZE")?;
            Ok(connection)
        };
        Ok(Sqlite { connection: load().map_err(failed)? })
    }

    fn find(&self, query: &str) -> rusqlite::Result<usize> {
        let mut find = self.connection.prepare_cached(FIND)?;
        let mut rows = find.query(params![query, PAGE as i64])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let _: (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            count += 1;
        }
        Ok(count)
    }
}

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite-fts5"
    }

    fn version(&self) -> String {
        rusqlite::version().to_owned()
    }

    fn answer(&mut self, queries: &[Query]) -> Outcome<Vec<(Duration, usize)>> {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            let words: Vec<String> = query.terms.iter().map(|term| format!("\"{term}\"")).collect();
            let began = Instant::now();
            let count = self.find(&words.join(" ")).map_err(during("SQLite"))?;
            answers.push((began.elapsed(), count));
        }
        Ok(answers)
    }
}

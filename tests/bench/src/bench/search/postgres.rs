//! PostgreSQL's tsvector under a GIN index. Times are psql's own, over its socket and without its start.

use std::fmt::Write;
use std::time::Duration;

use super::corpus::{Corpus, Query};
use super::{Engine, PAGE};
use crate::harness::postgres::Postgres;
use crate::harness::{Outcome, during};

const SCHEMA: &str = "CREATE TABLE said (id bigint PRIMARY KEY, room int NOT NULL, body text NOT NULL, \
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED); \
    CREATE TABLE readable (room int PRIMARY KEY);";
const INDEX: &str = "CREATE INDEX ON said USING gin (words); CREATE INDEX ON said (room);";
/// Rows in one statement.
const ROWS: usize = 10_000;

/// See the module.
pub(crate) struct Tsvector {
    database: Postgres,
    version: String,
}

impl Tsvector {
    /// Copies everything in, then indexes it.
    pub(crate) fn load(corpus: &Corpus) -> Outcome<Self> {
        let database = Postgres::start()?;
        let version = database.version()?;
        database.query(SCHEMA)?;
        let rooms: Vec<String> = corpus.readable.iter().map(|room| format!("({room})")).collect();
        database.query(&format!("INSERT INTO readable VALUES {}", rooms.join(",")))?;
        let all: Vec<_> = corpus.messages.iter().enumerate().collect();
        for some in all.chunks(ROWS) {
            let mut script = "COPY said (id, room, body) FROM stdin;\n".to_owned();
            for (id, message) in some {
                let _ = writeln!(script, "{}\t{}\t{}", id + 1, message.room, message.text);
            }
            script.push_str("\\.\n");
            database.script(&script)?;
        }
        database.query(INDEX)?;
        database.script("VACUUM ANALYZE said;\nVACUUM ANALYZE readable;\n")?;
        Ok(Tsvector { database, version })
    }
}

impl Engine for Tsvector {
    fn name(&self) -> &'static str {
        "postgres-tsvector"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn answer(&mut self, queries: &[Query]) -> Outcome<Vec<(Duration, usize)>> {
        let mut script = "SET jit = off;\n\\timing on\n".to_owned();
        for query in queries {
            let _ = writeln!(
                script,
                "SELECT id, room, body FROM said WHERE words @@ to_tsquery('simple', '{}') \
                 AND room IN (SELECT room FROM readable) ORDER BY id DESC LIMIT {PAGE};",
                query.terms.join(" & "),
            );
        }
        let output = self.database.script(&script)?;
        let (mut answers, mut rows) = (Vec::with_capacity(queries.len()), 0);
        for line in output.lines() {
            let Some(time) = line.strip_prefix("Time: ") else {
                rows += usize::from(line.contains('|'));
                continue;
            };
            let ms = time.split(' ').next().unwrap_or_default();
            let ms: f64 = ms.parse().map_err(during("psql's time"))?;
            answers.push((Duration::from_secs_f64(ms / 1000.0), rows));
            rows = 0;
        }
        match answers.len() == queries.len() {
            true => Ok(answers),
            false => Err(format!("psql timed {} of {} queries", answers.len(), queries.len())),
        }
    }
}

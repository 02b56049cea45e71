//! What the client says of its work, for the developer of the application: forwarded to whatever log their language has.
//!
//! Lines of the client's own crates come from the level that was asked for on, of the libraries below it only
//! warnings and errors. Without a reader nothing is made into a line.

use std::{
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::stream;
use tokio::sync::mpsc;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::pull::{Pull, Unnamed};

/// Lines that wait for a reader. What comes when so many wait is counted and lost.
const LINES_MAX: usize = 1024;
/// Where lines of the client itself come from.
const OURS: &str = "parlour";

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Something doesn't work and won't by itself.
    Error,
    /// Something is wrong, and the client goes on.
    Warn,
    /// What an operator would want to know.
    Info,
    /// What somebody would who looks for a fault.
    Debug,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }
}

/// A line of the client's log.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogLine {
    /// When it was said, Unix milliseconds.
    pub at_ms: u64,
    /// How important it is.
    pub level: LogLevel,
    /// The part of the client that says it.
    pub target: String,
    /// What it says, in English, with its fields as `name=value`.
    pub message: String,
}

/// Lines of the log as they come, of all clients of this process.
#[derive(uniffi::Object)]
pub struct Logs {
    pull: Pull<Unnamed<LogLine>>,
    reader: Arc<Reader>,
}

#[uniffi::export]
impl Logs {
    /// Waits until there is something to take.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// What has come, at most so many.
    pub fn take(&self, max: u32) -> Vec<LogLine> {
        self.pull.take(max)
    }

    /// How many lines were lost since this was asked last, because 1,024 waited already.
    pub fn take_lost(&self) -> u64 {
        self.reader.lost.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        readers().retain(|reader| !Arc::ptr_eq(reader, &self.reader));
        tracing::callsite::rebuild_interest_cache();
    }
}

/// The client's log from now on, from that level up, until what is answered is dropped. Several may read.
#[uniffi::export]
pub fn logs(level: LogLevel) -> Arc<Logs> {
    static SET: Once = Once::new();
    // Whoever embeds this in a Rust program with a subscriber of its own has the lines there.
    SET.call_once(|| drop(tracing::subscriber::set_global_default(Forwarding)));
    let (lines, mut waiting) = mpsc::channel(LINES_MAX);
    let reader = Arc::new(Reader { level: level.into(), lines, lost: AtomicU64::new(0) });
    readers().push(reader.clone());
    tracing::callsite::rebuild_interest_cache();
    let lines: Unnamed<_> = Box::pin(stream::poll_fn(move |cx| waiting.poll_recv(cx)));
    Arc::new(Logs { pull: Pull::new(lines), reader })
}

struct Reader {
    level: Level,
    lines: mpsc::Sender<LogLine>,
    lost: AtomicU64,
}

impl Reader {
    fn wants(&self, about: &Metadata<'_>) -> bool {
        let from =
            if about.target().starts_with(OURS) { self.level } else { self.level.min(Level::WARN) };
        *about.level() <= from
    }
}

static READERS: Mutex<Vec<Arc<Reader>>> = Mutex::new(Vec::new());

fn readers() -> MutexGuard<'static, Vec<Arc<Reader>>> {
    READERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands events to readers; knows no spans.
struct Forwarding;

impl Subscriber for Forwarding {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.is_event() && readers().iter().any(|reader| reader.wants(about))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Of tracing's levels the greater one says more.
        let most = readers().iter().map(|reader| reader.level).max();
        Some(most.map_or(LevelFilter::OFF, LevelFilter::from_level))
    }

    fn event(&self, event: &Event<'_>) {
        let about = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let line = LogLine {
            at_ms: now_ms(),
            level: (*about.level()).into(),
            target: about.target().to_owned(),
            message: text.message + &text.fields,
        };
        // Not under the lock: who waits is woken, and may say something itself.
        let wanting: Vec<_> =
            readers().iter().filter(|reader| reader.wants(about)).cloned().collect();
        for reader in wanting {
            if reader.lines.try_send(line.clone()).is_err() {
                reader.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// An event's text, and its other fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Nothing fails that writes to a string.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;

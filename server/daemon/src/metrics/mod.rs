//! What the server counts. One [`Metrics`] per server, without a process-wide recorder, so that
//! two embedded servers don't mix; handles are made once, so that counting is an addition.

mod catalogue;
mod process;

use std::{sync::Arc, time::Duration};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use parlour_core::ports::{auth::TokenError, posts::PostError, store::StoreError};
use parlour_protocol::{
    generated::{Lane, METHODS},
    wire::{CloseCode, Error, ErrorClass, ErrorReason, SignedIn},
};

pub use catalogue::*;

/// Why a connection never got a welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// TLS or QUIC failed.
    Transport,
    /// The server is full or draining.
    Refused,
    /// The address connects too often.
    AddressLimited,
    /// No hello in time.
    HelloTimeout,
    /// The hello wasn't one.
    Malformed,
    /// The token was refused.
    Token,
    /// The user, session or token is revoked.
    Revoked,
    /// No revision in common.
    Revision,
    /// The user has too many connections.
    TooManyConnections,
    /// The organization has as many users, or connected devices, as it may.
    QuotaExceeded,
}

impl HandshakeFailure {
    const ALL: [Self; 10] = [
        Self::Transport,
        Self::Refused,
        Self::AddressLimited,
        Self::HelloTimeout,
        Self::Malformed,
        Self::Token,
        Self::Revoked,
        Self::Revision,
        Self::TooManyConnections,
        Self::QuotaExceeded,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Refused => "refused",
            Self::AddressLimited => "address_limited",
            Self::HelloTimeout => "hello_timeout",
            Self::Malformed => "malformed",
            Self::Token => "token",
            Self::Revoked => "revoked",
            Self::Revision => "revision",
            Self::TooManyConnections => "too_many_connections",
            Self::QuotaExceeded => "quota_exceeded",
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub enum CallEnd<'a> {
    /// Answered.
    Ok,
    /// Answered with an error.
    Error(&'a Error),
    /// The caller no longer wanted to know.
    Cancelled,
}

/// What a rate limit counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedBy {
    /// The user.
    User,
    /// The device.
    Device,
    /// The address.
    Address,
    /// The organization.
    Organization,
}

/// Which way an attachment went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// To the server.
    Upload,
    /// From it.
    Download,
}

/// Why an ephemeral event was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EphemeralDrop {
    /// More than one per two seconds and room.
    Rate,
    /// The receiver's buffer is full.
    Full,
    /// Not a valid message.
    Malformed,
}

/// What became of spans of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanEnd {
    /// The collector took them.
    Exported,
    /// It didn't, and they are dropped.
    Failed,
    /// More waited for it already than may, so they are dropped.
    Full,
}

/// The counters of one server.
pub struct Metrics {
    recorder: PrometheusRecorder,
    connections: Gauge,
    opened: [Counter; 2],
    handshakes_failed: Vec<Counter>,
    retries: Counter,
    calls: Vec<[Counter; 4]>,
    call_seconds: [Histogram; 2],
    limited: [Counter; 4],
    commit_events: Histogram,
    commit_seconds: Histogram,
    webhook_seconds: Histogram,
    delivered: Counter,
    event_bytes: Counter,
    gaps: Counter,
    too_slow: Counter,
    ephemeral_dropped: [Counter; 3],
    spans: [Counter; 3],
}

const OUTCOMES: [&str; 4] = ["ok", "refused", "failed", "cancelled"];
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const COUNTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

impl Default for Metrics {
    fn default() -> Self {
        let recorder = recorder();
        let count =
            |name, labels: &[(&'static str, &'static str)]| counter(&recorder, name, labels);
        let dropped = |why| count(EPHEMERAL_DROPPED, &[("why", why)]);
        let method = |name: &'static str| {
            let short = name.rsplit('.').next().unwrap_or(name);
            OUTCOMES.map(|outcome| count(CALLS, &[("method", short), ("outcome", outcome)]))
        };
        let lane =
            |lane| recorder.register_histogram(&labelled(CALL_SECONDS, &[("lane", lane)]), &META);
        let metrics = Metrics {
            connections: gauge(&recorder, CONNECTIONS),
            opened: ["no", "yes"].map(|resumed| count(CONNECTIONS_OPENED, &[("resumed", resumed)])),
            handshakes_failed: HandshakeFailure::ALL
                .map(|reason| count(HANDSHAKES_FAILED, &[("reason", reason.label())]))
                .to_vec(),
            retries: count(RETRIES, &[]),
            calls: METHODS.iter().map(|m| m.name).chain(["unknown"]).map(method).collect(),
            call_seconds: [lane("control"), lane("bulk")],
            limited: ["user", "device", "address", "organization"]
                .map(|by| count(CALLS_LIMITED, &[("by", by)])),
            commit_events: recorder.register_histogram(&labelled(COMMIT_EVENTS, &[]), &META),
            commit_seconds: recorder.register_histogram(&labelled(COMMIT_SECONDS, &[]), &META),
            webhook_seconds: recorder.register_histogram(&labelled(WEBHOOK_SECONDS, &[]), &META),
            delivered: count(EVENTS_DELIVERED, &[]),
            event_bytes: count(EVENT_BYTES, &[]),
            gaps: count(GAPS, &[]),
            too_slow: count(TOO_SLOW, &[]),
            ephemeral_dropped: [dropped("rate"), dropped("full"), dropped("malformed")],
            spans: ["exported", "failed", "full"]
                .map(|outcome| count(TRACE_SPANS, &[("outcome", outcome)])),
            recorder,
        };
        let build = labelled(BUILD, &[("version", env!("CARGO_PKG_VERSION"))]);
        metrics.recorder.register_gauge(&build, &META).set(1.0);
        metrics
    }
}

/// What the connection driver reports.
impl Metrics {
    /// A connection was welcomed.
    pub fn connection_opened(&self, resumed: bool) {
        self.connections.increment(1);
        self.opened[usize::from(resumed)].increment(1);
    }

    /// A welcomed connection ended; `None` where no code was sent.
    pub fn connection_closed(&self, code: Option<u32>) {
        self.connections.decrement(1);
        let name = match code.map(|code| i32::try_from(code).map(CloseCode::try_from)) {
            Some(Ok(Ok(code))) => code.as_str_name(),
            Some(_) => "other",
            None => "lost",
        };
        counter(&self.recorder, CONNECTIONS_CLOSED, &[("code", name)]).increment(1);
    }

    /// A connection failed before its welcome.
    pub fn handshake_failed(&self, reason: HandshakeFailure) {
        self.handshakes_failed[reason as usize].increment(1);
    }

    /// A Retry was sent.
    pub fn retry_sent(&self) {
        self.retries.increment(1);
    }

    /// A token was refused.
    pub fn token_refused(&self, error: TokenError) {
        let reason = match error {
            TokenError::Malformed => "malformed",
            TokenError::BadSignature => "bad_signature",
            TokenError::UnknownKey => "unknown_key",
            TokenError::Expired => "expired",
            TokenError::NotYetValid => "not_yet_valid",
            TokenError::WrongAudience => "wrong_audience",
            TokenError::WrongApiKey => "wrong_api_key",
            TokenError::KeysUnavailable => "keys_unavailable",
            _ => "other",
        };
        counter(&self.recorder, TOKENS_REFUSED, &[("reason", reason)]).increment(1);
    }

    /// A webhook's post was taken, or wasn't.
    pub fn webhook_posted(&self, result: &Result<(), PostError>, took: Duration) {
        let outcome = match result {
            Ok(()) => "taken",
            Err(PostError::Status(..)) => "refused",
            Err(PostError::NotAllowed) => "not_allowed",
            Err(PostError::Unwritable) => "unwritable",
            Err(_) => "unreachable",
        };
        counter(&self.recorder, WEBHOOK_POSTS, &[("outcome", outcome)]).increment(1);
        self.webhook_seconds.record(took.as_secs_f64());
    }

    /// So many messages were older than they are kept.
    pub fn retention_deleted(&self, count: u64) {
        counter(&self.recorder, RETENTION_DELETED, &[]).increment(count);
    }

    /// An identity provider's keys were read, or weren't.
    pub fn oidc_fetched(&self, is_ok: bool) {
        let outcome = if is_ok { "ok" } else { "failed" };
        counter(&self.recorder, OIDC_FETCHES, &[("outcome", outcome)]).increment(1);
    }

    /// A certificate was issued by ACME, or wasn't, for which there is a word.
    pub fn acme_ordered(&self, trouble: Option<&'static str>) {
        counter(&self.recorder, ACME_ORDERS, &[("outcome", trouble.unwrap_or("ok"))]).increment(1);
    }

    /// A link of a message was looked at, or wasn't.
    pub fn link_previewed(&self, outcome: &'static str) {
        counter(&self.recorder, LINK_PREVIEWS, &[("outcome", outcome)]).increment(1);
    }

    /// A sign-in was answered.
    pub fn signed_in(&self, result: &Result<SignedIn, Error>) {
        let reason = |error: &Error| ErrorReason::try_from(error.reason).ok();
        let outcome = match result {
            Ok(_) => "ok",
            Err(error) => reason(error).map_or("other", |reason| reason.as_str_name()),
        };
        counter(&self.recorder, SIGN_INS, &[("outcome", outcome)]).increment(1);
    }

    /// A call was answered, or no longer wanted.
    pub fn call_ended(&self, method: u32, lane: Lane, end: CallEnd<'_>, took: Duration) {
        let index = METHODS.binary_search_by_key(&method, |m| m.id).unwrap_or(METHODS.len());
        let outcome = match end {
            CallEnd::Ok => 0,
            CallEnd::Error(error) => self.call_failed(error),
            CallEnd::Cancelled => 3,
        };
        self.calls[index][outcome].increment(1);
        self.call_seconds[usize::from(lane == Lane::Bulk)].record(took.as_secs_f64());
    }

    fn call_failed(&self, error: &Error) -> usize {
        let reason = ErrorReason::try_from(error.reason).map_or("other", |r| r.as_str_name());
        counter(&self.recorder, CALL_ERRORS, &[("reason", reason)]).increment(1);
        if is_ours(error) { 2 } else { 1 }
    }

    /// A rate limit turned something away.
    pub fn limited(&self, by: LimitedBy) {
        self.limited[by as usize].increment(1);
    }

    /// A group of batches was committed with one sync.
    pub fn committed(&self, batches: usize, took: Duration) {
        self.commit_events.record(batches as f64);
        self.commit_seconds.record(took.as_secs_f64());
    }

    /// A commit failed.
    pub fn commit_failed(&self, error: &StoreError) {
        let reason = match error {
            StoreError::ReadOnly => "read_only",
            StoreError::Unavailable => "unavailable",
            StoreError::Damaged => "damaged",
            _ => "other",
        };
        counter(&self.recorder, COMMITS_FAILED, &[("reason", reason)]).increment(1);
    }

    /// Events were handed to connections: how many deliveries, how many bytes.
    pub fn delivered(&self, events: u64, bytes: u64) {
        self.delivered.increment(events);
        self.event_bytes.increment(bytes);
    }

    /// An attachment was transferred.
    pub fn transferred(&self, which: Transfer, bytes: u64) {
        let direction = match which {
            Transfer::Upload => "upload",
            Transfer::Download => "download",
        };
        let labels = [("direction", direction)];
        counter(&self.recorder, BLOB_TRANSFERS, &labels).increment(1);
        counter(&self.recorder, BLOB_BYTES, &labels).increment(bytes);
    }

    /// A connection fell behind.
    pub fn gap(&self) {
        self.gaps.increment(1);
    }

    /// A connection was closed because it read nothing.
    pub fn too_slow(&self) {
        self.too_slow.increment(1);
    }

    /// An ephemeral event was dropped.
    pub fn ephemeral_dropped(&self, why: EphemeralDrop) {
        self.ephemeral_dropped[why as usize].increment(1);
    }
}

/// What the export of traces reports.
impl Metrics {
    /// So many spans are done with.
    pub fn spans_ended(&self, end: SpanEnd, count: u64) {
        self.spans[end as usize].increment(count);
    }
}

/// What the server itself reports, and the answer to a scrape.
impl Metrics {
    /// Sets a gauge of the catalogue that has no labels.
    pub fn set(&self, name: &'static str, value: f64) {
        gauge(&self.recorder, name).set(value);
    }

    /// All of it in Prometheus' text format.
    pub fn render(&self) -> String {
        if let Some(process) = process::read() {
            self.set(PROCESS_MEMORY, process.resident_bytes as f64);
            self.set(PROCESS_FILES, process.open_files as f64);
            self.set(PROCESS_CPU, process.cpu.as_secs_f64());
        }
        self.recorder.handle().render()
    }

    /// Digests recorded samples; without it, histograms nobody scrapes would grow.
    pub fn upkeep(&self) {
        self.recorder.handle().run_upkeep();
    }
}

/// Shared by everything that counts.
pub type SharedMetrics = Arc<Metrics>;

/// Whether an error is the server's fault rather than the caller's.
pub(crate) fn is_ours(error: &Error) -> bool {
    let ours =
        [ErrorClass::Unknown, ErrorClass::Internal, ErrorClass::Unavailable, ErrorClass::DataLoss];
    ours.iter().any(|class| *class as i32 == error.class)
}

static META: Metadata<'static> = Metadata::new("parlour", Level::INFO, None);

fn recorder() -> PrometheusRecorder {
    let buckets = |builder: PrometheusBuilder, name: &str, bounds| {
        let named = builder.set_buckets_for_metric(Matcher::Full(name.into()), bounds);
        named.expect("the bounds are not empty")
    };
    let builder = buckets(PrometheusBuilder::new(), CALL_SECONDS, SECONDS);
    let builder = buckets(builder, COMMIT_SECONDS, SECONDS);
    let builder = buckets(builder, WEBHOOK_SECONDS, SECONDS);
    let recorder = buckets(builder, COMMIT_EVENTS, COUNTS).build_recorder();
    for doc in CATALOGUE {
        match doc.kind {
            Kind::Counter => recorder.describe_counter(doc.name.into(), None, doc.help.into()),
            Kind::Gauge => recorder.describe_gauge(doc.name.into(), None, doc.help.into()),
            Kind::Histogram => recorder.describe_histogram(doc.name.into(), None, doc.help.into()),
        }
    }
    recorder
}

fn labelled(name: &'static str, labels: &[(&'static str, &'static str)]) -> Key {
    let labels = labels.iter().map(|(key, value)| Label::new(*key, *value));
    Key::from_parts(name, labels.collect::<Vec<_>>())
}

fn counter(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &'static str)],
) -> Counter {
    recorder.register_counter(&labelled(name, labels), &META)
}

fn gauge(recorder: &PrometheusRecorder, name: &'static str) -> Gauge {
    recorder.register_gauge(&labelled(name, &[]), &META)
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;

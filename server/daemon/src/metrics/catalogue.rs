//! Every metric by name, with what it means: the exporter's help texts and `docs/metrics.md` come
//! from here. No label ever holds a user, room, address or anything else of unbounded number.

use std::fmt::Write;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricDoc {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! catalogue {
    ($($konst:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help] pub const $konst: &str = $name;)*

        /// All of them.
        pub const CATALOGUE: &[MetricDoc] = &[$(
            MetricDoc { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help },
        )*];
    };
}

catalogue! {
    CONNECTIONS = Gauge "parlour_connections" [] "Connections open now, authenticated ones.";
    CONNECTIONS_OPENED = Counter "parlour_connections_opened_total" ["resumed"] "Connections that were welcomed; resumed: yes or no.";
    CONNECTIONS_CLOSED = Counter "parlour_connections_closed_total" ["code"] "Connections that ended, by close code, or `lost` where none was sent.";
    HANDSHAKES_FAILED = Counter "parlour_handshakes_failed_total" ["reason"] "Connections that never got as far as a welcome.";
    RETRIES = Counter "parlour_retries_total" [] "QUIC Retry packets sent because of load.";
    TOKENS_REFUSED = Counter "parlour_tokens_refused_total" ["reason"] "Tokens refused, at hello or reauthentication.";
    OIDC_FETCHES = Counter "parlour_oidc_fetches_total" ["outcome"] "Looks at identity providers' keys; outcome: ok, failed.";
    OIDC_AGE = Gauge "parlour_oidc_keys_age_seconds" [] "How long ago an identity provider's keys were read, of the one where that is longest ago; from the server's start where they never were.";
    OIDC_UNAVAILABLE = Gauge "parlour_oidc_providers_unavailable" [] "Identity providers without keys that count: they can't be reached, for a day or from the start.";
    SIGN_INS = Counter "parlour_sign_ins_total" ["outcome"] "Sign-ins with the server's own accounts; outcome: ok, or the reason of the error.";
    CALLS = Counter "parlour_calls_total" ["method", "outcome"] "Calls answered; outcome: ok, refused (the caller's fault), failed (ours), cancelled.";
    CALL_SECONDS = Histogram "parlour_call_seconds" ["lane"] "From a call's arrival to its answer.";
    CALL_ERRORS = Counter "parlour_call_errors_total" ["reason"] "Calls answered with an error, by its reason.";
    CALLS_LIMITED = Counter "parlour_calls_limited_total" ["by"] "What rate limits turned away; by: user, device, address (connections, sign-ins, wrong tokens), organization.";
    COMMIT_EVENTS = Histogram "parlour_commit_batches" [] "Batches committed with one sync.";
    COMMIT_SECONDS = Histogram "parlour_commit_seconds" [] "How long a commit took, with its sync.";
    COMMITS_FAILED = Counter "parlour_commits_failed_total" ["reason"] "Commits that failed: nothing of them was acknowledged.";
    EVENTS_DELIVERED = Counter "parlour_events_delivered_total" [] "Events handed to connections.";
    EVENT_BYTES = Counter "parlour_event_bytes_total" [] "Bytes written to event lanes.";
    GAPS = Counter "parlour_gaps_total" [] "Times a connection fell behind and was told so.";
    TOO_SLOW = Counter "parlour_too_slow_total" [] "Connections closed because they read nothing.";
    EPHEMERAL_DROPPED = Counter "parlour_ephemeral_dropped_total" ["why"] "Ephemeral events dropped; why: rate, full, malformed.";
    BLOB_TRANSFERS = Counter "parlour_blob_transfers_total" ["direction"] "Attachments transferred to the end, over lanes and HTTP; direction: upload, download.";
    BLOB_BYTES = Counter "parlour_blob_bytes_total" ["direction"] "Their bytes.";
    WEBHOOK_POSTS = Counter "parlour_webhook_posts_total" ["outcome"] "Posts of webhooks; outcome: taken, refused (another status), unreachable, not_allowed, unwritable.";
    WEBHOOK_SECONDS = Histogram "parlour_webhook_seconds" [] "From a webhook's post to its answer, or to the end of waiting for one.";
    WEBHOOKS = Gauge "parlour_webhooks" [] "Webhooks that there are.";
    WEBHOOKS_STOPPED = Gauge "parlour_webhooks_stopped" [] "Webhooks that are stopped, as nothing was taken for too long, or their owner has lost access.";
    RETENTION_DELETED = Counter "parlour_retention_deleted_total" [] "Messages and applications' events deleted as they were older than they are kept.";
    RETENTION_FAILING = Gauge "parlour_retention_failing_rooms" [] "Rooms in which rules of retention couldn't be followed when they were looked at last.";
    ERASURES_FAILING = Gauge "parlour_erasures_failing" [] "Users who couldn't be erased when it was tried last.";
    LINK_PREVIEWS = Counter "parlour_link_previews_total" ["outcome"] "Links of messages by what became of them; outcome: found, nothing (the page says nothing), failed, not_allowed, limited, cached.";
    TRACE_SPANS = Counter "parlour_trace_spans_total" ["outcome"] "Spans of traces; outcome: exported, failed (the collector didn't take them), full (more waited for it already than may).";
    STORE_WRITABLE = Gauge "parlour_store_writable" [] "1 while the store takes writes, 0 while it is read-only.";
    STORE_BYTES = Gauge "parlour_store_bytes" [] "Size of the store on disk.";
    DISK_FREE = Gauge "parlour_disk_free_bytes" [] "Free space on the data folder's file system.";
    CERTIFICATE_ENDS = Gauge "parlour_certificate_ends_seconds" [] "When the certificate in use ends, Unix seconds.";
    ACME_ORDERS = Counter "parlour_acme_orders_total" ["outcome"] "Attempts to have a certificate from a CA by ACME; outcome: ok, unreachable, not_acme, account, rate_limited, refused, challenge (the CA's look at a name), too_slow, unusable, not_kept.";
    ACME_FAILURES = Gauge "parlour_acme_failures" [] "Such attempts that have failed since the last that succeeded: above 0, the certificate isn't renewed.";
    TOKEN_KEYS = Gauge "parlour_token_keys" [] "Keys that verify tokens.";
    DRAINING = Gauge "parlour_draining" [] "1 while clients are being moved away.";
    BUILD = Gauge "parlour_build_info" ["version"] "Always 1.";
    PROCESS_MEMORY = Gauge "process_resident_memory_bytes" [] "Memory in use by the process.";
    PROCESS_FILES = Gauge "process_open_fds" [] "File descriptors open.";
    PROCESS_CPU = Gauge "process_cpu_seconds_total" [] "Processor time used.";
}

/// The reference in Markdown, `docs/metrics.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         Prometheus text at `/metrics`: on the HTTP port for whoever sends the token of \
         `metrics.token_file`, or without one on `metrics.listen`.\n\n\
         | name | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    for doc in CATALOGUE {
        let kind = format!("{:?}", doc.kind).to_lowercase();
        let labels = doc.labels.join(", ");
        let _ = writeln!(text, "| `{}` | {kind} | {labels} | {} |", doc.name, doc.help);
    }
    text
}

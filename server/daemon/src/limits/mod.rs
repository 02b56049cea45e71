//! Every bound of the daemon in one place; what clients see is in the protocol's limits.

pub mod attempts;
pub mod rate;

use std::time::Duration;

/// Shortest HS256 secret, in bytes: as long as the hash (RFC 7518 section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;
/// Shortest RSA modulus (RFC 7518 section 3.3).
pub const RSA_BITS_MIN: usize = 2048;
/// Longest key id, in bytes.
pub const KEY_ID_BYTES_MAX: usize = 255;
/// Most keys in force at once.
pub const KEYS_MAX: usize = 100;
/// Largest key file or key set, in bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Latest time a token may name, in Unix seconds: the end of the year 9999.
pub const TOKEN_SECONDS_MAX: u64 = 253_402_300_799;
/// How far an issuer's clock may be off unless the configuration says otherwise.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(5);
/// How often key and certificate files are looked at.
pub const FILES_POLLED_EVERY: Duration = Duration::from_secs(1);
/// Most users, devices, addresses, organizations and right tokens each that rate limits tell apart.
pub const RATE_KEYS_MAX: usize = 100_000;
/// Lanes of one connection that break a rule in the long run, a second, and at once; more are a
/// flood.
pub const BROKEN_LANES: (f64, u32) = (2.0, 100);
/// Datagrams of one connection in the long run, a second, and at once; more are a flood. Somebody
/// who types in as many rooms as are remembered sends 32 a second.
pub const DATAGRAMS: (f64, u32) = (100.0, 1_000);
/// Rooms of one connection whose typing is remembered.
pub const TYPING_ROOMS_MAX: usize = 64;
/// Answers of one connection that wait for the hub to take them; as long as it has so many it isn't read.
pub const ANSWERS_WAITING_MAX: usize = 512;
/// Datagrams of one connection heard before its lanes get their turn.
pub const DATAGRAMS_AT_ONCE: usize = 64;
/// Largest sealed token that is looked at, in bytes.
pub const SEALED_BYTES_MAX: usize = parlour_protocol::limits::RESUME_BYTES_MAX;
/// How long a generated development certificate is valid: browsers take 14 days at most.
pub const DEV_CERTIFICATE_FOR: Duration = Duration::from_secs(13 * 24 * 3600);
/// How far a development certificate is dated back, for clients whose clock is behind.
pub const DEV_CERTIFICATE_BACKDATED: Duration = Duration::from_secs(3600);
/// Below this, a certificate from files is worth a warning.
pub const CERTIFICATE_ENDS_SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// Largest certificate chain or private key file, in bytes.
pub const CERTIFICATE_BYTES_MAX: u64 = 1024 * 1024;
/// Largest answer of a CA, in bytes: a chain of certificates is a few thousand.
pub const ACME_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long it may take to answer one request.
pub const ACME_ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long one order may take in all.
pub const ACME_ORDER_WITHIN: Duration = Duration::from_secs(600);
/// How often the clock is looked at while nothing is to be done: it may be set.
pub const ACME_CLOCK_EVERY: Duration = Duration::from_secs(600);
/// Largest file with an external account's key, in bytes.
pub const ACME_KEY_FILE_BYTES_MAX: u64 = 4096;
/// HTTP connections served at once; more wait.
pub const HTTP_CONNECTIONS_MAX: usize = 256;
/// How long one HTTP connection lasts, requests and silence together, unless bytes go over it.
pub const HTTP_CONNECTION_FOR: Duration = Duration::from_secs(10);
/// Each so many bytes put its end off by a second.
pub const HTTP_BYTES_PER_SECOND_MIN: usize = 16 * 1024;
/// How far bytes put it off at most.
pub const HTTP_AHEAD_MAX: Duration = Duration::from_secs(60);
/// Largest request of a call over HTTP, in bytes of JSON: base64 and escapes take more room than what
/// they stand for, which may be no larger than on the control lane.
pub const JSON_BYTES_MAX: usize = 256 * 1024;
/// A bulk answer over HTTP goes on only if its caller still may, which is asked this often.
pub const BULK_ASKED_EVERY: Duration = Duration::from_secs(1);
/// Transfers over blob lanes at once: each has a file open.
pub const TRANSFERS_MAX: usize = 512;
/// How long a transfer may stand still.
pub const TRANSFER_STANDS_FOR: Duration = Duration::from_secs(60);
/// How slowly one may go in the long run.
pub const TRANSFER_BYTES_PER_SECOND_MIN: usize = 4 * 1024;
/// Operators' connections at once.
pub const ADMIN_CONNECTIONS_MAX: usize = 8;
/// Longest request or answer on an operator's connection, in bytes.
pub const ADMIN_LINE_BYTES_MAX: u64 = 128 * 1024;
/// An operator's request comes within this time.
pub const ADMIN_REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// How long accepting pauses after it failed.
pub const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// What is asked for the QUIC socket's buffers, in bytes; the kernel may give less.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// After so long without a word from a WebSocket's client it is asked for one; after as long again it is
/// taken as gone.
pub const SOCKET_PING_AFTER: Duration = Duration::from_secs(20);
/// How long a WebSocket may take to say its last words.
pub const SOCKET_CLOSES_WITHIN: Duration = Duration::from_secs(1);
/// Bytes of a WebSocket's messages that are written together.
pub const SOCKET_WRITE_BYTES: usize = 16 * 1024;
/// Most bytes of a WebSocket's messages that wait before the kernel.
pub const SOCKET_BUFFER_BYTES_MAX: usize = 256 * 1024;
/// What of a WebSocket's messages may wait in the kernel to be sent for the first time, in bytes: what is
/// urgent comes behind no more than that.
pub const SOCKET_UNSENT_BYTES: u32 = 16 * 1024;
/// What is read of a WebSocket at once, in bytes; each holds so much memory.
pub const SOCKET_READ_BYTES: usize = 4 * 1024;
/// Descriptors that are left to everything else, at least.
const DESCRIPTORS_KEPT: u64 = 256;

/// WebSockets at once: each is a descriptor, of which half may be theirs.
pub fn sockets_max(connections_max: usize) -> usize {
    let soft = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let half = soft.map_or(u64::MAX, |soft| (soft / 2).saturating_sub(DESCRIPTORS_KEPT).max(64));
    usize::try_from(half).unwrap_or(usize::MAX).min(connections_max)
}
/// How long the HTTP port has to finish answers at the end.
pub const HTTP_STOP_WITHIN: Duration = Duration::from_secs(2);
/// Histograms are digested every so many looks at the files.
pub const UPKEEP_EVERY_TICKS: u64 = 5;
/// The disk is measured every so many looks at the files.
pub const DISK_EVERY_TICKS: u64 = 60;
/// Standing warnings are repeated every so many looks at the files.
pub const WARN_EVERY_TICKS: u64 = 3600;
/// What was said is found after about this time.
pub const INDEX_EVERY: Duration = Duration::from_secs(1);
/// While more events than this are committed in that time, the index reads no more than these, and what
/// it has read is found after [`INDEX_BUSY_TICKS`]: it costs as much to index a message as to send it, and
/// whoever sends goes first. It catches up afterwards.
pub const INDEX_BUSY_EVENTS: u64 = 2_000;
/// See [`INDEX_BUSY_EVENTS`].
pub const INDEX_BUSY_TICKS: u64 = 5;
/// Whether the index is still there is asked every so many times when nothing is said.
pub const INDEX_SEEN_TICKS: u64 = 10;
/// The ends of all logs are held against the index every so many times.
pub const LOOK_AROUND_TICKS: u64 = 600;
/// The feed of the index begins again after this time where something went wrong, and at most after
/// [`FEED_AGAIN_MAX`].
pub const FEED_AGAIN_MIN: Duration = Duration::from_secs(1);
/// See [`FEED_AGAIN_MIN`].
pub const FEED_AGAIN_MAX: Duration = Duration::from_secs(60);
/// Folders within folders that are measured.
pub const FOLDER_DEPTH_MAX: usize = 8;
/// Memory of one password's hash, in KiB, as OWASP's password storage cheat sheet has it for argon2id.
pub const HASH_MEMORY_KIB: u32 = 19 * 1024;
/// Passes of one password's hash.
pub const HASH_PASSES: u32 = 2;
/// Passwords hashed at the same time: so much times [`HASH_MEMORY_KIB`] is what they take.
pub const HASHES_AT_ONCE: usize = 2;
/// Passwords that are hashed or wait for it; more are turned away.
pub const HASHES_WAITING_MAX: usize = 64;
/// Sign-ins with codes and passwords from one address: a second in the long run, fewer than the server
/// can hash, so that no one address keeps others out.
pub const SIGN_INS_PER_SECOND: f64 = 1.0;
/// The same at once.
pub const SIGN_INS_BURST: u32 = 30;
/// Posts of webhooks under way at once; more wait.
pub const WEBHOOK_POSTS_MAX: usize = 32;
/// A post is taken within this time, everything included.
pub const WEBHOOK_WITHIN: Duration = Duration::from_secs(15);
/// One address of a host outside answers within this time.
pub const OUTSIDE_CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Addresses of one host that are tried.
pub const OUTSIDE_ADDRESSES_MAX: usize = 4;
/// Largest head of an answer, in bytes. Its body isn't read.
pub const OUTSIDE_HEAD_BYTES_MAX: usize = 16 * 1024;
/// A connection to a bucket is open within this time, TLS included.
pub const POOL_OPEN_WITHIN: Duration = Duration::from_secs(10);
/// What is asked of a bucket is answered within this time, and longer by what sending it takes; each piece of an
/// answer comes within it.
pub const POOL_ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A store puts the parts of a file together within this time.
pub const POOL_TOGETHER_WITHIN: Duration = Duration::from_secs(300);
/// What is sent to a bucket goes at this speed at least, in bytes a second.
pub const POOL_BYTES_PER_SECOND_MIN: u64 = 64 * 1024;
/// How long a connection to a bucket is kept without being used.
pub const POOL_IDLE_FOR: Duration = Duration::from_secs(30);
/// Connections to a bucket that are kept without being used.
pub const POOL_IDLE_MAX: usize = 8;
/// Whether webhooks have anything to do is looked at after this time in any case.
pub const WEBHOOKS_IDLE_FOR: Duration = Duration::from_secs(60);
/// Rooms that nobody gave a hint of are looked for this often.
pub const WEBHOOKS_SEEN_EVERY: Duration = Duration::from_secs(600);
/// Shortest time after which a webhook that fails is stopped, in seconds, and the longest.
pub const WEBHOOK_GIVE_UP_S: (u64, u64) = (1, 30 * 24 * 3600);
/// Longest that a token of an account may be configured to last, in seconds.
pub const ACCOUNT_TOKEN_S_MAX: u64 = 24 * 3600;
/// Least and most that a rate may be configured to let through in a second.
pub const RATE_MIN: f64 = 0.001;
/// See [`RATE_MIN`].
pub const RATE_MAX: f64 = 1_000_000.0;
/// Most that a rate may be configured to let through at once.
pub const BURST_MAX: u32 = 1_000_000;
/// Furthest that the clocks of whoever makes tokens may be off, in seconds.
pub const LEEWAY_S_MAX: u64 = 300;
const _: () = assert!(
    // Whatever refuses a login's tokens is kept longer than the last of them is good.
    ACCOUNT_TOKEN_S_MAX + LEEWAY_S_MAX < parlour_core::limits::ENDS_KEPT_FOR.as_secs()
);
/// Largest document of an identity provider, in bytes.
pub const OIDC_DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// It comes within this time, look-up and connection included.
pub const OIDC_DOCUMENT_WITHIN: Duration = Duration::from_secs(5);
/// A provider's keys are read again after what it says, but no sooner and no later than this.
pub const OIDC_REFRESH_MIN: Duration = Duration::from_secs(60);
/// See [`OIDC_REFRESH_MIN`].
pub const OIDC_REFRESH_MAX: Duration = Duration::from_secs(3600);
/// After a look that failed the next one comes no later than this.
pub const OIDC_AGAIN_MAX: Duration = Duration::from_secs(300);
/// Keys of a provider that can't be reached are good for so long after they were last read.
pub const OIDC_KEYS_KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// A token waits for a look no longer; a hello has five seconds in all.
pub const OIDC_TOKEN_WAITS_FOR: Duration = Duration::from_secs(4);
/// Tokens that wait for a look at one provider; more are refused as if it didn't answer.
pub const OIDC_TOKENS_WAITING_MAX: usize = 1_000;
/// Most identity providers.
pub const OIDC_PROVIDERS_MAX: usize = 16;
/// Links of messages that are visited at once; of one message one after the other.
pub const PREVIEWS_AT_ONCE: usize = 8;
/// So many of them are of one organization at most.
pub const PREVIEWS_PER_ORG_AT_ONCE: usize = 4;
/// Links of one user that are visited, a second in the long run, and at once.
pub const PREVIEWS_PER_SENDER: (f64, u32) = (0.5, 20);
/// Links of one room that are visited, a second in the long run, and at once.
pub const PREVIEWS_PER_ROOM: (f64, u32) = (0.5, 20);
/// The same of one host.
pub const PREVIEWS_PER_HOST: (f64, u32) = (1.0, 10);
/// A page is there within this time, redirections included.
pub const PREVIEW_WITHIN: Duration = Duration::from_secs(5);
/// So many bytes of a page are read, at most.
pub const PREVIEW_BYTES_MAX: usize = 512 * 1024;
/// Redirections that are followed.
pub const PREVIEW_REDIRECTS_MAX: usize = 3;
/// Pages that were found lately and are known.
pub const PREVIEWS_KEPT: usize = 1_000;
/// For so long.
pub const PREVIEWS_KEPT_FOR: Duration = Duration::from_secs(3600);
/// That nothing was found is known for so long.
pub const PREVIEWS_MISSED_FOR: Duration = Duration::from_secs(300);
/// Rules of retention, and which rooms they are of, are read this often, and whenever one has changed.
pub const RETENTION_LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// An erasure that couldn't go on is tried again after this.
pub const ERASURES_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Between two looks at all rooms there is at least this much time for others.
pub const RETENTION_PAUSE_MIN: Duration = Duration::from_millis(10);
/// Copies of what was held are looked at this often, and whenever a hold has ended.
pub const COPIES_LOOKED_AT_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Whether legal holds have ended is looked at this often.
pub const HOLDS_LOOKED_AT_EVERY: Duration = Duration::from_secs(300);
/// Spans of traces that wait for the collector; more are dropped.
pub const SPANS_WAITING_MAX: usize = 8_192;
/// So many of them go there at once.
pub const SPANS_AT_ONCE: usize = 512;
/// They are gathered for so long.
pub const SPANS_GATHERED_FOR: Duration = Duration::from_secs(1);
/// The collector takes them within this time, look-up and connection included.
pub const SPANS_WITHIN: Duration = Duration::from_secs(5);
/// Times that the same spans are sent there before they are dropped.
pub const SPANS_TRIES_MAX: u32 = 3;
/// Between the first two of these times; then twice as long.
pub const SPANS_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// So long is waited for the collector at the end.
pub const SPANS_STOP_WITHIN: Duration = Duration::from_secs(2);
/// Largest answer of the collector, in bytes.
pub const SPANS_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest name of the service in traces, in bytes.
pub const SERVICE_NAME_BYTES_MAX: usize = 255;

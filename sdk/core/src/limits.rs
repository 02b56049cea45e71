//! Every bound of the client in one place.

use std::time::Duration;

/// Calls that wait for room among the calls in flight.
pub const CALLS_WAITING_MAX: usize = 4096;
/// Bulk calls of the application that wait for their answers.
pub const ASKED_MAX: usize = 64;
/// Largest answer to one of them, in bytes.
pub const ASKED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Messages, edits and deletes that wait to be sent, in all rooms together.
pub const OUTBOX_ENTRIES_MAX: usize = 10_000;
/// Sends, edits and deletes of one room that are under way at the same time.
pub const SENDS_PER_ROOM_MAX: usize = 16;
/// Those of all rooms together: half of the calls a server lets be in flight.
pub const SENDS_MAX: usize = parlour_protocol::limits::CALLS_IN_FLIGHT_MAX / 2;
/// Acknowledged entries of one room that are kept until its log is read up to them.
pub const SETTLED_PER_ROOM_MAX: usize = 50;
/// Events of the user's own log about one room that are heard again behind a digest that may be older.
pub const EVENTS_SINCE_MAX: usize = 64;
/// Events of one room held while a gap before them is read; more are read again.
pub const WAITING_EVENTS_MAX: usize = 2000;
/// A room that misses at most this many events reads them one by one; else it starts over from
/// its end.
pub const CATCH_UP_EVENTS_MAX: u64 = 500;
/// Rooms that are caught up at the same time in the background.
pub const CATCH_UPS_AT_ONCE: usize = 4;
/// Events of a page of history, unless the caller says otherwise.
pub const PAGE_EVENTS: u32 = 50;
/// Pages in a row for a timeline that shows little, of a room whose events are edits for the most part.
pub const FILLS_MAX: u32 = 20;
/// Events of one block of a history that is downloaded; an interrupted block is read again.
pub const DOWNLOAD_EVENTS: u64 = 10_000;
/// Blocks that are downloaded at the same time, of all rooms together: while the end of one is on
/// its way, the next has begun.
pub const DOWNLOADS_AT_ONCE: usize = 2;
/// Events of one run in the cache, when many are written at once: a page is read from few of them.
pub const RUN_EVENTS: usize = 256;
/// Digests in the first frame of a sync.
pub const FIRST_DIGESTS: u32 = 20;
/// Cached events of a room that are looked through for those of a thread that is opened.
pub const THREAD_CACHED_EVENTS: u32 = 2000;
/// Polls of one room whose results are kept.
pub const POLLS_PER_ROOM_MAX: usize = 100;
/// Edits and deletes kept for messages that aren't loaded, per timeline.
pub const PENDING_AMENDMENTS_MAX: usize = 10_000;
/// Users shown as typing in one room.
pub const TYPISTS_MAX: usize = 50;

/// The first back-off is a random part of this.
pub const BACKOFF_BASE: Duration = Duration::from_millis(200);
/// No back-off is longer, unless the server asks for it.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// No wait the server asks for is longer than this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);
/// A connection that lived this long was a good one: its end starts the back-off anew.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);
/// Tokens refused one after the other before the client waits for its application.
pub const TOKENS_REFUSED_MAX: u32 = 5;
/// Whoever waits to be let in asks again after this time and the back-off.
pub const KNOCK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// A welcome comes within this time of the hello.
pub const WELCOME_WITHIN: Duration = Duration::from_secs(10);
/// A pong comes within this time of a ping, or the connection is lost.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);
/// A ping unanswered for this long makes the client try a second connection beside the first; with
/// calls in flight a ping is sent after this much silence.
pub const STALLED_AFTER: Duration = Duration::from_secs(3);
/// A second connection is tried again at least this often.
pub const SECOND_WITHIN: Duration = Duration::from_secs(2);
/// A failed read of history is tried again after this time.
pub const READ_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Counts that became uncertain are read again after this time, once for all rooms.
pub const COUNTS_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// What couldn't be said of presence, or asked, is tried again after this time, or later where the
/// server wants that.
pub const PRESENCE_AFTER_ERROR: Duration = Duration::from_secs(2);
/// Followed threads asked for at once, where their counts are doubtful.
pub const THREADS_ASKED: u32 = 100;
/// Rooms nothing has been heard of in which what is marked as read is remembered.
pub const EARLY_MARKS_MAX: usize = 256;
/// A typing notice is repeated after this time while the user goes on typing.
pub const TYPING_EVERY: Duration = Duration::from_secs(4);
/// A transient failure of a send without a delay of the server's own.
pub const SEND_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Times a client_ref that the server calls expired is replaced before the send fails.
pub const NEW_REFS_MAX: u32 = 3;
/// Silence after which a client in the foreground sends a ping.
pub const PING_EVERY: Duration = parlour_protocol::limits::PING_EVERY;
/// Items of an open timeline; older ones leave the list (not the cache) when new ones come.
pub const TIMELINE_ITEMS_MAX: usize = 10_000;
/// Messages that will disappear of which the client remembers when.
pub const EXPIRING_MAX: usize = 10_000;
/// Whether their time has come is looked at this often, since the wall clock may be set.
pub const EXPIRY_LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// Users whose names a cache keeps.
pub const USERS_KEPT_MAX: usize = 10_000;

/** Every bound of the client in one place. Bytes, milliseconds and counts, as the names say. */

/** Largest frame of the control lane. */
export const CONTROL_FRAME_BYTES_MAX = 64 * 1024;
/** Largest frame of the event lane. */
export const EVENT_FRAME_BYTES_MAX = 256 * 1024;
/** Largest frame of a bulk lane. */
export const BULK_FRAME_BYTES_MAX = 1024 * 1024;
/** Largest datagram. */
export const DATAGRAM_BYTES_MAX = 1000;
/** Largest text of a message. */
export const TEXT_BYTES_MAX = 16 * 1024;
/** Users mentioned by one message. */
export const MENTIONS_MAX = 100;
/** Numbers in logs are never above this. */
export const SEQ_MAX = Number.MAX_SAFE_INTEGER;
/** Users asked for by one call. */
export const USERS_PER_CALL_MAX = 200;
/** Members added by one call. */
export const MEMBERS_PER_CALL_MAX = 100;
/** Rooms subscribed to by one call. */
export const SUBSCRIPTIONS_MAX = 1000;
/** Polls asked for by one call. */
export const POLLS_PER_CALL_MAX = 100;
/** Options of one poll. */
export const POLL_OPTIONS_MAX = 20;
/** Users whose presence one connection hears of. */
export const PRESENCE_WATCHED_MAX = 1000;
/** Users of whose presence one call asks. */
export const PRESENCE_WATCHED_PER_CALL_MAX = 200;

/** Calls in flight, where the server announces no more. */
export const CALLS_IN_FLIGHT_MAX = 256;
/** Calls that wait for room among the calls in flight. */
export const CALLS_WAITING_MAX = 4096;
/** Bulk lanes that are open at the same time; the server lets 8 come at once (section 1). */
export const BULK_LANES_OPEN_MAX = 8;
/** Bulk calls of the application that wait for their answers. */
export const ASKED_MAX = 64;
/** Largest answer to one of them. */
export const ASKED_BYTES_MAX = 64 * 1024 * 1024;
/** Messages, edits and deletes that wait to be sent, in all rooms together. */
export const OUTBOX_ENTRIES_MAX = 10_000;
/** Sends of one room that are under way at the same time. */
export const SENDS_PER_ROOM_MAX = 16;
/** Those of all rooms together: half of the calls a server lets be in flight. */
export const SENDS_MAX = CALLS_IN_FLIGHT_MAX / 2;
/** Events of one room held while a gap before them is read; more are read again. */
export const WAITING_EVENTS_MAX = 2000;
/** A room that misses at most this many events reads them one by one; else it starts over from its end. */
export const CATCH_UP_EVENTS_MAX = 500;
/** Rooms that are caught up at the same time in the background. */
export const CATCH_UPS_AT_ONCE = 4;
/** Events of a page of history, unless the caller says otherwise. */
export const PAGE_EVENTS = 50;
/** Pages in a row for a timeline that shows little, of a room whose events are edits for the most part. */
export const FILLS_MAX = 20;
/** Acknowledged entries of one room that are kept until its log is read up to them. */
export const SETTLED_PER_ROOM_MAX = 50;
/** Digests in the first frame of a sync. */
export const FIRST_DIGESTS = 20;
/** Cached events of a room that are looked through for those of a thread that is opened. */
export const THREAD_CACHED_EVENTS = 2000;
/** Polls of one room whose results are kept. */
export const POLLS_PER_ROOM_MAX = 100;
/** Edits and deletes kept for messages that aren't loaded, per timeline. */
export const PENDING_AMENDMENTS_MAX = 10_000;
/** Items of an open timeline; older ones leave the list (not the cache) when new ones come. */
export const TIMELINE_ITEMS_MAX = 10_000;
/** Users shown as typing in one room. */
export const TYPISTS_MAX = 50;
/** Changes that wait for an observer; one that is further behind gets the whole list. */
export const FEED_DIFFS_MAX = 1000;
/** Batches of events that wait for an observer; one that is further behind loses the oldest. */
export const FEED_EVENTS_MAX = 100_000;
/** Frames of a blob lane. */
export const BLOB_FRAME_BYTES_MAX = 4 * 1024;
/** Bytes of a file that are handed to a lane at once. */
export const FILE_PIECE_BYTES = 64 * 1024;
/** Files on their way at the same time; more wait. */
export const TRANSFERS_AT_ONCE = 4;
/** A file's hash is told before it is sent, so that what is there needn't be sent, up to this size. */
export const HASHED_BYTES_MAX = 16 * 1024 * 1024;
/** Largest file that is downloaded into memory, unless the caller says otherwise. */
export const DOWNLOAD_BYTES_MAX = 256 * 1024 * 1024;
/** Times a transfer is cut off, without a byte in between, before it fails. */
export const TRANSFER_CUTS_MAX = 8;
/** A transfer that was cut off goes on after this time, doubled with each cut. */
export const TRANSFER_AGAIN_AFTER_MS = 250;

/** The first back-off is a random part of this. */
export const BACKOFF_BASE_MS = 200;
/** No back-off is longer, unless the server asks for it. */
export const BACKOFF_MAX_MS = 30_000;
/** No wait the server asks for is longer than this. */
export const RETRY_AFTER_MAX_MS = 600_000;
/** A connection that lived this long was a good one: its end starts the back-off anew. */
export const STABLE_AFTER_MS = 10_000;
/** Tokens refused one after the other before the client waits for its application. */
export const TOKENS_REFUSED_MAX = 5;
/** A welcome comes within this time of the hello. */
export const WELCOME_WITHIN_MS = 10_000;
/** A carrier is there within this time. */
export const DIAL_WITHIN_MS = 15_000;
/** Where the event lane is lost with its carrier, that says why within this time. */
export const CARRIER_ENDS_WITHIN_MS = 250;
/** WebSocket is tried beside WebTransport after this time. */
export const RACE_AFTER_MS = 800;
/** Silence after which a ping is sent. */
export const PING_EVERY_MS = 15_000;
/** A pong comes within this time of a ping, or the connection is lost. */
export const PONG_WITHIN_MS = 10_000;
/** A ping unanswered for this long makes the client try a second connection beside the first; with calls in
 * flight a ping is sent after this much silence. */
export const STALLED_AFTER_MS = 3000;
/** A second connection is tried again at least this often. */
export const SECOND_WITHIN_MS = 2000;
/** A failed read of history is tried again after this time. */
export const READ_AGAIN_AFTER_MS = 2000;
/** Events of the user's own log, of one room, that are heard once more behind a digest; the last ones. */
export const EVENTS_SINCE_MAX = 64;
/** A cache that took no changes is written anew after this time. */
export const CACHE_ANEW_AFTER_MS = 30_000;
/** Followed threads asked for at once, where their counts are doubtful. */
export const THREADS_ASKED = 100;
/** Rooms nothing has been heard of in which what is marked as read is remembered. */
export const EARLY_MARKS_MAX = 256;
/** Counts that became uncertain are read again after this time, once for all rooms. */
export const COUNTS_AGAIN_AFTER_MS = 2000;
/** What couldn't be said of presence is tried again after this time. */
export const PRESENCE_AFTER_ERROR_MS = 2000;
/** What a device does is said again after this time. */
export const PRESENCE_AGAIN_EVERY_MS = 40_000;
/** A typing notice is repeated after this time while the user goes on typing. */
export const TYPING_EVERY_MS = 4000;
/** Who is typing is forgotten after this time. */
export const TYPING_FOR_MS = 6000;
/** A transient failure of a send without a delay of the server's own. */
export const SEND_AGAIN_AFTER_MS = 1000;
/** Times a ref that the server calls expired is replaced before the send fails. */
export const NEW_REFS_MAX = 3;
/** Messages that will disappear of which the client remembers when. */
export const EXPIRING_MAX = 10_000;
/** Whether their time has come is looked at this often, since the wall clock may be set. */
export const EXPIRY_LOOKED_AT_EVERY_MS = 60_000;

/** Bytes of a lane in one WebSocket message. */
export const MUX_MESSAGE_BYTES = 16 * 1024;
/** Largest WebSocket message that is taken: 64 KiB of a lane and its head. */
export const MUX_MESSAGE_BYTES_MAX = 64 * 1024 + 16;
/** What the client may send on a lane before any credit. */
export const MUX_SEND_CREDIT = 32 * 1024;
/** What the server may send on a lane beyond what was read. */
export const MUX_RECEIVE_CREDIT = 256 * 1024;
/** Lanes a client may open before the server allows more. */
export const MUX_LANES_FIRST = 2;
/** Lanes that the other side may open at once by naming the last of them. */
export const MUX_LANES_OPENED_MAX = 64;
/** Bytes that may wait in the browser's own buffer before more is handed to it. */
export const SOCKET_BUFFERED_MAX = 256 * 1024;
/** Datagrams that wait in a mux; more are dropped. */
export const MUX_DATAGRAMS_MAX = 16;

/** Bytes of a login's secret. */
export const SECRET_BYTES = 32;
/** A sign-in is answered within this time. */
export const SIGN_IN_WITHIN_MS = 15_000;
/** What a passkey is asked is asked anew after this time; the server takes answers for 10 minutes. */
export const CHALLENGE_FOR_MS = 540_000;
/** A token of the server's own isn't used for the last of its time. */
export const TOKEN_SPARE_MS = 30_000;
/** Whoever waits to be let in asks again after this time, or later where the server says so. */
export const KNOCK_AGAIN_AFTER_MS = 5000;

/** Members, or their receipts, in one answer. */
export const MEMBERS_PAGE = 500;
/** Saved messages in one answer. */
export const SAVED_PAGE = 200;
/** Open groups in one answer. */
export const OPEN_ROOMS_PAGE = 100;
/** Emoji in one answer. */
export const EMOJI_PAGE = 200;
/** The organization's emoji are read again, when a name isn't known, after this time. */
export const EMOJI_AGAIN_AFTER_MS = 60_000;
/** Events that an excerpt of a room's history remembers, in case its end is reached. */
export const EXCERPT_WAITING_MAX = 1000;
/** Users whose names are kept between visits. */
export const USERS_KEPT_MAX = 1000;
/** Users whose changes a user interface hears of, the last asked for. */
export const USERS_WATCHED_MAX = 200;
/** New ones are kept after this time, together. */
export const USERS_KEPT_AFTER_MS = 500;
/** Nodes of the directory, or who is in one, in one answer. */
export const NODES_PAGE = 200;
/** Accounts in one answer. */
export const ACCOUNTS_PAGE = 100;
/** Connections in one answer. */
export const SESSIONS_PAGE = 100;
/** Entries of the organization's log in one answer. */
export const AUDIT_PAGE = 50;

//! Every bound of the core that isn't part of the protocol.

use std::time::Duration;

/// Most drafts committed together.
pub const GROUP_DRAFTS_MAX: usize = 256;
/// Most bytes of event bodies committed together.
pub const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most drafts waiting for a commit; more are refused.
pub const PENDING_DRAFTS_MAX: usize = 65_536;
/// Most times a handler is run again because the room changed under it.
pub const RERUNS_MAX: u32 = 8;
/// Longest a group waits for those who were just answered to come again.
pub const GATHER_MAX: Duration = Duration::from_millis(3);
/// Where the wait would be shorter than that there is none: a timer isn't finer.
pub const GATHER_MIN: Duration = Duration::from_millis(1);
/// What one delivery costs until it was measured.
pub const DELIVERY_COST: Duration = Duration::from_micros(6);
/// A delivery isn't taken to be cheaper than that.
pub const DELIVERY_COST_MIN: Duration = Duration::from_micros(2);
/// A delivery isn't taken to be dearer than that.
pub const DELIVERY_COST_MAX: Duration = Duration::from_micros(100);
/// Longest a room is left alone between two deliveries to all its hearers.
pub const PAUSE_MAX: Duration = Duration::from_millis(100);
/// Rooms that would be left alone for less are told at once.
pub const PAUSE_MIN: Duration = Duration::from_millis(1);
/// Bytes of a room's events above which it is told whatever its pace.
pub const UNTOLD_BYTES_MAX: usize = 256 * 1024;
/// Events of a room above which it is told whatever its pace: well within [`OUTBOX_EVENTS_MAX`].
pub const UNTOLD_EVENTS_MAX: usize = OUTBOX_EVENTS_MAX / 4;
/// Bytes that may wait for one connection on the event lane before it is degraded.
pub const OUTBOX_BYTES_MAX: usize = 1024 * 1024;
/// Events that may wait for one connection before it is degraded.
pub const OUTBOX_EVENTS_MAX: usize = 2_000;
/// Bytes of replies that may wait for one connection before it is closed.
pub const OUTBOX_CONTROL_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the user's own log that may wait for one connection before it is closed.
pub const OUTBOX_USER_BYTES_MAX: usize = 1024 * 1024;
/// A connection that takes nothing for this long while data waits is closed.
pub const STALLED_FOR_MAX: Duration = Duration::from_secs(30);
/// Pulses of one connection are sent at most this often.
pub const PULSE_EVERY: Duration = Duration::from_millis(250);
/// Heads of logs are announced this often.
pub const HEADS_EVERY: Duration = Duration::from_secs(60);
/// Most heads in one announcement.
pub const HEADS_MAX: usize = 2_000;
/// How often tokens, keys and stalled connections are looked at.
pub const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// A new token is asked for this long before the old one ends, at most.
pub const REAUTH_LEAD: Duration = Duration::from_secs(60);
/// Rooms kept in memory although nobody uses them.
pub const ROOM_CACHE_MAX: usize = 100_000;
/// Threads kept in memory.
pub const THREAD_CACHE_MAX: usize = 100_000;
/// Polls kept in memory.
pub const POLL_CACHE_MAX: usize = 1_000;
/// Voters of one of them whose last votes are.
pub const POLL_VOTERS_NOTED_MAX: usize = 256;
/// Followed threads of one room that are looked at to find those with the newest replies.
pub const FOLLOWED_LOOKED_AT_MAX: usize = 1000;
/// Followed threads of a user that are looked at to list them.
pub const FOLLOWED_LISTED_MAX: usize = 10_000;
/// Members of the largest room in which receipts are told as they happen.
pub const RECEIPTS_LIVE_MEMBERS_MAX: usize = 50;
/// Nobody for whom more waits hears them.
pub const RECEIPTS_BEHIND_BYTES_MAX: usize = 64 * 1024;
/// An application's signal isn't told to those for whom more waits.
pub const SIGNALS_BEHIND_BYTES_MAX: usize = 64 * 1024;
/// Mentions that one call looks at to find those that are unread.
pub const MENTIONS_LOOKED_AT_MAX: usize = 1000;
/// Longest word that is indexed, in bytes; of a longer one it is the beginning.
pub const WORD_BYTES_MAX: usize = 64;
/// Most words of a search.
pub const SEARCH_WORDS_MAX: usize = 32;
/// Messages that one search looks at to find those that are as the index says.
pub const SEARCH_LOOKED_AT_MAX: usize = 500;
/// Events of a room without anything to find after which the index keeps how far it has read.
pub const REACHED_EVERY: u64 = 256;
/// User log heads kept in memory.
pub const USER_CACHE_MAX: usize = 200_000;
/// Users told at once of what a change of the directory means for them.
pub const TOLD_AT_ONCE: usize = 500;
/// Rows read by one scan.
pub const SCAN_ROWS: usize = 1_000;
/// Bytes of events in one item of a bulk answer.
pub const ITEM_BYTES: usize = 128 * 1024;
/// Bytes of a control answer that lists things: with what stands around it, it fits a frame.
pub const ANSWER_BYTES: usize = 48 * 1024;
/// Events in one item of a bulk answer.
pub const ITEM_EVENTS: usize = 500;
/// Digests in one item of a sync, after the first.
pub const ITEM_DIGESTS: usize = 200;
/// User log events a sync sends before it answers with a reset instead.
pub const USER_DELTA_MAX: u64 = 10_000;
/// Digests look back this much further than the watermark: a restart with a clock that fell back
/// begins at the floor, and no watermark is further above it.
pub const WATERMARK_OVERLAP_MS: u64 = 5_000;
/// The floor under the log's time is committed again when it is this old.
pub const FLOOR_EVERY_MS: u64 = 1_000;
/// How far a client_ref may be ahead of the server's clock, in milliseconds.
pub const REF_AHEAD_MS_MAX: u64 = 10 * 60 * 1000;
/// Rooms one user may be in.
pub const ROOMS_PER_USER_MAX: usize = 100_000;
/// Typing notices of one connection: at most one per room in this time.
pub const TYPING_EVERY: Duration = Duration::from_secs(2);
/// What a connection said of presence counts this long after it broke: a reconnect doesn't show.
pub const PRESENCE_GRACE: Duration = Duration::from_secs(5);
/// When a user was there last is kept this often while they are there.
pub const LAST_SEEN_EVERY: Duration = Duration::from_secs(5 * 60);
/// Drafts that wait for a commit above which that isn't kept for now.
pub const LAST_SEEN_PENDING_MAX: usize = GROUP_DRAFTS_MAX;
/// Whether a status is over is looked at this often, since the wall clock may be set.
pub const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(60);
/// What users have set about their presence, kept in memory although nobody uses it.
pub const CARD_CACHE_MAX: usize = 100_000;
/// Rooms by which a guest knows of somebody they watch; one of them is enough.
pub const GROUNDS_MAX: usize = 8;
/// Connections one user may have at the same time.
pub const CONNECTIONS_PER_USER_MAX: usize = 64;
/// Attachments nobody uses are looked for this often.
pub const BLOBS_SWEPT_EVERY: Duration = Duration::from_secs(10 * 60);
/// An attachment nobody uses is removed this long after that was found at the earliest.
pub const BLOB_CONDEMNED_FOR: Duration = Duration::from_secs(9 * 60);
/// Users whose uploads of a day are remembered.
pub const BLOB_USERS_MAX: usize = 100_000;
/// After so many bytes of a download it is looked again whether its message is still there.
pub const BLOB_LOOKED_AT_EVERY_BYTES: u64 = 4 * 1024 * 1024;
/// Wrong passwords of an account before one has to wait.
pub const ATTEMPTS_FREE: u32 = 5;
/// Longest wait between two wrong passwords of an account.
pub const ATTEMPT_WAIT_MAX: Duration = Duration::from_secs(60);
/// Wrong passwords are forgotten after this time without another one.
pub const ATTEMPTS_FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// Accounts whose wrong passwords are counted.
pub const ATTEMPTS_KEPT_MAX: usize = 10_000;
/// Texts with links that wait to be looked at; of more the oldest are left out.
pub const PREVIEWS_WAITING_MAX: usize = 1_000;
/// Bytes of chance in a webhook's secret.
pub const WEBHOOK_SECRET_BYTES: usize = 32;
/// A webhook that hasn't read a room yet looks back no further for where to begin.
pub const WEBHOOK_LOOKS_BACK: u64 = 1_000;
/// Events read at once to find the next one that a webhook wants.
pub const WEBHOOK_READS: usize = 16;
/// The wait after a post that wasn't taken; it doubles with each further one.
pub const WEBHOOK_BACKOFF_MIN: Duration = Duration::from_secs(1);
/// The longest such wait.
pub const WEBHOOK_BACKOFF_MAX: Duration = Duration::from_secs(3600);
/// How far webhooks have come is kept this often: after a crash, what came since is posted again.
pub const WEBHOOK_KEPT_EVERY: Duration = Duration::from_secs(1);
/// Rooms of one webhook kept with one commit.
pub const WEBHOOK_MARKS_AT_ONCE: usize = 1_000;
/// Answers to passkeys' questions that are remembered, so that none counts twice.
pub const QUESTIONS_ANSWERED_MAX: usize = 10_000;
/// Accounts, invites or logins read by one scan.
pub const ACCOUNT_ROWS: usize = 200;
/// The end of a login or key is kept for so long: longer than any token of it is good.
pub const ENDS_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// An invite whose time is over is listed for so long.
pub const INVITES_LISTED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// What is over is kept for so long all the same, for what was decided before.
pub const SWEPT_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Rows of accounts that have no effect any more are looked for this often.
pub const ACCOUNTS_SWEPT_EVERY: Duration = Duration::from_secs(3600);
/// Users blocked by one user that are read.
pub const BLOCKED_SCAN_MAX: usize = 1_001;
/// Organizations whose people are in memory in the order of their names.
pub const PEOPLE_ORGS_MAX: usize = 64;
/// Words of one user by which they are found.
pub const PEOPLE_WORDS_MAX: usize = 32;
/// Changes of the organization that one user makes at once: of their profile, or of emoji.
pub const ORG_CHANGES_AT_ONCE: u32 = 20;
/// And then so many in a second.
pub const ORG_CHANGES_PER_SECOND: f64 = 1.0 / 3.0;
/// Interactions that one user begins, or answers that one program gives to one user alone, at once.
pub const INTERACTIONS_AT_ONCE: u32 = 100;
/// And then so many in a second.
pub const INTERACTIONS_PER_SECOND: f64 = 5.0;
/// Users whose pace is known one by one; more share one.
pub const PACED_USERS_MAX: usize = 100_000;
/// Words of a query for people that count.
pub const PEOPLE_QUERY_WORDS_MAX: usize = 8;
/// Users committed since somebody asked for people last; with more, all are read anew.
pub const PEOPLE_NEWS_MAX: usize = 20_000;
/// Words looked at to find a page of people.
pub const PEOPLE_LOOKED_AT_MAX: usize = 20_000;
/// Steps of an account that are remembered, so that what was decided on them is decided again.
pub const STEPS_KEPT: u32 = 64;
/// Furthest ahead that a token is dated, so that it isn't taken for one that was ended in its second.
pub const ISSUED_AHEAD_MAX: Duration = Duration::from_secs(5);
/// Timers whose time has come that are carried out at once.
pub const TIMERS_AT_ONCE: usize = 64;
/// Whether timers' time has come is looked at this often.
pub const TIMERS_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// What can't be done at its time is tried again after this, in milliseconds.
pub const TIMER_AGAIN_MS: u64 = 30_000;
/// Groups that a message mentions are told person by person where they mean no more than that.
pub const GROUP_MEANT_MAX: usize = 100;
/// Whom a group means is looked for among so many people, of the room or of the group.
pub const GROUP_LOOKED_AT_MAX: usize = 1_000;
/// Most attachments of the messages that one event deletes.
pub const DELETED_ATTACHMENTS_MAX: usize = 500;
/// About the most bytes of what follows from one such event for those whom they mentioned.
pub const DELETED_MENTIONS_BYTES_MAX: usize = 40 * 1024;
/// What a legal hold held is held for so long after somebody ended it, in milliseconds: a day.
pub const HOLD_ENDS_AFTER_MS: u64 = 24 * 3600 * 1000;
/// Stretches of a room's log that a rule of retention goes through before other rooms have their turn.
pub const RETENTION_STRETCHES: usize = 8;
/// A rule of retention looks at a room this often at most, in milliseconds, and a hundredth of the age that
/// it allows in between.
pub const RETENTION_EVERY_MIN_MS: u64 = 1000;
/// The same, at least this often when something is due: an hour.
pub const RETENTION_EVERY_MAX_MS: u64 = 3600 * 1000;
/// Records that an erasure reads together.
pub const ERASURE_RECORDS: usize = 1024;
/// Rooms that an erasure leaves for the next time, at most; with more of them it stops.
pub const ERASURE_ROOMS_LEFT: usize = 100;
/// How often they are tried while all else can be written.
pub const ERASURE_ATTEMPTS: u32 = 10;
/// Senders of components whose own logs an erasure looks through, at most.
pub const ERASURE_PROGRAMS: usize = 1000;
/// Rows that an erasure writes together have at least so many bytes, and at most a row more.
pub const ERASURE_BATCH_BYTES: usize = 256 * 1024;
/// Reads after which an erasure remembers how far it is.
pub const ERASURE_STRETCHES: usize = 64;
/// Days, today included, within which somebody who came in is active.
pub const ACTIVE_DAYS: u64 = 30;
/// What organizations have is looked through at most this often.
pub const SURVEYED_EVERY: Duration = Duration::from_secs(10);
/// And no more often than that it takes one in so many parts of the time.
pub const SURVEY_SHARE: u32 = 50;
/// Copies of what was deleted while it was held that are looked at together.
pub const HELD_LOOKED_AT: usize = 100;
/// Bytes of a scheduled message, or of what somebody has begun to write: a list of one fits an answer.
pub const OWN_BYTES_MAX: usize = 32 * 1024;
/// No more of the time between two failed posts of a webhook counts as time in which it was tried.
pub const WEBHOOK_GAP_MAX: Duration = Duration::from_secs(2 * 3600);
/// Posts of one owner's webhooks under way at once.
pub const WEBHOOK_POSTS_OF_OWNER: usize = 8;
/// The same of one organization's.
pub const WEBHOOK_POSTS_OF_ORG: usize = 24;
/// What stops a webhook and can't be committed is tried again after this time.
pub const WEBHOOK_STOP_AGAIN: Duration = Duration::from_secs(1);
/// Stretches of logs that are looked at for one webhook before the next has its turn.
pub const WEBHOOK_LOOKS_A_TURN: usize = 4;
/// Stretches of logs that are looked at for all webhooks before what became of posts is heard.
pub const WEBHOOK_LOOKS_AT_ONCE: usize = 64;
/// Organizations whose refused words are in memory.
pub const FILTERS_CACHED_MAX: usize = 1000;
/// A report that is decided is kept so long, in milliseconds: ninety days.
pub const REPORT_KEPT_MS: u64 = 90 * 24 * 3600 * 1000;
/// Reports that a user makes in a second, in the long run.
pub const REPORTS_PER_SECOND: f64 = 0.2;
/// The same at once.
pub const REPORTS_AT_ONCE: u32 = 20;

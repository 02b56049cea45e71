//! Every bound of the protocol in one place. What Welcome announces is never less.

use std::time::Duration;

/// Largest frame on the control lane, in bytes.
pub const CONTROL_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest frame on the event lane, in bytes.
pub const EVENT_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Largest frame on a bulk lane, in bytes.
pub const BULK_FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Largest `LaneOpen`, in bytes.
pub const LANE_OPEN_BYTES_MAX: usize = 64;
/// Largest datagram, in bytes.
pub const DATAGRAM_BYTES_MAX: usize = 1000;
/// Largest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Largest resume token, in bytes.
pub const RESUME_BYTES_MAX: usize = 512;
/// Longest `agent` in a hello, in bytes.
pub const AGENT_BYTES_MAX: usize = 100;
/// Longest message of a goodbye, in bytes.
pub const GOODBYE_BYTES_MAX: usize = 1024;
/// Largest event body, in bytes.
pub const BODY_BYTES_MAX: usize = 60 * 1024;
/// Longest text of a message, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Most users one message mentions.
pub const MENTIONS_MAX: usize = 100;
/// Most attachments of one message.
pub const ATTACHMENTS_MAX: usize = 50;
/// Longest name of a file, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Longest description of an attachment, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 1024;
/// Longest media type, in bytes.
pub const MEDIA_TYPE_BYTES_MAX: usize = 127;
/// Most values of a waveform.
pub const WAVEFORM_MAX: usize = 128;
/// Most unfinished uploads of one user.
pub const UPLOADS_MAX: usize = 16;
/// Largest frame on a blob lane, in bytes; what isn't a frame has no bound but the file's.
pub const BLOB_FRAME_BYTES_MAX: usize = 4 * 1024;
/// Most emoji that one user puts to one message.
pub const REACTIONS_PER_USER_MAX: usize = 20;
/// Longest emoji, in bytes.
pub const REACTION_BYTES_MAX: usize = 64;
/// Most users named who replied last in a thread.
pub const THREAD_REPLIERS_MAX: usize = 5;
/// Most followed threads of one room in its digest.
pub const DIGEST_THREADS_MAX: usize = 50;
/// Longest heading under which a room is listed, in bytes.
pub const SECTION_BYTES_MAX: usize = 64;
/// Most words that notify like a mention.
pub const KEYWORDS_MAX: usize = 50;
/// Longest of them, in bytes.
pub const KEYWORD_BYTES_MAX: usize = 64;
/// Largest page of mentions.
pub const MENTION_PAGE_MAX: usize = 100;
/// Largest page of followed threads.
pub const THREAD_PAGE_MAX: usize = 100;
/// Most pinned messages of a room.
pub const PINS_PER_ROOM_MAX: usize = 100;
/// Fewest options of a poll.
pub const POLL_OPTIONS_MIN: usize = 2;
/// Most options of a poll.
pub const POLL_OPTIONS_MAX: usize = 20;
/// Longest question of a poll, in bytes.
pub const POLL_QUESTION_BYTES_MAX: usize = 500;
/// Longest text of an option, in bytes.
pub const POLL_OPTION_BYTES_MAX: usize = 200;
/// Most polls that one call asks for.
pub const POLLS_PER_CALL_MAX: usize = 100;
/// Largest page of voters.
pub const VOTER_PAGE_MAX: usize = 500;
/// Most links of a text that have a preview.
pub const LINK_PREVIEWS_MAX: usize = 3;
/// Longest link that has one, in bytes.
pub const LINK_BYTES_MAX: usize = 2048;
/// Longest title of a preview, in bytes.
pub const PREVIEW_TITLE_BYTES_MAX: usize = 300;
/// Longest description of a preview, in bytes.
pub const PREVIEW_DESCRIPTION_BYTES_MAX: usize = 600;
/// Longest name of a preview's site, in bytes.
pub const PREVIEW_SITE_NAME_BYTES_MAX: usize = 100;
/// Longest slow mode, in seconds.
pub const SLOW_MODE_S_MAX: u32 = 21_600;
/// Most users banned from a group.
pub const BANS_MAX: usize = 1000;
/// Largest page of open rooms.
pub const OPEN_ROOM_PAGE_MAX: usize = 100;
/// Most commands of one program.
pub const COMMANDS_MAX: usize = 50;
/// Longest name of a command, in bytes.
pub const COMMAND_NAME_BYTES_MAX: usize = 32;
/// Longest text of a command, in bytes.
pub const COMMAND_TEXT_BYTES_MAX: usize = 4 * 1024;
/// Most rows of components of one message, and components of one row.
pub const COMPONENT_ROWS_MAX: usize = 5;
/// Most options of a select.
pub const SELECT_OPTIONS_MAX: usize = 25;
/// An interaction is answered within this time.
pub const INTERACTION_FOR: Duration = Duration::from_secs(15 * 60);
/// Longest answer that only one user sees, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 8 * 1024;
/// Most emoji of one organization.
pub const EMOJI_MAX: usize = 2000;
/// Longest name of an emoji, in bytes.
pub const EMOJI_NAME_BYTES_MAX: usize = 32;
/// Largest picture of an emoji, in bytes.
pub const EMOJI_BYTES_MAX: u64 = 256 * 1024;
/// Widest and highest picture of an emoji, in pixels.
pub const EMOJI_PIXELS_MAX: u32 = 512;
/// Largest page of emoji.
pub const EMOJI_PAGE_MAX: usize = 200;
/// Widest and highest picture of a user or room, in pixels: whoever shows it has to unpack it.
pub const AVATAR_PIXELS_MAX: u32 = 4096;
/// Largest picture of a user or room, in bytes.
pub const AVATAR_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// Most users one user blocks.
pub const BLOCKED_MAX: usize = 1000;
/// Largest page of people.
pub const PEOPLE_PAGE_MAX: usize = 200;
/// Longest query for people, in bytes.
pub const PEOPLE_QUERY_BYTES_MAX: usize = 200;
/// Most messages one user saves.
pub const SAVED_MAX: usize = 1000;
/// Largest page of saved messages.
pub const SAVED_PAGE_MAX: usize = 200;
/// Longest name of a room, in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 200;
/// Most members added by one call.
pub const MEMBERS_PER_CALL_MAX: usize = 100;
/// Most members of a group.
pub const GROUP_MEMBERS_MAX: usize = 10_000;
/// Greatest `seq`: JavaScript counts exactly up to here. A greater one is nonsense.
pub const SEQ_MAX: u64 = (1 << 53) - 1;
/// Most users read by one call.
pub const USERS_PER_CALL_MAX: usize = 200;
/// Largest page of members.
pub const MEMBER_PAGE_MAX: usize = 500;
/// Largest page of a timeline.
pub const TIMELINE_PAGE_MAX: usize = 500;
/// Most calls of one connection in flight on the control lane.
pub const CALLS_IN_FLIGHT_MAX: usize = 256;
/// Most bulk lanes of one connection open at once.
pub const BULK_LANES_MAX: usize = 16;
/// Most rooms a focused connection subscribes to.
pub const SUBSCRIPTIONS_MAX: usize = 1000;
/// Longest subject or organization in a token, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 255;

/// Most sign-ins of one connection.
pub const SIGN_INS_MAX: usize = 3;
/// A sign-in is answered within this time.
pub const SIGN_IN_WITHIN: Duration = Duration::from_secs(15);
/// A login that isn't used for this time is over.
pub const LOGIN_UNUSED_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// Most logins of an account: with one more, the one that wasn't used for longest is over.
pub const LOGINS_MAX: usize = 100;
/// Shortest password, in bytes.
pub const PASSWORD_BYTES_MIN: usize = 10;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Longest code of a link or an invite, in bytes.
pub const CODE_BYTES_MAX: usize = 100;
/// After a sign-in with a link a password is set without the present one for this time.
pub const LINK_SETS_PASSWORD_FOR: Duration = Duration::from_secs(15 * 60);
/// How long a sign-in link is good unless said otherwise, in seconds.
pub const LINK_VALID_S: u32 = 24 * 3600;
/// How long a sign-in link is good at most, in seconds.
pub const LINK_VALID_S_MAX: u32 = 7 * 24 * 3600;
/// How long an invite is good unless said otherwise, in seconds.
pub const INVITE_VALID_S: u32 = 7 * 24 * 3600;
/// How long an invite is good at most, in seconds.
pub const INVITE_VALID_S_MAX: u32 = 365 * 24 * 3600;
/// How long a link or an invite is good at least, in seconds.
pub const CODE_VALID_S_MIN: u32 = 60;
/// How many may take one invite.
pub const INVITE_USES_MAX: u32 = 1000;
/// Most nodes an invite puts people into.
pub const INVITE_NODES_MAX: usize = 20;
/// Largest page of invites.
pub const INVITE_PAGE_MAX: usize = 20;
/// Most uses of one invite that are listed.
pub const INVITE_USES_LISTED_MAX: usize = 100;
/// Longest note of somebody who knocks, in bytes.
pub const KNOCK_NOTE_BYTES_MAX: usize = 500;
/// Most scopes of an account.
pub const ACCOUNT_SCOPES_MAX: usize = 20;
/// Longest scope, in bytes.
pub const SCOPE_BYTES_MAX: usize = 64;
/// Connections to a page of them.
pub const SESSION_PAGE_MAX: usize = 100;
/// Passkeys of an account.
pub const PASSKEYS_MAX: usize = 20;
/// What a user calls a passkey, in bytes.
pub const PASSKEY_NAME_BYTES_MAX: usize = 100;
/// The state of a question to a passkey, sealed, in bytes.
pub const PASSKEY_STATE_BYTES_MAX: usize = 400;
/// Largest page of accounts.
pub const ACCOUNT_PAGE_MAX: usize = 100;
/// Most keys of an account that are good.
pub const API_KEYS_MAX: usize = 20;
/// Most keys of an account that are remembered although they are no longer good.
pub const API_KEYS_PAST_MAX: usize = 20;
/// Longest name of a key, in bytes.
pub const API_KEY_NAME_BYTES_MAX: usize = 80;
/// How long a key is good at most, where that has an end, in seconds: ten years.
pub const API_KEY_VALID_S_MAX: u32 = 3650 * 24 * 3600;

/// Most changes of a directory in one call.
pub const DIRECTORY_CHANGES_MAX: usize = 1000;
/// Most memberships in a welcome.
pub const WELCOME_MEMBERSHIPS_MAX: usize = 100;
/// Scopes that a welcome tells of.
pub const WELCOME_SCOPES_MAX: usize = 50;
/// Most nodes above a node.
pub const NODE_DEPTH_MAX: usize = 16;
/// Longest key of a node, in bytes.
pub const NODE_KEY_BYTES_MAX: usize = 64;
/// Largest page of nodes or memberships.
pub const NODE_PAGE_MAX: usize = 200;
/// Longest topic of a room, in bytes.
pub const TOPIC_BYTES_MAX: usize = 1024;
/// Most overrides of a node or room.
pub const OVERRIDES_MAX: usize = 100;
/// Longest name of a role, in bytes.
pub const ROLE_BYTES_MAX: usize = 32;
/// Longest name or title in a profile, in bytes.
pub const PROFILE_NAME_BYTES_MAX: usize = 200;
/// Longest handle, in bytes.
pub const HANDLE_BYTES_MAX: usize = 32;
/// Most entries of an audit log read by one call.
pub const AUDIT_PAGE_MAX: usize = 50;

/// Longest text of a search, and of its phrases together, in bytes.
pub const SEARCH_TEXT_BYTES_MAX: usize = 512;
/// Most phrases of a search.
pub const SEARCH_PHRASES_MAX: usize = 8;
/// Most rooms a search names.
pub const SEARCH_ROOMS_MAX: usize = 100;
/// Most senders a search names.
pub const SEARCH_SENDERS_MAX: usize = 100;
/// Largest page of a search.
pub const SEARCH_PAGE_MAX: usize = 50;
/// Most parts of a text that a hit highlights.
pub const HIGHLIGHTS_MAX: usize = 64;

/// Most users whose presence one connection watches.
pub const PRESENCE_WATCHED_MAX: usize = 1000;
/// Most users added to those watched by one call.
pub const PRESENCE_WATCHED_PER_CALL_MAX: usize = 200;
/// Longest text of a status, in bytes.
pub const STATUS_BYTES_MAX: usize = 100;

/// Longest name of an application's event, in bytes.
pub const APP_NAME_BYTES_MAX: usize = 128;
/// Largest payload of an application's event, in bytes.
pub const APP_PAYLOAD_BYTES_MAX: usize = 48 * 1024;
/// Largest payload of an application's signal, in bytes.
pub const APP_SIGNAL_BYTES_MAX: usize = 8 * 1024;

/// Longest name of a hook, in bytes.
pub const HOOK_NAME_BYTES_MAX: usize = 80;
/// Most hooks of a room.
pub const HOOKS_PER_ROOM_MAX: usize = 20;

/// Most webhooks of a room, and of a service account.
pub const WEBHOOKS_MAX: usize = 20;
/// Longest address of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2048;
/// Most names of applications' events in a filter.
pub const FILTER_NAMES_MAX: usize = 20;

/// A client says hello within this time of the handshake's end.
pub const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// A reauthentication is answered within this time.
pub const REAUTH_WITHIN: Duration = Duration::from_secs(30);
/// How long a resume token outlives the token it came with.
pub const RESUME_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Most groups that one message mentions.
pub const MENTION_GROUPS_MAX: usize = 8;
/// Most intents of a hello.
pub const INTENTS_MAX: usize = 32;
/// How long a client_ref is remembered.
pub const REF_WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);
/// A client sends a ping after this much silence while in the foreground.
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// Padding of the ping of a client that has moved to another address, in bytes: so that the server
/// may send three times as much there before it knows that the client is there.
pub const MOVED_PADDING_BYTES: usize = 3_600;
/// An upload that was cut off can go on for this time, and a finished one is known by its id.
pub const UPLOAD_KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// What was uploaded, or claimed, can be sent for this time.
pub const CLAIM_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a link to an attachment, or for an upload, holds.
pub const LINK_FOR: Duration = Duration::from_secs(3600);
/// A typing notice is forgotten after this time.
pub const TYPING_FOR: Duration = Duration::from_secs(6);
/// What a connection has said of its activity holds for this time.
pub const PRESENCE_FOR: Duration = Duration::from_secs(90);
/// A client in the foreground says it again after this time: one that gets lost does no harm.
pub const PRESENCE_AGAIN_EVERY: Duration = Duration::from_secs(40);
/// A connection is told of presence at most this often.
pub const PRESENCE_TOLD_EVERY: Duration = Duration::from_millis(250);
/// Most messages one user has scheduled.
pub const SCHEDULED_MAX: usize = 100;
/// Most reminders of one user.
pub const REMINDERS_MAX: usize = 500;
/// Most messages one user has begun to write.
pub const DRAFTS_MAX: usize = 200;
/// Longest text of a reminder.
pub const REMINDER_TEXT_BYTES_MAX: usize = 1024;
/// Furthest ahead that messages are scheduled and reminders set.
pub const AHEAD_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
/// Shortest time after which messages are deleted by themselves, in seconds.
pub const MESSAGE_EXPIRY_S_MIN: u32 = 5;
/// Longest time after which messages are deleted by themselves, in seconds.
pub const MESSAGE_EXPIRY_S_MAX: u32 = 365 * 24 * 3600;
/// Shortest time for which a rule of retention keeps messages, in seconds.
pub const RETENTION_S_MIN: u32 = 5;
/// Longest time for which a rule of retention keeps messages unless for ever, in seconds: ten years.
pub const RETENTION_S_MAX: u32 = 10 * 365 * 24 * 3600;
/// Most rules of retention of one organization.
pub const RETENTION_RULES_MAX: usize = 10_000;
/// Largest page of rules of retention.
pub const RETENTION_PAGE_MAX: usize = 500;
/// Largest page of erasures.
pub const ERASURE_PAGE_MAX: usize = 500;
/// Most legal holds of one organization.
pub const LEGAL_HOLDS_MAX: usize = 1000;
/// Longest reason of a legal hold, in bytes.
pub const HOLD_REASON_BYTES_MAX: usize = 500;
/// Most messages that one event deletes.
pub const DELETED_AT_ONCE_MAX: usize = 256;
/// Bytes of what somebody says to a report.
pub const REPORT_NOTE_BYTES_MAX: usize = 1000;
/// Most reports of one user that aren't decided.
pub const REPORTS_OPEN_MAX: usize = 100;
/// Largest page of reports.
pub const REPORT_PAGE_MAX: usize = 100;
/// Most words that an organization refuses.
pub const FILTER_WORDS_MAX: usize = 1000;
/// Bytes of one of them.
pub const FILTER_WORD_BYTES_MAX: usize = 100;
/// Bytes of all of them together.
pub const FILTER_BYTES_MAX: usize = 32 * 1024;
/// Words of a phrase that is refused.
pub const FILTER_PHRASE_WORDS_MAX: usize = 10;
/// Most such phrases that begin with the same word.
pub const FILTER_PHRASES_ALIKE_MAX: usize = 20;

//! The catalogue of tables: every name and number in one place, retired ones included.

/// A table of the store, by its stable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(u8);

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $text:literal;)*) => {
        impl Table {
            $($(#[$doc])* pub const $name: Table = Table($id);)*

            /// Every table in use.
            pub const ALL: &'static [Table] = &[$(Table::$name),*];

            /// The stable name, as `parlour storage` prints it.
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($id => $text,)*
                    _ => "unknown",
                }
            }
        }
    };
}

tables! {
    /// room ‖ sender ‖ client_ref -> seq, body hash, at_ms. Kept thirty days.
    SENDS = 1, "sends";
    /// room -> the room's record (kind, organization, name, creator).
    ROOMS = 2, "rooms";
    /// room ‖ user -> the member's record.
    MEMBERS = 3, "members";
    /// room ‖ sender -> seq, msg_no, bcast_no of that sender's last message.
    LAST_SENT = 4, "last_sent";
    /// room ‖ target seq ‖ seq -> kind: what edits, deletes or pins which message.
    AMENDMENTS = 5, "amendments";
    /// room ‖ seq of a deleted message -> whether it was to everyone, or in a thread: corrects unread
    /// counts.
    DELETED = 6, "deleted";
    /// room ‖ seq -> what must follow elsewhere, at least once.
    OUTBOX = 7, "outbox";
    /// user ‖ room -> nothing: the rooms a user is in.
    USER_ROOMS = 8, "user_rooms";
    /// user ‖ room -> the read marker.
    MARKERS = 9, "markers";
    /// user ‖ room ‖ seq -> nothing: messages that mention the user.
    MENTIONS = 10, "mentions";
    /// room ‖ seq -> users: whom the groups of a message mean, where that are few. Written with the room.
    MEANT = 61, "meant";
    /// user ‖ room ‖ seq ‖ kind -> nothing: outbox rows already carried out.
    DELIVERED = 11, "delivered";
    /// org ‖ user -> subject, name and profile.
    USERS = 12, "users";
    /// org ‖ kind ‖ id -> not-before, and until when it counts: revoked users, sessions and tokens.
    REVOKED = 13, "revoked";
    /// nothing -> the floor under the log's time, kept over restarts.
    LOG_TIME = 14, "log_time";
    /// org ‖ node -> the node's record.
    NODES = 15, "nodes";
    /// org ‖ node ‖ user -> the user's role in it.
    MEMBERSHIPS = 16, "memberships";
    /// org ‖ seq ‖ part -> what must follow from a change of the directory, at least once.
    DIRECTORY_OUTBOX = 17, "directory_outbox";
    /// user ‖ room -> nothing: rooms of the directory that the user's own log says they are in.
    TOLD_ROOMS = 18, "told_rooms";
    /// room ‖ org's seq ‖ kind -> nothing: changes of the directory that the room's log has.
    NOTICED = 19, "noticed";
    /// org ‖ handle -> the user who has it.
    HANDLES = 20, "handles";
    /// room ‖ target seq ‖ user ‖ emoji ‖ seq -> whether it is there or taken off.
    REACTIONS = 21, "reactions";
    /// room ‖ root seq -> the thread under that message.
    THREADS = 30, "threads";
    /// room ‖ root seq ‖ number of the reply -> its seq.
    THREAD_LOG = 31, "thread_log";
    /// room ‖ root seq ‖ user -> seq and number of that user's last reply.
    THREAD_SENT = 32, "thread_sent";
    /// room ‖ root seq ‖ seq of a deleted reply -> nothing: corrects unread counts.
    THREAD_DELETED = 33, "thread_deleted";
    /// user ‖ room ‖ root seq -> nothing: the threads a user follows.
    THREAD_FOLLOWS = 34, "thread_follows";
    /// user ‖ room ‖ root seq -> the read marker.
    THREAD_MARKERS = 35, "thread_markers";
    /// user ‖ room -> what the user wants of the room.
    ROOM_SETTINGS = 37, "room_settings";
    /// user ‖ time ‖ room ‖ seq -> nothing: messages that mention the user, in order.
    INBOX = 39, "inbox";
    /// user -> what the user wants everywhere.
    SETTINGS = 38, "settings";
    /// user ‖ room ‖ root seq ‖ seq -> nothing: replies that mention the user.
    THREAD_MENTIONS = 36, "thread_mentions";
    /// room ‖ target seq -> the pin's event: the messages that are pinned now, deleted ones never.
    PINS = 40, "pins";
    /// org ‖ room -> nothing: the groups that are open. Written with the room.
    OPEN_ROOMS = 46, "open_rooms";
    /// user ‖ number of the change -> what the user has set about their presence. The newest counts.
    STATUS = 44, "status";
    /// user -> about when they were there last.
    LAST_SEEN = 45, "last_seen";
    /// user ‖ room ‖ seq -> the event that saved it: messages that the user keeps for themselves.
    SAVED = 42, "saved";
    /// org ‖ hash -> what is known of an attachment's bytes.
    BLOBS = 50, "blobs";
    /// user ‖ upload -> what a finished upload became. Kept a day.
    UPLOADS = 51, "uploads";
    /// user ‖ hash -> since when the user may send it. Kept seven days.
    BLOB_CLAIMS = 52, "blob_claims";
    /// org ‖ hash ‖ room ‖ seq -> nothing: messages that carry it. Written with the room.
    BLOB_USES = 53, "blob_uses";
    /// org ‖ hash ‖ time ‖ user -> nothing: when to look whether it is still used. Also written with rooms.
    BLOB_DUE = 54, "blob_due";
    /// org ‖ user -> the account: name, password, what its tokens allow.
    ACCOUNTS = 55, "accounts";
    /// org ‖ user ‖ login -> where somebody is signed in.
    LOGINS = 56, "logins";
    /// org ‖ hash of a code -> the account or the invite it is for.
    CODES = 57, "codes";
    /// org ‖ hash of a code -> the login that was made with it; org ‖ hash of login and secret -> the login.
    CODES_SPENT = 58, "codes_spent";
    /// org ‖ invite -> the invite.
    INVITES = 59, "invites";
    /// org ‖ invite ‖ user -> who took it, and what became of it.
    INVITE_USES = 65, "invite_uses";
    /// org ‖ user ‖ step -> nothing: the account isn't as it was at that step any more.
    ACCOUNT_STEPS = 66, "account_steps";
    /// room ‖ target seq -> the rules of a message's poll, and what was chosen so far.
    POLLS = 85, "polls";
    /// room ‖ target seq ‖ user ‖ number -> what that user has chosen. Only the last one isn't empty.
    POLL_VOTES = 86, "poll_votes";
    /// org ‖ user ‖ key -> a key of a program's account: name, what it allows, a hash of its secret.
    API_KEYS = 70, "api_keys";
    /// room or account ‖ webhook -> where to and what, and its secret, sealed. Written with the room or the
    /// organization, as are those below.
    WEBHOOKS = 71, "webhooks";
    /// room or account ‖ webhook -> whether it posts, and since when nothing is taken.
    WEBHOOK_STATES = 72, "webhook_states";
    /// room or account ‖ webhook ‖ room -> up to where it has posted.
    WEBHOOK_MARKS = 73, "webhook_marks";
    /// room or account ‖ webhook ‖ epoch -> nothing: that life of it is over.
    WEBHOOK_STEPS = 74, "webhook_steps";
    /// room ‖ hook -> its name, its user and a hash of its secret.
    HOOKS = 60, "hooks";
    /// time ‖ kind ‖ user ‖ id -> org: what is to be done for a user then. Written with the user.
    TIMERS = 80, "timers";
    /// user ‖ id -> a message to send at its time.
    SCHEDULED = 81, "scheduled";
    /// user ‖ id -> a reminder.
    REMINDERS = 82, "reminders";
    /// user ‖ room ‖ root seq -> what the user has begun to write.
    DRAFTS = 83, "drafts";
    /// time ‖ room ‖ seq -> org: messages that are deleted by themselves then. Written with the room.
    EXPIRING = 84, "expiring";
    /// org ‖ user ‖ SHA-256 of a credential's id -> a passkey.
    PASSKEYS = 97, "passkeys";
    /// room -> what is set of a node's room. Written with the room.
    NODE_ROOMS = 99, "node_rooms";
    /// SHA-256 of a credential's id -> org ‖ user: whose passkey it is. Written with the organization.
    PASSKEY_OWNERS = 98, "passkey_owners";
    /// user ‖ user -> nothing: of whom the first wants to hear nothing.
    BLOCKS = 92, "blocks";
    /// org ‖ name -> an emoji of the organization.
    EMOJI = 93, "emoji";
    /// org ‖ hash ‖ kind ‖ what -> nothing: pictures that everyone in the organization may see.
    PICTURES = 94, "pictures";
    /// room ‖ target seq -> nothing: messages that have no link previews any more.
    PREVIEWS_HIDDEN = 90, "previews_hidden";
    /// org ‖ program -> the commands it takes.
    COMMANDS = 95, "commands";
    /// program ‖ user ‖ client_ref -> when, and what: interactions it was told of. Kept a day.
    INTERACTIONS = 96, "interactions";
    /// org ‖ room, or zeros for all others -> how long messages are kept.
    RETENTION = 110, "retention";
    /// room -> up to where the rule of retention has gone through its log. Written with the room.
    RETAINED = 111, "retained";
    /// org ‖ kind ‖ room or user -> a legal hold.
    HOLDS = 112, "holds";
    /// org ‖ room ‖ seq -> the record as it was before it was deleted, while it is held. Written with the
    /// room.
    HELD = 113, "held";
    /// org ‖ 0 for open or 1 for decided ‖ report -> a report of a message.
    REPORTS = 121, "reports";
    /// org ‖ reporter ‖ room ‖ seq -> their report of it that isn't decided.
    REPORTED = 122, "reported";
    /// org -> words that messages may not have.
    FILTERS = 123, "filters";
    /// org ‖ user -> who was erased, and how far that is.
    ERASURES = 120, "erasures";
    /// org -> how much it may have, where that isn't as the server is configured.
    QUOTAS = 114, "quotas";
    /// org ‖ user -> the number of the day on which they came in last.
    CAME_IN = 115, "came_in";
    /// user ‖ id -> nothing: scheduled messages that are sent or taken back. Kept thirty days.
    SCHEDULED_ENDS = 87, "scheduled_ends";
}

impl Table {
    /// The stable number, as stored.
    pub fn id(self) -> u8 {
        self.0
    }

    /// The table with this number, if it is in use.
    pub fn from_id(id: u8) -> Option<Self> {
        Table::ALL.iter().copied().find(|table| table.0 == id)
    }
}

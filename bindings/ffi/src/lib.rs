//! The Rust client as other languages call it: objects, records and errors that uniffi can carry,
//! and nothing else. How things work is the client's; what is idiomatic is the other language's.
//!
//! Every asynchronous function runs on a runtime of this crate's own, and dropping its future, as
//! a language does that cancels, ends it there. Events and lists are pulled: nothing here calls
//! into another language but to say that a future may be looked at again.

mod client;
mod connect;
mod errors;
mod events;
mod files;
mod ids;
mod logs;
mod message;
mod news;
mod presence;
mod pull;
mod room;
mod rooms;
mod runtime;
mod search;
mod state;
mod thread;
mod timeline;
mod token;

pub use client::{Client, User, UserChanges};
pub use connect::{Options, Trust, connect, start};
pub use errors::{
    CallError, ConnectError, HistoryError, QueueError, Refusal, Retry, SearchError, TransferError,
    Violation, WatchError,
};
pub use events::{Event, Events};
pub use files::{Attachment, FileSource, Progress, Upload};
pub use logs::{LogLevel, LogLine, Logs, logs};
pub use message::{
    Delivery, Draft, Item, LinkPreview, Message, MessageInfo, Notice, Reaction, Sent, ThreadSummary,
};
pub use news::{Notification, Notifications};
pub use presence::{
    Activity, Availability, Presence, PresenceDiff, PresenceList, Status, UserPresence,
};
pub use room::Room;
pub use rooms::{RoomInfo, RoomList, RoomListDiff};
pub use runtime::shutdown;
pub use search::{Found, Hit, Search};
pub use state::{State, States, close_code_name};
pub use thread::{FollowedThread, Thread};
pub use timeline::{Timeline, TimelineDiff};
pub use token::{TokenRequest, TokenSource};

uniffi::setup_scaffolding!();

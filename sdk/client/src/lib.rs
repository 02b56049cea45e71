//! Parlour for Rust applications: connect, send, receive, and stay in step through bad networks.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use futures_util::StreamExt;
//! use parlour::Client;
//!
//! let client = Client::builder().address("chat.example:4433").token("...").connect().await?;
//! let room = client.open_direct("bob").await?;
//! room.send("Hello").await?;
//! let mut timeline = room.timeline().await?;
//! while let Some(diff) = timeline.next().await {
//!     println!("{diff:?}");
//! }
//! # Ok(()) }
//! ```

pub mod access;
mod account;
mod apps;
mod builder;
mod carrier;
mod client;
pub mod directory;
mod drafts;
mod driver;
mod edits;
mod environment;
mod error;
mod handle;
pub mod interactions;
pub mod limits;
mod mentions;
mod message;
mod observe;
mod own;
mod people;
mod pictures;
mod pins;
mod polls;
pub mod presence;
mod previews;
mod private_room;
mod profile;
mod read_all;
mod receipts;
mod reminders;
mod reports;
mod retention;
mod room;
mod room_life;
mod room_list;
mod saved;
mod schedule;
mod search;
mod service_accounts;
mod settings;
mod sign_in;
mod sqlite;
mod state;
mod thread;
mod timeline;
mod token;
mod transfer;
mod transport;
mod trust;
mod undo;
mod usage;
mod users;
mod webhooks;

pub use account::{Account, Login};
pub use apps::{AppEvent, AppEvents, AppReceived};
pub use builder::{Builder, Cache, Focus, Intent};
pub use client::{BlobHash, Client, ClientRef, LogEvent, RoomEvents, RoomId, User, UserId, Who};
pub use directory::Directory;
pub use drafts::{Begun, Drafts};
pub use driver::Sent;
pub use edits::Version;
pub use environment::{Clock, Entropy, SocketFactory};
pub use error::{
    CallError, ConnectError, Distrust, HistoryError, PageError, QueueError, SendError, Stop,
    WatchError,
};
pub use mentions::{Mention, Mentions};
pub use message::{Delivery, Item, LinkPreview, Message, Notice, Place, Reaction, ThreadSummary};
pub use own::{OwnChange, OwnChanges};
pub use parlour_protocol::{self as protocol, moderation::ReportReason, room::RoomKind};
pub use parlour_sdk_core::{
    Now,
    attachment::Attachment,
    cache::{Cache as CachePort, MemoryCache},
    diff::Diff,
    reconnect::End,
};
pub use people::{People, PeopleCursor, PeoplePage, UserChanges};
pub use pictures::{Emoji, Emojis};
pub use pins::Pin;
pub use polls::{NewPoll, Poll, PollOption, Tally, Voter};
pub use presence::Presence;
pub use private_room::PrivateNotice;
pub use profile::{Profile, ProfileChange};
pub use receipts::{Receipt, Receipts};
pub use reminders::{Reminder, Reminders};
pub use room::{Draft, MembersCursor, MembersPage, QueuedSend, Room, RoomSummary};
pub use room_life::OpenRoom;
pub use room_list::RoomList;
pub use saved::{Saved, SavedMessage};
pub use schedule::{Schedule, ScheduleError, Scheduled, ScheduledFate, ScheduledState};
pub use search::{Found, Hit, Search, SearchError, TypedError};
pub use service_accounts::{ApiKey, ApiKeySecret, NewApiKey, NewServiceAccount, ServiceAccounts};
pub use settings::{Level, Notification, Notifications, Reason, RoomSettings, Settings};
pub use sign_in::{LinkError, SignIn, SignInLink};
pub use sqlite::SqliteCache;
pub use state::State;
pub use thread::{FollowedThread, Thread};
pub use timeline::Timeline;
pub use token::{NoToken, Token};
pub use transfer::{Download, Source, TransferError, Upload};
pub use trust::Trust;
pub use usage::{Quotas, Usage};
pub use webhooks::{
    EventFilter, EventGroup, NewWebhook, Webhook, WebhookSecret, WebhookState, Webhooks,
};

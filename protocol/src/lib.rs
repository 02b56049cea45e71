//! Parlour's wire protocol, version 1: messages, frames, ids, errors and limits.
//!
//! `PROTOCOL.md` is the contract; this crate is its Rust form. It holds no socket, no clock and
//! no randomness.

pub mod error;
pub mod event;
pub mod frame;
pub mod generated;
pub mod ids;
pub mod limits;

/// Messages as prost makes them, by package.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::too_many_lines)]
mod messages {
    include!(concat!(env!("OUT_DIR"), "/messages.rs"));
}

pub use messages::parlour::{
    access::v1 as access, account::v1 as account, app::v1 as app, blob::v1 as blob,
    compliance::v1 as compliance, directory::v1 as directory, draft::v1 as draft,
    emoji::v1 as emoji, health::v1 as health, hook::v1 as hook, inbox::v1 as inbox,
    interaction::v1 as interaction, marker::v1 as marker, message::v1 as message,
    moderation::v1 as moderation, people::v1 as people, pin::v1 as pin, poll::v1 as poll,
    presence::v1 as presence, preview::v1 as preview, quota::v1 as quota, reaction::v1 as reaction,
    receipt::v1 as receipt, reminder::v1 as reminder, room::v1 as room, saved::v1 as saved,
    schedule::v1 as schedule, search::v1 as search, session::v1 as session,
    settings::v1 as settings, sync::v1 as sync, thread::v1 as thread, typing::v1 as typing,
    user::v1 as user, webhook::v1 as webhook, wire::v1 as wire,
};
pub use prost;

/// The ALPN of native connections.
pub const ALPN: &[u8] = b"parlour/1";

/// The newest revision this crate speaks, and the oldest.
pub const REV_MAX: u32 = 1;
/// The oldest revision this crate speaks.
pub const REV_MIN: u32 = 1;

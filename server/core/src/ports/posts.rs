//! Posting: what the core needs of whoever carries events to addresses outside.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::ids::{RoomId, WebhookId};

use super::Task;
use crate::shown::shows;

/// An event on its way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// Which webhook's.
    pub webhook: WebhookId,
    /// Where to.
    pub url: Arc<str>,
    /// What it is signed with.
    pub secret: Arc<[u8]>,
    /// The event's room.
    pub room: RoomId,
    /// Its place in the room's log: with webhook and room its name, the same each time it is tried.
    pub seq: u64,
    /// The event, as it is stored.
    pub event: Bytes,
}

shows! { Post { webhook, room, seq } }

/// Why a post wasn't taken.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The name has no address.
    #[error("the name has no address")]
    NoAddress,
    /// Nothing is posted to where it leads.
    #[error("the address is not allowed")]
    NotAllowed,
    /// Nobody answers there.
    #[error("nobody answers there")]
    Unreachable,
    /// The certificate isn't right.
    #[error("tls fails")]
    Tls,
    /// No answer came in time.
    #[error("no answer in time")]
    TooSlow,
    /// What came isn't HTTP.
    #[error("the answer is not http")]
    NotHttp,
    /// It was answered with this status, and maybe with a wish when to come again, in milliseconds.
    #[error("answered with {0}")]
    Status(u16, Option<u64>),
    /// The event can't be written as JSON: trying again doesn't help.
    #[error("the event can't be written")]
    Unwritable,
}

/// Posts events, and says where they may go.
pub trait Poster: Send + Sync + 'static {
    /// What is wrong with an address, as far as that can be seen.
    fn check(&self, url: &str) -> Result<(), &'static str>;

    /// Posts an event and waits until it is taken.
    fn post(&self, post: Post) -> Task<'static, Result<(), PostError>>;

    /// For how long nothing may be taken before a webhook is stopped, in milliseconds.
    fn give_up_after_ms(&self) -> u64;
}

//! A draft on its way to the hub, and who is told what became of it.

use std::{any::Any, fmt, sync::Arc};

use bytes::Bytes;
use parlour_protocol::wire::Error;

use super::{Committed, Draft, Refused};
use crate::{chain::Link, shown::shows};

/// Which connection: an index that is used again, and a count that tells the uses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Place in the table of connections.
    pub index: u32,
    /// Which use of that place.
    pub use_no: u32,
}

/// Makes the answer's bytes out of where the draft ended up.
pub type AnswerOf = Box<dyn FnOnce(&Committed) -> Bytes + Send>;
/// Hears what became of a draft.
pub type Callback = Box<dyn FnOnce(Result<Committed, Refused>) + Send>;

/// Who is told what became of a draft.
pub enum Then {
    /// The connection's control lane is answered.
    Reply {
        /// Which connection.
        conn: ConnId,
        /// Which of its calls.
        call: u64,
        /// The call itself, in case its handler has to run again.
        again: Again,
        /// The answer.
        answer: AnswerOf,
    },
    /// A function is called, from within the hub: it must be short.
    Callback(Callback),
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Then::Reply { conn, call, .. } => write!(f, "Reply({conn:?}, {call})"),
            Then::Callback(_) => f.write_str("Callback"),
        }
    }
}

/// Who hears that a call of a connection was refused by the hub, beside whoever made it. Every other end
/// of a call is known where it is run. Called from within the hub: it must be short.
pub trait Follow: Any + Send + Sync {
    /// It was refused, and isn't run again.
    fn handle_refused(&self, error: &Error);
}

/// A call as it came, to be run again when the room changed under it.
#[derive(Clone)]
pub struct Again {
    /// The method's number.
    pub method: u32,
    /// The request.
    pub body: Bytes,
    /// How often it was run again already.
    pub times: u32,
    /// Whether the store takes nothing new: only what is known already is answered.
    pub takes_nothing: bool,
    /// Its place in a chain of calls.
    pub chain: Option<Link>,
    /// Who follows it, over all times it is run.
    pub follower: Option<Arc<dyn Follow>>,
}

shows! { Again { method, times, takes_nothing } }

impl Again {
    /// A call that runs for the first time.
    pub fn first(method: u32, body: Bytes, chain: Option<Link>) -> Self {
        Again { method, body, times: 0, takes_nothing: false, chain, follower: None }
    }

    /// Whether a call before it in its chain was refused.
    pub fn is_chain_broken(&self) -> bool {
        self.chain.as_ref().is_some_and(Link::is_broken)
    }

    /// It is refused, and with it what is behind it in its chain.
    pub fn break_chain(&self) {
        if let Some(link) = &self.chain {
            link.break_chain();
        }
    }
}

/// A draft on its way to the hub.
#[derive(Debug)]
pub struct Submission {
    /// What to commit.
    pub draft: Draft,
    /// Who is told.
    pub then: Then,
}

/// The way to the hub.
pub trait Submit: Send + Sync {
    /// Hands over a draft; its `then` is told what became of it.
    fn submit(&self, submission: Submission);
}

//! What `build.rs` makes of `proto/`, and the few types it leans on.

use std::{fmt, future::Future};

use bytes::Bytes;

/// The lane a method travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The ordered control lane.
    Control,
    /// A lane per call, answered by items.
    Bulk,
}

/// A method as the proto declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The number on the wire.
    pub id: u32,
    /// `package.Service.Method`.
    pub name: &'static str,
    /// Where it travels.
    pub lane: Lane,
    /// The token scope it needs; empty for none.
    pub scope: &'static str,
    /// Whether it is about the connection it is made on, and means nothing without one.
    pub needs_connection: bool,
}

/// The method with that number.
pub fn method(id: u32) -> Option<&'static Method> {
    METHODS.binary_search_by_key(&id, |m| m.id).ok().map(|i| &METHODS[i])
}

/// A method as a type: what goes in, what comes out.
pub trait Rpc {
    /// The request message.
    type Request: prost::Message + Default + Send + 'static;
    /// The response message, or one item of it.
    type Response: prost::Message + Default + Send + 'static;
    /// The table entry.
    const METHOD: Method;
}

/// A method of the control lane.
pub trait ControlRpc: Rpc {}

/// A method with a bulk lane of its own.
pub trait BulkRpc: Rpc {}

/// What a server brings to the generated service traits.
pub trait Kit: Sized + 'static {
    /// What a handler may read and ask.
    type Context: Send;
    /// What a control handler returns on success.
    type Answer<R: prost::Message + Default + Send + 'static>: Send;
    /// An answer with its type forgotten.
    type Reply: Send;
    /// Where a bulk handler puts its items.
    type Sink<R: prost::Message + Default + Send + 'static>: Send;
    /// A sink before it knows its type.
    type RawSink: Send;
    /// Why a handler refuses.
    type Error: Send;

    /// Forgets the type of an answer.
    fn reply<R: prost::Message + Default + Send + 'static>(answer: Self::Answer<R>) -> Self::Reply;
    /// Gives a sink its type.
    fn sink<R: prost::Message + Default + Send + 'static>(raw: Self::RawSink) -> Self::Sink<R>;
    /// The request isn't a valid message.
    fn malformed() -> Self::Error;
    /// No such method on this lane.
    fn unknown_method() -> Self::Error;
}

/// Which log an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventLog {
    /// A room's.
    Room,
    /// A user's own.
    User,
    /// None: it may be lost.
    Ephemeral,
    /// An organization's.
    Org,
}

/// An event kind as the proto declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRule {
    /// The number on the wire.
    pub kind: u32,
    /// The message's name.
    pub name: &'static str,
    /// Where it is kept.
    pub log: EventLog,
    /// Whether it counts as an unread message.
    pub countable: bool,
}

/// The rule of an event kind.
pub fn event_rule(kind: u32) -> Option<&'static EventRule> {
    EVENT_RULES.binary_search_by_key(&kind, |rule| rule.kind).ok().map(|i| &EVENT_RULES[i])
}

/// A message that is the body of an event.
pub trait EventMessage: prost::Message + Default {
    /// The registry entry.
    const RULE: EventRule;
}

/// Bytes whose `Debug` shows only their length.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hidden(pub Bytes);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

/// The length of what isn't shown.
fn format_bytes(len: usize) -> impl fmt::Debug {
    struct Bytes(usize);
    impl fmt::Debug for Bytes {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "<{} bytes>", self.0)
        }
    }
    Bytes(len)
}

include!(concat!(env!("OUT_DIR"), "/methods.rs"));
include!(concat!(env!("OUT_DIR"), "/events.rs"));
include!(concat!(env!("OUT_DIR"), "/debug.rs"));

/// The whole contract as a `google.protobuf.FileDescriptorSet`, our options included.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/parlour.binpb"));

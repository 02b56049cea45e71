//! Parlour's client as state machines: no socket, no clock, no randomness, no task. Bytes, time
//! and entropy are arguments; what is to be done comes out as values. `sdk/client` drives it.

pub mod attachment;
pub mod cache;
pub mod connection;
pub mod counts;
pub mod diff;
pub mod engine;
pub mod event;
pub mod lanes;
pub mod limits;
pub mod outbox;
pub mod polls;
pub mod presence;
pub mod reconnect;
pub mod rooms;
pub mod search;
pub mod settings;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod timeline;

pub use time::Now;

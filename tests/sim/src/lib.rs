//! Server and SDK in simulated time: real QUIC and TLS over a network in memory that loses,
//! delays, reorders and partitions, a store and caches that fail, servers and clients that crash. All of
//! it follows from one seed, so that every failure can be played again.

pub mod cache;
mod calm;
pub mod check;
pub mod host;
pub mod net;
pub mod rng;
pub mod server;
pub mod store;
pub mod world;

pub use cache::Kept;
pub use world::{Outcome, run};

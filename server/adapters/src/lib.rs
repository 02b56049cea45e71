//! Stores behind the [`Store`](parlour_core::ports::store::Store) port: in memory, over sled and
//! over redb, with the conformance suite that each of them runs. The index behind the port of searches is
//! here only in memory, for tests, with the suite that every one of them runs.

pub mod any;
pub mod conformance;
pub mod kv;
pub mod limits;
pub mod maintenance;
pub mod memory;
mod options;
pub mod redb;
pub mod search;
pub mod sled;

pub use any::Kind;
pub use kv::Kv;
pub use memory::Memory;
pub use options::{OpenError, Options};
pub use redb::Redb;
pub use sled::Sled;

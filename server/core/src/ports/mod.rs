//! The ports: what the core needs from the world, as traits. Adapters implement them; a port
//! knows no feature, so a new feature never edits an adapter.

pub mod accounts;
pub mod auth;
pub mod blobs;
pub mod clock;
pub mod health;
pub mod passkeys;
pub mod posts;
pub mod seal;
pub mod search;
pub mod store;

use std::{future::Future, pin::Pin};

/// A boxed future, so that ports can be used behind `dyn`.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

//! The Parlour server as a library: configuration, keys, tokens, TLS, QUIC, HTTP and shutdown
//! around the core. The binary `parlour` is its command line.

pub mod accounts;
pub mod acme;
pub mod admin;
mod attachments;
pub mod auth;
pub mod backup;
mod calls;
pub mod clock;
pub mod config;
pub mod data;
mod erasing;
pub mod export;
pub mod http;
mod json;
pub mod keys;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod openapi;
pub mod outside;
mod passkeys;
mod previews;
pub mod quic;
mod retention;
pub mod revocation;
pub mod seal;
mod search;
pub mod server;
mod timers;
pub mod tls;
pub mod traces;
pub mod web;
mod webhooks;

pub use config::Config;
pub use server::{Server, StartError};

//! The Parlour server as a library: configuration, keys, tokens, TLS, QUIC, HTTP and shutdown
//! around the core. The binary `parlour` is its command line.

pub mod auth;
pub mod config;
pub mod limits;

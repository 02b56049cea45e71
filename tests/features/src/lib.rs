//! What tests from outside the process are made of: a real server, clients that speak the bare
//! protocol, and clients that speak it wrongly. Whatever goes wrong in here ends the test.

pub mod authenticator;
pub mod binary;
pub mod collector;
pub mod disk;
pub mod garble;
pub mod http;
pub mod pebble;
pub mod png;
pub mod provider;
pub mod random;
pub mod raw;
pub mod relay;
pub mod s3;
pub mod server;
pub mod site;
pub mod token;
pub mod world;

//! Parlour's server without sockets, disks, clocks and threads: sessions, features, the
//! pipeline and the fan-out. Time, bytes and entropy are arguments.

pub mod admission;
pub mod chain;
pub mod draft;
pub mod effects;
pub mod features;
pub mod hub;
pub mod identity;
pub mod kit;
pub mod limits;
pub mod log_time;
pub mod node;
pub mod ports;
pub mod records;
pub mod rooms;
pub mod session;
pub mod tables;
pub mod unread;
pub mod users;

//! Parlour's server without sockets, disks, clocks and threads: sessions, features, the
//! pipeline and the fan-out. Time, bytes and entropy are arguments.

pub mod access;
pub mod accounts;
mod address;
pub mod admission;
pub mod blobs;
pub mod chain;
pub mod directory;
pub mod done;
pub mod draft;
pub mod effects;
mod emoji;
pub mod features;
mod groups;
pub mod hooks;
pub mod hub;
pub mod identity;
pub mod introduction;
pub mod kit;
pub mod limits;
pub mod log_time;
mod mentions;
mod messages;
pub mod node;
mod pages;
pub mod ports;
pub mod presence;
pub mod records;
pub mod rooms;
pub mod search;
pub mod session;
pub mod settings;
pub mod tables;
pub mod threads;
pub mod told;
pub mod unread;
pub mod users;

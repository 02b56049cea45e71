//! Parlour's server without sockets, disks, clocks and threads: sessions, features, the
//! pipeline and the fan-out. Time, bytes and entropy are arguments.

pub mod ports;
pub mod tables;

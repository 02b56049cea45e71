//! Congestion control (RFC 9002 section 7) for conversations: much of what is said is small, and
//! what is said into a lossy radio cell must not wait as if the cell were full. Servers and clients
//! use the same.

mod floored;

pub use floored::FlooredConfig;

//! QUIC for a server with many connections that each say little: quinn-proto's machine (RFC 9000,
//! 9001, 9002, 9221), and one driver for all connections instead of a task, a timer and a channel
//! each.
//!
//! Three things differ from the `quinn` crate, whose sockets this one uses:
//! - One task receives for all, and drives whom a packet or a deadline concerns.
//! - Whoever writes to many connections drives them on the spot ([`Connection::drive`]), while they
//!   are in the processor's cache; others ([`SendStream::write_chunk`]) leave that to the task.
//! - A connection's deadline moves with every packet, but its place in the list of deadlines only
//!   when it comes nearer: it is looked at again when that time has come.
//!
//! Only the server's side is here. Clients use `quinn`.

mod connection;
mod drive;
mod driver;
mod endpoint;
mod incoming;
mod recv;
mod routes;
mod send;
mod timers;

pub use connection::Connection;
pub use drive::{Scratch, drive_all, spread_over};
pub use endpoint::Endpoint;
pub use incoming::Incoming;
pub use quinn_proto::{ConnectionError, SendDatagramError, VarInt};
pub use recv::{ReadError, RecvStream};
pub use send::{SendStream, Share, WriteError};

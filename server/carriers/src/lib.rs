//! What carries a server's connections: native QUIC, WebTransport and WebSocket. Above this crate there are
//! only a [`Connection`] and its lanes; what a carrier adds (headers of streams, codes of errors, the
//! closing words) stays in here.
//!
//! Native QUIC and WebTransport come in on the same UDP port and are told apart by what was agreed on in
//! the handshake ([`webtransport::ALPN`]). Native QUIC is the road that is measured: for it, everything
//! here is a branch.

mod connection;
mod recv;
mod send;
pub mod webtransport;

pub use connection::{Connection, DatagramError, Lost, Origin};
pub use recv::{ReadError, RecvLane};
pub use send::{SendLane, Share, WriteError, Written};

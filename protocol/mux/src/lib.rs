//! The lanes of a connection over one carrier of whole messages in order (PROTOCOL.md section 50): what
//! QUIC does by itself, where there is only a WebSocket.
//!
//! [`Mux`] is the machine: it takes messages, hands out messages, and knows neither sockets nor time.
//! [`Connection`] and its lanes are what tasks hold of one; whoever owns the carrier feeds it with
//! [`Carrier::handle_message`] and empties it with [`Carrier::poll_message`].

mod frame;
mod handle;
pub mod limits;
mod machine;
mod receiving;
mod sending;

pub use frame::LaneId;
pub use handle::{Carrier, Connection, Lost, RecvLane, SendLane};
pub use machine::{Broken, Closed, Event, Mux, Side};
pub use receiving::ReadError;
pub use sending::{WriteError, Written};

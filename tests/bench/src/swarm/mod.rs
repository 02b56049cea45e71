//! Many clients of one server in one thread without a runtime: what a generator needs to cost less
//! than the server it measures. Each protocol implements `Swarm`; workloads know only that.

pub(crate) mod dialect;
pub(crate) mod link;
pub(crate) mod meter;
pub(crate) mod parlour;
pub(crate) mod quic;
pub(crate) mod sockets;
pub(crate) mod websocket;
pub(crate) mod world;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::harness::Outcome;

/// A client within its swarm.
pub(crate) type Client = usize;

/// What a client saw, in the order it saw it.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Connected, authenticated, told about its rooms.
    Ready(Client),
    /// A post came.
    Delivered { client: Client, number: u64, at: Instant },
    /// The server says that the client's own post is taken.
    Acked { number: u64, at: Instant },
    /// A transfer asked for by `bulk` is complete.
    BulkDone,
    /// A page of history, as the peer encodes it.
    Page { body: Vec<u8> },
    /// The connection is gone.
    Closed { client: Client, why: String },
}

/// What became of the address that a client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    /// What is on its way there still arrives.
    Works,
    Dead,
}

/// Many clients of one server.
pub(crate) trait Swarm {
    /// Begins to connect a user of the world, from an address if one is given; `Seen::Ready`
    /// follows.
    fn connect(&mut self, user: usize, from: Option<IpAddr>) -> Outcome<Client>;

    /// Posts a text that begins with `number` to a room of the world.
    fn post(&mut self, client: Client, room: usize, number: u64) -> Outcome;

    /// Sends what is waiting, waits at most that long for something to come, and takes it in.
    fn turn(&mut self, wait: Duration, seen: &mut Vec<Seen>) -> Outcome;

    /// Time spent working and waiting so far.
    fn meter(&mut self) -> &mut meter::Meter;

    /// Posts messages of a size to room 1 of the world, which only that client is in: what a
    /// transfer or a reader of history will find there. Peers have other means.
    fn fill(&mut self, client: Client, messages: usize, text_bytes: usize) -> Outcome;

    /// Asks for a transfer of about `bytes` to that client on its connection.
    fn bulk(&mut self, client: Client, bytes: usize) -> Outcome;

    /// The client is on another network from now on, and knows. What the protocol can keep, it keeps; `Seen::Ready` follows where it can't.
    fn moved(&mut self, client: Client, address: IpAddr, old: Old) -> Outcome;

    /// The connection is lost: connect again as the same client and catch up. `Seen::Ready`
    /// follows when it is through.
    fn again(&mut self, client: Client) -> Outcome;
}

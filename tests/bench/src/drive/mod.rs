//! Workloads over any swarm: connecting, a closed loop with posts in flight, posts at a pace.

pub(crate) mod ledger;
pub(crate) mod loops;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::harness::Outcome;
use crate::harness::histogram::Histogram;
use crate::swarm::{Client, Seen, Swarm};

/// How long a connection may take before the benchmark is given up.
const CONNECT: Duration = Duration::from_secs(60);
/// The longest wait in one turn, so that deadlines are seen.
pub(crate) const TURN: Duration = Duration::from_millis(50);

/// A swarm and its connected clients: client `i` is user `i` of the world.
pub(crate) struct Crowd {
    pub(crate) swarm: Box<dyn Swarm>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) clients: usize,
    /// How many of them, the first, hear posts and post.
    pub(crate) listening: Option<usize>,
    /// The number of the next post: never the same twice, so that stragglers are known.
    pub(crate) next: u64,
}

/// How connecting went.
pub(crate) struct Storm {
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Histogram,
}

impl Crowd {
    pub(crate) fn new(swarm: Box<dyn Swarm>) -> Self {
        Self { swarm, seen: Vec::new(), clients: 0, listening: None, next: 1 }
    }

    /// Connects users one after the other until there are `clients`, at most `in_flight` at once.
    pub(crate) fn connect(&mut self, clients: usize, in_flight: usize) -> Outcome<Storm> {
        let start = Instant::now();
        let mut latencies = Histogram::new();
        let mut begun: Vec<Instant> = Vec::new();
        let first = self.clients;
        let mut ready = 0;
        let wanted = clients.saturating_sub(first);
        let mut last = Instant::now();
        while ready < wanted {
            while begun.len() < wanted && begun.len() - ready < in_flight {
                begun.push(Instant::now());
                self.swarm.connect(first + begun.len() - 1, None)?;
            }
            self.turn(TURN)?;
            for seen in std::mem::take(&mut self.seen) {
                match seen {
                    Seen::Ready(client) => {
                        latencies.add(begun[client - first].elapsed());
                        ready += 1;
                        last = Instant::now();
                    }
                    Seen::Closed { client, why } => return Err(format!("client {client}: {why}")),
                    _ => {}
                }
            }
            if last.elapsed() > CONNECT {
                return Err(format!("{ready} of {wanted} are connected, and nothing moves"));
            }
        }
        self.clients = clients.max(first);
        Ok(Storm { elapsed: start.elapsed(), latencies })
    }

    /// Connects the next user from an address of its own.
    pub(crate) fn connect_from(&mut self, address: IpAddr) -> Outcome<Client> {
        let client = self.swarm.connect(self.clients, Some(address))?;
        let ready = |seen: &Seen| matches!(seen, Seen::Ready(ready) if *ready == client);
        self.until(CONNECT, ready)?.ok_or("a client can't connect")?;
        self.clients += 1;
        Ok(client)
    }

    /// One turn of the swarm; what was seen is in `seen`.
    pub(crate) fn turn(&mut self, wait: Duration) -> Outcome {
        self.swarm.turn(wait, &mut self.seen)
    }

    /// Turns until `wanted` says that it has seen what it waits for, or the time is over.
    pub(crate) fn until(
        &mut self,
        patience: Duration,
        mut wanted: impl FnMut(&Seen) -> bool,
    ) -> Outcome<Option<Instant>> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            self.turn(TURN)?;
            let mut found = None;
            for seen in std::mem::take(&mut self.seen) {
                if let Seen::Closed { client, why } = &seen {
                    return Err(format!("client {client}: {why}"));
                }
                if wanted(&seen) {
                    found = Some(Instant::now());
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Turns for a while and drops what comes: lets a server come to rest.
    pub(crate) fn rest(&mut self, time: Duration) -> Outcome {
        self.until(time, |_| false).map(|_| ())
    }
}

/// Who posts next: each member in turn.
pub(crate) struct Turns(VecDeque<Client>);

impl Turns {
    pub(crate) fn new(members: usize) -> Self {
        Self((0..members).collect())
    }

    pub(crate) fn next(&mut self) -> Client {
        self.0.rotate_left(1);
        self.0.front().copied().unwrap_or(0)
    }
}

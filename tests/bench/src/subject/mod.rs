//! Who is measured: Parlour and its peers behind one face. A subject is started as a process of
//! its own, and brings the swarm of clients that speaks its protocol.

pub(crate) mod parlour;
pub(crate) mod peers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crate::harness::certificate::Certificate;
use crate::harness::postgres::Postgres;
use crate::harness::{Outcome, during, machine, namespace};
use crate::swarm::Swarm;
use crate::swarm::world::World;

/// The subjects, by the names figures use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Parlour,
    SocketioTls,
    Socketio,
    WsTls,
    Ws,
}

/// All of them.
pub(crate) const ALL: [Subject; 5] =
    [Subject::Parlour, Subject::SocketioTls, Subject::Socketio, Subject::WsTls, Subject::Ws];

/// What a server is started for.
pub(crate) struct Setup<'a> {
    /// A folder of this run's, on a real disk.
    pub(crate) folder: &'a Path,
    pub(crate) certificate: &'a Certificate,
    pub(crate) world: Arc<World>,
    /// For peers: every post is inserted before it is relayed.
    pub(crate) postgres: Option<&'a Postgres>,
    /// For peers: connection state recovery.
    pub(crate) recover: bool,
    /// For peers: a post carries what a chat shows of it, not only its text.
    pub(crate) full: bool,
    /// Where the server runs, if not beside the generator.
    pub(crate) namespace: Option<&'a str>,
    pub(crate) address: IpAddr,
}

impl<'a> Setup<'a> {
    /// A server beside the generator, without database.
    pub(crate) fn new(folder: &'a Path, certificate: &'a Certificate, world: World) -> Self {
        Self {
            folder,
            certificate,
            world: Arc::new(world),
            postgres: None,
            recover: false,
            full: false,
            namespace: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    /// Puts the server at the other end of the relay.
    pub(crate) fn beyond_the_relay(&mut self) -> Outcome {
        self.namespace = Some(namespace::SERVER);
        self.address = namespace::SERVER_ADDRESS.parse().map_err(during("address"))?;
        Ok(())
    }
}

/// A server that runs.
pub(crate) trait Running {
    /// Its first process, and those of its database.
    fn roots(&self) -> Vec<u32>;

    /// Where its clients connect.
    fn address(&self) -> SocketAddr;

    /// Where it speaks HTTP, if it does.
    fn http(&self) -> Option<SocketAddr> {
        None
    }

    /// Clients for it.
    fn swarm(&self) -> Outcome<Box<dyn Swarm>>;

    /// Kills it as a crash would, and starts it again at the same address.
    fn restart(&mut self) -> Outcome;

    /// All its processes that live now.
    fn pids(&self) -> Vec<u32> {
        self.roots().into_iter().flat_map(machine::family).collect()
    }
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Parlour => "parlour",
            Subject::SocketioTls => "socketio-tls",
            Subject::Socketio => "socketio",
            Subject::WsTls => "ws-tls",
            Subject::Ws => "ws",
        }
    }

    pub(crate) fn version(self) -> Outcome<String> {
        match self {
            Subject::Parlour => Ok(env!("CARGO_PKG_VERSION").to_owned()),
            Subject::SocketioTls | Subject::Socketio => peers::version("socket.io"),
            Subject::WsTls | Subject::Ws => peers::version("ws"),
        }
    }

    /// Starts its server.
    pub(crate) fn start(self, setup: &Setup<'_>) -> Outcome<Box<dyn Running>> {
        match self {
            Subject::Parlour => Ok(Box::new(parlour::Server::start(setup)?)),
            peer => Ok(Box::new(peers::Peer::start(peer, setup)?)),
        }
    }
}

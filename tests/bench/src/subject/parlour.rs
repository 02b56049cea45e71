//! Parlour: the release binary with its defaults, but for the bounds on how fast one address may
//! connect and one user may call, since here all clients are at one address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Running, Setup};
use crate::harness::process::{Launch, Process};
use crate::harness::{Outcome, during, token};
use crate::swarm::Swarm;
use crate::swarm::parlour::{Parlour, Rooms};
use crate::swarm::world::World;

/// Names the server's binary; without it, the one beside this program is used.
const BINARY: &str = "PARLOUR_BIN";
/// What the server says when it is ready, up to the address.
const READY: &str = "parlour is ready: quic ";

/// A running server.
pub(crate) struct Server {
    launch: Launch,
    process: Process,
    address: SocketAddr,
    http: SocketAddr,
    world: Arc<World>,
    rooms: Arc<Rooms>,
    _data: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(setup: &Setup<'_>) -> Outcome<Self> {
        let data = tempfile::tempdir_in(setup.folder).map_err(during("data folder"))?;
        let port = super::peers::free_port(setup)?;
        let address = SocketAddr::new(setup.address, port);
        let http = SocketAddr::new(setup.address, super::peers::free_port(setup)?);
        let config = data.path().join("parlour.toml");
        fs::write(&config, configuration(setup, address, http)).map_err(during("configuration"))?;
        let launch = Launch::new(binary()?)
            .word("serve")
            .option("--config", &config)
            .env("RUST_BACKTRACE", "1")
            .within(setup.namespace);
        let (process, _) = launch.start(READY)?;
        let rooms = Arc::new(Rooms::make(address, &setup.world)?);
        let world = setup.world.clone();
        let mut server = Self { launch, process, address, http, world, rooms, _data: data };
        // Memory and caches are those of a server that has just started.
        server.restart()?;
        Ok(server)
    }
}

fn binary() -> Outcome<PathBuf> {
    if let Some(path) = env::var_os(BINARY) {
        return Ok(path.into());
    }
    let beside = env::current_exe().map_err(during("own path"))?.with_file_name("parlour");
    if beside.is_file() { Ok(beside) } else { Err(format!("no server: set {BINARY}")) }
}

fn configuration(setup: &Setup<'_>, address: SocketAddr, http: SocketAddr) -> String {
    let quoted = |path: &std::path::Path| format!("{:?}", path.display().to_string());
    let (cert, key) = (quoted(&setup.certificate.cert), quoted(&setup.certificate.key));
    format!(
        "listen = \"{address}\"\ndata = \"data\"\n[http]\nlisten = \"{http}\"\n\
         [tls]\ncertificate = {cert}\nkey = {key}\n\
         [[auth.keys]]\nid = \"{}\"\nalgorithm = \"HS256\"\nsecret = \"{}\"\n\
         [limits]\nconnects_per_second_per_address = 1000000.0\n\
         connects_burst_per_address = 1000000\n\
         calls_per_second_per_user = 1000000.0\ncalls_burst_per_user = 1000000\n\
         calls_per_second_per_device = 1000000.0\ncalls_burst_per_device = 1000000\n\
         calls_per_second_per_organization = 1000000.0\ncalls_burst_per_organization = 1000000\n\
         [log]\nlevel = \"warn\"\n",
        token::KEY_ID,
        STANDARD.encode(token::SECRET),
    )
}

impl Running for Server {
    fn roots(&self) -> Vec<u32> {
        vec![self.process.pid()]
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn http(&self) -> Option<SocketAddr> {
        Some(self.http)
    }

    fn swarm(&self) -> Outcome<Box<dyn Swarm>> {
        Ok(Box::new(Parlour::new(self.address, self.world.clone(), self.rooms.clone())?))
    }

    fn restart(&mut self) -> Outcome {
        self.process.kill();
        self.process = self.launch.start(READY)?.0;
        Ok(())
    }
}

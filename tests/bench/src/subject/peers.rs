//! The peers: Node programs of `peers/`, installed from the lock file when they aren't there.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::{Running, Setup, Subject};
use crate::harness::process::{Launch, Process};
use crate::harness::{Outcome, during, token};
use crate::swarm::Swarm;
use crate::swarm::dialect::Dialect;
use crate::swarm::sockets::{Sockets, Target};
use crate::swarm::world::World;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// The version of a package as installed.
pub(crate) fn version(package: &str) -> Outcome<String> {
    let path = folder().join("node_modules").join(package).join("package.json");
    let text = std::fs::read_to_string(path).map_err(during(package))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(during(package))?;
    Ok(value["version"].as_str().unwrap_or("?").to_owned())
}

/// Installs what the lock file names, once.
pub(crate) fn install() -> Outcome {
    if version("socket.io").is_ok() && version("pg").is_ok() && version("ws").is_ok() {
        return Ok(());
    }
    eprintln!("installing the peers' packages");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent"]).current_dir(folder()).stdin(Stdio::null());
    let status = npm.status().map_err(during("npm"))?;
    if status.success() { Ok(()) } else { Err(format!("npm ci: {status}")) }
}

/// A running peer.
pub(crate) struct Peer {
    subject: Subject,
    launch: Launch,
    process: Process,
    address: SocketAddr,
    world: Arc<World>,
    recover: bool,
    database: Option<u32>,
}

impl Peer {
    pub(crate) fn start(subject: Subject, setup: &Setup<'_>) -> Outcome<Self> {
        let launch = launch(subject, setup)?;
        let (process, port) = launch.start("listening ")?;
        let port: u16 = port.parse().map_err(during("port"))?;
        Ok(Self {
            subject,
            launch,
            process,
            address: SocketAddr::new(setup.address, port),
            world: setup.world.clone(),
            recover: setup.recover,
            database: setup.postgres.map(|postgres| postgres.pid()),
        })
    }
}

fn launch(subject: Subject, setup: &Setup<'_>) -> Outcome<Launch> {
    let script = match subject {
        Subject::WsTls | Subject::Ws => "ws.mjs",
        _ => "socketio.mjs",
    };
    let mut launch = Launch::new("node")
        .word(folder().join(script))
        .option("--secret", token::SECRET)
        .option("--host", setup.address.to_string())
        .option("--port", free_port(setup)?.to_string())
        .within(setup.namespace)
        .env("NODE_ENV", "production");
    if matches!(subject, Subject::SocketioTls | Subject::WsTls) {
        launch = launch
            .option("--cert", &setup.certificate.cert)
            .option("--key", &setup.certificate.key);
    }
    if let Some(postgres) = setup.postgres {
        launch = launch.option("--postgres", postgres.url());
    }
    for (name, wanted) in [("--recover", setup.recover), ("--full", setup.full)] {
        if wanted {
            launch = launch.option(name, "1");
        }
    }
    Ok(launch)
}

/// A port that is free now, so that a restarted server comes back to it. In a namespace of its own
/// any will do.
pub(crate) fn free_port(setup: &Setup<'_>) -> Outcome<u16> {
    if setup.namespace.is_some() {
        return Ok(4433);
    }
    let any = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0);
    let listener = TcpListener::bind(any).map_err(during("port"))?;
    Ok(listener.local_addr().map_err(during("port"))?.port())
}

impl Running for Peer {
    fn roots(&self) -> Vec<u32> {
        std::iter::once(self.process.pid()).chain(self.database).collect()
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn swarm(&self) -> Outcome<Box<dyn Swarm>> {
        let (dialect, tls) = match self.subject {
            Subject::SocketioTls => (Dialect::Socketio, true),
            Subject::WsTls => (Dialect::Ws, true),
            Subject::Ws => (Dialect::Ws, false),
            _ => (Dialect::Socketio, false),
        };
        let target = Target { address: self.address, dialect, tls, recover: self.recover };
        Ok(Box::new(Sockets::new(target, self.world.clone())?))
    }

    fn restart(&mut self) -> Outcome {
        self.process.kill();
        self.process = self.launch.start("listening ")?.0;
        Ok(())
    }
}

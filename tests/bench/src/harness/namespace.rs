//! Two network namespaces joined by a relay: `client` is where the generator runs, `server` where
//! the servers do. The addresses are of the block kept for benchmarks (RFC 2544), and nothing
//! leaves the two namespaces.

use std::process::Command;

use super::{Outcome, during};

/// The namespace of the generator and the relay.
pub(crate) const CLIENT: &str = "parlour-bench-client";
/// The namespace of the servers.
pub(crate) const SERVER: &str = "parlour-bench-server";
/// The server's address there.
pub(crate) const SERVER_ADDRESS: &str = "198.18.1.1";
/// The client's addresses: each stands for another network.
pub(crate) const CLIENT_ADDRESSES: [&str; 3] = ["198.18.0.1", "198.18.0.2", "198.18.0.3"];

/// The namespaces, removed when dropped.
pub(crate) struct Namespaces(());

impl Namespaces {
    /// Makes both, and removes what an earlier run may have left.
    pub(crate) fn make() -> Outcome<Self> {
        for name in [CLIENT, SERVER] {
            let _ = ip(&["netns", "del", name]);
            ip(&["netns", "add", name])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
        }
        Ok(Self(()))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in [CLIENT, SERVER] {
            let _ = ip(&["netns", "del", name]);
        }
    }
}

/// Runs `ip`.
pub(crate) fn ip(words: &[&str]) -> Outcome {
    let what = format!("ip {}", words.join(" "));
    let output = Command::new("ip").args(words).output().map_err(during(&what))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

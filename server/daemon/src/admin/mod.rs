//! The operator's line to a running server: a Unix socket in the data folder, which only the
//! folder's owner can open. One request and one answer per connection, each a line of JSON.

mod client;
mod server;

use std::{
    fmt,
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use parlour_core::ports::Task;
use serde::{Deserialize, Serialize};

use crate::{export::Summary, revocation::Revoked};

pub use client::{AdminError, ask};
pub use server::AdminServer;

/// What an operator asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// How is it?
    Status,
    /// Copy everything into this new folder while serving.
    Backup {
        /// An absolute path as the server sees it.
        to: PathBuf,
    },
    /// Write what an organization has, or one of its users, into this new folder as JSON lines and files.
    Export {
        /// The `org` of the tokens.
        org: String,
        /// The token's `sub`; `None` for the whole organization.
        subject: Option<String>,
        /// An absolute path as the server sees it.
        to: PathBuf,
    },
    /// Close sessions and refuse their tokens.
    Revoke {
        /// The `org` of the tokens.
        org: String,
        /// What is revoked.
        what: Revoked,
    },
    /// Make a call of the protocol as an operator of an organization, with every admin scope.
    Call {
        /// The `org` of the tokens.
        org: String,
        /// The method's number; one of the control lane.
        method: u32,
        /// The request, in base64.
        body: String,
    },
    /// Read the configuration again.
    Reload,
    /// Move clients away and end.
    Drain,
}

// What is asked and answered may hold a key or a webhook's secret, which is told this once.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Status => f.write_str("Status"),
            Request::Backup { to } => write!(f, "Backup({})", to.display()),
            Request::Export { to, .. } => write!(f, "Export({})", to.display()),
            Request::Revoke { .. } => f.write_str("Revoke"),
            Request::Call { method, .. } => write!(f, "Call({method})"),
            Request::Reload => f.write_str("Reload"),
            Request::Drain => f.write_str("Drain"),
        }
    }
}

/// What the server answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Response {
    /// How it is.
    Status(Status),
    /// It is done.
    Done,
    /// It is written.
    Exported(Summary),
    /// It is revoked.
    Revoked {
        /// Connections that were open and are being closed.
        closed: u32,
    },
    /// The call's answer.
    Called {
        /// The response, in base64.
        body: String,
    },
    /// It can't be done.
    Failed {
        /// Why, in a sentence.
        why: String,
    },
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Status(status) => status.fmt(f),
            Response::Done => f.write_str("Done"),
            Response::Exported(_) => f.write_str("Exported"),
            Response::Revoked { closed } => write!(f, "Revoked({closed})"),
            Response::Called { .. } => f.write_str("Called"),
            Response::Failed { why } => write!(f, "Failed({why:?})"),
        }
    }
}

/// How a server is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The release.
    pub version: String,
    /// Where clients connect.
    pub listen: String,
    /// Where HTTP listens.
    pub http: Option<String>,
    /// Connections open.
    pub connections: u64,
    /// `ready`, or why not.
    pub state: String,
    /// The store adapter.
    pub store: String,
    /// The store's incarnation, in hexadecimal.
    pub incarnation: String,
    /// The SHA-256 of the certificate, in hexadecimal.
    pub certificate_sha256: String,
    /// The certificate that is had by ACME, where one is.
    #[serde(default)]
    pub acme: Option<AcmeStatus>,
    /// The identity providers whose keys are fetched.
    #[serde(default)]
    pub providers: Vec<ProviderStatus>,
}

/// How a certificate fares that is had by ACME.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeStatus {
    /// What it is for.
    pub names: Vec<String>,
    /// In how many seconds it ends; `None` where there isn't one yet.
    pub ends_in_s: Option<u64>,
    /// In how many seconds the next one is ordered.
    pub order_in_s: u64,
    /// Attempts that have failed since the last that succeeded.
    pub failures: u32,
    /// Why the last one failed and what to do, if it failed.
    pub problem: Option<String>,
}

/// How an identity provider fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// Its issuer.
    pub issuer: String,
    /// Keys that tokens are verified with.
    pub keys: usize,
    /// How long ago they were read, in seconds; `None` if they never were.
    pub age_s: Option<u64>,
    /// What was wrong with the last look, if anything was.
    pub problem: Option<String>,
}

/// Carries requests out.
pub trait AdminService: Send + Sync + 'static {
    /// The answer to one request.
    fn handle(&self, request: Request) -> Task<'_, Response>;
}

/// The name of a Unix socket is at most about a hundred bytes long.
const SOCKET_PATH_MAX: usize = 100;

/// A path to the socket that is short enough, and what keeps it valid.
fn short_path(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok((path.into(), None));
    }
    // A folder that is open has a short name (on Linux).
    let folder = File::open(path.parent().unwrap_or(Path::new(".")))?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok((Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name), Some(folder)))
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;

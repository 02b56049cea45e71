//! A server's folder: configuration, data, tokens. The server makes its own key and certificate,
//! and `parlour token` signs with that key.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{Outcome, shell};

/// A start that takes longer isn't one.
const READY_WITHIN: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"# The server of `cargo xtask demo`. `parlour config --print-default` explains every key.
listen = "127.0.0.1:0"
data = "data"

[http]
listen = "127.0.0.1:0"

[drain]
deadline_s = 2
jitter_s = 1
"#;

/// Who is in the example organization, and where.
const ORGANIZATION: &str = include_str!("org.toml");

/// A folder to run a server in, and the programs.
pub(super) struct Site {
    folder: PathBuf,
    bins: PathBuf,
}

impl Site {
    pub(super) fn new(folder: &Path, bins: &Path) -> Outcome<Self> {
        let site = Site { folder: folder.to_owned(), bins: bins.to_owned() };
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        write(&site.config(), CONFIG)?;
        Ok(site)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bins.join(name)
    }

    pub(super) fn token_file(&self, subject: &str) -> PathBuf {
        self.file(&format!("{subject}.jwt"))
    }

    fn config(&self) -> PathBuf {
        self.file("parlour.toml")
    }

    /// Signs a token for somebody of the example organization and keeps it in a file.
    pub(super) fn token(&self, subject: &str, name: &str) -> Outcome<PathBuf> {
        let words = ["token", "--org", "demo", "--sub", subject, "--name", name, "--ttl", "30d"];
        let mut command = shell::program(self.program("parlour"), &words);
        let token = shell::output(command.arg("--config").arg(self.config()))?;
        let file = self.token_file(subject);
        write(&file, token.trim())?;
        Ok(file)
    }

    /// Makes the running server's organization what the example says; does nothing the next time.
    pub(super) fn organize(&self) -> Outcome {
        let file = self.file("org.toml");
        write(&file, ORGANIZATION)?;
        let mut command = shell::program(self.program("parlour"), &["admin", "apply", "--yes"]);
        command.arg(file).arg("--config").arg(self.config());
        shell::output(&mut command).map(drop)
    }

    /// Starts the server and waits until it is ready. `quiet`: its log goes to a file.
    pub(super) fn start(&self, listen: Option<Listen>, quiet: bool) -> Outcome<Server> {
        let mut command = shell::program(self.program("parlour"), &["serve", "--config"]);
        command.arg(self.config()).stdout(Stdio::piped());
        if let Some(Listen { quic, http }) = listen {
            command.args(["--listen", &quic, "--http", &http]);
        }
        if quiet {
            let path = self.file("server.log");
            let log = std::fs::File::options().create(true).append(true).open(&path);
            command.stderr(log.map_err(|error| format!("{}: {error}", path.display()))?);
        }
        let mut child = command.spawn().map_err(|e| format!("parlour serve can't be run: {e}"))?;
        let (line, output) = first_line(&mut child)?;
        let word = |after: &str| {
            let rest = line.split(after).nth(1)?;
            rest.split([' ', ',', '\n']).next().map(ToOwned::to_owned)
        };
        let (address, certificate) = (word("quic "), word("certificate sha-256 "));
        let http = word("http ");
        let server = Server {
            child,
            _output: output,
            address: address.unwrap_or_default(),
            http: http.unwrap_or_default(),
            certificate: certificate.unwrap_or_default(),
        };
        // The handle above ends the process should this return early.
        if server.address.is_empty() || server.certificate.is_empty() {
            return Err(format!("parlour serve isn't ready, it says: {line}"));
        }
        Ok(server)
    }
}

/// The line that says the server is ready; empty if it ended instead.
fn first_line(child: &mut Child) -> Outcome<(String, Option<BufReader<ChildStdout>>)> {
    let mut output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    let (tell, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        // An end without a line is what an empty one means.
        let _ = output.read_line(&mut line);
        let _ = tell.send((line, output));
    });
    match hear.recv_timeout(READY_WITHIN) {
        Ok((line, output)) => Ok((line, Some(output))),
        Err(_) => Ok((String::new(), None)),
    }
}

/// A running server. It ends with its handle.
pub(super) struct Server {
    child: Child,
    /// Kept open, so that a later line doesn't meet a closed pipe.
    _output: Option<BufReader<ChildStdout>>,
    /// Where clients connect.
    pub(super) address: String,
    /// Where browsers begin.
    pub(super) http: String,
    /// The SHA-256 that clients pin.
    pub(super) certificate: String,
}

impl Server {
    /// SIGKILL: no goodbye, no last write.
    pub(super) fn kill(&mut self) -> Outcome {
        self.child.kill().map_err(|error| error.to_string())?;
        self.child.wait().map(|_| ()).map_err(|error| error.to_string())
    }

    /// SIGTERM, and the clean end that has to follow.
    pub(super) fn end(&mut self) -> Outcome {
        shell::run(&mut shell::program("kill", &[&self.child.id().to_string()]))?;
        self.wait()
    }

    pub(super) fn wait(&mut self) -> Outcome {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the server ended: {status}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a server listens.
pub(super) struct Listen {
    pub(super) quic: String,
    pub(super) http: String,
}

impl Listen {
    /// These addresses if nothing listens there, otherwise others that are free.
    pub(super) fn near(quic: &str, http: &str) -> Outcome<Self> {
        let failed = |error: std::io::Error| format!("no free port: {error}");
        let udp = UdpSocket::bind(quic).or_else(|_| UdpSocket::bind("127.0.0.1:0"));
        let tcp = TcpListener::bind(http).or_else(|_| TcpListener::bind("127.0.0.1:0"));
        let quic = udp.and_then(|socket| socket.local_addr()).map_err(failed)?;
        let http = tcp.and_then(|listener| listener.local_addr()).map_err(failed)?;
        Ok(Listen { quic: quic.to_string(), http: http.to_string() })
    }
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

//! A server process of one's own: a data folder that goes with it, free ports, and signals.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use parlour_daemon::auth::TokenRequest;
use tempfile::TempDir;

use crate::{
    binary,
    raw::{Carrier, Door},
    token,
};

/// How long a server may take to be ready; a recovery after a crash is part of it.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// What the kernel counts processor time in (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;
/// How long it may take to end.
const END_WITHIN: Duration = Duration::from_secs(60);

/// What is different about a server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines of the configuration file.
    pub config: String,
    /// Environment of the process.
    pub environment: Vec<(String, String)>,
    /// Open files it may have.
    pub files_max: Option<u32>,
}

impl Options {
    /// With this configuration.
    pub fn config(config: impl Into<String>) -> Self {
        Options { config: config.into(), ..Options::default() }
    }
}

/// What a server says once it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where clients connect.
    pub quic: SocketAddr,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Where metrics listen, if they have a listener of their own.
    pub metrics: Option<SocketAddr>,
    /// The hash of its certificate.
    pub sha256: String,
}

/// A server and its folder. Dropping it kills it and removes the folder.
#[derive(Debug)]
pub struct Server {
    root: TempDir,
    options: Options,
    data: Option<PathBuf>,
    child: Option<Child>,
    ready: Option<Ready>,
}

/// Limits that nobody who means well reaches, for tests in which one address is everybody.
pub const ROOMY: &str = "[limits]\n\
    connects_per_second_per_address = 100000.0\nconnects_burst_per_address = 100000\n\
    calls_per_second_per_user = 100000.0\ncalls_burst_per_user = 100000\n\
    calls_per_second_per_device = 100000.0\ncalls_burst_per_device = 100000\n\
    calls_per_second_per_organization = 100000.0\ncalls_burst_per_organization = 1000000\n\
    failures_per_second_per_address = 100000.0\nfailures_burst_per_address = 100000\n\
    [drain]\ndeadline_s = 5\njitter_s = 1\n";

impl Server {
    /// Starts one in a new folder; returns when clients can connect.
    pub fn start(options: Options) -> Server {
        let mut server = Server::prepare(options);
        server.run().unwrap_or_else(|why| panic!("the server doesn't start: {why}"));
        server
    }

    /// One with roomy limits.
    pub fn roomy() -> Server {
        Server::start(Options::config(ROOMY))
    }

    /// The folder and the configuration, not yet running.
    pub fn prepare(options: Options) -> Server {
        let root = tempfile::tempdir().expect("a scratch folder");
        let server = Server { root, options, data: None, child: None, ready: None };
        server.write_config(&server.options.config);
        server
    }

    /// Puts another configuration in the file; a running server reads it on SIGHUP.
    pub fn write_config(&self, config: &str) {
        fs::write(self.config_file(), config).expect("the scratch folder can be written");
    }

    /// Runs it again with what it has; the ports are those that clients know.
    pub fn run(&mut self) -> Result<(), String> {
        assert!(self.child.is_none(), "it runs already");
        let began = Instant::now();
        loop {
            match self.run_once() {
                // Somebody else may have taken the port for a moment.
                Err(why) if why.contains("in use") && began.elapsed() < READY_WITHIN => continue,
                other => return other,
            }
        }
    }

    /// Runs it and kills it after that time: whether that was before it was ready. The status if it
    /// had ended by itself.
    pub fn run_killed(&mut self, after: Duration) -> Result<bool, ExitStatus> {
        assert!(self.child.is_none(), "it runs already");
        let mut child = self.spawn().expect("the program can be run");
        let out = child.stdout.take().expect("stdout is piped");
        std::thread::sleep(after);
        if let Some(status) = child.try_wait().expect("it was started") {
            return Err(status);
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it was started");
        // What it had said by then is still in the pipe.
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        Ok(Ready::parse(&line).is_none())
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let any = "127.0.0.1:0".to_owned();
        let (listen, http) = match &self.ready {
            Some(ready) => (ready.quic.to_string(), ready.http.to_string()),
            None => (any.clone(), any),
        };
        let mut command = self.program();
        command
            .arg("serve")
            .args(["--listen", &listen, "--http", &http])
            .envs(self.options.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log_file_handle());
        command.spawn()
    }

    fn run_once(&mut self) -> Result<(), String> {
        let logged = fs::metadata(self.log_path()).map_or(0, |meta| meta.len());
        let mut child = self.spawn().map_err(|error| error.to_string())?;
        let out = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        // It says it is ready, or ends.
        let _ = BufReader::new(out).read_line(&mut line);
        match Ready::parse(&line) {
            Some(ready) => {
                self.ready = Some(ready);
                self.child = Some(child);
                Ok(())
            }
            None => {
                let status = child.wait().expect("it was started");
                let text = fs::read(self.log_path()).unwrap_or_default();
                let text = String::from_utf8_lossy(&text[logged as usize..]).into_owned();
                Err(format!("{status}: {}", text.trim()))
            }
        }
    }

    fn program(&self) -> Command {
        let program = binary::parlour();
        let mut command = match self.options.files_max {
            Some(max) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {max}; exec \"$@\""), "sh"]).arg(program);
                shell
            }
            None => Command::new(program),
        };
        command.arg("--config").arg(self.config_file()).arg("--data").arg(self.data());
        command
    }

    fn log_file_handle(&self) -> File {
        let mut options = OpenOptions::new();
        options.create(true).append(true).open(self.log_path()).expect("a log can be written")
    }

    /// Another command of the program on the same data folder, not yet run.
    pub fn words(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary::parlour());
        command.arg("--config").arg(self.config_file()).arg("--data").arg(self.data());
        command.args(words).stdin(Stdio::null());
        command
    }

    /// Runs another command of the program on the same data folder.
    pub fn command(&self, words: &[&str]) -> Output {
        self.words(words).output().expect("the program can be run")
    }

    /// The same, of a command that has to succeed: what it prints.
    pub fn printed(&self, words: &[&str]) -> String {
        let output = self.command(words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {complaint}");
        String::from_utf8(output.stdout).expect("what is printed is text").trim().to_owned()
    }

    /// A token by `parlour token`.
    pub fn token(&self, org: &str, sub: &str, more: &[&str]) -> String {
        let mut words = vec!["token", "--org", org, "--sub", sub];
        words.extend(more);
        self.printed(&words)
    }

    /// A token of these claims, signed with the data folder's own key.
    pub fn sign(&self, claims: &TokenRequest) -> String {
        token::sign(parlour_daemon::keys::OWN_TOKEN_KEY_ID, &self.own_secret(), claims)
    }

    /// The secret the server made for itself, in base64.
    pub fn own_secret(&self) -> String {
        let data = parlour_daemon::data::DataFolder::open(&self.data()).expect("a data folder");
        match parlour_daemon::keys::own_token_key(&data).expect("the server has made its key") {
            parlour_daemon::auth::KeySource::SecretFile { path, .. } => {
                fs::read_to_string(path).expect("the key can be read").trim().to_owned()
            }
            parlour_daemon::auth::KeySource::Secret { secret, .. } => secret,
            _ => panic!("the server's own key is a secret"),
        }
    }

    /// What it said when it was ready.
    pub fn ready(&self) -> &Ready {
        self.ready.as_ref().expect("the server was started")
    }

    /// The way in over that carrier.
    pub fn door_over(&self, carrier: Carrier) -> Door {
        let Ready { quic, http, sha256, .. } = self.ready();
        match carrier {
            Carrier::Quic => Door::to(*quic, sha256),
            _ => Door::over(carrier, *quic, *http, sha256),
        }
    }

    /// The way in for clients, over the carrier that the environment names.
    pub fn door(&self) -> Door {
        self.door_over(Carrier::of_environment())
    }

    /// The folder everything is in.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| self.root.path().join("data"))
    }

    /// Another data folder from the next start on; its certificate may be another one.
    pub fn use_data(&mut self, data: PathBuf) {
        self.data = Some(data);
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.root.path().join("parlour.toml")
    }

    fn log_path(&self) -> PathBuf {
        self.root.path().join("log")
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Another environment from the next start on.
    pub fn set_environment(&mut self, environment: Vec<(String, String)>) {
        self.options.environment = environment;
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(status.is_ok_and(|status| status.success()), "the signal can be sent");
    }

    /// Has the configuration read again, and waits until it was.
    pub fn reload(&self) {
        let before = self.log().matches("configuration read again").count();
        self.signal("HUP");
        self.logs_times("configuration read again", before + 1);
    }

    /// Waits until something is in the log.
    pub fn logs(&self, what: &str) {
        self.logs_times(what, 1);
    }

    fn logs_times(&self, what: &str, times: usize) {
        let began = Instant::now();
        while self.log().matches(what).count() < times {
            assert!(began.elapsed() < READY_WITHIN, "the server never logs {what:?}");
            // A file that grows is no event here.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it was started");
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("the server was started");
        child.try_wait().expect("it was started").is_some()
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("it was started") {
                return status;
            }
            if began.elapsed() > END_WITHIN {
                let _ = child.kill();
                panic!("the server doesn't end");
            }
            // A child's end is no event here.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells it to end, and waits.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// Its resident memory without what is only a file's, such as its own program, in bytes.
    pub fn own_memory(&self) -> u64 {
        self.status_bytes("RssAnon:")
    }

    fn status_bytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.expect("the kernel says how much memory it has") * 1024
    }

    /// The processor time it has used.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let stat = stat.expect("the server runs");
        // Behind the name, which may hold anything: user and system time are the 12th and 13th.
        let fields = stat.rsplit(')').next().expect("there is a name").split_whitespace();
        let ticks: u64 =
            fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// Panics if it has panicked, or ended.
    pub fn assert_well(&mut self) {
        assert!(!self.has_ended(), "the server has ended:\n{}", self.log());
        assert!(!self.log().contains("panicked"), "the server panicked:\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            let _ = writeln!(std::io::stderr(), "server's log, its end:\n{}", tail.join("\n"));
        }
    }
}

impl Ready {
    /// Reads `parlour is ready: quic A, http A, metrics A, certificate sha-256 HASH (...)`.
    fn parse(line: &str) -> Option<Ready> {
        let rest = line.trim().strip_prefix("parlour is ready: ")?;
        let named = |name: &str| {
            rest.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(' '))
        };
        let sha256 = named("certificate sha-256")?.split(' ').next()?.to_owned();
        Some(Ready {
            quic: named("quic")?.parse().ok()?,
            http: named("http")?.parse().ok()?,
            metrics: named("metrics").and_then(|address| address.parse().ok()),
            sha256,
        })
    }
}

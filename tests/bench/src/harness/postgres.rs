//! A PostgreSQL of our own for one run: a fresh cluster in a temporary folder, commits synced to
//! disk, on the same core as the server that uses it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{Launch, Process};
use super::{Outcome, during};

const USER: &str = "postgres";
const READY: Duration = Duration::from_secs(30);
const SCHEMA: &str = "CREATE TABLE messages (id bigserial PRIMARY KEY, room text NOT NULL, \
    sender text NOT NULL, at timestamptz NOT NULL DEFAULT now(), body text NOT NULL); \
    CREATE INDEX ON messages (room, id);";

/// A running cluster with the peers' table.
pub(crate) struct Postgres {
    server: Process,
    bin: PathBuf,
    sockets: PathBuf,
    // Last, so that the folder goes after the server.
    _folder: tempfile::TempDir,
}

impl Postgres {
    /// Makes and starts one.
    pub(crate) fn start() -> Outcome<Self> {
        let bin = programs()?;
        let folder = tempfile::tempdir().map_err(during("temporary folder"))?;
        let (data, sockets) = (folder.path().join("data"), folder.path().join("sockets"));
        fs::create_dir(&sockets).map_err(during("temporary folder"))?;
        run(Command::new("chown").args(["-R", USER]).arg(folder.path()))?;
        let mut initdb = as_user(&bin.join("initdb"));
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data);
        run(initdb.env("LC_ALL", "C"))?;
        let launch = Launch::new("setpriv")
            .word(format!("--reuid={USER}"))
            .word(format!("--regid={USER}"))
            .word("--init-groups")
            // A change of user clears what was asked for before it.
            .option("--pdeathsig", "KILL")
            .word(bin.join("postgres"))
            .option("-D", &data)
            .option("-k", &sockets)
            .option("-c", "listen_addresses=")
            .option("-c", "fsync=on")
            .option("-c", "synchronous_commit=on")
            .option("-c", "shared_buffers=256MB")
            .option("-c", "logging_collector=off")
            .option("-c", "log_min_messages=panic");
        let server = launch.spawn()?;
        let cluster = Self { server, bin, sockets, _folder: folder };
        cluster.wait()?;
        cluster.query(SCHEMA)?;
        Ok(cluster)
    }

    /// The connection string for node-postgres.
    pub(crate) fn url(&self) -> String {
        let sockets = self.sockets.display().to_string().replace('/', "%2F");
        format!("postgres://{USER}@{sockets}/postgres")
    }

    /// What it calls itself.
    pub(crate) fn version(&self) -> Outcome<String> {
        Ok(self.query("SHOW server_version")?.split_whitespace().next().unwrap_or("?").to_owned())
    }

    /// Its first process; connections are children of it.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Runs SQL, and hands back what it answers.
    pub(crate) fn query(&self, sql: &str) -> Outcome<String> {
        let mut psql = as_user(&self.bin.join("psql"));
        psql.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", sql, "-h"]);
        run(psql.arg(&self.sockets))
    }

    /// Runs a script of psql's, and hands back what it answers.
    pub(crate) fn script(&self, script: &str) -> Outcome<String> {
        let file = tempfile::NamedTempFile::new().map_err(during("temporary file"))?;
        fs::write(file.path(), script).map_err(during("temporary file"))?;
        run(Command::new("chown").arg(USER).arg(file.path()))?;
        let mut psql = as_user(&self.bin.join("psql"));
        psql.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-h"]).arg(&self.sockets);
        run(psql.arg("-f").arg(file.path()))
    }

    fn wait(&self) -> Outcome {
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if self.query("SELECT 1").is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err("PostgreSQL isn't ready".to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.server.stop(Duration::from_secs(5));
    }
}

/// The newest of Debian's versions, installed if there is none.
fn programs() -> Outcome<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    eprintln!("installing PostgreSQL from Debian's packages");
    run(Command::new("apt-get").args(["install", "--yes", "--quiet", "postgresql"]))?;
    installed().ok_or_else(|| "PostgreSQL isn't where Debian puts it".to_owned())
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| is_there(&bin.join("initdb")))
        .collect();
    found.sort();
    found.pop()
}

fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

/// The cluster refuses to run as root.
fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--init-groups"]);
    command.arg(program).current_dir("/");
    command
}

fn run(command: &mut Command) -> Outcome<String> {
    let name = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(during(&name))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

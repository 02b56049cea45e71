//! The binary from outside: what a person types, what they see, and the exit code.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use parlour_core::ports::auth::TokenVerifier;
use parlour_daemon::auth::{JwtVerifier, KeySource, Policy};

fn parlour(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
    command.current_dir(dir).args(words);
    for name in ["PARLOUR_CONFIG", "PARLOUR_DATA", "PARLOUR_LISTEN", "PARLOUR_HTTP"] {
        command.env_remove(name);
    }
    command
}

fn run(dir: &Path, words: &[&str]) -> Output {
    parlour(dir, words).output().expect("run")
}

fn ok(dir: &Path, words: &[&str]) -> String {
    let output = run(dir, words);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {error}");
    String::from_utf8(output.stdout).expect("utf-8")
}

/// One sentence and exit code 1.
fn refused(dir: &Path, words: &[&str]) -> String {
    let output = run(dir, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    let text = String::from_utf8(output.stderr).expect("utf-8");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().strip_prefix("parlour: ").expect("named").to_owned()
}

struct Running {
    child: Child,
    ready: String,
    /// Kept open: a closed pipe would make writing to it an error.
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(dir: &Path, more: &[&str]) -> Self {
        let words = [&["serve", "--listen", "[::1]:0", "--http", "127.0.0.1:0"], more].concat();
        let mut child = parlour(dir, &words)
            .stdout(Stdio::piped())
            .stderr(Stdio::from(fs::File::create(dir.join("log")).expect("log")))
            .spawn()
            .expect("spawned");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut ready = String::new();
        stdout.read_line(&mut ready).expect("ready");
        assert!(ready.starts_with("parlour is ready: quic [::1]:"), "{ready:?}");
        Running { child, ready, _stdout: stdout }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().expect("kill");
        assert!(sent.success());
    }

    fn code(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_needs_nothing_and_its_own_tokens_verify() {
    let dir = tempfile::tempdir().expect("folder");
    let begun = Instant::now();
    let mut server = Running::start(dir.path(), &[]);
    assert!(begun.elapsed() < Duration::from_secs(2), "ready in a second");
    let hashes = fs::read_to_string(dir.path().join("parlour-data/certificate.sha256"));
    let hash = hashes.expect("hashes").lines().next().expect("hash").to_owned();
    assert!(server.ready.contains(&format!("certificate sha-256 {hash} (development")));

    let token = ok(dir.path(), &["token", "--sub", "ada", "--org", "acme", "--name", "Ada"]);
    let path = dir.path().join("parlour-data/keys/token.key");
    let source = KeySource::SecretFile { id: "local".into(), path };
    let verifier = JwtVerifier::new(vec![source], Policy::default()).expect("keys");
    let claims = verifier.verify(token.trim(), parlour_daemon::clock::unix_ms()).expect("valid");
    assert_eq!((&*claims.subject, &*claims.org, &*claims.name), ("ada", "acme", "Ada"));
    assert_eq!(claims.expires_at_ms - claims.issued_at_ms, 12 * 3600 * 1000);

    let status = ok(dir.path(), &["status"]);
    assert!(status.contains("state        ready") && status.contains("store        sled"));
    assert!(refused(dir.path(), &["serve", "--listen", "[::1]:0"]).contains("is in use"));
    for what in ["check", "compact"] {
        assert!(refused(dir.path(), &["storage", what]).contains("stop it first"));
    }
    let revoked = ok(dir.path(), &["revoke", "--org", "acme", "--subject", "ada"]);
    assert_eq!(revoked, "revoked; 0 connections are being closed\n");
    assert!(ok(dir.path(), &["storage", "info"]).contains("in use by a server"));

    server.signal("-HUP");
    server.signal("-TERM");
    assert_eq!(server.code(), Some(0), "a drain ends well");
    assert!(refused(dir.path(), &["status"]).contains("no server runs"));
}

#[test]
fn backup_and_restore_work_with_a_server_and_without() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Running::start(dir.path(), &[]);
    ok(dir.path(), &["revoke", "--org", "acme", "--token-id", "t"]);
    ok(dir.path(), &["backup", "--to", "hot"]);
    assert!(refused(dir.path(), &["backup", "--to", "hot"]).contains("not empty"));
    server.signal("-TERM");
    assert_eq!(server.code(), Some(0));
    ok(dir.path(), &["backup", "--to", "cold"]);
    for (backup, kind) in [("hot", "sled"), ("cold", "redb")] {
        let data = format!("{backup}-data");
        let restored =
            ok(dir.path(), &["restore", "--from", backup, "--to", &data, "--store", kind]);
        // The revocation with its entry in the organization's log, and the log's time.
        assert!(restored.starts_with("restored 1 logs, 1 records, 2 rows"), "{restored}");
        assert!(dir.path().join(&data).join("keys/token.key").exists());
        let config = format!("{kind}.toml");
        fs::write(dir.path().join(&config), format!("[store]\nkind = \"{kind}\"\n")).expect("file");
        let common = ["--config", &config, "--data", &data];
        ok(dir.path(), &[&["storage", "check"], &common[..]].concat());
        let info = ok(dir.path(), &[&["storage", "info"], &common[..]].concat());
        assert!(info.contains(&format!("adapter      {kind}")), "{info}");
    }
    assert!(refused(dir.path(), &["restore", "--from", ".", "--to", "x"]).contains("no complete"));
    // One that lost a part of it is restored by nobody who doesn't hear of it.
    fs::remove_file(dir.path().join("hot/keys/token.key")).expect("it is a part");
    let words = ["restore", "--from", "hot", "--to", "keyless"];
    assert!(refused(dir.path(), &words).contains("hot/keys/token.key is missing"));
    assert!(!dir.path().join("keyless").exists());
    let copied =
        ok(dir.path(), &["storage", "copy", "--from", "sled:parlour-data", "--to", "redb:new"]);
    assert!(copied.starts_with("copied "), "{copied}");
    let wrong = refused(dir.path(), &["storage", "copy", "--from", "sled:new", "--to", "redb:n2"]);
    assert!(wrong.contains("holds a redb store"), "{wrong}");
    // What an interrupted one left behind is in nobody's way.
    let left = dir.path().join("parlour-data/store.compacted");
    fs::create_dir(&left).expect("folder");
    fs::write(left.join("half"), "a store").expect("file");
    let compacted = ok(dir.path(), &["storage", "compact"]);
    assert!(compacted.starts_with("compacted 1 logs, 1 records, 2 rows"), "{compacted}");
    assert!(!left.exists());
    ok(dir.path(), &["storage", "check"]);
}

/// A data folder whose server has ended.
fn with_data(dir: &Path) {
    let mut server = Running::start(dir, &[]);
    ok(dir, &["revoke", "--org", "acme", "--token-id", "t"]);
    server.signal("-TERM");
    assert_eq!(server.code(), Some(0));
}

#[test]
fn a_compaction_without_room_gives_back_what_it_took() {
    let dir = tempfile::tempdir().expect("folder");
    with_data(dir.path());
    let redb = ["storage", "copy", "--from", "sled:parlour-data", "--to", "redb:redb/store"];
    ok(dir.path(), &redb);
    let left = dir.path().join("redb/store.compacted");
    // No file grows beyond 64 KiB, which is less than a new store takes.
    let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" storage compact --data redb";
    let output = Command::new("sh")
        .current_dir(dir.path())
        .args(["-c", script, env!("CARGO_BIN_EXE_parlour")])
        .output()
        .expect("run");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!left.exists(), "{text}");
    ok(dir.path(), &["storage", "check", "--data", "redb"]);
}

#[test]
fn a_restore_that_fails_leaves_nothing_and_on_half_a_restore_nobody_starts() {
    let dir = tempfile::tempdir().expect("folder");
    with_data(dir.path());
    ok(dir.path(), &["backup", "--to", "backup"]);
    fs::create_dir(dir.path().join("mounted")).expect("folder");
    for to in ["new", "mounted"] {
        // No file grows beyond 64 KiB, which is less than a new store takes.
        let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\"";
        let words = ["restore", "--from", "backup", "--to", to, "--store", "redb"];
        let output = Command::new("sh")
            .current_dir(dir.path())
            .args(["-c", script, env!("CARGO_BIN_EXE_parlour")])
            .args(words)
            .output()
            .expect("run");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
    }
    assert!(!dir.path().join("new").exists());
    let left = fs::read_dir(dir.path().join("mounted")).expect("it was there before").count();
    assert_eq!(left, 0);
    ok(dir.path(), &["restore", "--from", "backup", "--to", "mounted"]);
    ok(dir.path(), &["storage", "check", "--data", "mounted"]);
    // As a kill in the middle would leave it.
    fs::write(dir.path().join("mounted/restoring"), "").expect("file");
    for words in [&["serve", "--listen", "[::1]:0", "--http", "127.0.0.1:0"][..], &["status"]] {
        let said = refused(dir.path(), &[words, &["--data", "mounted"]].concat());
        assert!(said.contains("is half restored"), "{said}");
    }
}

#[test]
fn compact_doesnt_move_a_link() {
    let dir = tempfile::tempdir().expect("folder");
    with_data(dir.path());
    let store = dir.path().join("parlour-data/store");
    fs::rename(&store, dir.path().join("elsewhere")).expect("moved");
    std::os::unix::fs::symlink("../elsewhere", &store).expect("link");
    assert!(refused(dir.path(), &["storage", "compact"]).contains("is a symbolic link"));
    ok(dir.path(), &["storage", "check"]);
}

#[test]
fn a_server_that_starts_removes_what_a_compaction_left() {
    let dir = tempfile::tempdir().expect("folder");
    let left = dir.path().join("parlour-data/store.compacted");
    fs::create_dir_all(&left).expect("folder");
    fs::write(left.join("half"), "a store").expect("file");
    let _server = Running::start(dir.path(), &[]);
    assert!(!left.exists());
    let log = fs::read_to_string(dir.path().join("log")).expect("log");
    assert!(log.contains("leftovers are removed"), "{log}");
}

#[test]
fn asking_twice_ends_at_once() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Running::start(dir.path(), &[]);
    server.signal("-STOP");
    server.signal("-TERM");
    server.signal("-INT");
    server.signal("-CONT");
    assert!(matches!(server.code(), Some(0 | 1)));
}

#[test]
fn wrong_input_is_answered_with_a_sentence() {
    let dir = tempfile::tempdir().expect("folder");
    fs::write(dir.path().join("parlour.toml"), "lissten = 1").expect("file");
    let text = refused(dir.path(), &["serve"]);
    assert_eq!(text, "configuration has no key lissten; did you mean listen? (parlour.toml)");
    assert!(
        refused(dir.path(), &["config", "--config", "none.toml"])
            .contains("none.toml can't be read")
    );
    fs::remove_file(dir.path().join("parlour.toml")).expect("removed");
    assert!(refused(dir.path(), &["status"]).contains("no data folder"));
    assert!(refused(dir.path(), &["token", "--sub", "", "--org", "a"]).contains("1 to 255"));
    for usage in [
        &["token"][..],
        &["nonsense"],
        &["revoke", "--org", "a"],
        &["token", "--sub", "a", "--org", "b", "--ttl", "5"],
    ] {
        assert_eq!(run(dir.path(), usage).status.code(), Some(2), "{usage:?}");
    }
}

#[test]
fn the_default_configuration_is_printed_and_valid() {
    let dir = tempfile::tempdir().expect("folder");
    let text = ok(dir.path(), &["config", "--print-default"]);
    fs::write(dir.path().join("parlour.toml"), text).expect("file");
    assert_eq!(ok(dir.path(), &["config"]), "parlour.toml is valid\n");
}

#[test]
fn the_doctor_finds_what_is_wrong_and_nothing_else() {
    let dir = tempfile::tempdir().expect("folder");
    fs::write(dir.path().join("parlour.toml"), "listen = \"[::1]:0\"\n[http]\nlisten = \"off\"\n")
        .expect("file");
    let text = ok(dir.path(), &["doctor"]);
    assert!(!text.contains("fail"), "{text}");
    assert!(!dir.path().join("parlour-data").exists(), "it only looks");

    let taken = std::net::UdpSocket::bind("[::1]:0").expect("bound");
    let address = taken.local_addr().expect("address");
    let config = format!("listen = \"{address}\"\n[auth]\nkey_sets = [\"none.json\"]\n");
    fs::write(dir.path().join("parlour.toml"), config).expect("file");
    let output = run(dir.path(), &["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("utf-8");
    let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("fail ")).collect();
    assert!(failed.iter().any(|line| line.contains("quic port")), "{text}");
    assert!(failed.iter().any(|line| line.contains("none.json")), "{text}");
}

//! Tools that a command needs and a fresh machine may lack: found, or installed with a word about
//! it. What cargo or pip install goes under the target folder, never into the user's home.

use std::path::PathBuf;
use std::process::Command;

use crate::{Outcome, shell};

/// The protobuf runtime that decodes the golden vectors independently of prost.
const PROTOBUF: &str = "protobuf==6.33.0";

/// What holds the server against its OpenAPI description.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// What makes the Python client's wheel.
const MATURIN: &str = "maturin==1.16.0";

/// A Python with protobuf, in a virtual environment of the project's own.
pub(crate) fn python() -> Outcome<PathBuf> {
    python_with("python", &[PROTOBUF], PROTOBUF)
}

/// One with schemathesis, in an environment of its own.
pub(crate) fn schemathesis() -> Outcome<PathBuf> {
    python_with("schemathesis", &[SCHEMATHESIS], SCHEMATHESIS)
}

/// The program maturin, in an environment of its own.
pub(crate) fn maturin() -> Outcome<PathBuf> {
    Ok(python_with("maturin", &[MATURIN], MATURIN)?.with_file_name("maturin"))
}

/// One that is made anew each time, so that it has nothing but this.
pub(crate) fn fresh_python(name: &str, what: &[&[&str]]) -> Outcome<PathBuf> {
    make_python(name, &what.concat())
}

/// One with what the conformance kit names.
pub(crate) fn conformance() -> Outcome<PathBuf> {
    let file = shell::root().join("tests/conformance/requirements.txt");
    let wanted =
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    python_with("conformance", &["-r", &file.display().to_string()], &wanted)
}

/// `what` is given to pip; the environment is made anew where `wanted` has changed.
fn python_with(name: &str, what: &[&str], wanted: &str) -> Outcome<PathBuf> {
    let folder = shell::tools_dir().join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    make_python(name, what)?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

fn make_python(name: &str, what: &[&str]) -> Outcome<PathBuf> {
    let folder = shell::tools_dir().join(name);
    let python = folder.join("bin/python");
    let make = || {
        let mut command = shell::program("python3", &["-m", "venv", "--clear"]);
        command.arg(&folder);
        command
    };
    say(&format!("making a Python environment for {name} in {}", folder.display()));
    if !shell::works(&mut make()) {
        apt(&["python3-venv"])?;
        shell::run(&mut make())?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    shell::run(shell::program(&python, &pip).args(what))?;
    Ok(python)
}

/// Whether there is a nightly toolchain, which libFuzzer's instrumentation needs; rustup brings one where it is
/// there and can.
pub(crate) fn has_nightly() -> bool {
    let is_there = || shell::works(&mut shell::cargo(&["+nightly", "--version"]));
    if is_there() {
        return true;
    }
    if !on_path("rustup") {
        return false;
    }
    say("installing a nightly toolchain for fuzzing (rustup toolchain install nightly)");
    let words = ["toolchain", "install", "nightly", "--profile", "minimal", "--no-self-update"];
    shell::run(&mut shell::program("rustup", &words)).is_ok() && is_there()
}

/// `cargo +nightly fuzz`, installed first if it isn't there.
pub(crate) fn cargo_fuzz() -> Outcome<Command> {
    let bin = shell::tools_dir().join("bin");
    if !bin.join("cargo-fuzz").exists() && !on_path("cargo-fuzz") {
        say("installing cargo-fuzz (cargo install, about two minutes)");
        let mut install = shell::cargo(&["install", "--quiet", "--locked", "cargo-fuzz", "--root"]);
        shell::run(install.arg(shell::tools_dir()))?;
    }
    // libFuzzer itself is C++.
    if !on_path("c++") && !on_path("clang++") {
        apt(&["g++"])?;
    }
    let mut command = shell::cargo(&["+nightly", "fuzz"]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin).chain(std::env::split_paths(&path));
    let joined = std::env::join_paths(folders).map_err(|error| error.to_string())?;
    command.env("PATH", joined);
    Ok(command)
}

/// What looks into attachments: clamd, ffmpeg.
pub(crate) fn attachments() -> Outcome {
    // Where Debian keeps clamd, for those whose path is a user's.
    let has_clamd = on_path("clamd") || std::path::Path::new("/usr/sbin/clamd").exists();
    let needed = [("clamav-daemon", has_clamd), ("ffmpeg", on_path("ffmpeg"))];
    let missing: Vec<&str> =
        needed.iter().filter(|(_, is_there)| !is_there).map(|(package, _)| *package).collect();
    if missing.is_empty() { Ok(()) } else { apt(&missing) }
}

/// The ACME server that certificates are tested with.
pub(crate) fn acme() -> Outcome {
    if on_path("pebble") { Ok(()) } else { apt(&["pebble"]) }
}

/// A JDK and Maven.
pub(crate) fn maven() -> Outcome {
    if on_path("mvn") && on_path("javac") {
        Ok(())
    } else {
        apt(&["default-jdk-headless", "maven"])
    }
}

/// Node with npm. Those of Debian 12 are too old, so they aren't installed by themselves.
pub(crate) fn node() -> Outcome {
    let version = shell::output(&mut shell::program("node", &["--version"])).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|major| major >= 20) && on_path("npm") {
        return Ok(());
    }
    Err("Node 20 or newer with npm is needed: https://nodejs.org".into())
}

/// Debian's Chromium, in which the browsers' tests run.
pub(crate) fn chromium() -> Outcome<PathBuf> {
    if find("chromium").is_none() {
        apt(&["chromium"])?;
    }
    find("chromium").ok_or_else(|| "chromium is installed and not on the path".into())
}

/// Firefox.
pub(crate) fn firefox() -> Outcome<PathBuf> {
    if find("firefox-esr").is_none() {
        apt(&["firefox-esr"])?;
    }
    find("firefox-esr").ok_or_else(|| "firefox-esr is installed and not on the path".into())
}

/// The library with which a program believes another time.
pub(crate) fn faketime() -> Outcome<PathBuf> {
    let at = || {
        let folders = std::fs::read_dir("/usr/lib").ok()?;
        let below = folders.flatten().map(|it| it.path().join("faketime/libfaketime.so.1"));
        below.into_iter().find(|path| path.exists())
    };
    if at().is_none() {
        apt(&["faketime"])?;
    }
    at().ok_or_else(|| "faketime is installed and its library not below /usr/lib".into())
}

/// Reverse proxies that operators put before a server. Installing them must start none.
pub(crate) fn proxies() -> Outcome {
    let wanted = [("nginx", "nginx-light"), ("haproxy", "haproxy"), ("caddy", "caddy")];
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|(name, _)| find(name).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() { Ok(()) } else { apt(&missing) }
}

/// The S3 server that buckets are tested with.
const S3: &str = "s3s-fs@0.14.1";

/// That server, where `parlour-features` looks for it.
pub(crate) fn s3() -> Outcome {
    let bin = shell::tools_dir().join("bin/s3s-fs");
    if bin.exists() || on_path("s3s-fs") {
        return Ok(());
    }
    say("installing s3s-fs (cargo install, about two minutes)");
    let words = ["install", "--quiet", "--locked", "--debug", S3, "--features", "binary", "--root"];
    shell::run(shell::cargo(&words).arg(shell::tools_dir()))
}

/// Whether a program of that name is on the path.
pub(crate) fn on_path(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Installs Debian packages, or says which to install where that can't be done.
pub(crate) fn apt(packages: &[&str]) -> Outcome {
    let list = packages.join(" ");
    let is_root = shell::output(&mut shell::program("id", &["-u"]))?.trim() == "0";
    let prefix: &[&str] = match () {
        () if !on_path("apt-get") => {
            return Err(format!("install {list} with your package manager"));
        }
        () if is_root => &[],
        () if shell::works(&mut shell::program("sudo", &["-n", "true"])) => &["sudo", "-n"],
        () => return Err(format!("install {list}: `sudo apt-get install {list}`")),
    };
    // One at a time: the suite runs two processes of this program.
    let _turn = turn().map_err(|error| format!("waiting for a turn to install {list}: {error}"))?;
    say(&format!("installing {list} (apt)"));
    let apt = |words: &[&str]| {
        let all: Vec<&str> = prefix.iter().chain(&["apt-get"]).chain(words).copied().collect();
        let mut command = shell::program(all[0], &all[1..]);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command)
    };
    apt(&["update", "-qq"])?;
    let words: Vec<&str> = ["install", "-y", "-qq"].iter().chain(packages).copied().collect();
    apt(&words)
}

/// Waits until no other process of this program installs anything; until it is dropped, none does.
fn turn() -> std::io::Result<std::fs::File> {
    std::fs::create_dir_all(shell::tools_dir())?;
    let file = std::fs::File::create(shell::tools_dir().join("installing"))?;
    file.lock()?;
    Ok(file)
}

fn say(text: &str) {
    println!("[tools] {text}");
}

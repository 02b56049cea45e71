//! The TypeScript client and the web client: installed, built, tested, and put where the server's build
//! takes the web client into the program.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, args::Args, shell, tools};

pub(crate) const HELP: &str = "\
usage: cargo xtask web

Builds the web client and puts it where the server's build finds it, so that the server serves it at /.
Needs Node 20 or newer with npm. Nothing is done where nothing has changed.";

/// The client library, and the application on top of it.
const CLIENT: &str = "bindings/web";
pub(crate) const SITE: &str = "examples/web";
/// Where the server's build looks.
const TAKEN: &str = "server/daemon/web/dist";
/// What the files there were made of.
const STAMP: &str = "server/daemon/web/made-of";
/// What isn't a source.
const MADE: &[&str] = &["node_modules", "dist", "generated", "shots"];

pub(crate) fn run(args: Args) -> Outcome {
    args.finish()?;
    build()
}

/// Builds both, unless that was done already.
pub(crate) fn build() -> Outcome {
    let root = shell::root();
    let mut hash = DefaultHasher::new();
    for folder in [CLIENT, SITE, "protocol/proto"] {
        hash_sources(&root.join(folder), &mut hash)?;
    }
    let made_of = format!("{:016x}\n", hash.finish());
    let taken = root.join(TAKEN);
    let is_there = taken.join("index.html").is_file();
    if is_there && fs::read_to_string(root.join(STAMP)).is_ok_and(|text| text == made_of) {
        return Ok(());
    }
    println!("building the web client");
    install(CLIENT)?;
    npm(CLIENT, &["run", "generate"])?;
    npm(CLIENT, &["run", "build"])?;
    install(SITE)?;
    npm(SITE, &["run", "build"])?;
    let failed = |error: std::io::Error| format!("{}: {error}", taken.display());
    if taken.exists() {
        fs::remove_dir_all(&taken).map_err(failed)?;
    }
    copy(&root.join(SITE).join("dist"), &taken).map_err(failed)?;
    fs::write(root.join(STAMP), made_of).map_err(failed)
}

/// Benchmarks of the web client.
pub(crate) const BENCHES: &[&str] = &["web-open", "web-scroll", "sdk-bytes"];

/// A step of the suite: its name, and what it does.
type Step = (&'static str, fn() -> Outcome);

/// What the suite does with them.
pub(crate) const STEPS: &[Step] = &[
    ("TypeScript client", client),
    ("TypeScript client against a server", client_whole),
    ("web client", site),
    ("web client in a browser", site_whole),
    ("web client in Firefox", site_in_firefox),
    ("reverse proxies", proxies),
];

fn client() -> Outcome {
    install(CLIENT)?;
    npm(CLIENT, &["run", "generate"])?;
    npm(CLIENT, &["run", "check"])?;
    npm(CLIENT, &["run", "build"])?;
    npm(CLIENT, &["test"])
}

fn client_whole() -> Outcome {
    npm(CLIENT, &["run", "test:e2e"])?;
    in_browser(CLIENT)
}

fn site() -> Outcome {
    install(SITE)?;
    npm(SITE, &["run", "check"])?;
    npm(SITE, &["test"])
}

fn site_whole() -> Outcome {
    in_browser(SITE)
}

fn site_in_firefox() -> Outcome {
    let (firefox, faketime) = (tools::firefox()?, tools::faketime()?);
    let mut command = npm_in(SITE, &["run", "test:firefox"]);
    shell::run(command.env("FIREFOX_BIN", firefox).env("FAKETIME_LIB", faketime))
}

/// The examples for proxies, with the proxies and a browser.
fn proxies() -> Outcome {
    tools::proxies()?;
    let chromium = tools::chromium()?;
    let mut command = shell::program("node", &["deploy/check/proxies.mjs"]);
    command.current_dir(shell::root()).env("CHROMIUM_BIN", chromium);
    shell::run(command.env("PARLOUR_BIN", shell::target_dir().join("debug/parlour")))
}

/// The TypeScript client under the kit's scripts for clients, which that Python plays; what it passes goes
/// into those tables.
pub(crate) fn conforms(python: &Path, tables: &[PathBuf]) -> Outcome {
    install(CLIENT)?;
    let mut command = npm_in(CLIENT, &["run", "test:conformance", "--"]);
    for table in tables {
        command.arg("--table").arg(table);
    }
    shell::run(command.env("CONFORMANCE_PYTHON", python))
}

/// A benchmark of the web client's, on a release build.
pub(crate) fn bench(words: &[String], program: &Path) -> Outcome {
    build()?;
    let chromium = tools::chromium()?;
    let mut command = npm_in(SITE, &["run", "--silent", "bench", "--"]);
    shell::run(command.args(words).env("CHROMIUM_BIN", chromium).env("PARLOUR_BIN", program))
}

fn in_browser(folder: &str) -> Outcome {
    let chromium = tools::chromium()?;
    let mut command = npm_in(folder, &["run", "test:browser"]);
    shell::run(command.env("CHROMIUM_BIN", chromium))
}

/// What the lock file names, once for each of its contents.
fn install(folder: &str) -> Outcome {
    let lock = shell::root().join(folder).join("package-lock.json");
    let wanted = fs::read(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let stamp = shell::root().join(folder).join("node_modules/.installed");
    if fs::read(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    tools::node()?;
    println!("[tools] installing the packages of {folder} (npm)");
    npm(folder, &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn npm(folder: &str, words: &[&str]) -> Outcome {
    shell::run(&mut npm_in(folder, words))
}

fn npm_in(folder: &str, words: &[&str]) -> Command {
    let mut command = shell::program("npm", words);
    command.current_dir(shell::root().join(folder));
    command.env("PARLOUR_BIN", shell::target_dir().join("debug/parlour"));
    command
}

fn hash_sources(folder: &Path, hash: &mut DefaultHasher) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if MADE.contains(&name.as_str()) {
            continue;
        }
        name.hash(hash);
        if path.is_dir() {
            hash_sources(&path, hash)?;
        } else {
            fs::read(&path).map_err(failed)?.hash(hash);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let there = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &there)?;
        } else {
            fs::copy(&path, &there)?;
        }
    }
    Ok(())
}

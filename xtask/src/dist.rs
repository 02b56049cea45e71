//! `cargo xtask dist`: the release archive of this machine's target, and its SHA-256. What is in it, under which
//! name and with which rights, is one table; the archive says nothing of who made it or when.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Outcome, args::Args, shell, tools, web};

pub(crate) const HELP: &str = "\
usage: cargo xtask dist [--out DIR]

Builds the web client and the server (release), and puts them with what an operator needs into
parlour-VERSION-TARGET.tar.gz, with SHA256SUMS beside it. The archive says nothing of who built it,
where or when.
  --out DIR   where to, instead of target/dist";

/// What comes out of the workspace, and where in the archive it is. A folder comes whole.
const TAKEN: &[(&str, &str)] = &[
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE", "LICENSE"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("PROTOCOL.md", "PROTOCOL.md"),
    ("SECURITY.md", "SECURITY.md"),
    ("docs", "docs"),
    ("deploy/systemd", "deploy/systemd"),
    ("deploy/proxy", "deploy/proxy"),
];

/// Names of files in a package that say under what it may be used.
const LICENCE_NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// The time that all files in the archive have: the first second of 1980, which every tool can show.
const MTIME: &str = "--mtime=@315532800";

pub(crate) fn run(mut args: Args) -> Outcome {
    let out = args.option::<PathBuf>("--out")?;
    args.finish()?;
    let out = match out {
        // Whoever types it means it from where they are.
        Some(out) => std::path::absolute(&out).map_err(|e| format!("{}: {e}", out.display()))?,
        None => shell::target_dir().join("dist"),
    };
    println!("building the web client and the server (minutes, where nothing was built yet)");
    web::build()?;
    let program = build()?;
    let name = format!("parlour-{}-{}", env!("CARGO_PKG_VERSION"), target()?);
    let folder = out.join(&name);
    make_new(&folder)?;
    assemble(&program, &folder)?;
    let archive = pack(&out, &name)?;
    remove(&folder)?;
    report(&out, &archive)
}

/// The program, in a folder of its own: it is built with other flags than usual, and nothing else is to be built
/// anew for that.
fn build() -> Outcome<PathBuf> {
    let folder = shell::target_dir().join("dist-build");
    let words = ["build", "--quiet", "--release", "--locked", "--package", "parlour-daemon"];
    let mut command = shell::cargo(&words);
    let hidden = [
        (cargo_home(), "/cargo"),
        (Some(shell::root().to_owned()), "/parlour"),
        (Some(folder.clone()), "/build"),
    ];
    let hidden: Vec<_> =
        hidden.into_iter().filter_map(|(path, name)| Some((path?, name))).collect();
    command.arg("--target-dir").arg(&folder).env("CARGO_ENCODED_RUSTFLAGS", flags(&hidden));
    shell::run(&mut command)?;
    let program = folder.join("release/parlour");
    stripped(&program)?;
    names_none_of(&program, hidden.iter().map(|(path, _)| &**path))?;
    Ok(program)
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".cargo"))
    })
}

/// Without them, what a panic says would name the folders, and so the user, of whoever built it.
fn flags(hidden: &[(PathBuf, &str)]) -> String {
    // The last that fits counts.
    let flag =
        |(path, name): &(PathBuf, &str)| format!("--remap-path-prefix={}={name}", path.display());
    // As cargo parts them there: a folder's name may have a space in it.
    hidden.iter().map(flag).collect::<Vec<_>>().join("\u{1f}")
}

/// Refuses a program that says where it was built.
fn names_none_of<'a>(program: &Path, folders: impl Iterator<Item = &'a Path>) -> Outcome {
    let bytes = fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    for folder in folders {
        let name = folder.as_os_str().as_encoded_bytes();
        // A folder right under the root has a name that may stand anywhere.
        if name.len() > 8 && has(&bytes, name) {
            return Err(format!("{} names {}", program.display(), folder.display()));
        }
    }
    Ok(())
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    let mut starts = (0..bytes.len()).filter(|at| bytes.get(*at) == wanted.first());
    starts.any(|at| bytes[at..].starts_with(wanted))
}

fn assemble(program: &Path, folder: &Path) -> Outcome {
    copy(program, &folder.join("parlour"))?;
    for (from, to) in TAKEN {
        copy(&shell::root().join(from), &folder.join(to))?;
    }
    let example = shell::output(&mut shell::program(program, &["config", "--print-default"]))?;
    write(&folder.join("parlour.example.toml"), &example)?;
    write(&folder.join("LICENSES-OF-DEPENDENCIES.txt"), &licences()?)
}

/// What only debuggers want is a large part of the program.
fn stripped(program: &Path) -> Outcome {
    if !tools::on_path("strip") {
        tools::apt(&["binutils"])?;
    }
    shell::run(Command::new("strip").arg("--strip-debug").arg(program))
}

/// GNU tar with everything said that would otherwise be this machine's: order, owners, rights, times.
fn pack(out: &Path, name: &str) -> Outcome<PathBuf> {
    let tar = format!("{name}.tar");
    let archive = out.join(format!("{tar}.gz"));
    let words = ["--sort=name", MTIME, "--owner=0", "--group=0", "--numeric-owner"];
    let rights = ["--mode=u=rwX,go=rX", "--format=ustar", "-cf"];
    let mut command = Command::new("tar");
    command.current_dir(out).env("LC_ALL", "C").args(words).args(rights);
    shell::run(command.args([tar.as_str(), name]))?;
    // Without a name and a time of its own.
    let words = ["--no-name", "--best", "--force", tar.as_str()];
    shell::run(Command::new("gzip").current_dir(out).args(words))?;
    Ok(archive)
}

/// Writes the sums as `sha256sum --check` reads them, and says what there is.
fn report(out: &Path, archive: &Path) -> Outcome {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = Command::new("sha256sum");
    let sum = shell::output(command.current_dir(out).arg(&name))?;
    write(&out.join("SHA256SUMS"), &sum)?;
    let listed = shell::output(Command::new("tar").current_dir(out).args(["-tzf", name.as_str()]))?;
    for line in listed.lines().filter(|line| !line.ends_with('/')) {
        println!("  {line}");
    }
    let size = fs::metadata(archive).map_err(|e| format!("{}: {e}", archive.display()))?.len();
    println!("\n{}  {:.1} MB", archive.display(), size as f64 / 1e6);
    print!("{sum}");
    Ok(())
}

/// Something that the server is made with, under its own licence.
struct Package {
    title: String,
    licence: String,
    folder: PathBuf,
}

/// The texts that come with the packages the server and the web client in it are made of, each once, with
/// whose they are.
fn licences() -> Outcome<String> {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = String::new();
    for package in packages()?.into_iter().chain(web_packages()?) {
        table.push_str(&format!("{}: {}\n", package.title, package.licence));
        for text in texts(&package.folder)? {
            by_text.entry(text).or_default().push(package.title.clone());
        }
    }
    let mut whole =
        format!("The server and its web client are made with these packages:\n\n{table}");
    for (text, titles) in by_text {
        let line = "=".repeat(80);
        whole.push_str(&format!("\n{line}\n{}\n\n{}\n", titles.join(", "), text.trim()));
    }
    Ok(whole)
}

/// What is bundled into the web client. npm says where its packages are, the client's own folder first.
fn web_packages() -> Outcome<Vec<Package>> {
    let words = ["ls", "--omit=dev", "--all", "--parseable"];
    let mut command = shell::program("npm", &words);
    let listed = shell::output(command.current_dir(shell::root().join(web::SITE)))?;
    let mut folders: Vec<&str> =
        listed.lines().filter(|line| line.contains("/node_modules/")).collect();
    folders.sort_unstable();
    folders.dedup();
    folders.into_iter().map(|folder| web_package(Path::new(folder))).collect()
}

fn web_package(folder: &Path) -> Outcome<Package> {
    let file = folder.join("package.json");
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let package: Value =
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(package_of(&package, folder.to_owned()))
}

fn package_of(package: &Value, folder: PathBuf) -> Package {
    let word = |key: &str| package[key].as_str().unwrap_or_default();
    let title = format!("{} {}", word("name"), word("version"));
    Package { title, licence: word("license").to_owned(), folder }
}

/// What the server is linked with on this target, without the workspace's own, by name.
fn packages() -> Outcome<Vec<Package>> {
    let target = target()?;
    let words = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &target];
    let metadata = shell::output(&mut shell::cargo(&words))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let nodes = list(&metadata["resolve"]["nodes"]);
    let mut wanted: Vec<String> = list(&metadata["packages"])
        .iter()
        .filter(|package| package["name"] == "parlour-daemon")
        .filter_map(|package| package["id"].as_str().map(ToOwned::to_owned))
        .collect();
    let mut at = 0;
    while at < wanted.len() {
        let id = wanted[at].clone();
        at += 1;
        for next in nodes.iter().filter(|node| node["id"] == id.as_str()).flat_map(linked) {
            if !wanted.contains(&next) {
                wanted.push(next);
            }
        }
    }
    let is_wanted = |package: &&Value| {
        let id = package["id"].as_str().unwrap_or_default();
        !package["source"].is_null() && wanted.iter().any(|wanted| wanted == id)
    };
    let package = |package: &Value| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        package_of(package, manifest.parent().unwrap_or(manifest).to_owned())
    };
    let mut found: Vec<Package> =
        list(&metadata["packages"]).iter().filter(is_wanted).map(package).collect();
    found.sort_by(|one, other| one.title.cmp(&other.title));
    Ok(found)
}

/// What a package is linked with: not what only its tests or its build need.
fn linked(node: &Value) -> Vec<String> {
    let is_linked = |dependency: &&Value| {
        list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
    };
    let id = |dependency: &Value| dependency["pkg"].as_str().map(ToOwned::to_owned);
    list(&node["deps"]).iter().filter(is_linked).filter_map(id).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The files in a package's own folder that are called like a licence.
fn texts(folder: &Path) -> Outcome<Vec<String>> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    paths.retain(|path| path.is_file() && is_licence(path));
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).map_err(failed);
    let bytes: Vec<Vec<u8>> = paths.iter().map(read).collect::<Outcome<_>>()?;
    // Lines end as elsewhere, so that the same text is there once.
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    Ok(bytes.iter().map(text).collect())
}

fn is_licence(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    LICENCE_NAMES.iter().any(|start| name.starts_with(start))
}

/// The compiler's own target, for which it builds unless it is told otherwise.
fn target() -> Outcome<String> {
    let said = shell::output(&mut shell::program("rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).ok_or_else(|| "rustc doesn't say what it builds for".into())
}

fn make_new(folder: &Path) -> Outcome {
    if folder.exists() {
        remove(folder)?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn remove(folder: &Path) -> Outcome {
    fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// A file, or a folder with all that is below it.
fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", from.display());
    if from.is_dir() {
        for entry in fs::read_dir(from).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            copy(&path, &to.join(path.file_name().unwrap_or_default()))?;
        }
        return Ok(());
    }
    fs::create_dir_all(to.parent().unwrap_or(to)).map_err(failed)?;
    fs::copy(from, to).map(drop).map_err(failed)
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
#[path = "dist_tests.rs"]
mod tests;

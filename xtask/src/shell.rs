//! Runs other programs and knows the folders: the workspace's root and cargo's target folder.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Outcome;

/// The workspace's root: the parent of this package's folder.
pub(crate) fn root() -> PathBuf {
    // As cargo says now: a program kept in a target folder that several copies of the project share may
    // have been built from another of them.
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = now.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.parent().unwrap_or(&here).to_path_buf()
}

/// Where cargo builds to, and under it `tools`, where commands keep what they install.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The folder for tools that a command installs for itself. `cargo clean` removes it.
pub(crate) fn tools_dir() -> PathBuf {
    target_dir().join("tools")
}

/// A cargo command at the workspace's root, on the toolchain this program was started with.
pub(crate) fn cargo(words: &[&str]) -> Command {
    program("cargo", words)
}

/// A program at the workspace's root.
pub(crate) fn program(name: impl AsRef<OsStr>, words: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(words).current_dir(root()).stdin(Stdio::null());
    // `cargo run` tells this program which package it is. Handed on, that would look to build
    // scripts like a change, and ring would be built anew after every direct `cargo build`.
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_about_this_package(name)) {
        command.env_remove(name);
    }
    command
}

fn is_about_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(name, "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "OUT_DIR")
}

/// Runs to the end with the terminal's own output; an error names the command.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let words = show(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{words}` failed: {status}")),
        Err(error) => Err(format!("`{words}` can't be run: {error}")),
    }
}

/// Runs to the end and hands back what it printed; an error carries its complaint.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let words = show(command);
    let output = command.output().map_err(|error| format!("`{words}` can't be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{words}` failed: {}\n{}", output.status, complaint.trim()))
}

/// Whether the program runs at all and says it succeeded; its output is dropped.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Builds packages and hands back the folder their programs are in.
pub(crate) fn build(packages: &[&str], release: bool) -> Outcome<PathBuf> {
    let mut command = cargo(&["build", "--quiet"]);
    for package in packages {
        command.args(["--package", package]);
    }
    if release {
        command.arg("--release");
    }
    run(&mut command)?;
    Ok(target_dir().join(if release { "release" } else { "debug" }))
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

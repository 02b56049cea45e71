//! Where the program `parlour` is: named by `PARLOUR_BIN`, or built by cargo once.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// The server's program, up to date.
pub fn parlour() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| named().unwrap_or_else(build)).clone()
}

fn named() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("PARLOUR_BIN")?);
    assert!(path.is_file(), "PARLOUR_BIN names {}, which is no file", path.display());
    Some(path)
}

/// Cargo knows whether it is up to date, and where it is; `CARGO_TARGET_DIR` is inherited.
fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--package", "parlour-daemon", "--bin", "parlour"])
        .args(["--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().expect("cargo can be run");
    assert!(output.status.success(), "the server doesn't build");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut programs = text.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == "parlour" && message["executable"].is_string();
        is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    programs.next_back().expect("cargo says where the program is")
}

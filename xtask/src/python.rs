//! The Python client: its wheel, installed in a fresh environment, and its tests there against a
//! server that was built already.

use std::path::{Path, PathBuf};

use crate::{Outcome, shell, tools};

/// What the tests need beside the wheel.
const TESTS_WITH: &[&str] = &["mypy==2.4.1", "pytest==9.2.0"];

/// Builds the wheel, installs it and runs the tests.
pub(crate) fn tests() -> Outcome {
    let mut tests =
        shell::program(installed("dev")?, &["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    tests.current_dir(package()).env("PARLOUR_BIN", shell::target_dir().join("debug/parlour"));
    shell::run(&mut tests)
}

/// The conformance kit's driver of the client, as a command.
pub(crate) fn driver() -> Outcome<String> {
    let script = package().join("tests/conformance/driver.py");
    Ok(format!("'{}' '{}'", installed("dev")?.display(), script.display()))
}

/// The program that the benchmark `languages` runs, on a release build, as a command.
pub(crate) fn figures() -> Outcome<String> {
    let script = package().join("tests/figures.py");
    Ok(format!("'{}' '{}'", installed("release")?.display(), script.display()))
}

/// A fresh environment with the client in it, on a library of that profile.
fn installed(profile: &str) -> Outcome<PathBuf> {
    let wheel = wheel(profile)?;
    tools::fresh_python("python-client", &[&[&*wheel.to_string_lossy()], TESTS_WITH])
}

/// The wheel, by maturin.
fn wheel(profile: &str) -> Outcome<PathBuf> {
    let maturin = tools::maturin()?;
    let out = shell::target_dir().join("wheels");
    // One of an earlier version would be found beside it.
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let words = ["build", "--quiet", "--profile", profile, "--locked", "--out"];
    let mut build = shell::program(maturin, &words);
    build.arg(&out).current_dir(package()).env("PATH", path_with(&bindgen()?)?);
    shell::run(&mut build)?;
    let found = std::fs::read_dir(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let wheel = found.flatten().map(|entry| entry.path()).next();
    wheel.ok_or_else(|| format!("maturin left no wheel in {}", out.display()))
}

/// The folder with the program that writes the other language's half; maturin looks for it on the path.
pub(crate) fn bindgen() -> Outcome<PathBuf> {
    let target = shell::tools_dir().join("bindgen");
    let manifest = "bindings/bindgen/Cargo.toml";
    let words = ["build", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir"];
    shell::run(shell::cargo(&words).arg(&target))?;
    Ok(target.join("debug"))
}

fn path_with(folder: &Path) -> Outcome<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| error.to_string())
}

fn package() -> PathBuf {
    shell::root().join("bindings/python")
}

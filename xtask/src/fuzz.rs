//! `cargo xtask fuzz`: each target over its kept corpus. What libFuzzer finds on the way goes to
//! the target folder; an input worth keeping is copied to `fuzz/corpus/TARGET/` under a name that
//! says what it is.

use std::path::Path;

use crate::args::{Args, nearest};
use crate::{Outcome, shell, tools};

pub(crate) const HELP: &str = "\
usage: cargo xtask fuzz [TARGET] [--seconds N]

Fuzzes one target, or each in turn without a name, for N seconds (600 unless told). Needs a nightly
toolchain; installs cargo-fuzz under the target folder if it isn't there.
  --list    print the targets";

const SECONDS: u64 = 600;

/// A frame is at most 1 MiB; inputs beyond this only make the fuzzer slow.
const INPUT_BYTES_MAX: &str = "65536";

pub(crate) fn run(mut args: Args) -> Outcome {
    let seconds = args.option::<u64>("--seconds")?.unwrap_or(SECONDS);
    let list = args.switch("--list");
    let chosen = args.word();
    args.finish()?;
    let targets = targets()?;
    if list {
        targets.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    let Some(name) = chosen else { return each(&targets, seconds) };
    if targets.contains(&name) {
        return each(&[name], seconds);
    }
    let hint = match nearest(&name, targets.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", targets.join(", ")),
    };
    Err(format!("no fuzz target `{name}`; {hint}"))
}

/// The targets' names: one file each.
pub(crate) fn targets() -> Outcome<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rs").map(ToOwned::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds all targets once and runs each of `names`; stops at the first crash.
pub(crate) fn each(names: &[String], seconds: u64) -> Outcome {
    if !tools::has_nightly() {
        return Err("fuzzing needs a nightly toolchain: `rustup toolchain install nightly`".into());
    }
    let target_dir = shell::target_dir().join("fuzz");
    // No sanitizer: the workspace forbids unsafe code, and without one the fuzzer is twice as fast.
    let shared = ["--sanitizer", "none", "--target-dir"];
    let mut build = tools::cargo_fuzz()?;
    shell::run(build.arg("build").args(shared).arg(&target_dir))?;
    for name in names {
        fuzz(name, seconds, &target_dir, &shared)?;
    }
    Ok(())
}

/// What libFuzzer says goes to a file: one line of it matters, or the last ones after a crash.
fn fuzz(name: &str, seconds: u64, target_dir: &Path, shared: &[&str]) -> Outcome {
    let found = target_dir.join("found").join(name);
    let log = target_dir.join(format!("{name}.log"));
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(&found).map_err(|error| failed(&found, error))?;
    let file = std::fs::File::create(&log).map_err(|error| failed(&log, error))?;
    let mut command = tools::cargo_fuzz()?;
    command.arg("run").args(shared).arg(target_dir).arg(name).arg(&found).stderr(file);
    let kept = shell::root().join("fuzz/corpus").join(name);
    if kept.is_dir() {
        command.arg(kept);
    }
    command.arg("--").arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-max_len={INPUT_BYTES_MAX}")).arg("-timeout=10");
    let outcome = shell::run(&mut command);
    let said = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
    if outcome.is_err() {
        let lines: Vec<&str> = said.lines().collect();
        eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        return outcome;
    }
    let done = said.lines().rfind(|line| line.starts_with("Done ")).unwrap_or("no figure");
    println!("fuzz {name}: {done}");
    Ok(())
}

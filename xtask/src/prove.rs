//! `cargo xtask prove`: the reliability tests. Each prints one JSON line with its figures and
//! fails on any violation. `tests/prove` has the one list of them.

use std::path::Path;

use crate::args::{Args, nearest};
use crate::{Outcome, shell};

pub(crate) const HELP: &str = "\
usage: cargo xtask prove [NAME] [--json] [--count N] [--seed S] [--short]

Runs one reliability test at its full count, or all of them without a name. Each prints the seed
it used; `--seed` runs that one again.
  --json    print only the JSON lines
  --count   how often, instead of the test's own count
  --short   the count the test suite uses
  --list    print the names

Fuzzing is one of the reliability tests as well, and has a command of its own: `cargo xtask fuzz`.";

/// What running all of them leaves out.
const FUZZING: &str = "fuzzing isn't among these: `cargo xtask fuzz` runs it, ten minutes a target";

/// The program that holds the proofs.
const PROGRAM: &str = "parlour-prove";

pub(crate) fn run(mut args: Args) -> Outcome {
    let mut flags = Vec::new();
    for name in ["--json", "--short"] {
        if args.switch(name) {
            flags.push(name.to_owned());
        }
    }
    for name in ["--count", "--seed"] {
        if let Some(value) = args.option::<u64>(name)? {
            flags.extend([name.to_owned(), value.to_string()]);
        }
    }
    let list = args.switch("--list");
    let chosen = args.word();
    args.finish()?;
    let bins = shell::build(&["parlour-daemon", PROGRAM], true)?;
    let names = names(&bins)?;
    if list {
        names.iter().for_each(|name| println!("{name}"));
        return Ok(());
    }
    if chosen.is_none() {
        eprintln!("{FUZZING}");
    }
    let mut failed = Vec::new();
    for name in choose(chosen.as_deref(), &names)? {
        if let Err(message) = prove(name, &bins, &flags) {
            eprintln!("prove {name}: {message}");
            failed.push(name.as_str());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// The proofs' names. The program has the one list of them, and prints it where it is asked for
/// none.
pub(crate) fn names(bins: &Path) -> Outcome<Vec<String>> {
    let output = shell::program(bins.join(PROGRAM), &[]).output();
    let output = output.map_err(|error| format!("{PROGRAM} can't be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("proofs: "));
    let line = line.ok_or_else(|| format!("{PROGRAM} doesn't name its proofs"))?;
    Ok(line.split(", ").map(ToOwned::to_owned).collect())
}

/// Runs one proof at the suite's count, from programs already built.
pub(crate) fn short(name: &str, bins: &Path) -> Outcome {
    prove(name, bins, &["--short".to_owned()])
}

fn prove(name: &str, bins: &Path, flags: &[String]) -> Outcome {
    let mut command = shell::program(bins.join(PROGRAM), &[name]);
    command.args(flags).env("PARLOUR_BIN", bins.join("parlour"));
    shell::run(&mut command)
}

fn choose<'a>(name: Option<&str>, names: &'a [String]) -> Outcome<Vec<&'a String>> {
    let Some(name) = name else { return Ok(names.iter().collect()) };
    if let Some(known) = names.iter().find(|known| *known == name) {
        return Ok(vec![known]);
    }
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    Err(format!("no proof `{name}`; {hint}"))
}

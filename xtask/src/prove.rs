//! `cargo xtask prove`: the reliability tests. Each prints one JSON line with its figures and
//! fails on any violation. The table below is the list; a new proof is one row.

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
  --list    print the names";

/// A reliability test: its name and the program that holds it.
pub(crate) struct Proof {
    pub(crate) name: &'static str,
    package: &'static str,
    /// Whether `cargo xtask test` runs it, at its short count.
    pub(crate) in_suite: bool,
}

const fn proof(name: &'static str, package: &'static str) -> Proof {
    Proof { name, package, in_suite: true }
}

/// All proofs, in the order they run.
pub(crate) const PROOFS: &[Proof] = &[proof("crash-kill", "parlour-prove")];

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
    if list {
        PROOFS.iter().for_each(|proof| println!("{}", proof.name));
        return Ok(());
    }
    let proofs = choose(chosen.as_deref())?;
    let bins = shell::build(&programs(&proofs), true)?;
    let mut failed = Vec::new();
    for proof in proofs {
        if let Err(message) = prove(proof, &bins, &flags) {
            eprintln!("prove {}: {message}", proof.name);
            failed.push(proof.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Runs one proof at the suite's count, from programs already built.
pub(crate) fn short(proof: &Proof, bins: &Path) -> Outcome {
    prove(proof, bins, &["--short".to_owned()])
}

fn prove(proof: &Proof, bins: &Path, flags: &[String]) -> Outcome {
    let mut command = shell::program(bins.join(proof.package), &[proof.name]);
    command.args(flags).env("PARLOUR_BIN", bins.join("parlour"));
    shell::run(&mut command)
}

fn choose(name: Option<&str>) -> Outcome<Vec<&'static Proof>> {
    let Some(name) = name else { return Ok(PROOFS.iter().collect()) };
    if let Some(proof) = PROOFS.iter().find(|proof| proof.name == name) {
        return Ok(vec![proof]);
    }
    let hint = match nearest(name, PROOFS.iter().map(|proof| proof.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`cargo xtask prove --list` names them".to_owned(),
    };
    Err(format!("no proof `{name}`; {hint}"))
}

/// The packages to build: each proof's own, and the server that many of them start.
fn programs(proofs: &[&Proof]) -> Vec<&'static str> {
    let mut packages = vec!["parlour-daemon"];
    packages.extend(proofs.iter().map(|proof| proof.package));
    packages.sort_unstable();
    packages.dedup();
    packages
}

//! The reliability tests: `parlour-prove NAME [--count N] [--seed S] [--json] [--short]` prints
//! one JSON line with the proof's figures and fails on any violation. A new proof is one file
//! and one row of `PROOFS`, here or in `whole`.

#![allow(clippy::print_stdout)] // Lines on stdout are what this program is for.

mod args;
mod authz_oracle;
mod crash_kill;
mod disk_damage;
mod disk_full;
mod load;
mod power_cut;
mod report;
mod rng;
mod sim_chaos;
mod small_disk;
mod store;
mod truth;
mod whole;

use std::process::ExitCode;

use args::Args;
use report::Report;

/// A proof: its name, and what runs it.
type Proof = (&'static str, fn(&Args) -> Report);

const PROOFS: &[Proof] = &[
    ("crash-kill", crash_kill::run),
    ("power-cut", power_cut::run),
    ("disk-damage", disk_damage::run),
    ("disk-full", disk_full::run),
    ("sim-chaos", sim_chaos::run),
    ("authz-oracle", authz_oracle::run),
];

/// A program that proofs start as a child of their own; not for people.
type Child = (&'static str, fn(&[String]));

const CHILDREN: &[Child] =
    &[("child-load", load::child), ("child-client", whole::client_kill::child)];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = words.split_first().map_or(("", &words[..]), |(n, rest)| (&n[..], rest));
    if let Some((_, child)) = CHILDREN.iter().find(|(child, _)| *child == name) {
        child(rest);
        return ExitCode::SUCCESS;
    }
    let all = || PROOFS.iter().chain(whole::PROOFS);
    let Some((_, proof)) = all().find(|(proof, _)| *proof == name) else {
        let names: Vec<&str> = all().map(|(name, _)| *name).collect();
        eprintln!("usage: parlour-prove NAME {}\nproofs: {}", args::USAGE, names.join(", "));
        return ExitCode::from(2);
    };
    let args = match Args::parse(rest) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}\nusage: parlour-prove {name} {}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    let report = proof(&args);
    println!("{}", report.line(name, args.seed));
    if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! `parlour-bench NAME [--json] [--quick]`: runs one benchmark, or all, each beside its peers in
//! the same minutes. `cargo xtask bench` builds what it needs and calls it.

mod bench;
mod drive;
mod harness;
mod relay;
mod subject;
mod swarm;

use std::ffi::OsString;
use std::process::ExitCode;

use bench::{Bench, Context};
use harness::certificate::Certificate;
use harness::namespace::{self, Namespaces};
use harness::report::Report;
use harness::{Outcome, during, process};
use subject::Subject;

const HELP: &str = "\
usage: parlour-bench [NAME] [--json] [--quick] [--count N] [--list] [--subject NAME] [--peer NAME]

  --json      only the JSON lines, one per figure
  --quick     one short repetition: to see that it runs, not to compare
  --count N   how much of it, in benchmarks that let one choose (`search`: messages)
  --list      the names
  --subject   measures a peer in Parlour's place
  --peer      beside this peer only";

#[derive(Default)]
struct Words {
    name: Option<String>,
    json: bool,
    quick: bool,
    count: Option<usize>,
    list: bool,
    help: bool,
    subject: Option<Subject>,
    peer: Option<Subject>,
}

fn main() -> ExitCode {
    match start() {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("parlour-bench: {message}");
            ExitCode::from(2)
        }
    }
}

/// The exit code: 0 when every figure is right, 1 when one isn't.
#[allow(clippy::print_stdout, reason = "help and the list of names are asked for")]
fn start() -> Outcome<u8> {
    if std::env::args().nth(1).is_some_and(|word| word == relay::WORD) {
        return relay::run().map(|()| 0);
    }
    if std::env::args().nth(1).is_some_and(|word| word == bench::icount::WORD) {
        let mut rest = std::env::args().skip(2);
        return bench::icount::run_part(rest.next(), rest.next()).map(|()| 0);
    }
    if std::env::args().nth(1).is_some_and(|word| word == bench::sync::WORD) {
        let rest: Vec<String> = std::env::args().skip(2).collect();
        return bench::sync::run_part(&rest).map(|()| 0);
    }
    if std::env::args().nth(1).is_some_and(|word| word == bench::languages::rust::WORD) {
        let rest: Vec<String> = std::env::args().skip(2).collect();
        return bench::languages::rust::run_part(&rest).map(|()| 0);
    }
    let words = words()?;
    if words.help {
        println!("{HELP}");
        return Ok(0);
    }
    if words.list {
        bench::ALL.iter().for_each(|bench| println!("{}", bench.name));
        return Ok(0);
    }
    let chosen: Vec<&Bench> = match &words.name {
        None => bench::ALL.iter().collect(),
        Some(name) => vec![
            (bench::ALL.iter().find(|bench| bench.name == *name))
                .ok_or_else(|| format!("no benchmark `{name}`; --list has their names"))?,
        ],
    };
    if let Some(code) = process::pin_self()? {
        return Ok(code);
    }
    subject::peers::install()?;
    let mut report = Report::new(words.json);
    let mut all_ok = true;
    for bench in chosen {
        if bench.relayed && process::where_pinned().is_none_or(|at| at.is_empty()) {
            all_ok &= within_namespaces(bench)? == 0;
        } else {
            run(bench, &words, &mut report)?;
        }
    }
    Ok(u8::from(!(all_ok && report.all_ok())))
}

/// Runs one benchmark in the client's namespace, with this run's own words.
fn within_namespaces(bench: &Bench) -> Outcome<u8> {
    let _namespaces = Namespaces::make()?;
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if !words.iter().any(|word| word == bench.name) {
        words.insert(0, bench.name.into());
    }
    process::run_self(Some(namespace::CLIENT), &words)
}

fn run(bench: &Bench, words: &Words, report: &mut Report) -> Outcome {
    let folder = tempfile::tempdir().map_err(during("temporary folder"))?;
    let certificate = Certificate::make(folder.path())?;
    let context = Context {
        quick: words.quick,
        count: words.count,
        subject: words.subject.unwrap_or(Subject::Parlour),
        only: words.peer,
        folder: folder.path(),
        certificate: &certificate,
    };
    (bench.run)(&context, report)?;
    report.close(bench.name);
    Ok(())
}

fn words() -> Outcome<Words> {
    let mut found = Words::default();
    let mut rest = std::env::args().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--json" => found.json = true,
            "--quick" => found.quick = true,
            "--count" => found.count = Some(number(rest.next())?),
            "--list" => found.list = true,
            "--help" | "-h" => found.help = true,
            "--subject" => found.subject = Some(subject_named(rest.next())?),
            "--peer" => found.peer = Some(subject_named(rest.next())?),
            name if !name.starts_with('-') && found.name.is_none() => {
                found.name = Some(name.to_owned());
            }
            other => return Err(format!("unknown argument `{other}`; see --help")),
        }
    }
    Ok(found)
}

fn number(word: Option<String>) -> Outcome<usize> {
    let word = word.ok_or("--count needs a number")?;
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

fn subject_named(name: Option<String>) -> Outcome<Subject> {
    let name = name.ok_or("--subject and --peer need a name")?;
    let known = subject::ALL.into_iter().find(|subject| subject.name() == name);
    let names: Vec<&str> = subject::ALL.iter().map(|subject| subject.name()).collect();
    known.ok_or_else(|| format!("no subject `{name}`; there are {}", names.join(", ")))
}

//! `languages`: what a call costs in each language beside the Rust client, whether 10,000 events a second come
//! through, and whether memory grows with events or with connecting. Each language has a program of its own
//! (`bindings/*/…/figures`) that says what it has measured in JSON lines; `cargo xtask bench languages` builds
//! them and names their commands. Those that aren't there are said.

mod program;
pub(crate) mod rust;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use self::program::Program;
use super::Context;
use crate::drive::Crowd;
use crate::drive::loops::Paced;
use crate::harness::figure::{Better, Figure, Goal, Sample, Side, Title};
use crate::harness::report::Report;
use crate::harness::{Outcome, machine};
use crate::subject::{Running, Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

/// The languages, and the variables that name their programs' commands. Rust's is this program itself.
const LANGUAGES: [(&str, &str); 4] = [
    ("rust", ""),
    ("python", "PARLOUR_BENCH_PYTHON"),
    ("kotlin", "PARLOUR_BENCH_KOTLIN"),
    ("swift", "PARLOUR_BENCH_SWIFT"),
];
/// What a call may be answered by, as the programs name it.
const ANSWERED_BY: [(&str, &str); 3] =
    [("plain", "the library"), ("asked", "the client's task"), ("sent", "the server")];
const EVENTS_PER_SECOND: f64 = 10_000.0;
/// Memory that may come in the measured time: a heap's own ups and downs. A leak of 100 bytes an event or a kilobyte
/// a connection is more.
const GROWTH_MAX_MB: f64 = 8.0;
/// So many post, since the server bounds what one has in flight; the user behind them is the language's client.
const WRITERS: usize = 4;
const WARM_UP: Duration = Duration::from_secs(5);

struct Language {
    name: &'static str,
    command: String,
}

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let mut languages = Vec::new();
    for (name, variable) in LANGUAGES {
        match command(variable)? {
            Some(command) => languages.push(Language { name, command }),
            None => eprintln!("not measured: {name}; {variable} names no command"),
        }
    }
    calls(context, &languages, report)?;
    for language in &languages {
        events(context, language, report)?;
        connects(context, language, report)?;
    }
    Ok(())
}

fn command(variable: &str) -> Outcome<Option<String>> {
    if variable.is_empty() {
        return rust::command().map(Some);
    }
    Ok(std::env::var(variable).ok().filter(|command| !command.is_empty()))
}

/// Each language's calls beside Rust's.
fn calls(context: &Context<'_>, languages: &[Language], report: &mut Report) -> Outcome {
    let count = if context.quick { 5_000 } else { 50_000 };
    let mut all = vec![vec![Vec::new(); ANSWERED_BY.len()]; languages.len()];
    for _ in 0..context.reps() {
        for (language, cells) in languages.iter().zip(&mut all) {
            let server = start(context)?;
            let mut program = begin(context, &*server, language, "calls", count)?;
            let took = program.await_numbers(ANSWERED_BY.map(|(name, _)| name))?;
            cells.iter_mut().zip(took).for_each(|(cell, took)| cell.push(sample(took)));
        }
    }
    let Some((rust, others)) = all.split_first() else { return Ok(()) };
    for (cell, (_, by)) in ANSWERED_BY.into_iter().enumerate() {
        let title = title(json!({ "of": "a call", "answered_by": by }), "ns", None);
        report.add(&Figure::new(&title, &side("rust", &rust[cell]), None));
        for (language, cells) in languages.iter().skip(1).zip(others) {
            let (mine, theirs) = (side(language.name, &cells[cell]), side("rust", &rust[cell]));
            report.add(&Figure::new(&title, &mine, Some(&theirs)));
        }
    }
    Ok(())
}

/// As many events as are wanted a second: all come, and memory stays.
fn events(context: &Context<'_>, language: &Language, report: &mut Report) -> Outcome {
    let seconds = if context.quick { 5 } else { 30 };
    let server = start(context)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.listening = Some(WRITERS);
    crowd.connect(WRITERS, WRITERS)?;
    // Behind the last post there is time for it to arrive.
    let lasts = WARM_UP.as_secs() + seconds + 5;
    let mut program = begin(context, &*server, language, "events", lasts)?;
    program.await_word("ready")?;
    let (stop, stopped) = mpsc::channel();
    let pid = program.pid();
    let watching = thread::spawn(move || {
        let mut seen = Vec::new();
        while stopped.recv_timeout(Duration::from_secs(1)).is_err() {
            seen.push(machine::rss_kb(&machine::family(pid)));
        }
        seen
    });
    let paced = Paced {
        per_second: EVENTS_PER_SECOND,
        all_post: true,
        warm_up: WARM_UP,
        time: Duration::from_secs(seconds),
    };
    let run = crowd.paced(&server.pids(), paced)?;
    let _ = stop.send(());
    let memory = watching.join().map_err(|_| "memory wasn't looked at")?;
    let mut came = 0.0;
    for _ in 0..lasts {
        came = program.await_number("events")?;
    }
    let rate =
        Sample { lost: run.posted.saturating_sub(came as u64), ..sample(run.acked_per_second()) };
    let about = json!({ "of": "events that came through", "bytes": POST_BYTES });
    report.add(&Figure::new(&of_rate(about), &side(language.name, &[rate]), None));
    let after = WARM_UP.as_secs() as usize;
    grown(language, json!({ "of": "memory with events", "s": seconds }), &memory, after, report);
    Ok(())
}

/// Connecting and going again and again: memory stays.
fn connects(context: &Context<'_>, language: &Language, report: &mut Report) -> Outcome {
    let count = context.count.unwrap_or(if context.quick { 300 } else { 10_000 });
    let server = start(context)?;
    let mut program = begin(context, &*server, language, "connects", count as u64)?;
    let mut memory = Vec::new();
    for _ in 0..10 {
        program.await_number("connects")?;
        memory.push(machine::rss_kb(&machine::family(program.pid())));
    }
    let about = json!({ "of": "memory with connects", "connects": count });
    grown(language, about, &memory, 2, report);
    Ok(())
}

/// What memory has grown by since the warm-up. Its lowest of the last third counts: what a collector hasn't
/// taken yet is no leak.
fn grown(
    language: &Language,
    about: serde_json::Value,
    memory_kb: &[u64],
    after: usize,
    report: &mut Report,
) {
    let later = memory_kb.get(after..).unwrap_or_default();
    let begin = later.first().copied().unwrap_or_default() as f64;
    let end = later.iter().rev().take(later.len().div_ceil(3)).min().copied();
    let grown = (end.unwrap_or_default() as f64 - begin).max(0.0) / 1024.0;
    let title = title(about, "MB grown", Some(Goal::AtMost(GROWTH_MAX_MB)));
    let sample = Sample { rss_kb: memory_kb.last().copied(), ..sample(grown) };
    report.add(&Figure::new(&title, &side(language.name, &[sample]), None));
}

fn start(context: &Context<'_>) -> Outcome<Box<dyn Running>> {
    let world = World { listening: Some(WRITERS), ..World::one_room(WRITERS + 1) };
    Subject::Parlour.start(&Setup::new(context.folder, context.certificate, world))
}

/// A language's program, as the one who doesn't post.
fn begin(
    context: &Context<'_>,
    server: &dyn Running,
    language: &Language,
    what: &str,
    count: u64,
) -> Outcome<Program> {
    let token = World::one_room(WRITERS + 1).token(WRITERS);
    let (address, count) = (server.address().to_string(), count.to_string());
    let words = [&*address, &*context.certificate.sha256, &*token, what, &*count];
    Program::start(&language.command, &words)
}

fn sample(value: f64) -> Sample {
    Sample { value: Some(value), load1: machine::load1(), ..Sample::default() }
}

fn side<'a>(name: &'a str, samples: &'a [Sample]) -> Side<'a> {
    Side { name, version: env!("CARGO_PKG_VERSION"), samples }
}

fn title(params: serde_json::Value, unit: &'static str, goal: Option<Goal>) -> Title {
    Title { bench: "languages", params, unit, better: Better::Less, goal }
}

fn of_rate(params: serde_json::Value) -> Title {
    Title { better: Better::More, ..title(params, "events/s", None) }
}

//! `search`: what the slowest of a hundred searches takes over many messages, for somebody who may read
//! some of the rooms. Parlour answers as a server does, from the call to the item with the messages; the
//! peers give the rows of a table, with an index as their manuals have it.

mod corpus;
mod parlour;
mod postgres;
mod sqlite;

use std::time::{Duration, Instant};

use serde_json::json;

use super::Context;
use crate::harness::Outcome;
use crate::harness::figure::{Better, Figure, Goal, Sample, Side, Title};
use crate::harness::histogram::Histogram;
use crate::harness::machine;
use crate::harness::report::Report;
use corpus::{Corpus, Query};

const MESSAGES: usize = 1_000_000;
const MESSAGES_QUICK: usize = 20_000;
const QUERIES: usize = 1_000;
/// Hits a page.
pub(crate) const PAGE: usize = 20;

/// Something that searches.
trait Engine {
    fn name(&self) -> &'static str;
    fn version(&self) -> String;
    /// Answers each, and how long it took from asking to having the rows, and how many there were.
    fn answer(&mut self, queries: &[Query]) -> Outcome<Vec<(Duration, usize)>>;
}

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let usual = if context.quick { MESSAGES_QUICK } else { MESSAGES };
    let corpus = Corpus::new(context.count.unwrap_or(usual));
    let queries = corpus.queries(if context.quick { 100 } else { QUERIES });
    let mut engines: Vec<Box<dyn Engine>> = vec![
        loaded("Parlour", || Ok(Box::new(parlour::Parlour::load(&corpus, context.folder)?)))?,
        loaded("SQLite", || Ok(Box::new(sqlite::Sqlite::load(&corpus, context.folder)?)))?,
        loaded("PostgreSQL", || Ok(Box::new(postgres::Tsvector::load(&corpus)?)))?,
    ];
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); engines.len()];
    for _ in 0..context.reps() {
        let mut counts = Vec::new();
        for (engine, samples) in engines.iter_mut().zip(&mut samples) {
            let answers = engine.answer(&queries)?;
            samples.push(sample(&answers));
            counts.push(answers.iter().map(|(_, hits)| *hits).sum::<usize>());
        }
        // They have other words, so that a few hits are others.
        eprintln!("search: hits of {:?}", counts);
    }
    let sides: Vec<(&str, String)> =
        engines.iter().map(|engine| (engine.name(), engine.version())).collect();
    let side = |at: usize| Side { name: sides[at].0, version: &sides[at].1, samples: &samples[at] };
    for peer in 1..sides.len() {
        report.add(&Figure::new(&title(&corpus), &side(0), Some(&side(peer))));
    }
    Ok(())
}

fn loaded(name: &str, load: impl FnOnce() -> Outcome<Box<dyn Engine>>) -> Outcome<Box<dyn Engine>> {
    let began = Instant::now();
    let engine = load()?;
    eprintln!("search: {name} is loaded after {:.1} s", began.elapsed().as_secs_f64());
    Ok(engine)
}

fn sample(answers: &[(Duration, usize)]) -> Sample {
    let mut latencies = Histogram::new();
    answers.iter().for_each(|(took, _)| latencies.add(*took));
    Sample {
        value: latencies.quantile(0.99),
        latencies: Some(latencies),
        load1: machine::load1(),
        ..Sample::default()
    }
}

fn title(corpus: &Corpus) -> Title {
    Title {
        bench: "search",
        params: json!({
            "messages": corpus.messages.len(),
            "rooms": corpus::ROOMS,
            "readable": corpus.readable.len(),
            "terms": "1..3",
        }),
        unit: "us p99",
        better: Better::Less,
        // Beside each of them, so beside the better one.
        goal: Some(Goal::Ratio(2.0)),
    }
}

//! The benchmarks, one file each: what is done, against whom, and what is wanted.

mod bad_network;
mod beside;
mod carriers;
mod connect_storm;
mod durable_send;
mod fanout;
mod fanout_latency;
mod history;
pub(crate) mod icount;
mod idle_memory;
pub(crate) mod languages;
mod resume;
mod search;
pub(crate) mod sync;
mod upload;
mod wire;

use std::path::Path;

use crate::harness::Outcome;
use crate::harness::certificate::Certificate;
use crate::harness::figure::{Figure, Sample, Side, Title};
use crate::harness::report::Report;
use crate::subject::Subject;

/// What a benchmark is run with.
pub(crate) struct Context<'a> {
    /// One short repetition.
    pub(crate) quick: bool,
    /// Who is measured: Parlour, unless a peer is put in its place.
    pub(crate) subject: Subject,
    /// How much of it, where a benchmark lets one choose.
    pub(crate) count: Option<usize>,
    /// Only these peers, if any are named.
    pub(crate) only: Option<Subject>,
    pub(crate) folder: &'a Path,
    pub(crate) certificate: &'a Certificate,
}

/// One benchmark.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    /// It runs in a network namespace, behind the relay.
    pub(crate) relayed: bool,
    pub(crate) run: fn(&Context<'_>, &mut Report) -> Outcome,
}

/// All of them, in the order of the proof plan.
pub(crate) const ALL: &[Bench] = &[
    Bench { name: "fanout", relayed: false, run: fanout::run },
    Bench { name: "fanout-mixed", relayed: false, run: fanout::run_mixed },
    Bench { name: "fanout-latency", relayed: false, run: fanout_latency::run },
    Bench { name: "durable-send", relayed: false, run: durable_send::run },
    Bench { name: "connect-storm", relayed: false, run: connect_storm::run },
    Bench { name: "idle-memory", relayed: false, run: idle_memory::run },
    Bench { name: "history", relayed: false, run: history::run },
    Bench { name: "bad-network", relayed: true, run: bad_network::run },
    Bench { name: "resume", relayed: true, run: resume::run },
    Bench { name: "wire", relayed: true, run: wire::run },
    Bench { name: "sync-first", relayed: false, run: sync::first },
    Bench { name: "sdk-start", relayed: false, run: sync::sdk_start },
    Bench { name: "upload", relayed: false, run: upload::run },
    Bench { name: "carriers", relayed: false, run: carriers::run },
    Bench { name: "search", relayed: false, run: search::run },
    Bench { name: "languages", relayed: false, run: languages::run },
    Bench { name: "icount", relayed: false, run: icount::run },
];

/// The samples of one subject: for each cell of the benchmark's table, one a repetition.
pub(crate) struct Measured {
    subject: Subject,
    version: String,
    cells: Vec<Vec<Sample>>,
}

impl Measured {
    fn is_peer(&self) -> bool {
        self.subject != Subject::Parlour
    }

    /// Says in the version what else takes part.
    fn runs_with(&mut self, what: &str) {
        self.version = format!("{} {what}", self.version);
    }
}

impl Context<'_> {
    /// Repetitions: at least three, if figures are to be compared.
    pub(crate) fn reps(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// Those that take part: the subject, then its peers.
    pub(crate) fn line_up(&self, peers: &[Subject]) -> Vec<Subject> {
        let chosen = |peer: &Subject| self.only.is_none_or(|only| only == *peer);
        let peers = peers.iter().copied().filter(|peer| *peer != self.subject);
        std::iter::once(self.subject).chain(peers.filter(chosen)).collect()
    }

    /// Runs A B A B: each repetition has every subject in turn. One run of a subject hands back a
    /// sample for each of `cells`; a run that fails is a sample that says so.
    pub(crate) fn interleave(
        &self,
        line_up: &[Subject],
        cells: usize,
        mut run: impl FnMut(Subject) -> Outcome<Vec<Sample>>,
    ) -> Outcome<Vec<Measured>> {
        let mut all = Vec::new();
        for subject in line_up {
            let version = subject.version()?;
            all.push(Measured { subject: *subject, version, cells: vec![Vec::new(); cells] });
        }
        for _ in 0..self.reps() {
            for measured in &mut all {
                let name = measured.subject.name();
                let samples = run(measured.subject).unwrap_or_else(|why| {
                    eprintln!("{name}: {why}");
                    vec![Sample::failed(why); cells]
                });
                for (cell, sample) in measured.cells.iter_mut().zip(samples) {
                    cell.push(sample);
                }
            }
        }
        Ok(all)
    }
}

/// Reports one cell: the first subject beside each of the others, or by itself if there are none.
pub(crate) fn compare(
    all: &[Measured],
    cell: usize,
    title: impl Fn(Option<Subject>) -> Title,
    report: &mut Report,
) {
    let side = |measured: &'_ Measured| (measured.subject.name(), measured.cells[cell].clone());
    let Some((first, peers)) = all.split_first() else { return };
    let (name, samples) = side(first);
    let mine = Side { name, version: &first.version, samples: &samples };
    if peers.is_empty() {
        report.add(&Figure::new(&title(None), &mine, None));
    }
    for peer in peers {
        let (name, samples) = side(peer);
        let theirs = Side { name, version: &peer.version, samples: &samples };
        report.add(&Figure::new(&title(Some(peer.subject)), &mine, Some(&theirs)));
    }
}

//! A figure: what one subject did beside one peer in the same minutes, and whether it may be
//! believed. One JSON line each, with the fields of the project's proof plan.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::histogram::Histogram;

/// A generator busier than this measures itself, unless it spins on purpose.
pub(crate) const GENERATOR_UTIL_MAX: f64 = 0.95;
/// Above this load the neighbours are in the figure.
const LOAD_MAX: f64 = 6.0;

/// What one repetition of one subject gave.
#[derive(Clone, Default)]
pub(crate) struct Sample {
    /// The value the figure is about; `None` if the repetition came to nothing.
    pub(crate) value: Option<f64>,
    pub(crate) latencies: Option<Histogram>,
    pub(crate) server_cpu_us_per_op: Option<f64>,
    pub(crate) server_util: Option<f64>,
    pub(crate) generator_util: Option<f64>,
    /// The generator spins: it is always busy, and that is no fault.
    pub(crate) spins: bool,
    pub(crate) rss_kb: Option<u64>,
    pub(crate) lost: u64,
    pub(crate) load1: f64,
    /// Why the repetition doesn't count, beyond the rules here.
    pub(crate) fault: Option<String>,
}

impl Sample {
    /// A repetition that failed.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self { fault: Some(why.into()), ..Self::default() }
    }

    /// Why this repetition doesn't count.
    pub(crate) fn why_invalid(&self) -> Option<String> {
        if let Some(fault) = &self.fault {
            return Some(fault.clone());
        }
        if self.lost > 0 {
            return Some(format!("{} lost", self.lost));
        }
        if self.load1 > LOAD_MAX {
            return Some(format!("load {:.1}", self.load1));
        }
        match self.generator_util {
            Some(util) if !self.spins && util >= GENERATOR_UTIL_MAX => {
                Some(format!("generator {:.0} % busy", util * 100.0))
            }
            _ => None,
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// What is wanted of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// The ratio, at least. For times, sizes and cost it is the peer's value over the subject's, so
    /// that more is better everywhere.
    Ratio(f64),
    /// The median itself, at most.
    AtMost(f64),
}

/// What a figure is about.
#[derive(Clone)]
pub(crate) struct Title {
    pub(crate) bench: &'static str,
    pub(crate) params: Value,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) goal: Option<Goal>,
}

/// One subject's name, version and repetitions.
pub(crate) struct Side<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) samples: &'a [Sample],
}

/// One line.
#[derive(Serialize)]
pub(crate) struct Figure {
    bench: &'static str,
    params: Value,
    subject: String,
    peer: Option<String>,
    peer_version: Option<String>,
    reps: usize,
    unit: &'static str,
    median: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    peer_median: Option<f64>,
    ratio: Option<f64>,
    goal: Option<f64>,
    ok: bool,
    p50_us: Option<f64>,
    p90_us: Option<f64>,
    p99_us: Option<f64>,
    p999_us: Option<f64>,
    server_cpu_us_per_op: Option<f64>,
    server_util: Option<f64>,
    generator_util: Option<f64>,
    rss_kb: Option<u64>,
    lost: u64,
    load1: Option<f64>,
    /// Why it isn't to be believed; not part of the line.
    #[serde(skip)]
    pub(crate) doubts: Vec<String>,
}

impl Figure {
    /// Puts a subject beside a peer. Without a peer, or without a goal, it is right if it is valid.
    pub(crate) fn new(title: &Title, subject: &Side<'_>, peer: Option<&Side<'_>>) -> Self {
        let values = values(subject.samples);
        let middle = median(&values);
        let peer_middle = peer.and_then(|side| median(&self::values(side.samples)));
        let ratio = ratio(title.better, middle, peer_middle);
        let mut doubts = doubts(subject);
        // A bound on the subject itself holds whatever becomes of the peer.
        if !matches!(title.goal, Some(Goal::AtMost(_))) {
            doubts.extend(peer.into_iter().flat_map(doubts_of));
        }
        let (goal, met) = match title.goal {
            Some(Goal::Ratio(goal)) => (Some(goal), ratio.is_some_and(|ratio| ratio >= goal)),
            Some(Goal::AtMost(goal)) => (Some(goal), middle.is_some_and(|value| value <= goal)),
            None => (None, true),
        };
        let whole = merged(subject.samples);
        let quantile = |share| whole.as_ref().and_then(|all| all.quantile(share)).map(tidy);
        Self {
            bench: title.bench,
            params: title.params.clone(),
            subject: subject.name.to_owned(),
            peer: peer.map(|side| side.name.to_owned()),
            peer_version: peer.map(|side| side.version.to_owned()),
            reps: subject.samples.len(),
            unit: title.unit,
            median: middle.map(tidy),
            min: values.iter().copied().reduce(f64::min).map(tidy),
            max: values.iter().copied().reduce(f64::max).map(tidy),
            peer_median: peer_middle.map(tidy),
            ratio: ratio.map(tidy),
            goal: goal.map(tidy),
            ok: met && doubts.is_empty() && middle.is_some(),
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            server_cpu_us_per_op: of(subject.samples, |s| s.server_cpu_us_per_op),
            server_util: of(subject.samples, |s| s.server_util),
            generator_util: of(subject.samples, |s| s.generator_util),
            rss_kb: subject.samples.iter().filter_map(|s| s.rss_kb).max(),
            lost: subject.samples.iter().map(|s| s.lost).sum(),
            load1: subject.samples.iter().map(|s| s.load1).reduce(f64::max).map(tidy),
            doubts,
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.ok
    }

    /// The line.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string())
    }

    /// The row of a table: parameters, subject, value and spread, peer, ratio and goal.
    pub(crate) fn row(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), short);
        let spread = format!("{}..{}", number(self.min), number(self.max));
        let verdict = match (self.ok, self.doubts.is_empty()) {
            (true, _) => "ok",
            (false, true) => "MISSED",
            (false, false) => "NOT VALID",
        };
        vec![
            parameters(&self.params),
            self.subject.clone(),
            format!("{} {}", number(self.median), self.unit),
            spread,
            self.peer.clone().unwrap_or_default(),
            number(self.peer_median),
            self.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x")),
            self.goal.map_or("-".to_owned(), |goal| format!("{goal:.2}x")),
            verdict.to_owned(),
        ]
    }
}

fn parameters(params: &Value) -> String {
    let empty = Map::new();
    let pairs = params.as_object().unwrap_or(&empty);
    let words: Vec<String> = pairs
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        })
        .collect();
    words.join(" ")
}

fn doubts(side: &Side<'_>) -> Vec<String> {
    doubts_of(side).collect()
}

fn doubts_of<'a>(side: &'a Side<'_>) -> impl Iterator<Item = String> + 'a {
    let name = side.name;
    side.samples.iter().filter_map(move |s| Some(format!("{name}: {}", s.why_invalid()?)))
}

fn values(samples: &[Sample]) -> Vec<f64> {
    samples.iter().filter_map(|sample| sample.value).collect()
}

fn of(samples: &[Sample], field: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
    median(&samples.iter().filter_map(field).collect::<Vec<_>>()).map(tidy)
}

fn merged(samples: &[Sample]) -> Option<Histogram> {
    let mut parts = samples.iter().filter_map(|sample| sample.latencies.as_ref());
    let mut whole = parts.next()?.clone();
    parts.for_each(|part| whole.merge(part));
    Some(whole)
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some((upper + lower) / 2.0)
}

fn ratio(better: Better, subject: Option<f64>, peer: Option<f64>) -> Option<f64> {
    let (subject, peer) = (subject?, peer?);
    let (over, under) = if better == Better::More { (subject, peer) } else { (peer, subject) };
    (under > 0.0).then(|| over / under)
}

/// Four significant digits: more would be invented.
fn tidy(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

fn short(value: f64) -> String {
    match value {
        v if v >= 10_000.0 => format!("{:.0}k", v / 1000.0),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
#[path = "figure_tests.rs"]
mod tests;

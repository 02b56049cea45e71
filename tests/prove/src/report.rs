//! What a proof found, as one line of JSON.

use serde_json::{Map, Value, json};

/// Violations listed on stderr; all are counted.
const LISTED_MAX: u64 = 20;

/// Figures and violations.
#[derive(Debug, Default)]
pub(crate) struct Report {
    n: u64,
    violations: u64,
    figures: Map<String, Value>,
}

impl Report {
    /// Counts `n` trials.
    pub(crate) fn trials(&mut self, n: u64) {
        self.n += n;
    }

    /// Notes something that must not happen.
    pub(crate) fn violation(&mut self, what: &str) {
        self.violations += 1;
        if self.violations <= LISTED_MAX {
            eprintln!("violation: {what}");
        }
    }

    /// Notes a violation unless `holds`.
    pub(crate) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.violation(&what());
        }
    }

    /// Adds a figure of the proof's own.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Takes in the report of one part, its figures under a name.
    pub(crate) fn part(&mut self, name: &str, part: Report) {
        self.n += part.n;
        self.violations += part.violations;
        self.figures.insert(name.to_owned(), Value::Object(part.figures));
    }

    /// Whether nothing happened that must not.
    pub(crate) fn is_ok(&self) -> bool {
        self.violations == 0 && self.n > 0
    }

    /// The line.
    pub(crate) fn line(&self, name: &str, seed: u64) -> String {
        let mut line = json!({
            "name": name, "n": self.n, "violations": self.violations, "ok": self.is_ok(),
            "seed": seed,
        });
        if let Value::Object(line) = &mut line {
            line.extend(self.figures.clone());
        }
        line.to_string()
    }
}

/// Quantiles of durations, in milliseconds.
pub(crate) fn quantiles_ms(mut took: Vec<std::time::Duration>) -> Value {
    took.sort_unstable();
    let at = |part: f64| {
        let index = (took.len().saturating_sub(1) as f64 * part) as usize;
        took.get(index).map(|took| took.as_micros() as f64 / 1000.0)
    };
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

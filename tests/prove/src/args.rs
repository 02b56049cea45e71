//! The options that every proof has in common.

use parlour_adapters::Kind;

pub(crate) const USAGE: &str = "[--count N] [--seed S] [--json] [--short] [--store sled|redb]";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Args {
    /// How often, instead of the proof's own count.
    pub(crate) count: Option<u64>,
    /// Where randomness begins; printed with the result.
    pub(crate) seed: u64,
    /// The count that keeps a test suite short.
    pub(crate) short: bool,
    /// Say nothing but the JSON line.
    pub(crate) json: bool,
    /// Only this store; both otherwise.
    pub(crate) store: Option<Kind>,
}

impl Args {
    /// Reads the words after the proof's name.
    pub(crate) fn parse(words: &[String]) -> Result<Args, String> {
        let fresh = std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_nanos() as u64);
        let mut args = Args { count: None, seed: fresh, short: false, json: false, store: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |text: &String| text.parse().map_err(|_| format!("{word}: not a number"));
            match &word[..] {
                "--count" => args.count = Some(number(value()?)?),
                "--seed" => args.seed = number(value()?)?,
                "--store" => {
                    args.store = Some(value()?.parse().map_err(|error| format!("{error}"))?);
                }
                "--short" => args.short = true,
                "--json" => args.json = true,
                _ => return Err(format!("unknown option {word}")),
            }
        }
        Ok(args)
    }

    /// The count to run: what was asked for, or one of the proof's own.
    pub(crate) fn count(&self, full: u64, short: u64) -> u64 {
        self.count.unwrap_or(if self.short { short } else { full })
    }

    /// The stores to run on.
    pub(crate) fn stores(&self) -> Vec<Kind> {
        self.store.map_or_else(|| vec![Kind::Sled, Kind::Redb], |kind| vec![kind])
    }

    /// Tells a person how far it is.
    pub(crate) fn progress(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

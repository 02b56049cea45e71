//! Reads a subcommand's arguments: positional words, switches (`--json`) and options (`--seed 7`).
//! Anything not asked for is refused with the nearest name, so a typing error never passes unseen.

use std::str::FromStr;

use crate::Outcome;

/// The words after the subcommand's name, taken one by one by whoever knows them.
pub(crate) struct Args {
    words: Vec<String>,
    known: Vec<&'static str>,
}

impl Args {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words, known: Vec::new() }
    }

    /// Takes `--name` if it is there.
    pub(crate) fn switch(&mut self, name: &'static str) -> bool {
        self.known.push(name);
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes `--name VALUE` or `--name=VALUE` if it is there.
    pub(crate) fn option<T: FromStr>(&mut self, name: &'static str) -> Outcome<Option<T>> {
        self.known.push(name);
        let joined = format!("{name}=");
        let found = self.words.iter().position(|word| word == name || word.starts_with(&joined));
        let Some(at) = found else { return Ok(None) };
        let word = self.words.remove(at);
        let value = match word.strip_prefix(&joined) {
            Some(value) => value.to_owned(),
            None if at < self.words.len() => self.words.remove(at),
            None => return Err(format!("{name} needs a value")),
        };
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("{name} can't be `{value}`")),
        }
    }

    /// Takes the next positional word, after all switches and options were taken.
    pub(crate) fn word(&mut self) -> Option<String> {
        let at = self.words.iter().position(|word| !word.starts_with('-'))?;
        Some(self.words.remove(at))
    }

    /// Refuses whatever is left.
    pub(crate) fn finish(self) -> Outcome {
        let Some(word) = self.words.first() else { return Ok(()) };
        let name = word.split('=').next().unwrap_or(word);
        match nearest(name, self.known.iter().copied()) {
            Some(near) => Err(format!("unknown argument `{word}`; did you mean `{near}`?")),
            None => Err(format!("unknown argument `{word}`; see --help")),
        }
    }
}

/// The known name closest to `word`, if one is close enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = 1 + word.len() / 4;
    names
        .map(|name| (distance(word, name), name))
        .filter(|(far, name)| *far <= bound || (word.len() > 1 && name.starts_with(word)))
        .min()
        .map(|(_, name)| name)
}

/// Edits between two words: insert, delete, replace, or swap two neighbours.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
                let edited = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                let swaps =
                    i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                if swaps { edited.min(table[i - 2][j - 2] + 1) } else { edited }
            };
        }
    }
    table[left.len()][right.len()]
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;

//! Words that an organization doesn't take in messages. A message is looked at word by word, so what it
//! costs depends on its length and hardly on how many are refused: of phrases only a few begin alike.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use parlour_protocol::{
    ids::OrgId,
    limits::{
        FILTER_BYTES_MAX, FILTER_PHRASE_WORDS_MAX, FILTER_PHRASES_ALIKE_MAX, FILTER_WORD_BYTES_MAX,
        FILTER_WORDS_MAX,
    },
    message::MessagePosted,
    moderation::Filter,
    wire::{Error, ErrorReason},
};
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    draft::store_error,
    kit::Ctx,
    limits::FILTERS_CACHED_MAX,
    node::Node,
    ports::store::{Store, StoreError},
    tables::Table,
};

/// Words that are refused, as they are looked for.
#[derive(Debug, Default)]
pub(crate) struct Words {
    whole: FxHashSet<Box<str>>,
    beginnings: BTreeSet<Box<str>>,
    // By their first word: the others, and whether the last is only a beginning.
    phrases: FxHashMap<Box<str>, Vec<Phrase>>,
}

#[derive(Debug)]
struct Phrase {
    rest: Vec<Box<str>>,
    is_beginning: bool,
}

impl Words {
    fn of(filter: &Filter) -> Self {
        let mut words = Words::default();
        for word in &filter.words {
            let is_beginning = word.ends_with('*');
            let mut parts = parts(word);
            let first = parts.next().map(Box::from);
            let rest: Vec<Box<str>> = parts.map(|part| part.into()).collect();
            match (first, rest.is_empty(), is_beginning) {
                (None, ..) => {}
                (Some(word), true, true) => drop(words.beginnings.insert(word)),
                (Some(word), true, false) => drop(words.whole.insert(word)),
                (Some(word), false, is_beginning) => {
                    words.phrases.entry(word).or_default().push(Phrase { rest, is_beginning });
                }
            }
        }
        words
    }

    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.beginnings.is_empty() && self.phrases.is_empty()
    }

    /// Whether one of them is in a text.
    fn is_in(&self, text: &str) -> bool {
        let all: Vec<String> = parts(text).collect();
        all.iter().enumerate().any(|(i, word)| {
            self.whole.contains(&**word)
                || self.begins(word)
                || self.phrases.get(&**word).is_some_and(|phrases| {
                    phrases.iter().any(|phrase| phrase.goes_on_as(&all[i + 1..]))
                })
        })
    }

    /// Whether a word begins as one of those that are refused with all that begins so.
    fn begins(&self, word: &str) -> bool {
        !self.beginnings.is_empty()
            && word
                .char_indices()
                .map(|(at, sign)| at + sign.len_utf8())
                // No longer than one of them can be, written small.
                .take_while(|end| *end <= 3 * FILTER_WORD_BYTES_MAX)
                .any(|end| self.beginnings.contains(&word[..end]))
    }
}

impl Phrase {
    fn goes_on_as(&self, words: &[String]) -> bool {
        let Some((last, before)) = self.rest.split_last() else { return false };
        let Some(found) = words.get(before.len()) else { return false };
        let ends = if self.is_beginning { found.starts_with(&**last) } else { **found == **last };
        ends && before.iter().zip(words).all(|(wanted, word)| **wanted == **word)
    }
}

/// Letters and digits, small, in runs.
fn parts(text: &str) -> impl Iterator<Item = String> + '_ {
    let runs = text.split(|sign: char| !sign.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(str::to_lowercase)
}

/// Refuses words that can't be looked for.
pub(crate) fn check_filter(filter: &Filter) -> Result<(), Error> {
    if filter.words.len() > FILTER_WORDS_MAX {
        return Err(Error::invalid("filter.words", "are more than 1,000"));
    }
    if filter.encoded_len() > FILTER_BYTES_MAX {
        return Err(Error::invalid("filter.words", "are over 32 KiB together"));
    }
    let mut alike = FxHashMap::default();
    for (i, word) in filter.words.iter().enumerate() {
        let field = || format!("filter.words[{i}]");
        if word.len() > FILTER_WORD_BYTES_MAX {
            return Err(Error::invalid(field(), "is over 100 bytes"));
        }
        if parts(word).next().is_none() {
            return Err(Error::invalid(field(), "has neither a letter nor a digit"));
        }
        let first = parts(word).next().unwrap_or_default();
        let is_phrase = parts(word).nth(1).is_some();
        if parts(word).count() > FILTER_PHRASE_WORDS_MAX {
            return Err(Error::invalid(field(), "is over 10 words"));
        }
        let alike = alike.entry(first).or_insert(0_usize);
        *alike += usize::from(is_phrase);
        if *alike > FILTER_PHRASES_ALIKE_MAX {
            return Err(Error::invalid(field(), "begins with the same word as 20 other phrases"));
        }
        if word.trim_end_matches('*').contains('*') || word.ends_with("**") {
            return Err(Error::invalid(field(), "has a * that isn't at its end"));
        }
    }
    Ok(())
}

/// What an organization refuses, as it is stored.
pub(crate) async fn filter(store: &dyn Store, org: OrgId) -> Result<Filter, StoreError> {
    let row = store.get(Table::FILTERS, org.as_bytes()).await?;
    row.map(Filter::decode)
        .transpose()
        .map(Option::unwrap_or_default)
        .map_err(|_| StoreError::Damaged)
}

/// Organizations' words in memory.
#[derive(Debug, Default)]
pub struct Filters {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    orgs: FxHashMap<OrgId, Arc<Words>>,
    // How often one was changed: what was read before isn't kept behind it.
    changes: u64,
}

impl Filters {
    /// An organization has other ones now.
    pub(crate) fn forget(&self, org: OrgId) {
        let mut known = self.lock();
        known.changes += 1;
        known.orgs.remove(&org);
    }

    async fn get(&self, store: &dyn Store, org: OrgId) -> Result<Arc<Words>, StoreError> {
        let changes = {
            let known = self.lock();
            if let Some(words) = known.orgs.get(&org) {
                return Ok(words.clone());
            }
            known.changes
        };
        let words = Arc::new(Words::of(&filter(store, org).await?));
        let mut known = self.lock();
        if known.changes == changes {
            if known.orgs.len() >= FILTERS_CACHED_MAX {
                known.orgs.clear();
            }
            known.orgs.insert(org, words.clone());
        }
        Ok(words)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no panic while the lock is held")
    }
}

impl Node {
    /// Refuses texts with a word that the organization doesn't take.
    pub(crate) async fn check_words<'a>(
        &self,
        org: OrgId,
        mut texts: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let words = self.filters.get(&*self.store, org).await.map_err(store_error)?;
        if words.is_empty() || !texts.any(|text| words.is_in(text)) {
            return Ok(());
        }
        let what = "a word in it isn't taken in this organization";
        Err(Error::new(ErrorReason::WordRefused, what))
    }
}

impl Ctx {
    /// Refuses a message with a word that the organization doesn't take.
    pub(crate) async fn check_posted(&self, posted: &MessagePosted) -> Result<(), Error> {
        let poll = posted.poll.as_ref();
        let options = poll.iter().flat_map(|poll| &poll.options).map(|option| &*option.text);
        let names = posted
            .attachments
            .iter()
            .flat_map(|attachment| [&*attachment.name, &*attachment.description]);
        let texts = poll.iter().map(|poll| &*poll.question).chain(options).chain(names);
        self.check_words(std::iter::once(&*posted.text).chain(texts)).await
    }

    /// The same of any texts.
    pub(crate) async fn check_words<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        self.node.check_words(self.caller.org, texts).await
    }
}

/// The row of what an organization refuses.
pub(crate) fn row(filter: &Filter) -> Option<Bytes> {
    (!filter.words.is_empty()).then(|| filter.encode_to_vec().into())
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;

//! What a search asks for: words, and what else a message has to be like. The index looks for it, and
//! what it finds is held against it once more.

use std::ops::Range;

use parlour_protocol::{
    ids::UserId,
    limits::{HIGHLIGHTS_MAX, SEARCH_TEXT_BYTES_MAX},
    wire::EventHeader,
};

use super::words::{Word, has_link, tokens, words};
use crate::{limits::SEARCH_WORDS_MAX, ports::search::Entry};

/// Words that stand one right behind another; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The words.
    pub words: Vec<Word>,
}

/// What a message has to be like.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// All of these are in the text.
    pub clauses: Vec<Clause>,
    /// One of these sent it; none: anybody.
    pub senders: Vec<UserId>,
    /// Sent then or later.
    pub after_ms: u64,
    /// Sent before then.
    pub before_ms: Option<u64>,
    /// There is a link in it.
    pub has_link: bool,
    /// There is a file with it.
    pub has_file: bool,
    /// It is in that thread, or its root.
    pub thread_root: Option<u64>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What somebody looks for is theirs: never in a log.
        f.debug_struct("Asked").field("clauses", &self.clauses.len()).finish_non_exhaustive()
    }
}

/// Why a text can't be asked for: the field, and what is wrong with it.
pub type Wrong = (&'static str, &'static str);

/// The words of a search. `last_is_prefix`: the last word of `text` may go on.
pub fn clauses(text: &str, phrases: &[String], last_is_prefix: bool) -> Result<Vec<Clause>, Wrong> {
    if text.len() > SEARCH_TEXT_BYTES_MAX {
        return Err(("text", "is over 512 bytes"));
    }
    if phrases.iter().map(String::len).sum::<usize>() > SEARCH_TEXT_BYTES_MAX {
        return Err(("phrases", "are over 512 bytes"));
    }
    let mut found: Vec<Clause> = Vec::new();
    let mut take = |words: Vec<Word>| {
        let clause = Clause { words };
        if !clause.words.is_empty() && !found.contains(&clause) {
            found.push(clause);
        }
    };
    for phrase in phrases {
        take(words(phrase));
    }
    // What stands together is looked for together: `e-mail` isn't an e and a mail somewhere.
    let mut parts = text.split_whitespace().map(words).filter(|words| !words.is_empty()).peekable();
    while let Some(mut words) = parts.next() {
        if let Some(last) = words.last_mut().filter(|_| last_is_prefix && parts.peek().is_none()) {
            last.is_prefix = true;
        }
        take(words);
    }
    if found.is_empty() && !text.trim().is_empty() {
        return Err(("text", "has no words"));
    }
    if found.is_empty() && !phrases.is_empty() {
        return Err(("phrases", "have no words"));
    }
    if found.iter().map(|clause| clause.words.len()).sum::<usize>() > SEARCH_WORDS_MAX {
        return Err(("text", "has too many words"));
    }
    Ok(found)
}

impl Asked {
    /// Whether anything is asked for at all.
    pub fn is_nothing(&self) -> bool {
        self.clauses.is_empty() && self.senders.is_empty() && !self.has_link && !self.has_file
    }

    /// Whether a message is as asked for, whatever it says.
    pub fn fits(&self, header: &EventHeader) -> bool {
        let sent_by = |sender: &UserId| header.sender == sender.as_bytes()[..];
        let in_thread = |root: u64| header.seq == root || header.thread_root_seq == root;
        (self.senders.is_empty() || self.senders.iter().any(sent_by))
            && header.at_ms >= self.after_ms
            && self.before_ms.is_none_or(|before_ms| header.at_ms < before_ms)
            && self.thread_root.is_none_or(in_thread)
    }

    /// Where the text says what is asked for; `None` where it doesn't.
    pub fn highlights(&self, text: &str) -> Option<Vec<Range<usize>>> {
        if self.has_link && !has_link(text) {
            return None;
        }
        let tokens = tokens(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for Clause { words } in &self.clauses {
            let before = found.len();
            for stretch in tokens.windows(words.len()) {
                let pairs = words.iter().zip(stretch);
                if pairs.clone().all(|(word, token)| word.is(token)) {
                    found.extend(pairs.map(|(word, token)| token.part_for(word, text)));
                }
            }
            if found.len() == before {
                return None;
            }
        }
        Some(joined(found))
    }

    /// The same for an entry of an index.
    pub fn is(&self, entry: &Entry) -> bool {
        let header = EventHeader {
            seq: entry.seq,
            at_ms: entry.at_ms,
            sender: entry.sender.to_field(),
            thread_root_seq: entry.thread_root,
            ..EventHeader::default()
        };
        self.fits(&header)
            && (!self.has_file || entry.has_file)
            && self.highlights(&entry.text).is_some()
    }
}

/// In order, apart from each other, and not too many.
fn joined(mut parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.sort_unstable_by_key(|part| (part.start, part.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => joined.push(part),
        }
    }
    joined.truncate(HIGHLIGHTS_MAX);
    joined
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;

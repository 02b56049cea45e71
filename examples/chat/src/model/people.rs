//! Who is who: names for ids, and the mentions in a text.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use parlour::{UserId, presence::UserPresence};

/// Somebody of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    /// What they sign in as.
    pub(crate) subject: String,
    /// What they are called.
    pub(crate) name: String,
}

/// Everyone whose name is known, and who was asked for.
#[derive(Debug, Default)]
pub(crate) struct People {
    known: BTreeMap<UserId, Person>,
    /// Those whose name the server said, this time.
    fresh: BTreeSet<UserId>,
    asked: BTreeSet<UserId>,
    presence: BTreeMap<UserId, Arc<UserPresence>>,
}

impl People {
    /// What to call somebody; a stand-in while the name isn't known.
    pub(crate) fn name(&self, id: UserId) -> &str {
        self.known.get(&id).map_or("…", |person| &person.name)
    }

    pub(crate) fn learn(&mut self, people: impl IntoIterator<Item = Person>) {
        for person in people {
            self.fresh.insert(person.id);
            self.known.insert(person.id, person);
        }
    }

    /// Names from last time, to be asked for again when there is a connection.
    pub(crate) fn recall(&mut self, people: impl IntoIterator<Item = Person>) {
        self.known.extend(people.into_iter().map(|person| (person.id, person)));
    }

    /// Whether somebody is there, and what they say of themselves, as far as it is known.
    pub(crate) fn presence(&self, id: UserId) -> Option<&UserPresence> {
        self.presence.get(&id).map(|presence| &**presence)
    }

    pub(crate) fn learn_presence(&mut self, people: Vec<Arc<UserPresence>>) {
        self.presence = people.into_iter().map(|one| (one.user, one)).collect();
    }

    /// Those whose names have to be asked for; each is returned once.
    pub(crate) fn unknown(&mut self, ids: impl IntoIterator<Item = UserId>) -> Vec<UserId> {
        let new = ids.into_iter().filter(|id| !self.fresh.contains(id));
        new.filter(|id| self.asked.insert(*id)).collect()
    }

    /// What was asked for and never answered may be asked again.
    pub(crate) fn forget_asked(&mut self) {
        self.asked.clear();
    }
}

/// Whom a text calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    User(UserId),
    Everyone,
}

/// The mentions in a text: an `@` at the start of a word and a member's name or subject, whatever
/// the case, the longest that fits; or `@everyone`.
pub(crate) fn mentions(text: &str, members: &[Person]) -> Vec<(Range<usize>, Called)> {
    let mut found: Vec<(Range<usize>, Called)> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let follows_word = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let is_within = found.last().is_some_and(|(range, _)| range.end > at);
        if follows_word || is_within {
            continue;
        }
        let rest = &text[at + 1..];
        let names = members.iter().flat_map(|person| {
            [(&person.subject, person.id), (&person.name, person.id)]
                .map(|(name, id)| (name.as_str(), Called::User(id)))
        });
        let longest = names
            .chain([("everyone", Called::Everyone)])
            .filter_map(|(name, called)| Some((prefix_length(rest, name)?, called)))
            .max_by_key(|(length, _)| *length);
        if let Some((length, called)) = longest {
            found.push((at..at + 1 + length, called));
        }
    }
    found
}

/// How many bytes of `text` spell `name` as a whole word.
fn prefix_length(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    for expected in name.chars() {
        let got = rest.next()?;
        if !got.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
    }
    let goes_on = rest.clone().next().is_some_and(char::is_alphanumeric);
    (!name.is_empty() && !goes_on).then(|| text.len() - rest.as_str().len())
}

//! Organizations' people by the words they are found by. Worked out of the users' rows when somebody
//! asks for the first time, kept up with each row that is committed, and dropped where there are too
//! many: nothing of it is stored.

use std::{
    collections::BTreeSet,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, RwLock},
};

use bytes::Bytes;
use parlour_protocol::ids::{OrgId, UserId};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    limits::{PEOPLE_LOOKED_AT_MAX, PEOPLE_ORGS_MAX, PEOPLE_WORDS_MAX, SCAN_ROWS},
    ports::store::{Put, Scan, Store, StoreError},
    records::{UserRow, key, trailing_user},
    tables::Table,
};

/// Organizations' people in memory.
#[derive(Debug, Default)]
pub struct People {
    orgs: Mutex<FxHashMap<OrgId, Known>>,
}

/// What is known of one organization's people.
#[derive(Debug)]
enum Known {
    /// Some are reading the rows; these were committed meanwhile.
    Reading { readers: usize, since: Vec<(UserId, Bytes)> },
    /// All of them.
    Ready(Arc<RwLock<Index>>),
}

/// People by word.
#[derive(Debug, Default)]
pub(crate) struct Index {
    words: BTreeSet<(Arc<str>, UserId)>,
    names: BTreeSet<(Arc<str>, UserId)>,
    by_user: FxHashMap<UserId, Entry>,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    // In order, each once.
    words: Box<[Arc<str>]>,
}

/// Where a list goes on.
pub(crate) type Place = (Arc<str>, UserId);

/// A page of a list.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Who, each with the place behind which the list goes on after them.
    pub(crate) users: Vec<Place>,
    /// Where it goes on; `None` at the end.
    pub(crate) next: Option<Place>,
}

impl People {
    /// The organization's people; read from the store where they aren't in memory.
    pub(crate) async fn get(
        &self,
        store: &dyn Store,
        org: OrgId,
    ) -> Result<Arc<RwLock<Index>>, StoreError> {
        {
            let mut orgs = self.lock();
            match orgs.get_mut(&org) {
                Some(Known::Ready(index)) => return Ok(index.clone()),
                Some(Known::Reading { readers, .. }) => *readers += 1,
                None => {
                    orgs.insert(org, Known::Reading { readers: 1, since: vec![] });
                }
            }
        }
        let reading = Reading { people: self, org };
        let mut index = Index::default();
        let mut scan = Scan::prefix(Table::USERS, org.to_field(), SCAN_ROWS);
        loop {
            let rows = store.scan(scan.clone()).await?;
            for (key, row) in &rows {
                trailing_user(key).into_iter().for_each(|user| index.put(user, row));
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
            scan.from = key(&[last, &[0]]);
        }
        Ok(reading.done(index))
    }

    /// Rows of the organization were committed.
    pub(crate) fn note(&self, org: OrgId, puts: &[Put]) {
        let mut users = puts.iter().filter(|put| put.table == Table::USERS).peekable();
        if users.peek().is_none() {
            return;
        }
        let mut orgs = self.lock();
        let Some(known) = orgs.get_mut(&org) else { return };
        for put in users {
            let (Some(user), Some(row)) = (trailing_user(&put.key), &put.value) else { continue };
            match known {
                Known::Reading { since, .. } => since.push((user, row.clone())),
                Known::Ready(index) => {
                    index.write().expect("no panic while the lock is held").put(user, row);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<OrgId, Known>> {
        self.orgs.lock().expect("no panic while the lock is held")
    }
}

/// Somebody reads an organization's rows, until they are done or give up.
struct Reading<'a> {
    people: &'a People,
    org: OrgId,
}

impl Reading<'_> {
    fn done(self, mut index: Index) -> Arc<RwLock<Index>> {
        let mut orgs = self.people.lock();
        match orgs.get(&self.org) {
            // Another reader was first.
            Some(Known::Ready(index)) => return index.clone(),
            Some(Known::Reading { since, .. }) => {
                since.iter().for_each(|(user, row)| index.put(*user, row));
            }
            None => {}
        }
        let is_ready = |known: &Known| matches!(known, Known::Ready(_));
        if orgs.values().filter(|known| is_ready(known)).count() >= PEOPLE_ORGS_MAX {
            let one = orgs.iter().find(|(_, known)| is_ready(known)).map(|(org, _)| *org);
            one.map(|org| orgs.remove(&org));
        }
        let index = Arc::new(RwLock::new(index));
        orgs.insert(self.org, Known::Ready(index.clone()));
        index
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut orgs = self.people.lock();
        let Some(Known::Reading { readers, .. }) = orgs.get_mut(&self.org) else { return };
        *readers -= 1;
        if *readers == 0 {
            orgs.remove(&self.org);
        }
    }
}

impl Index {
    /// The user is as that row says.
    fn put(&mut self, user: UserId, row: &Bytes) {
        if let Some(before) = self.by_user.remove(&user) {
            self.names.remove(&(before.name, user));
            for word in before.words {
                self.words.remove(&(word, user));
            }
        }
        let Ok(row) = UserRow::decode(row.clone()) else { return };
        if row.is_hook || row.deactivated {
            return;
        }
        let name: Arc<str> = row.name.to_lowercase().into();
        let handle = row.profile.as_ref().and_then(|profile| profile.handle.as_deref());
        let mut words = Vec::new();
        for text in [Some(&*row.name), handle, Some(&*row.subject)].into_iter().flatten() {
            words.extend(words_of(text));
        }
        words.truncate(PEOPLE_WORDS_MAX);
        words.sort_unstable();
        words.dedup();
        let words: Box<[Arc<str>]> = words.into_iter().map(Arc::from).collect();
        self.names.insert((name.clone(), user));
        self.words.extend(words.iter().map(|word| (word.clone(), user)));
        self.by_user.insert(user, Entry { name, words });
    }

    /// A page of those of whom each word of the query begins a word.
    pub(crate) fn find(&self, query: &str, after: Option<Place>, size: usize) -> Found {
        let mut wanted = words_of_query(query);
        // The longest one leads: it has the fewest.
        wanted.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let Some((lead, others)) = wanted.split_first() else {
            return page(&self.names, after, "", size, |_, _| true);
        };
        page(&self.words, after, lead, size, |word, user| {
            let Some(entry) = self.by_user.get(&user) else { return false };
            let begins = |with: &str| entry.words.iter().find(|word| word.starts_with(with));
            // Who has two such words is found once.
            begins(lead).is_some_and(|first| **first == *word)
                && others.iter().all(|other| begins(other).is_some())
        })
    }
}

fn page(
    all: &BTreeSet<Place>,
    after: Option<Place>,
    lead: &str,
    size: usize,
    counts: impl Fn(&str, UserId) -> bool,
) -> Found {
    let from = match after {
        Some(place) => Bound::Excluded(place),
        None => Bound::Included((lead.into(), UserId::from_bytes([0; 16]))),
    };
    let mut found = Found::default();
    let range = all.range((from, Bound::Unbounded)).take_while(|(word, _)| word.starts_with(lead));
    for (looked_at, place) in range.enumerate() {
        if counts(&place.0, place.1) {
            if found.users.len() == size {
                found.next = found.users.last().cloned();
                return found;
            }
            found.users.push(place.clone());
        }
        if looked_at + 1 == PEOPLE_LOOKED_AT_MAX {
            // Nobody else has to wait for a query that finds little.
            found.next = Some(place.clone());
            return found;
        }
    }
    found
}

/// Words as they are compared: small letters and digits. In scripts without spaces, each sign begins
/// one.
fn words_of(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let mut words = Vec::new();
    for run in text.split(|sign: char| !sign.is_alphanumeric()).filter(|run| !run.is_empty()) {
        words.push(run.to_owned());
        let starts = run.char_indices().skip(1).filter(|(_, sign)| is_without_spaces(*sign));
        words.extend(starts.map(|(at, _)| run[at..].to_owned()));
    }
    words
}

fn words_of_query(query: &str) -> Vec<String> {
    let query = query.to_lowercase();
    let runs = query.split(|sign: char| !sign.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.take(PEOPLE_WORDS_MAX).map(str::to_owned).collect()
}

/// Han, kana, Thai, Lao, Khmer, Burmese: written without spaces between words.
fn is_without_spaces(sign: char) -> bool {
    matches!(u32::from(sign),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;

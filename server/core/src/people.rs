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
    limits::{
        PEOPLE_LOOKED_AT_MAX, PEOPLE_NEWS_MAX, PEOPLE_ORGS_MAX, PEOPLE_QUERY_WORDS_MAX,
        PEOPLE_WORDS_MAX, SCAN_ROWS,
    },
    ports::store::{Put, Scan, Store, StoreError},
    records::{UserRow, key, trailing_user},
    tables::Table,
};

/// Organizations' people in memory.
#[derive(Debug, Default)]
pub struct People {
    orgs: Mutex<Orgs>,
}

#[derive(Debug, Default)]
struct Orgs {
    known: FxHashMap<OrgId, Known>,
    // How often somebody began to read an organization's rows.
    readings: u64,
}

/// What is known of one organization's people.
#[derive(Debug)]
enum Known {
    /// Some are reading the rows since that reading began; these were committed meanwhile.
    Reading { reading: u64, readers: usize, since: Vec<(UserId, Bytes)> },
    /// All of them.
    Ready(Arc<OrgPeople>),
}

/// One organization's people.
#[derive(Debug)]
pub(crate) struct OrgPeople {
    index: RwLock<Index>,
    // Committed, and not in the index yet: whoever commits waits for no query.
    news: Mutex<Vec<(UserId, Bytes)>>,
}

/// People by word.
#[derive(Debug, Default)]
struct Index {
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
    ) -> Result<Arc<OrgPeople>, StoreError> {
        let reading = {
            let mut orgs = self.lock();
            orgs.readings += 1;
            let begun = orgs.readings;
            let fresh = || Known::Reading { reading: begun, readers: 0, since: vec![] };
            match orgs.known.entry(org).or_insert_with(fresh) {
                Known::Ready(people) => return Ok(people.clone()),
                Known::Reading { reading, readers, .. } => {
                    *readers += 1;
                    Reading { people: self, org, reading: *reading }
                }
            }
        };
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
        let users = puts.iter().filter(|put| put.table == Table::USERS);
        let row = |put: &Put| Some((trailing_user(&put.key)?, put.value.clone()?));
        let mut rows = users.filter_map(row).peekable();
        if rows.peek().is_none() {
            return;
        }
        let mut orgs = self.lock();
        let held = match orgs.known.get_mut(&org) {
            Some(Known::Reading { since, .. }) => {
                since.extend(rows);
                since.len()
            }
            Some(Known::Ready(people)) => {
                let mut news = people.news();
                news.extend(rows);
                news.len()
            }
            None => 0,
        };
        if held > PEOPLE_NEWS_MAX {
            // Nobody has asked for a long time: who asks next reads them anew.
            orgs.known.remove(&org);
        }
    }

    /// What is known of the organization may no longer be true.
    pub(crate) fn forget(&self, org: OrgId) {
        self.lock().known.remove(&org);
    }

    fn lock(&self) -> MutexGuard<'_, Orgs> {
        self.orgs.lock().expect("no panic while the lock is held")
    }
}

/// Somebody reads an organization's rows, until they are done or give up.
struct Reading<'a> {
    people: &'a People,
    org: OrgId,
    reading: u64,
}

impl Reading<'_> {
    fn done(self, mut index: Index) -> Arc<OrgPeople> {
        let mut orgs = self.people.lock();
        match orgs.known.get(&self.org) {
            // Another reader was first.
            Some(Known::Ready(people)) => return people.clone(),
            Some(Known::Reading { reading, since, .. }) if *reading == self.reading => {
                since.iter().for_each(|(user, row)| index.put(*user, row));
            }
            // It was forgotten meanwhile, and with it what was committed since: good for this once.
            _ => return Arc::new(OrgPeople::new(index)),
        }
        let is_ready = |known: &Known| matches!(known, Known::Ready(_));
        if orgs.known.values().filter(|known| is_ready(known)).count() >= PEOPLE_ORGS_MAX {
            let one = orgs.known.iter().find(|(_, known)| is_ready(known)).map(|(org, _)| *org);
            one.map(|org| orgs.known.remove(&org));
        }
        let people = Arc::new(OrgPeople::new(index));
        orgs.known.insert(self.org, Known::Ready(people.clone()));
        people
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut orgs = self.people.lock();
        let Some(Known::Reading { reading, readers, .. }) = orgs.known.get_mut(&self.org) else {
            return;
        };
        if *reading != self.reading {
            return;
        }
        *readers -= 1;
        if *readers == 0 {
            orgs.known.remove(&self.org);
        }
    }
}

impl OrgPeople {
    fn new(index: Index) -> Self {
        OrgPeople { index: RwLock::new(index), news: Mutex::default() }
    }

    fn news(&self) -> MutexGuard<'_, Vec<(UserId, Bytes)>> {
        self.news.lock().expect("no panic while the lock is held")
    }

    /// A page of those of whom each word of the query begins a word.
    pub(crate) fn find(&self, query: &str, after: Option<Place>, size: usize) -> Found {
        if !self.news().is_empty() {
            let mut index = self.index.write().expect("no panic while the lock is held");
            let news = std::mem::take(&mut *self.news());
            news.iter().for_each(|(user, row)| index.put(*user, row));
        }
        let index = self.index.read().expect("no panic while the lock is held");
        index.find(query, after, size)
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

    fn find(&self, query: &str, after: Option<Place>, size: usize) -> Found {
        let mut wanted = words_of_query(query);
        // The longest one leads: it has the fewest.
        wanted.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        wanted.dedup();
        let Some((lead, others)) = wanted.split_first() else {
            return page(&self.names, after, "", size, |_, _| true);
        };
        page(&self.words, after, lead, size, |word, user| {
            let Some(entry) = self.by_user.get(&user) else { return false };
            let begins = |with: &str| {
                let at = entry.words.partition_point(|word| **word < *with);
                entry.words.get(at).filter(|word| word.starts_with(with))
            };
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
    runs.take(PEOPLE_QUERY_WORDS_MAX).map(str::to_owned).collect()
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

//! Names of people, kept beside the cache: the client asks the server for them, so that without a
//! connection there would be none.

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour::UserId;

use crate::model::people::Person;

/// People that are remembered.
const NAMES_MAX: usize = 5_000;

/// A file of names. It is a convenience: where it can't be read or written, nothing else fails.
#[derive(Debug)]
pub(super) struct Names {
    file: PathBuf,
    known: BTreeMap<UserId, Person>,
}

impl Names {
    /// What the file has.
    pub(super) fn read(file: PathBuf) -> Self {
        let rows = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let rows: Vec<[String; 3]> = rows.unwrap_or_default();
        let known = rows.into_iter().filter_map(person).map(|p| (p.id, p)).collect();
        Names { file, known }
    }

    pub(super) fn everyone(&self) -> Vec<Person> {
        self.known.values().cloned().collect()
    }

    /// Remembers them, if that is anything new.
    pub(super) fn learn(&mut self, people: &[Person]) {
        let mut is_new = false;
        for person in people {
            if self.known.get(&person.id) != Some(person) && self.known.len() < NAMES_MAX {
                self.known.insert(person.id, person.clone());
                is_new = true;
            }
        }
        if is_new {
            let rows: Vec<[String; 3]> = self.known.values().map(row).collect();
            let _ = serde_json::to_vec(&rows).map(|text| fs::write(&self.file, text));
        }
    }
}

fn row(person: &Person) -> [String; 3] {
    let id = URL_SAFE_NO_PAD.encode(person.id.to_field());
    [id, person.subject.clone(), person.name.clone()]
}

fn person([id, subject, name]: [String; 3]) -> Option<Person> {
    let id = UserId::parse(&URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    Some(Person { id, subject, name })
}

//! Reading around damage, over an engine that has pages which can't be read.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use bytes::Bytes;

use super::*;
use crate::{
    OpenError, Options,
    kv::engine::{Visit, Writes},
};

/// Rows in pages of eight, each of which has all keys from its first to that of the next. A scan ends
/// at the first page that can't be read, as a tree's does.
struct Pages {
    rows: Vec<(Vec<u8>, Bytes)>,
    damaged: Vec<usize>,
}

const PAGE_ROWS: usize = 8;

impl Pages {
    fn new(keys: impl IntoIterator<Item = Vec<u8>>, damaged: &[usize]) -> Self {
        let rows: BTreeMap<_, _> =
            keys.into_iter().map(|key| (key, Bytes::from_static(b"value"))).collect();
        Pages { rows: rows.into_iter().collect(), damaged: damaged.to_vec() }
    }

    /// How many rows can be read, and how many of them are salvaged.
    fn salvaged(&self, guess: &Guess<'_>) -> (usize, usize) {
        let mut seen = BTreeMap::new();
        around(self, guess, &mut |key, value| {
            seen.insert(key.to_vec(), value.unwrap().to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
        let damaged = |at: usize| self.damaged.contains(&(at / PAGE_ROWS));
        let readable = (0..self.rows.len()).filter(|at| !damaged(*at)).count();
        (readable, seen.len())
    }

    /// The page that has `key`, or would have.
    fn page(&self, key: &[u8]) -> usize {
        self.rows.partition_point(|(known, _)| &known[..] <= key).saturating_sub(1) / PAGE_ROWS
    }
}

impl Engine for Pages {
    const NAME: &'static str = "pages";
    const JOURNALED: bool = false;

    fn open(_folder: &Path, _options: &Options) -> Result<Self, OpenError> {
        Err(OpenError::NotFound)
    }

    fn is_in(_folder: &Path) -> bool {
        false
    }

    fn get(&self, _key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(None)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        let (first, last) = (self.page(from), self.page(to));
        let mut pages: Vec<usize> = (first..=last).collect();
        if reverse {
            pages.reverse();
        }
        for page in pages {
            if self.damaged.contains(&page) {
                return Err(EngineError::Damaged("a page".into()));
            }
            let rows = self.rows.chunks(PAGE_ROWS).nth(page).unwrap_or_default();
            let mut rows: Vec<_> =
                rows.iter().filter(|(key, _)| (from..to).contains(&&key[..])).collect();
            if reverse {
                rows.reverse();
            }
            if rows.into_iter().any(|(key, value)| visit(key, value).is_break()) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn apply(&self, _writes: Writes) -> Result<(), EngineError> {
        Err(EngineError::Damaged("it is only read".into()))
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Keys as logs have them: a long common part, and a number.
fn key(n: u64) -> Vec<u8> {
    [&[2, 1][..], &[7; 16], &n.to_be_bytes()].concat()
}

fn nothing(_from: &[u8], _to: &[u8]) -> Option<Vec<u8>> {
    None
}

#[test]
fn whatever_lies_around_damaged_pages_is_salvaged() {
    let pages = |damaged: &[usize]| Pages::new((0..4_000).map(key), damaged);
    for damaged in [&[][..], &[0], &[499], &[250], &[3, 250, 480], &[10, 11, 12, 400]] {
        let (readable, salvaged) = pages(damaged).salvaged(&nothing);
        assert_eq!(readable, salvaged, "{damaged:?}");
        assert_eq!(readable, 4_000 - damaged.len() * PAGE_ROWS);
    }
    assert_eq!(pages(&(0..500).collect::<Vec<_>>()).salvaged(&nothing), (0, 0));
}

#[test]
fn what_comes_first_is_salvaged_first() {
    let pages = Pages::new((0..4_000).map(key), &[100, 200, 300, 400]);
    let mut seen = vec![];
    around(&pages, &nothing, &mut |key, _| {
        seen.push(key.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    let place = |page: usize| seen.iter().position(|it| *it == key((page * PAGE_ROWS) as u64));
    assert!(place(150).unwrap() < place(350).unwrap());
}

#[test]
fn a_guess_finds_what_lies_between_two_ends_that_are_damaged() {
    let pages = Pages::new((0..4_000).map(key), &[0, 499]);
    assert_eq!(pages.salvaged(&nothing).1, 0);
    let guess =
        |from: &[u8], to: &[u8]| Some(key(2_000)).filter(|key| from < &key[..] && &key[..] < to);
    assert_eq!(pages.salvaged(&guess), (3_984, 3_984));
}

#[test]
fn what_lies_between_other_keys_is_found_too() {
    let mixed = (0_u64..2_000).map(|n| match n % 3 {
        0 => key(n),
        1 => vec![1, (n >> 8) as u8, n as u8],
        _ => [&[3, 9][..], n.to_string().as_bytes()].concat(),
    });
    let pages = Pages::new(mixed, &[5, 60, 61, 100, 200, 248]);
    let guess = |from: &[u8], to: &[u8]| {
        let regions = [vec![2], vec![3]];
        regions.into_iter().find(|key| from < &key[..] && &key[..] < to)
    };
    let (readable, salvaged) = pages.salvaged(&guess);
    assert_eq!(readable, salvaged);
}

#[test]
fn the_middle_lies_between() {
    for (from, to) in [
        (&b""[..], &b"\xff"[..]),
        (b"a", b"b"),
        (b"abc", b"abd"),
        (b"abc\x00", b"abd"),
        (b"\x02aaaaaaaaaaaaaaaaaaaa", b"\x02b"),
    ] {
        let middle = between(from, to).unwrap();
        assert!(from < &middle[..] && &middle[..] < to, "{from:?} {middle:?} {to:?}");
    }
    assert_eq!(between(b"a", b"a"), None);
    assert_eq!(between(b"a", b"a\0"), None);
}

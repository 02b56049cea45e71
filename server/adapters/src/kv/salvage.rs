//! Reading around what can't be read. An engine's own scan stops at a page that is damaged: what
//! lies behind it is reached from the other end, and what lies between two of them from the middle,
//! which takes a guess at a key that is there.

use super::engine::{Engine, EngineError, Guess, Save};

#[cfg(test)]
#[path = "salvage_tests.rs"]
mod tests;

/// First key that no engine has.
const KEYS_END: u8 = 0xff;
/// Keys between two that can't be read are halved until so many times after each other both halves
/// showed nothing. Then they count as lost.
const BARREN_MAX: u32 = 6;

/// Keys between two places that can't be read.
struct Gap {
    from: Vec<u8>,
    to: Vec<u8>,
    barren: u32,
}

/// Shows whatever can be read of an engine, past what can't be; some rows twice. An error of the disk's is
/// damage as well.
pub(super) fn around<E: Engine>(
    engine: &E,
    guess: &Guess<'_>,
    save: &mut Save<'_>,
) -> Result<(), EngineError> {
    let all = look(engine, Vec::new(), vec![KEYS_END], save)?;
    let mut gaps: Vec<Gap> = all.left.into_iter().collect();
    while let Some(Gap { from, to, barren }) = gaps.pop() {
        if barren > BARREN_MAX {
            continue;
        }
        let is_between = |key: &Vec<u8>| from < *key && *key < to;
        let middle = guess(&from, &to).filter(is_between).or_else(|| between(&from, &to));
        let Some(middle) = middle else { continue };
        let below = look(engine, from, middle.clone(), save)?;
        let above = look(engine, middle, to, save)?;
        let barren = match (below.found || above.found, &below.left, &above.left) {
            (true, ..) => 0,
            (false, Some(_), Some(_)) => barren + 1,
            (false, ..) => barren,
        };
        // The lower one is looked at first: heads come before records, and tell where those are.
        let left = [above.left, below.left].into_iter().flatten();
        gaps.extend(left.map(|gap| Gap { barren, ..gap }));
    }
    Ok(())
}

/// What a look from both ends has shown.
struct Looked {
    found: bool,
    /// What lies between two places that can't be read, or within one.
    left: Option<Gap>,
}

fn look<E: Engine>(
    engine: &E,
    mut from: Vec<u8>,
    mut to: Vec<u8>,
    save: &mut Save<'_>,
) -> Result<Looked, EngineError> {
    let mut found = false;
    for reverse in [false, true] {
        // What was shown last may itself be what is damaged, under a key that is another's: the look goes on
        // from the one before.
        let (mut before, mut last) = (None, None);
        let scanned = engine.scan(&from, &to, reverse, &mut |key, value| {
            before = last.replace(key.to_vec());
            save(key, Some(value))
        });
        match (scanned, before) {
            (Ok(()), _) => return Ok(Looked { found: found || last.is_some(), left: None }),
            (Err(_), None) => {}
            (Err(_), Some(key)) => {
                found = true;
                if reverse { to = key } else { from = [&key[..], &[0]].concat() }
            }
        }
    }
    Ok(Looked { found, left: Some(Gap { from, to, barren: 0 }) })
}

/// A key about half way between two, if there is room for one.
pub(crate) fn between(from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let same = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let number = |key: &[u8]| {
        let mut bytes = [0; 8];
        let rest = key[same..].iter().chain(std::iter::repeat(&0));
        bytes.iter_mut().zip(rest).for_each(|(byte, of)| *byte = *of);
        u64::from_be_bytes(bytes)
    };
    let (low, high) = (number(from), number(to));
    let middle = low + high.saturating_sub(low) / 2;
    (middle > low).then(|| [&to[..same], &middle.to_be_bytes()].concat())
}

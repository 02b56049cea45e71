//! The pure rooms hold no clock, socket, thread, file or randomness: time, bytes and entropy are
//! arguments. That is what lets a whole server and its clients run in simulated time.

use super::{File, Finding, code};

const ROOMS: &[&str] = &[
    "protocol/src/",
    "protocol/mux/src/",
    "server/core/src/",
    "server/passkeys/src/",
    "sdk/core/src/",
];

/// What isn't allowed in a pure room, and what to do instead.
const IMPURE: &[(&str, &str)] = &[
    ("Instant::now", "take the time as an argument"),
    ("SystemTime", "take the time as an argument"),
    ("std::net", "hand bytes out and take bytes in; an address alone is `core::net`"),
    ("tokio::spawn", "return what is to be driven"),
    ("thread::spawn", "return what is to be driven"),
    ("thread::sleep", "hand out a deadline"),
    ("tokio::time", "hand out a deadline"),
    ("std::fs", "go through a port"),
    ("std::process", "go through a port"),
    ("std::env", "take it as an argument"),
    ("rand::", "take entropy as an argument"),
    ("fastrand", "take entropy as an argument"),
    ("getrandom", "take entropy as an argument"),
    ("SystemRandom", "take entropy as an argument"),
];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let Some(room) = ROOMS.iter().find(|room| file.path.starts_with(**room)) else { return };
    if file.extension() != "rs" || file.is_test() {
        return;
    }
    let room = room.trim_end_matches("/src/");
    for (number, line) in (1..).zip(code::without_tests(&file.text).lines()) {
        for (word, instead) in IMPURE.iter().filter(|(word, _)| has_start(line, word)) {
            let what = format!("`{word}` in {room}, which is pure: {instead}");
            findings.push(Finding::new(&file.path, number, what));
        }
    }
}

/// Whether `word` begins in `line` where a name begins: `operand::` isn't `rand::`.
fn has_start(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(is_name))
}

//! Words that don't belong in a finished tree: leftover marks, one machine's paths, `unwrap()`.

use super::{File, Finding, code};

/// Written in two halves, so that this file doesn't find itself.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const UNFINISHED: &[&str] = &[concat!("todo", "!"), concat!("unimplemented", "!")];
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk"), concat!("/ro", "ot"), concat!("/ho", "me")];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if file.is_generated() {
        return;
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        for mark in MARKS.iter().filter(|mark| has_word(line, mark)) {
            let what =
                format!("`{mark}` left behind: do it, or write it down where work is planned");
            findings.push(Finding::new(&file.path, number, what));
        }
        for path in MACHINE_PATHS.iter().filter(|path| has_path(line, path)) {
            let what = format!("`{path}` is one machine's path: take it from an argument");
            findings.push(Finding::new(&file.path, number, what));
        }
    }
    if file.extension() == "rs" && !file.is_test() {
        code_only(file, findings);
    }
}

fn code_only(file: &File, findings: &mut Vec<Finding>) {
    for (number, line) in (1..).zip(code::without_tests(&file.text).lines()) {
        for mark in UNFINISHED.iter().filter(|mark| line.contains(**mark)) {
            let what = format!("`{mark}(..)` stops the program: write what is missing");
            findings.push(Finding::new(&file.path, number, what));
        }
        if line.contains(".unwrap()") {
            let what =
                "`unwrap()` outside a test: return an error, or `expect(\"why it can't fail\")`";
            findings.push(Finding::new(&file.path, number, what));
        }
    }
}

/// Whether `word` stands in `line` by itself.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_name) && !line[at + word.len()..].starts_with(is_name)
    })
}

/// Whether `path` begins an absolute path in `line`: `a/work` and `/workspace` don't count.
fn has_path(line: &str, path: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let joins = |c: char| is_name(c) || matches!(c, '}' | ')' | '*' | '~' | '$');
    line.match_indices(path).any(|(at, _)| {
        !line[..at].ends_with(joins) && !line[at + path.len()..].starts_with(is_name)
    })
}

//! Sizes and beginnings: files a person reads in one sitting, each saying first what it is for.

use super::{File, Finding};

const SOURCE_LINES_MAX: usize = 500;
const ARCHITECTURE_LINES_MAX: usize = 250;
const BYTES_MAX: u64 = 1024 * 1024;
const SOURCES: &[&str] = &["rs", "ts", "tsx", "py", "kt", "swift"];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if file.size > BYTES_MAX {
        let what =
            format!("{} KiB in git, keep it under 1024: make it or shrink it", file.size / 1024);
        findings.push(Finding::new(&file.path, 1, what));
    }
    if file.is_generated() {
        return;
    }
    let lines = file.text.lines().count();
    if SOURCES.contains(&file.extension()) && lines > SOURCE_LINES_MAX {
        let what = format!("{lines} lines, at most {SOURCE_LINES_MAX}: split it by what it does");
        findings.push(Finding::new(&file.path, SOURCE_LINES_MAX + 1, what));
    }
    if file.path == "ARCHITECTURE.md" && lines > ARCHITECTURE_LINES_MAX {
        let what = format!("{lines} lines, at most {ARCHITECTURE_LINES_MAX}: say less");
        findings.push(Finding::new(&file.path, ARCHITECTURE_LINES_MAX + 1, what));
    }
    if file.extension() == "rs" && !begins_with_docs(&file.text) {
        let what = "begin with `//!`: what this file is for, and what it must not do";
        findings.push(Finding::new(&file.path, 1, what));
    }
}

fn begins_with_docs(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty());
    first.is_some_and(|line| line.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty()))
}

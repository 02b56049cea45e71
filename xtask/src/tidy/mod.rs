//! `cargo xtask tidy`: the rules of the house that a compiler doesn't know. Each rule looks at the
//! tree as plain values (path and text), so that its tests need no files.

mod code;
mod features;
mod imports;
mod marks;
mod purity;
mod shape;

use std::fmt;
use std::path::Path;

use crate::args::Args;
use crate::{Outcome, shell};

pub(crate) const HELP: &str = "\
usage: cargo xtask tidy

Checks what the compiler can't:
  - files of at most 500 lines, every .rs file begins with `//!`, documents of bounded length
  - who may import whom (from cargo metadata), and where a runtime or a socket may be used
  - no clock, socket, spawn or randomness in protocol, server/core and sdk/core
  - no feature imports another feature
  - no `unwrap()` outside tests, no leftover marks, no machine paths, no file over 1 MiB in git

Each finding is one line: `path:line: what, and what to do`.";

/// One thing to put right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

/// One file of the tree. `text` is empty for what isn't UTF-8; `size` is always the real one.
struct File {
    path: String,
    text: String,
    size: u64,
}

impl File {
    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether the file is only ever part of a test, where the rules on robustness don't hold.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        self.path.starts_with("tests/")
            || self.path.starts_with("fuzz/")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }

    /// Whether the file was written by a program or holds bytes kept for comparison.
    fn is_generated(&self) -> bool {
        self.path.contains("/generated/") || self.path.ends_with(".lock")
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    args.finish()?;
    let files = tree(&shell::root())?;
    let mut findings = check(&files);
    findings.extend(imports::check(&metadata()?));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to put right", files.len());
            Ok(())
        }
        1 => Err("1 finding".to_owned()),
        n => Err(format!("{n} findings")),
    }
}

/// Every rule that reads files.
fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        shape::check(file, &mut findings);
        marks::check(file, &mut findings);
        purity::check(file, &mut findings);
    }
    features::check(files, &mut findings);
    findings
}

/// What git has, and what it would take in: ignored files are nobody's business here.
fn tree(root: &Path) -> Outcome<Vec<File>> {
    let words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let list = shell::output(&mut shell::program("git", &words))?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        // A file that was deleted but not yet committed is still in git's list.
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        let size = bytes.len() as u64;
        let text = String::from_utf8(bytes).unwrap_or_default();
        files.push(File { path: path.to_owned(), text, size });
    }
    Ok(files)
}

fn metadata() -> Outcome<serde_json::Value> {
    let words = ["metadata", "--format-version", "1", "--no-deps"];
    let text = shell::output(&mut shell::cargo(&words))?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata isn't JSON: {error}"))
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;

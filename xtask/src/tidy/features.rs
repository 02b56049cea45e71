//! No feature imports another feature. A feature is a file or a folder in the features folder.

use std::collections::BTreeSet;

use super::{File, Finding, code};

const FOLDER: &str = "server/core/src/features/";

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let names: BTreeSet<&str> = files.iter().filter_map(feature).collect();
    for file in files.iter().filter(|file| file.extension() == "rs" && !file.is_test()) {
        let Some(own) = feature(file) else { continue };
        let code = code::without_tests(&file.text);
        // A file in a feature's own folder is one step further from the neighbours than its mod.rs.
        let inside = &file.path[FOLDER.len()..];
        let depth = inside.matches('/').count() - usize::from(inside.ends_with("/mod.rs"));
        let up = "super::".repeat(1 + depth);
        let mut found = BTreeSet::new();
        for prefix in [up.as_str(), "features::"] {
            found.extend(imported(&code, prefix));
        }
        for (line, name) in found.into_iter().filter(|(_, name)| *name != own) {
            if names.contains(name) {
                let what = format!(
                    "feature `{own}` imports feature `{name}`: emit an event, or move what both need out of features"
                );
                findings.push(Finding::new(&file.path, line, what));
            }
        }
    }
}

/// The feature a file belongs to; what only joins features belongs to none.
fn feature(file: &File) -> Option<&str> {
    let rest = file.path.strip_prefix(FOLDER)?;
    let name = match rest.split_once('/') {
        Some((folder, _)) => folder,
        None => rest.strip_suffix(".rs")?,
    };
    let name = name.strip_suffix("_tests").unwrap_or(name);
    // `NAME_service.rs` joins the features that answer the calls of one service, as `mod.rs` joins all.
    (name != "mod" && !name.ends_with("_service")).then_some(name)
}

/// Names that follow `prefix`, alone (`super::pins`) or in braces (`super::{pins, typing}`).
fn imported<'a>(code: &'a str, prefix: &str) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with("super::") {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => &list[..list.find('}').unwrap_or(list.len())],
            None => rest.split([';', ',', ')', '\n']).next().unwrap_or(rest),
        };
        let line = 1 + code[..at].matches('\n').count();
        for part in list.split(',') {
            let end = part.trim().find(|c: char| !c.is_alphanumeric() && c != '_');
            let name = &part.trim()[..end.unwrap_or(part.trim().len())];
            found.push((line, name));
        }
    }
    found
}

//! The list of rows against the source.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;

/// Names of the structs that end with `Row`, of a folder's files and those below.
fn rows_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rows_in(&path, found);
        } else if !path.to_string_lossy().ends_with("_tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names =
                text.lines().filter_map(|line| line.split_once("struct ")?.1.split(' ').next());
            found.extend(names.filter(|name| name.ends_with("Row")).map(ToOwned::to_owned));
        }
    }
}

#[test]
fn every_row_of_the_source_is_in_the_list() {
    let mut found = BTreeSet::new();
    rows_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let listed: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn nothing_at_all_is_a_row_of_each_kind_and_a_cut_field_of_none() {
    assert_eq!(decode_each(&[]), NAMES.len());
    assert_eq!(decode_each(&[0x0a, 9, 1]), 0);
}

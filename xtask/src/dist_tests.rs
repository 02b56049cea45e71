//! The archive's table and licences, without building anything.

use super::*;

#[test]
fn files_that_say_under_what_a_package_may_be_used_are_known_by_their_names() {
    for name in ["LICENSE", "LICENSE-MIT", "license.txt", "COPYING", "Licence.md", "NOTICE"] {
        assert!(is_licence(Path::new(name)), "{name}");
    }
    for name in ["README.md", "src", "Cargo.toml"] {
        assert!(!is_licence(Path::new(name)), "{name}");
    }
}

#[test]
fn what_only_tests_or_the_build_need_is_not_linked() {
    let node = serde_json::json!({ "deps": [
        { "pkg": "a", "dep_kinds": [{ "kind": null }] },
        { "pkg": "b", "dep_kinds": [{ "kind": "dev" }, { "kind": "build" }] },
        { "pkg": "c", "dep_kinds": [{ "kind": "dev" }, { "kind": null }] },
    ] });
    assert_eq!(linked(&node), ["a", "c"]);
}

#[test]
fn everything_the_archive_takes_is_there() {
    for (from, _) in TAKEN {
        assert!(shell::root().join(from).exists(), "{from}");
    }
}

#[test]
fn a_program_that_says_where_it_was_built_is_refused() {
    let program = std::env::temp_dir().join(format!("parlour-dist-test-{}", std::process::id()));
    fs::write(&program, b"\x7fELF /srv/somebody/parlour/src/main.rs").expect("written");
    let named = |folder| names_none_of(&program, [Path::new(folder)].into_iter());
    assert!(named("/srv/somebody/parlour").is_err_and(|why| why.contains("/srv/somebody")));
    assert_eq!(named("/srv/somebody/else"), Ok(()));
    fs::remove_file(&program).expect("removed");
}

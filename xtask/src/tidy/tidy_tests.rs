//! Each rule on a small tree: what it finds, and what it must leave alone.

use serde_json::json;

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned(), size: text.len() as u64 }
}

fn findings(files: &[File]) -> Vec<String> {
    check(files).iter().map(ToString::to_string).collect()
}

fn assert_clean(path: &str, text: &str) {
    assert_eq!(findings(&[file(path, text)]), Vec::<String>::new());
}

#[track_caller]
fn assert_found(path: &str, text: &str, line: usize, word: &str) {
    let found = findings(&[file(path, text)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(&format!("{path}:{line}: ")), "{found:?}");
    assert!(found[0].contains(word), "{found:?}");
}

#[test]
fn a_long_source_is_found_and_a_generated_one_is_not() {
    let long = format!("//! Long.\n{}", "//\n".repeat(500));
    assert_found("a/src/long.rs", &long, 501, "split it");
    assert_found("web/long.ts", &"x\n".repeat(501), 501, "split it");
    assert_clean("web/src/generated/long.ts", &"x\n".repeat(501));
    assert_clean("web/fits.ts", &"x\n".repeat(500));
}

#[test]
fn a_rust_file_without_module_docs_is_found() {
    assert_found("a/src/lib.rs", "fn main() {}\n", 1, "//!");
    assert_found("a/src/lib.rs", "//!\nfn main() {}\n", 1, "//!");
    assert_clean("a/src/lib.rs", "\n//! What it is for.\nfn main() {}\n");
}

#[test]
fn a_large_file_is_found() {
    let large = File { path: "a.bin".into(), text: String::new(), size: 1024 * 1024 + 1 };
    assert_eq!(findings(&[large]).len(), 1);
}

#[test]
fn marks_and_machine_paths_are_found_in_any_text() {
    assert_found("a.md", concat!("ok\nFIX", "ME later\n"), 2, "left behind");
    assert_found("a.md", concat!("see /wo", "rk/main\n"), 1, "machine");
    assert_found("a.sh", concat!("cd /ro", "ot\n"), 1, "machine");
    assert_clean(
        "a.md",
        concat!("https://example.org/wo", "rk and a/ro", "ot and /wo", "rkspace\n"),
    );
}

#[test]
fn unwrap_is_found_in_code_but_not_in_tests_comments_or_strings() {
    let code = "//! A.\nfn f() { g().unwrap(); }\n";
    assert_found("a/src/lib.rs", code, 2, "unwrap");
    assert_clean("a/src/lib_tests.rs", code);
    assert_clean("a/tests/whole.rs", code);
    assert_clean("tests/sim/src/lib.rs", code);
    assert_clean("a/src/lib.rs", "//! A.\n// g().unwrap()\nconst A: &str = \".unwrap()\";\n");
    let inline = "//! A.\n#[cfg(test)]\nmod tests {\n    fn f() { g().unwrap(); }\n}\n";
    assert_clean("a/src/lib.rs", inline);
    assert_found("a/src/lib.rs", &format!("{inline}fn f() {{ g().unwrap(); }}\n"), 6, "unwrap");
}

#[test]
fn pure_rooms_hold_no_clock_socket_spawn_or_randomness() {
    for word in
        ["std::time::Instant::now()", "std::net::UdpSocket", "tokio::spawn(x)", "rand::rng()"]
    {
        let code = format!("//! A.\n\nfn f() {{ {word}; }}\n");
        for room in ["protocol", "protocol/mux", "server/core", "server/passkeys", "sdk/core"] {
            assert_found(&format!("{room}/src/a.rs"), &code, 3, "pure");
        }
        assert_clean("server/daemon/src/a.rs", &code);
        assert_clean("server/core/src/a_tests.rs", &code);
    }
    assert_clean(
        "server/core/src/a.rs",
        "//! A.\nuse core::net::SocketAddr;\nfn f() { operand::x(); }\n",
    );
}

#[test]
fn a_feature_that_imports_another_is_found() {
    let tree = |text: &str| {
        vec![
            file("server/core/src/features/mod.rs", "//! All.\npub mod pins;\npub mod typing;\n"),
            file("server/core/src/features/typing.rs", "//! Typing.\nuse super::Context;\n"),
            file("server/core/src/features/pins.rs", text),
        ]
    };
    for text in [
        "//! Pins.\nuse super::typing::Typing;\n",
        "//! Pins.\nuse super::{Context, typing};\n",
        "//! Pins.\nfn f() { crate::features::typing::go(); }\n",
    ] {
        let found = findings(&tree(text));
        assert_eq!(found.len(), 1, "{text} {found:?}");
        assert!(found[0].contains("feature `pins` imports feature `typing`"), "{found:?}");
    }
    assert!(
        findings(&tree("//! Pins, unlike super::typing.\nuse super::{Context, pins};\n"))
            .is_empty()
    );
}

#[test]
fn a_feature_in_a_folder_is_told_from_its_neighbours() {
    let found = findings(&[
        file("server/core/src/features/typing.rs", "//! Typing.\n"),
        file("server/core/src/features/calls/mod.rs", "//! Calls.\nuse super::typing;\n"),
        file("server/core/src/features/calls/ring.rs", "//! Ring.\nuse super::super::typing;\n"),
        file("server/core/src/features/calls/typing.rs", "//! Ours.\nuse super::typing;\n"),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
}

fn package(name: &str, dependencies: &[(&str, bool, Option<&str>)]) -> serde_json::Value {
    let dependencies: Vec<_> = dependencies
        .iter()
        .map(|(name, ours, kind)| {
            json!({ "name": name, "path": ours.then_some("/x"), "kind": kind })
        })
        .collect();
    json!({ "name": name, "manifest_path": "/x/a/Cargo.toml", "dependencies": dependencies })
}

fn import_findings(package: serde_json::Value) -> Vec<String> {
    let metadata = json!({ "workspace_root": "/x", "packages": [package] });
    imports::check(&metadata).iter().map(ToString::to_string).collect()
}

#[test]
fn imports_follow_the_matrix() {
    let allowed =
        package("parlour-core", &[("parlour-protocol", true, None), ("bytes", false, None)]);
    assert!(import_findings(allowed).is_empty());
    let upward = import_findings(package("parlour-core", &[("parlour-adapters", true, None)]));
    assert_eq!(upward.len(), 1);
    assert!(upward[0].starts_with("a/Cargo.toml:1: `parlour-core` may not import"), "{upward:?}");
    let in_tests = package("parlour-core", &[("parlour-adapters", true, Some("dev"))]);
    assert!(import_findings(in_tests).is_empty());
    assert!(import_findings(package("parlour-sim", &[("parlour-daemon", true, None)])).is_empty());
}

#[test]
fn runtimes_and_sockets_stay_at_the_edge() {
    for name in ["tokio", "tokio-util", "quinn-proto", "rustls"] {
        assert_eq!(import_findings(package("parlour-sdk-core", &[(name, false, None)])).len(), 1);
        assert!(import_findings(package("parlour-daemon", &[(name, false, None)])).is_empty());
    }
    assert!(import_findings(package("parlour-core", &[("tokio", false, Some("dev"))])).is_empty());
    assert!(import_findings(package("parlour-core", &[("tokenizer", false, None)])).is_empty());
}

#[test]
fn a_package_without_a_row_is_found() {
    assert_eq!(import_findings(package("parlour-new", &[])).len(), 1);
}

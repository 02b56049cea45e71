//! Tests of the licence reader.

use serde_json::json;

use super::*;

const DENY: &str = "# About.\n[advisories]\nignore = [\"X\"]\n\n[licenses]\nallow = [\n    \"MIT\", # plain\n    \"Apache-2.0\",\n    # \"GPL-3.0\" isn't.\n    \"Apache-2.0 WITH LLVM-exception\",\n]\n\n[bans]\n";

#[test]
fn the_allowed_licences_are_read_from_the_file() {
    let allowed = allowed_licences(DENY);
    assert_eq!(allowed, ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]);
}

#[test]
fn an_expression_is_met_by_allowed_licences_alone() {
    let allowed = allowed_licences(DENY);
    for good in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/GPL-3.0",
        "GPL-3.0 OR MIT AND Apache-2.0",
        "(GPL-3.0 OR MIT) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
    ] {
        assert!(permits(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "", "MIT MIT"] {
        assert!(!permits(bad, &allowed), "{bad}");
    }
}

#[test]
fn an_old_version_another_source_and_no_licence_are_refused() {
    let allowed = allowed_licences(DENY);
    let package = |version: &str, source: &str, license: Option<&str>| json!({ "name": "quinn-proto", "version": version, "source": source, "license": license });
    let good = package("0.11.15", "registry+x", Some("MIT"));
    assert_eq!(wrongs(&good, &allowed), Vec::<String>::new());
    let bad = package("0.11.9", "git+x", None);
    assert_eq!(wrongs(&bad, &allowed).len(), 3);
}

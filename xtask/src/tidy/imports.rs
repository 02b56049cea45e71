//! Who may import whom, read from what cargo knows rather than from the sources. Tests may import
//! anything, so dev-dependencies aren't looked at.

use serde_json::Value;

use super::Finding;

/// One row per package: the packages of this workspace it may depend on, and whether it is a place
/// where a runtime, a socket or TLS may be used.
struct Row {
    package: &'static str,
    ours: &'static [&'static str],
    edge: bool,
}

const fn row(package: &'static str, ours: &'static [&'static str], edge: bool) -> Row {
    Row { package, ours, edge }
}

const ANYTHING: &[&str] = &["*"];

const MATRIX: &[Row] = &[
    row("parlour-protocol", &[], false),
    row("parlour-congestion", &[], true),
    row("parlour-mux", &[], false),
    row("parlour-core", &["parlour-protocol"], false),
    row("parlour-sdk-core", &["parlour-protocol"], false),
    row("parlour-acme", &[], true),
    row("parlour-adapters", &["parlour-core", "parlour-protocol"], true),
    row("parlour-blobs", &["parlour-core", "parlour-protocol"], true),
    row("parlour-carriers", &["parlour-mux", "parlour-quic"], true),
    row("parlour-heap", &[], false),
    row("parlour-passkeys", &[], false),
    row("parlour-quic", &[], true),
    row("parlour-search", &["parlour-core", "parlour-protocol"], true),
    row(
        "parlour-daemon",
        &[
            "parlour-acme",
            "parlour-core",
            "parlour-adapters",
            "parlour-blobs",
            "parlour-carriers",
            "parlour-congestion",
            "parlour-mux",
            "parlour-heap",
            "parlour-passkeys",
            "parlour-protocol",
            "parlour-quic",
            "parlour-search",
        ],
        true,
    ),
    row(
        "parlour",
        &["parlour-congestion", "parlour-mux", "parlour-sdk-core", "parlour-protocol"],
        true,
    ),
    row("parlour-ffi", &["parlour"], true),
    row("parlour-hello", &["parlour"], true),
    row("parlour-chat", &["parlour"], true),
    row("parlour-conformance-driver", ANYTHING, true),
    row("parlour-demo-client", ANYTHING, true),
    row("parlour-features", ANYTHING, true),
    row("parlour-inproc", ANYTHING, true),
    row("parlour-sim", ANYTHING, true),
    row("parlour-prove", ANYTHING, true),
    row("parlour-bench", ANYTHING, true),
    row("xtask", &[], false),
];

/// Crates that bring a runtime, a socket or TLS, with everything whose name continues theirs.
const EDGE_CRATES: &[&str] =
    &["tokio", "quinn", "rustls", "axum", "hyper", "mio", "socket2", "smol"];

pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let manifest = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/');
        let mut find = |what: String| findings.push(Finding::new(manifest, 1, what));
        let Some(row) = MATRIX.iter().find(|row| row.package == name) else {
            find(format!("`{name}` has no row in the import matrix: give it one in xtask"));
            continue;
        };
        for dependency in dependencies(package) {
            if let Some(what) = refused(row, dependency) {
                find(what);
            }
        }
    }
    findings
}

/// What is wrong with a package depending on this, if anything is.
fn refused(row: &Row, dependency: &Value) -> Option<String> {
    let name = dependency["name"].as_str().unwrap_or_default();
    let package = row.package;
    let is_ours = dependency["path"].is_string();
    if is_ours && row.ours != ANYTHING && !row.ours.contains(&name) {
        let allowed =
            if row.ours.is_empty() { "nothing of ours".into() } else { row.ours.join(", ") };
        return Some(format!("`{package}` may not import `{name}`, only {allowed}"));
    }
    let at_edge = EDGE_CRATES.iter().any(|edge| {
        name.strip_prefix(edge).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    if at_edge && !row.edge {
        return Some(format!(
            "`{package}` is kept from runtimes and sockets: move the use of `{name}` to the edge"
        ));
    }
    None
}

/// Dependencies that end up in the program: neither for tests nor for the build script.
fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    let all = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|dependency| dependency["kind"].is_null())
}

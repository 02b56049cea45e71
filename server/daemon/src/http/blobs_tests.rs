//! Ranges and headers; real files are fetched by the feature tests.

use super::{Range, common_headers, parse_range};
use axum::http::header;

#[test]
fn ranges() {
    let part = |from, to| Range::Part { from, to };
    for (text, expected) in [
        ("bytes=0-0", part(0, 0)),
        ("bytes=0-", part(0, 99)),
        ("bytes=10-19", part(10, 19)),
        ("bytes=90-1000", part(90, 99)),
        ("bytes=-1", part(99, 99)),
        ("bytes=-1000", part(0, 99)),
        ("bytes=0-99999999999999999999999", part(0, 99)),
        ("bytes=100-", Range::Unsatisfiable),
        ("bytes=99999999999999999999999-", Range::Unsatisfiable),
        ("bytes=-0", Range::Unsatisfiable),
        ("bytes=20-10", Range::Ignored),
        ("bytes=0-1,5-6", Range::Ignored),
        ("bytes=-", Range::Ignored),
        ("bytes=a-b", Range::Ignored),
        ("lines=0-1", Range::Ignored),
        ("bytes=+1-2", Range::Ignored),
    ] {
        assert_eq!(parse_range(text, 100), expected, "{text}");
    }
}

#[test]
fn nothing_runs_in_a_page() {
    let get = |kind: &str, name: &str, which| {
        common_headers(kind, name, "\"x\"")[which].to_str().expect("ascii").to_owned()
    };
    for kind in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "junk"] {
        assert_eq!(get(kind, "", header::CONTENT_TYPE), "application/octet-stream");
        assert_eq!(get(kind, "", header::CONTENT_DISPOSITION), "attachment");
    }
    assert_eq!(get("IMAGE/PNG; x=y", "", header::CONTENT_TYPE), "image/png");
    assert_eq!(
        get("image/png", "a \"b\"\r\nSet-Cookie: ü.png", header::CONTENT_DISPOSITION),
        "inline; filename*=UTF-8''a%20%22b%22%0D%0ASet-Cookie%3A%20%C3%BC.png"
    );
    let long = "ü".repeat(200);
    assert!(get("image/png", &long, header::CONTENT_DISPOSITION).len() < 255 * 3 + 40);
    assert_eq!(
        get("text/html", "", header::CONTENT_SECURITY_POLICY),
        "default-src 'none'; sandbox"
    );
    assert_eq!(get("text/html", "", header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}

//! Which addresses a collector may have, and which failures pass.

use super::*;

fn at(base: &str, allow_http: bool) -> Result<Collector, &'static str> {
    Collector::new(base, HeaderMap::new(), None, allow_http)
}

#[test]
fn the_path_stands_below_the_base_address() {
    for (base, path) in [
        ("http://127.0.0.1:4318", "/v1/traces"),
        ("http://127.0.0.1:4318/", "/v1/traces"),
        ("https://collector.example.org", "/v1/traces"),
        ("https://collector.example.org/otlp", "/otlp/v1/traces"),
        ("https://collector.example.org/otlp/", "/otlp/v1/traces"),
        // Whether that is this host is seen when it is looked up.
        ("http://localhost:4318", "/v1/traces"),
    ] {
        let collector = at(base, false);
        assert_eq!(collector.map(|it| it.target.path.clone()), Ok(path.to_owned()), "{base}");
    }
}

#[test]
fn what_is_no_base_address_is_refused() {
    for base in [
        "",
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "https://",
        "https://name:password@collector.example.org",
        "https://collector.example.org:port",
        "https://collector.example.org/?token=x",
        "https://collector.example.org/#x",
        "http://10.0.0.1:4318",
    ] {
        assert!(at(base, false).is_err(), "{base}");
    }
    assert!(at("http://10.0.0.1:4318", true).is_ok(), "as it is permitted");
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for status in [429, 502, 503, 504] {
        assert!(ExportError::Status(status).passes(), "{status}");
    }
    for status in [301, 400, 401, 403, 404, 413, 500] {
        assert!(!ExportError::Status(status).passes(), "{status}");
    }
    assert!(ExportError::Outside(OutsideError::Unreachable).passes());
    assert!(!ExportError::Outside(OutsideError::NotAllowed).passes());
    assert!(!ExportError::NoRoots.passes());
}

#[test]
fn headers_are_sent_and_not_shown() {
    let mut headers = HeaderMap::new();
    let mut token = HeaderValue::from_static("Bearer canary");
    token.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, token);
    let collector = Collector::new("http://127.0.0.1:4318", headers, None, false);
    let collector = collector.expect("an address");
    assert!(!format!("{collector:?}").contains("canary"));
    let request = collector.request(Bytes::new()).expect("a request");
    assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer canary");
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/x-protobuf");
}

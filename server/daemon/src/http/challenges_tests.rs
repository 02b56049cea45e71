//! Where those are led who ask the challenges' port for something else.

use super::*;

#[test]
fn others_are_led_to_https() {
    let uri: Uri = "/a/b?c=d".parse().expect("a path");
    let led = elsewhere(Some("https://chat.example.org".into()), &uri);
    assert_eq!(led.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(led.headers()[header::LOCATION], "https://chat.example.org/a/b?c=d");
    assert_eq!(elsewhere(None, &uri).status(), StatusCode::NOT_FOUND);
}

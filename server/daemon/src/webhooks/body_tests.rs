//! Bodies of posts.

use bytes::Bytes;
use parlour_protocol::{
    event::compose,
    ids::{RoomId, WebhookId},
    message::MessagePosted,
    wire::EventHeader,
};

use super::*;

fn post(kind: u32, body: &[u8]) -> Post {
    let sender = Bytes::from_static(&[7; 16]);
    let header =
        EventHeader { seq: 5, kind, at_ms: 1_700_000_000_123, sender, ..EventHeader::default() };
    Post {
        webhook: WebhookId::from_bytes([1; 16]),
        url: "https://example.org".into(),
        secret: [0; 32].into(),
        room: RoomId::from_bytes([2; 16]),
        seq: 5,
        event: compose(&header, body),
    }
}

#[test]
fn an_event_is_written_as_calls_answer_with_it() {
    let posted = MessagePosted { text: "Grüße".into(), ..MessagePosted::default() };
    let body = body(&post(10, &posted.encode_to_vec())).expect("written");
    let value: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(value["type"], "MessagePosted");
    assert_eq!(value["timestamp"], "2023-11-14T22:13:20.123Z");
    assert_eq!(value["data"]["room"], "02020202-0202-0202-0202-020202020202");
    let event = &value["data"]["event"];
    assert_eq!(event["body"]["text"], "Grüße");
    assert_eq!((&event["header"]["seq"], &event["header"]["kind"]), (&json!("5"), &json!(10)));
    assert_eq!(event["header"]["sender"], "07070707-0707-0707-0707-070707070707");
}

#[test]
fn an_event_of_a_kind_nobody_knows_is_posted_all_the_same() {
    let value: Value =
        serde_json::from_slice(&body(&post(98, b"?")).expect("written")).expect("JSON");
    assert_eq!(
        (&value["type"], &value["data"]["event"]["body"]),
        (&json!("Unknown"), &json!("Pw=="))
    );
    let nothing = Post { event: Bytes::from_static(b"\xff"), ..post(98, b"") };
    assert!(body(&nothing).is_none());
}

#[test]
fn days_are_counted_right() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(rfc3339(ms), text);
    }
}

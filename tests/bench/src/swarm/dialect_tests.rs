//! Tests of what is heard.

use super::*;

fn io(text: &str) -> Heard {
    Dialect::Socketio.hear(text.as_bytes())
}

#[test]
fn socketio_packets_are_told_apart() {
    assert_eq!(io(r#"0{"sid":"x"}"#), Heard::Greet);
    assert_eq!(io("2"), Heard::Answer(b"3"));
    assert_eq!(io(r#"40{"sid":"a","pid":"b"}"#), Heard::Session(Some("b".to_owned())));
    assert_eq!(io(r#"42["m","0000000042 text"]"#), Heard::Post(42));
    assert_eq!(io(r#"42["m",{"seq":1,"text":"0000000043 t"}]"#), Heard::Post(43));
    assert_eq!(io("4317[]"), Heard::Ack(17));
    assert_eq!(io(&format!("43{PAGES}[[]]")), Heard::Page);
    assert_eq!(io(r#"42["ready",[]]"#), Heard::Ready);
    assert_eq!(io(r#"42["bulk-end"]"#), Heard::BulkDone);
    assert!(matches!(io(r#"44{"message":"jwt"}"#), Heard::Refused(_)));
}

#[test]
fn recovery_offsets_are_the_last_string() {
    assert_eq!(offset(br#"42["m","0000000042 text","off1"]"#), Some("off1"));
    assert_eq!(offset(b"2"), None);
}

#[test]
fn ws_letters_are_told_apart() {
    assert_eq!(Dialect::Ws.hear(b"m0000000007 x"), Heard::Post(7));
    assert_eq!(Dialect::Ws.hear(b"a0000000007"), Heard::Ack(7));
    assert_eq!(Dialect::Ws.hear(b"r[]"), Heard::Ready);
}

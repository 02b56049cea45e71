//! Keys as text.

use super::*;

fn text(bytes: &[u8]) -> String {
    format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn a_key_says_where_it_is_looked_up() {
    let mut bytes = [0_u8; LOCATOR_BYTES + SECRET_BYTES];
    bytes[..16].fill(1);
    bytes[16..32].fill(2);
    bytes[32..48].fill(3);
    bytes[48..].fill(4);
    let shown = parse(&text(&bytes)).expect("a key");
    assert_eq!(shown.org.to_bytes(), [1; 16]);
    assert_eq!(shown.user.to_bytes(), [2; 16]);
    assert_eq!(shown.id.to_bytes(), [3; 16]);
    assert_eq!(shown.hash, sha256(&[4; 24]));
}

#[test]
fn what_is_no_key_is_not_taken_for_one() {
    for bytes in [0, 47, 48, 71, 73, 200] {
        assert!(parse(&text(&vec![7; bytes])).is_none(), "{bytes} bytes");
    }
    let whole = text(&[7; 72]);
    assert!(parse(&whole).is_some());
    assert!(parse(whole.strip_prefix(KEY_PREFIX).expect("a prefix")).is_none());
    assert!(parse(&format!("{whole}=")).is_none());
    assert!(parse("parlour_\u{e9}").is_none());
}

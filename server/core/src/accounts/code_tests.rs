//! Codes as people get them.

use super::*;

#[test]
fn a_code_has_its_organization_and_one_form() {
    let mut bytes = [7_u8; 40];
    bytes[39] = 0xa5;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let (org, key) = parse(&text).unwrap();
    assert_eq!(org.as_bytes(), &[7; 16]);
    assert_eq!(key.len(), 48);
    // The last letter has two bits too many, which must be zero.
    let next = char::from(text.as_bytes()[53] + 1);
    assert!(parse(&format!("{}{next}", &text[..53])).is_none());
}

#[test]
fn what_is_no_code_is_none() {
    for text in ["", "A", "AAAA", "not a code", "ä", &"A".repeat(53), &"A".repeat(56)] {
        assert!(parse(text).is_none(), "{text}");
    }
    assert!(parse(&"A".repeat(10_000)).is_none());
    assert!(parse(&"A".repeat(54)).is_some());
}

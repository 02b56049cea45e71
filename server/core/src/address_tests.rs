//! Addresses of links.

use super::base64url;

#[test]
fn addresses_are_base64_without_padding() {
    // RFC 4648 section 10, and two digits that differ there.
    for (plain, encoded) in [
        ("", ""),
        ("f", "Zg"),
        ("fo", "Zm8"),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64url(plain.as_bytes()), encoded);
    }
    assert_eq!(base64url(&[0xfb, 0xff, 0xfe]), "-__-");
}

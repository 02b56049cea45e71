//! What a certificate is called towards its CA.

use super::*;

#[test]
fn a_certificate_is_named_as_in_the_example_of_rfc_9773() {
    let authority = [
        0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae,
        0x2c, 0xde, 0x01, 0xc8, 0xd4,
    ];
    let serial = [0x00, 0x87, 0x65, 0x43, 0x21];
    let named = Replaced { authority: authority.to_vec(), serial: serial.to_vec() };
    assert_eq!(named.identifier().to_string(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

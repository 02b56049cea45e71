//! A passkey's bytes: the same again, and nothing else.

use proptest::prelude::*;
use webauthn_rp::response::Backup;

use super::{Key, Passkey};
use crate::{PasskeyError, limits};

fn passkeys() -> Vec<Passkey> {
    let rsa = |length| Key::Rsa { modulus: vec![0xfe; length], exponent: 65537 };
    let keys = [
        Key::Ed25519([1; 32]),
        Key::P256 { x: [2; 32], y_is_odd: false },
        Key::P256 { x: [2; 32], y_is_odd: true },
        rsa(256),
        rsa(limits::RSA_MODULUS_BYTES_MAX),
    ];
    let backups = [Backup::NotEligible, Backup::Eligible, Backup::Exists].into_iter().cycle();
    let lengths = [16, 32, limits::ID_BYTES_MAX].into_iter().cycle();
    let make = |((key, backup), length)| Passkey {
        id: vec![3; length],
        user: [4; 16],
        model: [5; 16],
        counter: 0x0102_0304,
        backup,
        key,
    };
    keys.into_iter().zip(backups).zip(lengths).map(make).collect()
}

#[test]
fn a_passkey_is_the_same_again() {
    for passkey in passkeys() {
        let bytes = passkey.encode();
        assert!(bytes.len() <= limits::PASSKEY_BYTES_MAX);
        assert_eq!(Passkey::decode(&bytes), Ok(passkey));
    }
}

#[test]
fn a_stored_passkey_keeps_its_form() {
    let stored =
        [&[1, 3][..], &[1, 2, 3, 4], &[4; 16], &[5; 16], &[0, 16], &[3; 16], &[2, 1], &[2; 32]]
            .concat();
    let passkey = Passkey::decode(&stored).unwrap();
    assert_eq!(passkey.encode(), stored);
    assert_eq!((passkey.id(), passkey.user()), (&[3; 16][..], [4; 16]));
    assert_eq!((passkey.model(), passkey.counter()), ([5; 16], 0x0102_0304));
    assert!(passkey.is_synced());
}

#[test]
fn half_a_passkey_or_more_than_one_is_refused() {
    for passkey in passkeys() {
        let mut bytes = passkey.encode();
        let is_rsa = matches!(passkey.key, Key::Rsa { .. });
        let whole = bytes.len();
        // A shorter modulus is another key; one below 2,048 bits is none.
        for length in (0..whole).filter(|length| !is_rsa || *length < whole - 256) {
            let half = Passkey::decode(&bytes[..length]);
            assert_eq!(half, Err(PasskeyError::Malformed), "{length}");
        }
        if !is_rsa {
            bytes.push(0);
            assert_eq!(Passkey::decode(&bytes), Err(PasskeyError::Malformed));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_passkey_or_none(which in 0..5_usize, at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = passkeys()[which].encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(passkey) = Passkey::decode(&bytes) {
            prop_assert_eq!(passkey.encode(), bytes);
        }
    }
}

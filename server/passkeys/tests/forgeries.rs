//! Answers that are wrong in one thing each, and the reason each is refused for.

mod authenticator;

use authenticator::{
    Client, FLAGS, HAS_CREDENTIAL, HAS_EXTENSIONS, Key, Making, NOW, ORIGIN, Signed, SigningIn,
    USER, party, registered,
};
use parlour_passkeys::{Answer, Begun, Passkey, PasskeyError, RelyingParty, limits};
use proptest::prelude::*;

type Wrong<T> = (&'static str, PasskeyError, fn(&mut T));

/// What may be wrong about the client, whatever it is asked.
const CLIENTS: &[Wrong<Client>] = &[
    ("another challenge", PasskeyError::Challenge, |c| c.challenge[0] ^= 1),
    ("a short challenge", PasskeyError::Malformed, |c| c.challenge.truncate(15)),
    ("a long challenge", PasskeyError::Malformed, |c| c.challenge.push(0)),
    ("a look-alike", PasskeyError::Origin, |c| c.origin = "https://chat.examp1e.org".into()),
    ("a host that goes on", PasskeyError::Origin, |c| c.origin.push_str(".evil.example")),
    ("a host before it", PasskeyError::Origin, |c| c.origin = "https://xchat.example.org".into()),
    ("a subdomain", PasskeyError::Origin, |c| c.origin = "https://a.chat.example.org".into()),
    ("the domain above", PasskeyError::Origin, |c| c.origin = "https://example.org".into()),
    ("a port", PasskeyError::Origin, |c| c.origin.push_str(":8443")),
    ("the port left out", PasskeyError::Origin, |c| c.origin.push_str(":443")),
    ("a slash", PasskeyError::Origin, |c| c.origin.push('/')),
    ("another scheme", PasskeyError::Origin, |c| c.origin = "http://chat.example.org".into()),
    ("capitals", PasskeyError::Origin, |c| c.origin = "https://Chat.example.org".into()),
    ("no origin", PasskeyError::Origin, |c| c.origin.clear()),
    ("a frame", PasskeyError::Origin, |c| c.more = r#","crossOrigin":true"#.into()),
    ("a frame in another", PasskeyError::Origin, |c| {
        c.more = r#","crossOrigin":true,"topOrigin":"https://evil.example""#.into();
    }),
    ("two origins", PasskeyError::Malformed, |c| {
        c.more = format!(r#","origin":"{ORIGIN}""#);
    }),
    ("no kind", PasskeyError::Malformed, |c| c.kind = ""),
    ("another kind", PasskeyError::Malformed, |c| c.kind = "payment.get"),
    ("too much", PasskeyError::Malformed, |c| {
        c.more = format!(r#","more":"{}""#, "x".repeat(limits::CLIENT_DATA_BYTES_MAX));
    }),
    ("no JSON", PasskeyError::Malformed, |c| c.more = ",".into()),
    ("something behind", PasskeyError::Malformed, |c| c.more = "}{".into()),
];

const MAKINGS: &[Wrong<Making>] = &[
    ("the other kind", PasskeyError::Malformed, |m| m.client.kind = "webauthn.get"),
    ("another site", PasskeyError::RelyingParty, |m| m.host = "example.com".into()),
    ("the page's host", PasskeyError::RelyingParty, |m| m.host = "chat.example.org".into()),
    ("nobody there", PasskeyError::NotVerified, |m| m.flags &= !1),
    ("nobody verified", PasskeyError::NotVerified, |m| m.flags &= !4),
    ("no passkey", PasskeyError::Malformed, |m| m.flags &= !HAS_CREDENTIAL),
    ("copied, but can't be", PasskeyError::Malformed, |m| m.flags &= !8),
    ("a reserved flag", PasskeyError::Malformed, |m| m.flags |= 2),
    ("another reserved flag", PasskeyError::Malformed, |m| m.flags |= 32),
    ("extensions that aren't there", PasskeyError::Malformed, |m| m.flags |= HAS_EXTENSIONS),
    ("something behind", PasskeyError::Malformed, |m| m.extensions = vec![0xa0]),
    ("something behind the extensions", PasskeyError::Malformed, |m| {
        m.flags |= HAS_EXTENSIONS;
        m.extensions = vec![0xa0, 0xa0];
    }),
    ("extensions of another form", PasskeyError::Malformed, |m| {
        m.flags |= HAS_EXTENSIONS;
        m.extensions = vec![0x80];
    }),
    ("no id", PasskeyError::Malformed, |m| m.id.clear()),
    ("a short id", PasskeyError::Malformed, |m| m.id.truncate(15)),
    ("a long id", PasskeyError::Malformed, |m| m.id = vec![1; limits::ID_BYTES_MAX + 1]),
    ("no key", PasskeyError::Malformed, |m| m.cose.clear()),
    ("a key of another kind", PasskeyError::Algorithm, |m| m.cose[2] = 4),
    ("a key of another algorithm", PasskeyError::Algorithm, |m| m.cose[4] = 0x25),
    ("a point beside the curve", PasskeyError::Algorithm, |m| m.cose[20] ^= 1),
    ("too many certificates", PasskeyError::Malformed, |m| {
        let length = (limits::ATTESTATION_BYTES_MAX as u16).to_be_bytes();
        let certificate = vec![0; limits::ATTESTATION_BYTES_MAX];
        m.attestation = ("packed", [&b"\xa1\x63x5c\x81\x59"[..], &length, &certificate].concat());
    }),
    ("a deep statement", PasskeyError::Malformed, |m| m.attestation.1 = vec![0x81; 5000]),
    ("an endless statement", PasskeyError::Malformed, |m| m.attestation.1 = vec![0xbf, 0xff]),
    ("a statement of a great number", PasskeyError::Malformed, |m| {
        m.attestation.1 = [&[0x9b][..], &[0xff; 8]].concat();
    }),
];

const SIGNINGS: &[Wrong<SigningIn>] = &[
    ("the other kind", PasskeyError::Malformed, |s| s.client.kind = "webauthn.create"),
    ("another site", PasskeyError::RelyingParty, |s| s.host = "example.com".into()),
    ("nobody there", PasskeyError::NotVerified, |s| s.flags &= !1),
    ("nobody verified", PasskeyError::NotVerified, |s| s.flags &= !4),
    ("copied, but can't be", PasskeyError::Malformed, |s| s.flags &= !8),
    ("can't be copied any more", PasskeyError::Malformed, |s| s.flags = 5),
    ("a new passkey", PasskeyError::Malformed, |s| s.flags |= HAS_CREDENTIAL),
    ("a reserved flag", PasskeyError::Malformed, |s| s.flags |= 2),
    ("extensions that aren't there", PasskeyError::Malformed, |s| s.flags |= HAS_EXTENSIONS),
    ("something behind", PasskeyError::Malformed, |s| s.rest = vec![0xa0]),
    ("a counter that stays", PasskeyError::Counter, |s| s.counter = 5),
    ("a counter that goes back", PasskeyError::Counter, |s| s.counter = 4),
    ("a counter that ends", PasskeyError::Counter, |s| s.counter = 0),
    ("another passkey", PasskeyError::OtherPasskey, |s| s.id[0] ^= 1),
    ("no passkey", PasskeyError::OtherPasskey, |s| s.id.clear()),
    ("another account", PasskeyError::OtherPasskey, |s| s.user[0] ^= 1),
    ("no account", PasskeyError::OtherPasskey, |s| s.user.clear()),
];

const SIGNED: &[Wrong<Signed>] = &[
    ("no signature", PasskeyError::Signature, |s| s.signature.clear()),
    ("something behind the signature", PasskeyError::Signature, |s| s.signature.push(0)),
    ("too long a signature", PasskeyError::Malformed, |s| s.signature = vec![1; 1 << 20]),
    ("other flags than signed", PasskeyError::Signature, |s| s.authenticator_data[32] ^= 16),
    ("another counter than signed", PasskeyError::Signature, |s| s.authenticator_data[36] ^= 1),
    ("another client than signed", PasskeyError::Signature, |s| s.client_data_json.push(b' ')),
    ("too much data", PasskeyError::Malformed, |s| s.authenticator_data = vec![1; 1 << 20]),
    ("no data", PasskeyError::Malformed, |s| s.authenticator_data.clear()),
    ("too much of the client", PasskeyError::Malformed, |s| {
        s.client_data_json = vec![b' '; 1 << 20]
    }),
];

/// A passkey used five times, and what it is to sign.
fn used(party: &RelyingParty, key: &Key) -> (Passkey, Begun) {
    let stored = registered(party, key);
    let begun = party.begin_sign_in(NOW);
    let signing = SigningIn { counter: 5, ..SigningIn::new(&begun, &stored) };
    let stored = signing.sign(key).answer(party, &begun, &stored).expect("a sign-in");
    (stored, party.begin_sign_in(NOW))
}

fn signing(begun: &Begun, stored: &Passkey) -> SigningIn {
    SigningIn { counter: 6, ..SigningIn::new(begun, stored) }
}

#[test]
fn forged_registrations_are_refused() {
    let (party, key) = (party(), Key::es256(7));
    let begun = party.begin_registration(&USER, NOW);
    assert!(Making::new(&begun, &key).answer(&party, &begun).is_ok());
    for (what, error, make) in CLIENTS {
        let mut making = Making::new(&begun, &key);
        make(&mut making.client);
        assert_eq!(making.answer(&party, &begun), Err(*error), "{what}");
    }
    for (what, error, make) in MAKINGS {
        let mut making = Making::new(&begun, &key);
        make(&mut making);
        assert_eq!(making.answer(&party, &begun), Err(*error), "{what}");
    }
}

#[test]
fn forged_sign_ins_are_refused() {
    let (party, key) = (party(), Key::es256(7));
    let (stored, begun) = used(&party, &key);
    assert!(signing(&begun, &stored).sign(&key).answer(&party, &begun, &stored).is_ok());
    for (what, error, make) in CLIENTS {
        let mut signing = signing(&begun, &stored);
        make(&mut signing.client);
        let answer = signing.sign(&key).answer(&party, &begun, &stored);
        assert_eq!(answer, Err(*error), "{what}");
    }
    for (what, error, make) in SIGNINGS {
        let mut signing = signing(&begun, &stored);
        make(&mut signing);
        let answer = signing.sign(&key).answer(&party, &begun, &stored);
        assert_eq!(answer, Err(*error), "{what}");
    }
    for (what, error, make) in SIGNED {
        let mut signed = signing(&begun, &stored).sign(&key);
        make(&mut signed);
        assert_eq!(signed.answer(&party, &begun, &stored), Err(*error), "{what}");
    }
}

#[test]
fn a_signature_with_any_bit_changed_is_refused() {
    let party = party();
    for key in [Key::es256(7), Key::eddsa(7), Key::rs256(2048)] {
        let (stored, begun) = used(&party, &key);
        let signed = signing(&begun, &stored).sign(&key);
        for at in (0..signed.signature.len()).step_by(7) {
            let mut signed = signing(&begun, &stored).sign(&key);
            signed.signature[at] ^= 1 << (at % 8);
            let answer = signed.answer(&party, &begun, &stored);
            assert_eq!(answer, Err(PasskeyError::Signature), "{at}");
        }
    }
}

#[test]
fn the_signature_of_another_key_is_refused() {
    let party = party();
    let keys = [Key::es256(7), Key::es256(8), Key::eddsa(7), Key::eddsa(8), Key::rs256(2048)];
    for (nth, key) in keys.iter().enumerate() {
        let (stored, begun) = used(&party, key);
        for other in (0..keys.len()).filter(|other| *other != nth) {
            let signed = signing(&begun, &stored).sign(&keys[other]);
            let answer = signed.answer(&party, &begun, &stored);
            assert_eq!(answer, Err(PasskeyError::Signature), "{nth} {other}");
        }
    }
}

#[test]
fn one_request_is_not_the_other() {
    let (party, key) = (party(), Key::es256(7));
    let (stored, sign_in) = used(&party, &key);
    let registration = party.begin_registration(&USER, NOW);
    let making = Making::new(&sign_in, &key);
    assert_eq!(making.answer(&party, &sign_in), Err(PasskeyError::Challenge));
    let signed = signing(&registration, &stored).sign(&key);
    assert_eq!(signed.answer(&party, &registration, &stored), Err(PasskeyError::Challenge));
    // Nor is one of the same kind.
    let other = party.begin_sign_in(NOW);
    let signed = signing(&sign_in, &stored).sign(&key);
    assert_eq!(signed.answer(&party, &other, &stored), Err(PasskeyError::Challenge));
    let other = party.begin_registration(&USER, NOW);
    let making = Making::new(&registration, &key);
    assert_eq!(making.answer(&party, &other), Err(PasskeyError::Challenge));
}

#[test]
fn requests_end_after_ten_minutes() {
    let (party, key) = (party(), Key::es256(7));
    let (stored, sign_in) = used(&party, &key);
    let registration = party.begin_registration(&USER, NOW);
    let making = Making::new(&registration, &key);
    let (json, object) = (making.client.json(), making.object());
    let signed = signing(&sign_in, &stored).sign(&key);
    let answer = Answer {
        id: &signed.id,
        user: &signed.user,
        client_data_json: &signed.client_data_json,
        authenticator_data: &signed.authenticator_data,
        signature: &signed.signature,
    };
    let end = NOW + limits::VALIDITY_MS;
    assert!(party.register(&registration.state, &json, &object, end - 1).is_ok());
    assert!(party.sign_in(&sign_in.state, &stored, &answer, end - 1).is_ok());
    for late in [end, u64::MAX] {
        let registered = party.register(&registration.state, &json, &object, late);
        assert_eq!(registered, Err(PasskeyError::Expired));
        let signed_in = party.sign_in(&sign_in.state, &stored, &answer, late);
        assert_eq!(signed_in, Err(PasskeyError::Expired));
    }
}

/// An RSA key as CBOR, whatever its numbers are.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let length = (modulus.len() as u16).to_be_bytes();
    let head = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59";
    [head, &length[..], modulus, &[0x21, 0x40 | exponent.len() as u8], exponent].concat()
}

#[test]
fn large_and_small_keys_are_refused() {
    let party = party();
    let begun = party.begin_registration(&USER, NOW);
    let mut making = Making::new(&begun, &Key::es256(7));
    for bytes in [limits::RSA_MODULUS_BYTES_MAX + 1, 255, 128] {
        making.cose = rsa(&vec![0xff; bytes], &[1, 0, 1]);
        assert_eq!(making.answer(&party, &begun), Err(PasskeyError::Algorithm), "{bytes}");
    }
}

#[test]
fn numbers_that_are_no_key_sign_nothing() {
    let party = party();
    let (zeros, ones) = (vec![0; 256], vec![0xff; 256]);
    let (even, one) = ([vec![0xff; 255], vec![0xfe]].concat(), [vec![0; 255], vec![1]].concat());
    let power = [vec![0x80], vec![0; 255]].concat();
    for modulus in [&zeros, &ones, &even, &one, &power] {
        for exponent in [&[1, 0, 1][..], &[3], &[2], &[1], &[0], &[0xff; 4], &[1, 0, 0, 0, 0]] {
            let begun = party.begin_registration(&USER, NOW);
            let mut making = Making::new(&begun, &Key::es256(7));
            making.cose = rsa(modulus, exponent);
            let Ok(stored) = making.answer(&party, &begun) else { continue };
            let begun = party.begin_sign_in(NOW);
            for signature in [&zeros, &ones, &even, &one, &power, &Vec::new()] {
                let mut signed = SigningIn::new(&begun, &stored).sign(&Key::es256(7));
                signed.signature.clone_from(signature);
                let answer = signed.answer(&party, &begun, &stored);
                assert_eq!(answer, Err(PasskeyError::Signature));
            }
        }
    }
}

#[test]
fn a_megabyte_is_refused() {
    let (party, key) = (party(), Key::es256(7));
    let begun = party.begin_registration(&USER, NOW);
    let making = Making::new(&begun, &key);
    let (json, object) = (making.client.json(), making.object());
    let big = vec![0xa3; 1 << 20];
    let malformed = Err(PasskeyError::Malformed);
    assert_eq!(party.register(&big, &json, &object, NOW), malformed);
    assert_eq!(party.register(&begun.state, &big, &object, NOW), malformed);
    assert_eq!(party.register(&begun.state, &json, &big, NOW), malformed);
    assert_eq!(
        party.register(&begun.state, &[json, vec![b' '; 1 << 20]].concat(), &object, NOW),
        malformed
    );
    assert_eq!(Passkey::decode(&big), malformed);
}

#[test]
fn half_an_answer_is_refused() {
    let (party, key) = (party(), Key::es256(7));
    let begun = party.begin_registration(&USER, NOW);
    let making = Making::new(&begun, &key);
    let (json, object) = (making.client.json(), making.object());
    for end in 0..object.len() {
        assert!(party.register(&begun.state, &json, &object[..end], NOW).is_err(), "{end}");
    }
    for end in 0..json.len() {
        assert!(party.register(&begun.state, &json[..end], &object, NOW).is_err(), "{end}");
    }
    for end in 0..begun.state.len() {
        assert!(party.register(&begun.state[..end], &json, &object, NOW).is_err(), "{end}");
    }
    let more = [&object[..], &[0]].concat();
    assert_eq!(party.register(&begun.state, &json, &more, NOW), Err(PasskeyError::Malformed));
    let more = [&begun.state[..], &[0]].concat();
    assert_eq!(party.register(&more, &json, &object, NOW), Err(PasskeyError::Malformed));
}

proptest! {
    #[test]
    fn any_bytes_are_refused(state: Vec<u8>, json: Vec<u8>, object: Vec<u8>, signature: Vec<u8>) {
        let (party, key) = (party(), Key::es256(7));
        let (stored, begun) = used(&party, &key);
        let registration = party.begin_registration(&USER, NOW);
        prop_assert!(party.register(&state, &json, &object, NOW).is_err());
        prop_assert!(party.register(&registration.state, &json, &object, NOW).is_err());
        let signed = signing(&begun, &stored).sign(&key);
        let answer = Answer {
            id: stored.id(),
            user: &USER,
            client_data_json: &signed.client_data_json,
            authenticator_data: &object,
            signature: &signature,
        };
        prop_assert!(party.sign_in(&state, &stored, &answer, NOW).is_err());
        prop_assert!(party.sign_in(&begun.state, &stored, &answer, NOW).is_err());
    }

    /// A byte changed anywhere in an attestation is an error or another passkey, never a panic.
    #[test]
    fn a_changed_attestation_never_panics(at: prop::sample::Index, byte: u8) {
        let (party, key) = (party(), Key::es256(7));
        let begun = party.begin_registration(&USER, NOW);
        let making = Making::new(&begun, &key);
        let making = Making {
            flags: FLAGS | HAS_CREDENTIAL | HAS_EXTENSIONS,
            extensions: b"\xa1\x6bcredProtect\x02".to_vec(),
            ..making
        };
        let mut object = making.object();
        let at = at.index(object.len());
        object[at] = byte;
        let _ = party.register(&begun.state, &making.client.json(), &object, NOW);
    }
}

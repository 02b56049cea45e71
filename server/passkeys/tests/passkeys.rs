//! Passkeys are made and signed in with, by each algorithm and by browsers and authenticators of
//! different habits.

mod authenticator;

use authenticator::{
    FLAGS, HAS_CREDENTIAL, HAS_EXTENSIONS, HOST, Key, Making, NOW, ORIGIN, SigningIn, USER, party,
    registered,
};
use parlour_passkeys::{ConfigError, Passkey, PasskeyError, Pending, RelyingParty, limits};

fn works(key: &Key) {
    let party = party();
    let passkey = registered(&party, key);
    assert_eq!(passkey.user(), USER);
    assert_eq!((passkey.model(), passkey.counter()), ([0xaa; 16], 0));
    assert!(passkey.is_synced());
    let stored = Passkey::decode(&passkey.encode()).expect("the same again");
    assert_eq!(stored, passkey);
    let begun = party.begin_sign_in(NOW);
    let signed = SigningIn::new(&begun, &stored).sign(key);
    assert_eq!(signed.answer(&party, &begun, &stored), Ok(passkey));
}

#[test]
fn a_passkey_by_es256_signs_in() {
    works(&Key::es256(7));
    works(&Key::es256(8));
}

#[test]
fn a_passkey_by_eddsa_signs_in() {
    works(&Key::eddsa(7));
}

#[test]
fn a_passkey_by_rs256_signs_in() {
    works(&Key::rs256(2048));
}

#[test]
fn counter_and_flags_move_with_each_use() {
    let (party, key) = (party(), Key::es256(7));
    let mut stored = registered(&party, &key);
    for (counter, flags, is_synced) in [(0, FLAGS, true), (3, 0b0000_1101, false), (4, FLAGS, true)]
    {
        let begun = party.begin_sign_in(NOW);
        let signing = SigningIn { counter, flags, ..SigningIn::new(&begun, &stored) };
        stored = signing.sign(&key).answer(&party, &begun, &stored).unwrap();
        assert_eq!((stored.counter(), stored.is_synced()), (counter, is_synced));
    }
}

#[test]
fn a_passkey_that_stays_on_its_device_signs_in() {
    let (party, key) = (party(), Key::es256(7));
    let begun = party.begin_registration(&USER, NOW);
    let making = Making { flags: 0b0100_0101, counter: 9, ..Making::new(&begun, &key) };
    let stored = making.answer(&party, &begun).unwrap();
    assert!(!stored.is_synced());
    let begun = party.begin_sign_in(NOW);
    let signing = SigningIn { flags: 0b101, counter: 10, ..SigningIn::new(&begun, &stored) };
    assert_eq!(signing.sign(&key).answer(&party, &begun, &stored).unwrap().counter(), 10);
    // One that couldn't be copied when it was made is another once it can.
    let signing = SigningIn { flags: FLAGS, counter: 10, ..SigningIn::new(&begun, &stored) };
    let refused = signing.sign(&key).answer(&party, &begun, &stored);
    assert_eq!(refused, Err(PasskeyError::Malformed));
}

#[test]
fn an_attestation_nobody_asked_for_is_taken_for_none() {
    let (party, key) = (party(), Key::es256(7));
    let certificates =
        [&b"\xa3\x63alg\x26\x63sig\x58\x47"[..], &[1; 0x47], b"\x63x5c\x82"].concat();
    let certificates = [&certificates[..], b"\x59\x04\x00", &[2; 0x400], b"\x41\x03"].concat();
    for attestation in [
        ("none", vec![0xa0]),
        ("packed", b"\xa2\x63alg\x26\x63sig\x41\x00".to_vec()),
        ("packed", certificates),
        ("tpm", b"\xa1\x63ver\x632.0".to_vec()),
        ("new", b"\xa2\x01\xf5\x02\xfb\x00\x00\x00\x00\x00\x00\x00\x00".to_vec()),
    ] {
        let begun = party.begin_registration(&USER, NOW);
        let making = Making { attestation, ..Making::new(&begun, &key) };
        let passkey = making.answer(&party, &begun);
        assert!(passkey.is_ok(), "{} {passkey:?}", making.attestation.0);
        // In whatever order the parts come.
        let [format, statement, data] = making.parts();
        let other = [vec![0xa3], data, statement, format].concat();
        let other = party.register(&begun.state, &making.client.json(), &other, NOW);
        assert_eq!(other, passkey);
    }
}

#[test]
fn extensions_nobody_asked_for_are_passed_over() {
    let (party, key) = (party(), Key::es256(7));
    for extensions in [
        &b"\xa1\x6bcredProtect\x02"[..],
        b"\xa1\x6bhmac-secret\xf5",
        b"\xa2\x6bcredProtect\x03\x6bhmac-secret\xf5",
        b"\xa1\x63new\xa1\x01\x82\x01\x02",
    ] {
        let begun = party.begin_registration(&USER, NOW);
        let making = Making::new(&begun, &key);
        let flags = FLAGS | HAS_CREDENTIAL | HAS_EXTENSIONS;
        let making = Making { flags, extensions: extensions.to_vec(), ..making };
        let stored = making.answer(&party, &begun).unwrap();
        let begun = party.begin_sign_in(NOW);
        let signed = SigningIn::new(&begun, &stored).sign(&key);
        assert!(signed.answer(&party, &begun, &stored).is_ok());
    }
}

#[test]
fn client_data_may_have_any_order_and_more() {
    let (party, key) = (party(), Key::es256(7));
    for more in [
        "",
        r#","crossOrigin":false,"other_keys_can_be_added_here":"do not compare clientDataJSON""#,
        r#","hashAlgorithm":"SHA-256","clientExtensions":{}"#,
        r#","androidPackageName":"org.example","tokenBinding":{"status":"supported"}"#,
    ] {
        let begun = party.begin_registration(&USER, NOW);
        let mut making = Making::new(&begun, &key);
        making.client.more = more.to_owned();
        assert!(making.answer(&party, &begun).is_ok(), "{more}");
    }
    let begun = party.begin_registration(&USER, NOW);
    let making = Making::new(&begun, &key);
    let json = String::from_utf8(making.client.json()).unwrap();
    let (kind, rest) = json[1..json.len() - 1].split_once(',').unwrap();
    let turned = format!("{{ {rest},\n{kind} }}");
    let answer = party.register(&begun.state, turned.as_bytes(), &making.object(), NOW);
    assert!(answer.is_ok(), "{turned} {answer:?}");
}

#[test]
fn a_developers_machine_has_passkeys() {
    let party = RelyingParty::new("localhost", "Here", &[]).unwrap();
    let begun = party.begin_registration(&USER, NOW);
    let mut making = Making::new(&begun, &Key::es256(7));
    making.host = "localhost".to_owned();
    making.client.origin = "http://localhost:5173".to_owned();
    assert!(making.answer(&party, &begun).is_ok());
    making.client.origin = "https://localhost:5173".to_owned();
    assert_eq!(making.answer(&party, &begun), Err(PasskeyError::Origin));
}

#[test]
fn a_request_says_what_it_is() {
    let party = party();
    assert_eq!((party.id(), party.name()), (HOST, "Example"));
    let (one, other) = (party.begin_registration(&USER, NOW), party.begin_sign_in(NOW));
    assert_ne!(one.challenge, other.challenge);
    assert_ne!(one.challenge, party.begin_registration(&USER, NOW).challenge);
    for begun in [one, other] {
        assert!(begun.state.len() <= limits::STATE_BYTES_MAX);
        let expires_ms = NOW + limits::VALIDITY_MS;
        assert_eq!(
            Pending::of(&begun.state),
            Ok(Pending { challenge: begun.challenge, expires_ms })
        );
    }
    assert_eq!(Pending::of(b"no state"), Err(PasskeyError::Malformed));
}

#[test]
fn what_is_no_relying_party_says_why() {
    let new = |host, name, origin: &str| RelyingParty::new(host, name, &[origin.to_owned()]).err();
    assert_eq!(new("127.0.0.1", "x", ORIGIN), Some(ConfigError::Host("127.0.0.1".to_owned())));
    assert_eq!(new(HOST, "", ORIGIN), Some(ConfigError::Name));
    let long = "x".repeat(limits::NAME_BYTES_MAX + 1);
    assert_eq!(new(HOST, &long, ORIGIN), Some(ConfigError::Name));
    let other = "https://example.com";
    assert_eq!(new(HOST, "x", other), Some(ConfigError::Origin(other.to_owned())));
    assert_eq!(RelyingParty::new(HOST, "x", &[]).err(), Some(ConfigError::Origins));
}

//! What a browser answers, mostly right and changed anywhere: no panic, and nobody is signed in by
//! what their key didn't sign.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use parlour_passkeys::{Answer, Begun, Passkey, PasskeyError, Pending, RelyingParty};

#[derive(Arbitrary, Debug)]
enum Input {
    Register {
        state: Part,
        client: Part,
        attestation: Part,
    },
    SignIn {
        state: Part,
        client: Part,
        data: Part,
        signature: Vec<u8>,
    },
    /// What a store gives back.
    Stored(Part),
}

/// Bytes of an answer: any, or right ones with some of them changed and the end cut or added to.
#[derive(Arbitrary, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Changed { bytes: Vec<(u16, u8)>, cut: Option<u16>, more: Vec<u8> },
}

impl Part {
    fn of(&self, right: &[u8]) -> Vec<u8> {
        let (changes, cut, more) = match self {
            Part::Bytes(bytes) => return bytes.clone(),
            Part::Changed { bytes, cut, more } => (bytes, cut, more),
        };
        let mut bytes = right.to_vec();
        for (at, byte) in changes {
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *byte;
        }
        bytes.truncate(cut.map_or(usize::MAX, usize::from));
        bytes.extend(more);
        bytes
    }
}

const NOW: u64 = 1_700_000_000_000;
const USER: [u8; 16] = *b"0123456789abcdef";

/// SHA-256 of `example.org`.
const HOST_HASH: [u8; 32] = [
    0xbf, 0xab, 0xc3, 0x74, 0x32, 0x95, 0x8b, 0x06, 0x33, 0x60, 0xd3, 0xad, 0x64, 0x61, 0xc9, 0xc4,
    0x73, 0x5a, 0xe7, 0xf8, 0xed, 0xd4, 0x65, 0x92, 0xa5, 0xe0, 0xf0, 0x14, 0x52, 0xb2, 0xe4, 0xb5,
];

/// A point of P-256: the base point, whose private key is 1.
const POINT: [u8; 64] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

static PARTY: LazyLock<RelyingParty> = LazyLock::new(|| {
    let origins = ["https://example.org".to_owned()];
    RelyingParty::new("example.org", "Example", &origins).expect("a relying party")
});

static STORED: LazyLock<Passkey> = LazyLock::new(|| {
    let begun = PARTY.begin_registration(&USER, NOW);
    PARTY
        .register(&begun.state, &client("create", &begun), &attestation(), NOW)
        .expect("a registration that is right")
});

fuzz_target!(|input: Input| {
    match input {
        Input::Register { state, client: said, attestation: made } => {
            let begun = PARTY.begin_registration(&USER, NOW);
            let state = state.of(&begun.state);
            let _ = Pending::of(&state);
            let said = said.of(&client("create", &begun));
            let result = PARTY.register(&state, &said, &made.of(&attestation()), NOW);
            if let Ok(passkey) = result {
                assert_eq!(Passkey::decode(&passkey.encode()), Ok(passkey));
            }
        }
        Input::SignIn { state, client: said, data, signature } => {
            let begun = PARTY.begin_sign_in(NOW);
            let said = said.of(&client("get", &begun));
            let data = data.of(&authenticator_data(0x1d));
            let answer = Answer {
                id: STORED.id(),
                user: &USER,
                client_data_json: &said,
                authenticator_data: &data,
                signature: &signature,
            };
            let result = PARTY.sign_in(&state.of(&begun.state), &STORED, &answer, NOW);
            assert!(result.is_err(), "signed in without a key");
        }
        Input::Stored(part) => {
            let bytes = part.of(&STORED.encode());
            match Passkey::decode(&bytes) {
                Ok(passkey) => assert_eq!(passkey.encode(), bytes),
                Err(error) => assert_eq!(error, PasskeyError::Malformed),
            }
        }
    }
});

fn client(kind: &str, begun: &Begun) -> Vec<u8> {
    let challenge = base64(&begun.challenge);
    format!(
        r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"https://example.org"}}"#
    )
    .into_bytes()
}

fn authenticator_data(flags: u8) -> Vec<u8> {
    [&HOST_HASH[..], &[flags, 0, 0, 0, 0]].concat()
}

fn attestation() -> Vec<u8> {
    let (x, y) = POINT.split_at(32);
    let key = [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat();
    let credential = [&[7; 16][..], &[0, 16], &[8; 16], &key].concat();
    let extensions = b"\xa1\x6bcredProtect\x02";
    let data = [&authenticator_data(0xdd)[..], &credential, extensions].concat();
    let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
    [&head[..], &[data.len() as u8], &data].concat()
}

/// Base64 for URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let piece = |piece: &[u8]| -> String {
        let number = (0..3)
            .fold(0, |number, at| number << 8 | usize::from(piece.get(at).copied().unwrap_or(0)));
        let letter = |at: usize| char::from(letters[number >> (18 - 6 * at) & 63]);
        (0..=piece.len()).map(letter).collect()
    };
    bytes.chunks(3).map(piece).collect()
}

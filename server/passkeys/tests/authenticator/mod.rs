//! A browser and its authenticator, made of software: every byte of what they answer is built here and
//! can be made wrong.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::Signer as _;
use p256::ecdsa;
use parlour_passkeys::{Answer, Begun, Passkey, PasskeyError, RelyingParty};
use rsa::{
    RsaPrivateKey, pkcs1v15, signature::SignatureEncoding as _, traits::PublicKeyParts as _,
};
use sha2::{Digest as _, Sha256};

pub(crate) const HOST: &str = "example.org";
pub(crate) const ORIGIN: &str = "https://chat.example.org";
pub(crate) const USER: [u8; 16] = *b"0123456789abcdef";
pub(crate) const NOW: u64 = 1_700_000_000_000;

/// User present and verified, backup eligible and there.
pub(crate) const FLAGS: u8 = 0b0001_1101;
pub(crate) const HAS_CREDENTIAL: u8 = 1 << 6;
pub(crate) const HAS_EXTENSIONS: u8 = 1 << 7;

pub(crate) fn party() -> RelyingParty {
    RelyingParty::new(HOST, "Example", &[ORIGIN.to_owned()]).expect("a relying party")
}

pub(crate) enum Key {
    Es256(ecdsa::SigningKey),
    EdDsa(ed25519_dalek::SigningKey),
    Rs256(Box<RsaPrivateKey>),
}

impl Key {
    pub(crate) fn es256(seed: u8) -> Self {
        Key::Es256(ecdsa::SigningKey::from_slice(&[seed; 32]).expect("a key"))
    }

    pub(crate) fn eddsa(seed: u8) -> Self {
        Key::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    /// Making one takes a while.
    pub(crate) fn rs256(bits: usize) -> Self {
        Key::Rs256(Box::new(RsaPrivateKey::new(&mut Counting(bits as u64), bits).expect("a key")))
    }

    /// As CBOR, in the form of COSE.
    pub(crate) fn cose(&self) -> Vec<u8> {
        match self {
            Key::Es256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = (point.x().expect("a point"), point.y().expect("a point"));
                [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", &x[..], b"\x22\x58\x20", &y[..]]
                    .concat()
            }
            Key::EdDsa(key) => {
                let x = key.verifying_key().to_bytes();
                [b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", &x[..]].concat()
            }
            Key::Rs256(key) => {
                let n = key.n().to_bytes_be();
                let length = (n.len() as u16).to_be_bytes();
                [b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59", &length[..], &n, b"\x21\x43\x01\x00\x01"]
                    .concat()
            }
        }
    }

    pub(crate) fn sign(&self, what: &[u8]) -> Vec<u8> {
        match self {
            Key::Es256(key) => {
                let signature: ecdsa::Signature = key.sign(what);
                signature.to_der().as_bytes().to_vec()
            }
            Key::EdDsa(key) => key.sign(what).to_bytes().to_vec(),
            Key::Rs256(key) => {
                let key = pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(key.as_ref().clone());
                key.sign(what).to_vec()
            }
        }
    }
}

/// What the browser says of the request.
pub(crate) struct Client {
    pub(crate) kind: &'static str,
    pub(crate) challenge: Vec<u8>,
    pub(crate) origin: String,
    /// What follows the origin, as JSON behind a comma.
    pub(crate) more: String,
}

impl Client {
    pub(crate) fn new(kind: &'static str, begun: &Begun) -> Self {
        let more = r#","crossOrigin":false"#.to_owned();
        Client { kind, challenge: begun.challenge.to_vec(), origin: ORIGIN.to_owned(), more }
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(&self.challenge);
        let Client { kind, origin, more, .. } = self;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#)
            .into_bytes()
    }
}

/// An answer that makes a passkey, before it is put into bytes.
pub(crate) struct Making {
    pub(crate) client: Client,
    pub(crate) host: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) id: Vec<u8>,
    pub(crate) cose: Vec<u8>,
    pub(crate) extensions: Vec<u8>,
    /// The format and the statement, as CBOR.
    pub(crate) attestation: (&'static str, Vec<u8>),
}

impl Making {
    pub(crate) fn new(begun: &Begun, key: &Key) -> Self {
        Making {
            client: Client::new("webauthn.create", begun),
            host: HOST.to_owned(),
            flags: FLAGS | HAS_CREDENTIAL,
            counter: 0,
            id: (0..32).collect(),
            cose: key.cose(),
            extensions: Vec::new(),
            attestation: ("none", vec![0xa0]),
        }
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        let mut data = authenticator_data(&self.host, self.flags, self.counter);
        if self.flags & HAS_CREDENTIAL != 0 {
            data.extend([0xaa; 16]);
            data.extend((self.id.len() as u16).to_be_bytes());
            data.extend(&self.id);
            data.extend(&self.cose);
        }
        data.extend(&self.extensions);
        data
    }

    /// The attestation's parts by their names, as CBOR.
    pub(crate) fn parts(&self) -> [Vec<u8>; 3] {
        let (format, statement) = &self.attestation;
        let data = self.data();
        let length = (data.len() as u16).to_be_bytes();
        [
            [&b"\x63fmt"[..], &[0x60 | format.len() as u8], format.as_bytes()].concat(),
            [b"\x67attStmt", &statement[..]].concat(),
            [b"\x68authData\x59", &length[..], &data].concat(),
        ]
    }

    pub(crate) fn object(&self) -> Vec<u8> {
        [vec![0xa3], self.parts().concat()].concat()
    }

    pub(crate) fn answer(
        &self,
        party: &RelyingParty,
        begun: &Begun,
    ) -> Result<Passkey, PasskeyError> {
        party.register(&begun.state, &self.client.json(), &self.object(), NOW + 1000)
    }
}

/// An answer that signs in, before it is signed.
pub(crate) struct SigningIn {
    pub(crate) client: Client,
    pub(crate) host: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) id: Vec<u8>,
    pub(crate) user: Vec<u8>,
    /// What follows the counter.
    pub(crate) rest: Vec<u8>,
}

/// What was signed.
pub(crate) struct Signed {
    pub(crate) id: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) client_data_json: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl SigningIn {
    pub(crate) fn new(begun: &Begun, stored: &Passkey) -> Self {
        SigningIn {
            client: Client::new("webauthn.get", begun),
            host: HOST.to_owned(),
            flags: FLAGS,
            counter: 0,
            id: stored.id().to_vec(),
            user: stored.user().to_vec(),
            rest: Vec::new(),
        }
    }

    pub(crate) fn sign(&self, key: &Key) -> Signed {
        let client_data_json = self.client.json();
        let mut authenticator_data = authenticator_data(&self.host, self.flags, self.counter);
        authenticator_data.extend(&self.rest);
        let hash = Sha256::digest(&client_data_json);
        let signature = key.sign(&[&authenticator_data[..], &hash[..]].concat());
        let (id, user) = (self.id.clone(), self.user.clone());
        Signed { id, user, client_data_json, authenticator_data, signature }
    }
}

impl Signed {
    pub(crate) fn answer(
        &self,
        party: &RelyingParty,
        begun: &Begun,
        stored: &Passkey,
    ) -> Result<Passkey, PasskeyError> {
        let answer = Answer {
            id: &self.id,
            user: &self.user,
            client_data_json: &self.client_data_json,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
        };
        party.sign_in(&begun.state, stored, &answer, NOW + 1000)
    }
}

/// A passkey with this key.
pub(crate) fn registered(party: &RelyingParty, key: &Key) -> Passkey {
    let begun = party.begin_registration(&USER, NOW);
    Making::new(&begun, key).answer(party, &begun).expect("a passkey")
}

fn authenticator_data(host: &str, flags: u8, counter: u32) -> Vec<u8> {
    let mut data = Sha256::digest(host).to_vec();
    data.push(flags);
    data.extend(counter.to_be_bytes());
    data
}

/// Entropy that is the same every time, so that a test's keys are.
struct Counting(u64);

impl rsa::rand_core::RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        let hash = Sha256::digest(self.0.to_be_bytes());
        u64::from_be_bytes(std::array::from_fn(|at| hash[at]))
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        to.iter_mut().for_each(|byte| *byte = self.next_u64() as u8);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Counting {}

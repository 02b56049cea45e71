//! An authenticator of passkeys, in software: what a browser and a security key do between them (Web
//! Authentication level 3, sections 6 and 7), so that the server is asked by something of another make.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_daemon::clock::random;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};

const PRESENT_AND_VERIFIED: u8 = 0x05;
const HAS_KEY: u8 = 0x40;

/// One passkey.
pub struct Authenticator {
    key: EcdsaKeyPair,
    /// The credential's id.
    pub id: [u8; 16],
    /// Whose it is.
    pub user: Vec<u8>,
    counter: u32,
}

/// What a browser gives of a sign-in.
pub struct Assertion {
    /// `clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// Over both.
    pub signature: Vec<u8>,
}

impl Authenticator {
    /// With a new key, for that user.
    pub fn new(user: &[u8]) -> Self {
        let random_source = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random_source).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random_source);
        Authenticator { key: key.expect("a key"), id: random(), user: user.to_vec(), counter: 0 }
    }

    /// `clientDataJSON` and `attestationObject` of its registration.
    pub fn register(&mut self, challenge: &[u8], host: &str, origin: &str) -> (Vec<u8>, Vec<u8>) {
        let point = &self.key.public_key().as_ref()[1..];
        let mut data = self.data(host, PRESENT_AND_VERIFIED | HAS_KEY);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(self.id);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(&point[..32]);
        data.extend([0x22, 0x58, 32]);
        data.extend(&point[32..]);
        let mut object = vec![0xa3];
        object.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).expect("164 bytes"));
        object.extend(data);
        (client_data("webauthn.create", challenge, origin), object)
    }

    /// Answers a challenge.
    pub fn sign(&mut self, challenge: &[u8], host: &str, origin: &str) -> Assertion {
        self.counter += 1;
        let authenticator_data = self.data(host, PRESENT_AND_VERIFIED);
        let client_data_json = client_data("webauthn.get", challenge, origin);
        let hash = digest(&SHA256, &client_data_json);
        let signed = [&authenticator_data[..], hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("signs");
        Assertion { client_data_json, authenticator_data, signature: signature.as_ref().to_vec() }
    }

    fn data(&self, host: &str, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, host.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn client_data(kind: &str, challenge: &[u8], origin: &str) -> Vec<u8> {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    let text = format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#
    );
    text.into_bytes()
}

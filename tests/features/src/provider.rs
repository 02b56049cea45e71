//! An identity provider of a test's own: HTTP over TLS, with documents that change and go wrong as the
//! test says.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use parlour_daemon::{
    auth::{Signer, TokenRequest},
    clock::random,
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData};
use rsa::{
    RsaPrivateKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey},
    rand_core::{CryptoRng, RngCore},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};

/// What the provider does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    Well,
    /// It hangs up.
    Down,
    /// It never answers.
    Silent,
    /// What it says isn't JSON.
    Garbled,
    /// What it says doesn't end.
    Endless,
    /// Its keys are elsewhere, where they are right.
    Redirecting,
    /// It says that it is another issuer.
    Another,
}

/// A key of the provider's: it signs, and its public half is shown.
pub struct ProviderKey {
    signer: Signer,
    /// As the key set has it.
    pub jwk: Value,
    /// The public half in PEM.
    pub public_pem: String,
}

struct State {
    mood: Mood,
    keys: Vec<Value>,
}

/// The provider. It ends with the test's process.
pub struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    asked: Arc<AtomicUsize>,
    certificate: String,
}

struct Chance;

impl RngCore for Chance {
    fn next_u32(&mut self) -> u32 {
        u32::from_be_bytes(random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_be_bytes(random())
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        to.iter_mut().for_each(|byte| *byte = random::<1>()[0]);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Chance {}

impl ProviderKey {
    /// One for RS256.
    pub fn rsa(id: &str) -> Self {
        let key = RsaPrivateKey::new(&mut Chance, 2048).expect("an rsa key");
        let der = key.to_pkcs8_der().expect("it can be written");
        let n = URL_SAFE_NO_PAD.encode(key.n().to_bytes_be());
        let e = URL_SAFE_NO_PAD.encode(key.e().to_bytes_be());
        let jwk = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": n, "e": e});
        let public = key.to_public_key().to_public_key_der().expect("so can its public half");
        let public = pem("PUBLIC KEY", public.as_bytes());
        ProviderKey::new(id, &pem("PRIVATE KEY", der.as_bytes()), public, jwk)
    }

    /// One for ES256.
    pub fn ec(id: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let point = pair.der_bytes();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": id, "x": x, "y": y});
        ProviderKey::new(id, &pair.serialize_pem(), pair.public_key_pem(), jwk)
    }

    /// One for EdDSA.
    pub fn ed(id: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.der_bytes());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x});
        ProviderKey::new(id, &pair.serialize_pem(), pair.public_key_pem(), jwk)
    }

    fn new(id: &str, pem: &str, public_pem: String, jwk: Value) -> Self {
        let signer = Signer::from_text(Some(id.to_owned()), pem).expect("a key that signs");
        ProviderKey { signer, jwk, public_pem }
    }

    /// A token.
    pub fn sign(&self, claims: &TokenRequest) -> String {
        self.signer.sign(claims).expect("it signs")
    }
}

/// Bytes as PEM (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

impl Provider {
    /// One on this host, with a certificate of its own.
    pub fn start(mood: Mood, keys: &[&ProviderKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]);
        let certified = certified.expect("a certificate");
        let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der());
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key.expect("a key"))
            .expect("a certificate");
        let state = Arc::new(Mutex::new(State { mood, keys: vec![] }));
        let provider =
            Provider { address, state, asked: Arc::default(), certificate: certified.cert.pem() };
        provider.show(keys);
        let (state, asked, tls) = (provider.state.clone(), provider.asked.clone(), Arc::new(tls));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, asked, tls) = (state.clone(), asked.clone(), tls.clone());
                thread::spawn(move || answer(stream, address, &state, &asked, tls));
            }
        });
        provider
    }

    /// Its `iss`.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.address)
    }

    /// From now on it shows these keys.
    pub fn show(&self, keys: &[&ProviderKey]) {
        self.state().keys = keys.iter().map(|key| key.jwk.clone()).collect();
    }

    /// And one that it shouldn't have.
    pub fn show_also(&self, jwk: Value) {
        self.state().keys.push(jwk);
    }

    /// From now on it does this.
    pub fn is(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// How often somebody has come.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// What has to be configured for it, with a file in that folder.
    pub fn config(&self, folder: &Path, more: &str) -> String {
        let file = folder.join(format!("ca-{}.pem", self.address.port()));
        std::fs::write(&file, &self.certificate).expect("a file can be written");
        format!(
            "[[auth.oidc]]\nissuer = \"{}\"\naudiences = [\"parlour\"]\nca_file = \"{}\"\n\
             look_gap_s = 1\n{more}\n",
            self.issuer(),
            file.display()
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(
    stream: TcpStream,
    address: SocketAddr,
    state: &Mutex<State>,
    asked: &AtomicUsize,
    tls: Arc<rustls::ServerConfig>,
) {
    asked.fetch_add(1, Ordering::SeqCst);
    let (mood, keys) = {
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.mood, state.keys.clone())
    };
    match mood {
        Mood::Down => return,
        Mood::Silent => return thread::sleep(Duration::from_secs(60)),
        _ => {}
    }
    let connection = rustls::ServerConnection::new(tls).expect("a connection");
    let mut stream = rustls::StreamOwned::new(connection, stream);
    let mut head = vec![];
    let mut part = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(n) if n > 0 => head.extend_from_slice(&part[..n]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let of = |what: String| {
        let length = what.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{what}")
    };
    let issuer = format!("https://{address}");
    let said = match mood {
        Mood::Garbled => of("<html>not now</html>".into()),
        Mood::Endless => format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(1024 * 1024)),
        Mood::Redirecting if head.starts_with("GET /keys ") => {
            format!("HTTP/1.1 302 Found\r\nLocation: {issuer}/real-keys\r\n\r\n")
        }
        _ if head.starts_with("GET /keys ") || head.starts_with("GET /real-keys ") => {
            of(json!({ "keys": keys }).to_string())
        }
        _ => {
            let name = if mood == Mood::Another { "https://other.example" } else { &issuer };
            of(json!({"issuer": name, "jwks_uri": format!("{issuer}/keys")}).to_string())
        }
    };
    let _ = stream.write_all(said.as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

//! What a CA's looks are answered with while an order is under way: shared by whoever orders and by
//! the listeners that are looked at.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

use crate::AcmeError;

/// How a CA may see for itself that a name is this server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By HTTP on port 80 (RFC 8555 section 8.3).
    Http,
    /// By TLS on port 443 (RFC 8737).
    TlsAlpn,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Http => "http-01",
            Kind::TlsAlpn => "tls-alpn-01",
        }
    }
}

/// Where `http-01` is looked for; the challenge's token follows.
pub const HTTP_PATH: &str = "/.well-known/acme-challenge/";
/// The protocol that is asked for by `tls-alpn-01`.
pub const TLS_ALPN: &[u8] = b"acme-tls/1";

/// See the module.
#[derive(Default)]
pub struct Challenges {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    // By token.
    http: HashMap<String, String>,
    // By name.
    tls: HashMap<String, Arc<CertifiedKey>>,
}

/// The challenges of one order are answered until this is dropped.
pub(crate) struct Answering<'a>(&'a Challenges);

impl Challenges {
    /// What `http-01` is answered with for that token.
    pub fn answer(&self, token: &str) -> Option<String> {
        self.open().http.get(token).cloned()
    }

    /// What is shown for `tls-alpn-01` to whoever asks for that name.
    pub fn certificate(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.open().tls.get(name).cloned()
    }

    pub(crate) fn answering(&self) -> Answering<'_> {
        Answering(self)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answering<'_> {
    pub(crate) fn http(&self, token: &str, authorization: &str) {
        self.0.open().http.insert(token.into(), authorization.into());
    }

    /// A certificate of its own, with the authorization's hash in it (RFC 8737 section 3).
    pub(crate) fn tls(&self, name: &str, digest: &[u8]) -> Result<(), AcmeError> {
        let made = || -> Option<CertifiedKey> {
            let mut params = CertificateParams::new([name.to_owned()]).ok()?;
            params.custom_extensions.push(CustomExtension::new_acme_identifier(digest));
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
            let certificate = params.self_signed(&key).ok()?;
            let chain = vec![CertificateDer::from(certificate)];
            let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
            // Whoever checks that the key fits would refuse the extension, which is critical as it must be.
            let key = default_provider().key_provider.load_private_key(key).ok()?;
            Some(CertifiedKey::new(chain, key))
        };
        let unusable =
            || AcmeError::Unusable("no certificate can be made for the challenge".into());
        self.0.open().tls.insert(name.into(), Arc::new(made().ok_or_else(unusable)?));
        Ok(())
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        *self.0.open() = Open::default();
    }
}

// Authorizations are for the CA alone.
impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open();
        write!(f, "Challenges({} http, {} tls)", open.http.len(), open.tls.len())
    }
}

#[cfg(test)]
#[path = "challenges_tests.rs"]
mod tests;

//! Signing tokens for people at the command line, tests and demos. The server itself never
//! signs one.

use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;

use super::{Algorithm, key::decode_secret};
use crate::limits;

/// Why a token can't be signed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Neither a secret in base64 nor a private key in PKCS#8 PEM.
    #[error("signing key is neither a base64 secret nor a private key in pkcs#8 pem")]
    Key,
    /// The secret is too short to be safe.
    #[error("signing secret has less than {} bytes", limits::SECRET_BYTES_MIN)]
    TooShort,
    /// The key refuses to sign.
    #[error("token could not be signed")]
    Failed,
}

/// What a token shall say.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TokenRequest {
    /// The user within the organization.
    pub sub: String,
    /// The organization.
    pub org: String,
    /// Shown to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Scopes, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The token's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The service the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// Who issues it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// When it was issued, Unix seconds.
    pub iat: u64,
    /// When it ends, Unix seconds.
    pub exp: u64,
}

/// A key that signs.
pub struct Signer {
    algorithm: Algorithm,
    key_id: Option<String>,
    key: EncodingKey,
}

impl Signer {
    /// From a secret in base64 or a private key in PKCS#8 PEM; which of them, and of which kind,
    /// is found by looking.
    pub fn from_text(key_id: Option<String>, text: &str) -> Result<Self, SignError> {
        if text.contains("-----BEGIN") {
            let (algorithm, key) = private_key(text.as_bytes())?;
            return Ok(Signer { algorithm, key_id, key });
        }
        let secret = decode_secret(text).ok_or(SignError::Key)?;
        if secret.len() < limits::SECRET_BYTES_MIN {
            return Err(SignError::TooShort);
        }
        Ok(Signer { algorithm: Algorithm::Hs256, key_id, key: EncodingKey::from_secret(&secret) })
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The token.
    pub fn sign(&self, request: &TokenRequest) -> Result<String, SignError> {
        let mut header = Header::new(self.algorithm.to_jwt());
        header.kid = self.key_id.clone();
        jsonwebtoken::encode(&header, request, &self.key).map_err(|_| SignError::Failed)
    }
}

fn private_key(pem: &[u8]) -> Result<(Algorithm, EncodingKey), SignError> {
    let candidates = [
        (Algorithm::EdDsa, EncodingKey::from_ed_pem(pem)),
        (Algorithm::Es256, EncodingKey::from_ec_pem(pem)),
        (Algorithm::Rs256, EncodingKey::from_rsa_pem(pem)),
    ];
    candidates
        .into_iter()
        .find_map(|(algorithm, key)| key.ok().map(|key| (algorithm, key)))
        .ok_or(SignError::Key)
}

//! One verification key: an id, an algorithm that is fixed, and material checked when it is read.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash},
};

use crate::limits;

/// The algorithms in use. Each key has exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: one secret signs and verifies.
    Hs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl Algorithm {
    /// The name in tokens and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Es256 => "ES256",
            Algorithm::Rs256 => "RS256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn to_jwt(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        [Algorithm::Hs256, Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(KeyError::UnknownAlgorithm)
    }
}

/// Why a key can't be used.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read.
    #[error("key file {path} can't be read: {error}", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The name isn't one of the four.
    #[error("key algorithm must be HS256, ES256, RS256 or EdDSA")]
    UnknownAlgorithm,
    /// The id is empty or too long.
    #[error("key id must have 1 to {} bytes", limits::KEY_ID_BYTES_MAX)]
    Id,
    /// The secret isn't base64.
    #[error("key {id} is not base64")]
    NotBase64 {
        /// Which key.
        id: String,
    },
    /// The secret can be guessed.
    #[error("key {id} has less than {} bytes", limits::SECRET_BYTES_MIN)]
    SecretTooShort {
        /// Which key.
        id: String,
    },
    /// Not a public key of the kind the algorithm needs, or on another curve.
    #[error("key {id} is not a public key for {algorithm}", algorithm = algorithm.name())]
    Material {
        /// Which key.
        id: String,
        /// What it was configured for.
        algorithm: Algorithm,
    },
    /// The modulus is short enough to be factored.
    #[error("key {id} has a modulus of less than {} bits", limits::RSA_BITS_MIN)]
    ModulusTooShort {
        /// Which key.
        id: String,
    },
    /// The file isn't a JSON Web Key Set.
    #[error("key set {path} is not valid JSON for a key set", path = path.display())]
    KeySet {
        /// Which file.
        path: PathBuf,
    },
    /// Two keys claim the same id.
    #[error("key id {id} is used twice")]
    Twice {
        /// Which id.
        id: String,
    },
    /// More keys than anybody rotates.
    #[error("more than {} keys", limits::KEYS_MAX)]
    TooMany,
}

/// A key that verifies tokens.
#[derive(Clone)]
pub struct Key {
    id: String,
    algorithm: Algorithm,
    decoding: DecodingKey,
    digest: [u8; 32],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish()
    }
}

impl Key {
    /// An HS256 key from its secret, which is base64 (either alphabet, padded or not).
    pub fn from_secret(id: &str, secret: &str) -> Result<Self, KeyError> {
        let bytes = decode_secret(secret).ok_or(KeyError::NotBase64 { id: id.into() })?;
        if bytes.len() < limits::SECRET_BYTES_MIN {
            return Err(KeyError::SecretTooShort { id: id.into() });
        }
        Key::new(id, Algorithm::Hs256, DecodingKey::from_secret(&bytes), &bytes)
    }

    /// A key from a public key in PEM (SubjectPublicKeyInfo, for RSA also PKCS#1).
    pub fn from_pem(id: &str, algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let wrong = || KeyError::Material { id: id.into(), algorithm };
        // The parser below would take a certificate or a private key too, and find the wrong
        // bytes in it.
        let text = std::str::from_utf8(pem).map_err(|_| wrong())?;
        if !text.contains("PUBLIC KEY-----") || text.contains("PRIVATE KEY-----") {
            return Err(wrong());
        }
        let decoding = match algorithm {
            Algorithm::Hs256 => return Err(wrong()),
            Algorithm::Es256 => DecodingKey::from_ec_pem(pem),
            Algorithm::Rs256 => DecodingKey::from_rsa_pem(pem),
            Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
        };
        Key::checked(id, algorithm, decoding.map_err(|_| wrong())?)
    }

    /// A key of a key set. `None` for one that isn't meant for this: encryption keys, secrets,
    /// other algorithms (RFC 7517 section 5 has them ignored). One without `kid` goes by its
    /// thumbprint (RFC 7638).
    pub fn from_jwk(jwk: &Jwk) -> Option<Result<Self, KeyError>> {
        use KeyAlgorithm as A;
        if jwk.common.public_key_use.as_ref().is_some_and(|u| *u != PublicKeyUse::Signature) {
            return None;
        }
        let declared = jwk.common.key_algorithm;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) if declared.is_none_or(|a| a == A::RS256) => {
                Algorithm::Rs256
            }
            AlgorithmParameters::EllipticCurve(ec)
                if ec.curve == EllipticCurve::P256 && declared.is_none_or(|a| a == A::ES256) =>
            {
                Algorithm::Es256
            }
            AlgorithmParameters::OctetKeyPair(ed)
                if ed.curve == EllipticCurve::Ed25519 && declared.is_none_or(|a| a == A::EdDSA) =>
            {
                Algorithm::EdDsa
            }
            _ => return None,
        };
        let id = match &jwk.common.key_id {
            Some(id) => id.clone(),
            None => jwk.thumbprint(ThumbprintHash::SHA256).ok()?,
        };
        let decoding = DecodingKey::from_jwk(jwk);
        Some(match decoding {
            Ok(decoding) => Key::checked(&id, algorithm, decoding),
            Err(_) => Err(KeyError::Material { id, algorithm }),
        })
    }

    /// The id that tokens name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one algorithm this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether both are the same key under the same id.
    pub(super) fn is_same(&self, other: &Key) -> bool {
        self.id == other.id && self.algorithm == other.algorithm && self.digest == other.digest
    }

    /// Whether `signature` (base64) is this key's over `signed`.
    pub(super) fn verifies(&self, signed: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, signed, &self.decoding, self.algorithm.to_jwt())
            .unwrap_or(false)
    }

    /// A public key whose numbers are what its algorithm needs.
    fn checked(id: &str, algorithm: Algorithm, decoding: DecodingKey) -> Result<Self, KeyError> {
        let wrong = || KeyError::Material { id: id.into(), algorithm };
        // The library parses elliptic keys anew for each token, and slices Ed25519 keys without
        // looking: whatever it can't use has to be found here.
        if let Ok(bytes) = decoding.try_get_as_bytes() {
            let fits = match algorithm {
                Algorithm::EdDsa => bytes.len() == 32,
                Algorithm::Es256 => bytes.len() == 65 && bytes[0] == 4,
                Algorithm::Hs256 | Algorithm::Rs256 => true,
            };
            if !fits {
                return Err(wrong());
            }
        }
        jsonwebtoken::crypto::verify("AAAA", b"", &decoding, algorithm.to_jwt())
            .map_err(|_| wrong())?;
        let jwk = Jwk::from_decoding_key(&decoding, None);
        let thumbprint = match algorithm {
            Algorithm::Rs256 => {
                let jwk = jwk.map_err(|_| wrong())?;
                let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else { return Err(wrong()) };
                let modulus = decode_secret(&rsa.n).ok_or_else(wrong)?;
                let bits = modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
                if bits < limits::RSA_BITS_MIN {
                    return Err(KeyError::ModulusTooShort { id: id.into() });
                }
                modulus
            }
            _ => decoding.try_get_as_bytes().map_err(|_| wrong())?.to_vec(),
        };
        Key::new(id, algorithm, decoding, &thumbprint)
    }

    fn new(
        id: &str,
        algorithm: Algorithm,
        decoding: DecodingKey,
        material: &[u8],
    ) -> Result<Self, KeyError> {
        if !(1..=limits::KEY_ID_BYTES_MAX).contains(&id.len()) {
            return Err(KeyError::Id);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, material).as_ref());
        Ok(Key { id: id.into(), algorithm, decoding, digest })
    }
}

/// Decodes base64 of either alphabet, padded or not.
pub(super) fn decode_secret(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = text.trim();
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
}

/// The `key_id` of sessions: the key's id, and which change of the ring brought the key. The
/// number comes first, so that no id can be mistaken for another's.
pub(super) fn session_key_id(id: &str, generation: u64) -> Arc<str> {
    format!("{generation}:{id}").into()
}

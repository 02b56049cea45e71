//! A passkey as the server keeps it, and its form in bytes: the version, flags, the counter, the user,
//! the kind of authenticator, the id behind its length, and the key behind its algorithm.

use webauthn_rp::response::{
    Backup,
    register::{
        CompressedP256PubKey, CompressedPubKey, Ed25519PubKey, RsaPubKey, UncompressedPubKey,
    },
};

use crate::{error::PasskeyError, limits};

const VERSION: u8 = 1;
const CAN_SYNC: u8 = 1;
const IS_SYNCED: u8 = 2;

/// A passkey of a user. It exists only as something verified, or read back with [`Passkey::decode`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub(crate) id: Vec<u8>,
    pub(crate) user: [u8; 16],
    pub(crate) model: [u8; 16],
    pub(crate) counter: u32,
    pub(crate) backup: Backup,
    pub(crate) key: Key,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Ed25519([u8; 32]),
    P256 { x: [u8; 32], y_is_odd: bool },
    Rsa { modulus: Vec<u8>, exponent: u32 },
}

impl Passkey {
    /// The credential's id: 16 to [`ID_BYTES_MAX`](limits::ID_BYTES_MAX) bytes, chosen by the
    /// authenticator. A new one that somebody already has must be refused by the caller.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Whose it is: the user handle that it was made for.
    #[must_use]
    pub fn user(&self) -> [u8; 16] {
        self.user
    }

    /// What kind of authenticator made it, as that says of itself (AAGUID); all zeros where it doesn't.
    /// Good for a name and an icon, proof of nothing.
    #[must_use]
    pub fn model(&self) -> [u8; 16] {
        self.model
    }

    /// How often it was used, as the authenticator counts; most count nothing and stay at 0.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.counter
    }

    /// Whether it is kept on more than one device, or elsewhere as a copy (WebAuthn's `BS`). One that
    /// isn't is lost with its device.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.backup == Backup::Exists
    }

    /// The same in at most [`PASSKEY_BYTES_MAX`](limits::PASSKEY_BYTES_MAX) bytes. Nothing of it is
    /// secret.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let flags = match self.backup {
            Backup::NotEligible => 0,
            Backup::Eligible => CAN_SYNC,
            Backup::Exists => CAN_SYNC | IS_SYNCED,
        };
        let mut bytes = vec![VERSION, flags];
        bytes.extend(self.counter.to_be_bytes());
        bytes.extend(self.user);
        bytes.extend(self.model);
        // An id has at most 1,023 bytes.
        bytes.extend((self.id.len() as u16).to_be_bytes());
        bytes.extend(&self.id);
        match &self.key {
            Key::Ed25519(key) => {
                bytes.push(1);
                bytes.extend(key);
            }
            Key::P256 { x, y_is_odd } => {
                bytes.extend([2, u8::from(*y_is_odd)]);
                bytes.extend(x);
            }
            Key::Rsa { modulus, exponent } => {
                bytes.push(3);
                bytes.extend(exponent.to_be_bytes());
                bytes.extend(modulus);
            }
        }
        bytes
    }

    /// What [`Passkey::encode`] made.
    ///
    /// # Errors
    ///
    /// [`PasskeyError::Malformed`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, PasskeyError> {
        Self::read(bytes).ok_or(PasskeyError::Malformed)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, flags], rest) = bytes.split_first_chunk()? else { return None };
        let backup = match flags {
            0 => Backup::NotEligible,
            CAN_SYNC => Backup::Eligible,
            3 => Backup::Exists,
            _ => return None,
        };
        let (counter, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (model, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        (16..=limits::ID_BYTES_MAX).contains(&id.len()).then_some(())?;
        Some(Passkey {
            id: id.to_vec(),
            user: *user,
            model: *model,
            counter: u32::from_be_bytes(*counter),
            backup,
            key: Key::read(rest)?,
        })
    }
}

impl Key {
    pub(crate) fn new(key: UncompressedPubKey<'_>) -> Result<Self, PasskeyError> {
        let part = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| PasskeyError::Malformed);
        Ok(match key {
            UncompressedPubKey::Ed25519(key) => Key::Ed25519(part(key.inner())?),
            UncompressedPubKey::P256(key) => {
                Key::P256 { x: part(key.x())?, y_is_odd: key.y_is_odd() }
            }
            UncompressedPubKey::Rsa(key) if key.n().len() <= limits::RSA_MODULUS_BYTES_MAX => {
                Key::Rsa { modulus: key.n().to_vec(), exponent: key.e() }
            }
            UncompressedPubKey::Rsa(_) | UncompressedPubKey::P384(_) => {
                return Err(PasskeyError::Algorithm);
            }
        })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (algorithm, rest) = bytes.split_first()?;
        match (algorithm, rest) {
            (1, key) => Some(Key::Ed25519(key.try_into().ok()?)),
            (2, [odd @ (0 | 1), x @ ..]) => {
                Some(Key::P256 { x: x.try_into().ok()?, y_is_odd: *odd == 1 })
            }
            (3, rest) => {
                let (exponent, modulus) = rest.split_first_chunk()?;
                (modulus.len() <= limits::RSA_MODULUS_BYTES_MAX).then_some(())?;
                let exponent = u32::from_be_bytes(*exponent);
                RsaPubKey::try_from((modulus, exponent)).ok()?;
                Some(Key::Rsa { modulus: modulus.to_vec(), exponent })
            }
            _ => None,
        }
    }

    /// As the library takes it.
    pub(crate) fn parts(&self) -> Result<Parts<'_>, PasskeyError> {
        let malformed = PasskeyError::Malformed;
        Ok(match self {
            Key::Ed25519(key) => CompressedPubKey::Ed25519(
                Ed25519PubKey::<&[u8]>::try_from(&key[..]).map_err(|_| malformed)?,
            ),
            Key::P256 { x, y_is_odd } => CompressedPubKey::P256(
                CompressedP256PubKey::<&[u8]>::try_from((&x[..], *y_is_odd))
                    .map_err(|_| malformed)?,
            ),
            Key::Rsa { modulus, exponent } => CompressedPubKey::Rsa(
                RsaPubKey::<&[u8]>::try_from((&modulus[..], *exponent)).map_err(|_| malformed)?,
            ),
        })
    }
}

pub(crate) type Parts<'a> = CompressedPubKey<&'a [u8], &'a [u8], &'a [u8], &'a [u8]>;

#[cfg(test)]
#[path = "passkey_tests.rs"]
mod tests;

//! Sealing with ChaCha20-Poly1305: small tokens that only this installation can open, such as
//! resume tokens. Stateless, so a restart opens what came before it.

use parlour_core::ports::seal::Sealer;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{clock, keys::ServerKeys, limits};

/// First byte of a sealed token: the way it is sealed.
const VERSION: u8 = 1;
/// Binds sealed bytes to their use.
const PURPOSE: &[u8] = b"parlour sealed token 1";

/// Seals with the installation's key. Nonces are random: 96 bits are good for four billion
/// tokens, and there is one per connection.
pub struct KeySealer {
    key: LessSafeKey,
}

impl KeySealer {
    /// With the key of this installation.
    pub fn new(keys: &ServerKeys) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, keys.seal_key());
        KeySealer { key: LessSafeKey::new(key.expect("32 bytes are a key")) }
    }
}

impl Sealer for KeySealer {
    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = clock::random();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(PURPOSE),
                &mut sealed,
            )
            .expect("a few hundred bytes are under the cipher's bound");
        let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.append(&mut sealed);
        out
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        if sealed.len() > limits::SEALED_BYTES_MAX {
            return None;
        }
        let (&VERSION, rest) = sealed.split_first()? else { return None };
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = rest.to_vec();
        let length = self.key.open_in_place(nonce, Aad::from(PURPOSE), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;

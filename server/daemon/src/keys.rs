//! Keys that must outlive a restart: with them, clients notice within a second and a half that
//! the server is new (stateless resets), and tokens made before still open.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{hkdf, hmac};

use crate::{
    auth::KeySource,
    clock,
    data::{DataError, DataFolder, read_or_create},
};

/// The `kid` of the HS256 key that the server makes for itself.
pub const OWN_TOKEN_KEY_ID: &str = "local";

/// The installation's own keys.
#[derive(Clone)]
pub struct ServerKeys {
    reset: [u8; 32],
    connection_ids: [u8; 32],
    retry: [u8; 32],
    seal: [u8; 32],
}

impl std::fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKeys")
    }
}

impl ServerKeys {
    /// Reads them, making those that aren't there.
    pub fn open(data: &DataFolder) -> Result<Self, DataError> {
        let key = |name: &str| {
            let path = data.keys().join(name);
            let text = read_or_create(&path, || encode(clock::random()))?;
            decode(&text).ok_or(DataError::Damaged { path })
        };
        Ok(ServerKeys {
            reset: key("reset.key")?,
            connection_ids: key("cid.key")?,
            retry: key("retry.key")?,
            seal: key("seal.key")?,
        })
    }

    /// Keys for a server that forgets all.
    pub fn ephemeral() -> Self {
        ServerKeys {
            reset: clock::random(),
            connection_ids: clock::random(),
            retry: clock::random(),
            seal: clock::random(),
        }
    }

    /// Signs stateless resets (RFC 9000 section 10.3): for quinn's `EndpointConfig::new`.
    pub fn reset_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.reset)
    }

    /// Marks connection ids as ours: for `HashedConnectionIdGenerator::from_key`.
    pub fn connection_id_key(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.connection_ids[..8]);
        u64::from_be_bytes(first)
    }

    /// Seals Retry and validation tokens: for quinn's `ServerConfig::token_key`.
    pub fn retry_key(&self) -> hkdf::Prk {
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&self.retry)
    }

    /// Seals resume tokens.
    pub fn seal_key(&self) -> &[u8; 32] {
        &self.seal
    }
}

/// The HS256 key of a server for which none is configured, made where it isn't there.
pub fn own_token_key(data: &DataFolder) -> Result<KeySource, DataError> {
    let path = data.token_key();
    let text = read_or_create(&path, || encode(clock::random()))?;
    if decode(&text).is_none() {
        return Err(DataError::Damaged { path });
    }
    Ok(KeySource::SecretFile { id: OWN_TOKEN_KEY_ID.into(), path })
}

fn encode(key: [u8; 32]) -> Vec<u8> {
    let mut text = STANDARD.encode(key);
    text.push('\n');
    text.into_bytes()
}

fn decode(text: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim_ascii()).ok()?.try_into().ok()
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;

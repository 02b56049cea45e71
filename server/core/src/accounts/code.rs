//! Codes of links and invites: the organization and 24 unpredictable bytes, in base64 for addresses
//! (RFC 4648 section 5). The server keeps their hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use parlour_protocol::{ids::OrgId, limits::CODE_BYTES_MAX};
use sha2::{Digest, Sha256};

use crate::{node::Node, records::key};

const SECRET_BYTES: usize = 24;

/// A code that has just been made.
pub(crate) struct NewCode {
    /// What is told, once.
    pub(crate) text: String,
    /// Its key in `CODES`.
    pub(crate) key: Bytes,
}

/// Makes a code.
pub(crate) fn new(node: &Node, org: OrgId) -> NewCode {
    let mut bytes = [0; 16 + SECRET_BYTES];
    bytes[..16].copy_from_slice(org.as_bytes());
    node.entropy.fill(&mut bytes[16..]);
    NewCode { text: URL_SAFE_NO_PAD.encode(bytes), key: code_key(org, &bytes) }
}

/// The organization of a code and its key in `CODES`; `None` for what isn't a code.
pub(crate) fn parse(text: &str) -> Option<(OrgId, Bytes)> {
    if text.len() > CODE_BYTES_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let org = OrgId::from_bytes(bytes.get(..16)?.try_into().ok()?);
    (bytes.len() == 16 + SECRET_BYTES).then(|| (org, code_key(org, &bytes)))
}

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn code_key(org: OrgId, code: &[u8]) -> Bytes {
    key(&[org.as_bytes(), &sha256(code)])
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;

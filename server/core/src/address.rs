//! Bytes in addresses.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Base64 for addresses, without padding (RFC 4648 section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;

//! The two documents of a provider: what it says of itself, and its keys. What isn't understood in them is
//! passed over, as their standards have it.

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;

use super::fetch::FetchError;
use crate::{
    auth::Key,
    limits::{KEYS_MAX, OIDC_REFRESH_MAX, OIDC_REFRESH_MIN},
};

/// Where the keys are, by what a provider says of itself (OpenID Connect Discovery 1.0, section 4).
pub(super) fn keys_at(document: &[u8], issuer: &str) -> Result<String, FetchError> {
    #[derive(Deserialize)]
    struct Document {
        issuer: String,
        jwks_uri: String,
    }
    let document: Document =
        serde_json::from_slice(document).map_err(|_| FetchError::NoDocument)?;
    // Section 4.3: otherwise one provider could speak for another.
    if document.issuer != issuer {
        return Err(FetchError::OtherIssuer);
    }
    Ok(document.jwks_uri)
}

/// The keys that tokens can be verified with: public ones for signatures, of the algorithms that are taken
/// here. One that can't be used hides no other.
pub(super) fn keys(document: &[u8]) -> Result<Vec<Key>, FetchError> {
    #[derive(Deserialize)]
    struct Document {
        keys: Vec<Value>,
    }
    let document: Document = serde_json::from_slice(document).map_err(|_| FetchError::NoKeySet)?;
    let mut keys: Vec<Key> = vec![];
    for value in document.keys {
        if !may_verify(&value) {
            continue;
        }
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
        let Some(Ok(key)) = Key::from_jwk(&jwk) else { continue };
        // Which of two is meant by one id would be a guess; the first counts.
        if keys.iter().all(|before| before.id() != key.id()) {
            keys.push(key);
        }
        if keys.len() > KEYS_MAX {
            return Err(FetchError::NoKeySet);
        }
    }
    if keys.is_empty() { Err(FetchError::NoKey) } else { Ok(keys) }
}

/// Whether a key is meant for that, where it says what it is meant for (RFC 7517 section 4.3).
fn may_verify(key: &Value) -> bool {
    match key.get("key_ops") {
        Some(Value::Array(operations)) => operations.iter().any(|op| op == "verify"),
        _ => true,
    }
}

/// After what time keys are read again: as the provider says, within bounds.
pub(super) fn refresh_after(cache_control: Option<&str>) -> Duration {
    let seconds = cache_control.unwrap_or_default().split(',').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok())?
    });
    seconds.map_or(OIDC_REFRESH_MAX, Duration::from_secs).clamp(OIDC_REFRESH_MIN, OIDC_REFRESH_MAX)
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;

//! Tokens for the members of a benchmark: JWTs under HS256, as an application's backend makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::json;

/// The key all subjects of a run verify with.
pub(crate) const SECRET: &str = "a key of thirty-two bytes and some";
/// Its name, for subjects that choose keys by name.
pub(crate) const KEY_ID: &str = "bench";
/// The organization everyone is in.
pub(crate) const ORG: &str = "bench";

const VALID_SECONDS: u64 = 24 * 3600;

/// A token for `subject`. `rooms` is only read by peers, whose rooms are named by the application.
pub(crate) fn token(subject: &str, rooms: &[String]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": KEY_ID });
    let claims = json!({
        "sub": subject, "org": ORG, "name": subject, "rooms": rooms,
        "iat": now, "exp": now + VALID_SECONDS,
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

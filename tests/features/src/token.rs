//! Tokens, good ones and forged ones, signed here rather than by the command line: a thousand
//! processes would be the slowest part of a proof.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_daemon::auth::{Signer, TokenRequest};
use parlour_daemon::clock::{random, unix_ms};
use ring::hmac;
use serde_json::{Value, json};

/// A secret of the right length, as the configuration has it: base64.
pub fn secret() -> String {
    base64::engine::general_purpose::STANDARD.encode(random::<32>())
}

/// A good token's claims: an hour from now, with an id of its own.
pub fn claims(org: &str, sub: &str) -> TokenRequest {
    let now = unix_ms() / 1000;
    TokenRequest {
        sub: sub.to_owned(),
        org: org.to_owned(),
        name: Some(sub.to_owned()),
        jti: Some(format!("{:032x}", u128::from_be_bytes(random()))),
        iat: now,
        exp: now + 3600,
        ..TokenRequest::default()
    }
}

/// Signs with an HS256 secret in base64.
pub fn sign(key_id: &str, secret: &str, claims: &TokenRequest) -> String {
    let signer = Signer::from_text(Some(key_id.to_owned()), secret);
    signer.expect("the secret is a good one").sign(claims).expect("HS256 signs anything")
}

/// A token of any header and payload, signed by HMAC-SHA256 with any key.
pub fn forge(header: &Value, payload: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// Header and payload of a token, as JSON.
pub fn open(token: &str) -> (Value, Value) {
    let part = |at: usize| {
        let part = token.split('.').nth(at).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or(json!({}))
    };
    (part(0), part(1))
}

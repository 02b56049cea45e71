//! Documents as providers write them, and as nobody should.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData};
use serde_json::json;

use super::*;

const RSA_N: &str = include_str!("../testdata/rsa-n.txt");

fn ed(kid: &str) -> Value {
    let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(pair.der_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "alg": "EdDSA", "use": "sig"})
}

fn ec(kid: &str) -> Value {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let point = pair.der_bytes();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y})
}

fn rsa(kid: &str, more: Value) -> Value {
    let mut key = json!({"kty": "RSA", "kid": kid, "n": RSA_N.trim(), "e": "AQAB"});
    let more = more.as_object().expect("an object").clone();
    key.as_object_mut().expect("an object").extend(more);
    key
}

fn read(keys: Vec<Value>) -> Result<Vec<(String, &'static str)>, FetchError> {
    let keys = super::keys(json!({ "keys": keys }).to_string().as_bytes())?;
    Ok(keys.iter().map(|key| (key.id().to_owned(), key.algorithm().name())).collect())
}

#[test]
fn keys_are_taken_for_one_algorithm_each_and_others_are_passed_over() {
    let secret = URL_SAFE_NO_PAD.encode([7; 32]);
    let read = read(vec![
        rsa("r", json!({"use": "sig", "alg": "RS256", "x5c": ["nonsense"], "x-of-ours": 1})),
        ec("e"),
        ed("d"),
        // A secret that everybody can read vouches for nobody.
        json!({"kty": "oct", "kid": "hs", "k": secret, "alg": "HS256"}),
        rsa("for-encryption", json!({"use": "enc"})),
        rsa("wraps", json!({"alg": "RSA-OAEP"})),
        rsa("another-padding", json!({"alg": "PS256"})),
        rsa("confused", json!({"alg": "HS256"})),
        rsa("makes", json!({"key_ops": ["sign"]})),
        rsa("may", json!({"key_ops": ["verify"]})),
        json!({"kty": "AKP", "kid": "later", "alg": "ML-DSA-44", "pub": "AAAA"}),
        json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "cut", "x": "AAAA"}),
        json!("not a key"),
        // Of two under one id the first counts.
        ed("r"),
    ]);
    let names = |list: &[(&str, &'static str)]| -> Vec<(String, &'static str)> {
        list.iter().map(|(id, alg)| ((*id).to_owned(), *alg)).collect()
    };
    let wanted = names(&[("r", "RS256"), ("e", "ES256"), ("d", "EdDSA"), ("may", "RS256")]);
    assert_eq!(read, Ok(wanted));
}

#[test]
fn what_is_no_key_set_is_refused() {
    for text in ["", "{", "[]", "{}", r#"{"keys": {}}"#, "<html>"] {
        assert_eq!(super::keys(text.as_bytes()).err(), Some(FetchError::NoKeySet), "{text}");
    }
    assert_eq!(read(vec![]), Err(FetchError::NoKey));
    assert_eq!(read(vec![json!({"kty": "oct", "k": "AAAA"})]), Err(FetchError::NoKey));
    let many = (0..=KEYS_MAX).map(|n| ed(&n.to_string())).collect();
    assert_eq!(read(many), Err(FetchError::NoKeySet));
}

#[test]
fn a_provider_speaks_for_itself_alone() {
    let document = |issuer: &str| {
        json!({"issuer": issuer, "jwks_uri": "https://id.example.org/keys", "more": []}).to_string()
    };
    let at = |issuer: &str| keys_at(document(issuer).as_bytes(), "https://id.example.org");
    assert_eq!(at("https://id.example.org").as_deref(), Ok("https://id.example.org/keys"));
    for other in ["https://id.example.org/", "https://id.example.com", ""] {
        assert_eq!(at(other), Err(FetchError::OtherIssuer), "{other}");
    }
    assert_eq!(keys_at(b"{}", "https://id.example.org"), Err(FetchError::NoDocument));
}

#[test]
fn keys_are_read_again_when_the_provider_says_but_within_bounds() {
    for (says, seconds) in [
        (None, 3600),
        (Some("no-store"), 3600),
        (Some("public, max-age=600, must-revalidate"), 600),
        (Some("Max-Age=\"120\""), 120),
        (Some("max-age=0"), 60),
        (Some("max-age=86400"), 3600),
        (Some("max-age=soon"), 3600),
        (Some("max-age=-1"), 3600),
    ] {
        assert_eq!(refresh_after(says), Duration::from_secs(seconds), "{says:?}");
    }
}

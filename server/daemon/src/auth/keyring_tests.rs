//! Which keys are taken into the ring, from where, and what a token without `kid` gets.

use parlour_core::ports::auth::{TokenError, TokenVerifier};
use rcgen::{KeyPair, PKCS_ED25519};

use super::*;

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn token(kid: Option<&str>, key: &str) -> String {
    let request = TokenRequest {
        sub: "ada".into(),
        org: "acme".into(),
        exp: NOW + 60,
        ..TokenRequest::default()
    };
    let signer = Signer::from_text(kid.map(str::to_owned), key).expect("signer");
    signer.sign(&request).expect("token")
}

fn secret(id: &str) -> KeySource {
    KeySource::Secret { id: id.into(), secret: SECRET.into() }
}

#[test]
fn a_token_without_kid_needs_exactly_one_key() {
    let one = JwtVerifier::new(vec![secret("a")], Policy::default()).expect("keys");
    assert!(one.verify(&token(None, SECRET), NOW * 1000).is_ok());
    let two = JwtVerifier::new(vec![secret("a"), secret("b")], Policy::default()).expect("keys");
    let refused = two.verify(&token(None, SECRET), NOW * 1000);
    assert_eq!(refused, Err(TokenError::UnknownKey));
    assert!(two.verify(&token(Some("b"), SECRET), NOW * 1000).is_ok());
    let none = JwtVerifier::new(vec![], Policy::default()).expect("keys");
    assert_eq!(none.verify(&token(None, SECRET), NOW * 1000), Err(TokenError::UnknownKey));
}

#[test]
fn secrets_come_in_either_alphabet_and_never_short() {
    for text in
        [SECRET, SECRET.trim_end_matches('='), "  AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"]
    {
        assert!(Key::from_secret("k", text).is_ok());
    }
    let (plus, minus) = (format!("++//{SECRET}"), format!("--__{SECRET}"));
    let (plus, minus) = (Key::from_secret("k", &plus), Key::from_secret("k", &minus));
    assert!(plus.expect("standard").is_same(&minus.expect("url safe")));
    assert!(matches!(Key::from_secret("k", "AAEC"), Err(KeyError::SecretTooShort { .. })));
    assert!(matches!(Key::from_secret("k", "not base64!"), Err(KeyError::NotBase64 { .. })));
    assert!(matches!(Key::from_secret("", SECRET), Err(KeyError::Id)));
}

#[test]
fn an_id_is_used_once_and_keys_are_bounded() {
    let twice = JwtVerifier::new(vec![secret("a"), secret("a")], Policy::default());
    assert!(matches!(twice, Err(KeyError::Twice { .. })));
    let many = (0..=crate::limits::KEYS_MAX).map(|i| secret(&i.to_string())).collect();
    assert!(matches!(JwtVerifier::new(many, Policy::default()), Err(KeyError::TooMany)));
}

#[test]
fn a_key_set_gives_what_can_sign_and_nothing_else() {
    let ed = KeyPair::generate_for(&PKCS_ED25519).expect("key");
    let x = {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(ed.public_key_raw())
    };
    let n = include_str!("testdata/rsa-n.txt").trim();
    let set = format!(
        r#"{{"keys":[
          {{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"ed","use":"sig"}},
          {{"kty":"OKP","crv":"Ed25519","x":"{x}"}},
          {{"kty":"RSA","n":"{n}","e":"AQAB","kid":"rsa","alg":"RS256"}},
          {{"kty":"RSA","n":"{n}","e":"AQAB","kid":"rsa512","alg":"RS512"}},
          {{"kty":"RSA","n":"{n}","e":"AQAB","kid":"enc","use":"enc"}},
          {{"kty":"oct","k":"{SECRET}","kid":"secret"}},
          {{"kty":"XYZ","kid":"future"}}]}}"#
    );
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, set).expect("file");
    let sources = vec![KeySource::KeySet { path: path.clone() }];
    let verifier = JwtVerifier::new(sources.clone(), Policy::default()).expect("keys");
    assert_eq!(verifier.key_count(), 3);
    let pem = ed.serialize_pem();
    assert!(verifier.verify(&token(Some("ed"), &pem), NOW * 1000).is_ok());
    let rsa = include_str!("testdata/rsa-token.txt").trim();
    assert!(verifier.verify(rsa, NOW * 1000).is_ok());
    assert!(verifier.verify(&token(Some("secret"), SECRET), NOW * 1000).is_err());

    std::fs::write(&path, r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"short"}]}"#)
        .expect("file");
    let short = JwtVerifier::new(sources, Policy::default());
    assert!(matches!(short, Err(KeyError::Material { .. })));
}

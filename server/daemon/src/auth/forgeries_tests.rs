//! Forged tokens and what each is answered with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_core::ports::auth::{TokenError as E, TokenVerifier};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;

/// Seconds; every token of the table is judged at this time.
const NOW: u64 = 1_800_000_000;
const RSA_PUBLIC: &str = include_str!("testdata/rsa-public.pem");
const RSA_TOKEN: &str = include_str!("testdata/rsa-token.txt");

fn b64(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn hs_secret(fill: u8) -> String {
    b64([fill; 32])
}

fn hmac(secret: &[u8], signed: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    b64(ring::hmac::sign(&key, signed.as_bytes()))
}

/// A token with this header and payload, signed with the secret of key `hs`.
fn raw(header: &str, payload: impl AsRef<[u8]>) -> String {
    let signed = format!("{}.{}", b64(header), b64(payload));
    let signature = hmac(&[7; 32], &signed);
    format!("{signed}.{signature}")
}

fn hs(payload: impl AsRef<[u8]>) -> String {
    raw(r#"{"alg":"HS256","kid":"hs"}"#, payload)
}

struct Bench {
    verifier: JwtVerifier,
    es: KeyPair,
    ed: KeyPair,
}

fn bench(policy: Policy) -> Bench {
    let dir = tempfile::tempdir().expect("folder");
    let es = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("key");
    let ed = KeyPair::generate_for(&PKCS_ED25519).expect("key");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("file");
        path
    };
    let public = |id: &str, algorithm, pem: &str| KeySource::PublicKeyFile {
        id: id.into(),
        algorithm,
        path: file(id, pem),
    };
    let sources = vec![
        KeySource::Secret { id: "hs".into(), secret: hs_secret(7) },
        public("es", Algorithm::Es256, &es.public_key_pem()),
        public("ed", Algorithm::EdDsa, &ed.public_key_pem()),
        public("rsa", Algorithm::Rs256, RSA_PUBLIC),
    ];
    Bench { verifier: JwtVerifier::new(sources, policy).expect("keys"), es, ed }
}

fn good() -> String {
    format!(r#"{{"sub":"ada","org":"acme","exp":{}}}"#, NOW + 60)
}

fn signed_by(pair: &KeyPair, kid: &str) -> String {
    let signer = Signer::from_text(Some(kid.into()), &pair.serialize_pem()).expect("signer");
    let request = TokenRequest {
        sub: "ada".into(),
        org: "acme".into(),
        exp: NOW + 60,
        ..TokenRequest::default()
    };
    signer.sign(&request).expect("token")
}

#[test]
fn every_algorithm_verifies_what_its_key_signed() {
    let bench = bench(Policy::default());
    let ok = |token: &str| bench.verifier.verify(token, NOW * 1000).expect("claims");
    assert_eq!(&*ok(&hs(good())).subject, "ada");
    assert_eq!(&*ok(&signed_by(&bench.es, "es")).key_id, "0:es");
    assert_eq!(&*ok(&signed_by(&bench.ed, "ed")).key_id, "0:ed");
    assert_eq!(&*ok(RSA_TOKEN.trim()).org, "acme");
}

type Forgery = (&'static str, String, E);

fn claims_of(sub: &str, org: &str) -> String {
    format!(r#"{{"sub":"{sub}","org":"{org}","exp":{}}}"#, NOW + 60)
}

/// Tokens whose form, header or signature is wrong.
fn forged_signatures() -> Vec<Forgery> {
    let genuine = hs(good());
    let signature = genuine.rsplit_once('.').map(|(_, s)| s.to_owned()).expect("signature");
    let none =
        |alg: &str| format!("{}.{}.", b64(format!(r#"{{"alg":"{alg}","kid":"hs"}}"#)), b64(good()));
    let confused = |kid: &str, secret: &[u8]| {
        let header = b64(format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#));
        let signed = format!("{header}.{}", b64(good()));
        let signature = hmac(secret, &signed);
        format!("{signed}.{signature}")
    };
    let kid = |kid: &str| raw(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), good());
    let header_b64 = b64(r#"{"alg":"HS256","kid":"hs"}"#);
    let other_payload = format!("{header_b64}.{}.{signature}", b64(claims_of("eve", "acme")));
    let mut flipped = genuine.clone();
    let last = if flipped.pop() == Some('A') { 'B' } else { 'A' };
    flipped.push(last);
    let jwk = format!(
        r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{}"}},"jku":"https://evil.example/k"}}"#,
        hs_secret(7)
    );
    vec![
        ("empty", String::new(), E::Malformed),
        ("no dots", "abc".into(), E::Malformed),
        ("two parts", "e30.e30".into(), E::Malformed),
        ("five parts as in encrypted tokens", "e30.e30.e30.e30.e30".into(), E::Malformed),
        ("not ascii", "ä.ö.ü".into(), E::Malformed),
        ("padded base64", format!("{}=.{}.x", b64("{}"), b64("{}")), E::Malformed),
        ("alg none", none("none"), E::BadSignature),
        ("alg None in disguise", none("nOnE"), E::BadSignature),
        ("alg missing", raw(r#"{"kid":"hs"}"#, good()), E::Malformed),
        ("alg twice", raw(r#"{"alg":"none","alg":"HS256","kid":"hs"}"#, good()), E::Malformed),
        ("signature stripped", genuine.replace(&signature, ""), E::BadSignature),
        ("signature of another payload", other_payload, E::BadSignature),
        ("signature flipped at its end", flipped, E::BadSignature),
        ("another secret", confused("hs", &[8; 32]), E::BadSignature),
        ("empty secret", confused("hs", b""), E::BadSignature),
        ("rsa public key as secret", confused("rsa", RSA_PUBLIC.as_bytes()), E::BadSignature),
        ("rsa public key trimmed", confused("rsa", RSA_PUBLIC.trim().as_bytes()), E::BadSignature),
        (
            "rs256 claimed of the secret",
            raw(r#"{"alg":"RS256","kid":"hs"}"#, good()),
            E::BadSignature,
        ),
        ("stronger hash claimed", raw(r#"{"alg":"HS512","kid":"hs"}"#, good()), E::BadSignature),
        ("unknown kid", kid(r#""other""#), E::UnknownKey),
        ("no kid while there are several", raw(r#"{"alg":"HS256"}"#, good()), E::UnknownKey),
        ("kid of another case", kid(r#""HS""#), E::UnknownKey),
        ("kid as path", kid(r#""../../../../dev/null""#), E::UnknownKey),
        ("kid as query", kid(r#""hs' UNION SELECT 'x""#), E::UnknownKey),
        ("kid with NUL", kid(r#""hs\u0000""#), E::UnknownKey),
        ("kid empty", kid(r#""""#), E::UnknownKey),
        ("kid as list", kid(r#"["hs"]"#), E::Malformed),
        ("key brought along", raw(&jwk, good()), E::UnknownKey),
        (
            "critical extension",
            raw(r#"{"alg":"HS256","kid":"hs","crit":["b64"],"b64":false}"#, good()),
            E::Malformed,
        ),
    ]
}

/// Tokens that are signed well and say something that can't be.
fn forged_claims() -> Vec<Forgery> {
    let exp = NOW + 60;
    let with = |more: &str| format!(r#"{{"sub":"ada","org":"acme","exp":{exp}{more}}}"#);
    let deep = format!(r#"{{"sub":"ada","x":{}{}}}"#, "[".repeat(3000), "]".repeat(3000));
    let bomb = format!(r#"{{"sub":"{}","org":"acme","exp":{exp}}}"#, "a".repeat(9000));
    vec![
        ("expired", hs(format!(r#"{{"sub":"ada","org":"acme","exp":{}}}"#, NOW - 5)), E::Expired),
        ("exp missing", hs(r#"{"sub":"ada","org":"acme"}"#), E::Malformed),
        ("exp null", hs(r#"{"sub":"ada","org":"acme","exp":null}"#), E::Malformed),
        ("exp as text", hs(format!(r#"{{"sub":"ada","org":"acme","exp":"{exp}"}}"#)), E::Malformed),
        ("exp negative", hs(r#"{"sub":"ada","org":"acme","exp":-1}"#), E::Malformed),
        (
            "exp beyond time",
            hs(r#"{"sub":"ada","org":"acme","exp":18446744073709551615}"#),
            E::Malformed,
        ),
        ("exp infinite", hs(r#"{"sub":"ada","org":"acme","exp":1e400}"#), E::Malformed),
        ("exp twice", hs(with(r#","exp":99999999999"#)), E::Malformed),
        ("nbf in the future", hs(with(&format!(r#","nbf":{}"#, NOW + 6))), E::NotYetValid),
        ("iat in the future", hs(with(&format!(r#","iat":{}"#, NOW + 6))), E::NotYetValid),
        ("sub missing", hs(format!(r#"{{"org":"acme","exp":{exp}}}"#)), E::Malformed),
        ("sub empty", hs(claims_of("", "acme")), E::Malformed),
        ("sub twice", hs(with(r#","sub":"eve""#)), E::Malformed),
        (
            "sub as object",
            hs(format!(r#"{{"sub":{{"a":1}},"org":"acme","exp":{exp}}}"#)),
            E::Malformed,
        ),
        ("sub of 256 bytes", hs(claims_of(&"a".repeat(256), "acme")), E::Malformed),
        ("org missing", hs(format!(r#"{{"sub":"ada","exp":{exp}}}"#)), E::Malformed),
        ("org as list", hs(format!(r#"{{"sub":"ada","org":["acme"],"exp":{exp}}}"#)), E::Malformed),
        ("name of 256 bytes", hs(with(&format!(r#","name":"{}""#, "n".repeat(256)))), E::Malformed),
        ("claims not utf-8", hs(b"{\"sub\":\"\xff\",\"org\":\"acme\"}"), E::Malformed),
        ("claims nested deep", hs(deep), E::Malformed),
        ("claims are a token", hs(hs(good())), E::Malformed),
        ("claims are a list", hs("[]"), E::Malformed),
        ("trailing json", hs(format!("{}{}", good(), good())), E::Malformed),
        ("over 8 KiB", hs(bomb), E::Malformed),
    ]
}

#[test]
fn forged_tokens_are_refused_each_for_its_reason() {
    let bench = bench(Policy::default());
    for (what, token, wanted) in forged_signatures().into_iter().chain(forged_claims()) {
        assert_eq!(bench.verifier.verify(&token, NOW * 1000), Err(wanted), "{what}");
    }
}

#[test]
fn keys_of_other_kinds_and_curves_are_refused() {
    let bench = bench(Policy::default());
    let verify = |token: &str| bench.verifier.verify(token, NOW * 1000);
    let stranger = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("key");
    assert_eq!(verify(&signed_by(&stranger, "es")), Err(E::BadSignature));
    assert_eq!(verify(&signed_by(&bench.es, "ed")), Err(E::BadSignature), "es as eddsa");
    assert_eq!(verify(&signed_by(&bench.ed, "es")), Err(E::BadSignature), "eddsa as es");

    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("key");
    let wrong = Key::from_pem("k", Algorithm::Es256, p384.public_key_pem().as_bytes());
    assert!(matches!(wrong, Err(KeyError::Material { .. })), "curve");
    let wrong = Key::from_pem("k", Algorithm::EdDsa, bench.es.public_key_pem().as_bytes());
    assert!(matches!(wrong, Err(KeyError::Material { .. })), "kind");
    let wrong = Key::from_pem("k", Algorithm::Es256, bench.es.serialize_pem().as_bytes());
    assert!(matches!(wrong, Err(KeyError::Material { .. })), "private key");
    let wrong = Key::from_pem("k", Algorithm::Hs256, RSA_PUBLIC.as_bytes());
    assert!(matches!(wrong, Err(KeyError::Material { .. })), "public key as secret");
    let short = include_bytes!("testdata/rsa-1024-public.pem");
    let short = Key::from_pem("k", Algorithm::Rs256, short);
    assert!(matches!(short, Err(KeyError::ModulusTooShort { .. })));
}

#[test]
fn an_es256_signature_in_der_or_of_zeros_is_refused() {
    let bench = bench(Policy::default());
    let token = signed_by(&bench.es, "es");
    let (signed, _) = token.rsplit_once('.').expect("signature");
    // CVE-2022-21449: r = s = 0 verified everything.
    let zeros = format!("{signed}.{}", b64([0; 64]));
    assert_eq!(bench.verifier.verify(&zeros, NOW * 1000), Err(E::BadSignature));
    let der = format!("{signed}.{}", b64([0x30, 6, 2, 1, 1, 2, 1, 1]));
    assert_eq!(bench.verifier.verify(&der, NOW * 1000), Err(E::BadSignature));
}

#[test]
fn random_damage_never_panics_and_never_verifies() {
    let bench = bench(Policy::default());
    let token = hs(good());
    for at in 0..token.len() {
        for flip in [1_u8, 2, 16, 64] {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= flip;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(bench.verifier.verify(&text, NOW * 1000).is_err(), "byte {at} ^ {flip}");
            }
        }
    }
}

#[test]
fn audience_and_issuer_are_checked_where_configured() {
    let policy = Policy {
        audience: Some("chat".into()),
        issuer: Some("https://id.example".into()),
        ..Policy::default()
    };
    let bench = bench(policy);
    let verify = |aud: &str, iss: &str| {
        let exp = NOW + 60;
        let token = hs(format!(r#"{{"sub":"a","org":"o","exp":{exp}{aud}{iss}}}"#));
        bench.verifier.verify(&token, NOW * 1000).map(|_| ())
    };
    let iss = r#","iss":"https://id.example""#;
    assert_eq!(verify(r#","aud":"chat""#, iss), Ok(()));
    assert_eq!(verify(r#","aud":["mail","chat"]"#, iss), Ok(()));
    assert_eq!(verify(r#","aud":"chatter""#, iss), Err(E::WrongAudience));
    assert_eq!(verify(r#","aud":[]"#, iss), Err(E::WrongAudience));
    assert_eq!(verify("", iss), Err(E::WrongAudience));
    assert_eq!(verify(r#","aud":"chat""#, ""), Err(E::WrongAudience));
    assert_eq!(
        verify(r#","aud":"chat""#, r#","iss":"https://id.example.evil""#),
        Err(E::WrongAudience)
    );
}

#[test]
fn the_leeway_moves_both_ends_and_nothing_else() {
    let bench = bench(Policy::default());
    let token = hs(format!(r#"{{"sub":"a","org":"o","nbf":{NOW},"exp":{}}}"#, NOW + 10));
    let at = |seconds: u64, ms: u64| bench.verifier.verify(&token, seconds * 1000 + ms).map(|_| ());
    assert_eq!(at(NOW - 6, 999), Err(E::NotYetValid));
    assert_eq!(at(NOW - 5, 0), Ok(()));
    assert_eq!(at(NOW + 14, 999), Ok(()));
    assert_eq!(at(NOW + 15, 0), Err(E::Expired));
}

#[test]
fn claims_say_what_the_token_says() {
    let bench = bench(Policy::default());
    let exp = NOW + 60;
    let token = hs(format!(
        r#"{{"sub":"ada","org":"acme","exp":{exp}.5,"name":"Ada L.","scope":"a  b","jti":"t1","iat":{NOW},"x":{{"y":[1]}}}}"#
    ));
    let claims = bench.verifier.verify(&token, NOW * 1000).expect("claims");
    assert_eq!((&*claims.name, claims.expires_at_ms), ("Ada L.", exp * 1000));
    assert_eq!(claims.scopes, ["a".into(), "b".into()]);
    assert_eq!(claims.token_id.as_deref(), Some("t1"));
    assert_eq!(claims.issued_at_ms, NOW * 1000);
    assert_eq!(&*claims.key_id, "0:hs");

    let bare = bench.verifier.verify(&hs(good()), NOW * 1000).expect("claims");
    assert_eq!((&*bare.name, bare.scopes.len(), bare.issued_at_ms), ("", 0, 0));
}

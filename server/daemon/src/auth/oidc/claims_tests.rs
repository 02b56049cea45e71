//! What tokens of a provider say, with keys that were read.

use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

use super::*;
use crate::auth::{Algorithm, Key, claims::parts};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.org";

fn provider() -> Provider {
    Provider {
        issuer: ISSUER.into(),
        audiences: vec!["parlour".into(), "chat".into()],
        jwks_url: None,
        organization: Organization::Fixed("acme".into()),
        subject_claim: "sub".into(),
        name_claims: vec!["name".into(), "preferred_username".into()],
        scopes: vec!["admin:sessions".into()],
        ca_file: None,
        allow_http: false,
        look_gap: Duration::from_secs(30),
    }
}

struct Bench {
    issuer: Issuer,
    pair: Arc<KeyPair>,
    count: Arc<AtomicU64>,
}

impl Bench {
    fn of(provider: Provider) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        let count: Arc<AtomicU64> = Arc::default();
        let issuer = Issuer::new(provider, count.clone());
        let key = Key::from_pem("k", Algorithm::EdDsa, pair.public_key_pem().as_bytes());
        issuer.publish(vec![key.expect("a key")]);
        Bench { issuer, pair: Arc::new(pair), count }
    }

    fn token(&self, payload: &str) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        use rcgen::SigningKey;
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(r#"{"alg":"EdDSA","kid":"k"}"#), part(payload));
        let signature = self.pair.sign(signed.as_bytes()).expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn raw(&self, payload: &str) -> Result<Claims, TokenError> {
        let token = self.token(payload);
        self.issuer.verify(&parts(&token)?, Duration::from_secs(5), NOW * 1000)
    }

    fn said(&self, changes: Value) -> Result<Claims, TokenError> {
        let mut payload = json!({
            "iss": ISSUER, "sub": "1f0c", "aud": "parlour", "exp": NOW + 60, "iat": NOW,
            "name": "Ada", "preferred_username": "ada", "org": "evil", "jti": "t",
            "scope": "openid admin:sessions admin:accounts",
        });
        for (name, value) in changes.as_object().expect("an object") {
            payload[name] = value.clone();
        }
        self.raw(&payload.to_string())
    }
}

#[test]
fn claims_are_those_that_the_configuration_names() {
    let bench = Bench::of(provider());
    let claims = bench.said(json!({})).expect("a good one");
    assert_eq!((&*claims.subject, &*claims.org, &*claims.name), ("1f0c", "acme", "Ada"));
    // Of what it may do, only what the provider was let give.
    assert_eq!(claims.scopes, [Arc::from("admin:sessions")]);
    // Less than others may do, whoever says it.
    let guest = bench.said(json!({"scope": "admin:accounts guest guests"})).expect("a good one");
    assert_eq!(guest.scopes, [Arc::from("guest")]);
    assert_eq!(claims.token_id.as_deref(), Some("t"));
    assert_eq!((claims.issued_at_ms, claims.expires_at_ms), (NOW * 1000, (NOW + 60) * 1000));
    for (changes, name) in [
        (json!({"name": ""}), "ada"),
        (json!({"name": null}), "ada"),
        (json!({"name": 7, "preferred_username": ["ada"]}), ""),
        (json!({"name": "x".repeat(256)}), "ada"),
    ] {
        assert_eq!(&*bench.said(changes.clone()).expect("a good one").name, name, "{changes}");
    }
    let bench = Bench::of(Provider {
        organization: Organization::Claim { name: "tenant".into(), except: vec!["acme".into()] },
        subject_claim: "preferred_username".into(),
        ..provider()
    });
    let claims = bench.said(json!({"tenant": ["globex"]})).expect("a good one");
    assert_eq!((&*claims.org, &*claims.subject), ("globex", "ada"));
    for tenant in [
        json!(null),
        json!(""),
        json!(["a", "b"]),
        json!([]),
        json!({"a": {}}),
        json!(1),
        // Another provider's.
        json!("acme"),
        json!(["acme"]),
    ] {
        let refused = bench.said(json!({"tenant": tenant.clone()}));
        assert_eq!(refused, Err(TokenError::Malformed), "{tenant}");
    }
}

#[test]
fn purpose_and_time_are_checked() {
    use TokenError as E;
    let bench = Bench::of(provider());
    for (changes, refused) in [
        (json!({"aud": ["account", "chat"]}), None),
        (json!({"aud": "parlour2"}), Some(E::WrongAudience)),
        (json!({"aud": ["account"]}), Some(E::WrongAudience)),
        (json!({"aud": []}), Some(E::WrongAudience)),
        (json!({"aud": null}), Some(E::WrongAudience)),
        (json!({"aud": {"parlour": true}}), Some(E::WrongAudience)),
        (json!({"iss": "https://id.example.org/"}), Some(E::WrongAudience)),
        (json!({"iss": null}), Some(E::WrongAudience)),
        (json!({"exp": NOW - 6}), Some(E::Expired)),
        (json!({"exp": NOW - 4}), None),
        (json!({"exp": null}), Some(E::Malformed)),
        (json!({"exp": "soon"}), Some(E::Malformed)),
        (json!({"nbf": NOW + 6}), Some(E::NotYetValid)),
        (json!({"nbf": NOW + 4}), None),
        (json!({"iat": NOW + 6}), Some(E::NotYetValid)),
        (json!({"sub": ""}), Some(E::Malformed)),
        (json!({"sub": "x".repeat(256)}), Some(E::Malformed)),
        (json!({"sub": null}), Some(E::Malformed)),
        // What the log calls whoever isn't a person.
        (json!({"sub": "operator"}), Some(E::Malformed)),
        (json!({"sub": "parlour"}), Some(E::Malformed)),
        (json!({"sub": "operators"}), None),
        // One that can't be named can't be revoked.
        (json!({"jti": "x".repeat(256)}), Some(E::Malformed)),
        (json!({"jti": 7}), Some(E::Malformed)),
        (json!({"jti": "x".repeat(255)}), None),
        (json!({"jti": null}), None),
    ] {
        assert_eq!(bench.said(changes.clone()).err(), refused, "{changes}");
    }
    let twice = format!(
        r#"{{"iss":"{ISSUER}","aud":"parlour","exp":{},"sub":"ada","sub":"eve"}}"#,
        NOW + 60
    );
    assert_eq!(bench.raw(&twice).err(), Some(E::Malformed));
    assert_eq!(bench.raw("[]").err(), Some(E::Malformed));
}

#[test]
fn keys_that_are_gone_end_their_sessions_and_others_go_on() {
    let bench = Bench::of(provider());
    let session = bench.said(json!({})).expect("a good one").key_id;
    assert!(bench.issuer.key_is_current(&session));
    let key = |id: &str, pair: &KeyPair| {
        Key::from_pem(id, Algorithm::EdDsa, pair.public_key_pem().as_bytes()).expect("a key")
    };
    let other = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    assert!(bench.issuer.publish(vec![key("k", &bench.pair), key("new", &other)]));
    assert!(bench.issuer.key_is_current(&session));
    assert!(!bench.issuer.publish(vec![key("k", &bench.pair), key("new", &other)]));
    // Another key under the same id inherits nothing, nor does one that comes back.
    assert!(bench.issuer.publish(vec![key("k", &other)]));
    assert!(!bench.issuer.key_is_current(&session));
    assert_eq!(bench.said(json!({})), Err(TokenError::BadSignature));
    bench.issuer.publish(vec![key("k", &bench.pair)]);
    assert!(bench.said(json!({})).is_ok() && !bench.issuer.key_is_current(&session));
}

#[tokio::test(start_paused = true)]
async fn what_else_is_configured_of_a_provider_takes_no_good_key_from_it() {
    let bench = Bench::of(provider());
    let session = bench.said(json!({})).expect("a good one").key_id;
    // What the next one makes of the same token, before it has looked, and whether its session goes on.
    let after = |next: Provider| {
        let issuer = Issuer::new(next, bench.count.clone());
        issuer.inherit(&bench.issuer);
        let said = Bench { issuer, pair: bench.pair.clone(), count: bench.count.clone() };
        (said.said(json!({})).map(|claims| claims.key_id), said.issuer.key_is_current(&session))
    };
    let named = Provider { name_claims: vec!["nick".into()], ..provider() };
    let hasty = Provider { look_gap: Duration::from_secs(1), ..provider() };
    for same in [named, hasty] {
        assert_eq!(after(same), (Ok(session.clone()), true));
    }
    let audience = Provider { audiences: vec!["parlour".into()], ..provider() };
    let organization = Provider { organization: Organization::Fixed("b".into()), ..provider() };
    let subject = Provider { subject_claim: "preferred_username".into(), ..provider() };
    let scopes = Provider { scopes: vec![], ..provider() };
    for other in [audience, organization, subject, scopes] {
        let (said, goes_on) = after(other.clone());
        assert!(said.is_ok_and(|key_id| key_id != session) && !goes_on, "{other:?}");
    }
    let elsewhere = Provider { jwks_url: Some("https://b.example".into()), ..provider() };
    let vouched = Provider { ca_file: Some("b.pem".into()), ..provider() };
    let open = Provider { allow_http: true, ..provider() };
    for another in [elsewhere, vouched, open] {
        assert_eq!(after(another), (Err(TokenError::KeysUnavailable), false));
    }
    // The keys grow no younger by it.
    tokio::time::advance(Duration::from_secs(24 * 3600 + 1)).await;
    let aged = Provider { name_claims: vec![], ..provider() };
    assert_eq!(after(aged), (Err(TokenError::KeysUnavailable), false));
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_provider_that_cannot_be_reached_are_good_for_a_day() {
    let bench = Bench::of(provider());
    let session = bench.said(json!({})).expect("a good one").key_id;
    tokio::time::advance(Duration::from_secs(24 * 3600 - 1)).await;
    assert!(bench.said(json!({})).is_ok());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(bench.said(json!({})), Err(TokenError::KeysUnavailable));
    assert!(!bench.issuer.key_is_current(&session));
    assert_eq!(bench.issuer.standing().keys, 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_makes_it_look_more_often_than_it_does() {
    let bench = Bench::of(provider());
    // The look that every provider begins with.
    assert!(bench.issuer.find_key().is_some());
    bench.issuer.handle_fetched(Err(FetchError::NoKey));
    bench.issuer.looks().began_at = Some(tokio::time::Instant::now());
    assert!(bench.issuer.find_key().is_none());
    tokio::time::advance(Duration::from_secs(29)).await;
    assert!(bench.issuer.find_key().is_none());
    tokio::time::advance(Duration::from_secs(2)).await;
    let begun = tokio::time::Instant::now();
    let (first, second) = (bench.issuer.find_key(), bench.issuer.find_key());
    first.expect("it begins a look").await;
    assert_eq!(begun.elapsed(), crate::limits::OIDC_TOKEN_WAITS_FOR, "nobody looks in this test");
    assert!(second.is_some(), "it waits for the same one");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_panics_is_not_the_last_one() {
    use std::sync::atomic::Ordering;
    let bench = Bench::of(provider());
    let looks = AtomicU64::new(0);
    let look = || async {
        match looks.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("a bug"),
            _ => Err(FetchError::NoKey),
        }
    };
    let run = bench.issuer.run_with(SharedMetrics::default(), look);
    let seen = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(bench.issuer.standing().problem, Some(FetchError::Bug));
        // As after any look that failed.
        tokio::time::sleep(provider().look_gap).await;
        assert_eq!(bench.issuer.standing().problem, Some(FetchError::NoKey));
    };
    tokio::select! {
        () = run => panic!("it has ended"),
        () = seen => {}
    }
    assert!(bench.said(json!({})).is_ok(), "the keys that there were are good");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_for_a_look() {
    use crate::limits::{OIDC_TOKEN_WAITS_FOR, OIDC_TOKENS_WAITING_MAX};
    let bench = Bench::of(provider());
    let find = || bench.issuer.find_key().expect("a look is under way");
    let waiting: Vec<_> = (0..OIDC_TOKENS_WAITING_MAX).map(|_| find()).collect();
    let begun = tokio::time::Instant::now();
    find().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // What is then said of it is what is said where a provider doesn't answer.
    bench.issuer.publish(vec![]);
    assert_eq!(bench.said(json!({})), Err(TokenError::KeysUnavailable));
    drop(waiting);
    find().await;
    assert_eq!(begun.elapsed(), OIDC_TOKEN_WAITS_FOR, "those who left make room");
}

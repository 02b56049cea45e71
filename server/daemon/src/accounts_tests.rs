//! Passwords and tokens of the server's own.

use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::*;
use crate::auth::JwtVerifier;
use parlour_core::ports::auth::TokenVerifier;

fn own(folder: &tempfile::TempDir) -> (OwnAccounts, DataFolder) {
    let data = DataFolder::open(folder.path()).unwrap();
    (issuer(&Config::default(), &data).unwrap(), data)
}

#[tokio::test]
async fn a_password_is_kept_as_argon2id_and_only_the_right_one_fits() {
    let folder = tempfile::tempdir().unwrap();
    let (own, _) = own(&folder);
    let hash = own.hash("correct horse".into()).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_ne!(hash, own.hash("correct horse".into()).await.unwrap());
    assert!(own.check("correct horse".into(), Some(hash.clone())).await.unwrap());
    for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
        assert!(!own.check(wrong.into(), Some(hash.clone())).await.unwrap(), "{wrong}");
    }
    assert!(!own.check("nobody".into(), None).await.unwrap());
    assert!(!own.check("x".into(), Some("not a hash".into())).await.unwrap());
}

#[tokio::test]
async fn nobody_takes_as_long_as_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let (own, _) = own(&folder);
    let hash = own.hash("correct horse".into()).await.unwrap();
    let mut took = [Duration::MAX; 2];
    // The least of several: what else runs here only adds.
    for _ in 0..5 {
        for (took, hash) in took.iter_mut().zip([Some(hash.clone()), None]) {
            let began = Instant::now();
            assert!(!own.check("wrong password".into(), hash).await.unwrap());
            *took = (*took).min(began.elapsed());
        }
    }
    assert!(took[1] * 4 > took[0], "{took:?}");
}

#[tokio::test]
async fn more_than_may_wait_are_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let (own, _) = own(&folder);
    // With every turn taken none of them ends before the last has come.
    let turns = own.hashing.turns.clone().acquire_many_owned(HASHES_AT_ONCE as u32).await.unwrap();
    let mut all: Vec<_> = (0..HASHES_WAITING_MAX + 20)
        .map(|_| Box::pin(own.check("x".into(), Some("$".into()))))
        .collect();
    let mut refused = 0;
    for one in &mut all {
        refused += usize::from(one.now_or_never().is_some_and(|result| result.is_err()));
    }
    assert_eq!(refused, 20);
    drop((turns, all));
    assert!(own.check("x".into(), None).await.is_ok(), "and later it is as before");
}

#[test]
fn its_tokens_are_those_the_verifier_takes() {
    let folder = tempfile::tempdir().unwrap();
    let (own, data) = own(&folder);
    let config = Config::default();
    let sources = crate::server::key_sources(&config, &data).unwrap();
    let verifier = JwtVerifier::new(sources, config.policy()).unwrap();
    let now = 1_700_000_000_000;
    let grant = Grant {
        subject: "alice".into(),
        org: "acme".into(),
        name: "Alice".into(),
        scopes: vec!["admin:accounts".into(), "guest".into()],
        token_id: "a-login".into(),
        issued_at_ms: now,
        expires_at_ms: now + own.token_ms(),
    };
    let claims = verifier.verify(&own.issue(&grant).unwrap(), now).unwrap();
    assert_eq!((&*claims.subject, &*claims.org, &*claims.name), ("alice", "acme", "Alice"));
    assert_eq!(claims.scopes.len(), 2);
    assert_eq!(claims.token_id.as_deref(), Some("a-login"));
    assert_eq!(claims.expires_at_ms - claims.issued_at_ms, 3_600_000);
}

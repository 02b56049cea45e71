//! What a node needs of the world: a clock that moves when told, tokens that are believed.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parlour_core::ports::{
    auth::{Claims, TokenError, TokenVerifier},
    clock::{Clock, Entropy, Now},
    seal::Sealer,
};

/// The token is the subject, maybe with an organization behind `@`; and behind slashes its id, when it was
/// made, when it ends, and what nobody looks at.
pub(crate) struct Trusting;

impl TokenVerifier for Trusting {
    fn verify(&self, token: &str, now_ms: u64) -> Result<Claims, TokenError> {
        let mut parts = token.split('/');
        let (subject, id, at) = (parts.next().unwrap(), parts.next(), parts.next());
        let expires_at_ms = parts.next().map_or(now_ms + 3_600_000, |at| at.parse().unwrap());
        if expires_at_ms <= now_ms {
            return Err(TokenError::Expired);
        }
        let (subject, org) = subject.split_once('@').unwrap_or((subject, "acme"));
        Ok(Claims {
            subject: subject.into(),
            org: org.into(),
            name: subject.into(),
            scopes: match token.starts_with("guest") {
                true => vec!["guest".into()],
                false => {
                    let all = ["sessions", "directory", "audit", "accounts", "compliance"];
                    let all = all.into_iter().chain(["moderation", "usage", "quotas"]);
                    let all = all.map(|of| format!("admin:{of}").into());
                    all.into_iter().chain(["notices".into()]).collect()
                }
            },
            token_id: id.map(Into::into),
            key_id: "test".into(),
            issued_at_ms: at.map_or(now_ms, |at| at.parse().unwrap()),
            expires_at_ms,
        })
    }

    fn key_is_current(&self, _: &str) -> bool {
        true
    }
}

pub(crate) struct Plain;

impl Sealer for Plain {
    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        Some(sealed.to_vec())
    }
}

/// A clock that moves when told, and counted entropy.
#[derive(Default)]
pub struct Hand {
    pub ms: AtomicU64,
    /// How far the wall clock is ahead of the time that passes.
    pub ahead_ms: AtomicU64,
    count: AtomicU64,
}

impl Clock for Hand {
    fn now(&self) -> Now {
        let ms = self.ms.load(Ordering::Relaxed);
        let unix_ms = 1_700_000_000_000 + ms + self.ahead_ms.load(Ordering::Relaxed);
        Now { unix_ms, elapsed: Duration::from_millis(ms) }
    }
}

impl Entropy for Hand {
    fn fill(&self, out: &mut [u8]) {
        let count = self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (i, byte) in out.iter_mut().enumerate() {
            *byte = count[7 - i % 8];
        }
    }
}

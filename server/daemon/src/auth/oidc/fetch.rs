//! Reading a provider's keys: over TLS, within bounds of size and time, without following anything.

use std::time::Duration;

use axum::http::{StatusCode, header};
use tokio_rustls::TlsConnector;

use super::{
    Provider,
    documents::{keys, keys_at, refresh_after},
};
use crate::{
    auth::Key,
    limits::{OIDC_DOCUMENT_BYTES_MAX, OIDC_DOCUMENT_WITHIN},
    outside::{
        Answer, Ask, OutsideError, Over, Reach, Target, get, with_roots_of, with_systems_roots,
    },
};

/// Why a provider's keys can't be read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There was no answer, or none that is read.
    #[error(transparent)]
    Outside(#[from] OutsideError),
    /// It answered with another status than success; redirections aren't followed.
    #[error("answered with {0}")]
    Status(u16),
    /// What it says of itself isn't such a document.
    #[error("what it says of itself is not an openid configuration")]
    NoDocument,
    /// What it says of itself is another issuer's.
    #[error("it says that it is another issuer")]
    OtherIssuer,
    /// Where its keys are isn't an address that may be asked.
    #[error("where its keys are is not an address of https")]
    KeysElsewhere,
    /// Its keys aren't a key set, or more than there can be.
    #[error("its keys are not a json web key set")]
    NoKeySet,
    /// None of its keys can verify a token.
    #[error("none of its keys verifies tokens")]
    NoKey,
    /// No certificate can be checked: the file with those that vouch for it can't be used.
    #[error("its ca_file holds no certificates in pem")]
    NoRoots,
    /// This server has a bug: whoever looked has panicked.
    #[error("the look has panicked")]
    Bug,
}

/// A provider's keys, and when to read them again.
pub(super) struct Fetched {
    pub(super) keys: Vec<Key>,
    pub(super) again_after: Duration,
}

/// Looks once whether a provider's keys can be read, and how many there are.
pub async fn look(provider: &Provider) -> Result<usize, FetchError> {
    fetch(provider).await.map(|fetched| fetched.keys.len())
}

/// Reads a provider's keys.
pub(super) async fn fetch(provider: &Provider) -> Result<Fetched, FetchError> {
    // Read each time, as it may have been replaced.
    let tls = match &provider.ca_file {
        Some(path) => with_roots_of(path).ok_or(FetchError::NoRoots)?,
        None => with_systems_roots().map_err(|_| OutsideError::Tls)?,
    };
    let reach = Reach::Named(provider.allow_http);
    let jwks_url = match &provider.jwks_url {
        Some(url) => url.clone(),
        None => {
            let url = format!(
                "{}/.well-known/openid-configuration",
                provider.issuer.trim_end_matches('/')
            );
            keys_at(&read(&url, &reach, &tls).await?.body, &provider.issuer)?
        }
    };
    let answer = read(&jwks_url, &reach, &tls).await?;
    let again_after = refresh_after(answer.header(header::CACHE_CONTROL));
    Ok(Fetched { keys: keys(&answer.body)?, again_after })
}

async fn read(url: &str, reach: &Reach, tls: &TlsConnector) -> Result<Answer, FetchError> {
    let target = Target::parse(url).map_err(|_| FetchError::KeysElsewhere)?;
    target.check(reach).map_err(|_| FetchError::KeysElsewhere)?;
    let ask = Ask {
        accept: "application/json",
        within: OIDC_DOCUMENT_WITHIN,
        body_max: OIDC_DOCUMENT_BYTES_MAX,
        over: Over::Refuse,
    };
    let answer = get(&target, reach, Some(tls), ask).await?;
    match answer.status {
        StatusCode::OK => Ok(answer),
        status => Err(FetchError::Status(status.as_u16())),
    }
}

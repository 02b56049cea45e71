//! The JSON of a token: header and claims, parsed strictly and before anything is believed.
//!
//! Repeated members are refused (two parsers could read two different tokens), and so is `crit`,
//! since no extension is understood here (RFC 7515 section 4.1.11).

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_core::ports::auth::{Claims, TokenError};
use parlour_protocol::limits::{SUBJECT_BYTES_MAX, TOKEN_BYTES_MAX};
use serde::{Deserialize, de::IgnoredAny};

use super::Policy;
use crate::limits;

/// A token cut at its dots; nothing of it is verified yet.
pub(super) struct Parts<'a> {
    /// Header and payload with the dot between: what is signed.
    pub(super) signed: &'a [u8],
    /// The payload, still in base64.
    payload: &'a str,
    /// The signature, in base64.
    pub(super) signature: &'a str,
    /// The algorithm the token claims.
    pub(super) algorithm: String,
    /// The key the token names.
    pub(super) key_id: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// Cuts and reads the unverified part of a token.
pub(super) fn parts(token: &str) -> Result<Parts<'_>, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let mut cuts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (cuts.next(), cuts.next(), cuts.next(), cuts.next())
    else {
        return Err(TokenError::Malformed);
    };
    let signed = &token.as_bytes()[..header.len() + 1 + payload.len()];
    let header: Header = json(header)?;
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    Ok(Parts { signed, payload, signature, algorithm: header.alg, key_id: header.kid })
}

impl Parts<'_> {
    /// The payload, still in base64.
    pub(super) fn payload(&self) -> &str {
        self.payload
    }
}

/// Seconds since 1970 as RFC 7519 has them: whole, or with a fraction, which is dropped.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Whole(u64),
    Fraction(f64),
}

impl Seconds {
    fn to_ms(&self) -> Result<u64, TokenError> {
        let seconds = match *self {
            Seconds::Whole(seconds) => seconds,
            Seconds::Fraction(seconds) if seconds >= 0.0 => seconds as u64,
            Seconds::Fraction(_) => return Err(TokenError::Malformed),
        };
        if seconds > limits::TOKEN_SECONDS_MAX {
            return Err(TokenError::Malformed);
        }
        Ok(seconds * 1000)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Payload {
    sub: String,
    org: String,
    exp: Seconds,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    iat: Option<Seconds>,
    #[serde(default)]
    nbf: Option<Seconds>,
    #[serde(default)]
    aud: Option<Audience>,
    #[serde(default)]
    iss: Option<String>,
}

/// Reads the claims of a token whose signature has been verified, and checks time and purpose.
pub(super) fn claims(
    parts: &Parts<'_>,
    key_id: Arc<str>,
    policy: &Policy,
    now_ms: u64,
) -> Result<Claims, TokenError> {
    let payload: Payload = json(parts.payload)?;
    check_text(&payload)?;
    check_purpose(&payload, policy)?;
    let (iat, nbf) = (payload.iat.as_ref(), payload.nbf.as_ref());
    let (expires_at_ms, issued_at_ms) = check_time(&payload.exp, iat, nbf, policy.leeway, now_ms)?;
    let name = payload.name.unwrap_or_default();
    let scopes = payload.scope.as_deref().unwrap_or_default().split(' ');
    Ok(Claims {
        subject: payload.sub.into(),
        org: payload.org.into(),
        name: name.into(),
        scopes: scopes.filter(|scope| !scope.is_empty()).map(Arc::from).collect(),
        token_id: payload.jti.map(Arc::from),
        key_id,
        issued_at_ms,
        expires_at_ms,
    })
}

fn check_text(payload: &Payload) -> Result<(), TokenError> {
    let required = |text: &str| (1..=SUBJECT_BYTES_MAX).contains(&text.len());
    let optional =
        |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= SUBJECT_BYTES_MAX);
    let fits = required(&payload.sub)
        && required(&payload.org)
        && optional(&payload.name)
        && optional(&payload.jti);
    if fits { Ok(()) } else { Err(TokenError::Malformed) }
}

fn check_purpose(payload: &Payload, policy: &Policy) -> Result<(), TokenError> {
    if let Some(wanted) = &policy.audience {
        let meant = match &payload.aud {
            Some(Audience::One(one)) => one == wanted,
            Some(Audience::Many(many)) => many.contains(wanted),
            None => false,
        };
        if !meant {
            return Err(TokenError::WrongAudience);
        }
    }
    match &policy.issuer {
        Some(wanted) if payload.iss.as_ref() != Some(wanted) => Err(TokenError::WrongAudience),
        _ => Ok(()),
    }
}

/// `exp` and `iat` in milliseconds. An `iat` in the future is refused like an `nbf`: revoking a
/// subject means "issued up to now", and such a token would slip through.
pub(super) fn check_time(
    exp: &Seconds,
    iat: Option<&Seconds>,
    nbf: Option<&Seconds>,
    leeway: Duration,
    now_ms: u64,
) -> Result<(u64, u64), TokenError> {
    let leeway_ms = u64::try_from(leeway.as_millis()).unwrap_or(u64::MAX);
    let expires_at_ms = exp.to_ms()?;
    let issued_at_ms = iat.map_or(Ok(0), Seconds::to_ms)?;
    let not_before_ms = nbf.map_or(Ok(0), Seconds::to_ms)?;
    if expires_at_ms.saturating_add(leeway_ms) <= now_ms {
        return Err(TokenError::Expired);
    }
    if not_before_ms.max(issued_at_ms) > now_ms.saturating_add(leeway_ms) {
        return Err(TokenError::NotYetValid);
    }
    Ok((expires_at_ms, issued_at_ms))
}

pub(super) fn json<T: for<'de> Deserialize<'de>>(segment: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

//! What a provider's token says, read by the claims that the configuration names.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use parlour_core::{
    accounts::invites::is_reserved,
    introduction::GUEST_SCOPE,
    ports::auth::{Claims, TokenError},
};
use parlour_protocol::limits::SUBJECT_BYTES_MAX;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::{Organization, Provider};
use crate::auth::claims::{Parts, Seconds, check_time, json};

/// Who a token says it is from, before anything of it is believed.
pub(super) fn issuer(parts: &Parts<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        iss: String,
    }
    json::<Named>(parts.payload()).ok().map(|named| named.iss)
}

/// A JSON object each of whose members is there once: two readers must not read two different tokens.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if members.contains_key(&name) {
                        map.next_value::<IgnoredAny>()?;
                        return Err(de::Error::custom("a member is there twice"));
                    }
                    members.insert(name, map.next_value()?);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Reader)
    }
}

impl Members {
    /// Text that must be there, and within its bound.
    fn required(&self, name: &str) -> Result<&str, TokenError> {
        let text = match self.0.get(name) {
            Some(Value::String(text)) => text,
            // Some providers list what somebody is a member of; more than one says nothing clear.
            Some(Value::Array(one)) if one.len() == 1 => {
                one[0].as_str().ok_or(TokenError::Malformed)?
            }
            _ => return Err(TokenError::Malformed),
        };
        let fits = (1..=SUBJECT_BYTES_MAX).contains(&text.len());
        if fits { Ok(text) } else { Err(TokenError::Malformed) }
    }

    /// Text that may be missing; what is no text or over its bound counts as missing.
    fn optional(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?;
        (1..=SUBJECT_BYTES_MAX).contains(&text.len()).then_some(text)
    }

    /// What it is revoked by: of one that can't be kept, nothing could be.
    fn token_id(&self) -> Result<Option<&str>, TokenError> {
        match self.0.get("jti") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if id.len() <= SUBJECT_BYTES_MAX => Ok(Some(id)),
            Some(_) => Err(TokenError::Malformed),
        }
    }

    fn seconds(&self, name: &str) -> Result<Option<Seconds>, TokenError> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        let seconds = value.map(Seconds::deserialize).transpose();
        seconds.map_err(|_| TokenError::Malformed)
    }

    fn is_for(&self, audiences: &[String]) -> bool {
        let wanted =
            |aud: &Value| aud.as_str().is_some_and(|aud| audiences.iter().any(|a| a == aud));
        match self.0.get("aud") {
            Some(Value::Array(many)) => many.iter().any(wanted),
            Some(one) => wanted(one),
            None => false,
        }
    }
}

/// Reads the claims of a token whose signature has been verified, and checks time and purpose.
pub(super) fn claims(
    parts: &Parts<'_>,
    provider: &Provider,
    key_id: Arc<str>,
    leeway: Duration,
    now_ms: u64,
) -> Result<Claims, TokenError> {
    let members: Members = json(parts.payload())?;
    if members.optional("iss") != Some(&provider.issuer) || !members.is_for(&provider.audiences) {
        return Err(TokenError::WrongAudience);
    }
    let exp = members.seconds("exp")?.ok_or(TokenError::Malformed)?;
    let (iat, nbf) = (members.seconds("iat")?, members.seconds("nbf")?);
    let (expires_at_ms, issued_at_ms) =
        check_time(&exp, iat.as_ref(), nbf.as_ref(), leeway, now_ms)?;
    let subject = members.required(&provider.subject_claim)?;
    if is_reserved(subject) {
        return Err(TokenError::Malformed);
    }
    let org = match &provider.organization {
        Organization::Fixed(org) => org,
        Organization::Claim { name, except } => {
            let org = members.required(name)?;
            if except.iter().any(|other| other == org) {
                return Err(TokenError::Malformed);
            }
            org
        }
    };
    let name = provider.name_claims.iter().find_map(|name| members.optional(name));
    let scopes = match members.0.get("scope") {
        Some(Value::String(scopes)) => scopes.split(' ').collect(),
        _ => vec![],
    };
    // Being a guest takes rights away: no provider needs leave to say that.
    let is_allowed = |scope: &&str| {
        *scope == GUEST_SCOPE || provider.scopes.iter().any(|allowed| allowed == scope)
    };
    Ok(Claims {
        subject: subject.into(),
        org: org.into(),
        name: name.unwrap_or_default().into(),
        scopes: scopes.into_iter().filter(is_allowed).map(Arc::from).collect(),
        token_id: members.token_id()?.map(Arc::from),
        key_id,
        issued_at_ms,
        expires_at_ms,
    })
}

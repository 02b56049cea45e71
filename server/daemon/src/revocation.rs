//! Revocations an operator makes from the command line: the same rows the protocol's `Revoke`
//! writes, so that one check serves both.

use std::sync::Arc;

use parlour_core::{
    accounts::{Ends, end_logins},
    admission::revoked_key,
    draft::{Closes, RowsDraft},
    identity,
    ports::store::{Batch, Put, Shard, Store, StoreError},
    records::RevokedRow,
    tables::Table,
};
use parlour_protocol::{ids::SessionId, limits::SUBJECT_BYTES_MAX};
use prost::Message;
use serde::{Deserialize, Serialize};

/// What is revoked within an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revoked {
    /// Every token of that `sub` issued up to now.
    Subject(String),
    /// One session, by its id.
    Session(String),
    /// One token, by its `jti`.
    TokenId(String),
}

/// Why something can't be revoked.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// Not a UUID.
    #[error("the session is not a uuid")]
    Session,
    /// Empty or over 255 bytes.
    #[error("names have 1 to 255 bytes")]
    Name,
    /// The store can't take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The draft that revokes it, from now on, and closes what is open. A subject's logins end as well, if they
/// have an account: they would be back with the next token.
pub async fn draft(
    store: &dyn Store,
    org: &str,
    revoked: &Revoked,
    now_ms: u64,
) -> Result<RowsDraft, RevokeError> {
    check_name(org)?;
    let org = identity::org_id(org);
    let (kind, id, closes) = match revoked {
        Revoked::Subject(subject) => {
            check_name(subject)?;
            let user = identity::user_id(org, subject);
            (b'u', user.to_bytes(), Closes::User(user))
        }
        Revoked::Session(session) => {
            let session: SessionId = session.parse().map_err(|_| RevokeError::Session)?;
            (b's', session.to_bytes(), Closes::Session(session))
        }
        Revoked::TokenId(token_id) => {
            check_name(token_id)?;
            (b't', identity::token_key(token_id), Closes::Tokens(vec![Arc::from(&**token_id)]))
        }
    };
    let ends = match &closes {
        Closes::User(user) => end_logins(store, org, *user).await?,
        _ => Ends::default(),
    };
    let row = RevokedRow::new(now_ms);
    let mut puts = vec![Put {
        table: Table::REVOKED,
        key: revoked_key(org, kind, id),
        value: Some(row.encode_to_vec().into()),
    }];
    puts.extend(ends.puts);
    Ok(RowsDraft {
        absent: ends.absent,
        closes: Some(closes),
        ..RowsDraft::new(Shard::Org(org), puts)
    })
}

/// Revokes in a store that no server has open.
pub async fn revoke_offline(
    store: &dyn Store,
    org: &str,
    revoked: &Revoked,
    now_ms: u64,
) -> Result<(), RevokeError> {
    let draft = draft(store, org, revoked, now_ms).await?;
    let mut batch = Batch::new(draft.shard);
    batch.puts = draft.puts;
    let results = store.append(vec![batch]).await?;
    // Nothing is expected of the rows before, so only their size could be refused.
    if results.iter().all(Result::is_ok) { Ok(()) } else { Err(RevokeError::Name) }
}

fn check_name(name: &str) -> Result<(), RevokeError> {
    if (1..=SUBJECT_BYTES_MAX).contains(&name.len()) { Ok(()) } else { Err(RevokeError::Name) }
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;

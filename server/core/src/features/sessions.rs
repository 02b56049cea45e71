//! The session: a new token on a live connection, who is connected, revocation.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::{SessionAdminService, SessionService},
    ids::SessionId,
    limits::{SESSION_PAGE_MAX, SUBJECT_BYTES_MAX},
    session::{
        ListSessionsRequest, ListSessionsResponse, ReauthRequest, ReauthResponse, RevokeRequest,
        RevokeResponse, SessionsRevoked, revoke_request::What,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    accounts::{Ends, end_logins},
    admission::{auth_of, check_revoked, revoked_key},
    draft::{Closes, Draft, OrgDraft, SessionsDraft, store_error},
    identity,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    node::{Auth, Caller},
    ports::store::Put,
    records::RevokedRow,
    tables::Table,
};

impl SessionService<ServerKit> for Features {
    async fn reauth(
        &self,
        ctx: &mut Ctx,
        request: ReauthRequest,
    ) -> Result<Answer<ReauthResponse>, Error> {
        let verified = ctx.node.verified(&request.token, ctx.now).await;
        let (claims, ..) = verified.map_err(|refusal| refusal.to_error())?;
        if *claims.org != *org_of(ctx, &claims.org)? || claims.subject != ctx.caller.subject {
            return Err(Error::new(ErrorReason::SubjectChanged, "the token is another user's"));
        }
        let auth = auth_of(&claims);
        check_revoked(&ctx.node, ctx.caller.org, ctx.caller.user, Some(ctx.caller.session), &auth)
            .await
            .map_err(|refusal| refusal.to_error())?;
        let auth_expires_ms = auth.expires_at_ms;
        let before = replace_auth(&ctx.caller, auth);
        // Ended after it was looked up, and before it was the connection's: nothing would close that.
        if let Err(refusal) = ctx.node.check_admitted(&ctx.caller).await {
            replace_auth(&ctx.caller, before);
            return Err(refusal.to_error());
        }
        Ok(Answer::Now(ReauthResponse { auth_expires_ms }))
    }

    async fn revoke(
        &self,
        ctx: &mut Ctx,
        request: RevokeRequest,
    ) -> Result<Answer<RevokeResponse>, Error> {
        let org = ctx.caller.org;
        let mut event =
            SessionsRevoked { actor: ctx.caller.subject.to_string(), ..Default::default() };
        match request.what.clone() {
            Some(What::Subject(subject)) => event.subject = name("subject", subject)?,
            Some(What::TokenId(token_id)) => event.token_id = name("token_id", token_id)?,
            Some(What::Session(session)) => event.session = session,
            None => return Err(Error::invalid("what", "is missing")),
        }
        // Before the logins are read: whatever changes meanwhile is decided on again.
        let cell = ctx.directory().await?;
        let version = cell.head().seq;
        let (kind, id, closes) = match request.what {
            Some(What::Subject(subject)) => {
                let user = identity::user_id(org, &subject);
                (b'u', user.to_bytes(), Closes::User(user))
            }
            Some(What::Session(session)) => {
                let session = id_field("session", SessionId::parse(&session))?;
                (b's', session.to_bytes(), Closes::Session(session))
            }
            Some(What::TokenId(token_id)) => {
                let key = identity::token_key(&token_id);
                (b't', key, Closes::Tokens(vec![Arc::from(token_id)]))
            }
            None => return Err(Error::invalid("what", "is missing")),
        };
        // Whoever has an account would be back with the next token.
        let ends = match &closes {
            Closes::User(user) => end_logins(ctx.store(), org, *user).await.map_err(store_error)?,
            _ => Ends::default(),
        };
        let row = RevokedRow::new(ctx.now.unix_ms);
        let mut puts = vec![Put {
            table: Table::REVOKED,
            key: revoked_key(org, kind, id),
            value: Some(row.encode_to_vec().into()),
        }];
        puts.extend(ends.puts);
        let draft = OrgDraft {
            absent: ends.absent,
            closes: Some(closes),
            puts,
            ..OrgDraft::new(cell, version, ctx.user(), &event)
        };
        Ok(Answer::commit(Draft::Org(Box::new(draft)), |committed| RevokeResponse {
            closed: committed.closed,
        }))
    }
}

impl SessionAdminService<ServerKit> for Features {
    async fn list_sessions(
        &self,
        ctx: &mut Ctx,
        request: ListSessionsRequest,
    ) -> Result<Answer<ListSessionsResponse>, Error> {
        let max = match request.page_size as usize {
            0 => 50,
            n if n <= SESSION_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 100")),
        };
        let from = match &request.page[..] {
            [] => 0,
            page => u32::from_be_bytes(
                page.try_into().map_err(|_| Error::invalid("page", "is no page of these"))?,
            ),
        };
        let org = ctx.caller.org;
        let of = |subject: &String| identity::user_id(org, subject);
        let user = Some(&request.subject).filter(|subject| !subject.is_empty()).map(of);
        let draft = SessionsDraft { org, user, from, max };
        Ok(Answer::commit(Draft::Sessions(Box::new(draft)), |committed| ListSessionsResponse {
            sessions: committed.sessions.sessions.clone(),
            next_page: page_at(committed.sessions.next),
        }))
    }
}

/// A subject, or a token's id.
fn name(field: &'static str, name: String) -> Result<String, Error> {
    match name.len() {
        1..=SUBJECT_BYTES_MAX => Ok(name),
        _ => Err(Error::invalid(field, "is not 1 to 255 bytes")),
    }
}

fn page_at(next: Option<u32>) -> Bytes {
    next.map_or(Bytes::new(), |next| Bytes::copy_from_slice(&next.to_be_bytes()))
}

/// The organization a token must be of: the caller's.
fn org_of<'a>(ctx: &Ctx, org: &'a str) -> Result<&'a str, Error> {
    if identity::org_id(org) == ctx.caller.org {
        Ok(org)
    } else {
        Err(Error::new(ErrorReason::SubjectChanged, "the token is another organization's"))
    }
}

fn replace_auth(caller: &Caller, auth: Auth) -> Auth {
    let mut held = caller.auth.lock().expect("no panic while the lock is held");
    std::mem::replace(&mut held, auth)
}

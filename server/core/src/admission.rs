//! Admission: from a hello to a caller, or to the reason why not.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use bytes::Bytes;
use parlour_protocol::{
    REV_MAX, REV_MIN, frame,
    ids::{DeviceId, OrgId, SessionId, UserId},
    limits as wire_limits,
    wire::{
        CloseCode, Delivery, Error, ErrorReason, Hello, Limits, ServerFrame, Welcome,
        server_frame::Frame,
    },
};
use prost::Message;

use crate::{
    accounts::keys::{KEY_PREFIX, is_by_key},
    draft::Draft,
    identity,
    intents::Intents,
    introduction::Me,
    node::{Auth, Caller, Link, Node},
    ports::{
        auth::{Claims, TokenError},
        clock::Now,
        store::StoreError,
    },
    records::{RevokedRow, key},
    tables::Table,
};

/// Why a hello was refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No revision in common.
    #[error("no revision in common")]
    NoCommonRevision,
    /// A field of the hello isn't what it has to be.
    #[error("hello is malformed")]
    MalformedHello,
    /// The token was refused.
    #[error(transparent)]
    Token(TokenError),
    /// Token, user or session was revoked.
    #[error("token is revoked")]
    Revoked,
    /// Wrong tokens or keys come too often; in so many milliseconds another one is looked at.
    #[error("wrong tokens or keys come too often")]
    TooOften(u64),
    /// The store doesn't answer.
    #[error("store is unavailable")]
    Unavailable,
}

impl Refusal {
    /// The close code it is told by.
    pub fn close_code(self) -> CloseCode {
        match self {
            Refusal::NoCommonRevision => CloseCode::NoCommonRevision,
            Refusal::MalformedHello => CloseCode::MalformedFrame,
            Refusal::Token(TokenError::Expired) => CloseCode::TokenExpired,
            Refusal::Token(TokenError::KeysUnavailable) => CloseCode::Overloaded,
            Refusal::Token(_) => CloseCode::TokenInvalid,
            Refusal::Revoked => CloseCode::Revoked,
            Refusal::TooOften(_) | Refusal::Unavailable => CloseCode::Overloaded,
        }
    }

    /// When to try again, in milliseconds; 0 where that doesn't matter.
    pub fn after_ms(self) -> u64 {
        if let Refusal::TooOften(ms) = self { ms } else { 0 }
    }

    /// The error it is told by on a live connection.
    pub fn to_error(self) -> Error {
        let reason = match self {
            Refusal::Token(TokenError::Expired) => ErrorReason::TokenExpired,
            Refusal::Token(TokenError::KeysUnavailable) => ErrorReason::StoreUnavailable,
            Refusal::Token(_) => ErrorReason::TokenInvalid,
            Refusal::Revoked => ErrorReason::TokenRevoked,
            Refusal::TooOften(_) => ErrorReason::RateLimited,
            Refusal::Unavailable => ErrorReason::StoreUnavailable,
            Refusal::NoCommonRevision | Refusal::MalformedHello => ErrorReason::MalformedRequest,
        };
        let error = Error::new(reason, self.to_string());
        if self.after_ms() > 0 { error.after_ms(self.after_ms()) } else { error }
    }
}

impl From<StoreError> for Refusal {
    fn from(_: StoreError) -> Self {
        Refusal::Unavailable
    }
}

/// Someone who may come in.
#[derive(Debug)]
pub struct Admission {
    /// Who.
    pub caller: Arc<Caller>,
    /// The welcome, as a frame of the control lane.
    pub welcome: Bytes,
    /// Whether the session goes on.
    pub resumed: bool,
    /// A row to write before the welcome: the user is new or has a new name.
    pub introduces: Option<Draft>,
}

/// What a resume token holds.
#[derive(Clone, PartialEq, Message)]
struct Resume {
    #[prost(bytes = "bytes", tag = "1")]
    session: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    user: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    device: Bytes,
    #[prost(uint64, tag = "4")]
    until_ms: u64,
}

/// What is kept of verified claims.
pub fn auth_of(claims: &Claims) -> Auth {
    Auth {
        expires_at_ms: claims.expires_at_ms,
        issued_at_ms: claims.issued_at_ms,
        key_id: claims.key_id.clone(),
        token_id: claims.token_id.clone(),
        scopes: claims.scopes.clone(),
    }
}

/// The key of a `REVOKED` row.
pub fn revoked_key(org: OrgId, kind: u8, id: [u8; 16]) -> Bytes {
    key(&[org.as_bytes(), &[kind], &id])
}

/// Whether the user's tokens of that time, the session, or the token itself was revoked.
pub async fn check_revoked(
    node: &Node,
    org: OrgId,
    user: UserId,
    session: Option<SessionId>,
    auth: &Auth,
) -> Result<(), Refusal> {
    let mut keys = vec![revoked_key(org, b'u', user.to_bytes())];
    keys.extend(session.map(|session| revoked_key(org, b's', session.to_bytes())));
    keys.extend(auth.token_id.as_deref().map(|id| revoked_key(org, b't', identity::token_key(id))));
    for key in keys {
        let Some(row) = node.store.get(Table::REVOKED, &key).await? else { continue };
        let row = RevokedRow::decode(row).map_err(|_| Refusal::Unavailable)?;
        // A user's row refuses the tokens issued up to then; the others refuse for ever.
        // Tokens count in whole seconds, so one of the same second is refused as well.
        let is_user = key[16] == b'u';
        if !is_user || auth.issued_at_ms <= row.at_ms {
            return Err(Refusal::Revoked);
        }
    }
    Ok(())
}

impl Node {
    /// Decides on a hello.
    pub async fn admit(&self, hello: &Hello) -> Result<Admission, Refusal> {
        let now = self.now();
        if hello.min_rev > REV_MAX || hello.max_rev < REV_MIN || hello.min_rev > hello.max_rev {
            return Err(Refusal::NoCommonRevision);
        }
        let device = DeviceId::parse(&hello.device).map_err(|_| Refusal::MalformedHello)?;
        let fits = hello.agent.len() <= wire_limits::AGENT_BYTES_MAX
            && hello.resume.len() <= wire_limits::RESUME_BYTES_MAX
            && hello.intents.len() <= wire_limits::INTENTS_MAX;
        if !fits {
            return Err(Refusal::MalformedHello);
        }
        let (claims, org, user) = self.verified(&hello.token, now).await?;
        let auth = auth_of(&claims);
        let resume = self.open_resume(&hello.resume, user, device, now.unix_ms);
        check_revoked(self, org, user, resume, &auth).await?;
        let session = resume.unwrap_or_else(|| self.new_session(now.unix_ms));
        let caller = Arc::new(Caller {
            user,
            org,
            org_name: claims.org.clone(),
            subject: claims.subject.clone(),
            name: claims.name.clone(),
            device,
            session,
            delivery: match Delivery::try_from(hello.delivery) {
                Ok(Delivery::Focused) => Delivery::Focused,
                _ => Delivery::All,
            },
            intents: Intents::of(&hello.intents),
            link: Link::new(&hello.agent, now.unix_ms),
            auth: Mutex::new(auth),
            revoked: AtomicBool::new(false),
        });
        let directory = self.directory(org).await?;
        if directory.read(|directory| directory.is_deactivated(user)) {
            return Err(Refusal::Revoked);
        }
        let introduces = self.introduction(&caller).await?;
        let me = self.profile(&caller, &directory).await?;
        let welcome = self.welcome(&caller, hello, resume.is_some(), now.unix_ms, me);
        Ok(Admission { caller, welcome, resumed: resume.is_some(), introduces })
    }

    /// Decides on a token that comes with a single call, without a connection: the caller, and what
    /// to commit because they are new.
    pub async fn admit_once(&self, token: &str) -> Result<(Arc<Caller>, Option<Draft>), Refusal> {
        let (claims, org, user) = self.verified(token, self.now()).await?;
        let caller = Arc::new(Caller {
            user,
            org,
            org_name: claims.org.clone(),
            subject: claims.subject.clone(),
            name: claims.name.clone(),
            // All that comes without a connection counts as one device, of no session.
            device: DeviceId::from_bytes([0; 16]),
            session: SessionId::from_bytes([0; 16]),
            delivery: Delivery::Focused,
            intents: None,
            link: Link::default(),
            auth: Mutex::new(auth_of(&claims)),
            revoked: AtomicBool::new(false),
        });
        self.check_standing(&caller).await?;
        let introduces = self.introduction(&caller).await?;
        Ok((caller, introduces))
    }

    /// Whether the caller of a call that takes long still may go on.
    pub async fn check_admitted(&self, caller: &Caller) -> Result<(), Refusal> {
        let auth = caller.auth();
        if auth.expires_at_ms <= self.now().unix_ms {
            return Err(Refusal::Token(TokenError::Expired));
        }
        if !self.is_verified(&auth) {
            return Err(Refusal::Token(TokenError::UnknownKey));
        }
        self.check_standing(caller).await
    }

    /// Neither token nor user was revoked.
    async fn check_standing(&self, caller: &Caller) -> Result<(), Refusal> {
        let auth = caller.auth();
        check_revoked(self, caller.org, caller.user, None, &auth).await?;
        if is_by_key(&auth) {
            // Ended with all of its account, or looked up while that was under way.
            self.check_key(caller).await?;
        }
        let directory = self.directory(caller.org).await?;
        match directory.read(|directory| directory.is_deactivated(caller.user)) {
            true => Err(Refusal::Revoked),
            false => Ok(()),
        }
    }

    /// Whose token that is, or whose key.
    pub(crate) async fn verified(
        &self,
        token: &str,
        now: Now,
    ) -> Result<(Claims, OrgId, UserId), Refusal> {
        if token.len() > wire_limits::TOKEN_BYTES_MAX {
            return Err(Refusal::Token(TokenError::Malformed));
        }
        if token.starts_with(KEY_PREFIX) {
            return self.by_key(token, now).await;
        }
        let claims = match self.verifier.verify(token, now.unix_ms) {
            Err(error @ (TokenError::UnknownKey | TokenError::KeysUnavailable)) => {
                let found = self.verifier.find_key(token).ok_or(Refusal::Token(error))?;
                found.await;
                self.verifier.verify(token, self.now().unix_ms)
            }
            verified => verified,
        };
        let claims = claims.map_err(Refusal::Token)?;
        let org = identity::org_id(&claims.org);
        let user = identity::user_id(org, &claims.subject);
        Ok((claims, org, user))
    }

    fn new_session(&self, now_ms: u64) -> SessionId {
        SessionId::from_bytes(self.new_id(now_ms))
    }

    fn open_resume(
        &self,
        sealed: &[u8],
        user: UserId,
        device: DeviceId,
        now_ms: u64,
    ) -> Option<SessionId> {
        let resume = Resume::decode(&self.sealer.open(sealed)?[..]).ok()?;
        let same = resume.user == user.as_bytes()[..] && resume.device == device.as_bytes()[..];
        let session = SessionId::parse(&resume.session).ok()?;
        (same && now_ms <= resume.until_ms).then_some(session)
    }

    fn welcome(&self, caller: &Caller, hello: &Hello, resumed: bool, now_ms: u64, me: Me) -> Bytes {
        let auth_expires_ms = caller.auth().expires_at_ms;
        let resume = Resume {
            session: caller.session.to_field(),
            user: caller.user.to_field(),
            device: caller.device.to_field(),
            until_ms: auth_expires_ms + wire_limits::RESUME_WITHIN.as_millis() as u64,
        };
        let welcome = Welcome {
            rev: hello.max_rev.min(REV_MAX),
            features: vec![],
            session: caller.session.to_field(),
            user: caller.user.to_field(),
            org: caller.org.to_field(),
            name: me.name,
            limits: Some(announced()),
            auth_expires_ms,
            resume: self.sealer.seal(&resume.encode_to_vec()).into(),
            server_time_ms: now_ms,
            incarnation: self.incarnation.to_field(),
            resumed,
            profile: me.profile,
            role: me.role,
            memberships: me.memberships,
            scopes: caller.with_auth(|auth| {
                auth.scopes
                    .iter()
                    .take(wire_limits::WELCOME_SCOPES_MAX)
                    .map(|scope| scope.to_string())
                    .collect()
            }),
        };
        frame::encode(&ServerFrame { frame: Some(Frame::Welcome(welcome)) })
    }
}

fn announced() -> Limits {
    Limits {
        control_frame_bytes_max: wire_limits::CONTROL_FRAME_BYTES_MAX as u32,
        bulk_frame_bytes_max: wire_limits::BULK_FRAME_BYTES_MAX as u32,
        body_bytes_max: wire_limits::BODY_BYTES_MAX as u32,
        text_bytes_max: wire_limits::TEXT_BYTES_MAX as u32,
        mentions_max: wire_limits::MENTIONS_MAX as u32,
        calls_in_flight_max: wire_limits::CALLS_IN_FLIGHT_MAX as u32,
        bulk_lanes_max: wire_limits::BULK_LANES_MAX as u32,
        subscriptions_max: wire_limits::SUBSCRIPTIONS_MAX as u32,
        group_members_max: wire_limits::GROUP_MEMBERS_MAX as u32,
    }
}

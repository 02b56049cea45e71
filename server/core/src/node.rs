//! The node: what all connections share, and the way from a call to its handler.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use parlour_protocol::{
    ids::{DeviceId, Incarnation, OrgId, RoomId, SessionId, UserId, uuid_v7},
    session::Carrier,
    wire::{Delivery, Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    accounts::Accounts,
    blobs::{Attachments, BlobPolicy},
    chain::chain_broken,
    directory::{Directories, DirectoryCell},
    draft::{Again, AnswerOf, Draft, Refused, store_error},
    intents::Intents,
    kit::{Ctx, Features, ItemSink, RawReply, ServerKit},
    log_time::LogTime,
    nudge::Nudge,
    paces::Paces,
    people::People,
    polls::Polls,
    ports::{
        accounts::Issuer,
        auth::TokenVerifier,
        blobs::Blobs,
        clock::{Clock, Entropy, Now},
        health::Health,
        passkeys::Passkeys,
        posts::Poster,
        seal::Sealer,
        search::Search,
        store::{Store, StoreError},
    },
    presence::Cards,
    previews::Previews,
    quotas::Quotas,
    records::{LogTimeRow, UserRow, org_user},
    rooms::{RoomCell, RoomState, Rooms, load_node_room},
    search::Searching,
    tables::Table,
    threads::Threads,
    users::UserLogs,
    webhooks::Webhooks,
    words::Filters,
};

/// What a node is made of.
#[derive(Clone)]
pub struct Parts {
    /// Logs and tables.
    pub store: Arc<dyn Store>,
    /// Attachments' bytes.
    pub blobs: Arc<dyn Blobs>,
    /// What may be uploaded.
    pub blob_policy: BlobPolicy,
    /// Verifies tokens.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Seals resume tokens.
    pub sealer: Arc<dyn Sealer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// What all connections share.
pub struct Node {
    /// Logs and tables.
    pub store: Arc<dyn Store>,
    /// Verifies tokens.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Attachments.
    pub attachments: Attachments,
    /// Rooms in memory.
    pub rooms: Rooms,
    /// Organizations' people in memory, by their names.
    pub people: People,
    /// How fast users do what others feel.
    pub paces: Paces,
    /// Threads in memory.
    pub threads: Threads,
    /// Polls in memory.
    pub polls: Polls,
    /// Users' own logs in memory.
    pub users: UserLogs,
    /// Organizations' directories in memory.
    pub directories: Directories,
    /// What users have set about their presence, in memory.
    pub cards: Cards,
    /// When what was changed.
    pub log_time: LogTime,
    /// Accounts of the server's own, if it keeps any.
    pub accounts: Accounts,
    /// Where events are posted to, if somebody posts.
    pub webhooks: Webhooks,
    /// How long things are kept has changed.
    pub retention: Arc<Nudge>,
    /// Words that organizations don't take.
    pub filters: Filters,
    /// There is somebody to erase.
    pub erasures: Arc<Nudge>,
    /// How much organizations may have, and how much they have.
    pub quotas: Quotas,
    /// Messages with links.
    pub previews: Previews,
    /// The index of messages by their words, if there is one.
    pub search: Searching,
    /// The store's incarnation.
    pub incarnation: Incarnation,
    /// How the server is, where somebody knows.
    pub health: OnceLock<Arc<dyn Health>>,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    // Users whose rows are written, under that name of their tokens, so that a reconnect writes nothing.
    pub(crate) known_users: Mutex<FxHashMap<UserId, Arc<str>>>,
}

/// Who is on the other side of a connection.
#[derive(Debug)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The user's organization.
    pub org: OrgId,
    /// The token's `org`.
    pub org_name: Arc<str>,
    /// The token's `sub`.
    pub subject: Arc<str>,
    /// The token's `name`.
    pub name: Arc<str>,
    /// The device.
    pub device: DeviceId,
    /// The session.
    pub session: SessionId,
    /// What it wants to hear.
    pub delivery: Delivery,
    /// Of that, what it wants to be told; everything without.
    pub intents: Option<Intents>,
    /// How they are connected.
    pub link: Link,
    /// The token's part, replaced by `Reauth`.
    pub auth: Mutex<Auth>,
    /// Revoked while connected: nothing is done for them any more, however long the connection takes to
    /// close.
    pub revoked: AtomicBool,
}

/// How somebody is connected, for those who look after the organization.
#[derive(Debug, Default)]
pub struct Link {
    /// What the client calls itself.
    pub agent: Box<str>,
    /// Since when, Unix milliseconds.
    pub since_ms: u64,
    /// Over what, and from where, once that is known.
    pub place: OnceLock<(Carrier, Option<IpAddr>)>,
}

impl Link {
    /// A client of that name, from now on.
    pub fn new(agent: &str, now_ms: u64) -> Self {
        Link { agent: agent.into(), since_ms: now_ms, place: OnceLock::new() }
    }
}

/// What is left of a token once it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// When its time is over, Unix milliseconds.
    pub expires_at_ms: u64,
    /// When it was issued, Unix milliseconds.
    pub issued_at_ms: u64,
    /// The key that verified it.
    pub key_id: Arc<str>,
    /// Its `jti`.
    pub token_id: Option<Arc<str>>,
    /// What it allows.
    pub scopes: Vec<Arc<str>>,
}

impl Caller {
    /// A user for whom something is done while they aren't there.
    pub fn absent(org: OrgId, user: UserId, now: Now) -> Self {
        let auth = Auth {
            expires_at_ms: u64::MAX,
            issued_at_ms: now.unix_ms,
            key_id: "".into(),
            token_id: None,
            scopes: vec![],
        };
        Caller {
            user,
            org,
            org_name: "".into(),
            subject: "".into(),
            name: "".into(),
            device: DeviceId::from_bytes([0; 16]),
            session: SessionId::from_bytes([0; 16]),
            delivery: Delivery::All,
            intents: None,
            link: Link::default(),
            auth: Mutex::new(auth),
            revoked: AtomicBool::new(false),
        }
    }

    /// The token's part, as of now.
    pub fn auth(&self) -> Auth {
        self.auth.lock().expect("no panic while the lock is held").clone()
    }

    /// Looks at the token's part without copying it.
    pub fn with_auth<T>(&self, look: impl FnOnce(&Auth) -> T) -> T {
        look(&self.auth.lock().expect("no panic while the lock is held"))
    }

    /// The answer to whatever the caller asks for after they were revoked.
    fn check_here(&self) -> Result<(), Error> {
        match self.revoked.load(Ordering::Acquire) {
            true => Err(Refused::Revoked.into()),
            false => Ok(()),
        }
    }

    /// Whether the token allows what needs `scope`; an empty one is allowed to everyone.
    pub fn has_scope(&self, scope: &str) -> bool {
        scope.is_empty() || self.with_auth(|auth| auth.scopes.iter().any(|have| &**have == scope))
    }
}

/// What became of a control call.
pub enum Outcome {
    /// Answered.
    Now(Result<Bytes, Error>),
    /// Answered once the draft is committed.
    Commit(Draft, AnswerOf),
}

impl Node {
    /// A node over these parts.
    pub fn new(parts: Parts) -> Self {
        let incarnation = Incarnation::from_bytes(parts.store.info().incarnation);
        Node {
            store: parts.store,
            attachments: Attachments::new(parts.blobs, parts.blob_policy),
            verifier: parts.verifier,
            sealer: parts.sealer,
            clock: parts.clock,
            entropy: parts.entropy,
            rooms: Rooms::default(),
            paces: Paces::default(),
            people: People::default(),
            threads: Threads::default(),
            polls: Polls::default(),
            users: UserLogs::default(),
            directories: Directories::default(),
            cards: Cards::default(),
            retention: Arc::default(),
            filters: Filters::default(),
            erasures: Arc::default(),
            log_time: LogTime::default(),
            accounts: Accounts::default(),
            health: OnceLock::new(),
            webhooks: Webhooks::default(),
            quotas: Quotas::default(),
            previews: Previews::default(),
            search: Searching::default(),
            incarnation,
            known_users: Mutex::new(FxHashMap::default()),
        }
    }

    /// The same with an index to search, which somebody has to feed.
    pub fn searching(self, port: Arc<dyn Search>) -> Self {
        Node { search: Searching::over(port), ..self }
    }

    /// The same with somebody who posts events to addresses outside, for whom a courier has to run.
    pub fn posting(self, port: Arc<dyn Poster>) -> Self {
        Node { webhooks: Webhooks::over(port), ..self }
    }

    /// The same with somebody who looks where links lead.
    pub fn with_previews(self) -> Self {
        Node { previews: Previews::looked_at(), ..self }
    }

    /// The same, whose accounts have passkeys.
    pub fn with_passkeys(self, passkeys: Arc<dyn Passkeys>) -> Self {
        Node { accounts: self.accounts.with_passkeys(passkeys), ..self }
    }

    /// The same with accounts of its own, whose tokens the verifier accepts.
    pub fn with_accounts(self, issuer: Arc<dyn Issuer>) -> Self {
        Node { accounts: Accounts::over(issuer), ..self }
    }

    /// An id in the order of time (RFC 9562, version 7).
    pub(crate) fn new_id(&self, now_ms: u64) -> [u8; 16] {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        uuid_v7(now_ms, random)
    }

    /// By chance: true once in so many times.
    pub fn one_in(&self, times: u8) -> bool {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        byte[0] % times.max(1) == 0
    }

    /// The present.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Processor time this program has used so far, where that is known.
    pub fn processor_time(&self) -> Option<std::time::Duration> {
        self.clock.processor_time()
    }

    /// What is recorded of a user of the organization.
    pub async fn user_row(&self, org: OrgId, user: UserId) -> Result<Option<UserRow>, StoreError> {
        let row = self.store.get(Table::USERS, &org_user(org, user)).await?;
        row.map(UserRow::decode).transpose().map_err(|_| StoreError::Damaged)
    }

    /// The organization's directory.
    pub async fn directory(&self, org: OrgId) -> Result<Arc<DirectoryCell>, StoreError> {
        self.directories.get(&*self.store, &self.rooms, org).await
    }

    /// A room that the organization may have: of a node of its directory, or any other.
    pub async fn room(&self, org: OrgId, id: RoomId) -> Result<Option<Arc<RoomCell>>, StoreError> {
        let its = |cell: &Arc<RoomCell>| cell.org == org;
        if let Some(cell) = self.rooms.cached(id) {
            return Ok(Some(cell).filter(its));
        }
        let directory = self.directory(org).await?;
        if !directory.read(|directory| directory.node(id).is_some()) {
            return Ok(self.rooms.get(&*self.store, id).await?.filter(its));
        }
        let (group, head) = load_node_room(&*self.store, id).await?;
        // Kept while the directory can't change, so that every change reaches it.
        Ok(directory.read(|directory| {
            let state = RoomState { group, head, ..directory.room_state(id)? };
            Some(self.rooms.insert(Arc::new(RoomCell::new(id, state))))
        }))
    }

    /// Goes on with the log time that was committed before a restart.
    pub(crate) async fn recall_time(&self) -> Result<(), StoreError> {
        let row = match self.store.get(Table::LOG_TIME, &[]).await {
            // Only a clock that fell back as well would be noticed.
            Err(StoreError::Damaged) => None,
            other => other?,
        };
        let row = row.and_then(|row| LogTimeRow::decode(row).ok()).unwrap_or_default();
        self.log_time.restore(row.floor_ms);
        Ok(())
    }

    /// Runs the handler of a control call, maybe again. Calls of one connection are run one after
    /// another, so that their drafts keep their order. `over_rate` says whether it comes too fast;
    /// a call that runs again isn't asked, it has paid.
    pub async fn call(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        again: &Again,
        over_rate: impl FnOnce() -> Option<Error>,
    ) -> Outcome {
        let refused = match again.times {
            0 if again.is_chain_broken() => Some(chain_broken()),
            0 => over_rate(),
            _ => None,
        };
        let outcome = match refused {
            Some(error) => Outcome::Now(Err(error)),
            None => self.run(caller, again).await,
        };
        let outcome = match outcome {
            Outcome::Commit(draft, answer) => match self.count_for(&draft).await {
                Ok(()) => Outcome::Commit(draft, answer),
                Err(error) => Outcome::Now(Err(store_error(error))),
            },
            outcome => outcome,
        };
        let outcome = match outcome {
            Outcome::Commit(..) if again.takes_nothing => {
                Outcome::Now(Err(store_error(StoreError::ReadOnly)))
            }
            outcome => outcome,
        };
        // What is stored already stands where it stood: its repetition overtakes nothing, right or wrong.
        let is_repeated = |error: &Error| error.reason == ErrorReason::RefConflict as i32;
        if let Outcome::Now(Err(error)) = &outcome
            && !is_repeated(error)
        {
            again.break_chain();
        }
        outcome
    }

    async fn run(self: &Arc<Self>, caller: &Arc<Caller>, again: &Again) -> Outcome {
        let Again { method, ref body, times, .. } = *again;
        let mut ctx = Ctx {
            node: self.clone(),
            caller: caller.clone(),
            now: self.now(),
            reruns: times,
            is_chained: again.chain.is_some(),
        };
        if let Err(error) = caller.check_here().and_then(|()| check_scope(caller, method)) {
            return Outcome::Now(Err(error));
        }
        let result = parlour_protocol::generated::dispatch_control::<ServerKit, Features>(
            &Features,
            &mut ctx,
            method,
            body.clone(),
        );
        match result.await {
            Ok(RawReply::Now(body)) => Outcome::Now(Ok(body)),
            Ok(RawReply::Commit(draft, answer)) => Outcome::Commit(draft, answer),
            Err(error) => Outcome::Now(Err(error)),
        }
    }

    /// Runs the handler of a bulk call, which puts its items into `out`.
    pub async fn bulk(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        method: u32,
        body: Bytes,
        out: Box<dyn ItemSink>,
    ) -> Result<(), Error> {
        let mut ctx = Ctx {
            node: self.clone(),
            caller: caller.clone(),
            now: self.now(),
            reruns: 0,
            is_chained: false,
        };
        caller.check_here()?;
        check_scope(caller, method)?;
        parlour_protocol::generated::dispatch_bulk::<ServerKit, Features>(
            &Features, &mut ctx, method, body, out,
        )
        .await
    }
}

fn check_scope(caller: &Caller, method: u32) -> Result<(), Error> {
    match parlour_protocol::generated::method(method) {
        Some(method) if !caller.has_scope(method.scope) => {
            Err(Error::new(ErrorReason::ScopeMissing, "the token lacks a scope"))
        }
        _ => Ok(()),
    }
}

//! Incoming webhooks: from an address to the message that is posted there. Whoever knows the address
//! may post; nobody else has it, since only a hash of its secret part is kept.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId, uuid_v7},
    limits::TEXT_BYTES_MAX,
    message::MessagePosted,
    wire::{Error, ErrorReason},
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{
    draft::{
        Draft, Guard, NewEvent, RoomDraft, RowsDraft, not_allowed, room_archived, room_not_found,
        store_error,
    },
    expiry::expires,
    identity::{self, fingerprint},
    kit::{Ctx, id_field},
    messages::{check_ref, sent_by},
    node::Node,
    ports::store::{Put, Shard, StoreError},
    records::{SendRow, UserRow, key, org_user},
    rooms::RoomCell,
    shown::shows,
    tables::Table,
};

/// Below it on the HTTP port, a hook's secret.
pub const HOOK_PATH: &str = "/parlour/v1/hooks/";

/// Bytes of chance in an address.
const SECRET_BYTES: usize = 16;

/// A row of `Table::HOOKS`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct HookRow {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) user: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) creator: Bytes,
    #[prost(uint64, tag = "4")]
    pub(crate) created_ms: u64,
    /// SHA-256 of the secret part of its address.
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) secret: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    pub(crate) org: Bytes,
}

shows! { HookRow { created_ms } }

/// A hook that was found by its address.
#[derive(Clone, Debug)]
pub struct Hooked {
    /// Its room.
    pub room: Arc<RoomCell>,
    /// The sender of its messages.
    pub user: UserId,
    // The room as it was when the hook was found.
    version: u64,
    name: String,
}

/// What becomes of a post.
#[derive(Debug)]
pub enum Posting {
    /// It was there before, at this place.
    Before(u64),
    /// To be committed; refused as stale, or as being there, look for the hook again.
    New(Box<Draft>),
}

/// A new secret, and the address it makes.
pub(crate) fn new_address(node: &Node, room: RoomId, hook: [u8; 16]) -> (Bytes, Vec<u8>) {
    let mut secret = [0; SECRET_BYTES];
    node.entropy.fill(&mut secret);
    let address = [&room.as_bytes()[..], &hook, &secret].concat();
    (hash(&secret), address)
}

fn hash(secret: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&Sha256::digest(secret))
}

fn hook_not_found() -> Error {
    Error::new(ErrorReason::HookNotFound, "no such hook")
}

impl Node {
    /// The hook of an address. One that is wrong or revoked isn't there, and loads nothing.
    pub async fn hook(&self, address: &[u8]) -> Result<Hooked, Error> {
        let Some((row_key, secret)) = address.split_at_checked(32) else {
            return Err(hook_not_found());
        };
        let room = RoomId::parse(&row_key[..16]).map_err(|_| hook_not_found())?;
        let row = self.hook_row(row_key, secret).await?;
        let org = OrgId::parse(&row.org).map_err(|_| store_error(StoreError::Damaged))?;
        let room = self.room(org, room).await.map_err(store_error)?.ok_or_else(hook_not_found)?;
        // The version first: if the hook is revoked after it is looked for again, the draft is refused.
        let version = room.read(|state| state.version);
        let row = self.hook_row(row_key, secret).await?;
        let user = UserId::parse(&row.user).map_err(|_| store_error(StoreError::Damaged))?;
        Ok(Hooked { room, user, version, name: row.name })
    }

    async fn hook_row(&self, row_key: &[u8], secret: &[u8]) -> Result<HookRow, Error> {
        let row = self.store.get(Table::HOOKS, row_key).await.map_err(store_error)?;
        let row = row.ok_or_else(hook_not_found)?;
        let row = HookRow::decode(row).map_err(|_| store_error(StoreError::Damaged))?;
        // Hashes of guesses tell nothing of the secret, however long they agree.
        if hash(secret) == row.secret { Ok(row) } else { Err(hook_not_found()) }
    }

    /// What to commit first so that others can ask what the hook's user is called.
    pub async fn hook_introduction(&self, hook: &Hooked) -> Result<Option<Draft>, Error> {
        let org = hook.room.org;
        if self.user_row(org, hook.user).await.map_err(store_error)?.is_some() {
            return Ok(None);
        }
        let row = UserRow {
            subject: format!("hook:{}", hook.user),
            name: hook.name.clone(),
            is_hook: true,
            ..UserRow::default()
        };
        let (key, value) = (org_user(org, hook.user), Some(row.encode_to_vec().into()));
        Ok(Some(Draft::Rows(Box::new(RowsDraft::new(
            Shard::Org(org),
            vec![Put { table: Table::USERS, key, value }],
        )))))
    }

    /// A message of the hook's. Without a `client_ref` it is another one each time.
    pub async fn hook_post(
        &self,
        hook: &Hooked,
        text: &str,
        client_ref: Option<&[u8]>,
    ) -> Result<Posting, Error> {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return Err(Error::invalid("text", "is not 1 byte to 16 KiB"));
        }
        let now_ms = self.now().unix_ms;
        let made;
        let field = match client_ref {
            Some(field) => field,
            None => {
                let mut random = [0; 10];
                self.entropy.fill(&mut random);
                made = uuid_v7(now_ms, random);
                &made[..]
            }
        };
        let client_ref = check_ref(now_ms, field)?;
        let kind = MessagePosted::RULE.kind;
        let posted = MessagePosted { text: text.to_owned(), ..MessagePosted::default() };
        let body: Bytes = posted.encode_to_vec().into();
        let print = fingerprint(kind, &[&body, b"hook"]);
        let room = hook.room.id;
        let sent = sent_by(&*self.store, room, hook.user, client_ref, print).await?;
        if let Some(SendRow { seq, .. }) = sent {
            return Ok(Posting::Before(seq));
        }
        if hook.room.read(|state| state.archived) {
            return Err(room_archived());
        }
        self.check_words(hook.room.org, std::iter::once(text)).await?;
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            ..NewEvent::new(hook.user, kind, body)
        };
        // Revoking moves the version, so nothing is posted after it.
        let guard = Guard::Version(hook.version);
        let mut draft = RoomDraft::new(hook.room.clone(), guard, event);
        expires(&mut draft, now_ms);
        Ok(Posting::New(Box::new(Draft::Room(Box::new(draft)))))
    }
}

/// The key of a hook's row.
pub(crate) fn hook_key(room: RoomId, hook: [u8; 16]) -> Bytes {
    key(&[room.as_bytes(), &hook])
}

/// A room whose hooks the caller looks after, and the version of it that this is true of. Operators of
/// the organization, who are in no room, look after all of them.
pub(crate) async fn managed(ctx: &Ctx, field: &[u8]) -> Result<(Arc<RoomCell>, u64), Error> {
    let org = ctx.caller.org;
    if ctx.user() == identity::operator_id(org) {
        let id = id_field("room", RoomId::parse(field))?;
        let cell = ctx.node.room(org, id).await.map_err(store_error)?;
        let cell = cell.filter(|cell| cell.org == org).ok_or_else(room_not_found)?;
        let version = cell.read(|state| state.version);
        return Ok((cell, version));
    }
    let cell = ctx.room(field).await?;
    let (bits, version) = ctx.permissions(&cell).await?;
    if bits.has(Permission::ManageWebhooks) { Ok((cell, version)) } else { Err(not_allowed()) }
}

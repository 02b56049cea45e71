//! Scheduled messages as they are kept, and their sending when their time has come.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::{BlobHash, ClientRef, OrgId, RoomId, UserId, uuid_v7},
    limits::REF_WINDOW,
    message::{SendRequest, SendResponse},
    schedule::{ScheduledChanged, ScheduledFate, ScheduledState},
    wire::{Error, Retry},
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{
    blobs::rows::{claim_put, due_put, use_prefix},
    done::committed,
    draft::{Again, Draft, Refused, RowsDraft, Submit, UserDraft, not_allowed, store_error},
    limits::{REF_AHEAD_MS_MAX, RERUNS_MAX},
    node::{Caller, Node, Outcome},
    ports::{
        blobs::BlobKey,
        store::{Put, Shard, StoreError},
    },
    records::{SendRow, key},
    tables::Table,
    timers::{Later, Timer, Work, forget, timer_put},
};

/// A row of `Table::SCHEDULED`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScheduledRow {
    #[prost(uint64, tag = "1")]
    pub(crate) send_at_ms: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) send: Option<SendRequest>,
    /// `ScheduledState`.
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(message, optional, tag = "4")]
    pub(crate) error: Option<Error>,
    /// When it was first tried: from then on its ref is remembered long enough.
    #[prost(uint64, tag = "5")]
    pub(crate) departed_ms: u64,
}

impl ScheduledRow {
    /// The write of it, or of its end.
    pub(crate) fn put(user: UserId, id: [u8; 16], row: Option<&ScheduledRow>) -> Put {
        let value = row.map(|row| row.encode_to_vec().into());
        Put { table: Table::SCHEDULED, key: key(&[user.as_bytes(), &id]), value }
    }

    /// Its attachments are kept, as if a message in a room of that id had them.
    pub(crate) fn uses(&self, org: OrgId, id: [u8; 16]) -> Vec<Put> {
        self.blobs(org).map(|blob| use_put(blob, id, Some(Bytes::new()))).collect()
    }

    /// They aren't any more: it is looked at soon whether anything else uses them.
    pub(crate) fn uses_end(
        &self,
        (org, user): (OrgId, UserId),
        id: [u8; 16],
        now_ms: u64,
    ) -> Vec<Put> {
        let ends = |blob| [use_put(blob, id, None), due_put(blob, now_ms, user)];
        self.blobs(org).flat_map(ends).collect()
    }

    fn blobs(&self, org: OrgId) -> impl Iterator<Item = BlobKey> + '_ {
        let hashes = self.send.iter().flat_map(|send| &send.attachments);
        hashes.filter_map(move |hash| Some(BlobKey { org, hash: BlobHash::parse(hash).ok()? }))
    }

    fn room(&self) -> Bytes {
        self.send.as_ref().map(|send| send.room.clone()).unwrap_or_default()
    }

    /// What the user's own log says of it.
    pub(crate) fn changed(&self, id: [u8; 16], fate: ScheduledFate, seq: u64) -> ScheduledChanged {
        let id = Bytes::copy_from_slice(&id);
        ScheduledChanged { id, fate: fate as i32, room: self.room(), seq }
    }
}

fn use_put(blob: BlobKey, id: [u8; 16], value: Option<Bytes>) -> Put {
    let key = key(&[&use_prefix(blob, RoomId::from_bytes(id)), &[0; 8]]);
    Put { table: Table::BLOB_USES, key, value }
}

/// It is sent or taken back, which is remembered for as long as the request that made it may come
/// again.
pub(crate) fn end_puts(owner: (OrgId, UserId, [u8; 16]), now_ms: u64) -> [Put; 2] {
    let (_, user, id) = owner;
    let forget_ms = now_ms + REF_WINDOW.as_millis() as u64 + REF_AHEAD_MS_MAX;
    let key = key(&[user.as_bytes(), &id]);
    let end = Put { table: Table::SCHEDULED_ENDS, key, value: Some(Bytes::new()) };
    [end, timer_put(owner, Work::Forget, forget_ms)]
}

/// What is remembered of one that is sent or taken back is old.
pub(crate) async fn forget_end(hub: &Arc<dyn Submit>, timer: &Timer) -> Result<(), Later> {
    let key = key(&[timer.user.as_bytes(), &timer.id]);
    let puts = vec![Put { table: Table::SCHEDULED_ENDS, key, value: None }, timer.end()];
    let rows = RowsDraft::new(Shard::User(timer.user), puts);
    committed(hub, Draft::Rows(Box::new(rows))).await?;
    Ok(())
}

/// A user's scheduled message.
pub(crate) async fn scheduled_row(
    node: &Node,
    user: UserId,
    id: [u8; 16],
) -> Result<Option<ScheduledRow>, StoreError> {
    let row = node.store.get(Table::SCHEDULED, &key(&[user.as_bytes(), &id])).await?;
    row.map(ScheduledRow::decode).transpose().map_err(|_| StoreError::Damaged)
}

/// The message's own id: it follows from what it is of, so that it is sent once however often that is
/// tried, and from when that was first, so that it is remembered long enough.
fn send_ref(id: [u8; 16], departed_ms: u64) -> ClientRef {
    let print = Sha256::new().chain_update(b"scheduled").chain_update(id).finalize();
    let random = std::array::from_fn(|i| print[i]);
    ClientRef::from_bytes(uuid_v7(departed_ms, random))
}

/// Its time has come. First it is said to be on its way, so that whoever takes it back from then on
/// hears that it is too late; then it is sent; then it is gone from the list.
pub(crate) async fn send(
    node: &Arc<Node>,
    hub: &Arc<dyn Submit>,
    timer: &Timer,
) -> Result<(), Later> {
    let Some(row) = depart(node, hub, timer).await? else { return forget(hub, timer).await };
    let sent = match sent_already(node, timer, &row).await? {
        Some(seq) => Ok(seq),
        None => match caller_of(node, timer).await {
            Ok(caller) => sent(node, hub, &caller, &row, timer.id).await.map(|sent| sent.seq),
            Err(error) => Err(error),
        },
    };
    let (next, fate, seq) = match sent {
        Ok(seq) => (None, ScheduledFate::Sent, seq),
        Err(error) if error.retry == Retry::Never as i32 => {
            let state = ScheduledState::Failed as i32;
            let row = ScheduledRow { state, error: Some(error), ..row.clone() };
            (Some(row), ScheduledFate::Failed, 0)
        }
        Err(_) => return Err(Later),
    };
    let mut puts = vec![ScheduledRow::put(timer.user, timer.id, next.as_ref()), timer.end()];
    if next.is_none() {
        let now_ms = node.now().unix_ms;
        puts.extend(row.uses_end((timer.org, timer.user), timer.id, now_ms));
        puts.extend(end_puts((timer.org, timer.user, timer.id), now_ms));
    }
    let log = node.users.get(&*node.store, timer.user).await?;
    let draft = UserDraft::of(&log, &row.changed(timer.id, fate, seq), puts);
    committed(hub, Draft::User(Box::new(draft))).await?;
    Ok(())
}

/// Says that it is on its way; `None` where it was taken back or has a later time.
async fn depart(
    node: &Node,
    hub: &Arc<dyn Submit>,
    timer: &Timer,
) -> Result<Option<ScheduledRow>, Later> {
    for _ in 0..=RERUNS_MAX {
        let log = node.users.get(&*node.store, timer.user).await?;
        let version = log.version();
        let row = scheduled_row(node, timer.user, timer.id).await?;
        let Some(row) = row else { return Ok(None) };
        let now_ms = node.now().unix_ms;
        match ScheduledState::try_from(row.state) {
            Ok(ScheduledState::Sending) => {
                renew_claims(hub, timer, &row, now_ms).await?;
                return Ok(Some(row));
            }
            Ok(ScheduledState::Waiting) if row.send_at_ms <= now_ms => {}
            _ => return Ok(None),
        }
        let state = ScheduledState::Sending as i32;
        let row = ScheduledRow { state, departed_ms: now_ms, ..row };
        let mut puts = vec![ScheduledRow::put(timer.user, timer.id, Some(&row))];
        // It was the user's to send when it was scheduled, and has been kept since.
        puts.extend(row.blobs(timer.org).map(|blob| claim_put(timer.user, blob, now_ms)));
        let changed = row.changed(timer.id, ScheduledFate::Sending, 0);
        let draft = UserDraft::of(&log, &changed, puts).at(version);
        match committed(hub, Draft::User(Box::new(draft))).await {
            Ok(_) => return Ok(Some(row)),
            Err(Refused::Stale) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Later)
}

/// However long it has been tried, its attachments are the user's to send.
async fn renew_claims(
    hub: &Arc<dyn Submit>,
    timer: &Timer,
    row: &ScheduledRow,
    now_ms: u64,
) -> Result<(), Later> {
    let claims: Vec<Put> =
        row.blobs(timer.org).map(|blob| claim_put(timer.user, blob, now_ms)).collect();
    if !claims.is_empty() {
        let rows = RowsDraft::new(Shard::User(timer.user), claims);
        committed(hub, Draft::Rows(Box::new(rows))).await?;
    }
    Ok(())
}

/// Its place, if it was sent before the server was killed: whatever its sender may do by now.
async fn sent_already(
    node: &Node,
    timer: &Timer,
    row: &ScheduledRow,
) -> Result<Option<u64>, StoreError> {
    let client_ref = send_ref(timer.id, row.departed_ms);
    let key = key(&[&row.room(), timer.user.as_bytes(), client_ref.as_bytes()]);
    let sent = node.store.get(Table::SENDS, &key).await?.map(SendRow::decode).transpose();
    Ok(sent.map_err(|_| StoreError::Damaged)?.map(|sent| sent.seq))
}

/// The user, as whoever is there without a connection. Who is shut out sends nothing.
async fn caller_of(node: &Node, timer: &Timer) -> Result<Arc<Caller>, Error> {
    let row = node.user_row(timer.org, timer.user).await.map_err(store_error)?;
    row.filter(|row| !row.deactivated).ok_or_else(not_allowed)?;
    Ok(Arc::new(Caller::absent(timer.org, timer.user, node.now())))
}

/// Sends it as the user would, again where what that was decided on has changed.
async fn sent(
    node: &Arc<Node>,
    hub: &Arc<dyn Submit>,
    caller: &Arc<Caller>,
    row: &ScheduledRow,
    id: [u8; 16],
) -> Result<SendResponse, Error> {
    let mut send = row.send.clone().unwrap_or_default();
    send.client_ref = send_ref(id, row.departed_ms).to_field();
    let mut again = Again::first(rpc::Send::METHOD.id, send.encode_to_vec().into(), None);
    let answer = loop {
        let (draft, answer) = match node.call(caller, &again, || None).await {
            Outcome::Now(result) => break result?,
            Outcome::Commit(draft, answer) => (draft, answer),
        };
        match committed(hub, draft).await {
            Ok(committed) => break answer(&committed),
            Err(Refused::Stale | Refused::Exists) if again.times < RERUNS_MAX => again.times += 1,
            Err(refused) => return Err(refused.into()),
        }
    };
    SendResponse::decode(answer).map_err(|_| store_error(StoreError::Damaged))
}

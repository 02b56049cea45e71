//! Saved messages: what a user keeps for themselves, on all their devices.

use std::{cmp::Reverse, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventMessage, SavedService},
    ids::{RoomId, UserId},
    limits::{SAVED_MAX, SAVED_PAGE_MAX},
    saved::{
        ListSavedRequest, ListSavedResponse, MessageSaved, MessageUnsaved, SaveMessageRequest,
        SaveMessageResponse, SavedMessage, UnsaveMessageRequest, UnsaveMessageResponse,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{Basis, Draft, SettledDraft, UserDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    messages::target,
    ports::store::{Put, Scan},
    records::{StampRow, key, room_seq, trailing_seq},
    tables::Table,
    users::UserCell,
};

impl SavedService<ServerKit> for Features {
    async fn save_message(
        &self,
        ctx: &mut Ctx,
        request: SaveMessageRequest,
    ) -> Result<Answer<SaveMessageResponse>, Error> {
        let SaveMessageRequest { room, seq } = request;
        let cell = ctx.room(&room).await?;
        target(ctx, &cell, seq).await?;
        let (log, version) = own(ctx).await?;
        let saved = saved(ctx).await?;
        if let Some(known) = saved.iter().find(|one| (one.room, one.seq) == (cell.id, seq)) {
            let answer = SaveMessageResponse { user_seq: 0, saved_at_ms: known.stamp.at_ms };
            return Ok(settled(log, version, Ok(answer)));
        }
        if saved.len() >= SAVED_MAX {
            let error = Error::new(ErrorReason::TooManySaved, "1,000 messages are saved");
            return Ok(settled(log, version, Err(error)));
        }
        let body = MessageSaved { room, seq }.encode_to_vec().into();
        let draft = UserDraft {
            stamps: vec![(Table::SAVED, row(ctx.user(), cell.id, seq))],
            version: Some(version),
            ..UserDraft::new(log, MessageSaved::RULE.kind, body)
        };
        Ok(Answer::commit(Draft::User(Box::new(draft)), |done| SaveMessageResponse {
            user_seq: done.seq,
            saved_at_ms: done.at_ms,
        }))
    }

    async fn unsave_message(
        &self,
        ctx: &mut Ctx,
        request: UnsaveMessageRequest,
    ) -> Result<Answer<UnsaveMessageResponse>, Error> {
        let UnsaveMessageRequest { room, seq } = request;
        // Whether the caller is in that room or not: what can't be read any more goes, too.
        let id = id_field("room", RoomId::parse(&room))?;
        let (log, version) = own(ctx).await?;
        let row = row(ctx.user(), id, seq);
        if ctx.store().get(Table::SAVED, &row).await.map_err(store_error)?.is_none() {
            return Ok(settled(log, version, Ok(UnsaveMessageResponse { user_seq: 0 })));
        }
        let body = MessageUnsaved { room, seq }.encode_to_vec().into();
        let draft = UserDraft {
            puts: vec![Put { table: Table::SAVED, key: row, value: None }],
            version: Some(version),
            ..UserDraft::new(log, MessageUnsaved::RULE.kind, body)
        };
        Ok(Answer::commit(Draft::User(Box::new(draft)), |done| UnsaveMessageResponse {
            user_seq: done.seq,
        }))
    }

    async fn list_saved(
        &self,
        ctx: &mut Ctx,
        request: ListSavedRequest,
    ) -> Result<Answer<ListSavedResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= SAVED_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 200")),
        };
        let before = match &request.page[..] {
            [] => u64::MAX,
            page => {
                let before = page.try_into().map(u64::from_be_bytes);
                before.map_err(|_| Error::invalid("page", "is not of an answer"))?
            }
        };
        let as_of_user_seq = ctx.user_log().await?.head().seq;
        let mut found = saved(ctx).await?;
        // What came later is heard as an event.
        found.retain(|one| one.stamp.seq < before && one.stamp.seq <= as_of_user_seq);
        found.sort_by_key(|one| Reverse(one.stamp.seq));
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more).map(|last| last.stamp.seq.to_be_bytes());
        let mut saved = Vec::with_capacity(found.len());
        for Saved { room, seq, stamp } in found {
            let gone = is_gone(ctx, room, seq).await?;
            let (room, saved_at_ms) = (room.to_field(), stamp.at_ms);
            saved.push(SavedMessage { room, seq, saved_at_ms, gone });
        }
        let next_page = last.map(|last| Bytes::copy_from_slice(&last)).unwrap_or_default();
        Ok(Answer::Now(ListSavedResponse { saved, next_page, as_of_user_seq }))
    }
}

/// The caller's own log and its version, which whatever is saved or taken off moves: what is read
/// afterwards is still so when it is committed, or it is decided again.
async fn own(ctx: &Ctx) -> Result<(Arc<UserCell>, u64), Error> {
    let log = ctx.user_log().await?;
    let version = log.version();
    Ok((log, version))
}

/// An answer that needs no commit, in its turn.
fn settled<R>(log: Arc<UserCell>, version: u64, answer: Result<R, Error>) -> Answer<R>
where
    R: Default + Send + 'static,
{
    let (answer, error) = match answer {
        Ok(answer) => (answer, None),
        Err(error) => (R::default(), Some(error)),
    };
    let draft = SettledDraft { basis: Basis::User(log, version), error };
    Answer::commit(Draft::Settled(Box::new(draft)), |_| answer)
}

fn row(user: UserId, room: RoomId, seq: u64) -> Bytes {
    key(&[user.as_bytes(), room.as_bytes(), &seq.to_be_bytes()])
}

/// A message that is saved, and the event that saved it.
struct Saved {
    room: RoomId,
    seq: u64,
    stamp: StampRow,
}

/// All that the caller has saved.
async fn saved(ctx: &Ctx) -> Result<Vec<Saved>, Error> {
    let scan = Scan::prefix(Table::SAVED, ctx.user().to_field(), SAVED_MAX);
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let parse = |(row, stamp): (Bytes, Bytes)| {
        let room = RoomId::parse(row.get(16..32)?).ok()?;
        Some(Saved { room, seq: trailing_seq(&row)?, stamp: StampRow::decode(stamp).ok()? })
    };
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// Whether the caller can't read a message any more. Not why: what happens in a room that they
/// aren't in is not for them.
async fn is_gone(ctx: &Ctx, room: RoomId, seq: u64) -> Result<bool, Error> {
    let cell = ctx.node.room(ctx.caller.org, room).await.map_err(store_error)?;
    if !cell.is_some_and(|cell| cell.is_member(ctx.user())) {
        return Ok(true);
    }
    let deleted = ctx.store().get(Table::DELETED, &room_seq(room, seq)).await;
    Ok(deleted.map_err(store_error)?.is_some())
}

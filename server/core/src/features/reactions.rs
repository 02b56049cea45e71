//! Reactions: who has put which emoji to which message. Of one user's events about one emoji the
//! newest counts.

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, ReactionService},
    ids::{RoomId, UserId},
    limits::REACTIONS_PER_USER_MAX,
    reaction::{
        ReactRequest, ReactResponse, ReactionAdded, ReactionWithdrawn, UnreactRequest,
        UnreactResponse,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{Committed, Draft, NewEvent, RoomDraft, store_error},
    emoji::check_emoji,
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit},
    limits::SCAN_ROWS,
    messages::{own_ref, sent_before, target},
    ports::store::{Put, Scan},
    records::{key, room_seq, trailing_seq},
    tables::Table,
};

/// What is wanted of a message's reactions.
struct Wanted {
    room: Bytes,
    client_ref: Bytes,
    target_seq: u64,
    emoji: String,
    /// Put there, or taken off.
    on: bool,
}

impl ReactionService<ServerKit> for Features {
    async fn react(
        &self,
        ctx: &mut Ctx,
        request: ReactRequest,
    ) -> Result<Answer<ReactResponse>, Error> {
        let ReactRequest { room, client_ref, target_seq, emoji } = request;
        let wanted = Wanted { room, client_ref, target_seq, emoji, on: true };
        let answer = |done: &Committed, deduplicated| ReactResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated,
        };
        change(ctx, wanted, answer).await
    }

    async fn unreact(
        &self,
        ctx: &mut Ctx,
        request: UnreactRequest,
    ) -> Result<Answer<UnreactResponse>, Error> {
        let UnreactRequest { room, client_ref, target_seq, emoji } = request;
        let wanted = Wanted { room, client_ref, target_seq, emoji, on: false };
        let answer = |done: &Committed, deduplicated| UnreactResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated,
        };
        change(ctx, wanted, answer).await
    }
}

async fn change<R>(
    ctx: &Ctx,
    wanted: Wanted,
    answer: fn(&Committed, bool) -> R,
) -> Result<Answer<R>, Error>
where
    R: Send + 'static,
{
    let Wanted { room, client_ref, target_seq, emoji, on } = wanted;
    let cell = ctx.open_room(&room).await?;
    check_emoji("emoji", &emoji)?;
    let (kind, body) = match on {
        true => (ReactionAdded::RULE.kind, ReactionAdded { emoji: emoji.clone() }.encode_to_vec()),
        false => {
            let body = ReactionWithdrawn { emoji: emoji.clone() };
            (ReactionWithdrawn::RULE.kind, body.encode_to_vec())
        }
    };
    let client_ref = own_ref(ctx, &client_ref)?;
    let print = fingerprint(kind, &[emoji.as_bytes(), &target_seq.to_be_bytes()]);
    if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
        let done = Committed { seq: sent.seq, at_ms: sent.at_ms, ..Committed::default() };
        return Ok(Answer::Now(answer(&done, true)));
    }
    let guard = match on {
        true => ctx.check(&cell, Permission::React).await?,
        // What one has put there goes whatever else one may do.
        false => ctx.check_all(&cell, &[]).await?,
    };
    let message = target(ctx, &cell, target_seq).await?;
    let mine = reactions_of(ctx, cell.id, target_seq, ctx.user()).await?;
    let before = mine.iter().find(|reaction| reaction.emoji == emoji.as_bytes());
    // In a chain, what was said before may not be committed yet: rather once too often than not.
    if before.is_some_and(|before| before.on) == on && !ctx.is_chained {
        return Ok(Answer::Now(answer(&Committed::default(), false)));
    }
    if on && mine.iter().filter(|reaction| reaction.on).count() >= REACTIONS_PER_USER_MAX {
        let what = "20 reactions of one user to one message";
        return Err(Error::new(ErrorReason::TooManyReactions, what));
    }
    let event = NewEvent {
        client_ref: Some((client_ref, print)),
        target_seq,
        thread_root_seq: message.thread_root_seq,
        ..NewEvent::new(ctx.user(), kind, body.into())
    };
    let id = cell.id;
    let mut draft = RoomDraft::new(cell, guard, event);
    draft.absent.push((Table::DELETED, room_seq(id, target_seq)));
    let prefix = key(&[&prefix(id, target_seq, ctx.user()), emoji.as_bytes()]);
    draft.seq_puts.push((Table::REACTIONS, prefix, Bytes::copy_from_slice(&[u8::from(on)])));
    if let Some(before) = before {
        let row = before.row.clone();
        draft.puts.push(Put { table: Table::REACTIONS, key: row, value: None });
    }
    Ok(Answer::commit(Draft::Room(Box::new(draft)), move |done| answer(done, false)))
}

fn prefix(room: RoomId, target: u64, user: UserId) -> Bytes {
    key(&[room.as_bytes(), &target.to_be_bytes(), user.as_bytes()])
}

/// The newest that a user said about one emoji.
struct Reaction {
    emoji: Bytes,
    on: bool,
    row: Bytes,
}

async fn reactions_of(
    ctx: &Ctx,
    room: RoomId,
    target: u64,
    user: UserId,
) -> Result<Vec<Reaction>, Error> {
    let scan = Scan::prefix(Table::REACTIONS, prefix(room, target, user), SCAN_ROWS);
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let mut found: Vec<Reaction> = Vec::with_capacity(rows.len());
    for (row, value) in rows {
        let Some(emoji) = emoji_of(&row) else { continue };
        let reaction = Reaction { emoji, on: value[..] == [1], row: row.clone() };
        match found.iter_mut().find(|other| other.emoji == reaction.emoji) {
            // Two devices at once: the later event counts.
            Some(other) if trailing_seq(&other.row) < trailing_seq(&row) => *other = reaction,
            Some(_) => {}
            None => found.push(reaction),
        }
    }
    Ok(found)
}

/// The emoji in a key: after room, target and user, before the event's place.
fn emoji_of(row: &Bytes) -> Option<Bytes> {
    (row.len() > 48).then(|| row.slice(40..row.len() - 8))
}

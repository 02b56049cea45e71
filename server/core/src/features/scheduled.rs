//! Scheduled messages: what the server sends later, known to nobody but their sender.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::{MessageService, ScheduleService},
    ids::ClientRef,
    limits::{AHEAD_MAX, SCHEDULED_MAX},
    message::SendRequest,
    schedule::{
        CancelScheduledRequest, CancelScheduledResponse, ListScheduledRequest,
        ListScheduledResponse, ScheduleSendRequest, ScheduleSendResponse, Scheduled, ScheduledFate,
        ScheduledState, UpdateScheduledRequest, UpdateScheduledResponse,
    },
    wire::{Error, ErrorReason, Retry},
};
use prost::Message;

use crate::{
    draft::{Basis, Draft, SettledDraft, UserDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::{ANSWER_BYTES, OWN_BYTES_MAX},
    messages::own_ref,
    pages::after_key,
    ports::store::{Put, Scan},
    records::key,
    scheduled::{ScheduledRow, end_puts, scheduled_row},
    tables::Table,
    timers::{Work, timer_end, timer_put},
    users::UserCell,
};

impl ScheduleService<ServerKit> for Features {
    async fn schedule_send(
        &self,
        ctx: &mut Ctx,
        request: ScheduleSendRequest,
    ) -> Result<Answer<ScheduleSendResponse>, Error> {
        let id = *own_ref(ctx, &request.id)?.as_bytes();
        let repeated = || Answer::Now(ScheduleSendResponse { deduplicated: true });
        let (log, version) = own_log(ctx).await?;
        if row_of(ctx, id).await?.is_some() || has_ended(ctx, id).await? {
            return Ok(repeated());
        }
        let send = request.send.unwrap_or_default();
        check_time(ctx, request.send_at_ms)?;
        check(self, ctx, &send).await?;
        let many = Scan::prefix(Table::SCHEDULED, ctx.user().to_field(), SCHEDULED_MAX);
        if ctx.store().scan(many).await.map_err(store_error)?.len() >= SCHEDULED_MAX {
            let error = Error::new(ErrorReason::TooManyScheduled, "100 messages are scheduled");
            let draft = SettledDraft { basis: Basis::User(log, version), error: Some(error) };
            return Ok(Answer::commit(Draft::Settled(Box::new(draft)), |_| Default::default()));
        }
        let row = ScheduledRow {
            send_at_ms: request.send_at_ms,
            send: Some(send),
            state: ScheduledState::Waiting as i32,
            error: None,
            departed_ms: 0,
        };
        let mut puts = row.uses(ctx.caller.org, id);
        puts.push(timer(ctx, id, row.send_at_ms));
        puts.push(ScheduledRow::put(ctx.user(), id, Some(&row)));
        let draft = decided(&log, version, &row, id, ScheduledFate::Set, puts);
        Ok(Answer::commit(draft, |_| ScheduleSendResponse { deduplicated: false }))
    }

    async fn update_scheduled(
        &self,
        ctx: &mut Ctx,
        request: UpdateScheduledRequest,
    ) -> Result<Answer<UpdateScheduledResponse>, Error> {
        let id = *id_field("id", ClientRef::parse(&request.id))?.as_bytes();
        let (log, version) = own_log(ctx).await?;
        let before = still_here(ctx, id).await?;
        let mut row =
            ScheduledRow { state: ScheduledState::Waiting as i32, error: None, ..before.clone() };
        if let Some(send) = request.send {
            check(self, ctx, &send).await?;
            row.send = Some(send);
        }
        if request.send_at_ms > 0 {
            row.send_at_ms = request.send_at_ms;
        }
        check_time(ctx, row.send_at_ms)?;
        let org = ctx.caller.org;
        // In this order: what both have stays.
        let mut puts = before.uses_end((org, ctx.user()), id, ctx.now.unix_ms);
        puts.push(timer_end(ctx.user(), id, Work::Send, before.send_at_ms));
        puts.extend(row.uses(org, id));
        puts.push(timer(ctx, id, row.send_at_ms));
        puts.push(ScheduledRow::put(ctx.user(), id, Some(&row)));
        let draft = decided(&log, version, &row, id, ScheduledFate::Set, puts);
        Ok(Answer::commit(draft, |_| UpdateScheduledResponse {}))
    }

    async fn cancel_scheduled(
        &self,
        ctx: &mut Ctx,
        request: CancelScheduledRequest,
    ) -> Result<Answer<CancelScheduledResponse>, Error> {
        let id = *id_field("id", ClientRef::parse(&request.id))?.as_bytes();
        let (log, version) = own_log(ctx).await?;
        let row = still_here(ctx, id).await?;
        let (org, user, now_ms) = (ctx.caller.org, ctx.user(), ctx.now.unix_ms);
        let mut puts = row.uses_end((org, user), id, now_ms);
        puts.extend(end_puts((org, user, id), now_ms));
        puts.push(timer_end(ctx.user(), id, Work::Send, row.send_at_ms));
        puts.push(ScheduledRow::put(ctx.user(), id, None));
        let draft = decided(&log, version, &row, id, ScheduledFate::Cancelled, puts);
        Ok(Answer::commit(draft, |_| CancelScheduledResponse {}))
    }

    async fn list_scheduled(
        &self,
        ctx: &mut Ctx,
        request: ListScheduledRequest,
    ) -> Result<Answer<ListScheduledResponse>, Error> {
        let as_of_user_seq = ctx.user_log().await?.head().seq;
        let mut scan = Scan::prefix(Table::SCHEDULED, ctx.user().to_field(), SCHEDULED_MAX);
        after_key(&mut scan, ctx.user(), &request.page)?;
        let (mut scheduled, mut bytes) = (Vec::new(), 0);
        let mut next_page = Bytes::new();
        for (row_key, row) in ctx.store().scan(scan).await.map_err(store_error)? {
            // A damaged row hides none of the others.
            let Ok(ScheduledRow { send_at_ms, send, state, error, .. }) = ScheduledRow::decode(row)
            else {
                continue;
            };
            let id = row_key.slice(16..);
            let one = Scheduled { id: id.clone(), send_at_ms, send, state, error };
            bytes += one.encoded_len() + 8;
            if bytes > ANSWER_BYTES && !scheduled.is_empty() {
                return Ok(Answer::Now(ListScheduledResponse {
                    scheduled,
                    next_page,
                    as_of_user_seq,
                }));
            }
            next_page = id;
            scheduled.push(one);
        }
        let next_page = Bytes::new();
        Ok(Answer::Now(ListScheduledResponse { scheduled, next_page, as_of_user_seq }))
    }
}

/// The caller's own log and its version: what is read afterwards is still so when it is committed, or
/// it is decided again.
async fn own_log(ctx: &Ctx) -> Result<(Arc<UserCell>, u64), Error> {
    let log = ctx.user_log().await?;
    let version = log.version();
    Ok((log, version))
}

async fn row_of(ctx: &Ctx, id: [u8; 16]) -> Result<Option<ScheduledRow>, Error> {
    scheduled_row(&ctx.node, ctx.user(), id).await.map_err(store_error)
}

/// One that can be changed.
async fn still_here(ctx: &Ctx, id: [u8; 16]) -> Result<ScheduledRow, Error> {
    let row = row_of(ctx, id).await?;
    let row = row.filter(|row| row.state != ScheduledState::Sending as i32);
    row.ok_or_else(|| Error::new(ErrorReason::ScheduledNotFound, "no such scheduled message"))
}

/// Whether it was sent or taken back, of a request that is made again.
async fn has_ended(ctx: &Ctx, id: [u8; 16]) -> Result<bool, Error> {
    let key = key(&[ctx.user().as_bytes(), &id]);
    Ok(ctx.store().get(Table::SCHEDULED_ENDS, &key).await.map_err(store_error)?.is_some())
}

fn check_time(ctx: &Ctx, send_at_ms: u64) -> Result<(), Error> {
    let now_ms = ctx.now.unix_ms;
    if send_at_ms <= now_ms || send_at_ms > now_ms + AHEAD_MAX.as_millis() as u64 {
        return Err(Error::invalid("send_at_ms", "is not within the next 400 days"));
    }
    Ok(())
}

/// Refuses what couldn't be sent now. That the room has to wait a moment is no reason.
async fn check(features: &Features, ctx: &mut Ctx, send: &SendRequest) -> Result<(), Error> {
    if !send.client_ref.is_empty() {
        return Err(Error::invalid("send.client_ref", "is not empty"));
    }
    if send.encoded_len() > OWN_BYTES_MAX {
        let what = "a scheduled message is at most 32 KiB";
        return Err(Error::new(ErrorReason::BodyTooLarge, what));
    }
    let client_ref = ctx.node.new_id(ctx.now.unix_ms);
    let send = SendRequest { client_ref: Bytes::copy_from_slice(&client_ref), ..send.clone() };
    // What a send would be refused for; what it would commit is left.
    match MessageService::send(features, ctx, send).await {
        Err(error) if error.retry == Retry::Never as i32 => Err(error),
        _ => Ok(()),
    }
}

fn timer(ctx: &Ctx, id: [u8; 16], send_at_ms: u64) -> Put {
    timer_put((ctx.caller.org, ctx.user(), id), Work::Send, send_at_ms)
}

fn decided(
    log: &Arc<UserCell>,
    version: u64,
    row: &ScheduledRow,
    id: [u8; 16],
    fate: ScheduledFate,
    puts: Vec<Put>,
) -> Draft {
    let draft = UserDraft::of(log, &row.changed(id, fate, 0), puts).at(version);
    Draft::User(Box::new(draft))
}

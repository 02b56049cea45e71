//! Reminders: what a user wants to be told of at a time.

use bytes::Bytes;
use parlour_protocol::{
    generated::ReminderService,
    ids::ClientRef,
    limits::{AHEAD_MAX, REMINDER_TEXT_BYTES_MAX, REMINDERS_MAX},
    reminder::{
        DeleteReminderRequest, DeleteReminderResponse, ListRemindersRequest, ListRemindersResponse,
        Reminder, SetReminderRequest, SetReminderResponse,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{Basis, Draft, SettledDraft, UserDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::ANSWER_BYTES,
    messages::target,
    pages::after_key,
    ports::store::Scan,
    reminders::{changed, deleted, reminder_put, reminder_row},
    tables::Table,
    timers::{Work, timer_end, timer_put},
};

impl ReminderService<ServerKit> for Features {
    async fn set_reminder(
        &self,
        ctx: &mut Ctx,
        request: SetReminderRequest,
    ) -> Result<Answer<SetReminderResponse>, Error> {
        let reminder = Reminder { due: false, ..request.reminder.unwrap_or_default() };
        let id = *id_field("reminder.id", ClientRef::parse(&reminder.id))?.as_bytes();
        check(ctx, &reminder).await?;
        let log = ctx.user_log().await?;
        let version = log.version();
        let before = reminder_row(&ctx.node, ctx.user(), id).await.map_err(store_error)?;
        if before.as_ref() == Some(&reminder) {
            let draft = SettledDraft { basis: Basis::User(log, version), error: None };
            return Ok(Answer::commit(Draft::Settled(Box::new(draft)), |_| SetReminderResponse {}));
        }
        if before.is_none() {
            let many = Scan::prefix(Table::REMINDERS, ctx.user().to_field(), REMINDERS_MAX);
            if ctx.store().scan(many).await.map_err(store_error)?.len() >= REMINDERS_MAX {
                let error = Error::new(ErrorReason::TooManyReminders, "there are 500 reminders");
                let draft = SettledDraft { basis: Basis::User(log, version), error: Some(error) };
                let draft = Draft::Settled(Box::new(draft));
                return Ok(Answer::commit(draft, |_| SetReminderResponse {}));
            }
        }
        let owner = (ctx.caller.org, ctx.user(), id);
        let ends = before.map(|before| timer_end(ctx.user(), id, Work::Remind, before.at_ms));
        let mut puts: Vec<_> = ends.into_iter().collect();
        puts.push(timer_put(owner, Work::Remind, reminder.at_ms));
        puts.push(reminder_put(ctx.user(), id, Some(&reminder)));
        let draft = UserDraft::of(&log, &changed(reminder), puts).at(version);
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| SetReminderResponse {}))
    }

    async fn delete_reminder(
        &self,
        ctx: &mut Ctx,
        request: DeleteReminderRequest,
    ) -> Result<Answer<DeleteReminderResponse>, Error> {
        let id = *id_field("id", ClientRef::parse(&request.id))?.as_bytes();
        let log = ctx.user_log().await?;
        let version = log.version();
        let row = reminder_row(&ctx.node, ctx.user(), id).await.map_err(store_error)?;
        let Some(row) = row else {
            let draft = SettledDraft { basis: Basis::User(log, version), error: None };
            let draft = Draft::Settled(Box::new(draft));
            return Ok(Answer::commit(draft, |_| DeleteReminderResponse {}));
        };
        let puts = vec![
            timer_end(ctx.user(), id, Work::Remind, row.at_ms),
            reminder_put(ctx.user(), id, None),
        ];
        let draft = UserDraft::of(&log, &deleted(id), puts).at(version);
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| DeleteReminderResponse {}))
    }

    async fn list_reminders(
        &self,
        ctx: &mut Ctx,
        request: ListRemindersRequest,
    ) -> Result<Answer<ListRemindersResponse>, Error> {
        let as_of_user_seq = ctx.user_log().await?.head().seq;
        let mut scan = Scan::prefix(Table::REMINDERS, ctx.user().to_field(), REMINDERS_MAX);
        after_key(&mut scan, ctx.user(), &request.page)?;
        let (mut reminders, mut bytes) = (Vec::<Reminder>::new(), 0);
        let mut next_page = Bytes::new();
        for (_, row) in ctx.store().scan(scan).await.map_err(store_error)? {
            // A damaged row hides none of the others.
            let Ok(reminder) = Reminder::decode(row) else { continue };
            bytes += reminder.encoded_len() + 8;
            if bytes > ANSWER_BYTES {
                next_page = reminders.last().map(|last| last.id.clone()).unwrap_or_default();
                break;
            }
            reminders.push(reminder);
        }
        Ok(Answer::Now(ListRemindersResponse { reminders, next_page, as_of_user_seq }))
    }
}

async fn check(ctx: &Ctx, reminder: &Reminder) -> Result<(), Error> {
    let now_ms = ctx.now.unix_ms;
    if reminder.at_ms <= now_ms || reminder.at_ms > now_ms + AHEAD_MAX.as_millis() as u64 {
        return Err(Error::invalid("reminder.at_ms", "is not within the next 400 days"));
    }
    if reminder.text.len() > REMINDER_TEXT_BYTES_MAX {
        return Err(Error::invalid("reminder.text", "is over 1,024 bytes"));
    }
    match (reminder.room.is_empty(), reminder.seq) {
        (true, 0) if reminder.text.is_empty() => {
            Err(Error::invalid("reminder.text", "is empty, and there is no message"))
        }
        (true, 0) => Ok(()),
        (true, _) | (false, 0) => Err(Error::invalid("reminder.seq", "and the room go together")),
        (false, seq) => {
            let cell = ctx.room(&reminder.room).await?;
            target(ctx, &cell, seq).await.map(drop)
        }
    }
}

//! Presence: what each connection says of it, who hears it, and what users say of themselves.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::PresenceService,
    ids::UserId,
    limits::{PRESENCE_WATCHED_MAX, PRESENCE_WATCHED_PER_CALL_MAX, SEQ_MAX, STATUS_BYTES_MAX},
    presence::{
        Activity, PresenceSettings, SetPresenceRequest, SetPresenceResponse, SetStatusRequest,
        SetStatusResponse, Status, StatusChanged, WatchPresenceRequest, WatchPresenceResponse,
    },
    wire::Error,
};
use prost::Message;

use crate::{
    draft::{Draft, PresenceDraft, PresenceWish, UserDraft, store_error},
    emoji::check_emoji,
    introduction::is_guest,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::GROUNDS_MAX,
    ports::store::Put,
    presence::{Card, Watched, last_seen_put, status_key},
    rooms::RoomCell,
    tables::Table,
    users::UserCell,
};

impl PresenceService<ServerKit> for Features {
    async fn set_presence(
        &self,
        ctx: &mut Ctx,
        request: SetPresenceRequest,
    ) -> Result<Answer<SetPresenceResponse>, Error> {
        let activity = Activity::try_from(request.activity).unwrap_or_default();
        if activity == Activity::Unspecified {
            return Err(Error::invalid("activity", "is none that is known"));
        }
        let wish = PresenceWish::Say(card(ctx, ctx.user()).await?, activity);
        Ok(Answer::commit(draft(ctx, wish), |_| SetPresenceResponse {}))
    }

    async fn watch_presence(
        &self,
        ctx: &mut Ctx,
        request: WatchPresenceRequest,
    ) -> Result<Answer<WatchPresenceResponse>, Error> {
        if request.add.len() > PRESENCE_WATCHED_PER_CALL_MAX {
            return Err(Error::invalid("add", "are more than 200"));
        }
        if request.remove.len() > PRESENCE_WATCHED_MAX {
            return Err(Error::invalid("remove", "are more than 1,000"));
        }
        let remove = ids("remove", &request.remove)?;
        let rooms = guests_rooms(ctx).await?;
        let mut add = Vec::with_capacity(request.add.len());
        for user in ids("add", &request.add)? {
            add.extend(watched(ctx, rooms.as_deref(), user).await?);
        }
        let wish = PresenceWish::Watch { add, remove };
        Ok(Answer::commit(draft(ctx, wish), |done| done.presence.clone()))
    }

    async fn set_status(
        &self,
        ctx: &mut Ctx,
        request: SetStatusRequest,
    ) -> Result<Answer<SetStatusResponse>, Error> {
        let card = card(ctx, ctx.user()).await?;
        if ctx.reruns > 0 {
            // Another device was first, or a commit failed and what is known is older.
            card.refresh(ctx.store()).await.map_err(store_error)?;
        }
        let (number, before) = card.settings();
        let settings = changed(ctx, before.clone(), request)?;
        let answer = SetStatusResponse { settings: Some(settings.clone()) };
        if settings == before {
            return Ok(Answer::Now(answer));
        }
        let draft = set(ctx, number, &settings).await?;
        Ok(Answer::commit(draft, move |_| {
            // It stays in memory until then, so that the commit reaches it.
            drop(card);
            answer
        }))
    }
}

fn draft(ctx: &Ctx, what: PresenceWish) -> Draft {
    Draft::Presence(Box::new(PresenceDraft { now: ctx.now, what }))
}

async fn card(ctx: &Ctx, user: UserId) -> Result<Arc<Card>, Error> {
    ctx.node.cards.get(ctx.store(), user).await.map_err(store_error)
}

fn ids(field: &str, users: &[Bytes]) -> Result<Vec<UserId>, Error> {
    users.iter().map(|user| id_field(field, UserId::parse(user))).collect()
}

/// The rooms the caller is in, if they are a guest: they know of those in them, and of nobody else.
async fn guests_rooms(ctx: &Ctx) -> Result<Option<Vec<Arc<RoomCell>>>, Error> {
    if !ctx.directory().await?.read(|directory| is_guest(directory, &ctx.caller)) {
        return Ok(None);
    }
    let org = ctx.caller.org;
    let mut rooms = Vec::new();
    for room in ctx.node.rooms_of(org, ctx.user()).await.map_err(store_error)? {
        let cell = ctx.node.room(org, room).await.map_err(store_error)?;
        rooms.extend(cell.filter(|cell| cell.is_member(ctx.user())));
    }
    Ok(Some(rooms))
}

/// The user as the caller may watch them. Whoever isn't there for the caller is left out.
async fn watched(
    ctx: &Ctx,
    guests_rooms: Option<&[Arc<RoomCell>]>,
    user: UserId,
) -> Result<Option<(Watched, Arc<UserCell>)>, Error> {
    if ctx.user_row(user).await?.is_none() {
        return Ok(None);
    }
    let card = card(ctx, user).await?;
    if card.mark() == 0 {
        // Read behind the card, so that what is committed meanwhile counts.
        let row = ctx.user_row(user).await?.unwrap_or_default();
        card.learn_mark(row.view(user).mark);
    }
    let grounds = guests_rooms.map(|rooms| {
        let shared = rooms.iter().filter(|cell| cell.is_member(user));
        shared.take(GROUNDS_MAX).cloned().collect::<Box<[_]>>()
    });
    let is_hidden = grounds.as_ref().is_some_and(|rooms| rooms.is_empty());
    if is_hidden && user != ctx.user() {
        return Ok(None);
    }
    // Kept, so that a block that is committed first is seen there.
    let log = ctx.node.users.get(ctx.store(), user).await.map_err(store_error)?;
    if ctx.blocked_by(user).await?.contains(&ctx.user()) {
        return Ok(None);
    }
    Ok(Some((Watched { card, grounds }, log)))
}

/// The settings with what the request changes.
fn changed(
    ctx: &Ctx,
    before: PresenceSettings,
    request: SetStatusRequest,
) -> Result<PresenceSettings, Error> {
    let mut settings = before;
    if let Some(status) = request.status {
        settings.status = checked(ctx, status)?;
    }
    if let Some(until_ms) = request.do_not_disturb_until_ms {
        check_end(ctx, "do_not_disturb_until_ms", until_ms)?;
        settings.do_not_disturb_until_ms = until_ms;
    }
    if let Some(share) = request.share_last_seen {
        settings.share_last_seen = share;
    }
    Ok(settings)
}

/// A status that may be set; `None` for one that says nothing.
fn checked(ctx: &Ctx, status: Status) -> Result<Option<Status>, Error> {
    if status.text.is_empty() && status.emoji.is_empty() {
        return Ok(None);
    }
    if status.text.len() > STATUS_BYTES_MAX {
        return Err(Error::invalid("status.text", "is over 100 bytes"));
    }
    if status.text.chars().any(char::is_control) {
        return Err(Error::invalid("status.text", "has control characters"));
    }
    if !status.emoji.is_empty() {
        check_emoji("status.emoji", &status.emoji)?;
    }
    check_end(ctx, "status.expires_at_ms", status.expires_at_ms)?;
    Ok(Some(status))
}

/// A time at which something ends; 0 means something else.
fn check_end(ctx: &Ctx, field: &str, end_ms: u64) -> Result<(), Error> {
    match end_ms {
        0 => Ok(()),
        end_ms if end_ms <= ctx.now.unix_ms => Err(Error::invalid(field, "is over")),
        end_ms if end_ms > SEQ_MAX => Err(Error::invalid(field, "is no time")),
        _ => Ok(()),
    }
}

/// The event and the rows of settings that follow the change of that number.
async fn set(ctx: &Ctx, number: u64, settings: &PresenceSettings) -> Result<Draft, Error> {
    let user = ctx.user();
    let row = status_key(user, number + 1);
    let value = Some(settings.encode_to_vec().into());
    let mut puts = vec![
        Put { table: Table::STATUS, key: status_key(user, number), value: None },
        Put { table: Table::STATUS, key: row.clone(), value },
    ];
    if !settings.share_last_seen {
        puts.push(last_seen_put(user, None));
    }
    let body = StatusChanged { settings: Some(settings.clone()) };
    let absent = vec![(Table::STATUS, row)];
    let draft = UserDraft { puts, absent, ..ctx.own_draft(&body).await? };
    Ok(Draft::User(Box::new(draft)))
}

//! Rooms and groups: what features that make or change them have in common.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{RoomId, UserId},
    room::{Room, RoomCreated, RoomGained, RoomKind, RoomLost, UserRef, user_ref},
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{EffectsOf, Guard, NewEvent, Place, RoomDraft, room_archived, store_error},
    identity,
    kit::{Ctx, id_field},
    ports::store::Put,
    records::{Counters, Effect, EffectRow, org_user, room_user},
    rooms::{GroupSettings, RoomCell, RoomChange, RoomState, next_version, room_put},
    tables::Table,
};

/// The group a request names, if the caller is in it.
pub(crate) async fn group(ctx: &Ctx, field: &[u8]) -> Result<Arc<RoomCell>, Error> {
    let cell = ctx.room(field).await?;
    match cell.read(|state| state.kind) {
        RoomKind::Group => Ok(cell),
        RoomKind::Direct | RoomKind::User => {
            Err(Error::new(ErrorReason::DirectRoom, "a direct room stays as it is"))
        }
        _ => {
            let what = "name and members come from the directory";
            Err(Error::new(ErrorReason::DirectoryRoom, what))
        }
    }
}

/// The room a request names, if the caller is in it and it can have what people set: slow mode, a
/// picture. The directory doesn't say that of its rooms.
pub(crate) async fn settable(ctx: &Ctx, field: &[u8]) -> Result<Arc<RoomCell>, Error> {
    let cell = ctx.room(field).await?;
    match cell.read(|state| (state.is_of_directory(), state.archived)) {
        (true, true) => Err(room_archived()),
        (true, false) => Ok(cell),
        (false, _) => group(ctx, field).await,
    }
}

/// A member's row.
pub(crate) fn member_put(room: RoomId, user: UserId, present: bool) -> Put {
    let value = present.then(Bytes::new);
    Put { table: Table::MEMBERS, key: room_user(room, user), value }
}

/// Users hear that they are in a room now, each as they see it.
pub(crate) fn gained(room: RoomId, views: Vec<(Vec<UserId>, Room)>) -> EffectsOf {
    Arc::new(move |Place { seq, .. }| {
        let effect = |(users, view): &(Vec<UserId>, Room)| Effect {
            users: users.iter().map(|user| user.to_field()).collect(),
            kind: RoomGained::RULE.kind,
            body: RoomGained { room: Some(view.clone()), seq }.encode_to_vec().into(),
            rows: vec![user_room_row(Table::USER_ROOMS, room, true)],
            gains_room: true,
        };
        views.iter().map(effect).collect()
    })
}

/// A user hears that they are no longer in a room.
pub(crate) fn lost(room: RoomId, user: UserId) -> EffectsOf {
    Arc::new(move |Place { seq, .. }| {
        let rows = [Table::USER_ROOMS, Table::MARKERS, Table::ROOM_SETTINGS];
        vec![Effect {
            users: vec![user.to_field()],
            kind: RoomLost::RULE.kind,
            body: RoomLost { room: room.to_field(), seq }.encode_to_vec().into(),
            rows: rows.map(|table| user_room_row(table, room, false)).to_vec(),
            gains_room: false,
        }]
    })
}

fn user_room_row(table: Table, room: RoomId, present: bool) -> EffectRow {
    let (table, rest) = (u32::from(table.id()), room.to_field());
    EffectRow { table, rest, present, value: Bytes::new() }
}

/// The user a request names; they must have been here before.
pub(crate) async fn resolve(
    ctx: &Ctx,
    field: &str,
    user: Option<&UserRef>,
) -> Result<UserId, Error> {
    let id = match user.and_then(|user| user.user.as_ref()) {
        Some(user_ref::User::Id(id)) => id_field(field, UserId::parse(id))?,
        Some(user_ref::User::Subject(subject)) => identity::user_id(ctx.caller.org, subject),
        None => return Err(Error::invalid(field, "is missing")),
    };
    let key = org_user(ctx.caller.org, id);
    let row = ctx.store().get(Table::USERS, &key).await.map_err(store_error)?;
    row.map(|_| id).ok_or_else(|| Error::new(ErrorReason::UserNotFound, "no such user"))
}

/// A room that the caller makes.
pub(crate) fn new_state(
    ctx: &Ctx,
    kind: RoomKind,
    name: String,
    members: BTreeSet<UserId>,
) -> RoomState {
    RoomState {
        kind,
        org: ctx.caller.org,
        name,
        topic: String::new(),
        archived: false,
        parent: None,
        creator: ctx.user(),
        overrides: Arc::default(),
        group: GroupSettings::default(),
        members: Arc::new(members),
        version: next_version(),
        head: Counters::default(),
    }
}

/// The draft of a room's first event, which brings record and members with it.
pub(crate) fn creation(ctx: &Ctx, id: RoomId, state: RoomState) -> RoomDraft {
    let members: Vec<UserId> = state.members.iter().copied().collect();
    let body = RoomCreated {
        kind: state.kind as i32,
        name: state.name.clone(),
        members: members.iter().map(|user| user.to_field()).collect(),
    };
    let event = NewEvent::new(ctx.user(), RoomCreated::RULE.kind, body.encode_to_vec().into());
    // Each side of a direct room sees the other as its peer.
    let views = match state.kind {
        RoomKind::Direct => {
            members.iter().map(|user| (vec![*user], state.describe(id, *user))).collect()
        }
        _ => vec![(members.clone(), state.describe(id, ctx.user()))],
    };
    let cell = Arc::new(RoomCell::new(id, state.clone()));
    let mut draft = RoomDraft::new(cell, Guard::New, event);
    draft.absent.push((Table::ROOMS, Bytes::copy_from_slice(id.as_bytes())));
    draft.puts.push(room_put(id, &state));
    draft.puts.extend(members.iter().map(|user| member_put(id, *user, true)));
    draft.change = Some(RoomChange::Created(Box::new(state)));
    draft.effects = Some(gained(id, views));
    draft
}

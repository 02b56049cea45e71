//! Groups: what features that change them have in common.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{RoomId, UserId},
    room::{Room, RoomGained, RoomKind, RoomLost},
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{EffectsOf, Place},
    kit::Ctx,
    ports::store::Put,
    records::{Effect, EffectRow, room_user},
    rooms::RoomCell,
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

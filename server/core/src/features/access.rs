//! Permissions of a room: what the caller may do, and what the room says otherwise than the level
//! above it.

use std::sync::Arc;

use parlour_protocol::{
    access::{
        GetAccessRequest, GetAccessResponse, OverridesChanged, Permission, SetOverridesRequest,
        SetOverridesResponse,
    },
    directory::{self as wire, PutOverrides, change::Change as Wanted},
    generated::{AccessService, EventMessage},
    room::RoomKind,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    access::{Bits, Override},
    directory::plan::{Known, plan},
    draft::{Draft, Guard, NewEvent, RoomDraft, room_not_found},
    kit::{Answer, Ctx, Features, ServerKit},
    rooms::{RoomCell, RoomChange, RoomState, room_put},
};

impl AccessService<ServerKit> for Features {
    async fn get_access(
        &self,
        ctx: &mut Ctx,
        request: GetAccessRequest,
    ) -> Result<Answer<GetAccessResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let (bits, _) = ctx.permissions(&cell).await?;
        let (overrides, as_of_seq) = cell
            .read(|room| (room.overrides.iter().map(Override::to_wire).collect(), room.head.seq));
        let permissions = bits.to_wire();
        Ok(Answer::Now(GetAccessResponse { permissions, overrides, as_of_seq }))
    }

    async fn set_overrides(
        &self,
        ctx: &mut Ctx,
        request: SetOverridesRequest,
    ) -> Result<Answer<SetOverridesResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        // First: what is decided on it is decided again if anything about the room changes.
        let state = cell.state();
        ctx.check(&cell, Permission::ManagePermissions).await?;
        let wrong = |why| Error::invalid("overrides", why);
        let overrides = Override::parse_all(&request.overrides).map_err(wrong)?;
        let (bits, _) = ctx.permissions(&cell).await?;
        check_given(&cell, bits, &overrides)?;
        match state.kind {
            RoomKind::Direct | RoomKind::User => {
                Err(Error::new(ErrorReason::DirectRoom, "a direct room stays as it is"))
            }
            RoomKind::Group => {
                if overrides.iter().any(Override::concerns_view) {
                    return Err(wrong("say who hears a group: its members do"));
                }
                let body = OverridesChanged { overrides: request.overrides };
                let body = body.encode_to_vec().into();
                let event = NewEvent::new(ctx.user(), OverridesChanged::RULE.kind, body);
                let overrides: Arc<[Override]> = overrides.into();
                let guard = Guard::Version(state.version);
                let mut draft = RoomDraft::new(cell.clone(), guard, event);
                let state = RoomState { overrides: overrides.clone(), ..state };
                draft.puts.push(room_put(cell.id, &state));
                draft.change = Some(RoomChange::Overrides(overrides));
                Ok(Answer::commit(Draft::Room(Box::new(draft)), |_| SetOverridesResponse {}))
            }
            _ => on_node(ctx, &cell, request).await,
        }
    }
}

/// Nobody gives, or takes back what somebody above gave, beyond what they have themselves.
fn check_given(cell: &RoomCell, own: Bits, overrides: &[Override]) -> Result<(), Error> {
    let before = cell.read(|room| room.overrides.clone());
    let changed = overrides.iter().filter(|one| !before.contains(one));
    if changed.into_iter().all(|one| own.has_all(one.allow)) {
        return Ok(());
    }
    Err(Error::new(ErrorReason::NotAllowed, "nobody gives what they don't have"))
}

/// The directory's rooms have their overrides from their nodes.
async fn on_node(
    ctx: &Ctx,
    room: &RoomCell,
    request: SetOverridesRequest,
) -> Result<Answer<SetOverridesResponse>, Error> {
    let cell = ctx.directory().await?;
    let (planned, version) = cell.read_at(|directory, version| {
        let key = directory.node(room.id).map(|node| node.key.to_string());
        let put = key.map(|node| PutOverrides { node, overrides: request.overrides });
        let wanted = put.map(|put| wire::Change { change: Some(Wanted::PutOverrides(put)) });
        let wanted = wanted.ok_or_else(room_not_found)?;
        // The caller may have lost it since it was looked at.
        if !directory.permissions(room.id, ctx.user()).has(Permission::ManagePermissions) {
            return Err(Error::new(ErrorReason::NotAllowed, "a permission is missing"));
        }
        Ok((plan(directory, ctx.user(), &[wanted], Known::default())?, version))
    })?;
    if planned.effective.is_empty() {
        return Ok(Answer::Now(SetOverridesResponse {}));
    }
    let draft = planned.into_draft(cell, version, ctx.user(), &ctx.caller.subject)?;
    Ok(Answer::commit(draft, |_| SetOverridesResponse {}))
}

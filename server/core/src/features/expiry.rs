//! Disappearing messages: after which time what is said in a room is deleted by itself.

use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, RoomExpiryService},
    limits::{MESSAGE_EXPIRY_S_MAX, MESSAGE_EXPIRY_S_MIN},
    room::{MessageExpiryChanged, RoomKind, SetMessageExpiryRequest, SetMessageExpiryResponse},
    wire::Error,
};
use prost::Message;

use crate::{
    draft::{Draft, Guard, NewEvent, RoomDraft},
    kit::{Answer, Ctx, Features, ServerKit},
    rooms::{GroupSettings, RoomChange, room_put},
};

impl RoomExpiryService<ServerKit> for Features {
    async fn set_message_expiry(
        &self,
        ctx: &mut Ctx,
        request: SetMessageExpiryRequest,
    ) -> Result<Answer<SetMessageExpiryResponse>, Error> {
        let message_expiry_s = request.seconds;
        if message_expiry_s > 0
            && !(MESSAGE_EXPIRY_S_MIN..=MESSAGE_EXPIRY_S_MAX).contains(&message_expiry_s)
        {
            return Err(Error::invalid("seconds", "are not 5 to 31,536,000"));
        }
        let cell = ctx.open_room(&request.room).await?;
        let permission = match cell.read(|state| state.kind) {
            RoomKind::Direct | RoomKind::User => Permission::Send,
            _ => Permission::ManageRoom,
        };
        ctx.check(&cell, permission).await?;
        let state = cell.state();
        if state.group.message_expiry_s == message_expiry_s {
            return Ok(Answer::Now(SetMessageExpiryResponse { seq: 0 }));
        }
        let group = GroupSettings { message_expiry_s, ..state.group.clone() };
        let change = RoomChange::Group(group);
        let body = MessageExpiryChanged { seconds: message_expiry_s }.encode_to_vec().into();
        let event = NewEvent::new(ctx.user(), MessageExpiryChanged::RULE.kind, body);
        let (id, version) = (cell.id, state.version);
        let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
        draft.puts.push(room_put(id, &state.with(change.clone())));
        draft.change = Some(change);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| SetMessageExpiryResponse {
            seq: done.seq,
        }))
    }
}

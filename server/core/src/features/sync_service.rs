//! The sync service: who answers which of its calls, and subscriptions.

use parlour_protocol::{
    generated::{SyncService, SyncServiceBulk},
    ids::RoomId,
    limits,
    sync::{
        ReadLogItem, ReadLogRequest, ReadTimelineItem, ReadTimelineRequest, SubscribeRequest,
        SubscribeResponse, SyncItem, SyncRequest,
    },
    wire::{Error, ErrorReason},
};

use super::{history, sync};
use crate::{
    draft::{Draft, SubscribeDraft, room_not_found},
    kit::{Answer, Ctx, Features, ServerKit, Sink, id_field},
};

impl SyncService<ServerKit> for Features {
    async fn subscribe(
        &self,
        ctx: &mut Ctx,
        request: SubscribeRequest,
    ) -> Result<Answer<SubscribeResponse>, Error> {
        if request.add.len() + request.remove.len() > limits::SUBSCRIPTIONS_MAX {
            return Err(Error::invalid("add", "too many"));
        }
        let mut add = Vec::with_capacity(request.add.len());
        for room in &request.add {
            match ctx.room(room).await {
                Ok(cell) => add.push(cell),
                // One that the caller has left meanwhile doesn't keep them from the others.
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if add.is_empty() && !request.add.is_empty() {
            return Err(room_not_found());
        }
        let mut remove = Vec::with_capacity(request.remove.len());
        for room in &request.remove {
            remove.push(id_field("remove", RoomId::parse(room))?);
        }
        let draft = Draft::Subscribe(SubscribeDraft { add, remove });
        Ok(Answer::commit(draft, |done| SubscribeResponse { heads: done.heads.clone() }))
    }
}

fn is_gone(error: &Error) -> bool {
    error.reason == ErrorReason::RoomNotFound as i32
}

impl SyncServiceBulk<ServerKit> for Features {
    async fn sync(
        &self,
        ctx: &mut Ctx,
        request: SyncRequest,
        out: &mut Sink<SyncItem>,
    ) -> Result<(), Error> {
        sync::sync(ctx, request, out).await
    }

    async fn read_log(
        &self,
        ctx: &mut Ctx,
        request: ReadLogRequest,
        out: &mut Sink<ReadLogItem>,
    ) -> Result<(), Error> {
        history::read_log(ctx, request, out).await
    }

    async fn read_timeline(
        &self,
        ctx: &mut Ctx,
        request: ReadTimelineRequest,
        out: &mut Sink<ReadTimelineItem>,
    ) -> Result<(), Error> {
        history::read_timeline(ctx, request, out).await
    }
}

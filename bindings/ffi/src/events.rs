//! What happens in every room, for programs.

use std::sync::Arc;

use parlour::RoomEvents;

use crate::{
    Item,
    ids::show,
    pull::{Pull, Unnamed},
};

/// Something that happened in a room.
#[derive(Clone, uniffi::Record)]
pub struct Event {
    /// The room.
    pub room: String,
    /// Its number in the room's log.
    pub seq: u64,
    /// When it happened, Unix milliseconds.
    pub at_ms: u64,
    /// Who caused it.
    pub sender: Option<String>,
    /// The number of its kind in the protocol.
    pub kind: u32,
    /// The message that it changes, by its number in the log.
    pub target_seq: Option<u64>,
    /// What a timeline shows of it; nothing where it only changes an earlier message.
    pub item: Option<Item>,
}

/// The events of every room while the client is connected.
#[derive(uniffi::Object)]
pub struct Events {
    client: parlour::Client,
    pull: Pull<Unnamed<RoomEvents>>,
}

impl Events {
    pub(crate) fn shared(
        events: impl futures_util::Stream<Item = RoomEvents> + Send + 'static,
        client: parlour::Client,
    ) -> Arc<Self> {
        let events: Unnamed<RoomEvents> = Box::pin(events);
        Arc::new(Events { client, pull: Pull::new(events) })
    }

    fn told(&self, batch: RoomEvents) -> Vec<Event> {
        let mut items = batch.items(&self.client);
        let room = show(batch.room);
        let mut told = |event: &parlour::LogEvent| {
            let place = parlour::Place::Log(event.seq());
            let at = items.iter().position(|item| item.place() == place);
            Event {
                room: room.clone(),
                seq: event.seq(),
                at_ms: event.header.at_ms,
                sender: event.sender().map(show),
                kind: event.header.kind,
                target_seq: Some(event.header.target_seq).filter(|seq| *seq > 0),
                item: at.map(|at| items.swap_remove(at).into()),
            }
        };
        batch.events.iter().map(&mut told).collect()
    }
}

#[uniffi::export]
impl Events {
    /// Waits until there are events to take; `false` when none come any more. Giving up the wait loses
    /// none.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// The events that have come, of at most so many batches; a batch is of one room.
    pub fn take(&self, max: u32) -> Vec<Event> {
        self.pull.take(max).into_iter().flat_map(|batch| self.told(batch)).collect()
    }
}

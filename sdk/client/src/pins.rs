//! A room's pinned messages.

use std::collections::BTreeMap;

use parlour_protocol::{
    generated::rpc,
    ids::UserId,
    pin::{ListPinsItem, ListPinsRequest},
    prost::Message as _,
};
use parlour_sdk_core::{
    event::{LogEvent, events_in},
    outbox::Payload,
    timeline::messages,
};

use crate::{
    Room,
    error::{CallError, QueueError},
    message::{Item, Message},
};

/// A pinned message, as of when it was asked for.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The message's number in the log.
    pub seq: u64,
    /// The message; `None` where the server can't read it.
    pub message: Option<Message>,
    /// Who pinned it.
    pub by: Option<UserId>,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

impl Room {
    /// Pins the message at `seq` for everyone in the room. It shows at once, and is sent when there
    /// is a connection.
    ///
    /// # Errors
    /// When the server refuses: `NOT_ALLOWED`, `MESSAGE_NOT_FOUND`, `TOO_MANY_PINS`.
    pub async fn pin(&self, seq: u64) -> Result<(), QueueError> {
        self.put(Payload::Pin { target_seq: seq, on: true }).await?.sent().await.map(drop)
    }

    /// Takes the pin off the message at `seq`, whoever pinned it.
    ///
    /// # Errors
    /// As [`Room::pin`].
    pub async fn unpin(&self, seq: u64) -> Result<(), QueueError> {
        self.put(Payload::Pin { target_seq: seq, on: false }).await?.sent().await.map(drop)
    }

    /// The pinned messages, that of the newest pin first, as the server has them.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND` when the user isn't in it; otherwise when the client is gone.
    pub async fn pins(&self) -> Result<Vec<Pin>, CallError> {
        let request = ListPinsRequest { room: self.id().to_field() };
        let items = self.handle().ask_bulk::<rpc::ListPins>(request).await?;
        let (mut events, mut amendments, mut pins) = (vec![], vec![], vec![]);
        for item in items {
            let read = |tag| -> Result<Vec<LogEvent>, CallError> {
                events_in(tag, &item).map_err(|_| CallError::Malformed)
            };
            events.extend(read(1)?);
            amendments.extend(read(2)?);
            pins.extend(ListPinsItem::decode(item).map_err(|_| CallError::Malformed)?.pins);
        }
        let me = *self.handle().me.borrow();
        let mut found: BTreeMap<u64, Message> = messages(self.id(), me, &events, &amendments)
            .into_iter()
            .filter_map(|item| Item::new(item, self).message().cloned())
            .filter_map(|message| Some((message.seq()?, message)))
            .collect();
        let pins = pins.into_iter().map(|pin| Pin {
            seq: pin.target_seq,
            message: found.remove(&pin.target_seq),
            by: UserId::parse(&pin.sender).ok(),
            at_ms: pin.at_ms,
        });
        Ok(pins.collect())
    }
}

//! What the user wants of rooms and everywhere, and notifications.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use parlour_protocol::{
    generated::{EventBody, rpc},
    ids::UserId,
    settings::{GetSettingsRequest, SetRoomSettingsRequest, SetSettingsRequest},
};
pub use parlour_sdk_core::settings::{Level, Reason, RoomSettings, Settings};

use crate::{
    Client, Room,
    driver::{Command, Noted},
    error::CallError,
    handle::{Gone, Handle},
    observe::Feed,
};

/// A message that the user wants to be told of.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Its room.
    pub room: Room,
    /// Its number in the log.
    pub seq: u64,
    /// The message whose thread it belongs to.
    pub thread_root: Option<u64>,
    /// Who wrote it.
    pub sender: Option<UserId>,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// What it says.
    pub text: String,
    /// Why.
    pub reason: Reason,
}

/// Notifications as they come. One that isn't taken in time makes place for newer ones.
#[derive(Debug)]
pub struct Notifications {
    handle: Handle,
    feed: Feed<Noted>,
}

impl Stream for Notifications {
    type Item = Notification;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        let this = self.get_mut();
        let noted = std::task::ready!(Pin::new(&mut this.feed).poll_next(cx));
        Poll::Ready(noted.map(|Noted { room, event, reason }| Notification {
            room: Room::new(room, this.handle.clone()),
            seq: event.seq(),
            thread_root: Some(event.header.thread_root_seq).filter(|seq| *seq > 0),
            sender: event.sender(),
            at_ms: event.header.at_ms,
            text: match event.decoded() {
                EventBody::MessagePosted(message) => message.text,
                _ => String::new(),
            },
            reason,
        }))
    }
}

impl Client {
    /// Messages that the user wants to be told of, from now on: what levels, mutes, keywords and
    /// do-not-disturb leave. Those that came while the client was away come once it is back, as far
    /// as their rooms are read on.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn notifications(&self) -> Result<Notifications, CallError> {
        let handle = self.inner.handle.clone();
        let feed = handle.ask(Command::Notifications).await.map_err(|Gone| CallError::Closed)?;
        Ok(Notifications { handle, feed })
    }

    /// What the user wants everywhere.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn settings(&self) -> Result<Settings, CallError> {
        let answer = self.inner.handle.call::<rpc::GetSettings>(GetSettingsRequest {}).await?;
        Ok(Settings::of_wire(answer.settings.unwrap_or_default()))
    }

    /// Replaces what the user wants everywhere, on all their devices.
    ///
    /// # Errors
    /// When the server refuses, `INVALID_FIELD` for what is over its bound, or the client is gone.
    pub async fn set_settings(&self, settings: &Settings) -> Result<(), CallError> {
        let request = SetSettingsRequest { settings: Some(settings.to_wire()) };
        self.inner.handle.call::<rpc::SetSettings>(request).await.map(drop)
    }
}

impl Room {
    /// Replaces what the user wants of the room, on all their devices; what that is stands in
    /// [`RoomSummary::settings`](crate::RoomSummary).
    ///
    /// # Errors
    /// When the server refuses, `INVALID_FIELD` for what is over its bound, or the client is gone.
    pub async fn set_settings(&self, settings: &RoomSettings) -> Result<(), CallError> {
        let (room, settings) = (self.id().to_field(), Some(settings.to_wire()));
        let request = SetRoomSettingsRequest { room, settings };
        self.handle().call::<rpc::SetRoomSettings>(request).await.map(drop)
    }
}

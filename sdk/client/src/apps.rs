//! Events that applications define for themselves.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::{self, StreamExt};
use parlour_protocol::{
    app::{AppEvent as Published, AppSignal, SignalRequest},
    generated::{EventBody, rpc},
    ids::UserId,
    limits::{
        APP_NAME_BYTES_MAX, APP_PAYLOAD_BYTES_MAX, APP_SIGNAL_BYTES_MAX, MEDIA_TYPE_BYTES_MAX,
    },
    prost::Message as _,
};
use parlour_sdk_core::{event::LogEvent, outbox::Payload};

use crate::{
    Client, Room, Sent,
    client::RoomEvents,
    driver::{Command, Signalled},
    error::{CallError, QueueError},
    handle::Gone,
};

/// What an application publishes.
#[derive(Clone, PartialEq, Eq)]
pub struct AppEvent {
    /// A name of the application's own, such as `com.example.build.finished`: at most 128 bytes.
    pub name: String,
    /// What the payload is, such as `application/json`; empty for bytes nobody needs to understand.
    pub content_type: String,
    /// At most 48 KiB, or 8 KiB of a signal.
    pub payload: Bytes,
}

impl AppEvent {
    /// An event whose payload is JSON text.
    pub fn json(name: impl Into<String>, text: impl Into<String>) -> Self {
        let payload = Bytes::from(text.into());
        AppEvent { name: name.into(), content_type: "application/json".to_owned(), payload }
    }

    /// An event whose payload is nobody else's business.
    pub fn bytes(name: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        AppEvent { name: name.into(), content_type: String::new(), payload: payload.into() }
    }

    fn fits(&self, payload_max: usize) -> bool {
        self.name.len() <= APP_NAME_BYTES_MAX
            && self.content_type.len() <= MEDIA_TYPE_BYTES_MAX
            && self.payload.len() <= payload_max
    }
}

impl fmt::Debug for AppEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload is the application's: never in a log.
        write!(f, "AppEvent({}, <{} bytes>)", self.name, self.payload.len())
    }
}

/// An application's event as it comes.
#[derive(Clone, Debug)]
pub struct AppReceived {
    /// Its room.
    pub room: Room,
    /// Who published it.
    pub sender: Option<UserId>,
    /// Where it stands in the room's log, and since when; `None` for a signal, which is kept nowhere.
    pub sent: Option<Sent>,
    /// What was published.
    pub event: AppEvent,
}

/// Applications' events as they come, those of the log in each room's order. One that isn't taken in
/// time makes place for newer ones.
pub struct AppEvents(Pin<Box<dyn Stream<Item = AppReceived> + Send>>);

impl fmt::Debug for AppEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppEvents")
    }
}

impl Stream for AppEvents {
    type Item = AppReceived;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AppReceived>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Client {
    /// Applications' events of every room while connected: what is published, and what is only told.
    /// Those that were published while the client was away are in the rooms' timelines.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn app_events(&self) -> Result<AppEvents, CallError> {
        let handle = self.inner.handle.clone();
        let gone = |Gone| CallError::Closed;
        let logged = handle.ask(Command::Events).await.map_err(gone)?;
        let signals = handle.ask(Command::Signals).await.map_err(gone)?;
        let of_log = handle.clone();
        let logged = logged.flat_map(move |RoomEvents { room, events }| {
            let room = Room::new(room, of_log.clone());
            let received: Vec<_> = events.iter().filter_map(|e| published(&room, e)).collect();
            stream::iter(received)
        });
        let signals = signals.map(move |Signalled { room, sender, signal }| {
            let AppSignal { name, content_type, payload } = signal;
            AppReceived {
                room: Room::new(room, handle.clone()),
                sender: Some(sender),
                sent: None,
                event: AppEvent { name, content_type, payload },
            }
        });
        Ok(AppEvents(Box::pin(stream::select(logged, signals))))
    }
}

/// An event of the log, if it is an application's.
fn published(room: &Room, event: &LogEvent) -> Option<AppReceived> {
    let EventBody::AppEvent(Published { name, content_type, payload }) = event.decoded() else {
        return None;
    };
    // Too old: what it carried is gone.
    if event.is_erased() {
        return None;
    }
    Some(AppReceived {
        room: room.clone(),
        sender: event.sender(),
        sent: Some(Sent { seq: event.seq(), at_ms: event.header.at_ms }),
        event: AppEvent { name, content_type, payload },
    })
}

impl Room {
    /// Puts an application's event into the room's log and waits until the server has it on its disk.
    /// It is written down first, as a message is, and goes there once.
    ///
    /// # Errors
    /// [`QueueError::Event`] for what is too large, or as the server refuses: `NOT_ALLOWED` without
    /// the permission, `INVALID_FIELD` for what isn't a name.
    pub async fn publish(&self, event: AppEvent) -> Result<Sent, QueueError> {
        if !event.fits(APP_PAYLOAD_BYTES_MAX) {
            return Err(QueueError::Event);
        }
        let AppEvent { name, content_type, payload } = event;
        let body = Published { name, content_type, payload }.encode_to_vec().into();
        self.put(Payload::Publish { body }).await?.sent().await
    }

    /// Tells an application's event to those who hear the room just now. It is kept nowhere, and may be
    /// lost.
    ///
    /// # Errors
    /// As the server refuses, `INVALID_FIELD` for what is over 8 KiB, or when the client is gone.
    pub async fn signal(&self, event: AppEvent) -> Result<(), CallError> {
        if !event.fits(APP_SIGNAL_BYTES_MAX) {
            let error = parlour_protocol::wire::Error::invalid("body", "is too large");
            return Err(CallError::Refused(Box::new(error)));
        }
        let AppEvent { name, content_type, payload } = event;
        let body = AppSignal { name, content_type, payload }.encode_to_vec().into();
        let request = SignalRequest { room: self.id().to_field(), body };
        self.handle().call::<rpc::Signal>(request).await.map(drop)
    }
}

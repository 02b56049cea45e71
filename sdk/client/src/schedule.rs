//! Messages that the server sends later.

use std::fmt;

pub use parlour_protocol::schedule::{ScheduledFate, ScheduledState};
use parlour_protocol::{
    generated::rpc,
    ids::{ClientRef, RoomId},
    schedule::{
        CancelScheduledRequest, ListScheduledRequest, ScheduleSendRequest, UpdateScheduledRequest,
    },
    wire::Error,
};

use crate::{
    Client, Room,
    error::{CallError, QueueError},
    room::Draft,
};

/// The user's scheduled messages, on all their devices; nobody else hears of one before it is sent. A
/// message that is scheduled some seconds ahead can be taken back in that time.
#[derive(Clone, Debug)]
pub struct Schedule {
    client: Client,
}

/// A message that isn't sent yet.
#[derive(Clone, PartialEq)]
pub struct Scheduled {
    /// Its id.
    pub id: ClientRef,
    /// Where it will be sent.
    pub room: RoomId,
    /// When, Unix milliseconds.
    pub send_at_ms: u64,
    /// What it says.
    pub draft: Draft,
    /// Whether it waits, is on its way, or failed.
    pub state: ScheduledState,
    /// Why it failed.
    pub error: Option<Box<Error>>,
}

/// Why a message wasn't scheduled.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// It is over a bound.
    #[error("{0}")]
    Draft(#[from] QueueError),
    /// The server refused it, or the client is gone.
    #[error("{0}")]
    Call(#[from] CallError),
}

impl fmt::Debug for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it says is the user's: never in a log.
        f.debug_struct("Scheduled")
            .field("id", &self.id)
            .field("send_at_ms", &self.send_at_ms)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Schedule {
    pub(crate) fn new(client: Client) -> Self {
        Schedule { client }
    }

    /// Hands a message to the server, to be sent at that time (Unix milliseconds), once; at most 400
    /// days ahead. What comes back names it. It needs a connection: unlike a send, it doesn't wait in
    /// the outbox.
    ///
    /// # Errors
    /// For what is over a bound, and as the server refuses a send now;
    /// `TOO_MANY_SCHEDULED` above 100, `INVALID_FIELD` for a time that has gone by.
    pub async fn send(
        &self,
        room: &Room,
        message: impl Into<Draft>,
        send_at_ms: u64,
    ) -> Result<ClientRef, ScheduleError> {
        let id = self.client.new_ref();
        let send = message.into().payload()?.send_request(room.id());
        let request = ScheduleSendRequest { id: id.to_field(), send_at_ms, send };
        self.client.call::<rpc::ScheduleSend>(request).await?;
        Ok(id)
    }

    /// Those that aren't sent yet, in the order they were made.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn list(&self) -> Result<Vec<Scheduled>, CallError> {
        let mut scheduled = Vec::new();
        let mut request = ListScheduledRequest::default();
        loop {
            let answer = self.client.call::<rpc::ListScheduled>(request).await?;
            scheduled.extend(answer.scheduled.into_iter().filter_map(parse));
            if answer.next_page.is_empty() {
                return Ok(scheduled);
            }
            request = ListScheduledRequest { page: answer.next_page };
        }
    }

    /// Gives one another time. One that failed waits again.
    ///
    /// # Errors
    /// `SCHEDULED_NOT_FOUND` for one that is sent or on its way; otherwise when the client is gone.
    pub async fn move_to(&self, id: ClientRef, send_at_ms: u64) -> Result<(), CallError> {
        let request = UpdateScheduledRequest { id: id.to_field(), send_at_ms, send: None };
        self.client.call::<rpc::UpdateScheduled>(request).await.map(drop)
    }

    /// Takes one back. Where that succeeds it is never sent.
    ///
    /// # Errors
    /// `SCHEDULED_NOT_FOUND` for one that is sent or on its way; otherwise when the client is gone.
    pub async fn cancel(&self, id: ClientRef) -> Result<(), CallError> {
        let request = CancelScheduledRequest { id: id.to_field() };
        self.client.call::<rpc::CancelScheduled>(request).await.map(drop)
    }
}

fn parse(scheduled: parlour_protocol::schedule::Scheduled) -> Option<Scheduled> {
    let state = scheduled.state();
    let send = scheduled.send?;
    Some(Scheduled {
        id: ClientRef::parse(&scheduled.id).ok()?,
        room: RoomId::parse(&send.room).ok()?,
        send_at_ms: scheduled.send_at_ms,
        draft: Draft::of_request(send),
        state,
        error: scheduled.error.map(Box::new),
    })
}

//! What the user wants to be told of at a time.

use std::fmt;

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::{ClientRef, RoomId},
    reminder::{self as wire, DeleteReminderRequest, ListRemindersRequest, SetReminderRequest},
};

use crate::{Client, error::CallError};

/// The user's reminders, on all their devices; nobody else hears of them. That one is due comes with
/// [`Client::own_changes`].
#[derive(Clone, Debug)]
pub struct Reminders {
    client: Client,
}

/// Something to be told of at a time.
#[derive(Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Its id.
    pub id: ClientRef,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The message it is about.
    pub about: Option<(RoomId, u64)>,
    /// At most 1,024 bytes; may be empty where there is a message.
    pub text: String,
    /// Whether its time has come.
    pub is_due: bool,
}

impl fmt::Debug for Reminder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text is the user's: never in a log.
        f.debug_struct("Reminder")
            .field("id", &self.id)
            .field("at_ms", &self.at_ms)
            .field("about", &self.about)
            .field("is_due", &self.is_due)
            .finish_non_exhaustive()
    }
}

impl Reminder {
    pub(crate) fn parse(reminder: wire::Reminder) -> Option<Self> {
        let room = RoomId::parse(&reminder.room).ok();
        Some(Reminder {
            id: ClientRef::parse(&reminder.id).ok()?,
            at_ms: reminder.at_ms,
            about: room.map(|room| (room, reminder.seq)),
            text: reminder.text,
            is_due: reminder.due,
        })
    }
}

impl Reminders {
    pub(crate) fn new(client: Client) -> Self {
        Reminders { client }
    }

    /// Keeps a reminder for that time (Unix milliseconds), at most 400 days ahead.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a time that has gone by or a text over its bound, `MESSAGE_NOT_FOUND`,
    /// `TOO_MANY_REMINDERS` above 500; otherwise when the client is gone.
    pub async fn set(
        &self,
        at_ms: u64,
        text: &str,
        about: Option<(RoomId, u64)>,
    ) -> Result<ClientRef, CallError> {
        let id = self.client.new_ref();
        let text = text.to_owned();
        self.put(&Reminder { id, at_ms, about, text, is_due: false }).await?;
        Ok(id)
    }

    /// Gives one another time or text. One that was due waits again.
    ///
    /// # Errors
    /// As [`Reminders::set`].
    pub async fn put(&self, reminder: &Reminder) -> Result<(), CallError> {
        let reminder = wire::Reminder {
            id: reminder.id.to_field(),
            at_ms: reminder.at_ms,
            room: reminder.about.map_or(Bytes::new(), |(room, _)| room.to_field()),
            seq: reminder.about.map_or(0, |(_, seq)| seq),
            text: reminder.text.clone(),
            due: false,
        };
        let request = SetReminderRequest { reminder: Some(reminder) };
        self.client.call::<rpc::SetReminder>(request).await.map(drop)
    }

    /// Those that were due and those that wait, in the order they were made.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn list(&self) -> Result<Vec<Reminder>, CallError> {
        let mut reminders = Vec::new();
        let mut request = ListRemindersRequest::default();
        loop {
            let answer = self.client.call::<rpc::ListReminders>(request).await?;
            reminders.extend(answer.reminders.into_iter().filter_map(Reminder::parse));
            if answer.next_page.is_empty() {
                return Ok(reminders);
            }
            request = ListRemindersRequest { page: answer.next_page };
        }
    }

    /// Takes one off the list. Does nothing where it isn't there.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn delete(&self, id: ClientRef) -> Result<(), CallError> {
        let request = DeleteReminderRequest { id: id.to_field() };
        self.client.call::<rpc::DeleteReminder>(request).await.map(drop)
    }
}

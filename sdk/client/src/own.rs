//! What changes of what the user keeps for themselves, at whichever device that is done.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use parlour_protocol::{
    ids::{ClientRef, RoomId, UserId},
    schedule::ScheduledFate,
};
use parlour_sdk_core::engine::OwnChange as Noticed;

use crate::{
    Begun, Client, Reminder, Settings, driver::Command, error::CallError, handle::Gone,
    observe::Feed,
};

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnChange {
    /// A scheduled message.
    Scheduled {
        /// Which.
        id: ClientRef,
        /// What became of it.
        fate: ScheduledFate,
        /// Its room.
        room: RoomId,
        /// Its number in the room's log, of one that was sent.
        seq: Option<u64>,
    },
    /// A reminder is set, or due.
    Reminder(Reminder),
    /// A reminder is gone.
    ReminderDeleted(ClientRef),
    /// What is begun in a room or thread is another; without text and attachments it is gone.
    Draft(Begun),
    /// Somebody is blocked.
    Blocked(UserId),
    /// Somebody isn't blocked any more.
    Unblocked(UserId),
    /// A message is saved, or isn't any more.
    Saved {
        /// Its room.
        room: RoomId,
        /// Its number in the room's log.
        seq: u64,
        /// Whether it is.
        is_saved: bool,
    },
    /// A thread is followed, or isn't any more.
    Followed {
        /// Its room.
        room: RoomId,
        /// The number of its first message.
        root: u64,
        /// Whether it is.
        is_followed: bool,
    },
    /// A message mentions the user, or does so no more: it was edited or deleted.
    Mentioned {
        /// Its room.
        room: RoomId,
        /// Its number in the room's log.
        seq: u64,
        /// Whether it does.
        is_mentioned: bool,
    },
    /// The settings that hold for all rooms are others.
    Settings(Settings),
    /// A connection was made anew: what the lists said before may be old.
    Missed,
}

/// Changes as they come. One that isn't taken in time makes place for newer ones.
#[derive(Debug)]
pub struct OwnChanges(Feed<Noticed>);

impl Stream for OwnChanges {
    type Item = OwnChange;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OwnChange>> {
        let feed = &mut self.get_mut().0;
        loop {
            let Some(noticed) = std::task::ready!(Pin::new(&mut *feed).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            // What can't be read is as good as nothing.
            if let Some(change) = parse(noticed) {
                return Poll::Ready(Some(change));
            }
        }
    }
}

impl Client {
    /// What changes from now on of what the user has for themselves, on whichever device: scheduled messages,
    /// reminders, drafts, saved messages, followed threads, mentions, settings, and whom they have blocked.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn own_changes(&self) -> Result<OwnChanges, CallError> {
        let feed = self.inner.handle.ask(Command::Own).await.map_err(|Gone| CallError::Closed)?;
        Ok(OwnChanges(feed))
    }
}

fn parse(noticed: Noticed) -> Option<OwnChange> {
    Some(match noticed {
        Noticed::Scheduled(changed) => OwnChange::Scheduled {
            id: ClientRef::parse(&changed.id).ok()?,
            fate: changed.fate(),
            room: RoomId::parse(&changed.room).ok()?,
            seq: Some(changed.seq).filter(|seq| *seq > 0),
        },
        Noticed::Reminder(changed) if changed.deleted => {
            OwnChange::ReminderDeleted(ClientRef::parse(&changed.reminder?.id).ok()?)
        }
        Noticed::Reminder(changed) => OwnChange::Reminder(Reminder::parse(changed.reminder?)?),
        Noticed::Draft(draft) => OwnChange::Draft(Begun::parse(draft)?),
        Noticed::Blocked(user, true) => OwnChange::Blocked(user),
        Noticed::Blocked(user, false) => OwnChange::Unblocked(user),
        Noticed::Saved(room, seq, is_saved) => OwnChange::Saved { room, seq, is_saved },
        Noticed::Followed(room, root, is_followed) => {
            OwnChange::Followed { room, root, is_followed }
        }
        Noticed::Mentioned(room, seq, is_mentioned) => {
            OwnChange::Mentioned { room, seq, is_mentioned }
        }
        Noticed::Settings(settings) => OwnChange::Settings(settings),
        Noticed::Missed => OwnChange::Missed,
    })
}

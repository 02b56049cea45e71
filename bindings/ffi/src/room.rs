//! A room: sending, history, members, markers, typing.

use std::{sync::Arc, time::Duration};

use crate::{
    CallError, Draft, HistoryError, QueueError, RoomInfo, Sent, Thread, Timeline, User,
    ids::{parse, show, who},
    runtime::run,
};

/// A room.
#[derive(uniffi::Object)]
pub struct Room {
    pub(crate) inner: parlour::Room,
}

impl Room {
    pub(crate) fn shared(inner: parlour::Room) -> Arc<Self> {
        Arc::new(Room { inner })
    }
}

#[uniffi::export]
impl Room {
    /// Its id.
    pub fn id(&self) -> String {
        show(self.inner.id())
    }

    /// The room on one line; none when the user isn't in it, or it isn't known yet.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn info(&self) -> Result<Option<RoomInfo>, CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.summary().await?.map(RoomInfo::from)) }).await
    }

    // Sending.

    /// Sends a message and waits until the server has it on its disk. It is written down first:
    /// cancelling the wait doesn't take it back.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the server refuses.
    pub async fn send(&self, draft: Draft) -> Result<Sent, QueueError> {
        let (room, draft) = (self.inner.clone(), draft.told()?);
        run(async move { Ok(room.send(draft).await?.into()) }).await
    }

    /// Writes a message down and returns its own id, the one it carries in timelines; it is sent when
    /// its turn comes.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the outbox is full.
    pub async fn queue(&self, draft: Draft) -> Result<String, QueueError> {
        let (room, draft) = (self.inner.clone(), draft.told()?);
        run(async move { Ok(show(room.queue(draft).await?.client_ref())) }).await
    }

    /// The same, but kept back for so many milliseconds: discarding it until then takes it back. What is sent
    /// meanwhile doesn't wait for it.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the outbox is full.
    pub async fn queue_after(&self, draft: Draft, wait_ms: u64) -> Result<String, QueueError> {
        let (room, draft) = (self.inner.clone(), draft.told()?);
        let wait = Duration::from_millis(wait_ms);
        run(async move { Ok(show(room.queue_after(draft, wait).await?.client_ref())) }).await
    }

    /// Gives the user's own message at `seq` another text.
    ///
    /// # Errors
    /// When the text is over 16 KiB, or the server refuses.
    pub async fn edit(&self, seq: u64, text: String) -> Result<Sent, QueueError> {
        let room = self.inner.clone();
        run(async move { Ok(room.edit(seq, &text).await?.into()) }).await
    }

    /// Deletes the message at `seq`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete(&self, seq: u64) -> Result<Sent, QueueError> {
        let room = self.inner.clone();
        run(async move { Ok(room.delete(seq).await?.into()) }).await
    }

    /// Puts an emoji, or `:name:`, to the message at `seq`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn react(&self, seq: u64, emoji: String) -> Result<(), QueueError> {
        let room = self.inner.clone();
        run(async move { Ok(room.react(seq, &emoji).await?) }).await
    }

    /// Takes the user's emoji off the message at `seq`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn unreact(&self, seq: u64, emoji: String) -> Result<(), QueueError> {
        let room = self.inner.clone();
        run(async move { Ok(room.unreact(seq, &emoji).await?) }).await
    }

    /// Pins the message at `seq` for everyone in the room.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn pin(&self, seq: u64) -> Result<(), QueueError> {
        let room = self.inner.clone();
        run(async move { Ok(room.pin(seq).await?) }).await
    }

    /// Takes the pin off the message at `seq`, whoever pinned it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn unpin(&self, seq: u64) -> Result<(), QueueError> {
        let room = self.inner.clone();
        run(async move { Ok(room.unpin(seq).await?) }).await
    }

    /// The user is typing, or has stopped. To be called at every key: what need not be sent isn't.
    pub fn typing(&self, active: bool) {
        self.inner.typing(active);
    }

    // Reading.

    /// The room's messages: what the cache has at once, everything newer and older as it comes.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn timeline(&self) -> Result<Arc<Timeline>, HistoryError> {
        let room = self.inner.clone();
        run(async move {
            let known = room.summary().await.ok().flatten().map(|known| known.last_seq);
            Ok(Timeline::shared(room.timeline().await?, known))
        })
        .await
    }

    /// The thread under the message at `root_seq`.
    pub fn thread(&self, root_seq: u64) -> Arc<Thread> {
        Thread::shared(self.inner.thread(root_seq))
    }

    /// Writes the room's whole history into the cache. Cancelled, the next one goes on where it was.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn download_history(&self) -> Result<(), HistoryError> {
        let room = self.inner.clone();
        run(async move { Ok(room.download_history().await?) }).await
    }

    /// Everything up to `seq` is read. Never moves the marker back.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn mark_read(&self, seq: u64) -> Result<(), CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.mark_read(seq).await?) }).await
    }

    /// `seq` and everything after it is unread.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn mark_unread(&self, seq: u64) -> Result<(), CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.mark_unread(seq).await?) }).await
    }

    // Members.

    /// Everyone in the room.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn members(&self) -> Result<Vec<User>, CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.members().await?.into_iter().map(User::from).collect()) }).await
    }

    /// Adds members to a group, by id or subject.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn add_members(&self, members: Vec<String>) -> Result<(), CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.add_members(members.into_iter().map(who)).await?) }).await
    }

    /// Removes a member from a group, by id.
    ///
    /// # Errors
    /// When it isn't an id, the server refuses or the client is gone.
    pub async fn remove_member(&self, user: String) -> Result<(), CallError> {
        let (room, user) = (self.inner.clone(), parse(&user)?);
        run(async move { Ok(room.remove_member(user).await?) }).await
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn leave(&self) -> Result<(), CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.leave().await?) }).await
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn rename(&self, name: String) -> Result<(), CallError> {
        let room = self.inner.clone();
        run(async move { Ok(room.rename(&name).await?) }).await
    }
}

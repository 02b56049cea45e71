//! A thread: the replies under a message, and how far the user has read them.

use std::fmt;

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::{RoomId, UserId},
    thread::{
        FollowThreadRequest, FollowedThread as Followed, ListThreadsRequest, MarkThreadReadRequest,
        MarkThreadUnreadRequest, UnfollowThreadRequest,
    },
};
use parlour_sdk_core::timeline::{Scope, ThreadSummary};

use crate::{
    Client, Room, Timeline,
    driver::Sent,
    error::{CallError, HistoryError, QueueError},
    room::{Draft, QueuedSend},
};

/// The thread under a message, be it an empty one. Cheap to clone; it doesn't keep the client alive.
#[derive(Clone)]
pub struct Thread {
    room: Room,
    root_seq: u64,
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thread({}, {})", self.room.id(), self.root_seq)
    }
}

impl Thread {
    pub(crate) fn new(room: Room, root_seq: u64) -> Self {
        Thread { room, root_seq }
    }

    /// Its room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The message it stands under, by its number in the log.
    pub fn root_seq(&self) -> u64 {
        self.root_seq
    }

    /// Replies, and waits until the server has it on its disk; as [`Room::send`].
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the server refuses: `MESSAGE_NOT_FOUND` when the root
    /// is deleted, `NOT_ALLOWED` where one may not reply.
    pub async fn send(&self, message: impl Into<Draft>) -> Result<Sent, QueueError> {
        self.queue(message).await?.sent().await
    }

    /// Writes a reply down and returns; as [`Room::queue`].
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the outbox is full.
    pub async fn queue(&self, message: impl Into<Draft>) -> Result<QueuedSend, QueueError> {
        self.room.queue(Draft { thread_root: Some(self.root_seq), ..message.into() }).await
    }

    /// The root and the replies: what the cache has at once, everything newer and older as it comes.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn timeline(&self) -> Result<Timeline, HistoryError> {
        self.room.timeline_of(Scope::thread(self.room.id(), self.root_seq)).await
    }

    /// Follows it from now on: it counts in [`RoomSummary::thread_unread`](crate::RoomSummary) and is
    /// among [`Client::threads`]. Whoever replies or is mentioned follows by that.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn follow(&self) -> Result<(), CallError> {
        let (room, root_seq) = (self.room.id().to_field(), self.root_seq);
        let request = FollowThreadRequest { room, root_seq };
        self.room.handle().call::<rpc::FollowThread>(request).await.map(drop)
    }

    /// Follows it no longer.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn unfollow(&self) -> Result<(), CallError> {
        let (room, root_seq) = (self.room.id().to_field(), self.root_seq);
        let request = UnfollowThreadRequest { room, root_seq };
        self.room.handle().call::<rpc::UnfollowThread>(request).await.map(drop)
    }

    /// Everything up to the reply at `seq` is read; past the end, all of it. Never moves the marker
    /// back. Waits for a connection.
    ///
    /// # Errors
    /// When the server refuses, `THREAD_NOT_FOLLOWED` among others, or the client is gone.
    pub async fn mark_read(&self, seq: u64) -> Result<(), CallError> {
        let (room, root_seq) = (self.room.id().to_field(), self.root_seq);
        let request = MarkThreadReadRequest { room, root_seq, seq };
        self.room.handle().call::<rpc::MarkThreadRead>(request).await.map(drop)
    }

    /// The reply at `seq` and everything after it is unread, even what the user wrote.
    ///
    /// # Errors
    /// As [`Thread::mark_read`].
    pub async fn mark_unread(&self, seq: u64) -> Result<(), CallError> {
        let (room, root_seq) = (self.room.id().to_field(), self.root_seq);
        let request = MarkThreadUnreadRequest { room, root_seq, seq };
        self.room.handle().call::<rpc::MarkThreadUnread>(request).await.map(drop)
    }
}

/// A thread that the user follows, as it was when it was asked for.
#[derive(Clone, Debug)]
pub struct FollowedThread {
    /// The thread.
    pub thread: Thread,
    /// What stands in it.
    pub summary: ThreadSummary,
    /// Who replied last, at most 5, the last one first.
    pub repliers: Vec<UserId>,
    /// Unread replies.
    pub unread: u64,
    /// Of those, the ones that mention the user.
    pub mentions: u64,
}

impl Client {
    /// The threads that the user follows, the one with the newest reply first; with `unread_only`
    /// those that have something unread. Only with a connection.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn threads(&self, unread_only: bool) -> Result<Vec<FollowedThread>, CallError> {
        let (mut threads, mut page) = (Vec::new(), Bytes::new());
        loop {
            let request = ListThreadsRequest { page, page_size: 100, unread_only };
            let answer = self.inner.handle.call::<rpc::ListThreads>(request).await?;
            threads.extend(answer.threads.into_iter().filter_map(|one| self.followed(one)));
            page = answer.next_page;
            if page.is_empty() {
                return Ok(threads);
            }
        }
    }

    fn followed(&self, followed: Followed) -> Option<FollowedThread> {
        let room = self.room(RoomId::parse(&followed.room).ok()?);
        let (thread, unread) = (followed.thread?, followed.unread.unwrap_or_default());
        Some(FollowedThread {
            thread: room.thread(thread.root_seq),
            summary: ThreadSummary {
                replies: thread.thread_no.saturating_sub(thread.deleted),
                last_seq: thread.last_seq,
                last_at_ms: thread.last_at_ms,
            },
            repliers: thread.repliers.iter().filter_map(|id| UserId::parse(id).ok()).collect(),
            unread: unread.messages,
            mentions: unread.mentions,
        })
    }
}

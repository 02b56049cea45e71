//! A room: sending, history, members, markers, typing.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::{ClientRef, RoomId, UserId},
    interaction::Components,
    limits::{
        ATTACHMENTS_MAX, MEMBERS_PER_CALL_MAX, MENTION_GROUPS_MAX, MENTIONS_MAX, TEXT_BYTES_MAX,
    },
    marker::MarkUnreadRequest,
    message::{MessagePosted, SendRequest},
    prost::Message as _,
    room::{
        AddMembersRequest, HandOverRoomRequest, ListMembersRequest, RemoveMemberRequest,
        RenameRoomRequest,
    },
};
pub use parlour_sdk_core::rooms::RoomSummary;
use parlour_sdk_core::{
    attachment::Attachment,
    outbox::{Payload, SendError},
    polls::NewPoll,
    timeline::{Scope, edit_body, post_body},
};
use tokio::sync::oneshot;

use crate::{
    Thread, Timeline,
    client::{User, Who},
    driver::{Command, Sent},
    error::{CallError, HistoryError, QueueError},
    handle::{Gone, Handle},
};

/// What a message says, and whom it mentions. A `&str` or `String` is a text without mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// 1 byte to 16 KiB; may be empty where there are attachments or a poll.
    pub text: String,
    /// What was uploaded, at most 50; see [`Client::upload`](crate::Client::upload).
    pub attachments: Vec<Attachment>,
    /// Users mentioned, at most 100; each must be in the room.
    pub mentions: Vec<UserId>,
    /// Mentions everyone in the room.
    pub mentions_everyone: bool,
    /// Nodes of the directory whose people are mentioned, by their rooms, at most 8: whoever is in one of
    /// them and in this room. Takes the permission to mention everyone; not in threads.
    pub mention_groups: Vec<RoomId>,
    /// The message it replies to, by its number in the log.
    pub reply_to: Option<u64>,
    /// The message whose thread it belongs to; see [`Room::thread`].
    pub thread_root: Option<u64>,
    /// What it asks.
    pub poll: Option<NewPoll>,
    /// What it offers to press and to choose; see [`Client::interactions`](crate::Client::interactions).
    pub components: Option<Components>,
}

impl From<NewPoll> for Draft {
    fn from(poll: NewPoll) -> Self {
        Draft { poll: Some(poll), ..Draft::default() }
    }
}

impl Draft {
    /// As the outbox has it, unless it is over a bound.
    pub(crate) fn payload(self) -> Result<Payload, QueueError> {
        let Draft {
            text,
            attachments,
            mentions,
            mentions_everyone,
            mention_groups,
            reply_to,
            thread_root,
            poll,
            components,
        } = self;
        check_text(&text, !attachments.is_empty() || poll.is_some())?;
        if attachments.len() > ATTACHMENTS_MAX {
            return Err(QueueError::Attachments);
        }
        if mentions.len() > MENTIONS_MAX || mention_groups.len() > MENTION_GROUPS_MAX {
            return Err(QueueError::Mentions);
        }
        let body = post_body(&text, &attachments, poll.as_ref(), components, &mention_groups);
        let attachments = attachments.iter().map(|attachment| attachment.hash).collect();
        Ok(Payload::Post { body, mentions, mentions_everyone, reply_to, thread_root, attachments })
    }

    /// What a request to send says.
    pub(crate) fn of_request(request: SendRequest) -> Self {
        let posted = MessagePosted::decode(request.body).unwrap_or_default();
        let mention_groups = posted.mention_groups.iter();
        Draft {
            text: posted.text,
            attachments: posted.attachments.into_iter().filter_map(Attachment::from_wire).collect(),
            mentions: request.mentions.iter().filter_map(|u| UserId::parse(u).ok()).collect(),
            mentions_everyone: request.mention_everyone,
            mention_groups: mention_groups.filter_map(|id| RoomId::parse(id).ok()).collect(),
            reply_to: Some(request.reply_to_seq).filter(|seq| *seq > 0),
            thread_root: Some(request.thread_root_seq).filter(|seq| *seq > 0),
            poll: posted.poll.map(NewPoll::from_wire),
            components: posted.components,
        }
    }
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Draft { text: text.to_owned(), ..Draft::default() }
    }
}

impl From<String> for Draft {
    fn from(text: String) -> Self {
        Draft { text, ..Draft::default() }
    }
}

/// Something that is written down and will be sent.
#[derive(Debug)]
pub struct QueuedSend {
    client_ref: ClientRef,
    sent: oneshot::Receiver<Result<Sent, SendError>>,
    handle: Handle,
}

impl QueuedSend {
    /// Its own id, the one its message carries in timelines.
    pub fn client_ref(&self) -> ClientRef {
        self.client_ref
    }

    /// Waits until it is in the room's log. Without a connection that takes until there is one.
    ///
    /// # Errors
    /// When the server refuses it; it stays in the outbox as failed.
    pub async fn sent(self) -> Result<Sent, QueueError> {
        Ok(self.sent.await.map_err(|_| QueueError::Closed)??)
    }

    /// Takes it out of the outbox. When it is under way it may arrive all the same.
    pub async fn discard(self) {
        // A client that is gone sends nothing any more.
        let _ = self.handle.command(Command::Discard(self.client_ref)).await;
    }
}

/// A room. Cheap to clone; it doesn't keep the client alive.
#[derive(Clone)]
pub struct Room {
    id: RoomId,
    handle: Handle,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room({})", self.id)
    }
}

/// Some of a room's members.
#[derive(Clone, Debug)]
pub struct MembersPage {
    /// Who.
    pub users: Vec<User>,
    /// Where [`Room::members_page`] goes on; `None` at the end.
    pub next: Option<MembersCursor>,
}

/// A place in a room's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersCursor(Bytes);

impl Room {
    pub(crate) fn new(id: RoomId, handle: Handle) -> Self {
        Room { id, handle }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Its id.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// The room on one line: name, counts, who is typing. `None` when the user isn't in it, or it
    /// isn't known yet.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn summary(&self) -> Result<Option<Arc<RoomSummary>>, CallError> {
        let asked = self.handle.ask(|reply| Command::Summary(self.id, reply)).await;
        asked.map_err(|Gone| CallError::Closed)
    }

    // Sending.

    /// Sends a message and waits until the server has it on its disk. It is written down first:
    /// should the program end meanwhile, the next one sends it. Dropping the future doesn't take
    /// it back; [`Room::queue`] gives a handle that can.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the server refuses.
    pub async fn send(&self, message: impl Into<Draft>) -> Result<Sent, QueueError> {
        self.queue(message).await?.sent().await
    }

    /// Writes a message down and returns; it is sent when its turn comes.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the outbox is full.
    pub async fn queue(&self, message: impl Into<Draft>) -> Result<QueuedSend, QueueError> {
        self.put(message.into().payload()?).await
    }

    /// Gives the user's own message at `seq` another text.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the server refuses.
    pub async fn edit(&self, seq: u64, text: &str) -> Result<Sent, QueueError> {
        // Whether the message has attachments or a poll, and so may be without a text, the server knows.
        check_text(text, true)?;
        let payload = Payload::Edit { target_seq: seq, body: edit_body(text) };
        self.put(payload).await?.sent().await
    }

    /// Deletes the message at `seq`: the user's own, or any for the group's creator.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete(&self, seq: u64) -> Result<Sent, QueueError> {
        self.put(Payload::Delete { target_seq: seq }).await?.sent().await
    }

    /// Puts an emoji, or `:name:`, to the message at `seq`. It shows at once, and is sent when there
    /// is a connection.
    ///
    /// # Errors
    /// When the server refuses: `INVALID_FIELD` for what isn't an emoji, `TOO_MANY_REACTIONS`.
    pub async fn react(&self, seq: u64, emoji: &str) -> Result<(), QueueError> {
        let (target_seq, emoji) = (seq, emoji.to_owned());
        let queued = self.put(Payload::React { target_seq, emoji, on: true }).await?;
        queued.sent().await.map(drop)
    }

    /// Takes the user's emoji off the message at `seq`.
    ///
    /// # Errors
    /// As [`Room::react`].
    pub async fn unreact(&self, seq: u64, emoji: &str) -> Result<(), QueueError> {
        let (target_seq, emoji) = (seq, emoji.to_owned());
        let queued = self.put(Payload::React { target_seq, emoji, on: false }).await?;
        queued.sent().await.map(drop)
    }

    pub(crate) async fn put(&self, payload: Payload) -> Result<QueuedSend, QueueError> {
        self.put_after(payload, Duration::ZERO).await
    }

    pub(crate) async fn put_after(
        &self,
        payload: Payload,
        wait: Duration,
    ) -> Result<QueuedSend, QueueError> {
        let (durable, is_durable) = oneshot::channel();
        let (sent, is_sent) = oneshot::channel();
        let queued = crate::driver::Queued { durable, sent };
        let command = Command::Send { room: self.id, payload, wait, queued };
        self.handle.command(command).await.map_err(|Gone| QueueError::Closed)?;
        let client_ref = is_durable.await.map_err(|_| QueueError::Closed)??;
        Ok(QueuedSend { client_ref, sent: is_sent, handle: self.handle.clone() })
    }

    pub(crate) async fn rewrite(
        &self,
        client_ref: ClientRef,
        text: &str,
    ) -> Result<(), QueueError> {
        check_text(text, false)?;
        let text = text.to_owned();
        let asked = self.handle.ask(|done| Command::Rewrite { client_ref, text, done }).await;
        match asked {
            Ok(true) => Ok(()),
            Ok(false) => Err(QueueError::NotSent),
            Err(Gone) => Err(QueueError::Closed),
        }
    }

    pub(crate) async fn command(&self, command: Command) -> Result<(), QueueError> {
        self.handle.command(command).await.map_err(|Gone| QueueError::Closed)
    }

    // Reading.

    /// The room's messages: what the cache has at once, everything newer and older as it comes.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn timeline(&self) -> Result<Timeline, HistoryError> {
        self.timeline_of(self.id.into()).await
    }

    pub(crate) async fn timeline_of(&self, scope: Scope) -> Result<Timeline, HistoryError> {
        let asked = self.handle.ask(|reply| Command::Timeline(scope, reply)).await;
        let (items, feed) = asked.map_err(|Gone| HistoryError::Closed)?;
        Ok(Timeline::new(self.clone(), scope, items, feed))
    }

    pub(crate) async fn load_older(&self, scope: Scope, limit: u32) -> Result<bool, HistoryError> {
        let asked = self.handle.ask(|reply| Command::Older(scope, limit, reply)).await;
        Ok(asked.map_err(|Gone| HistoryError::Closed)??)
    }

    /// The thread under the message at `root_seq`.
    pub fn thread(&self, root_seq: u64) -> Thread {
        Thread::new(self.clone(), root_seq)
    }

    /// Writes the room's whole history into the cache, so that it can be read without a
    /// connection. Goes on after reconnects; what is there already isn't read again. Dropping the
    /// future stops it; the next download goes on where it was.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn download_history(&self) -> Result<(), HistoryError> {
        let asked = self.handle.ask(|reply| Command::Download(self.id, reply)).await;
        asked.map_err(|Gone| HistoryError::Closed)??;
        Ok(())
    }

    /// Everything up to `seq` is read. Never moves the marker back. Kept without a connection and
    /// told to the server later.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn mark_read(&self, seq: u64) -> Result<(), CallError> {
        let told = self.handle.command(Command::MarkRead(self.id, seq)).await;
        told.map_err(|Gone| CallError::Closed)
    }

    /// `seq` and everything after it is unread, even what the user wrote.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn mark_unread(&self, seq: u64) -> Result<(), CallError> {
        let request = MarkUnreadRequest { room: self.id.to_field(), seq };
        self.handle.call::<rpc::MarkUnread>(request).await.map(|_| ())
    }

    /// The user is typing, or has stopped. Call it at every key: what need not be sent isn't.
    pub fn typing(&self, active: bool) {
        self.handle.hint(Command::Typing(self.id, active));
    }

    // Members.

    /// Some of those in the room, in an order that stays, with where to go on: for rooms of thousands.
    /// `after` is where the last page ended, `None` for the first; a page has at most 500.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn members_page(
        &self,
        after: Option<MembersCursor>,
    ) -> Result<MembersPage, CallError> {
        let page = after.map_or(Bytes::new(), |cursor| cursor.0);
        let request = ListMembersRequest { room: self.id.to_field(), page, page_size: 500 };
        let answer = self.handle.call::<rpc::ListMembers>(request).await?;
        let users = self.handle.learn_users(answer.members);
        let next = (!answer.next_page.is_empty()).then_some(MembersCursor(answer.next_page));
        Ok(MembersPage { users, next })
    }

    /// Everyone in the room: a call for each 500. [`Room::members_page`] reads a large one bit by bit.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn members(&self) -> Result<Vec<User>, CallError> {
        let mut page = self.members_page(None).await?;
        let mut members = page.users;
        while let Some(next) = page.next {
            page = self.members_page(Some(next)).await?;
            members.append(&mut page.users);
        }
        Ok(members)
    }

    /// Adds members to a group. Those who are in it already are left as they are.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn add_members<W: Into<Who>>(
        &self,
        who: impl IntoIterator<Item = W>,
    ) -> Result<(), CallError> {
        let members: Vec<_> = who.into_iter().map(|who| who.into().to_ref()).collect();
        for members in members.chunks(MEMBERS_PER_CALL_MAX) {
            let request = AddMembersRequest { room: self.id.to_field(), members: members.to_vec() };
            self.handle.call::<rpc::AddMembers>(request).await?;
        }
        Ok(())
    }

    /// Makes another member the one who may do everything in a group; for whoever is that.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for others, `USER_NOT_FOUND` where they aren't in it; or when the client is gone.
    pub async fn hand_over(&self, to: UserId) -> Result<(), CallError> {
        let request = HandOverRoomRequest { room: self.id.to_field(), to: to.to_field() };
        self.handle.call::<rpc::HandOverRoom>(request).await.map(drop)
    }

    /// Removes a member from a group: oneself, or anyone for the group's creator.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn remove_member(&self, user: UserId) -> Result<(), CallError> {
        let request = RemoveMemberRequest { room: self.id.to_field(), user: user.to_field() };
        self.handle.call::<rpc::RemoveMember>(request).await.map(|_| ())
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn leave(&self) -> Result<(), CallError> {
        let me = *self.handle.me.borrow();
        self.remove_member(me.ok_or(CallError::Closed)?).await
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn rename(&self, name: &str) -> Result<(), CallError> {
        let request = RenameRoomRequest { room: self.id.to_field(), name: name.to_owned() };
        self.handle.call::<rpc::RenameRoom>(request).await.map(|_| ())
    }
}

fn check_text(text: &str, may_be_empty: bool) -> Result<(), QueueError> {
    if text.is_empty() && !may_be_empty || text.len() > TEXT_BYTES_MAX {
        return Err(QueueError::Text);
    }
    Ok(())
}

//! The client: one user on one device.

use std::{collections::BTreeMap, fmt, sync::Arc};

use futures_core::Stream;
use futures_util::stream;
pub use parlour_protocol::ids::{BlobHash, ClientRef, RoomId, UserId};
use parlour_protocol::{
    generated::{ControlRpc, Rpc, rpc},
    limits::USERS_PER_CALL_MAX,
    room::{CreateGroupRequest, OpenDirectRequest, UserRef, user_ref},
    user::{GetUsersRequest, UserKind},
};
pub use parlour_sdk_core::event::LogEvent;
use parlour_sdk_core::timeline::messages;
use tokio::sync::{mpsc, watch};

use crate::{
    Account, Builder, Directory, Drafts, Item, People, Presence, Profile, Reminders, Room,
    RoomList, Saved, Schedule, ServiceAccounts,
    driver::Command,
    error::{CallError, QueueError},
    handle::{Gone, Handle},
    profile::parse_profile,
    state::State,
    users::looked_at,
};

/// A person or program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The token's `sub`.
    pub subject: String,
    /// The token's `name`, else the subject.
    pub name: String,
    /// A person, a program with an account, or an incoming webhook.
    pub kind: UserKind,
    /// What else is known of them.
    pub profile: Profile,
    /// They are shut out; what they wrote stays.
    pub is_deactivated: bool,
}

/// Somebody by id or by the subject of their tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By id.
    Id(UserId),
    /// By the token's `sub`.
    Subject(String),
}

impl From<UserId> for Who {
    fn from(id: UserId) -> Self {
        Who::Id(id)
    }
}

impl From<&str> for Who {
    fn from(subject: &str) -> Self {
        Who::Subject(subject.to_owned())
    }
}

impl From<String> for Who {
    fn from(subject: String) -> Self {
        Who::Subject(subject)
    }
}

impl Who {
    pub(crate) fn to_ref(&self) -> UserRef {
        let user = match self {
            Who::Id(id) => user_ref::User::Id(id.to_field()),
            Who::Subject(subject) => user_ref::User::Subject(subject.clone()),
        };
        UserRef { user: Some(user) }
    }
}

/// The next events of one room's log, as the server wrote them.
#[derive(Clone, Debug)]
pub struct RoomEvents {
    /// The room.
    pub room: RoomId,
    /// In the log's order.
    pub events: Vec<LogEvent>,
}

impl RoomEvents {
    /// The messages and notices among them, each as a timeline shows it; what changes an earlier one
    /// isn't.
    pub fn items(&self, client: &Client) -> Vec<Item> {
        let room = client.room(self.room);
        let shown = messages(self.room, client.me(), &self.events, &[]);
        shown.into_iter().map(|item| Item::new(item, &room)).collect()
    }
}

pub(crate) struct Inner {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) handle: Handle,
    pub(crate) state: watch::Receiver<State>,
    pub(crate) synced: watch::Receiver<bool>,
    pub(crate) entropy: Arc<dyn crate::environment::Entropy>,
    pub(crate) clock: Arc<dyn crate::environment::Clock>,
    pub(crate) login: Option<Arc<crate::sign_in::Login>>,
}

/// One user on one device. Clones are the same client; when the last one is dropped, the client
/// ends: its connection closes, and rooms, messages and lists got from it answer that it is gone.
///
/// A client is one task on the tokio runtime that it was built on (QUIC adds a task per socket and
/// connection, on the same runtime). It starts no thread: the SQLite cache and name look-ups use
/// the runtime's own threads for blocking work.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &*self.inner.state.borrow()).finish_non_exhaustive()
    }
}

impl Client {
    /// What a client needs to know.
    pub fn builder() -> Builder {
        Builder::default()
    }

    // Standing.

    /// Where the client stands, now and whenever that changes. The stream ends with the client.
    pub fn state(&self) -> impl Stream<Item = State> + Send + Unpin + use<> {
        let mut states = self.inner.state.clone();
        states.mark_changed();
        Box::pin(stream::unfold(states, |mut states| async move {
            states.changed().await.ok()?;
            let state = *states.borrow_and_update();
            Some((state, states))
        }))
    }

    /// Where the client stands now.
    pub fn current_state(&self) -> State {
        *self.inner.state.borrow()
    }

    /// The user; `None` before the first connection ever.
    pub fn me(&self) -> Option<UserId> {
        *self.inner.handle.me.borrow()
    }

    /// Waits until everything that happened while the client was away is known.
    ///
    /// # Errors
    /// When the client ends before.
    pub async fn synced(&self) -> Result<(), CallError> {
        let mut synced = self.inner.synced.clone();
        synced.wait_for(|is_synced| *is_synced).await.map(|_| ()).map_err(|_| CallError::Closed)
    }

    /// The device has another network: call this when the system says so. The connection moves to
    /// the new path at once, and a second one is made beside it in case it can't.
    pub fn network_changed(&self) {
        self.inner.handle.hint(Command::NetworkChanged);
    }

    /// The app isn't shown any more: call this when the system says so, and let it wait for the answer before it puts
    /// the app to sleep. The user doesn't count as present at this device, and once it returns what the client
    /// knows, the outbox among it, is in the cache's file, whatever ends the app. The connection is kept as long as the system lets it.
    ///
    /// # Errors
    /// [`QueueError::NotDurable`] when the cache couldn't be written, [`QueueError::Closed`] when the client is gone.
    pub async fn entered_background(&self) -> Result<(), QueueError> {
        match self.inner.handle.ask(Command::Background).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(QueueError::NotDurable),
            Err(Gone) => Err(QueueError::Closed),
        }
    }

    /// The app is shown again. The user is present at this device, an attempt to connect that waits for its time is
    /// made now, and a connection that sleep may have killed is tried: if the server doesn't answer soon, another
    /// one is made.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn entered_foreground(&self) -> Result<(), CallError> {
        let told = self.inner.handle.command(Command::Foreground).await;
        told.map_err(|Gone| CallError::Closed)
    }

    /// Connects again after [`State::Stopped`], or at once while [`State::Offline`], with a fresh
    /// token.
    pub fn reconnect(&self) {
        self.inner.handle.hint(Command::Reconnect);
    }

    /// Ends the client: closes the connection and writes the cache. What waits in the outbox is
    /// kept there.
    pub async fn disconnect(&self) {
        if self.inner.handle.command(Command::Disconnect).await.is_ok() {
            self.inner.commands.closed().await;
            let mut states = self.inner.state.clone();
            // The driver's end is the state's end, whichever is seen first.
            let _ = states.wait_for(|state| *state == State::Closed).await;
        }
    }

    // Rooms.

    /// A room by its id. Nothing is asked of the server.
    pub fn room(&self, id: RoomId) -> Room {
        Room::new(id, self.inner.handle.clone())
    }

    /// The rooms, the one with the newest event first.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn rooms(&self) -> Result<RoomList, CallError> {
        let snapshot = self.inner.handle.ask(Command::Rooms).await;
        let (items, feed) = snapshot.map_err(|Gone| CallError::Closed)?;
        Ok(RoomList::new(items, feed))
    }

    /// The direct room with somebody; made if it isn't there yet.
    ///
    /// # Errors
    /// `USER_NOT_FOUND` when nobody of that name has ever connected to this organization.
    pub async fn open_direct(&self, with: impl Into<Who>) -> Result<Room, CallError> {
        let request = OpenDirectRequest { with: Some(with.into().to_ref()) };
        let answer = self.call::<rpc::OpenDirect>(request).await?;
        self.room_of(answer.room)
    }

    /// A new group with these members and the user.
    ///
    /// # Errors
    /// As the server refuses: an unknown member, a name over 200 bytes.
    pub async fn create_group<W: Into<Who>>(
        &self,
        name: &str,
        members: impl IntoIterator<Item = W>,
    ) -> Result<Room, CallError> {
        let request = CreateGroupRequest {
            client_ref: self.new_ref().to_field(),
            name: name.to_owned(),
            members: members.into_iter().map(|who| who.into().to_ref()).collect(),
        };
        let answer = self.call::<rpc::CreateGroup>(request).await?;
        self.room_of(answer.room)
    }

    pub(crate) fn room_of(
        &self,
        room: Option<parlour_protocol::room::Room>,
    ) -> Result<Room, CallError> {
        let room = room.ok_or(CallError::Malformed)?;
        let id = RoomId::parse(&room.id).map_err(|_| CallError::Malformed)?;
        Ok(self.room(id))
    }

    /// The organization's directory.
    pub fn directory(&self) -> Directory {
        Directory::new(self.inner.handle.clone())
    }

    // Presence.

    /// Who is there, and what they say of themselves.
    pub fn presence(&self) -> Presence {
        Presence::new(self.inner.handle.clone())
    }

    /// The user's account, where the server keeps accounts of its own.
    pub fn account(&self) -> Account {
        Account::new(self.inner.handle.clone(), self.inner.login.clone())
    }

    /// Accounts of programs and their keys, for admins.
    pub fn service_accounts(&self) -> ServiceAccounts {
        ServiceAccounts::new(self.inner.handle.clone())
    }

    /// What the user has saved for themselves.
    pub fn saved(&self) -> Saved {
        Saved::new(self.inner.handle.clone())
    }

    /// Who is in the organization, and of whom the user wants to hear nothing.
    pub fn people(&self) -> People {
        People::new(self.inner.handle.clone())
    }

    /// Messages that the server sends later.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.clone())
    }

    /// What the user wants to be told of at a time.
    pub fn reminders(&self) -> Reminders {
        Reminders::new(self.clone())
    }

    /// What the user has begun to write.
    pub fn drafts(&self) -> Drafts {
        Drafts::new(self.inner.handle.clone())
    }

    /// A new id in the order of time (RFC 9562, version 7).
    pub(crate) fn new_ref(&self) -> ClientRef {
        let mut random = [0; 10];
        self.inner.entropy.fill(&mut random);
        let unix_ms = self.inner.clock.now().unix_ms;
        ClientRef::from_bytes(parlour_protocol::ids::uuid_v7(unix_ms, random))
    }

    // Users.

    /// What was said of a user last, without asking: in this run or, from the cache, in one before. To draw
    /// a screen with before there is a connection; [`Client::users`] then says it anew.
    pub fn known_user(&self, id: UserId) -> Option<User> {
        self.inner.handle.known_user(id).map(|(user, _)| user)
    }

    /// Users of the organization, from memory where they were asked for before in this run. Unknown ones are
    /// left out. [`People::changes`](crate::People::changes) tells of those who are others since.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn users(&self, ids: &[UserId]) -> Result<BTreeMap<UserId, User>, CallError> {
        let mut found = BTreeMap::new();
        let mut unknown = Vec::new();
        for id in ids {
            match self.inner.handle.known_user(*id) {
                Some((user, true)) => drop(found.insert(*id, user)),
                _ => unknown.push(*id),
            }
        }
        let asked = self.inner.handle.ask_users(&unknown).await?;
        found.extend(asked.into_iter().map(|user| (user.id, user)));
        Ok(found)
    }

    /// Users by the subjects of their tokens. Unknown ones are left out.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn users_by_subject(&self, subjects: &[&str]) -> Result<Vec<User>, CallError> {
        let mut found = Vec::new();
        let mut rest = subjects;
        while !rest.is_empty() {
            let some = &rest[..rest.len().min(USERS_PER_CALL_MAX)];
            let subjects = some.iter().map(|subject| (*subject).to_owned()).collect();
            let request = GetUsersRequest { users: Vec::new(), subjects };
            let answer = self.call::<rpc::GetUsers>(request).await?;
            rest = &rest[looked_at(answer.looked_at, some.len())..];
            found.extend(self.inner.handle.learn_users(answer.users));
        }
        Ok(found)
    }

    // The protocol itself.

    /// Makes any call of the control lane. Dropping the future cancels it. Without a connection it
    /// waits for one; wrap it in a timeout where that is too long.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn call<R: ControlRpc + Rpc>(
        &self,
        request: R::Request,
    ) -> Result<R::Response, CallError> {
        self.inner.handle.call::<R>(request).await
    }

    /// Every event of every room while connected, in each room's order, without repetition. For
    /// programs; screens want timelines. After a long absence the events between are left out: read
    /// [`Room::timeline`] for those. An observer that is 100,000 batches behind loses the oldest.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn events(
        &self,
    ) -> Result<impl Stream<Item = RoomEvents> + Send + Unpin + use<>, CallError> {
        self.inner.handle.ask(Command::Events).await.map_err(|Gone| CallError::Closed)
    }
}

pub(crate) fn parse_user(user: parlour_protocol::user::User) -> Option<User> {
    let (id, kind) = (UserId::parse(&user.id).ok()?, user.kind());
    let name = if user.name.is_empty() { user.subject.clone() } else { user.name };
    let profile = parse_profile(user.profile.unwrap_or_default());
    Some(User { id, subject: user.subject, name, kind, profile, is_deactivated: user.deactivated })
}

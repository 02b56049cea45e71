//! The client: one user on one device.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::future::join_all;

use crate::{
    CallError, Events, FollowedThread, Found, Notifications, Presence, QueueError, Room, RoomList,
    Search, SearchError, State, States, Upload,
    files::FileSource,
    ids::{parse, parse_all, show, who},
    pull::{Pull, Unnamed},
    runtime::run,
};

/// The clients there are, to take leave of when the process ends.
static CLIENTS: Mutex<Vec<Weak<Client>>> = Mutex::new(Vec::new());

/// Disconnects every client.
pub(crate) async fn leave() {
    let clients = std::mem::take(&mut *CLIENTS.lock().unwrap_or_else(PoisonError::into_inner));
    let living = clients.iter().filter_map(Weak::upgrade);
    join_all(living.map(|client| async move { client.inner.disconnect().await })).await;
}

/// A person or program.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct User {
    /// The id.
    pub id: String,
    /// The token's `sub`.
    pub subject: String,
    /// The token's `name`, else the subject.
    pub name: String,
    /// A program with an account of its own, or an incoming webhook.
    pub is_program: bool,
    /// They are shut out; what they wrote stays.
    pub is_deactivated: bool,
}

impl From<parlour::User> for User {
    fn from(user: parlour::User) -> Self {
        use parlour::protocol::user::UserKind;
        User {
            id: show(user.id),
            subject: user.subject,
            name: user.name,
            is_program: matches!(user.kind, UserKind::Bot | UserKind::Hook),
            is_deactivated: user.is_deactivated,
        }
    }
}

/// One user on one device.
#[derive(uniffi::Object)]
pub struct Client {
    pub(crate) inner: parlour::Client,
}

impl Client {
    pub(crate) fn shared(inner: parlour::Client) -> Arc<Self> {
        let client = Arc::new(Client { inner });
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|other| other.strong_count() > 0);
        clients.push(Arc::downgrade(&client));
        client
    }
}

#[uniffi::export]
impl Client {
    // Standing.

    /// Where the client stands now.
    pub fn state(&self) -> State {
        self.inner.current_state().into()
    }

    /// Where the client stands, now and whenever that changes.
    pub fn states(&self) -> States {
        States { pull: Pull::new(Box::pin(self.inner.state())) }
    }

    /// The user's id; none before the first connection ever.
    pub fn me(&self) -> Option<String> {
        self.inner.me().map(show)
    }

    /// Waits until everything that happened while the client was away is known.
    ///
    /// # Errors
    /// When the client ends before.
    pub async fn synced(&self) -> Result<(), CallError> {
        let client = self.inner.clone();
        run(async move { Ok(client.synced().await?) }).await
    }

    /// The device has another network: to be called when the system says so.
    pub fn network_changed(&self) {
        self.inner.network_changed();
    }

    /// The app isn't shown any more: to be called when the system says so, and waited for before the system puts
    /// the app to sleep. The user doesn't count as present at this device, and once it returns what the client
    /// knows, the outbox among it, is in the cache's file.
    ///
    /// # Errors
    /// When the cache couldn't be written or the client is gone.
    pub async fn entered_background(&self) -> Result<(), QueueError> {
        let client = self.inner.clone();
        run(async move { Ok(client.entered_background().await?) }).await
    }

    /// The app is shown again: to be called when the system says so. The user is present, and a connection that
    /// sleep may have killed is tried at once, or made.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn entered_foreground(&self) -> Result<(), CallError> {
        let client = self.inner.clone();
        run(async move { Ok(client.entered_foreground().await?) }).await
    }

    /// Connects again after it stopped, or at once while offline, with a fresh token.
    pub fn reconnect(&self) {
        self.inner.reconnect();
    }

    /// Ends the client: closes the connection and writes the cache. What waits in the outbox is
    /// kept there.
    ///
    /// # Errors
    /// When the runtime has ended.
    pub async fn disconnect(&self) -> Result<(), CallError> {
        let client = self.inner.clone();
        run(async move {
            client.disconnect().await;
            Ok(())
        })
        .await
    }

    // Rooms.

    /// A room by its id. Nothing is asked of the server.
    ///
    /// # Errors
    /// When it isn't an id.
    pub fn room(&self, id: &str) -> Result<Arc<Room>, CallError> {
        Ok(Room::shared(self.inner.room(parse(id)?)))
    }

    /// The rooms, the one with the newest event first.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn rooms(&self) -> Result<Arc<RoomList>, CallError> {
        let client = self.inner.clone();
        run(async move { Ok(RoomList::shared(client.rooms().await?)) }).await
    }

    /// The direct room with somebody, by id or subject; made if it isn't there yet.
    ///
    /// # Errors
    /// `USER_NOT_FOUND` when nobody of that name has ever connected to this organization.
    pub async fn open_direct(&self, with: String) -> Result<Arc<Room>, CallError> {
        let client = self.inner.clone();
        run(async move { Ok(Room::shared(client.open_direct(who(with)).await?)) }).await
    }

    /// A new group with these members, by id or subject, and the user.
    ///
    /// # Errors
    /// As the server refuses: an unknown member, a name over 200 bytes.
    pub async fn create_group(
        &self,
        name: String,
        members: Vec<String>,
    ) -> Result<Arc<Room>, CallError> {
        let (client, members) = (self.inner.clone(), members.into_iter().map(who));
        run(async move { Ok(Room::shared(client.create_group(&name, members).await?)) }).await
    }

    /// The threads that the user follows, the one with the newest reply first.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn threads(&self, unread_only: bool) -> Result<Vec<FollowedThread>, CallError> {
        let client = self.inner.clone();
        run(async move {
            let threads = client.threads(unread_only).await?;
            Ok(threads.into_iter().map(FollowedThread::from).collect())
        })
        .await
    }

    /// Everything in every room and followed thread is read, as far as the client knows of it. Rooms wait
    /// for a connection where there is none; what this waits for are the threads.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn mark_all_read(&self) -> Result<(), CallError> {
        let client = self.inner.clone();
        run(async move { Ok(client.mark_all_read().await?) }).await
    }

    // People.

    /// What was said of a user last, without asking: in this run or, from the cache, in one before.
    ///
    /// # Errors
    /// When it isn't an id.
    pub fn known_user(&self, id: String) -> Result<Option<User>, CallError> {
        Ok(self.inner.known_user(parse(&id)?).map(User::from))
    }

    /// Users of the organization by their ids. Unknown ones are left out.
    ///
    /// # Errors
    /// When one isn't an id, the server refuses or the client is gone.
    pub async fn users(&self, ids: Vec<String>) -> Result<Vec<User>, CallError> {
        let (client, ids) = (self.inner.clone(), parse_all(&ids)?);
        run(async move {
            let users = client.users(&ids).await?;
            Ok(users.into_values().map(User::from).collect())
        })
        .await
    }

    /// Users by the subjects of their tokens. Unknown ones are left out.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn users_by_subject(&self, subjects: Vec<String>) -> Result<Vec<User>, CallError> {
        let client = self.inner.clone();
        run(async move {
            let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
            let users = client.users_by_subject(&subjects).await?;
            Ok(users.into_iter().map(User::from).collect())
        })
        .await
    }

    /// Users of whom this client knew something and who have another name, picture or anything else
    /// now: those whose presence is watched at once, others when they are asked for again.
    pub fn user_changes(&self) -> UserChanges {
        UserChanges { pull: Pull::new(Box::pin(self.inner.people().changes())) }
    }

    /// Who is there, and what they say of themselves.
    pub fn presence(&self) -> Presence {
        Presence { inner: self.inner.presence() }
    }

    // Messages and files.

    /// Messages that are as searched for, in all rooms that the user is in.
    ///
    /// # Errors
    /// When a sender or room that was named isn't there, the server refuses, or the client is gone.
    pub async fn search(&self, search: Search) -> Result<Arc<Found>, SearchError> {
        let (client, search) = (self.inner.clone(), search.told()?);
        run(async move { Ok(Found::shared(client.search(search).await?)) }).await
    }

    /// What happens in every room while connected, in each room's order, without repetition. For
    /// programs; screens want timelines.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn events(&self) -> Result<Arc<Events>, CallError> {
        let client = self.inner.clone();
        run(async move { Ok(Events::shared(client.events().await?, client.clone())) }).await
    }

    /// Messages that the user wants to be told of, from now on. Those that came while the client was away come
    /// once it is back, as far as their rooms are read on.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn notifications(&self) -> Result<Arc<Notifications>, CallError> {
        let client = self.inner.clone();
        run(async move { Ok(Notifications::shared(client.notifications().await?)) }).await
    }

    /// An upload to be: it begins with `Upload::run`.
    pub fn upload(&self, source: FileSource) -> Upload {
        Upload::new(self.inner.clone(), source)
    }
}

/// Changed users as they come, each as they are now. Ends with the client.
#[derive(uniffi::Object)]
pub struct UserChanges {
    pull: Pull<Unnamed<parlour::User>>,
}

#[uniffi::export]
impl UserChanges {
    /// Waits until there is something to take; `false` when nothing comes any more.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// What has come, at most so many.
    pub fn take(&self, max: u32) -> Vec<User> {
        self.pull.take(max).into_iter().map(User::from).collect()
    }
}

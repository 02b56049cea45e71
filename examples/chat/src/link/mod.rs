//! The line between the chat and the client: what is to be done goes in, what happened comes out.

pub(crate) mod convert;
mod files;
pub(crate) mod room;
pub(crate) mod words;

use std::{future::Future, time::Duration};

use futures_util::StreamExt;
use parlour::{
    CallError, Client, Draft, Found, QueueError, Room, RoomId, Search, State, UserId,
    presence::Activity,
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{
    clock,
    model::{Connection, Effect, Event},
};
use room::{Change, Order};

/// Calls wait for a connection; a person doesn't wait longer than this.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Events that wait to be shown.
const EVENTS_MAX: usize = 256;

/// Does what the chat asks for.
pub(crate) struct Link {
    client: Client,
    events: mpsc::Sender<Event>,
    tasks: JoinSet<()>,
    open: Option<(RoomId, mpsc::UnboundedSender<Order>)>,
    watching: Option<AbortHandle>,
}

impl Link {
    /// Follows the client's state and rooms; everything that happens comes out of the receiver.
    pub(crate) async fn start(client: Client) -> Result<(Self, mpsc::Receiver<Event>), CallError> {
        let (events, out) = mpsc::channel(EVENTS_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow_state(client.clone(), events.clone()));
        let mut rooms = client.rooms().await?;
        let sender = events.clone();
        tasks.spawn(async move {
            loop {
                let list = rooms.refresh().to_vec();
                if sender.send(Event::Rooms(list)).await.is_err() || rooms.next().await.is_none() {
                    return;
                }
            }
        });
        client.presence().set_active().await?;
        Ok((Link { client, events, tasks, open: None, watching: None }, out))
    }

    /// Ends the client, with its cache written.
    pub(crate) async fn stop(mut self) {
        self.tasks.abort_all();
        self.client.disconnect().await;
    }

    /// Does it; what comes of it comes as events.
    pub(crate) fn perform(&mut self, effect: Effect) {
        while self.tasks.try_join_next().is_some() {}
        match effect {
            Effect::Open(room) => self.open(room, None),
            Effect::OpenThread { room, root } => self.open(room, Some(root)),
            Effect::LoadOlder(room) => self.order(room, Order::Older),
            Effect::Edit { .. }
            | Effect::Delete { .. }
            | Effect::Retry { .. }
            | Effect::Send { .. }
            | Effect::Ask { .. }
            | Effect::Attach { .. }
            | Effect::Save { .. } => self.perform_on_messages(effect),
            Effect::React { room, seq, emoji, on } => self.react(room, seq, emoji, on),
            Effect::Vote { room, seq, choices } => {
                let room = self.client.room(room);
                self.queue(async move { room.vote(seq, choices).await });
            }
            Effect::ClosePoll { room, seq } => {
                let room = self.client.room(room);
                self.queue(async move { room.close_poll(seq).await });
            }
            Effect::Typing { room, active } => self.client.room(room).typing(active),
            Effect::ListMembers(room) => self.list_members(room),
            Effect::LookUp(users) => self.look_up(users),
            Effect::Watch(users) => self.watch(users),
            Effect::Show(is_here) => self.show(is_here),
            Effect::SetStatus(text) => self.set_status(text),
            Effect::MarkRead { room, seq } => {
                let room = self.client.room(room);
                self.tasks.spawn(async move { drop(room.mark_read(seq).await) });
            }
            Effect::MarkThreadRead { room, root, seq } => {
                // One that isn't followed has nothing unread.
                let thread = self.client.room(room).thread(root);
                self.tasks.spawn(async move { drop(thread.mark_read(seq).await) });
            }
            Effect::MarkUnread { room, seq } => {
                let room = self.client.room(room);
                self.call(async move { room.mark_unread(seq).await }, |()| {
                    done("marked as unread".to_owned())
                });
            }
            Effect::Direct(name) => {
                let client = self.client.clone();
                let call = async move { client.open_direct(name).await };
                self.call(call, |room| Event::Opened(room.id()));
            }
            Effect::Group { name, members } => {
                let client = self.client.clone();
                let call = async move { client.create_group(&name, members).await };
                self.call(call, |room| Event::Opened(room.id()));
            }
            Effect::Invite { room, who } => {
                let room = self.client.room(room);
                let text = format!("added {}", who.join(", "));
                self.call(async move { room.add_members(who).await }, |()| done(text));
            }
            Effect::Leave(room) => {
                let room = self.client.room(room);
                self.call(async move { room.leave().await }, |()| done("left".to_owned()));
            }
            Effect::Rename { room, name } => {
                let room = self.client.room(room);
                self.call(async move { room.rename(&name).await }, |()| done("renamed".to_owned()));
            }
            Effect::Search(typed) => self.search(typed),
            Effect::Reconnect => self.client.reconnect(),
            Effect::Quit => {}
        }
    }

    fn perform_on_messages(&mut self, effect: Effect) {
        match effect {
            Effect::Edit { room, place, text } => {
                self.order(room, Order::Change(place, Change::Edit(text)));
            }
            Effect::Delete { room, place } => {
                self.order(room, Order::Change(place, Change::Delete));
            }
            Effect::Retry { room, place } => {
                self.order(room, Order::Change(place, Change::Retry));
            }
            Effect::Send { room, text, mentions, everyone, reply_to, thread } => {
                let (mentions_everyone, thread_root) = (everyone, thread);
                let draft = Draft {
                    text,
                    mentions,
                    mentions_everyone,
                    reply_to,
                    thread_root,
                    ..Draft::default()
                };
                self.order(room, Order::Send(draft));
            }
            Effect::Ask { room, poll, thread } => {
                let draft = Draft { thread_root: thread, ..poll.into() };
                self.order(room, Order::Send(draft));
            }
            Effect::Attach { room, path, text, thread } => {
                let upload = files::attach(self.client.clone(), room, path, text, thread);
                self.tell(upload);
            }
            Effect::Save { room, seq, files, folder } => {
                self.tell(files::save(self.client.room(room), seq, files, folder));
            }
            // The others are done by the caller.
            _ => {}
        }
    }

    fn react(&mut self, room: RoomId, seq: u64, emoji: String, on: bool) {
        let room = self.client.room(room);
        self.queue(async move {
            match on {
                true => room.react(seq, &emoji).await,
                false => room.unreact(seq, &emoji).await,
            }
        });
    }

    /// What shows by itself, unless it is refused.
    fn queue(&mut self, done: impl Future<Output = Result<(), QueueError>> + Send + 'static) {
        let events = self.events.clone();
        self.tasks.spawn(async move {
            if let Err(error) = done.await {
                let _ = events.send(Event::Failed(words::queue_words(&error))).await;
            }
        });
    }

    fn open(&mut self, room: RoomId, thread: Option<u64>) {
        let (orders, queue) = mpsc::unbounded_channel();
        let follow = room::follow(self.client.room(room), thread, queue, self.events.clone());
        self.tasks.spawn(follow);
        // The room before does what it was asked for, then ends with the other end of its orders.
        self.open = Some((room, orders));
    }

    fn order(&mut self, room: RoomId, order: Order) {
        if let Some((open, orders)) = &self.open
            && *open == room
        {
            // A task that has ended has said why.
            let _ = orders.send(order);
        }
    }

    fn list_members(&mut self, room: RoomId) {
        let (room, events): (Room, _) = (self.client.room(room), self.events.clone());
        self.tasks.spawn(async move {
            // Asked again whenever there is a connection, so that failures need no words.
            if let Ok(Ok(members)) = tokio::time::timeout(ANSWER_WITHIN, room.members()).await {
                let members = members.into_iter().map(convert::person).collect();
                let _ = events.send(Event::Members { room: room.id(), members }).await;
            }
        });
    }

    fn look_up(&mut self, users: Vec<UserId>) {
        let (client, events) = (self.client.clone(), self.events.clone());
        self.tasks.spawn(async move {
            // From the last time, for as long as nobody can be asked.
            let known: Vec<_> = users.iter().filter_map(|user| client.known_user(*user)).collect();
            if !known.is_empty() {
                let people = known.into_iter().map(convert::person).collect();
                let _ = events.send(Event::People(people)).await;
            }
            if let Ok(Ok(found)) = tokio::time::timeout(ANSWER_WITHIN, client.users(&users)).await {
                let people = found.into_values().map(convert::person).collect();
                let _ = events.send(Event::People(people)).await;
            }
        });
    }

    fn watch(&mut self, users: Vec<UserId>) {
        if let Some(before) = self.watching.take() {
            before.abort();
        }
        let (presence, events) = (self.client.presence(), self.events.clone());
        self.watching = Some(self.tasks.spawn(async move {
            // A client that is gone watches nobody.
            let Ok(mut list) = presence.watch(users).await else { return };
            loop {
                let people = list.refresh().to_vec();
                if events.send(Event::Presence(people)).await.is_err()
                    || list.next().await.is_none()
                {
                    return;
                }
            }
        }));
    }

    fn show(&mut self, is_here: bool) {
        let presence = self.client.presence();
        self.tasks.spawn(async move {
            let activity = if is_here { Activity::Active } else { Activity::Idle };
            // A client that is gone is shown as gone.
            let _ = presence.set_activity(activity).await;
        });
    }

    fn set_status(&mut self, text: String) {
        let presence = self.client.presence();
        let text_done = if text.is_empty() { "status cleared" } else { "status set" };
        let call = async move { presence.set_status(text.as_str()).await };
        self.call(call, |()| done(text_done.to_owned()));
    }

    /// What comes of something that takes its time.
    fn tell(&mut self, work: impl Future<Output = Event> + Send + 'static) {
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let event = work.await;
            let _ = events.send(event).await;
        });
    }

    fn search(&mut self, typed: String) {
        let (client, events) = (self.client.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let found = tokio::time::timeout(ANSWER_WITHIN, find(&client, &typed)).await;
            let event = match found {
                Ok(Ok(found)) => Event::Found(found.hits.iter().map(convert::found).collect()),
                Ok(Err(why)) => Event::Failed(why),
                Err(_) => Event::Failed("no answer; try again when connected".to_owned()),
            };
            let _ = events.send(event).await;
        });
    }

    fn call<T, C, E>(&mut self, call: C, event: E)
    where
        C: Future<Output = Result<T, CallError>> + Send + 'static,
        E: FnOnce(T) -> Event + Send + 'static,
        T: Send,
    {
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let event = match tokio::time::timeout(ANSWER_WITHIN, call).await {
                Ok(Ok(answer)) => event(answer),
                Ok(Err(error)) => Event::Failed(words::call_words(&error)),
                Err(_) => Event::Failed("no answer; try again when connected".to_owned()),
            };
            let _ = events.send(event).await;
        });
    }
}

/// What somebody has typed, found.
pub(crate) async fn find(client: &Client, typed: &str) -> Result<Found, String> {
    let search = Search::typed(typed, clock::utc_offset_minutes());
    let search = search.map_err(|error| error.to_string())?;
    client.search(search).await.map_err(|error| words::search_words(&error))
}

fn done(text: String) -> Event {
    Event::Done(text)
}

async fn follow_state(client: Client, events: mpsc::Sender<Event>) {
    let mut states = client.state();
    while let Some(state) = states.next().await {
        let connection = match state {
            State::Connecting => Connection::Connecting,
            State::Live => Connection::Live,
            State::Offline { retry_at_ms, after } => {
                Connection::Offline { retry_at_ms, why: words::end_words(after) }
            }
            State::Stopped(stop) => Connection::Stopped(words::stop_words(stop)),
            _ => Connection::Closed,
        };
        let me = client.me().map(Event::Me);
        for event in me.into_iter().chain([Event::Connection(connection)]) {
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

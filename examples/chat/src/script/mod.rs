//! The chat without a screen: commands on standard input, events on standard output, one per line.
//! For scripts and checks.

mod change;
mod command;
mod out;

use std::{collections::BTreeMap, future::Future, time::Duration};

use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{BoxStream, FuturesUnordered},
};
use parlour::{
    CallError, Client, Draft, Place, Room, RoomId, Sent, State, Timeline, UserId,
    protocol::wire::ErrorReason,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{Instant, timeout_at},
};

use crate::{
    link::{self, convert, room::older, words},
    model::{
        command::Command,
        people::{self, Called, Person},
    },
};
use command::{Step, parse};
use out::{one_line, say};

/// Between two looks for what isn't there yet: a user, a room.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Events asked for at once when history is read.
const PAGE: u32 = 200;

/// Reads commands until there are none, then waits until all that was sent is acknowledged.
pub(crate) async fn run(client: Client, within: Duration) -> Result<(), String> {
    let states = client.state().boxed();
    let mut script = Script {
        client: client.clone(),
        within,
        states,
        open: None,
        subjects: BTreeMap::new(),
        sending: FuturesUnordered::new(),
    };
    let outcome = script.read().await;
    drop(script);
    client.disconnect().await;
    outcome
}

struct Script {
    client: Client,
    within: Duration,
    states: BoxStream<'static, State>,
    open: Option<Open>,
    /// What users sign in as.
    subjects: BTreeMap<UserId, String>,
    sending: FuturesUnordered<BoxFuture<'static, Result<Option<Sent>, String>>>,
}

struct Open {
    timeline: Timeline,
    members: Vec<Person>,
    /// What was printed of each message: its text, `None` for a deleted one.
    printed: BTreeMap<u64, Option<String>>,
}

impl Open {
    fn room(&self) -> &Room {
        self.timeline.room()
    }
}

impl Script {
    async fn read(&mut self) -> Result<(), String> {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut number = 0;
        loop {
            let line = tokio::select! {
                line = lines.next_line() => line.map_err(|error| error.to_string())?,
                news = self.next() => {
                    news?;
                    continue;
                }
            };
            number += 1;
            let Some(line) = line else { break };
            let step = match line.trim() {
                "" => continue,
                line if line.starts_with('#') => continue,
                line => parse(line),
            };
            let at_line = |error| format!("line {number}: {line}: {error}");
            let step = step.map_err(at_line)?;
            if step == Step::Do(Command::Quit) {
                break;
            }
            self.make(step).await.map_err(at_line)?;
        }
        self.wait_sent().await
    }

    async fn make(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Send(text) => self.send(text).await,
            Step::WaitLive => self.wait_live().await,
            Step::WaitText(text) => self.wait_text(&text).await,
            Step::WaitSent => self.wait_sent().await,
            Step::Dump => self.dump().await,
            Step::Do(command) => self.obey(command).await,
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Direct(name) => {
                let room = self.direct(&name).await?;
                self.enter(room).await
            }
            Command::Group { name, members } => {
                let room = self.answer(self.client.create_group(&name, members)).await?;
                self.enter(room).await
            }
            Command::Room(name) => {
                let room = self.find_room(&name).await?;
                self.enter(room).await
            }
            Command::Invite(who) => {
                let room = self.room()?;
                self.answer(room.add_members(who)).await
            }
            Command::Leave => {
                let room = self.room()?;
                self.open = None;
                self.answer(room.leave()).await
            }
            Command::Rename(name) => {
                let room = self.room()?;
                self.answer(room.rename(&name)).await
            }
            Command::Edit(_)
            | Command::Delete
            | Command::React(_)
            | Command::Vote(_)
            | Command::ClosePoll => self.change(command),
            Command::Poll(poll) => self.queue(poll.into()).await,
            Command::Reply(text) => {
                let newest = self.newest().ok_or("there is no message")?;
                self.send_as(text, Some(newest), None).await
            }
            Command::Attach { path, text } => self.attach(&path, text).await,
            Command::Thread(text) if !text.is_empty() => self.send_in_thread(text).await,
            Command::Unread => {
                let room = self.room()?;
                let seq = self.newest().ok_or("there is no message")?;
                self.answer(room.mark_unread(seq)).await
            }
            Command::Status(text) => {
                let presence = self.client.presence();
                self.answer(async { presence.set_status(text.as_str()).await }).await
            }
            Command::Search(typed) => self.search(&typed).await,
            Command::Reconnect => {
                self.client.reconnect();
                Ok(())
            }
            Command::Thread(_)
            | Command::Save(_)
            | Command::Back
            | Command::Retry
            | Command::Help
            | Command::Quit => Err("not in a script".to_owned()),
        }
    }

    /// Says what is found, the newest first.
    async fn search(&mut self, typed: &str) -> Result<(), String> {
        for hit in link::find(&self.client, typed).await?.hits {
            let room = self.room_name(hit.room.id()).await;
            say(&format!("found {room}: {}", one_line(&hit.message.text)));
        }
        Ok(())
    }

    // Rooms.

    fn room(&self) -> Result<Room, String> {
        self.open.as_ref().map(|open| open.room().clone()).ok_or("no room is open".to_owned())
    }

    /// Follows a room from now on.
    async fn enter(&mut self, room: Room) -> Result<(), String> {
        let members = self.answer(room.members()).await?;
        let members: Vec<Person> = members.into_iter().map(convert::person).collect();
        self.subjects.extend(members.iter().map(|person| (person.id, person.subject.clone())));
        let timeline = room.timeline().await.map_err(|error| error.to_string())?;
        say(&format!("room {}", self.room_name(room.id()).await));
        self.open = Some(Open { timeline, members, printed: BTreeMap::new() });
        self.print_news().await;
        Ok(())
    }

    /// The room with somebody, who may still have to sign in for the first time.
    async fn direct(&mut self, name: &str) -> Result<Room, String> {
        let end = Instant::now() + self.within;
        loop {
            match self.until(end, self.client.open_direct(name)).await? {
                Ok(room) => return Ok(room),
                Err(error) if error.reason() == Some(ErrorReason::UserNotFound) => {}
                Err(error) => return Err(words::call_words(&error)),
            }
            let late = || format!("{name} hasn't signed in within {} s", self.within.as_secs());
            if Instant::now() + LOOK_AGAIN_AFTER > end {
                return Err(late());
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    /// A room by its name, or by the subject of the other user; it may still have to come.
    async fn find_room(&mut self, name: &str) -> Result<Room, String> {
        let mut list = self.client.rooms().await.map_err(|error| words::call_words(&error))?;
        let end = Instant::now() + self.within;
        loop {
            let rooms = list.refresh().to_vec();
            for room in rooms {
                if self.room_name(room.id).await == name {
                    return Ok(self.client.room(room.id));
                }
            }
            if timeout_at(end, list.next()).await.is_err() {
                return Err(format!("no such room within {} s", self.within.as_secs()));
            }
        }
    }

    /// A group's name, a direct room's other user.
    async fn room_name(&mut self, room: RoomId) -> String {
        match self.client.room(room).summary().await {
            Ok(Some(room)) => match room.peer {
                Some(peer) if room.is_direct => self.subject(peer).await,
                _ => room.name.clone(),
            },
            _ => "?".to_owned(),
        }
    }

    async fn subject(&mut self, user: UserId) -> String {
        if let Some(subject) = self.subjects.get(&user) {
            return subject.clone();
        }
        let asked = tokio::time::timeout(self.within, self.client.users(&[user])).await;
        let found = asked.ok().and_then(Result::ok).unwrap_or_default();
        self.subjects.extend(found.into_iter().map(|(id, user)| (id, user.subject)));
        self.subjects.get(&user).cloned().unwrap_or_else(|| user.to_string())
    }

    // Messages.

    async fn send(&mut self, text: String) -> Result<(), String> {
        self.send_as(text, None, None).await
    }

    /// Under the newest message.
    async fn send_in_thread(&mut self, text: String) -> Result<(), String> {
        let root = self.newest().ok_or("there is no message")?;
        self.send_as(text, None, Some(root)).await
    }

    async fn send_as(
        &mut self,
        text: String,
        reply_to: Option<u64>,
        thread_root: Option<u64>,
    ) -> Result<(), String> {
        let open = self.open.as_ref().ok_or("no room is open")?;
        let mut draft = Draft { reply_to, thread_root, ..Draft::from(text.as_str()) };
        for (_, called) in people::mentions(&text, &open.members) {
            match called {
                Called::User(user) => draft.mentions.push(user),
                Called::Everyone => draft.mentions_everyone = true,
            }
        }
        draft.mentions.dedup();
        self.queue(draft).await
    }

    async fn attach(&mut self, path: &str, text: String) -> Result<(), String> {
        let upload = self.client.upload(std::path::Path::new(path));
        let file = upload.await.map_err(|error| format!("{path}: {error}"))?;
        self.queue(Draft { text, attachments: vec![file], ..Draft::default() }).await
    }

    async fn queue(&mut self, draft: Draft) -> Result<(), String> {
        let open = self.open.as_ref().ok_or("no room is open")?;
        let queued = open.room().queue(draft).await;
        let queued = queued.map_err(|error| words::queue_words(&error))?;
        let sent = queued.sent().map(|sent| match sent {
            Ok(sent) => Ok(Some(sent)),
            Err(error) => Err(words::queue_words(&error)),
        });
        self.sending.push(sent.boxed());
        Ok(())
    }

    /// Prints the whole room, what is in its log.
    async fn dump(&mut self) -> Result<(), String> {
        let end = Instant::now() + self.within;
        let open = self.open.as_ref().ok_or("no room is open")?;
        while self
            .until(end, older(&open.timeline, PAGE))
            .await?
            .map_err(|error| words::history_words(&error))?
        {}
        let mut lines = Vec::new();
        for (_, sender, text) in self.messages() {
            if let Some(text) = text {
                lines.push(format!("{}: {}", self.author(sender).await, one_line(&text)));
            }
        }
        lines.iter().for_each(|line| say(line));
        say(&format!("dumped {}", lines.len()));
        Ok(())
    }

    /// The messages in the open room's log: number, sender, text unless it is deleted.
    fn messages(&mut self) -> Vec<(u64, Option<UserId>, Option<String>)> {
        let items = self.open.as_mut().map(|open| open.timeline.refresh()).unwrap_or_default();
        let messages = items.iter().filter_map(parlour::Item::message);
        messages
            .filter_map(|message| {
                let Place::Log(seq) = message.place else { return None };
                Some((seq, message.sender, (!message.is_deleted).then(|| message.text.clone())))
            })
            .collect()
    }

    async fn author(&mut self, sender: Option<UserId>) -> String {
        match sender {
            Some(sender) => self.subject(sender).await,
            None => "?".to_owned(),
        }
    }

    // Waiting.

    /// The next thing that happens, printed.
    async fn next(&mut self) -> Result<(), String> {
        let Script { states, open, sending, .. } = self;
        let diff = async {
            match open {
                Some(open) => open.timeline.next().await.is_some(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            state = states.next() => state.map_or(Ok(()), say_state),
            is_there = diff => {
                if is_there {
                    self.print_news().await;
                } else {
                    self.open = None;
                }
                Ok(())
            }
            Some(sent) = sending.next() => {
                if let Some(sent) = sent? {
                    say(&format!("sent {}", sent.seq));
                }
                Ok(())
            }
        }
    }

    /// Prints what the open room says that wasn't printed before.
    async fn print_news(&mut self) {
        for (seq, sender, text) in self.messages() {
            let Some(open) = &mut self.open else { return };
            let oldest = open.printed.keys().next().copied().unwrap_or_default();
            let before = open.printed.insert(seq, text.clone());
            let what = match (&before, &text) {
                (Some(before), after) if before == after => continue,
                // A page of history is no news.
                (None, _) if seq < oldest => continue,
                (None, None) => continue,
                (None, Some(_)) => "message",
                (Some(_), Some(_)) => "edited",
                (Some(_), None) => "deleted",
            };
            let author = self.author(sender).await;
            say(&format!("{what} {author}: {}", one_line(&text.unwrap_or_default())));
        }
    }

    async fn wait_live(&mut self) -> Result<(), String> {
        let end = Instant::now() + self.within;
        let mut why = String::new();
        while self.client.current_state() != State::Live {
            if let State::Offline { after, .. } = self.client.current_state() {
                why = words::end_words(after).map(|why| format!(": {why}")).unwrap_or(why);
            }
            let news = timeout_at(end, self.next()).await;
            news.map_err(|_| format!("not connected within {} s{why}", self.within.as_secs()))??;
        }
        Ok(())
    }

    async fn wait_text(&mut self, text: &str) -> Result<(), String> {
        self.room()?;
        let end = Instant::now() + self.within;
        let has = |said: &Option<String>| said.as_ref().is_some_and(|said| said.contains(text));
        while !self.messages().iter().any(|(_, _, said)| has(said)) {
            let news = timeout_at(end, self.next()).await;
            news.map_err(|_| format!("not seen within {} s", self.within.as_secs()))??;
        }
        self.print_news().await;
        Ok(())
    }

    async fn wait_sent(&mut self) -> Result<(), String> {
        let end = Instant::now() + self.within;
        while !self.sending.is_empty() {
            if timeout_at(end, self.next()).await.is_err() {
                let (count, seconds) = (self.sending.len(), self.within.as_secs());
                return Err(format!("{count} not acknowledged within {seconds} s"));
            }
        }
        Ok(())
    }

    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, String> {
        let answer = self.until(Instant::now() + self.within, call).await?;
        answer.map_err(|error| words::call_words(&error))
    }

    async fn until<T>(&self, end: Instant, call: impl Future<Output = T>) -> Result<T, String> {
        let late = |_| format!("no answer within {} s", self.within.as_secs());
        timeout_at(end, call).await.map_err(late)
    }
}

/// An end for good is an error.
fn say_state(state: State) -> Result<(), String> {
    match state {
        State::Connecting => say("connecting"),
        State::Live => say("live"),
        State::Offline { after, .. } => {
            let why = words::end_words(after).map(|why| format!(" {why}")).unwrap_or_default();
            say(&format!("offline{why}"));
        }
        State::Stopped(stop) => return Err(words::stop_words(stop)),
        _ => {}
    }
    Ok(())
}

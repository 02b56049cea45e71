//! What a line of input does when Enter is pressed.

use parlour::{RoomId, UserId};

use super::{
    Effect, Mode, Model,
    command::{self, Command, Line},
    entry::{Entry, Progress},
    people::{self, Called},
};

impl Model {
    pub(super) fn enter(&mut self) -> Vec<Effect> {
        self.note = None;
        if let Mode::Editing { place, .. } = self.mode {
            let text = self.input.take();
            self.stop_editing();
            let Some(open) = &self.open else { return Vec::new() };
            let is_same = open.entry(place).and_then(Entry::said).is_some_and(|s| s.text == text);
            return match text.trim() {
                "" => {
                    self.mode = Mode::Deleting { place };
                    Vec::new()
                }
                _ if is_same => Vec::new(),
                _ => vec![Effect::Edit { room: open.id, place, text }],
            };
        }
        if self.input.text().trim().is_empty() {
            self.input.set("");
            return Vec::new();
        }
        match command::parse(self.input.text()) {
            Ok(Line::Text(text)) => self.send(text),
            Ok(Line::Command(command)) => {
                self.input.take();
                self.run(command)
            }
            Err(error) => {
                // The line stays, to be corrected.
                self.complain(error);
                Vec::new()
            }
        }
    }

    fn send(&mut self, text: String) -> Vec<Effect> {
        self.send_as(text, None, None)
    }

    fn send_as(&mut self, text: String, reply_to: Option<u64>, thread: Option<u64>) -> Vec<Effect> {
        let Some(open) = &mut self.open else {
            self.complain("no room is open; /dm NAME or /group NAME a b c makes one");
            return Vec::new();
        };
        self.input.take();
        open.note_own_send();
        let text = text.trim_end().to_owned();
        let (mut mentions, mut everyone) = (Vec::new(), false);
        for (_, called) in people::mentions(&text, &open.members) {
            match called {
                Called::User(user) if !mentions.contains(&user) => mentions.push(user),
                Called::User(_) => {}
                Called::Everyone => everyone = true,
            }
        }
        let (room, thread) = (open.id, thread.or(open.thread));
        let sent = Effect::Send { room, text, mentions, everyone, reply_to, thread };
        vec![sent, Effect::Typing { room, active: false }]
    }

    fn run(&mut self, command: Command) -> Vec<Effect> {
        match command {
            Command::Direct(name) => return vec![Effect::Direct(name)],
            Command::Group { name, members } => return vec![Effect::Group { name, members }],
            Command::Status(text) => return vec![Effect::SetStatus(text)],
            Command::Search(typed) => return vec![Effect::Search(typed)],
            Command::Reconnect => return vec![Effect::Reconnect],
            Command::Quit => return vec![Effect::Quit],
            Command::Help => self.mode = Mode::Help { from: 0 },
            Command::Room(name) => match self.room_called(&name) {
                Some(room) => return self.open_room(room),
                None => self.complain(format!("no room is called {name}; /dm {name} opens one")),
            },
            command => match self.open.as_ref().map(|open| open.id) {
                Some(room) => return self.run_in(room, command),
                None => self.complain("no room is open"),
            },
        }
        Vec::new()
    }

    fn run_in(&mut self, room: RoomId, command: Command) -> Vec<Effect> {
        match command {
            Command::Invite(who) => return vec![Effect::Invite { room, who }],
            Command::Leave => return vec![Effect::Leave(room)],
            Command::Rename(name) => return vec![Effect::Rename { room, name }],
            Command::Edit(text) if text.is_empty() => self.edit_before(None),
            Command::Edit(text) => match self.own_last() {
                Some(place) => return vec![Effect::Edit { room, place, text }],
                None => self.tell("you have written nothing here yet"),
            },
            Command::Delete => self.ask_delete(),
            Command::React(emoji) => return self.react(room, emoji),
            Command::Poll(poll) => return self.ask(room, poll),
            Command::Vote(choices) => return self.vote(room, choices),
            Command::ClosePoll => return self.close_poll(room),
            Command::Reply(text) => match self.last_of(|entry, me| !entry.is_by(me)) {
                Some(seq) => return self.send_as(text, Some(seq), None),
                None => self.tell("nobody else has written here yet"),
            },
            Command::Attach { path, text } => return self.attach(room, path, text),
            Command::Save(folder) => return self.save(room, folder),
            Command::Thread(text) => return self.thread(text),
            Command::Back => return self.leave_thread(),
            Command::Retry => return self.retry(room),
            Command::Unread => {
                let me = self.me;
                match self.open.as_mut().and_then(|open| open.keep_unread(me)) {
                    Some(seq) => return vec![Effect::MarkUnread { room, seq }],
                    None => self.tell("nobody else has written here yet"),
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Replies in the thread that is shown, else under the last message of others; or shows the last
    /// thread.
    fn thread(&mut self, text: String) -> Vec<Effect> {
        let shown = self.open.as_ref().and_then(|open| open.thread);
        let has_replies = |entry: &Entry| entry.said().is_some_and(|said| said.replies > 0);
        let found = match text.is_empty() {
            true => self.last_of(|entry, _| has_replies(entry)),
            false => self.last_of(|entry, me| !entry.is_by(me)),
        };
        let root = shown.or(found).or_else(|| self.last_of(|_, _| true));
        match (root, text.is_empty()) {
            (Some(root), false) => self.send_as(text, None, Some(root)),
            (Some(root), true) if shown.is_none() => self.open_thread(root),
            (Some(_), true) => Vec::new(),
            (None, _) => {
                self.tell("there is no message here yet");
                Vec::new()
            }
        }
    }

    fn attach(&mut self, room: RoomId, path: String, text: String) -> Vec<Effect> {
        let thread = self.open.as_ref().and_then(|open| open.thread);
        self.tell(format!("sending {path} ..."));
        vec![Effect::Attach { room, path, text, thread }]
    }

    /// Saves what the last message that has files has.
    fn save(&mut self, room: RoomId, folder: String) -> Vec<Effect> {
        let has_files = |entry: &Entry| entry.said().is_some_and(|said| !said.files.is_empty());
        let Some(seq) = self.last_of(|entry, _| has_files(entry)) else {
            self.tell("no message here has files");
            return Vec::new();
        };
        let entries = self.open.as_ref().map_or(&[][..], |open| &open.entries);
        let entry = entries.iter().find(|entry| entry.seq() == Some(seq)).and_then(Entry::said);
        let files = entry.map(|said| said.files.clone()).unwrap_or_default();
        vec![Effect::Save { room, seq, files, folder }]
    }

    /// From a thread to its room.
    pub(super) fn leave_thread(&mut self) -> Vec<Effect> {
        match self.open.as_ref().filter(|open| open.thread.is_some()) {
            Some(open) => self.open_room(open.id),
            None => Vec::new(),
        }
    }

    /// The last message that fits and can be named.
    pub(super) fn last_of(&self, fits: impl Fn(&Entry, Option<UserId>) -> bool) -> Option<u64> {
        let entries = self.open.as_ref()?.entries.iter().rev();
        let mut messages = entries.filter(|entry| entry.said().is_some_and(|s| !s.is_deleted));
        messages.find(|entry| entry.seq().is_some() && fits(entry, self.me))?.seq()
    }

    fn react(&mut self, room: RoomId, emoji: String) -> Vec<Effect> {
        let Some(seq) = self.last_of(|_, _| true) else {
            self.tell("there is no message here yet");
            return Vec::new();
        };
        let entries = self.open.as_ref().map_or(&[][..], |open| &open.entries);
        let said = entries.iter().find(|entry| entry.seq() == Some(seq)).and_then(Entry::said);
        let is_there = said.is_some_and(|said| {
            let mine = |users: &[UserId]| self.me.is_some_and(|me| users.contains(&me));
            said.reactions.iter().any(|(other, users)| *other == emoji && mine(users))
        });
        vec![Effect::React { room, seq, emoji, on: !is_there }]
    }

    fn retry(&mut self, room: RoomId) -> Vec<Effect> {
        let entries = self.open.as_ref().map_or(&[][..], |open| &open.entries);
        let has_failed = |entry: &&Entry| {
            entry.said().is_some_and(|said| matches!(said.progress, Progress::Failed(_)))
        };
        let failed = entries.iter().filter(has_failed);
        let retries: Vec<_> =
            failed.map(|entry| Effect::Retry { room, place: entry.place }).collect();
        if retries.is_empty() {
            self.tell("nothing has failed here");
        }
        retries
    }

    fn own_last(&self) -> Option<parlour::Place> {
        let open = self.open.as_ref()?;
        open.own_before(self.me, None).map(|entry| entry.place)
    }

    /// The room of that name: whatever the case, or the only one that begins so.
    pub(crate) fn room_called(&self, name: &str) -> Option<RoomId> {
        let wanted = name.trim_start_matches(['@', '#']).to_lowercase();
        let name_of = |room: &parlour::RoomSummary| self.room_name(room).to_lowercase();
        if let Some(room) = self.rooms.iter().find(|room| name_of(room) == wanted) {
            return Some(room.id);
        }
        let mut begun = self.rooms.iter().filter(|room| name_of(room).starts_with(&wanted));
        let first = begun.next()?;
        begun.next().is_none().then_some(first.id)
    }
}

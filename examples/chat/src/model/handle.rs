//! What happens outside, as it reaches the model.

use std::sync::Arc;

use parlour::{RoomId, RoomSummary, protocol::limits::PRESENCE_WATCHED_MAX};

use super::{
    Connection, Effect, Event, FoundLine, Mode, Model,
    entry::Entry,
    room::{Older, OpenRoom, Scroll},
};

impl Model {
    /// Something happened; the answer is what to do about it.
    pub(crate) fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Tick(now_ms) => {
                self.now_ms = now_ms;
                self.note.take_if(|note| note.until_ms <= now_ms);
                Vec::new()
            }
            Event::Connection(connection) => self.handle_connection(connection),
            Event::Me(me) => {
                self.me = Some(me);
                self.look_up([me])
            }
            Event::Rooms(rooms) => self.handle_rooms(rooms),
            Event::Entries { room, thread, entries } => self.handle_entries(room, thread, entries),
            Event::Older { room, thread, more } => self.handle_older(room, thread, more),
            Event::Members { room, mut members } => {
                members.sort_by_cached_key(|person| person.name.to_lowercase());
                self.people.learn(members.iter().cloned());
                if let Some(open) = self.open.as_mut().filter(|open| open.id == room) {
                    open.members = members;
                }
                Vec::new()
            }
            Event::People(people) => {
                self.people.learn(people);
                Vec::new()
            }
            Event::Presence(people) => {
                self.people.learn_presence(people);
                Vec::new()
            }
            Event::Opened(room) => self.open_room(room),
            Event::Found(found) => self.show_found(found),
            Event::Done(text) => {
                self.tell(text);
                Vec::new()
            }
            Event::Failed(text) => {
                self.complain(text);
                Vec::new()
            }
        }
    }

    /// The timeline's place on the screen has this many columns and rows.
    pub(crate) fn set_view(&mut self, columns: u16, rows: u16) -> Vec<Effect> {
        self.view = (columns, rows);
        self.fill_view()
    }

    /// Shows another room.
    pub(crate) fn open_room(&mut self, id: RoomId) -> Vec<Effect> {
        if self.open.as_ref().is_some_and(|open| open.shows(id, None)) {
            return Vec::new();
        }
        self.stop_editing();
        self.note = None;
        let summary = self.rooms.iter().find(|room| room.id == id);
        let (unread, read_seq) = summary.map_or((0, 0), |room| (room.unread, room.read_seq));
        let mut open = OpenRoom::new(id, unread, read_seq);
        open.was_listed = summary.is_some();
        self.open = Some(open);
        vec![Effect::Open(id), Effect::ListMembers(id)]
    }

    /// Lists what was searched for.
    fn show_found(&mut self, found: Vec<FoundLine>) -> Vec<Effect> {
        self.stop_editing();
        if found.is_empty() {
            self.tell("nothing was found");
            return Vec::new();
        }
        let effects = self.look_up(found.iter().filter_map(|line| line.sender));
        self.mode = Mode::Found(found);
        effects
    }

    /// Shows a thread of the open room instead of it.
    pub(super) fn open_thread(&mut self, root: u64) -> Vec<Effect> {
        let Some(before) = self.open.as_ref() else { return Vec::new() };
        let (room, members) = (before.id, before.members.clone());
        self.stop_editing();
        self.note = None;
        let mut open = OpenRoom::new(room, 0, 0);
        (open.thread, open.members, open.was_listed) = (Some(root), members, true);
        self.open = Some(open);
        vec![Effect::OpenThread { room, root }]
    }

    fn handle_connection(&mut self, connection: Connection) -> Vec<Effect> {
        let came_live = connection == Connection::Live && self.connection != Connection::Live;
        self.connection = connection;
        if !came_live {
            return Vec::new();
        }
        // What was asked for while there was no connection may have gone unanswered.
        self.people.forget_asked();
        let mut effects = self.look_up_everyone();
        if let Some(open) = &mut self.open {
            effects.push(Effect::ListMembers(open.id));
            if open.older == Older::Failed {
                open.older = Older::Unknown;
            }
        }
        effects.extend(self.fill_view());
        effects
    }

    fn handle_rooms(&mut self, rooms: Vec<Arc<RoomSummary>>) -> Vec<Effect> {
        let members_before = self.open_summary().map(|room| room.member_count);
        self.rooms = rooms;
        let mut effects = self.look_up_everyone();
        effects.extend(self.watch_peers());
        let is_listed = self.open_summary().is_some();
        let mut is_lost = false;
        let members_now = self.open_summary().map(|room| room.member_count);
        match &mut self.open {
            Some(open) if !is_listed && open.was_listed => {
                self.open = None;
                self.mode = Mode::Writing;
                is_lost = true;
            }
            Some(open) => {
                open.was_listed |= is_listed;
                if members_before.is_some() && members_before != members_now {
                    effects.push(Effect::ListMembers(open.id));
                }
            }
            None => {}
        }
        if let (None, Some(first)) = (&self.open, self.rooms.first()) {
            effects.extend(self.open_room(first.id));
        }
        if is_lost {
            self.tell("you are no longer in that room");
        }
        effects.extend(self.mark_seen());
        effects
    }

    fn handle_entries(
        &mut self,
        room: RoomId,
        thread: Option<u64>,
        entries: Vec<Entry>,
    ) -> Vec<Effect> {
        let (me, read_seq) = (self.me, self.read_seq());
        let is_away = self.is_away;
        let Some(open) = self.open.as_mut().filter(|open| open.shows(room, thread)) else {
            return Vec::new();
        };
        open.entries = entries;
        if let Scroll::At { place, .. } = open.scroll
            && open.entries.iter().all(|entry| entry.place < place)
        {
            open.scroll = Scroll::End;
        }
        if thread.is_none() {
            open.note_arrivals(me, read_seq, !is_away && open.scroll == Scroll::End);
        }
        let people: Vec<_> = open.entries.iter().flat_map(Entry::people).collect();
        let mut effects = self.look_up(people);
        effects.extend(self.mark_seen());
        effects.extend(self.fill_view());
        effects
    }

    fn handle_older(
        &mut self,
        room: RoomId,
        thread: Option<u64>,
        more: Result<bool, String>,
    ) -> Vec<Effect> {
        let Some(open) = self.open.as_mut().filter(|open| open.shows(room, thread)) else {
            return Vec::new();
        };
        match more {
            Ok(true) => open.older = Older::Unknown,
            Ok(false) => open.older = Older::None,
            Err(error) => {
                open.older = Older::Failed;
                // Without a connection the status line says enough.
                if self.connection == Connection::Live {
                    self.complain(error);
                }
                return Vec::new();
            }
        }
        self.fill_view()
    }

    /// Asks for history as long as the screen isn't full.
    fn fill_view(&mut self) -> Vec<Effect> {
        let rows = usize::from(self.view.1);
        let Some(open) = &mut self.open else { return Vec::new() };
        // An entry takes a row or more, so that enough entries are enough rows.
        if rows == 0 || open.older != Older::Unknown || open.entries.len() >= rows {
            return Vec::new();
        }
        open.older = Older::Loading;
        vec![Effect::LoadOlder(open.id)]
    }

    /// Marks the open room as read, if somebody looks at its end.
    pub(super) fn mark_seen(&mut self) -> Vec<Effect> {
        let (me, read_seq) = (self.me, self.read_seq());
        let unread = self.open_summary().map_or(0, |room| room.unread);
        let Some(open) = self.open.as_mut().filter(|_| !self.is_away) else { return Vec::new() };
        let room = open.id;
        if let Some(root) = open.thread {
            let seq = open.mark_thread_seen();
            return seq.map(|seq| Effect::MarkThreadRead { room, root, seq }).into_iter().collect();
        }
        let seq = open.mark_seen(me, read_seq, unread);
        seq.map(|seq| Effect::MarkRead { room, seq }).into_iter().collect()
    }

    fn look_up_everyone(&mut self) -> Vec<Effect> {
        let peers = self.rooms.iter().flat_map(|room| room.peer.iter().chain(&room.typing));
        let mut people: Vec<_> = peers.copied().chain(self.me).collect();
        if let Some(open) = &self.open {
            people.extend(open.entries.iter().flat_map(Entry::people));
        }
        self.look_up(people)
    }

    /// Hears of those in direct rooms, the ones written to last first.
    fn watch_peers(&mut self) -> Option<Effect> {
        let mut peers: Vec<_> = self.rooms.iter().filter_map(|room| room.peer).collect();
        peers.truncate(PRESENCE_WATCHED_MAX);
        peers.sort_unstable();
        (peers != self.watched).then(|| {
            self.watched.clone_from(&peers);
            Effect::Watch(peers)
        })
    }

    fn look_up(&mut self, people: impl IntoIterator<Item = parlour::UserId>) -> Vec<Effect> {
        let unknown = self.people.unknown(people);
        if unknown.is_empty() { Vec::new() } else { vec![Effect::LookUp(unknown)] }
    }
}

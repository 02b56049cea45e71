//! Keys, and what they do.

use parlour::Place;

use super::{
    Effect, Mode, Model,
    command::{self, COMMANDS},
    room::{Older, Scroll},
};
use crate::layout::Layout;

/// Lines of help that PgUp and PgDn go over.
const HELP_PAGE: usize = 10;

/// A key by what it is for, whatever the terminal calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    Paste(String),
    Enter,
    NewLine,
    Backspace,
    Delete,
    DeleteWord,
    DeleteToLineStart,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    HistoryOlder,
    HistoryNewer,
    PageUp,
    PageDown,
    ToEnd,
    /// To the first new message.
    ToNew,
    /// Completes a name or a command, else as `NextRoom`.
    Tab,
    NextRoom,
    PreviousRoom,
    Escape,
    DeleteMessage,
    Quit,
    /// Somebody looks at the terminal, or no longer.
    Focus(bool),
}

impl Model {
    /// A key was pressed; the answer is what to do about it.
    pub(crate) fn press(&mut self, key: Key) -> Vec<Effect> {
        if !matches!(key, Key::Focus(_)) {
            self.note.take_if(|note| !note.is_error);
        }
        match (&self.mode, key) {
            (_, Key::Focus(is_here)) => self.look(is_here),
            (_, Key::Quit) => vec![Effect::Quit],
            (Mode::Help { from }, key @ (Key::Up | Key::Down | Key::PageUp | Key::PageDown)) => {
                let from = match key {
                    Key::Up => from.saturating_sub(1),
                    Key::PageUp => from.saturating_sub(HELP_PAGE),
                    Key::Down => from + 1,
                    _ => from + HELP_PAGE,
                };
                self.mode = Mode::Help { from: from.min(COMMANDS.len()) };
                Vec::new()
            }
            (Mode::Help { .. } | Mode::Found(_), _) => {
                self.mode = Mode::Writing;
                Vec::new()
            }
            (Mode::Deleting { place }, key) => {
                let place = *place;
                self.confirm_delete(place, &key)
            }
            (_, key) => self.press_writing(key),
        }
    }

    fn press_writing(&mut self, key: Key) -> Vec<Effect> {
        match key {
            Key::Enter => return self.enter(),
            Key::Up => self.up(),
            Key::Down => self.down(),
            Key::PageUp => return self.page_up(),
            Key::PageDown => return self.page_down(),
            Key::ToNew => return self.go_to_new(),
            Key::ToEnd => return self.scroll_to(Scroll::End),
            Key::End if self.input.is_empty() => return self.scroll_to(Scroll::End),
            Key::Tab if self.complete() => {}
            Key::Tab | Key::NextRoom => return self.step_room(1),
            Key::PreviousRoom => return self.step_room(-1),
            Key::Escape => return self.escape(),
            Key::DeleteMessage => self.ask_delete(),
            key => return self.edit_input(key),
        }
        Vec::new()
    }

    fn edit_input(&mut self, key: Key) -> Vec<Effect> {
        let input = &mut self.input;
        let before = input.text().to_owned();
        match key {
            Key::Char(c) => input.insert(c.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => input.insert(&text),
            Key::NewLine => input.insert("\n"),
            Key::Backspace => input.backspace(),
            Key::Delete => input.delete(),
            Key::DeleteWord => input.delete_word(),
            Key::DeleteToLineStart => input.delete_to_line_start(),
            Key::Left => input.left(),
            Key::Right => input.right(),
            Key::WordLeft => input.word_left(),
            Key::WordRight => input.word_right(),
            Key::Home => input.home(),
            Key::End => input.end(),
            Key::HistoryOlder => input.history_older(),
            Key::HistoryNewer => input.history_newer(),
            _ => {}
        }
        let after = self.input.text();
        let is_message = self.mode == Mode::Writing && !after.starts_with('/');
        match &self.open {
            Some(open) if is_message && after != before => {
                vec![Effect::Typing { room: open.id, active: !after.is_empty() }]
            }
            _ => Vec::new(),
        }
    }

    /// Through the lines of the text, then to the own messages or the history.
    fn up(&mut self) {
        let is_edited = match &self.mode {
            Mode::Editing { place, .. } => self.text_at(*place) != Some(self.input.text()),
            _ => false,
        };
        match self.mode {
            Mode::Editing { place, .. } if !is_edited => self.edit_before(Some(place)),
            _ if self.input.is_empty() => self.edit_before(None),
            _ if self.input.line_up() || is_edited => {}
            _ => self.input.history_older(),
        }
    }

    fn down(&mut self) {
        match self.mode {
            Mode::Editing { place, .. } if self.text_at(place) == Some(self.input.text()) => {
                let open = self.open.as_ref();
                match open.and_then(|open| open.own_after(self.me, place)).map(|e| e.place) {
                    Some(next) => self.edit(next),
                    None => self.stop_editing(),
                }
            }
            _ if self.input.line_down() => {}
            _ if self.input.is_browsing() => self.input.history_newer(),
            _ => {}
        }
    }

    fn text_at(&self, place: Place) -> Option<&str> {
        Some(&self.open.as_ref()?.entry(place)?.said()?.text)
    }

    /// Puts an own message into the input line: the last one, or the one before that place.
    pub(super) fn edit_before(&mut self, before: Option<Place>) {
        let open = self.open.as_ref();
        match open.and_then(|open| open.own_before(self.me, before)).map(|entry| entry.place) {
            Some(place) => self.edit(place),
            None if before.is_none() => self.tell("you have written nothing here yet"),
            None => {}
        }
    }

    fn edit(&mut self, place: Place) {
        let Some(text) = self.text_at(place).map(str::to_owned) else { return };
        let draft = match std::mem::take(&mut self.mode) {
            Mode::Editing { draft, .. } => draft,
            _ => self.input.text().to_owned(),
        };
        self.mode = Mode::Editing { place, draft };
        self.input.set(&text);
    }

    /// Back to what was being written.
    pub(super) fn stop_editing(&mut self) {
        if let Mode::Editing { draft, .. } = std::mem::take(&mut self.mode) {
            self.input.set(&draft);
        }
    }

    fn escape(&mut self) -> Vec<Effect> {
        self.note = None;
        match self.mode {
            Mode::Editing { .. } => self.stop_editing(),
            _ if self
                .open
                .as_ref()
                .is_some_and(|open| open.thread.is_some() && open.scroll == Scroll::End) =>
            {
                return self.leave_thread();
            }
            _ => return self.scroll_to(Scroll::End),
        }
        Vec::new()
    }

    /// Asks whether the message being edited, else the own last one, is to be deleted.
    pub(super) fn ask_delete(&mut self) {
        let selected = match self.mode {
            Mode::Editing { place, .. } => Some(place),
            _ => None,
        };
        let open = self.open.as_ref();
        let last = open.and_then(|open| open.own_before(self.me, None)).map(|entry| entry.place);
        self.stop_editing();
        match selected.or(last) {
            Some(place) => self.mode = Mode::Deleting { place },
            None => self.tell("you have written nothing here yet"),
        }
    }

    fn confirm_delete(&mut self, place: Place, key: &Key) -> Vec<Effect> {
        self.mode = Mode::Writing;
        let room = self.open.as_ref().map(|open| open.id);
        match (key, room) {
            (Key::Char('y' | 'Y') | Key::Enter, Some(room)) => vec![Effect::Delete { room, place }],
            _ => {
                self.tell("not deleted");
                Vec::new()
            }
        }
    }

    fn look(&mut self, is_here: bool) -> Vec<Effect> {
        self.is_away = !is_here;
        let mut effects = self.mark_seen();
        effects.push(Effect::Show(is_here));
        effects
    }

    fn step_room(&mut self, step: isize) -> Vec<Effect> {
        let Some(count) = isize::try_from(self.rooms.len()).ok().filter(|count| *count > 0) else {
            return Vec::new();
        };
        let open = self.open.as_ref().map(|open| open.id);
        let at = self.rooms.iter().position(|room| Some(room.id) == open).unwrap_or(0);
        let next = (at as isize + step).rem_euclid(count);
        self.open_room(self.rooms[next as usize].id)
    }

    fn page_up(&mut self) -> Vec<Effect> {
        let rows = usize::from(self.view.1);
        let Some(open) = &self.open else { return Vec::new() };
        let (scroll, is_top) = Layout::of(self, open).up(open.scroll, rows / 2 + 1, rows);
        let mut effects = self.scroll_to(scroll);
        if let Some(open) = self.open.as_mut().filter(|_| is_top)
            && matches!(open.older, Older::Unknown | Older::Failed)
        {
            open.older = Older::Loading;
            effects.push(Effect::LoadOlder(open.id));
        }
        effects
    }

    fn page_down(&mut self) -> Vec<Effect> {
        let rows = usize::from(self.view.1);
        let Some(open) = &self.open else { return Vec::new() };
        let scroll = Layout::of(self, open).down(open.scroll, rows / 2 + 1);
        self.scroll_to(scroll)
    }

    fn go_to_new(&mut self) -> Vec<Effect> {
        let rows = usize::from(self.view.1);
        let Some(open) = &self.open else { return Vec::new() };
        let Some(new) = open.first_new(self.me) else { return Vec::new() };
        let top = Scroll::At { place: open.entries[new].place, row: 0 };
        let scroll = Layout::of(self, open).down(top, rows.saturating_sub(1));
        self.scroll_to(scroll)
    }

    fn scroll_to(&mut self, scroll: Scroll) -> Vec<Effect> {
        if let Some(open) = &mut self.open {
            open.scroll = scroll;
        }
        self.mark_seen()
    }

    /// Completes the command or the name before the cursor; `false` when there is none.
    fn complete(&mut self) -> bool {
        let before = &self.input.text()[..self.input.cursor()];
        if let Some(start) = before.strip_prefix('/').filter(|word| !word.contains(' ')) {
            let Some(whole) = command::completions(start).next() else { return true };
            let has_arguments =
                COMMANDS.iter().any(|(name, args, _)| *name == whole && !args.is_empty());
            let whole = format!("{whole}{}", if has_arguments { " " } else { "" });
            self.input.replace_from(1, &whole);
            return true;
        }
        let Some(at) = before.rfind('@') else { return false };
        let start = before[at + 1..].to_lowercase();
        let members = self.open.as_ref().map_or(&[][..], |open| &open.members);
        let fits = |name: &str| name.to_lowercase().starts_with(&start);
        let member = members.iter().filter(|person| Some(person.id) != self.me);
        let name = member
            .flat_map(|person| [&person.name, &person.subject])
            .find(|name| fits(name))
            .cloned();
        match name {
            Some(name) => {
                self.input.replace_from(at + 1, &format!("{name} "));
                true
            }
            // A word that is begun isn't left by accident.
            None => !start.is_empty() && !start.contains(char::is_whitespace),
        }
    }
}

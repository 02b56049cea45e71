//! The timeline as rows of a given width: which rows an entry takes, and which of them are on the
//! screen. Says what each piece of text is, not how it looks.

use parlour::{Attachment, Place, UserId};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{
    clock,
    model::{
        Model,
        entry::{Entry, Happening, Progress, Said, What},
        people::{self, Called},
        poll,
        room::{OpenRoom, Scroll},
    },
};

/// Columns for names.
const NAME_COLUMNS_MAX: usize = 14;
/// How much of a message is shown by what answers it.
const QUOTE_COLUMNS: usize = 24;
/// Messages whose authors make room for their names.
const WRITERS_MAX: usize = 100;
/// The same author within this time isn't named again.
const GROUP_WITHIN_MS: u64 = 5 * 60_000;
/// Columns of the time, the mark and the spaces around the name.
const FIXED_COLUMNS: usize = 5 + 3 + 2;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Faint,
    /// A name; the number stands for its owner.
    Author(u8),
    Mention,
    /// Of the user, or of everyone.
    MentionOfMe,
    Deleted,
    Happened,
    Day,
    New,
    Waiting,
    Failed,
}

/// A piece of text and what it is.
pub(crate) type Piece = (String, Role);

/// One row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The entry it belongs to.
    pub(crate) place: Place,
    pub(crate) pieces: Vec<Piece>,
}

/// The open room at the timeline's width.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    model: &'a Model,
    room: &'a OpenRoom,
    columns: usize,
    name_columns: usize,
    first_new: Option<usize>,
}

/// An entry by index, and a row of it.
type At = (usize, usize);

impl<'a> Layout<'a> {
    pub(crate) fn of(model: &'a Model, room: &'a OpenRoom) -> Self {
        // Without a connection the members aren't known, but those who wrote last may be.
        let writers = room.entries.iter().rev().take(WRITERS_MAX).filter_map(|entry| entry.sender);
        let writers = writers.map(|user| model.people.name(user).width());
        let names = room.members.iter().map(|person| person.name.width()).chain(writers);
        let name_columns = names.max().unwrap_or(8).clamp(4, NAME_COLUMNS_MAX);
        let first_new = room.first_new(model.me);
        Layout { model, room, columns: usize::from(model.view.0), name_columns, first_new }
    }

    /// The rows on a screen of that height, the highest first.
    pub(crate) fn visible(&self, scroll: Scroll, height: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let Some((last, row)) = self.find(scroll) else { return rows };
        let mut first = last;
        for index in (0..=last).rev() {
            first = index;
            let mut block = self.block(index, false);
            if index == last {
                block.truncate(row + 1);
            }
            rows.extend(block.into_iter().rev());
            if rows.len() >= height {
                break;
            }
        }
        let hidden = rows.len().saturating_sub(height);
        rows.truncate(height);
        rows.reverse();
        // Whoever speaks at the top of the screen is named there.
        if let (Some(top), Some(named)) = (rows.first_mut(), self.block(first, true).get(hidden)) {
            top.clone_from(named);
        }
        rows
    }

    /// That many rows up, and whether the first row is on the screen then.
    pub(crate) fn up(&self, scroll: Scroll, rows: usize, height: usize) -> (Scroll, bool) {
        let Some(at) = self.find(scroll) else { return (scroll, true) };
        let above = self.back(at, rows + height);
        // The screen stays full: as much less far as rows are missing above.
        let missing = (rows + height).saturating_sub(above).saturating_sub(1);
        let target = self.step_back(at, rows.saturating_sub(missing));
        (self.scroll(target), above < rows + height)
    }

    /// That many rows down.
    pub(crate) fn down(&self, scroll: Scroll, rows: usize) -> Scroll {
        let Some((mut index, mut row)) = self.find(scroll) else { return Scroll::End };
        let mut left = rows;
        loop {
            let count = self.block(index, false).len();
            if row + left < count {
                return self.scroll((index, row + left));
            }
            left -= count - row;
            (index, row) = (index + 1, 0);
            if index >= self.room.entries.len() {
                return Scroll::End;
            }
        }
    }

    fn scroll(&self, (index, row): At) -> Scroll {
        let is_end =
            index + 1 == self.room.entries.len() && row + 1 == self.block(index, false).len();
        match self.room.entries.get(index) {
            Some(entry) if !is_end => Scroll::At { place: entry.place, row },
            _ => Scroll::End,
        }
    }

    fn find(&self, scroll: Scroll) -> Option<At> {
        let last = self.room.entries.len().checked_sub(1)?;
        let Scroll::At { place, row } = scroll else {
            return Some((last, self.block(last, false).len() - 1));
        };
        let index = self.room.entries.partition_point(|entry| entry.place < place).min(last);
        Some((index, row.min(self.block(index, false).len() - 1)))
    }

    /// How many of that many rows there are above this one.
    fn back(&self, (index, row): At, rows: usize) -> usize {
        let mut found = row;
        for index in (0..index).rev() {
            if found >= rows {
                break;
            }
            found += self.block(index, false).len();
        }
        found.min(rows)
    }

    fn step_back(&self, (mut index, mut row): At, mut rows: usize) -> At {
        while rows > row && index > 0 {
            rows -= row + 1;
            index -= 1;
            row = self.block(index, false).len() - 1;
        }
        (index, row.saturating_sub(rows))
    }

    /// The rows of one entry: what separates it from the one before, then itself, with its author's
    /// name if that isn't clear from the one before, or always.
    fn block(&self, index: usize, is_named: bool) -> Vec<Row> {
        let entry = &self.room.entries[index];
        let before = index.checked_sub(1).map(|before| &self.room.entries[before]);
        let mut rows = Vec::new();
        let is_new_day = before.is_none_or(|b| clock::day(b.at_ms) != clock::day(entry.at_ms));
        if is_new_day {
            rows.push(self.rule(&clock::day_name(entry.at_ms, self.model.now_ms), Role::Day));
        }
        if self.first_new == Some(index) {
            rows.push(self.rule("new", Role::New));
        }
        let is_apart = is_named || is_new_day || self.first_new == Some(index);
        match &entry.what {
            What::Message(said) => {
                let goes_on = !is_apart && before.is_some_and(|before| goes_on(before, entry));
                rows.extend(self.message(entry, said, goes_on));
            }
            What::Happened(happening) => rows.push(self.happened(entry, happening)),
        }
        rows.into_iter().map(|pieces| Row { place: entry.place, pieces }).collect()
    }

    fn rule(&self, text: &str, role: Role) -> Vec<Piece> {
        let free = self.columns.saturating_sub(text.width() + 2);
        let (left, right) = (free / 2, free - free / 2);
        vec![(format!("{} {text} {}", "─".repeat(left), "─".repeat(right)), role)]
    }

    fn happened(&self, entry: &Entry, happening: &Happening) -> Vec<Piece> {
        let name = |user: &UserId| self.model.people.name(*user).to_owned();
        let who = entry.sender.as_ref().map_or_else(|| "somebody".to_owned(), name);
        let text = match happening {
            Happening::Created { name } if name.is_empty() => {
                format!("{who} began this conversation")
            }
            Happening::Created { name } => format!("{who} made the group {name}"),
            Happening::Added(users) => {
                let users: Vec<_> = users.iter().map(name).collect();
                format!("{who} added {}", users.join(", "))
            }
            Happening::Removed(user) if entry.sender == Some(*user) => format!("{who} left"),
            Happening::Removed(user) => format!("{who} removed {}", name(user)),
            Happening::Renamed(name) => format!("{who} renamed the room to {name}"),
            Happening::Topic(topic) => format!("{who} set the topic: {topic}"),
            Happening::Archived(true) => format!("{who} archived the room"),
            Happening::Archived(false) => format!("{who} took the room out of the archive"),
            Happening::Permissions => format!("{who} changed who may do what"),
            Happening::Unknown => format!("{who} did something this program is too old for"),
        };
        let time = clock::time_of_day(entry.at_ms);
        let indent = " ".repeat(self.name_columns + FIXED_COLUMNS - 5);
        let room = self.columns.saturating_sub(self.name_columns + FIXED_COLUMNS);
        vec![(time, Role::Faint), (indent, Role::Text), (shorten(&text, room), Role::Happened)]
    }

    fn message(&self, entry: &Entry, said: &Said, goes_on: bool) -> Vec<Vec<Piece>> {
        let indent = self.name_columns + FIXED_COLUMNS;
        let (mark, mark_role) = match &said.progress {
            Progress::Sent => (" ", Role::Text),
            Progress::Waiting => ("◷", Role::Waiting),
            Progress::Failed(_) => ("!", Role::Failed),
        };
        let name = match entry.sender.or(self.model.me) {
            _ if goes_on => String::new(),
            Some(user) => shorten(self.model.people.name(user), self.name_columns),
            None => "you".to_owned(),
        };
        let author = entry.sender.or(self.model.me).map_or(0, colour_of);
        let pad = " ".repeat(self.name_columns.saturating_sub(name.width()));
        let first = vec![
            (clock::time_of_day(entry.at_ms), Role::Faint),
            (format!(" {mark} "), mark_role),
            (format!("{pad}{name}"), Role::Author(author)),
            ("  ".to_owned(), Role::Text),
        ];
        let wrapped = wrap(self.text(entry, said), self.columns.saturating_sub(indent).max(8));
        let mut rows: Vec<Vec<Piece>> = Vec::new();
        for (at, mut pieces) in wrapped.into_iter().enumerate() {
            let mut row =
                if at == 0 { first.clone() } else { vec![(" ".repeat(indent), Role::Text)] };
            row.append(&mut pieces);
            rows.push(row);
        }
        rows
    }

    /// What a message says, in pieces, with what is to be known about it at its end.
    fn text(&self, entry: &Entry, said: &Said) -> Vec<Piece> {
        let mut pieces = if said.is_deleted {
            vec![("message deleted".to_owned(), Role::Deleted)]
        } else {
            let mut pieces: Vec<Piece> = self.quote(said).into_iter().collect();
            pieces.extend(self.with_mentions(said));
            pieces
        };
        if let Some(asked) = said.poll.as_ref().filter(|_| !said.is_deleted) {
            if !said.text.is_empty() {
                pieces.push(("\n".to_owned(), Role::Text));
            }
            pieces.extend(poll::pieces(asked, self.model.now_ms));
        }
        for file in said.files.iter().filter(|_| !said.is_deleted) {
            let space = if said.text.is_empty() { "" } else { "  " };
            pieces.push((format!("{space}▤ {}", file_words(file)), Role::Mention));
        }
        if said.is_edited && !said.is_deleted {
            pieces.push((" (edited)".to_owned(), Role::Faint));
        }
        if said.replies > 0 {
            let word = if said.replies == 1 { "reply" } else { "replies" };
            pieces.push((format!("  ↳ {} {word}", said.replies), Role::Mention));
        }
        for (emoji, users) in &said.reactions {
            let mine = self.model.me.is_some_and(|me| users.contains(&me));
            let role = if mine { Role::Mention } else { Role::Faint };
            pieces.push((format!("  {emoji} {}", users.len()), role));
        }
        match &said.progress {
            Progress::Failed(why) => {
                pieces.push((format!(" — not sent: {why}; /retry or Ctrl-D"), Role::Failed));
            }
            Progress::Waiting if entry.seq().is_some() => {
                pieces.push((" (changing)".to_owned(), Role::Waiting));
            }
            _ => {}
        }
        pieces
    }

    /// What it answers, as far as that is on the screen's list.
    fn quote(&self, said: &Said) -> Option<Piece> {
        let seq = said.reply_to?;
        let entry = self.room.entries.iter().find(|entry| entry.seq() == Some(seq));
        let words = match entry.and_then(|entry| Some((entry, entry.said()?))) {
            Some((entry, answered)) => {
                let name = entry.sender.map_or("", |user| self.model.people.name(user));
                let question = answered.poll.as_ref().map(|poll| poll.asked.question.as_str());
                let text = answered.text.lines().next().or(question).unwrap_or_default();
                format!("↪ {name}: {} ", shorten(text, QUOTE_COLUMNS))
            }
            None => "↪ an earlier message ".to_owned(),
        };
        Some((words, Role::Faint))
    }

    fn with_mentions(&self, said: &Said) -> Vec<Piece> {
        let text = &said.text;
        let mut pieces = Vec::new();
        let mut done = 0;
        for (range, called) in people::mentions(text, &self.room.members) {
            let role = match called {
                // Only the fields of a message mention, never its text alone.
                Called::User(user) if !said.mentions.contains(&user) => continue,
                Called::Everyone if !said.mentions_everyone => continue,
                Called::User(user) if Some(user) != self.model.me => Role::Mention,
                Called::User(_) | Called::Everyone => Role::MentionOfMe,
            };
            pieces.push((text[done..range.start].to_owned(), Role::Text));
            pieces.push((text[range.clone()].to_owned(), role));
            done = range.end;
        }
        pieces.push((text[done..].to_owned(), Role::Text));
        pieces
    }
}

/// A file in a few words: what it is called, how large it is, what it shows.
fn file_words(file: &Attachment) -> String {
    let size = match file.size {
        bytes if bytes < 10_000 => format!("{bytes} bytes"),
        bytes if bytes < 10_000_000 => format!("{} kB", bytes / 1000),
        bytes => format!("{} MB", bytes / 1_000_000),
    };
    let mut words = format!("{} ({size}", file.file_name());
    if file.width > 0 {
        words += &format!(", {}×{}", file.width, file.height);
    }
    if file.duration_ms > 0 {
        let seconds = file.duration_ms / 1000;
        words += &format!(", {}:{:02}", seconds / 60, seconds % 60);
    }
    words + ")"
}

/// Whether a message continues the one before it, so that its author isn't named again.
fn goes_on(before: &Entry, entry: &Entry) -> bool {
    before.said().is_some()
        && before.sender == entry.sender
        && entry.at_ms.saturating_sub(before.at_ms) < GROUP_WITHIN_MS
}

/// Always the same for the same user.
fn colour_of(user: UserId) -> u8 {
    user.to_field().iter().fold(0u8, |hash, byte| hash.wrapping_mul(31).wrapping_add(*byte))
}

/// At most that many columns, with an ellipsis where something is missing.
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for grapheme in text.graphemes(true) {
        if short.width() + grapheme.width() + 1 > columns {
            break;
        }
        short.push_str(grapheme);
    }
    short + "…"
}

/// Breaks pieces into rows of at most that many columns: at line ends, else between words, else
/// within one.
pub(crate) fn wrap(pieces: Vec<Piece>, columns: usize) -> Vec<Vec<Piece>> {
    let mut rows = vec![Vec::new()];
    let mut used = 0;
    for (text, role) in pieces {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                rows.push(Vec::new());
                used = 0;
            }
            for word in runs(line) {
                wrap_word(&mut rows, &mut used, word, role, columns);
            }
        }
    }
    rows
}

/// Words and the spaces between them.
fn runs(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let is_space = rest.chars().next()?.is_whitespace();
        let end = rest.find(|c: char| c.is_whitespace() != is_space).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

fn wrap_word(rows: &mut Vec<Vec<Piece>>, used: &mut usize, word: &str, role: Role, columns: usize) {
    let width = word.width();
    if *used + width > columns && *used > 0 {
        if word.trim().is_empty() {
            // A space that doesn't fit is the break.
            return;
        }
        rows.push(Vec::new());
        *used = 0;
    }
    if width <= columns {
        return append(rows, used, word, role);
    }
    for grapheme in word.graphemes(true) {
        if *used + grapheme.width() > columns && *used > 0 {
            rows.push(Vec::new());
            *used = 0;
        }
        append(rows, used, grapheme, role);
    }
}

fn append(rows: &mut [Vec<Piece>], used: &mut usize, text: &str, role: Role) {
    let Some(row) = rows.last_mut() else { return };
    *used += text.width();
    let visible = text.chars().filter(|c| !c.is_control());
    match row.last_mut() {
        Some((last, last_role)) if *last_role == role => last.extend(visible),
        _ => row.push((visible.collect(), role)),
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;

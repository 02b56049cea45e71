//! The input line: text, cursor, history. Knows characters as people count them, no keys and no
//! screen.

use unicode_segmentation::UnicodeSegmentation;

/// Lines that are remembered.
const HISTORY_MAX: usize = 200;

/// A text being written, possibly of several lines.
#[derive(Debug, Default)]
pub(crate) struct Input {
    text: String,
    /// A byte index, always between two graphemes.
    cursor: usize,
    history: Vec<String>,
    /// Which line of the history is shown, and what was being written before.
    browsing: Option<(usize, String)>,
}

impl Input {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Replaces the text; the cursor goes to its end.
    pub(crate) fn set(&mut self, text: &str) {
        self.text = text.to_owned();
        self.cursor = self.text.len();
        self.browsing = None;
    }

    /// Empties the line and remembers what it said.
    pub(crate) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.set("");
        if !text.trim().is_empty() && self.history.last() != Some(&text) {
            self.history.push(text.clone());
            if self.history.len() > HISTORY_MAX {
                self.history.remove(0);
            }
        }
        text
    }

    /// Writes at the cursor. Line ends of other systems become ours; other control characters
    /// would break the screen and are left out.
    pub(crate) fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
        let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
        // What was written may join the character behind it, such as a combining accent.
        while !self.is_boundary(self.cursor) {
            self.cursor += 1;
        }
        self.browsing = None;
    }

    /// Replaces what is between `from` and the cursor.
    pub(crate) fn replace_from(&mut self, from: usize, text: &str) {
        self.text.replace_range(from..self.cursor, "");
        self.cursor = from;
        self.insert(text);
    }

    pub(crate) fn backspace(&mut self) {
        let end = self.cursor;
        self.left();
        self.cut(self.cursor, end);
    }

    pub(crate) fn delete(&mut self) {
        let start = self.cursor;
        self.right();
        self.cut(start, self.cursor);
    }

    pub(crate) fn delete_word(&mut self) {
        let end = self.cursor;
        self.word_left();
        self.cut(self.cursor, end);
    }

    pub(crate) fn delete_to_line_start(&mut self) {
        let end = self.cursor;
        self.home();
        self.cut(self.cursor, end);
    }

    pub(crate) fn left(&mut self) {
        let last = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor -= last.map_or(0, str::len);
    }

    pub(crate) fn right(&mut self) {
        let next = self.text[self.cursor..].graphemes(true).next();
        self.cursor += next.map_or(0, str::len);
    }

    pub(crate) fn word_left(&mut self) {
        let mut words = self.text[..self.cursor].unicode_word_indices();
        self.cursor = words.next_back().map_or(0, |(at, _)| at);
    }

    pub(crate) fn word_right(&mut self) {
        let mut words = self.text[self.cursor..].unicode_word_indices();
        let end = words.next().map(|(at, word)| self.cursor + at + word.len());
        self.cursor = end.unwrap_or(self.text.len());
    }

    pub(crate) fn home(&mut self) {
        self.cursor = self.line_start();
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.line_end();
    }

    /// To the line above; `false` when there is none.
    pub(crate) fn line_up(&mut self) -> bool {
        let (start, column) = (self.line_start(), self.column());
        if start == 0 {
            return false;
        }
        self.cursor = start - 1;
        self.cursor = self.line_start();
        self.go_right(column);
        true
    }

    /// To the line below; `false` when there is none.
    pub(crate) fn line_down(&mut self) -> bool {
        let (end, column) = (self.line_end(), self.column());
        if end == self.text.len() {
            return false;
        }
        self.cursor = end + 1;
        self.go_right(column);
        true
    }

    /// Shows the line written before this one.
    pub(crate) fn history_older(&mut self) {
        let (at, draft) = match self.browsing.take() {
            Some(browsing) => browsing,
            None => (self.history.len(), self.text.clone()),
        };
        let at = at.saturating_sub(1);
        if let Some(line) = self.history.get(at).cloned() {
            self.set(&line);
            self.browsing = Some((at, draft));
        }
    }

    /// Shows the line written after this one, at last what wasn't sent yet.
    pub(crate) fn history_newer(&mut self) {
        let Some((at, draft)) = self.browsing.take() else { return };
        match self.history.get(at + 1).cloned() {
            Some(line) => {
                self.set(&line);
                self.browsing = Some((at + 1, draft));
            }
            None => self.set(&draft),
        }
    }

    pub(crate) fn is_browsing(&self) -> bool {
        self.browsing.is_some()
    }

    fn cut(&mut self, start: usize, end: usize) {
        self.text.replace_range(start..end, "");
        self.cursor = start;
        self.browsing = None;
    }

    fn is_boundary(&self, at: usize) -> bool {
        at >= self.text.len() || self.text.grapheme_indices(true).any(|(start, _)| start == at)
    }

    fn line_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.cursor..].find('\n').map_or(self.text.len(), |at| self.cursor + at)
    }

    fn column(&self) -> usize {
        self.text[self.line_start()..self.cursor].graphemes(true).count()
    }

    fn go_right(&mut self, columns: usize) {
        let line = &self.text[self.cursor..self.line_end()];
        self.cursor += line.graphemes(true).take(columns).map(str::len).sum::<usize>();
    }
}

//! The open room: its entries, what is seen of them, and where the new-messages line stands.

use parlour::{Place, RoomId, UserId};

use super::{entry::Entry, people::Person};

/// Which row of the timeline is the lowest on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scroll {
    /// The newest, whatever comes.
    #[default]
    End,
    /// This row of the entry at this place.
    At { place: Place, row: usize },
}

/// Whether there is more before the first entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Older {
    #[default]
    Unknown,
    Loading,
    Failed,
    /// The first entry is the room's first.
    None,
}

/// What is known of the open room besides its line in the list.
#[derive(Debug)]
pub(crate) struct OpenRoom {
    pub(crate) id: RoomId,
    /// The root of the thread that is shown instead of the room.
    pub(crate) thread: Option<u64>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) members: Vec<Person>,
    pub(crate) scroll: Scroll,
    pub(crate) older: Older,
    /// New messages begin behind this place.
    pub(crate) new_after: Option<u64>,
    /// The last place that was marked as read by this program.
    marked: u64,
    /// The user wants it unread: nothing is marked until the room is opened again.
    is_kept_unread: bool,
    /// Whether the list has had it, so that its absence there means it is lost.
    pub(crate) was_listed: bool,
}

impl OpenRoom {
    /// A room with this many unread messages, read up to `read_seq`.
    pub(crate) fn new(id: RoomId, unread: u64, read_seq: u64) -> Self {
        OpenRoom {
            id,
            thread: None,
            entries: Vec::new(),
            members: Vec::new(),
            scroll: Scroll::End,
            older: Older::Unknown,
            new_after: (unread > 0).then_some(read_seq),
            marked: 0,
            is_kept_unread: false,
            was_listed: false,
        }
    }

    /// Whether this is what is shown: the room, or that thread of it.
    pub(crate) fn shows(&self, id: RoomId, thread: Option<u64>) -> bool {
        self.id == id && self.thread == thread
    }

    /// A thread was seen to its end: its newest reply, if that wasn't marked before.
    pub(crate) fn mark_thread_seen(&mut self) -> Option<u64> {
        let newest = self.entries.iter().rev().find_map(Entry::seq)?;
        let is_news = self.scroll == Scroll::End && newest > self.marked;
        is_news.then(|| {
            self.marked = newest;
            newest
        })
    }

    /// The first entry under the new-messages line, if the line is shown.
    pub(crate) fn first_new(&self, me: Option<UserId>) -> Option<usize> {
        let after = self.new_after?;
        let is_new = |entry: &Entry| is_unread(entry, me, after);
        self.entries.iter().position(is_new)
    }

    /// Messages came: those that come while nobody looks are new.
    pub(crate) fn note_arrivals(&mut self, me: Option<UserId>, read_seq: u64, is_looking: bool) {
        let read = read_seq.max(self.marked);
        let has_unread = self.entries.iter().rev().any(|entry| is_unread(entry, me, read));
        if self.new_after.is_none() && !is_looking && has_unread {
            self.new_after = Some(read);
        }
    }

    /// The place to mark as read, if there is something unread and its end is seen. `unread` is the
    /// server's count, which has own messages in it after they were marked as unread.
    pub(crate) fn mark_seen(
        &mut self,
        me: Option<UserId>,
        read_seq: u64,
        unread: u64,
    ) -> Option<u64> {
        if self.is_kept_unread || self.scroll != Scroll::End {
            return None;
        }
        let read = read_seq.max(self.marked);
        let newest = self.entries.iter().rev().find_map(Entry::seq).filter(|seq| *seq > read)?;
        let is_unread = |entry: &Entry| is_unread(entry, me, read);
        if unread == 0 && !self.entries.iter().any(is_unread) {
            return None;
        }
        self.marked = newest;
        Some(newest)
    }

    /// Marks the last message of others as unread; its place is returned.
    pub(crate) fn keep_unread(&mut self, me: Option<UserId>) -> Option<u64> {
        let last = self.entries.iter().rev().find(|entry| is_unread(entry, me, 0))?.seq()?;
        self.is_kept_unread = true;
        self.new_after = Some(last - 1);
        self.marked = 0;
        Some(last)
    }

    /// The user wrote something, so all before it was seen.
    pub(crate) fn note_own_send(&mut self) {
        self.new_after = None;
        self.is_kept_unread = false;
        self.scroll = Scroll::End;
    }

    /// The own message before this place that can be changed; the last one without a place.
    pub(crate) fn own_before(&self, me: Option<UserId>, before: Option<Place>) -> Option<&Entry> {
        let is_before = |entry: &&Entry| before.is_none_or(|place| entry.place < place);
        self.entries.iter().rev().filter(is_before).find(|entry| is_own_message(entry, me))
    }

    /// The own message after this place that can be changed.
    pub(crate) fn own_after(&self, me: Option<UserId>, after: Place) -> Option<&Entry> {
        let mut entries = self.entries.iter().filter(|entry| entry.place > after);
        entries.find(|entry| is_own_message(entry, me))
    }

    pub(crate) fn entry(&self, place: Place) -> Option<&Entry> {
        let index = self.entries.binary_search_by_key(&place, |entry| entry.place);
        index.ok().map(|index| &self.entries[index])
    }
}

fn is_unread(entry: &Entry, me: Option<UserId>, read: u64) -> bool {
    let is_countable = entry.said().is_some_and(|said| !said.is_deleted);
    is_countable && !entry.is_by(me) && entry.seq().is_some_and(|seq| seq > read)
}

fn is_own_message(entry: &Entry, me: Option<UserId>) -> bool {
    entry.is_by(me) && entry.said().is_some_and(|said| !said.is_deleted)
}

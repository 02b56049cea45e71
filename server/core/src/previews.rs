//! Link previews: which messages have links that somebody may look at, and what is told of what was found.
//! A hint and no more: what waits is in memory only, and lost with it.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::{Poll, Waker},
};

use bytes::Bytes;
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    limits::{LINK_BYTES_MAX, LINK_PREVIEWS_MAX},
    message::{MessageEdited, MessagePosted},
    preview::{LinkPreview, LinkPreviewsAdded},
    wire::{Event, EventHeader},
};
use prost::Message;

use crate::{
    deleting::amendment,
    draft::{Draft, Guard, NewEvent},
    limits::{PREVIEWS_WAITING_MAX, SCAN_ROWS},
    node::Node,
    pages::only,
    ports::store::{LogKey, Scan, StoreError},
    records::{room_seq, trailing_seq},
    rooms::RoomCell,
    tables::Table,
};

/// What the node knows of messages with links, where somebody looks at links.
#[derive(Default)]
pub struct Previews {
    waiting: Option<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    texts: VecDeque<(OrgId, RoomId, u64)>,
    waker: Option<Waker>,
}

/// A text with links, and whose it is.
#[derive(Clone)]
pub struct Linking {
    cell: Arc<RoomCell>,
    sender: UserId,
    /// The message.
    target_seq: u64,
    thread_root_seq: u64,
    /// The message, or the edit whose text it is.
    text_seq: u64,
    /// The links in the text, the first few, each once.
    pub links: Vec<String>,
}

impl Linking {
    /// The room it is in.
    pub fn room(&self) -> RoomId {
        self.cell.id
    }

    /// Who wrote it.
    pub fn sender(&self) -> UserId {
        self.sender
    }
}

impl Previews {
    /// With somebody who looks.
    pub fn looked_at() -> Self {
        Previews { waiting: Some(Mutex::default()) }
    }

    /// A room's log has an event more.
    pub(crate) fn note(&self, cell: &RoomCell, seq: u64, event: &NewEvent) {
        let Some(waiting) = &self.waiting else { return };
        let is_text = [MessagePosted::RULE.kind, MessageEdited::RULE.kind].contains(&event.kind);
        // Most messages have none, and nothing is read for them.
        if !is_text || !event.body.windows(3).any(|bytes| bytes == b"://") {
            return;
        }
        let mut waiting = lock(waiting);
        // The oldest are those that everybody has seen.
        if waiting.texts.len() >= PREVIEWS_WAITING_MAX {
            waiting.texts.pop_front();
        }
        waiting.texts.push_back((cell.org, cell.id, seq));
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for the next text that may have links and whose organization `may` be looked at, by
    /// organization, room and number. For ever, where nobody looks.
    pub async fn next(&self, may: impl Fn(OrgId) -> bool) -> (OrgId, RoomId, u64) {
        poll_fn(|context| {
            let Some(waiting) = &self.waiting else { return Poll::Pending };
            let mut waiting = lock(waiting);
            let first = waiting.texts.iter().position(|(org, ..)| may(*org));
            if let Some(next) = first.and_then(|at| waiting.texts.remove(at)) {
                return Poll::Ready(next);
            }
            waiting.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().expect("no panic while the lock is held")
}

impl Node {
    /// The links in the text of an event that was committed just now; `None` where there are none, or the
    /// message has another text by now, is deleted or shall have no previews, or its room is archived.
    pub async fn linking(&self, room: RoomId, seq: u64) -> Result<Option<Linking>, StoreError> {
        // Just committed to, so it is in memory.
        let Some(cell) = self.rooms.cached(room) else { return Ok(None) };
        if cell.read(|room| room.archived) {
            return Ok(None);
        }
        let Some((header, body)) = self.event_of(room, seq).await? else { return Ok(None) };
        let (message, text) = match header.kind {
            kind if kind == MessagePosted::RULE.kind => {
                (header, MessagePosted::decode(body).unwrap_or_default().text)
            }
            _ => {
                let text = MessageEdited::decode(body).unwrap_or_default().text;
                let message = self.event_of(room, header.target_seq).await?;
                let Some((message, _)) = message else { return Ok(None) };
                (message, text)
            }
        };
        let links = links(&text);
        let Ok(sender) = UserId::parse(&message.sender) else { return Ok(None) };
        let hidden = room_seq(room, message.seq);
        if links.is_empty() || self.store.get(Table::PREVIEWS_HIDDEN, &hidden).await?.is_some() {
            return Ok(None);
        }
        let linking = Linking {
            cell,
            sender,
            target_seq: message.seq,
            thread_root_seq: message.thread_root_seq,
            text_seq: seq,
            links,
        };
        Ok(self.is_newest(&linking).await?.then_some(linking))
    }

    /// Whether the message still has that text.
    pub async fn is_newest(&self, linking: &Linking) -> Result<bool, StoreError> {
        let about_it = room_seq(linking.cell.id, linking.target_seq);
        let mut scan = Scan::prefix(Table::AMENDMENTS, about_it, SCAN_ROWS);
        scan.reverse = true;
        // One that was amended far more often than that since is not worth the look.
        let rows = self.store.scan(scan).await?;
        let later = rows.iter().take_while(|(row, _)| trailing_seq(row) > Some(linking.text_seq));
        let is_edit = |kind: &Bytes| kind[..] == MessageEdited::RULE.kind.to_be_bytes();
        Ok(!later.into_iter().any(|(_, kind)| is_edit(kind)))
    }

    async fn event_of(
        &self,
        room: RoomId,
        seq: u64,
    ) -> Result<Option<(EventHeader, Bytes)>, StoreError> {
        let read = self.store.read(LogKey::Room(room), only(seq)).await?;
        let record = read.into_iter().next().and_then(|stored| stored.record);
        let event = record.and_then(|record| Event::decode(record).ok());
        let Some(Event { header: Some(header), body }) = event else { return Ok(None) };
        Ok((header.flags & FLAG_ERASED == 0).then_some((header, body)))
    }
}

/// What tells of what was found. It isn't committed where the message was deleted meanwhile, or is to have
/// no previews, or the room was archived.
pub fn added(linking: &Linking, previews: Vec<LinkPreview>) -> Draft {
    let body = LinkPreviewsAdded { text_seq: linking.text_seq, previews };
    let event = NewEvent {
        target_seq: linking.target_seq,
        thread_root_seq: linking.thread_root_seq,
        ..NewEvent::new(linking.sender, LinkPreviewsAdded::RULE.kind, body.encode_to_vec().into())
    };
    let mut draft = amendment(linking.cell.clone(), Guard::Unarchived, event);
    let hidden = room_seq(linking.cell.id, linking.target_seq);
    draft.absent.push((Table::PREVIEWS_HIDDEN, hidden));
    Draft::Room(Box::new(draft))
}

/// What a sentence may have behind a link, brackets aside.
const ENDS_SENTENCES: [char; 13] =
    ['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '’', '”', '»'];

/// No sentence has more bytes than that behind a link.
const TAIL_BYTES_MAX: usize = 64;

/// The first few links in a text, each once.
fn links(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let colon = from + at;
        from = colon + 3;
        let scheme = ["https", "http"].into_iter().find(|scheme| {
            let begin = colon.checked_sub(scheme.len());
            let before = begin.and_then(|begin| text.get(begin..colon));
            before.is_some_and(|before| before.eq_ignore_ascii_case(scheme))
        });
        let Some(begin) = scheme.map(|scheme| colon - scheme.len()) else { continue };
        if text[..begin].ends_with(char::is_alphanumeric) {
            continue;
        }
        let ends = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\')
        };
        let end = text[from..].find(ends).map_or(text.len(), |at| from + at);
        from = end;
        // Too long whatever is taken off its end.
        if end - begin > LINK_BYTES_MAX + TAIL_BYTES_MAX {
            continue;
        }
        let link = without_tail(&text[begin..end]);
        if link.len() > colon + 3 - begin
            && link.len() <= LINK_BYTES_MAX
            && found.iter().all(|before| before != link)
        {
            found.push(link.to_owned());
        }
        if found.len() == LINK_PREVIEWS_MAX {
            break;
        }
    }
    found
}

/// A link without what belongs to the sentence around it. Every character is looked at once, from the end.
fn without_tail(link: &str) -> &str {
    let of =
        |open: char, close: char| (close, link.matches(open).count(), link.matches(close).count());
    let mut brackets = [of('(', ')'), of('[', ']'), of('{', '}')];
    let mut end = link.len();
    for (at, last) in link.char_indices().rev() {
        let bracket = brackets.iter_mut().find(|(close, ..)| *close == last);
        match bracket {
            // One that was opened within the link is part of it.
            Some((_, opened, closed)) if *opened >= *closed => break,
            Some((_, _, closed)) => *closed -= 1,
            None if !ENDS_SENTENCES.contains(&last) => break,
            None => {}
        }
        end = at;
    }
    &link[..end]
}

#[cfg(test)]
#[path = "previews_tests.rs"]
mod tests;

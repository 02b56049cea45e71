//! Search: messages by their words, in all rooms that the user is in.

use std::{ops::Range, str::FromStr, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::{RoomId, UserId},
    prost::Message as _,
    search::{SearchHit, SearchMessagesItem, SearchMessagesRequest, SearchOrder},
    wire::Event,
};
pub use parlour_sdk_core::search::TypedError;
use parlour_sdk_core::{
    event::{LogEvent, Malformed},
    search::Typed,
    timeline::messages,
};

use crate::{
    Client, Room, RoomSummary, Thread, Who,
    error::CallError,
    message::{Item, Message},
};

/// What is searched for. What isn't said doesn't matter; something has to be.
#[derive(Clone, Default)]
pub struct Search {
    request: SearchMessagesRequest,
    from: Vec<Who>,
    from_me: bool,
    rooms: Vec<String>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What somebody looks for is theirs: never in a log.
        f.debug_struct("Search").finish_non_exhaustive()
    }
}

impl From<&str> for Search {
    fn from(words: &str) -> Self {
        Search::words(words)
    }
}

impl Search {
    /// Messages with all of these words, in any order.
    pub fn words(words: impl Into<String>) -> Self {
        let request = SearchMessagesRequest { text: words.into(), ..Default::default() };
        Search { request, ..Search::default() }
    }

    /// What somebody has typed into a search field, such as `lunch from:@ann in:#food has:link
    /// "at noon" after:2026-01-31`; [`parlour_sdk_core::search`] has the whole of it. Days are those
    /// of a place where clocks are so many minutes ahead of UTC.
    ///
    /// # Errors
    /// When a day isn't one, or `has:` says something else than `link` or `file`.
    pub fn typed(text: &str, utc_offset_minutes: i32) -> Result<Self, TypedError> {
        let typed = Typed::from_str(text)?;
        let mut search = Search::words(typed.text);
        search.request.phrases = typed.phrases;
        search.request.has_link = typed.has_link;
        search.request.has_file = typed.has_file;
        let begins = |day: parlour_sdk_core::search::Day| day.begins_ms(utc_offset_minutes);
        search.request.after_ms = typed.after.map_or(0, begins);
        search.request.before_ms = typed.before.map_or(0, begins);
        search.rooms = typed.rooms;
        for name in typed.from {
            match UserId::from_str(&name) {
                _ if name.eq_ignore_ascii_case("me") => search.from_me = true,
                Ok(id) => search.from.push(Who::Id(id)),
                Err(_) => search.from.push(Who::Subject(name)),
            }
        }
        Ok(search)
    }

    /// With these words, one right after another.
    pub fn phrase(mut self, phrase: impl Into<String>) -> Self {
        self.request.phrases.push(phrase.into());
        self
    }

    /// The last word may go on, as it does while somebody types.
    pub fn as_typing(mut self) -> Self {
        self.request.last_is_prefix = true;
        self
    }

    /// Sent by them; said several times: by one of those.
    pub fn from(mut self, who: impl Into<Who>) -> Self {
        self.from.push(who.into());
        self
    }

    /// In that room; said several times: in one of those.
    pub fn in_room(mut self, room: RoomId) -> Self {
        self.request.rooms.push(room.to_field());
        self
    }

    /// In that thread, its root included, and nowhere else.
    pub fn in_thread(mut self, thread: &Thread) -> Self {
        self.request.rooms = vec![thread.room().id().to_field()];
        self.request.thread_root_seq = thread.root_seq();
        self
    }

    /// There is a link in it.
    pub fn has_link(mut self) -> Self {
        self.request.has_link = true;
        self
    }

    /// There is a file with it.
    pub fn has_file(mut self) -> Self {
        self.request.has_file = true;
        self
    }

    /// Sent then or later, Unix milliseconds.
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.request.after_ms = ms;
        self
    }

    /// Sent before then, Unix milliseconds.
    pub fn before_ms(mut self, ms: u64) -> Self {
        self.request.before_ms = ms;
        self
    }

    /// Those that say most of what is searched for first, instead of the newest.
    pub fn by_relevance(mut self) -> Self {
        self.request.order = SearchOrder::Relevance as i32;
        self
    }

    /// So many hits a page, 1 to 50; 20 where nothing is said.
    pub fn page_size(mut self, limit: u32) -> Self {
        self.request.limit = limit;
        self
    }
}

/// Why nothing was searched.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// Nobody of that name has ever connected to this organization.
    #[error("there is no user {0}")]
    NoSuchUser(String),
    /// The user is in no room of that name.
    #[error("there is no room {0}")]
    NoSuchRoom(String),
    /// The server refuses, or the client is gone.
    #[error("{0}")]
    Call(#[from] CallError),
}

/// A message that is as searched for.
#[derive(Clone)]
pub struct Hit {
    /// Its room.
    pub room: Room,
    /// The message, as of when it was found.
    pub message: Message,
    /// Where in its text the words are, in bytes: in order and apart from each other.
    pub highlights: Vec<Range<usize>>,
    /// How far the server's index had read the room. What was said after that may be found later.
    pub indexed_seq: u64,
}

impl std::fmt::Debug for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hit").field("message", &self.message).finish_non_exhaustive()
    }
}

/// What was found: the first page, and the way to the others.
#[derive(Debug)]
pub struct Found {
    /// The first page.
    pub hits: Vec<Hit>,
    /// The server is making its index: there may be more than it finds now.
    pub is_building: bool,
    client: Client,
    request: SearchMessagesRequest,
    /// Where the next page begins; `None` at the end.
    next: Option<Bytes>,
}

impl Found {
    /// The next page; empty at the end.
    ///
    /// # Errors
    /// When the server refuses or the client is gone. The page can be asked for again.
    pub async fn next_page(&mut self) -> Result<Vec<Hit>, CallError> {
        while let Some(page) = self.next.clone() {
            let hits = self.read(page).await?;
            // A page may have none and still lead on.
            if !hits.is_empty() {
                return Ok(hits);
            }
        }
        Ok(vec![])
    }

    /// Whether there may be another page.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }

    async fn read(&mut self, page: Bytes) -> Result<Vec<Hit>, CallError> {
        let request = SearchMessagesRequest { page, ..self.request.clone() };
        let items = self.client.inner.handle.ask_bulk::<rpc::SearchMessages>(request).await?;
        let (mut hits, mut last) = (Vec::new(), SearchMessagesItem::default());
        for item in items {
            last = SearchMessagesItem::decode(item).map_err(|_| CallError::Malformed)?;
            for hit in last.hits.drain(..) {
                hits.extend(self.hit(hit).map_err(|_| CallError::Malformed)?);
            }
        }
        self.is_building = last.building;
        self.next = (!last.next_page.is_empty()).then_some(last.next_page);
        Ok(hits)
    }

    fn hit(&self, hit: SearchHit) -> Result<Option<Hit>, Malformed> {
        let room = RoomId::parse(&hit.room).map_err(|_| Malformed)?;
        let parse = |event: Event| LogEvent::parse(event.encode_to_vec().into());
        let event = parse(hit.message.ok_or(Malformed)?)?;
        let edit: Vec<LogEvent> = hit.edit.into_iter().map(parse).collect::<Result<_, _>>()?;
        let me = *self.client.inner.handle.me.borrow();
        let seq = event.seq();
        let room = self.client.room(room);
        let shown = messages(room.id(), me, &[event], &edit);
        let message = shown.into_iter().find_map(|item| {
            Item::new(item, &room).message().filter(|message| message.seq() == Some(seq)).cloned()
        });
        let Some(message) = message else { return Ok(None) };
        let part = |offset: u32, len: u32| {
            let part = offset as usize..offset as usize + len as usize;
            // One that would cut a character in two is none.
            message.text.get(part.clone()).map(|_| part)
        };
        let parts = hit.highlights.iter().filter_map(|one| part(one.offset, one.len));
        let highlights = parts.collect();
        Ok(Some(Hit { room, highlights, indexed_seq: hit.indexed_seq, message }))
    }
}

impl Client {
    /// Messages that are as searched for, in all rooms that the user is in, threads included: the
    /// newest first, page by page. Deleted ones aren't found, edited ones by what they say now. What was
    /// said a moment ago is found a second later. Needs a connection.
    ///
    /// ```no_run
    /// # async fn example(client: parlour::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use parlour::Search;
    ///
    /// let mut found = client.search(Search::typed("lunch from:@ann has:link", 60)?).await?;
    /// for hit in &found.hits {
    ///     let words = hit.highlights.iter().map(|part| &hit.message.text[part.clone()]);
    ///     println!("{}: {:?} in {}", hit.room.id(), words.collect::<Vec<_>>(), hit.message.text);
    /// }
    /// let more = found.next_page().await?;
    /// # drop(more); Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When a sender or room that was named isn't there, the server refuses (`INVALID_FIELD` where
    /// nothing is searched for, `SEARCH_DISABLED`), or the client is gone.
    pub async fn search(&self, search: impl Into<Search>) -> Result<Found, SearchError> {
        let request = self.looked_up(search.into()).await?;
        let (hits, client, next) = (Vec::new(), self.clone(), Some(Bytes::new()));
        let mut found = Found { hits, is_building: false, client, request, next };
        found.hits = found.next_page().await?;
        Ok(found)
    }

    /// The request, with names made ids.
    async fn looked_up(&self, search: Search) -> Result<SearchMessagesRequest, SearchError> {
        let Search { mut request, from, from_me, rooms } = search;
        for name in rooms {
            match self.rooms_called(&name).await?[..] {
                [] => return Err(SearchError::NoSuchRoom(name)),
                ref ids => request.rooms.extend(ids.iter().map(|id| id.to_field())),
            }
        }
        let me = self.me().filter(|_| from_me);
        request.senders.extend(me.map(|me| me.to_field()));
        for who in from {
            let id = match who {
                Who::Id(id) => id,
                Who::Subject(subject) => {
                    let found = self.users_by_subject(&[&subject]).await?;
                    found.first().map(|user| user.id).ok_or(SearchError::NoSuchUser(subject))?
                }
            };
            request.senders.push(id.to_field());
        }
        Ok(request)
    }

    async fn rooms_called(&self, name: &str) -> Result<Vec<RoomId>, CallError> {
        if let Ok(id) = RoomId::from_str(name) {
            return Ok(vec![id]);
        }
        let (list, wanted) = (self.rooms().await?, name.to_lowercase());
        let peer = match name.strip_prefix('@') {
            Some(subject) => self.users_by_subject(&[subject]).await?.first().map(|user| user.id),
            None => None,
        };
        let is_called = |room: &&Arc<RoomSummary>| match room.is_direct {
            true => room.peer.is_some() && room.peer == peer,
            false => room.name.to_lowercase() == wanted,
        };
        Ok(list.items().iter().filter(is_called).map(|room| room.id).collect())
    }
}

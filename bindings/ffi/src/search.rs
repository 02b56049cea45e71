//! Search: messages by their words.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::{
    CallError, Item, SearchError,
    ids::{parse, show, who},
    runtime::run,
};

/// What is searched for. What isn't said doesn't matter; something has to be.
#[derive(Clone, uniffi::Record)]
pub struct Search {
    /// What somebody has typed into a search field, such as `lunch from:@ann has:link`.
    pub typed: String,
    /// Sent by one of them, by id or subject.
    #[uniffi(default = [])]
    pub from: Vec<String>,
    /// In one of these rooms.
    #[uniffi(default = [])]
    pub rooms: Vec<String>,
    /// Those that say most of what is searched for first, instead of the newest.
    #[uniffi(default = false)]
    pub by_relevance: bool,
    /// So many hits a page, 1 to 50; 20 where nothing is said.
    #[uniffi(default = None)]
    pub page_size: Option<u32>,
    /// How many minutes the clocks of whoever typed days are ahead of UTC.
    #[uniffi(default = 0)]
    pub utc_offset_minutes: i32,
}

impl Search {
    pub(crate) fn told(self) -> Result<parlour::Search, SearchError> {
        let typed = parlour::Search::typed(&self.typed, self.utc_offset_minutes);
        let mut search = typed.map_err(|_| SearchError::Typed)?;
        for name in self.from {
            search = search.from(who(name));
        }
        for room in &self.rooms {
            search = search.in_room(parse(room)?);
        }
        if self.by_relevance {
            search = search.by_relevance();
        }
        Ok(self.page_size.into_iter().fold(search, parlour::Search::page_size))
    }
}

/// A message that is as searched for.
#[derive(Clone, uniffi::Record)]
pub struct Hit {
    /// Its room.
    pub room: String,
    /// The message, as of when it was found.
    pub item: Item,
    /// Where in its text the words are, in bytes of UTF-8: begin and end after each other.
    pub highlights: Vec<u32>,
}

impl From<parlour::Hit> for Hit {
    fn from(hit: parlour::Hit) -> Self {
        // A text has 16 KiB at most.
        let ends = hit.highlights.iter().flat_map(|part| [part.start as u32, part.end as u32]);
        let highlights = ends.collect();
        Hit { room: show(hit.room.id()), item: Item::of(hit.message), highlights }
    }
}

/// What was found, page by page.
#[derive(uniffi::Object)]
pub struct Found {
    inner: Arc<Mutex<parlour::Found>>,
    is_building: bool,
}

impl Found {
    pub(crate) fn shared(found: parlour::Found) -> Arc<Self> {
        let is_building = found.is_building;
        Arc::new(Found { inner: Arc::new(Mutex::new(found)), is_building })
    }
}

#[uniffi::export]
impl Found {
    /// The server was making its index: there may be more than it found.
    pub fn is_building(&self) -> bool {
        self.is_building
    }

    /// The next page, beginning with the first; empty at the end.
    ///
    /// # Errors
    /// When the server refuses or the client is gone. The page can be asked for again.
    pub async fn next_page(&self) -> Result<Vec<Hit>, CallError> {
        let found = self.inner.clone();
        run(async move {
            let mut found = found.lock().await;
            let mut hits = std::mem::take(&mut found.hits);
            if hits.is_empty() {
                hits = found.next_page().await?;
            }
            Ok(hits.into_iter().map(Hit::from).collect())
        })
        .await
    }
}

//! The inbox: messages that mention the user, wherever they are.

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    ids::RoomId,
    inbox::{Mention as Mentioned, ReadMentionsItem, ReadMentionsRequest},
    prost::Message as _,
    wire::Event,
};
use parlour_sdk_core::{
    event::{LogEvent, Malformed},
    timeline::messages,
};

use crate::{
    Client, Room,
    error::CallError,
    message::{Item, Message},
};

/// A message that mentions the user, as of when it was asked for.
#[derive(Clone, Debug)]
pub struct Mention {
    /// Its room.
    pub room: Room,
    /// The message.
    pub message: Message,
    /// It stands after the user's marker in its room or thread. In a thread that the user doesn't
    /// follow nothing is unread.
    pub is_unread: bool,
}

/// Messages that mention the user, the newest first, page by page.
#[derive(Debug)]
pub struct Mentions {
    client: Client,
    unread_only: bool,
    /// Where the next page begins; `None` at the end.
    next: Option<Bytes>,
}

impl Mentions {
    /// The next page of at most `limit` (1 to 100); empty at the end. Needs a connection.
    ///
    /// # Errors
    /// When the server refuses or the client is gone. The page can be asked for again.
    pub async fn next_page(&mut self, limit: u32) -> Result<Vec<Mention>, CallError> {
        while let Some(page) = self.next.clone() {
            let mentions = self.read(page, limit).await?;
            // A page may have none and still lead on.
            if !mentions.is_empty() {
                return Ok(mentions);
            }
        }
        Ok(vec![])
    }

    async fn read(&mut self, page: Bytes, limit: u32) -> Result<Vec<Mention>, CallError> {
        let request = ReadMentionsRequest { page, limit, unread_only: self.unread_only };
        let items = self.client.inner.handle.ask_bulk::<rpc::ReadMentions>(request).await?;
        let (mut mentions, mut next) = (Vec::new(), Bytes::new());
        for item in items {
            let item = ReadMentionsItem::decode(item).map_err(|_| CallError::Malformed)?;
            for mention in item.mentions {
                let mention = self.mention(mention).map_err(|_| CallError::Malformed)?;
                mentions.extend(mention);
            }
            next = item.next_page;
        }
        self.next = (!next.is_empty()).then_some(next);
        Ok(mentions)
    }

    fn mention(&self, mention: Mentioned) -> Result<Option<Mention>, Malformed> {
        let room = RoomId::parse(&mention.room).map_err(|_| Malformed)?;
        let parse = |event: Event| LogEvent::parse(event.encode_to_vec().into());
        let event = parse(mention.message.ok_or(Malformed)?)?;
        let amendments: Vec<LogEvent> =
            mention.amendments.into_iter().map(parse).collect::<Result<_, _>>()?;
        let me = *self.client.inner.handle.me.borrow();
        let seq = event.seq();
        let room = self.client.room(room);
        let shown = messages(room.id(), me, &[event], &amendments);
        let message = shown.into_iter().find_map(|item| {
            Item::new(item, &room).message().filter(|message| message.seq() == Some(seq)).cloned()
        });
        let is_unread = mention.unread;
        Ok(message.map(|message| Mention { room, message, is_unread }))
    }
}

impl Client {
    /// Messages that mention the user by name, the newest first; with `unread_only` those that are
    /// unread.
    pub fn mentions(&self, unread_only: bool) -> Mentions {
        Mentions { client: self.clone(), unread_only, next: Some(Bytes::new()) }
    }
}

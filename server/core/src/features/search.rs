//! Search: messages by their words. The index is asked for the caller's rooms only, and what it finds
//! is read from the log and checked once more before anybody sees it: the index may be late.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use parlour_protocol::{
    event::{FLAG_ERASED, put_events},
    generated::{EventMessage, SearchServiceBulk},
    ids::{RoomId, UserId},
    limits::{SEARCH_PAGE_MAX, SEARCH_ROOMS_MAX, SEARCH_SENDERS_MAX},
    message::{MessageEdited, MessagePosted},
    search::{Highlight, SearchHit, SearchMessagesItem, SearchMessagesRequest, SearchOrder},
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

use crate::{
    draft::store_error,
    kit::{Ctx, Features, ServerKit, Sink, id_field},
    limits::{ITEM_BYTES, SCAN_ROWS, SEARCH_LOOKED_AT_MAX},
    messages::target,
    pages::{only, read},
    polls::searched,
    ports::{
        search::{Order, Place, Query, Search, SearchError},
        store::Scan,
    },
    records::{room_seq, trailing_seq},
    rooms::RoomCell,
    search::{
        asked::{Asked, clauses},
        feed::has_file,
    },
    tables::Table,
};

impl SearchServiceBulk<ServerKit> for Features {
    async fn search_messages(
        &self,
        ctx: &mut Ctx,
        request: SearchMessagesRequest,
        out: &mut Sink<SearchMessagesItem>,
    ) -> Result<(), Error> {
        let port = ctx.node.search.port().cloned().ok_or_else(|| {
            Error::new(ErrorReason::SearchDisabled, "this server keeps no index to search")
        })?;
        let limit = match request.limit as usize {
            0 => 20,
            n if n <= SEARCH_PAGE_MAX => n,
            _ => return Err(Error::invalid("limit", "is over 50")),
        };
        let mut query = query(ctx, &request, limit).await?;
        // Asked before the search: what is there then is found, or the answer says otherwise.
        let building = !ctx.node.search.is_whole();
        let mut last = SearchMessagesItem { building, ..Default::default() };
        let (mut page, mut found, mut looked_at) = (Page::default(), 0, 0);
        'pages: while !query.rooms.is_empty() {
            query.limit = limit - found;
            let Some(places) = ask(&*port, &query).await? else {
                last.building = true;
                break;
            };
            let is_last = places.len() < query.limit;
            for place in places {
                query.after = Some(place);
                looked_at += 1;
                if let Some(hit) = hit(ctx, &query.asked, place).await? {
                    page.push(hit, ctx, out).await?;
                    found += 1;
                }
                if found == limit || looked_at == SEARCH_LOOKED_AT_MAX {
                    last.next_page = place.to_bytes();
                    break 'pages;
                }
            }
            if is_last {
                break;
            }
        }
        page.send(ctx, last, out).await
    }
}

/// What the index is asked for.
async fn query(ctx: &Ctx, request: &SearchMessagesRequest, limit: usize) -> Result<Query, Error> {
    let order = match SearchOrder::try_from(request.order) {
        Ok(SearchOrder::Unspecified | SearchOrder::Newest) => Order::Newest,
        Ok(SearchOrder::Relevance) => Order::Relevance,
        Err(_) => return Err(Error::invalid("order", "is not known")),
    };
    let after = match &request.page[..] {
        [] => None,
        page => match Place::from_bytes(page) {
            Some(place) => Some(place),
            None => return Err(Error::invalid("page", "is not from an answer")),
        },
    };
    let asked = asked(request)?;
    let rooms = rooms(ctx, &request.rooms).await?;
    Ok(Query { rooms: rooms.into(), asked: Arc::new(asked), order, limit, after })
}

fn asked(request: &SearchMessagesRequest) -> Result<Asked, Error> {
    if request.senders.len() > SEARCH_SENDERS_MAX {
        return Err(Error::invalid("senders", "are more than 100"));
    }
    let senders = request.senders.iter().map(|user| id_field("senders", UserId::parse(user)));
    if request.thread_root_seq > 0 && request.rooms.len() != 1 {
        return Err(Error::invalid("thread_root_seq", "needs its room and no other"));
    }
    let clauses = clauses(&request.text, &request.phrases, request.last_is_prefix);
    let asked = Asked {
        clauses: clauses.map_err(|(field, problem)| Error::invalid(field, problem))?,
        senders: senders.collect::<Result<_, _>>()?,
        after_ms: request.after_ms,
        before_ms: (request.before_ms > 0).then_some(request.before_ms),
        has_link: request.has_link,
        has_file: request.has_file,
        thread_root: (request.thread_root_seq > 0).then_some(request.thread_root_seq),
    };
    match asked.is_nothing() {
        true => Err(Error::invalid("text", "is empty, and nothing else is asked for")),
        false => Ok(asked),
    }
}

/// The rooms that are searched, in the order of their ids: those named, or all that the caller is in.
async fn rooms(ctx: &Ctx, named: &[Bytes]) -> Result<Vec<RoomId>, Error> {
    if named.len() > SEARCH_ROOMS_MAX {
        return Err(Error::invalid("rooms", "are more than 100"));
    }
    if named.is_empty() {
        return ctx.node.rooms_of(ctx.caller.org, ctx.user()).await.map_err(store_error);
    }
    let mut rooms = Vec::with_capacity(named.len());
    for room in named {
        rooms.push(ctx.room(room).await?.id);
    }
    rooms.sort_unstable();
    rooms.dedup();
    Ok(rooms)
}

/// `None` while the index is being made.
async fn ask(port: &dyn Search, query: &Query) -> Result<Option<Vec<Place>>, Error> {
    match port.find(query.clone()).await {
        Ok(places) => Ok(Some(places)),
        Err(SearchError::Closed) => Ok(None),
        Err(_) => Err(Error::new(ErrorReason::SearchUnavailable, "the index doesn't answer")),
    }
}

/// A hit, encoded.
struct Hit {
    cell: Arc<RoomCell>,
    seq: u64,
    // As it was before the message was read.
    del_no: u64,
    bytes: Bytes,
}

impl Hit {
    /// Whether it may be sent: the caller is in the room, and nobody has deleted it since it was read.
    async fn may_leave(&self, ctx: &Ctx) -> bool {
        let is_there = self.cell.head().del_no == self.del_no
            || target(ctx, &self.cell, self.seq).await.is_ok();
        is_there && self.cell.is_member(ctx.user())
    }
}

/// What the index found, if it is so: as the log has it now, and the caller may read it.
async fn hit(ctx: &Ctx, asked: &Asked, place: Place) -> Result<Option<Hit>, Error> {
    let cell = ctx.node.room(ctx.caller.org, place.room).await.map_err(store_error)?;
    let Some(cell) = cell.filter(|cell| cell.is_member(ctx.user())) else { return Ok(None) };
    let del_no = cell.head().del_no;
    // What can't be read isn't found.
    let Some((event, stored)) = event_at(ctx, cell.id, place.seq).await? else { return Ok(None) };
    let Some(header) = &event.header else { return Ok(None) };
    if header.kind != MessagePosted::RULE.kind
        || !asked.fits(header)
        || (asked.has_file && !has_file(header))
    {
        return Ok(None);
    }
    let Ok(posted) = MessagePosted::decode(event.body) else { return Ok(None) };
    let (text, edit) = match newest_edit(ctx, cell.id, place.seq).await? {
        None => (posted.text, None),
        Some(seq) => match event_at(ctx, cell.id, seq).await? {
            None => return Ok(None),
            Some((edit, stored)) => match MessageEdited::decode(edit.body) {
                Ok(edit) => (edit.text, Some(stored)),
                Err(_) => return Ok(None),
            },
        },
    };
    let mut highlights = asked.highlights(&searched(&text, posted.poll.as_ref()));
    // What it asks stands behind its text, and isn't part of it.
    highlights.iter_mut().for_each(|parts| parts.retain(|part| part.end <= text.len()));
    Ok(highlights.map(|parts| Hit {
        seq: place.seq,
        del_no,
        bytes: encoded(ctx, &cell, stored, edit, &parts),
        cell,
    }))
}

/// An event with the bytes it is stored as, unless it is erased or can't be read.
async fn event_at(ctx: &Ctx, room: RoomId, seq: u64) -> Result<Option<(Event, Bytes)>, Error> {
    let Some(stored) = read(ctx, room, only(seq)).await?.events.pop() else { return Ok(None) };
    let event = Event::decode(stored.clone()).ok();
    let is_erased =
        |event: &Event| event.header.as_ref().is_none_or(|h| h.flags & FLAG_ERASED != 0);
    Ok(event.filter(|event| !is_erased(event)).map(|event| (event, stored)))
}

/// The newest edit of a message.
async fn newest_edit(ctx: &Ctx, room: RoomId, seq: u64) -> Result<Option<u64>, Error> {
    let mut scan = Scan::prefix(Table::AMENDMENTS, room_seq(room, seq), SCAN_ROWS);
    scan.reverse = true;
    loop {
        let rows = ctx.store().scan(scan.clone()).await.map_err(store_error)?;
        let is_edit = |kind: &Bytes| kind[..] == MessageEdited::RULE.kind.to_be_bytes();
        if let Some((row, _)) = rows.iter().find(|(_, kind)| is_edit(kind)) {
            return Ok(trailing_seq(row));
        }
        let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(None);
        };
        scan.to = Some(row.clone());
    }
}

/// A hit with its events as the bytes they are stored as.
fn encoded(
    ctx: &Ctx,
    cell: &RoomCell,
    message: Bytes,
    edit: Option<Bytes>,
    highlights: &[Range<usize>],
) -> Bytes {
    let mut out = BytesMut::new();
    put_events(2, &[message], &mut out);
    put_events(3, edit.as_slice(), &mut out);
    let highlight =
        |part: &Range<usize>| Highlight { offset: part.start as u32, len: part.len() as u32 };
    let rest = SearchHit {
        room: cell.id.to_field(),
        highlights: highlights.iter().map(highlight).collect(),
        indexed_seq: ctx.node.search.reached(cell.id),
        ..Default::default()
    };
    rest.encode(&mut out).expect("BytesMut grows");
    out.freeze()
}

/// Hits on their way into an item.
#[derive(Default)]
struct Page {
    hits: Vec<Hit>,
    bytes: usize,
}

impl Page {
    async fn push(
        &mut self,
        hit: Hit,
        ctx: &Ctx,
        out: &mut Sink<SearchMessagesItem>,
    ) -> Result<(), Error> {
        if self.bytes > 0 && self.bytes + hit.bytes.len() > ITEM_BYTES {
            std::mem::take(self).send(ctx, SearchMessagesItem::default(), out).await?;
        }
        self.bytes += hit.bytes.len();
        self.hits.push(hit);
        Ok(())
    }

    /// Looks again first: whoever was removed in the meantime hears no more, nor does anybody of what
    /// was deleted.
    async fn send(
        self,
        ctx: &Ctx,
        rest: SearchMessagesItem,
        out: &mut Sink<SearchMessagesItem>,
    ) -> Result<(), Error> {
        let mut hits = Vec::with_capacity(self.hits.len());
        for hit in self.hits {
            if hit.may_leave(ctx).await {
                hits.push(hit.bytes);
            }
        }
        out.send_with_events(1, &hits, &rest).await
    }
}

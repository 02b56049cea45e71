//! Pins: which messages a room keeps at hand, who pinned them and when.

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    event::FLAG_ERASED,
    generated::{EventMessage, PinService, PinServiceBulk},
    ids::RoomId,
    limits::PINS_PER_ROOM_MAX,
    pin::{
        ListPinsItem, ListPinsRequest, MessagePinned, MessageUnpinned, PinRequest, PinResponse,
        Pinned, UnpinRequest, UnpinResponse,
    },
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

use crate::{
    draft::{
        Basis, Committed, Draft, Guard, NewEvent, RoomDraft, SettledDraft, not_allowed,
        room_not_found, store_error,
    },
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit, Sink},
    limits::ITEM_BYTES,
    messages::{own_ref, sent_before, target},
    pages::{amendments, beyond, only, read},
    ports::store::{Put, Scan},
    records::{StampRow, room_seq, trailing_seq},
    rooms::RoomChange,
    tables::Table,
};

/// What is wanted of a message's pin.
struct Wanted {
    room: Bytes,
    client_ref: Bytes,
    target_seq: u64,
    /// Put there, or taken off.
    on: bool,
}

impl PinService<ServerKit> for Features {
    async fn pin(&self, ctx: &mut Ctx, request: PinRequest) -> Result<Answer<PinResponse>, Error> {
        let PinRequest { room, client_ref, target_seq } = request;
        let wanted = Wanted { room, client_ref, target_seq, on: true };
        let answer = |done: &Committed, deduplicated| PinResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated,
        };
        change(ctx, wanted, answer).await
    }

    async fn unpin(
        &self,
        ctx: &mut Ctx,
        request: UnpinRequest,
    ) -> Result<Answer<UnpinResponse>, Error> {
        let UnpinRequest { room, client_ref, target_seq } = request;
        let wanted = Wanted { room, client_ref, target_seq, on: false };
        let answer = |done: &Committed, deduplicated| UnpinResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated,
        };
        change(ctx, wanted, answer).await
    }
}

async fn change<R>(
    ctx: &Ctx,
    wanted: Wanted,
    answer: fn(&Committed, bool) -> R,
) -> Result<Answer<R>, Error>
where
    R: Send + 'static,
{
    let Wanted { room, client_ref, target_seq, on } = wanted;
    let cell = ctx.open_room(&room).await?;
    let kind = if on { MessagePinned::RULE.kind } else { MessageUnpinned::RULE.kind };
    let client_ref = own_ref(ctx, &client_ref)?;
    let print = fingerprint(kind, &[&target_seq.to_be_bytes()]);
    if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
        let done = Committed { seq: sent.seq, at_ms: sent.at_ms, ..Committed::default() };
        return Ok(Answer::Now(answer(&done, true)));
    }
    // Whatever is pinned, taken off or deleted with its pin moves the version: what is found below
    // is still so when this is committed, or it is decided again.
    let (bits, version) = ctx.permissions(&cell).await?;
    if !bits.has(Permission::Pin) {
        return Err(not_allowed());
    }
    let message = target(ctx, &cell, target_seq).await?;
    let pins = pins(ctx, cell.id).await?;
    let is_on = pins.iter().any(|(target, _)| *target == target_seq);
    let is_full = on && !is_on && pins.len() >= PINS_PER_ROOM_MAX;
    if is_on == on || is_full {
        let too_many = || Error::new(ErrorReason::TooManyPins, "100 messages are pinned");
        let basis = Basis::Room(cell, version);
        let draft = SettledDraft { basis, error: is_full.then(too_many) };
        return Ok(Answer::commit(Draft::Settled(Box::new(draft)), move |done| {
            answer(done, false)
        }));
    }
    let event = NewEvent {
        client_ref: Some((client_ref, print)),
        target_seq,
        thread_root_seq: message.thread_root_seq,
        ..NewEvent::new(ctx.user(), kind, Bytes::new())
    };
    let row = room_seq(cell.id, target_seq);
    let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
    draft.absent.push((Table::DELETED, row.clone()));
    let kind = Bytes::copy_from_slice(&kind.to_be_bytes());
    draft.seq_puts.push((Table::AMENDMENTS, row.clone(), kind));
    match on {
        true => draft.stamps.push((Table::PINS, row)),
        false => draft.puts.push(Put { table: Table::PINS, key: row, value: None }),
    }
    draft.change = Some(RoomChange::Pins);
    Ok(Answer::commit(Draft::Room(Box::new(draft)), move |done| answer(done, false)))
}

/// The messages that are pinned, and the event that pinned each.
async fn pins(ctx: &Ctx, room: RoomId) -> Result<Vec<(u64, StampRow)>, Error> {
    let scan = Scan::prefix(Table::PINS, room.to_field(), PINS_PER_ROOM_MAX);
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let pin = |(row, stamp): (Bytes, Bytes)| trailing_seq(&row).zip(StampRow::decode(stamp).ok());
    Ok(rows.into_iter().filter_map(pin).collect())
}

impl PinServiceBulk<ServerKit> for Features {
    async fn list_pins(
        &self,
        ctx: &mut Ctx,
        request: ListPinsRequest,
        out: &mut Sink<ListPinsItem>,
    ) -> Result<(), Error> {
        let cell = ctx.room(&request.room).await?;
        let as_of_seq = cell.head().seq;
        let mut pins = pins(ctx, cell.id).await?;
        // What came later is heard as an event.
        pins.retain(|(_, stamp)| stamp.seq <= as_of_seq);
        pins.sort_by_key(|(_, stamp)| std::cmp::Reverse(stamp.seq));
        let mut item = Item::new(as_of_seq);
        for (target_seq, stamp) in pins {
            // A member who was removed in the meantime hears no more.
            if !cell.is_member(ctx.user()) {
                return Err(room_not_found());
            }
            let message = read(ctx, cell.id, only(target_seq)).await?.events.pop();
            if message.as_ref().is_some_and(is_erased) {
                continue;
            }
            let later = amendments(ctx, &cell, target_seq, target_seq, as_of_seq).await?;
            item.add(target_seq, stamp, message, later);
            if item.bytes > ITEM_BYTES {
                std::mem::replace(&mut item, Item::new(as_of_seq)).send(out).await?;
            }
        }
        item.send(out).await
    }
}

/// Deleted since the pins were read.
fn is_erased(event: &Bytes) -> bool {
    let header = Event::decode(event.clone()).ok().and_then(|event| event.header);
    header.is_some_and(|header| header.flags & FLAG_ERASED != 0)
}

/// An item of the list, as it fills.
struct Item {
    events: Vec<Bytes>,
    rest: ListPinsItem,
    bytes: usize,
}

impl Item {
    fn new(as_of_seq: u64) -> Self {
        Item { events: vec![], rest: ListPinsItem { as_of_seq, ..Default::default() }, bytes: 0 }
    }

    fn add(&mut self, target_seq: u64, stamp: StampRow, message: Option<Bytes>, later: Vec<Event>) {
        let StampRow { seq, at_ms, sender } = stamp;
        self.bytes += message.as_ref().map_or(0, Bytes::len);
        self.bytes += later.iter().map(Message::encoded_len).sum::<usize>();
        self.events.extend(message);
        self.rest.amendments.extend(later);
        self.rest.pins.push(Pinned { target_seq, seq, sender, at_ms });
    }

    /// What is more than fits one item goes into further ones.
    async fn send(mut self, out: &mut Sink<ListPinsItem>) -> Result<(), Error> {
        let as_of_seq = self.rest.as_of_seq;
        let mut more = beyond(&mut self.rest.amendments, ITEM_BYTES);
        out.send_with_events(1, &self.events, &self.rest).await?;
        while !more.is_empty() {
            let mut amendments = more;
            more = beyond(&mut amendments, ITEM_BYTES);
            out.send(&ListPinsItem { amendments, as_of_seq, ..Default::default() }).await?;
        }
        Ok(())
    }
}

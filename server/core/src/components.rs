//! Components of messages: what may be offered, and what may be used.

use std::collections::BTreeSet;

use parlour_protocol::{
    event::FLAG_ERASED,
    generated::EventMessage,
    interaction::{Button, Component, Components, Select, component::Kind},
    limits::{COMPONENT_ROWS_MAX, SELECT_OPTIONS_MAX},
    message::{MessageEdited, MessagePosted},
    wire::{Error, ErrorReason, Event, EventHeader},
};
use prost::Message;

use crate::{
    draft::store_error,
    kit::Ctx,
    limits::SCAN_ROWS,
    pages::{only, read},
    ports::store::{Scan, StoreError},
    records::{key, room_seq, trailing_seq},
    rooms::RoomCell,
    tables::Table,
};

/// Bytes of an id or a value.
const ID_BYTES_MAX: usize = 64;
/// Bytes of a label.
const LABEL_BYTES_MAX: usize = 80;
/// Bytes of an address.
const URL_BYTES_MAX: usize = 2048;

/// Refuses components that can't be shown or used.
pub(crate) fn check_components(components: &Components) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::invalid("body.components", what));
    if components.rows.len() > COMPONENT_ROWS_MAX {
        return wrong("are more than 5 rows");
    }
    let mut ids = BTreeSet::new();
    for row in &components.rows {
        if !(1..=COMPONENT_ROWS_MAX).contains(&row.components.len()) {
            return wrong("have a row of not 1 to 5");
        }
        for component in &row.components {
            if !fits(&component.id, ID_BYTES_MAX) || !ids.insert(&component.id) {
                return wrong("have an id that isn't 1 to 64 bytes, or is there twice");
            }
            let is_right = match &component.kind {
                Some(Kind::Button(button)) => is_button(button),
                Some(Kind::Select(select)) => is_select(select),
                None => false,
            };
            if !is_right {
                let what = format!("have {:?}, which is nothing to press or choose", component.id);
                return wrong(&what);
            }
        }
    }
    Ok(())
}

fn fits(text: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_button(button: &Button) -> bool {
    let leads = button.url.is_empty()
        || (fits(&button.url, URL_BYTES_MAX) && button.url.starts_with("https://"));
    fits(&button.label, LABEL_BYTES_MAX) && leads
}

fn is_select(select: &Select) -> bool {
    let mut values = BTreeSet::new();
    let options = &select.options;
    let bounds = bounds(select);
    (1..=SELECT_OPTIONS_MAX).contains(&options.len())
        && select.placeholder.len() <= LABEL_BYTES_MAX
        && !select.placeholder.chars().any(char::is_control)
        && *bounds.start() <= *bounds.end()
        && *bounds.end() <= options.len()
        && options.iter().all(|option| {
            fits(&option.value, ID_BYTES_MAX)
                && fits(&option.label, LABEL_BYTES_MAX)
                && values.insert(&option.value)
        })
}

/// How many options are chosen.
fn bounds(select: &Select) -> std::ops::RangeInclusive<usize> {
    let or_one = |n: u32| if n == 0 { 1 } else { n as usize };
    or_one(select.min)..=or_one(select.max)
}

/// Refuses what a message doesn't offer.
pub(crate) fn check_use(components: &Components, id: &str, values: &[String]) -> Result<(), Error> {
    let missing = || Error::new(ErrorReason::ComponentNotFound, "no such component");
    let mut all = components.rows.iter().flat_map(|row| &row.components);
    let found = all.find(|component| component.id == id).filter(|component| !component.disabled);
    let Component { kind: Some(kind), .. } = found.ok_or_else(missing)? else {
        return Err(missing());
    };
    match kind {
        Kind::Button(button) if !button.url.is_empty() => Err(missing()),
        Kind::Button(_) if values.is_empty() => Ok(()),
        Kind::Button(_) => Err(Error::invalid("values", "are not for a button")),
        Kind::Select(select) => {
            let offered = |value: &String| select.options.iter().any(|o| o.value == *value);
            let once: BTreeSet<&String> = values.iter().collect();
            let is_right = bounds(select).contains(&values.len())
                && once.len() == values.len()
                && values.iter().all(offered);
            is_right.then_some(()).ok_or_else(|| Error::invalid("values", "are not as offered"))
        }
    }
}

/// What a message offers now, after its edits, and its header.
pub(crate) async fn components_of(
    ctx: &Ctx,
    cell: &RoomCell,
    seq: u64,
) -> Result<(EventHeader, Components), Error> {
    let missing = || Error::new(ErrorReason::MessageNotFound, "no such message");
    if seq == 0 || seq > cell.head().seq {
        return Err(missing());
    }
    let event = event_at(ctx, cell, seq).await?.ok_or_else(missing)?;
    let header = event.header.unwrap_or_default();
    if header.kind != MessagePosted::RULE.kind || header.flags & FLAG_ERASED != 0 {
        return Err(missing());
    }
    let posted = MessagePosted::decode(event.body).map_err(|_| store_error(StoreError::Damaged))?;
    let mut scan = Scan::prefix(Table::AMENDMENTS, room_seq(cell.id, seq), SCAN_ROWS);
    let mut newest = None;
    loop {
        let rows = ctx.store().scan(scan.clone()).await.map_err(store_error)?;
        for (row, kind) in &rows {
            if kind[..] == MessageEdited::RULE.kind.to_be_bytes() {
                newest = trailing_seq(row).max(newest);
            }
        }
        let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
        scan.from = key(&[row, &[0]]);
    }
    if let Some(edit_seq) = newest {
        let edit = event_at(ctx, cell, edit_seq).await?;
        let edited = edit.and_then(|edit| MessageEdited::decode(edit.body).ok());
        // The newest one says all that is offered from then on.
        return Ok((header, edited.and_then(|edited| edited.components).unwrap_or_default()));
    }
    Ok((header, posted.components.unwrap_or_default()))
}

async fn event_at(ctx: &Ctx, cell: &RoomCell, seq: u64) -> Result<Option<Event>, Error> {
    let event = read(ctx, cell.id, only(seq)).await?.events.pop();
    event.map(Event::decode).transpose().map_err(|_| store_error(StoreError::Damaged))
}

#[cfg(test)]
#[path = "components_tests.rs"]
mod tests;

//! Unread counts by subtraction, corrected by what was deleted.

use bytes::Bytes;
use parlour_protocol::{
    ids::{RoomId, UserId},
    marker::{Marker, Unread},
    thread::Thread,
    wire::Error,
};
use prost::Message;

use crate::{
    draft::store_error,
    limits::SCAN_ROWS,
    ports::store::{Scan, Store, StoreError},
    records::{Counters, key, room_user, trailing_seq, user_room},
    retention::retained,
    tables::Table,
    threads::{thread_key, user_thread},
};

/// Value of a `DELETED` row whose message was to everyone.
pub const TO_EVERYONE: [u8; 1] = [1];

/// Value of a `DELETED` row whose message stood in a thread: the room doesn't count it.
pub const IN_THREAD: [u8; 1] = [2];

/// The marker as it was set; all zero where it never was.
pub async fn stored_marker(store: &dyn Store, user: UserId, room: RoomId) -> Result<Marker, Error> {
    let row = store.get(Table::MARKERS, &user_room(user, room)).await.map_err(store_error)?;
    let row = row.map(Marker::decode).transpose();
    Ok(row.map_err(|_| store_error(StoreError::Damaged))?.unwrap_or_default())
}

/// The marker in force: an own message after the marker was set counts as having read up to it.
pub async fn marker_in_force(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
    set: Marker,
) -> Result<Marker, Error> {
    let sent = last_sent(store, user, room).await?;
    Ok(sent.map_or(set, |sent| later_of(set, sent)))
}

/// The user's last message in a room, and the counters there.
pub async fn last_sent(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
) -> Result<Option<Counters>, Error> {
    let row = store.get(Table::LAST_SENT, &room_user(room, user)).await.map_err(store_error)?;
    row.map(Counters::decode).transpose().map_err(|_| store_error(StoreError::Damaged))
}

fn later_of(set: Marker, sent: Counters) -> Marker {
    if sent.seq > set.seq && sent.seq > set.set_at_seq {
        Marker {
            seq: sent.seq,
            msg_no: sent.msg_no,
            bcast_no: sent.bcast_no,
            set_at_seq: set.set_at_seq,
            at_ms: sent.at_ms,
        }
    } else {
        set
    }
}

/// What is unread in a room with this head for a user with this marker in force.
pub async fn unread(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
    head: Counters,
    marker: Marker,
) -> Result<Unread, Error> {
    let marker = if head.del_no == 0 { marker } else { past_deleted(store, room, marker).await? };
    let messages = head.msg_no.saturating_sub(marker.msg_no);
    if messages == 0 {
        return Ok(Unread::default());
    }
    let deleted = if head.del_no == 0 {
        Count::default()
    } else {
        count(store, Table::DELETED, room.as_bytes(), marker.seq, head.seq).await?
    };
    let mine = key(&[user.as_bytes(), room.as_bytes()]);
    let mentions = count(store, Table::MENTIONS, &mine, marker.seq, head.seq).await?.rows;
    let everyone = head.bcast_no.saturating_sub(marker.bcast_no + deleted.to_everyone);
    let messages = messages.saturating_sub(deleted.rows);
    Ok(Unread { messages, mentions: (mentions + everyone).min(messages) })
}

/// A marker before what a rule of retention has deleted, all of it, is as good as one behind it: so what was
/// ever deleted isn't counted anew each time.
async fn past_deleted(store: &dyn Store, room: RoomId, marker: Marker) -> Result<Marker, Error> {
    let row = retained(store, room).await.map_err(store_error)?;
    let row = row.filter(|row| !row.left && row.up_to > marker.seq);
    Ok(row.map_or(marker, |row| {
        let (msg_no, bcast_no) = (row.msg_no.max(marker.msg_no), row.bcast_no.max(marker.bcast_no));
        Marker { seq: row.up_to, msg_no, bcast_no, ..marker }
    }))
}

#[derive(Clone, Copy, Default)]
struct Count {
    rows: u64,
    /// Rows whose value says that the message was to everyone.
    to_everyone: u64,
}

/// Rows `prefix ‖ seq` with `after < seq <= up_to`.
async fn count(
    store: &dyn Store,
    table: Table,
    prefix: &[u8],
    after: u64,
    up_to: u64,
) -> Result<Count, Error> {
    let mut from = key(&[prefix, &(after + 1).to_be_bytes()]);
    let to: Bytes = key(&[prefix, &(up_to + 1).to_be_bytes()]);
    let mut total = Count::default();
    loop {
        let scan = Scan {
            table,
            from: from.clone(),
            to: Some(to.clone()),
            reverse: false,
            rows_max: SCAN_ROWS,
        };
        let rows = store.scan(scan).await.map_err(store_error)?;
        total.rows += rows.iter().filter(|(_, value)| value[..] != IN_THREAD).count() as u64;
        total.to_everyone +=
            rows.iter().filter(|(_, value)| value[..] == TO_EVERYONE).count() as u64;
        let last = rows.last().filter(|_| rows.len() == SCAN_ROWS);
        let Some(seq) = last.and_then(|(key, _)| trailing_seq(key)) else { return Ok(total) };
        from = key(&[prefix, &(seq + 1).to_be_bytes()]);
    }
}

/// The marker in force in a thread: an own reply after the marker was set counts as having read up
/// to it.
pub async fn thread_marker(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
    root_seq: u64,
) -> Result<Marker, Error> {
    let damaged = |_| store_error(StoreError::Damaged);
    let row = store.get(Table::THREAD_MARKERS, &user_thread(user, room, root_seq)).await;
    let set = row.map_err(store_error)?.map(Marker::decode).transpose().map_err(damaged)?;
    let sent = key(&[&thread_key(room, root_seq), user.as_bytes()]);
    let sent = store.get(Table::THREAD_SENT, &sent).await.map_err(store_error)?;
    let sent = sent.map(Counters::decode).transpose().map_err(damaged)?;
    Ok(later_of(set.unwrap_or_default(), sent.unwrap_or_default()))
}

/// What is unread in a thread for a user with this marker in force.
pub async fn thread_unread(
    store: &dyn Store,
    user: UserId,
    room: RoomId,
    thread: &Thread,
    marker: Marker,
) -> Result<Unread, Error> {
    let replies = thread.thread_no.saturating_sub(marker.msg_no);
    if replies == 0 {
        return Ok(Unread::default());
    }
    let (of_thread, last) = (thread_key(room, thread.root_seq), thread.last_seq);
    let deleted = match thread.deleted {
        0 => Count::default(),
        _ => count(store, Table::THREAD_DELETED, &of_thread, marker.seq, last).await?,
    };
    let mine = user_thread(user, room, thread.root_seq);
    let mentions = count(store, Table::THREAD_MENTIONS, &mine, marker.seq, last).await?.rows;
    let messages = replies.saturating_sub(deleted.rows);
    Ok(Unread { messages, mentions: mentions.min(messages) })
}

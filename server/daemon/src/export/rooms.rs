//! Rooms: a line for each, and a file with its log.

use bytes::Bytes;
use parlour_core::{
    limits::{ITEM_BYTES, ITEM_EVENTS},
    ports::store::{LogKey, ReadRange},
};
use parlour_protocol::{
    ids::{BlobHash, RoomId, UserId},
    limits::SEQ_MAX,
    prost::Message,
    wire::{Event, EventHeader},
};
use serde_json::{Value, json};

use super::{
    Export, ExportError,
    folder::{Lines, json_of},
};

const EVENT: &str = "parlour.wire.v1.Event";

impl Export {
    /// Every room, or those in which the person has written something.
    pub(super) async fn rooms(&mut self) -> Result<(), ExportError> {
        let mut all = self.folder.lines("rooms.jsonl")?;
        for room in self.node.rooms_of_org(self.org).await? {
            let cell = match self.node.room(self.org, room).await {
                Ok(Some(cell)) => Some(cell),
                Ok(None) => continue,
                // Its log can be read nevertheless.
                Err(_) => {
                    self.summary.damaged_rooms += 1;
                    None
                }
            };
            let events = self.log(LogKey::Room(room), &format!("rooms/{room}.jsonl")).await?;
            if self.by.is_some() && events == 0 {
                continue;
            }
            self.summary.rooms += 1;
            self.summary.events += events;
            // Where somebody isn't any more is nothing of theirs.
            let cell = cell.filter(|cell| self.by.is_none_or(|by| cell.is_member(by)));
            let Some(cell) = cell else {
                all.value(&json!({ "id": room.to_string() }))?;
                continue;
            };
            let nobody = UserId::from_bytes([0; 16]);
            let described = cell.describe(self.by.unwrap_or(nobody));
            self.files.extend(BlobHash::parse(&described.avatar).ok());
            let mut line = json_of("parlour.room.v1.Room", described.encode_to_vec().into())?;
            if self.by.is_none() {
                let members = cell.state().members;
                line["members"] = members.iter().map(UserId::to_string).collect::<Vec<_>>().into();
            }
            all.value(&line)?;
        }
        all.finish()
    }

    /// A log, or what the person has written in it. How many events there were; where there were none,
    /// there is no file.
    pub(super) async fn log(&mut self, log: LogKey, name: &str) -> Result<u64, ExportError> {
        let (mut from, mut count) = (1, 0);
        let mut file: Option<Lines> = None;
        loop {
            let range = ReadRange {
                from,
                to: SEQ_MAX,
                reverse: false,
                records_max: ITEM_EVENTS,
                bytes_max: ITEM_BYTES,
            };
            let read = self.node.store.read(log, range).await?;
            let Some(last) = read.last() else { break };
            from = last.seq + 1;
            for stored in read {
                let Some(line) = self.line(log, stored.seq, stored.record)? else { continue };
                let file = match &mut file {
                    Some(file) => file,
                    none => none.insert(self.folder.lines(name)?),
                };
                file.value(&line)?;
                count += 1;
            }
            // Whoever serves goes first.
            tokio::task::yield_now().await;
        }
        file.map_or(Ok(()), Lines::finish)?;
        Ok(count)
    }

    fn line(
        &mut self,
        log: LogKey,
        seq: u64,
        record: Option<Bytes>,
    ) -> Result<Option<Value>, ExportError> {
        let event = record.as_ref().and_then(|record| Event::decode(record.clone()).ok());
        let Some(header) = event.and_then(|event| event.header) else {
            self.summary.damaged += u64::from(self.by.is_none());
            return Ok(self.by.is_none().then(|| json!({ "seq": seq, "damaged": true })));
        };
        let in_room = matches!(log, LogKey::Room(_));
        if in_room && self.by.is_some_and(|by| header.sender != by.as_bytes()[..]) {
            return Ok(None);
        }
        self.files_of(&header);
        json_of(EVENT, record.unwrap_or_default()).map(Some)
    }

    fn files_of(&mut self, header: &EventHeader) {
        let hashes = header.attachments.iter().filter_map(|hash| BlobHash::parse(hash).ok());
        self.files.extend(hashes);
    }

    /// What was deleted while it was held.
    pub(super) async fn held(&mut self) -> Result<(), ExportError> {
        let mut file = self.folder.lines("held.jsonl")?;
        let mut after: Option<Bytes> = None;
        loop {
            let rows = self.node.held_of_org(self.org, after.as_ref()).await?;
            let Some((last, _)) = rows.last() else { return file.finish() };
            after = Some(last.clone());
            for (row, record) in rows {
                let room = row.get(16..32).and_then(|room| RoomId::parse(room).ok());
                let event = Event::decode(record.clone()).ok().and_then(|event| event.header);
                let Some((room, header)) = room.zip(event) else { continue };
                self.files_of(&header);
                let event = json_of(EVENT, record)?;
                file.value(&json!({ "room": room.to_string(), "event": event }))?;
                self.summary.held += 1;
            }
        }
    }
}

//! What the rooms' logs say, read over the wire, against what writers were told.

use bytes::Bytes;
use parlour_features::{raw::Client, world::text_of};
use parlour_protocol::{generated::rpc::ReadLog, sync::ReadLogRequest, wire::Event};

use super::writers::{Acked, Writer};
use crate::report::Report;

/// Number of writers whose texts can be told apart.
type Numbers = std::collections::BTreeMap<usize, u64>;

/// One room, as far as it was read.
#[derive(Debug, Default)]
struct Room {
    id: Bytes,
    /// The texts by place; empty for what isn't one.
    said: Vec<String>,
    last: Numbers,
    at_ms: u64,
    msg_no: u64,
}

/// All rooms of a proof.
#[derive(Debug)]
pub(crate) struct History {
    rooms: Vec<Room>,
}

impl History {
    /// Nothing was read yet.
    pub(crate) fn new(rooms: &[Bytes]) -> History {
        let room = |id: &Bytes| Room { id: id.clone(), ..Room::default() };
        History { rooms: rooms.iter().map(room).collect() }
    }

    /// Reads on where it ended, and checks what writers were told since.
    pub(crate) async fn advance(&mut self, reader: &Client, report: &mut Report) {
        for (index, room) in self.rooms.iter_mut().enumerate() {
            let from = room.said.len() as u64 + 1;
            match read(reader, &room.id, from).await {
                Ok(events) => events.iter().for_each(|event| room.take(index, event, report)),
                Err(problem) => report.violation(&format!("room {index}: {problem}")),
            }
        }
    }

    /// Reads everything again: what was there once is there for ever.
    pub(crate) async fn read_again(&self, reader: &Client, report: &mut Report) {
        for (index, room) in self.rooms.iter().enumerate() {
            let events = read(reader, &room.id, 1).await.unwrap_or_default();
            let said = events.iter().map(|event| text_of(&event.body));
            let same = said.take(room.said.len()).eq(room.said.iter().cloned());
            report.expect(same, || format!("room {index}: what was read before is different now"));
        }
    }

    /// Everything answered is where the answer said, and every refusal is one too many.
    pub(crate) fn check(&self, writers: &mut [Writer], report: &mut Report) -> u64 {
        let mut acked = 0;
        for writer in writers {
            for refused in writer.refused.drain(..) {
                report.violation(&format!("writer {}: {refused}", writer.index));
            }
            for Acked { room, writer, n, seq } in writer.acked.drain(..) {
                acked += 1;
                let there = self.rooms[room].said.get(seq as usize - 1);
                let wanted = format!("{writer}/{n}");
                report.expect(there == Some(&wanted), || {
                    format!("room {room} seq {seq}: {wanted} is lost, there is {there:?}")
                });
            }
        }
        acked
    }

    /// Texts in all rooms.
    pub(crate) fn texts(&self) -> u64 {
        self.rooms.iter().map(|room| room.last.values().sum::<u64>()).sum()
    }
}

impl Room {
    fn take(&mut self, index: usize, event: &Event, report: &mut Report) {
        let header = event.header.clone().unwrap_or_default();
        let seq = self.said.len() as u64 + 1;
        report
            .expect(header.seq == seq, || format!("room {index}: {} instead of {seq}", header.seq));
        report.expect(header.at_ms >= self.at_ms, || {
            format!("room {index} seq {seq}: time goes back by {}", self.at_ms - header.at_ms)
        });
        self.at_ms = header.at_ms;
        if header.kind != 10 {
            return self.said.push(String::new());
        }
        self.msg_no += 1;
        report.expect(header.msg_no == self.msg_no, || {
            format!("room {index} seq {seq}: counts {} messages of {}", header.msg_no, self.msg_no)
        });
        let said = text_of(&event.body);
        let numbers =
            said.split_once('/').and_then(|(w, n)| Some((w.parse().ok()?, n.parse().ok()?)));
        let Some((writer, n)) = numbers else {
            return report.violation(&format!("room {index} seq {seq}: nobody said {said:?}"));
        };
        let last: &mut u64 = self.last.entry(writer).or_default();
        report.expect(n == *last + 1, || {
            format!("room {index} seq {seq}: {writer} says {n} after {last}: lost or doubled")
        });
        *last = n;
        self.said.push(said);
    }
}

/// A room's log from a place on.
pub(crate) async fn read(reader: &Client, room: &Bytes, from: u64) -> Result<Vec<Event>, String> {
    let request = ReadLogRequest { room: room.clone(), from_seq: from, ..Default::default() };
    let items = reader.bulk::<ReadLog>(&request).await.map_err(|error| format!("{error:?}"))?;
    let damaged: usize = items.iter().map(|item| item.damaged.len() + item.withheld.len()).sum();
    if damaged > 0 {
        return Err(format!("{damaged} stretches can't be read"));
    }
    Ok(items.into_iter().flat_map(|item| item.events).collect())
}

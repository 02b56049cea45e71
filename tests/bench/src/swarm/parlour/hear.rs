//! What a client reads: events of the connection, frames of its lanes, and what follows from them.

use std::time::Instant;

use bytes::Bytes;
use parlour_protocol::frame::Splitter;
use parlour_protocol::generated::{EventMessage, rpc};
use parlour_protocol::ids::RoomId;
use parlour_protocol::message::MessagePosted;
use parlour_protocol::prost::Message;
use parlour_protocol::sync::{ReadLogItem, ReadLogRequest, SyncItem, SyncRequest, sync_item};
use parlour_protocol::wire::{
    BulkItem, Event, EventFrame, Reply, RoomEvents, ServerFrame, Welcome, bulk_item, event_frame,
    reply, server_frame,
};
use quinn_proto::{Dir, StreamEvent, StreamId};

use super::member::{Purpose, Stage};
use super::{OTHER_CALLS, Parlour};
use crate::harness::{Outcome, during};
use crate::swarm::{Client, Seen, world};

const READ_BYTES: usize = 64 * 1024;

impl Parlour {
    pub(super) fn hear(
        &mut self,
        client: Client,
        event: quinn_proto::Event,
        seen: &mut Vec<Seen>,
    ) -> Outcome {
        use quinn_proto::Event as Quic;
        let heard = match event {
            Quic::Connected => self.greet(client),
            Quic::Stream(StreamEvent::Opened { dir: Dir::Uni }) => self.accept(client, seen),
            Quic::Stream(StreamEvent::Readable { id }) => self.read(client, id, seen),
            Quic::Stream(StreamEvent::Writable { .. } | StreamEvent::Available { .. }) => {
                self.write_control(client)
            }
            Quic::ConnectionLost { reason } => Err(reason.to_string()),
            _ => Ok(()),
        };
        if let Err(why) = heard {
            seen.push(Seen::Closed { client, why });
        }
        Ok(())
    }

    /// The server's one unidirectional stream is the event lane.
    fn accept(&mut self, client: Client, seen: &mut Vec<Seen>) -> Outcome {
        let Some(connection) = self.quic.connection(client) else { return Ok(()) };
        let Some(id) = connection.streams().accept(Dir::Uni) else { return Ok(()) };
        self.members[client].events = Some(id);
        self.read(client, id, seen)
    }

    fn read(&mut self, client: Client, id: StreamId, seen: &mut Vec<Seen>) -> Outcome {
        let now = Instant::now();
        let member = &mut self.members[client];
        if member.control == Some(id) {
            let frames = drain(&mut self.quic, client, id, &mut member.control_in)?;
            return frames.into_iter().try_for_each(|frame| self.control(client, frame, now, seen));
        }
        if member.events == Some(id) {
            let mut frames = drain(&mut self.quic, client, id, &mut member.events_in)?.into_iter();
            if !member.event_lane_open && frames.next().is_some() {
                member.event_lane_open = true;
            }
            return frames.try_for_each(|frame| self.live(client, frame, now, seen));
        }
        let Some(lane) = member.bulk.get_mut(&id) else { return Ok(()) };
        let purpose = lane.purpose;
        let frames = drain(&mut self.quic, client, id, &mut lane.frames)?;
        frames.into_iter().try_for_each(|frame| self.bulk_item(client, id, purpose, frame, seen))
    }

    fn control(
        &mut self,
        client: Client,
        frame: Bytes,
        at: Instant,
        seen: &mut Vec<Seen>,
    ) -> Outcome {
        let frame = ServerFrame::decode(frame).map_err(during("control lane"))?;
        match frame.frame {
            Some(server_frame::Frame::Reply(reply)) => self.reply(reply, at, seen),
            Some(server_frame::Frame::Welcome(welcome)) => self.welcome(client, welcome),
            Some(server_frame::Frame::Goodbye(goodbye)) => {
                Err(format!("goodbye {}: {}", goodbye.code, goodbye.message))
            }
            _ => Ok(()),
        }
    }

    fn reply(&mut self, reply: Reply, at: Instant, seen: &mut Vec<Seen>) -> Outcome {
        match reply.result {
            Some(reply::Result::Error(error)) => {
                Err(format!("call {}: {} ({})", reply.id, error.message, error.reason))
            }
            Some(reply::Result::Body(body)) if reply.id >= OTHER_CALLS => {
                self.answers.insert(reply.id, body);
                Ok(())
            }
            _ => {
                seen.push(Seen::Acked { number: reply.id, at });
                Ok(())
            }
        }
    }

    fn welcome(&mut self, client: Client, welcome: Welcome) -> Outcome {
        let member = &mut self.members[client];
        member.stage = Stage::Syncing;
        member.resume = welcome.resume;
        let request = SyncRequest {
            incarnation: welcome.incarnation,
            user_seq: 0,
            watermark_ms: 0,
            first: 0,
        };
        self.bulk_call::<rpc::Sync>(client, &request, Purpose::Sync)
    }

    fn bulk_item(
        &mut self,
        client: Client,
        id: StreamId,
        purpose: Purpose,
        frame: Bytes,
        seen: &mut Vec<Seen>,
    ) -> Outcome {
        let item = BulkItem::decode(frame).map_err(during("bulk lane"))?;
        match (item.item, purpose) {
            (Some(bulk_item::Item::Error(error)), _) => Err(format!("bulk: {}", error.message)),
            (Some(bulk_item::Item::Body(body)), Purpose::Sync) => self.sync_item(client, body),
            (Some(bulk_item::Item::Body(body)), Purpose::CatchUp { .. }) => {
                let page = ReadLogItem::decode(body).map_err(during("log"))?;
                self.fetched(client, page.events, seen);
                Ok(())
            }
            (Some(bulk_item::Item::Body(body)), Purpose::ReadOn { room }) => {
                let page = ReadLogItem::decode(body).map_err(during("log"))?;
                self.news(client, room, &page.events, Instant::now(), seen);
                Ok(())
            }
            (Some(bulk_item::Item::End(_)), purpose) => {
                self.members[client].bulk.remove(&id);
                if purpose == Purpose::Transfer {
                    seen.push(Seen::BulkDone);
                } else {
                    self.perhaps_ready(client, seen);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn sync_item(&mut self, client: Client, body: Bytes) -> Outcome {
        let item = SyncItem::decode(body).map_err(during("sync"))?;
        let Some(sync_item::Item::Digests(digests)) = item.item else { return Ok(()) };
        for digest in digests.rooms {
            let id = digest.room.as_ref().and_then(|room| RoomId::parse(&room.id).ok());
            let Some(room) = id.and_then(|id| self.known_room(id)) else { continue };
            self.catch_up(client, room, digest.seq)?;
        }
        Ok(())
    }

    /// What a room has beyond the last event known; what comes twice is told apart by its number.
    pub(super) fn read_on(&mut self, client: Client, room: usize) -> Outcome {
        let from_seq = self.members[client].known.get(&room).map_or(1, |known| known.last + 1);
        let field = self.rooms.id(room)?.to_field();
        let request = ReadLogRequest { room: field, from_seq, to_seq: 0, limit: 0 };
        self.bulk_call::<rpc::ReadLog>(client, &request, Purpose::ReadOn { room })
    }

    /// What a room has had before the first live event and after the last known one.
    fn catch_up(&mut self, client: Client, room: usize, head: u64) -> Outcome {
        let member = &mut self.members[client];
        let before = member.has_synced;
        let known = member.known.entry(room).or_default();
        let from = known.last + 1;
        let to = known.first_live.map_or(head, |first| head.min(first - 1));
        known.last = known.last.max(head);
        // A client that was never here begins with what comes from now on.
        if !before || from > to {
            return Ok(());
        }
        let field = self.rooms.id(room)?.to_field();
        let request = ReadLogRequest { room: field, from_seq: from, to_seq: to, limit: 0 };
        self.bulk_call::<rpc::ReadLog>(client, &request, Purpose::CatchUp { room })
    }

    /// Ready once the list of rooms and everything missed is here.
    fn perhaps_ready(&mut self, client: Client, seen: &mut Vec<Seen>) {
        let member = &mut self.members[client];
        let busy = member.bulk.values().any(|lane| lane.purpose != Purpose::Transfer);
        if member.stage == Stage::Syncing && !busy {
            member.stage = Stage::Ready;
            member.has_synced = true;
            seen.push(Seen::Ready(client));
        }
    }

    fn live(&mut self, client: Client, frame: Bytes, at: Instant, seen: &mut Vec<Seen>) -> Outcome {
        let frame = EventFrame::decode(frame).map_err(during("event lane"))?;
        match frame.frame {
            Some(event_frame::Frame::RoomEvents(RoomEvents { room, events, .. })) => {
                let id = RoomId::parse(&room).map_err(during("event lane"))?;
                let Some(room) = self.known_room(id) else { return Ok(()) };
                self.news(client, room, &events, at, seen);
                Ok(())
            }
            Some(event_frame::Frame::Gap(_)) => Err("the server left events out".to_owned()),
            _ => Ok(()),
        }
    }

    /// Delivers what the client doesn't have yet.
    fn news(
        &mut self,
        client: Client,
        room: usize,
        events: &[Event],
        at: Instant,
        seen: &mut Vec<Seen>,
    ) {
        let member = &mut self.members[client];
        for event in events {
            let seq = event.header.as_ref().map_or(0, |header| header.seq);
            if member.takes(room, seq) {
                deliver(client, event, at, seen);
            }
        }
    }

    fn fetched(&self, client: Client, events: Vec<Event>, seen: &mut Vec<Seen>) {
        let now = Instant::now();
        events.iter().for_each(|event| deliver(client, event, now, seen));
    }
}

fn deliver(client: Client, event: &Event, at: Instant, seen: &mut Vec<Seen>) {
    let is_post = event.header.as_ref().is_some_and(|h| h.kind == MessagePosted::RULE.kind);
    if !is_post {
        return;
    }
    let Ok(posted) = MessagePosted::decode(event.body.clone()) else { return };
    if let Some(number) = world::number(posted.text.as_bytes()) {
        seen.push(Seen::Delivered { client, number, at });
    }
}

/// Reads what a stream has, as whole frames.
fn drain(
    quic: &mut crate::swarm::quic::Quic,
    client: Client,
    id: StreamId,
    into: &mut Splitter,
) -> Outcome<Vec<Bytes>> {
    let Some(connection) = quic.connection(client) else { return Ok(Vec::new()) };
    let mut stream = connection.recv_stream(id);
    if let Ok(mut chunks) = stream.read(true) {
        while let Ok(Some(chunk)) = chunks.next(READ_BYTES) {
            into.push(&chunk.bytes);
        }
        let _ = chunks.finalize();
    }
    let mut frames = Vec::new();
    while let Some(frame) = into.next_frame().map_err(during("frame"))? {
        frames.push(frame);
    }
    Ok(frames)
}

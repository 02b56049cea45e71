//! Downloads of whole histories, against a server played by the test.

use parlour_protocol::{
    event::compose,
    generated::{Rpc, rpc},
    ids::{DeviceId, Incarnation},
    limits::SEQ_MAX,
    room::{GetRoomResponse, Room},
    sync::{
        Digests, ReadLogItem, ReadLogRequest, RoomDigest, SeqRange, SyncDone, SyncItem, UserDelta,
        sync_item,
    },
    wire::{Error, ErrorReason, Event, EventHeader, RoomPulse, Welcome},
};
use prost::Message;
use std::time::Duration;

use super::*;
use crate::{
    cache::{Cache, LogRange, MemoryCache},
    connection::CallId,
    engine::{Config, Focus},
    event::LogEvent,
    lanes::{Bulk, Live},
    testing::{self, ME, ROOM},
    time::Now,
};

const NOW: Now = Now { unix_ms: 1_000_000, elapsed: Duration::from_secs(100) };

const SECOND: RoomId = RoomId::from_bytes([8; 16]);

/// An engine with its cache, and the lanes it wants for blocks.
struct Client {
    engine: Engine,
    cache: MemoryCache,
    blocks: Vec<(BulkId, u64, u64)>,
    cancelled: Vec<BulkId>,
    /// Calls that ask what a room is.
    described: Vec<CallId>,
    notices: Vec<Notice>,
}

impl Client {
    /// Connected, with one room whose log is known from its head on.
    fn at_head(head: u64) -> Self {
        Self::in_rooms(&[(ROOM, head)])
    }

    /// The same with several rooms.
    fn in_rooms(rooms: &[(RoomId, u64)]) -> Self {
        let config = Config { focus: Focus::All };
        let engine = Engine::new(Default::default(), DeviceId::from_bytes([9; 16]), config);
        let mut client = Client {
            engine,
            cache: MemoryCache::default(),
            blocks: Vec::new(),
            cancelled: Vec::new(),
            described: Vec::new(),
            notices: Vec::new(),
        };
        client.connect_to(rooms);
        client
    }

    fn connect(&mut self, seq: u64) {
        self.connect_to(&[(ROOM, seq)]);
    }

    fn connect_to(&mut self, rooms: &[(RoomId, u64)]) {
        let welcome = Welcome {
            user: ME.to_field(),
            incarnation: Incarnation::from_bytes([1; 16]).to_field(),
            ..Welcome::default()
        };
        self.engine.handle_welcome(&welcome, NOW).unwrap();
        let sync = self.pump().expect("a sync is asked for");
        let digest = |(room, seq): &(RoomId, u64)| RoomDigest {
            room: Some(described(*room)),
            seq: *seq,
            msg_no: *seq,
            ..RoomDigest::default()
        };
        let digests = Digests { rooms: rooms.iter().map(digest).collect() };
        let done = SyncDone { watermark_ms: 5, room_count: rooms.len() as u32 };
        for item in [
            sync_item::Item::User(UserDelta::default()),
            sync_item::Item::Digests(digests),
            sync_item::Item::Done(done),
        ] {
            let item = SyncItem { item: Some(item) }.encode_to_vec().into();
            self.engine.handle_bulk(sync, Bulk::Item(item), NOW);
        }
        self.engine.handle_bulk(sync, Bulk::End, NOW);
        self.pump();
    }

    /// Lets the engine do what it wants; the lane of a sync it opens.
    fn pump(&mut self) -> Option<BulkId> {
        let mut sync = None;
        if let Some((_, writes)) = self.engine.take_writes() {
            self.cache.commit(&writes).unwrap();
        }
        self.notices.extend(std::iter::from_fn(|| self.engine.poll_notice()));
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Bulk { id, method, .. } if method == rpc::Sync::METHOD.id => {
                    sync = Some(id);
                }
                Action::Bulk { id, method, body } if method == rpc::ReadLog::METHOD.id => {
                    let request = ReadLogRequest::decode(body).unwrap();
                    self.blocks.push((id, request.from_seq, request.to_seq));
                }
                Action::CancelBulk(id) => {
                    self.blocks.retain(|(block, ..)| *block != id);
                    self.cancelled.push(id);
                }
                Action::Call { id, method, .. } if method == rpc::GetRoom::METHOD.id => {
                    self.described.push(id);
                }
                _ => {}
            }
        }
        sync
    }

    fn download(&mut self) {
        self.download_of(ROOM);
    }

    fn download_of(&mut self, room: RoomId) {
        self.engine.download(room);
        self.pump();
    }

    /// The ranges asked for and not answered yet.
    fn asked(&self) -> Vec<(u64, u64)> {
        self.blocks.iter().map(|(_, from, to)| (*from, *to)).collect()
    }

    fn say(&mut self, block: usize, item: &ReadLogItem) {
        let item = item.encode_to_vec().into();
        self.engine.handle_bulk(self.blocks[block].0, Bulk::Item(item), NOW);
        self.pump();
    }

    fn end(&mut self, block: usize) {
        let (id, ..) = self.blocks.remove(block);
        self.engine.handle_bulk(id, Bulk::End, NOW);
        self.pump();
    }

    /// Answers a block in items of 500.
    fn answer(&mut self, block: usize) {
        let (_, from, to) = self.blocks[block];
        for first in (from..=to).step_by(500) {
            self.say(block, &events(first, to.min(first + 499)));
        }
        self.end(block);
    }

    fn log(&self) -> LogRange {
        self.engine.rooms().get(ROOM).unwrap().log
    }

    /// The numbers in the cache, which is checked to have no holes and no overlaps.
    fn kept(&mut self) -> Vec<u64> {
        let mut runs = self.cache.runs(ROOM, u64::MAX, usize::MAX).unwrap();
        runs.reverse();
        for pair in runs.windows(2) {
            assert_eq!(pair[0].to + 1, pair[1].from);
        }
        runs.iter().flat_map(|run| &run.events).map(LogEvent::seq).collect()
    }

    fn is_downloaded(&self) -> bool {
        self.notices.contains(&Notice::Downloaded(ROOM, Ok(1)))
    }
}

fn described(room: RoomId) -> Room {
    Room { id: room.to_field(), kind: 2, ..Room::default() }
}

fn events(from: u64, to: u64) -> ReadLogItem {
    let event = |seq| Event::decode(testing::message(seq, "text").raw).unwrap();
    ReadLogItem { events: (from..=to).map(event).collect(), ..ReadLogItem::default() }
}

#[test]
fn blocks_are_read_from_the_newest_on_with_the_next_begun_already() {
    let mut client = Client::at_head(25_000);
    client.download();
    assert_eq!(client.asked(), [(15_001, 25_000), (5_001, 15_000)]);
    client.answer(0);
    assert_eq!(client.log().from, 15_001);
    assert_eq!(client.asked(), [(5_001, 15_000), (1, 5_000)]);
    client.answer(0);
    client.answer(0);
    assert!(client.is_downloaded() && client.asked().is_empty());
    assert_eq!(client.log(), LogRange { from: 1, to: 25_000 });
    assert_eq!(client.kept(), (1..=25_000).collect::<Vec<_>>());
}

#[test]
fn a_block_that_ends_before_a_newer_one_counts_once_that_is_there() {
    let mut client = Client::at_head(25_000);
    client.download();
    client.answer(1);
    assert_eq!(client.log().from, 25_001, "there is a gap yet");
    assert_eq!(client.asked(), [(15_001, 25_000), (1, 5_000)]);
    client.answer(0);
    assert_eq!(client.log().from, 5_001);
    client.answer(0);
    assert!(client.is_downloaded());
    assert_eq!(client.kept(), (1..=25_000).collect::<Vec<_>>());
}

#[test]
fn a_download_goes_on_after_a_reconnect_where_it_was() {
    let mut client = Client::at_head(25_000);
    client.download();
    client.answer(0);
    client.say(0, &events(5_001, 5_500));
    client.engine.handle_disconnected();
    client.pump();
    client.blocks.clear();
    client.connect(25_000);
    assert_eq!(client.asked(), [(5_001, 15_000), (1, 5_000)]);
    client.answer(0);
    client.answer(0);
    assert!(client.is_downloaded());
    assert_eq!(client.kept(), (1..=25_000).collect::<Vec<_>>());
}

#[test]
fn a_draining_server_only_interrupts_a_download() {
    let mut client = Client::at_head(10);
    client.download();
    let (id, ..) = client.blocks.remove(0);
    let draining = Error::new(ErrorReason::Draining, "");
    client.engine.handle_bulk(id, Bulk::Failed(draining), NOW);
    client.pump();
    assert!(client.notices.iter().all(|notice| !matches!(notice, Notice::Downloaded(..))));
    client.connect(10);
    client.answer(0);
    assert!(client.is_downloaded());
}

#[test]
fn a_stopped_download_keeps_what_is_whole() {
    let mut client = Client::at_head(25_000);
    client.download();
    client.answer(0);
    let under_way: Vec<BulkId> = client.blocks.iter().map(|(id, ..)| *id).collect();
    client.engine.stop_download(ROOM);
    client.pump();
    assert_eq!(client.cancelled, under_way);
    assert!(client.asked().is_empty() && client.log().from == 15_001);
    client.download();
    assert_eq!(client.asked(), [(5_001, 15_000), (1, 5_000)]);
}

#[test]
fn numbers_without_an_event_leave_no_hole() {
    let mut client = Client::at_head(10);
    client.download();
    let gone = |from_seq, to_seq| vec![SeqRange { from_seq, to_seq }];
    client.say(0, &ReadLogItem { withheld: gone(1, 2), ..events(3, 4) });
    client.say(0, &ReadLogItem { damaged: gone(7, 8), ..events(6, 6) });
    client.end(0);
    assert!(client.is_downloaded());
    let kept = client.kept();
    assert_eq!(kept, [3, 4, 6]);
    let runs = client.cache.runs(ROOM, u64::MAX, usize::MAX).unwrap();
    assert_eq!((runs[runs.len() - 1].from, runs[0].to), (1, 10));
}

#[test]
fn events_out_of_order_or_out_of_range_cut_the_lane() {
    let beyond = SeqRange { from_seq: 4, to_seq: u64::MAX };
    let withheld = ReadLogItem { withheld: vec![beyond], ..ReadLogItem::default() };
    for bad in [events(4, 11), events(2, 2), events(SEQ_MAX, SEQ_MAX), withheld] {
        let mut client = Client::at_head(10);
        client.download();
        client.say(0, &events(1, 3));
        let id = client.blocks[0].0;
        client.say(0, &bad);
        assert_eq!(client.cancelled, [id]);
        assert_eq!(client.log().from, 11, "nothing counts of a block that isn't whole");
    }
}

#[test]
fn a_message_that_is_deleted_while_its_block_is_read_loses_its_body() {
    let mut client = Client::at_head(10);
    client.download();
    // The server read this before the delete; the lane is slower than the live event.
    let read_before = events(1, 10);
    client.engine.handle_live(Live::Room(ROOM, vec![testing::delete(11, 4)]), NOW);
    client.pump();
    client.say(0, &read_before);
    client.end(0);
    let runs = client.cache.runs(ROOM, 11, usize::MAX).unwrap();
    let deleted = runs.iter().flat_map(|run| &run.events).find(|event| event.seq() == 4).unwrap();
    assert!(deleted.is_erased() && deleted.body.is_empty());
}

#[test]
fn a_message_that_is_deleted_stays_so_when_its_block_doesnt_end() {
    let ends: [fn(&mut Client, BulkId); 3] = [
        |client, _| client.engine.handle_disconnected(),
        |client, id| client.engine.handle_bulk_cut(id, NOW),
        |client, _| client.engine.stop_download(ROOM),
    ];
    for end in ends {
        let mut client = Client::at_head(10);
        client.download();
        client.engine.handle_live(Live::Room(ROOM, vec![testing::delete(11, 4)]), NOW);
        let mut item = events(1, 5);
        item.events.push(Event::decode(testing::edit(6, 4, "secret").raw).unwrap());
        client.say(0, &item);
        let id = client.blocks[0].0;
        end(&mut client, id);
        client.pump();
        let runs = client.cache.runs(ROOM, 11, usize::MAX).unwrap();
        let kept: Vec<&LogEvent> = runs.iter().flat_map(|run| &run.events).collect();
        assert_eq!(kept.len(), 6);
        assert!(kept.iter().all(|event| event.is_erased() == [4, 6].contains(&event.seq())));
    }
}

#[test]
fn a_lost_room_leaves_its_lanes_to_others() {
    for by_answer in [false, true] {
        let mut client = Client::in_rooms(&[(ROOM, 25_000), (SECOND, 10)]);
        client.download();
        client.download_of(SECOND);
        assert_eq!(client.asked(), [(15_001, 25_000), (5_001, 15_000)], "it waits for a lane");
        let gone = Error::new(ErrorReason::RoomNotFound, "");
        if by_answer {
            let (id, ..) = client.blocks.remove(0);
            client.engine.handle_bulk(id, Bulk::Failed(gone.clone()), NOW);
            client.pump();
            let asked = client.described.pop().unwrap();
            client.engine.handle_reply(asked, Err(gone), NOW);
        } else {
            client.engine.lose_room(ROOM);
        }
        client.pump();
        assert_eq!(client.asked(), [(1, 10)]);
    }
}

#[test]
fn a_room_that_is_there_after_all_is_downloaded_on() {
    let mut client = Client::at_head(10);
    client.download();
    let (id, ..) = client.blocks.remove(0);
    let gone = Error::new(ErrorReason::RoomNotFound, "");
    client.engine.handle_bulk(id, Bulk::Failed(gone), NOW);
    client.pump();
    let answer = GetRoomResponse { room: Some(described(ROOM)), ..GetRoomResponse::default() };
    let asked = client.described.pop().unwrap();
    client.engine.handle_reply(asked, Ok(answer.encode_to_vec().into()), NOW);
    let elapsed = client.engine.poll_timeout().unwrap();
    client.engine.handle_timeout(Now { elapsed, ..NOW });
    client.pump();
    client.answer(0);
    assert!(client.is_downloaded());
}

#[test]
fn what_is_whole_already_needs_no_lane() {
    let mut client = Client::in_rooms(&[(ROOM, 10), (SECOND, 25_000)]);
    client.download();
    client.answer(0);
    client.notices.clear();
    client.download_of(SECOND);
    assert_eq!(client.asked().len(), 2, "there is no lane left");
    client.download();
    assert!(client.is_downloaded());
}

#[test]
fn a_room_that_starts_over_is_downloaded_from_its_new_end() {
    let mut client = Client::at_head(25_000);
    client.download();
    client.answer(1);
    client.engine.handle_disconnected();
    client.pump();
    client.blocks.clear();
    client.connect(40_000);
    let pulse = RoomPulse { room: ROOM.to_field(), seq: 40_000, ..RoomPulse::default() };
    client.engine.handle_live(Live::Pulse(pulse), NOW);
    client.pump();
    assert_eq!(client.asked(), [(30_001, 40_000), (20_001, 30_000)], "what was there is stale");
}

#[test]
fn unknown_fields_of_downloaded_events_survive() {
    let header = EventHeader { seq: 1, kind: 10, ..EventHeader::default() };
    let mut raw = compose(&header, b"body").to_vec();
    // Field 99, varint 5: an addition of a later version.
    raw.extend_from_slice(&[0x98, 0x06, 0x05]);
    let mut item = Vec::new();
    prost::encoding::bytes::encode(1, &raw, &mut item);
    let mut client = Client::at_head(1);
    client.download();
    client.engine.handle_bulk(client.blocks[0].0, Bulk::Item(item.into()), NOW);
    client.end(0);
    let runs = client.cache.runs(ROOM, u64::MAX, 9).unwrap();
    assert_eq!(runs[0].events[0].raw, raw);
}

#[test]
fn a_head_beyond_every_number_is_taken_for_the_last() {
    for head in [10, SEQ_MAX, u64::MAX] {
        let mut client = Client::at_head(head);
        let pulse = RoomPulse { room: ROOM.to_field(), seq: u64::MAX, ..RoomPulse::default() };
        client.engine.handle_live(Live::Pulse(pulse), NOW);
        client.engine.handle_live(Live::Room(ROOM, vec![testing::message(SEQ_MAX, "last")]), NOW);
        client.engine.open_timeline(ROOM);
        client.engine.load_older(ROOM, 10);
        client.pump();
        client.download();
        let summary = client.engine.rooms().get(ROOM).map(|record| record.head.seq);
        assert_eq!(summary, Some(SEQ_MAX));
    }
}

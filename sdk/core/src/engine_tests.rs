//! The engine against a server played by the test.

use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::Incarnation,
    marker::{MarkReadResponse, Marker},
    message::{SendRequest, SendResponse},
    room::{Room, RoomKind},
    sync::{
        Digests, ReadLogItem, ReadLogRequest, ReadTimelineItem, RoomDigest, SyncDone, SyncItem,
        SyncRequest, UserDelta, sync_item,
    },
    wire::{ErrorReason, Event, RoomPulse, Welcome},
};
use prost::Message;

use super::*;
use crate::{
    cache::{Cache, MemoryCache},
    lanes::{Bulk, Live},
    outbox::Payload,
    testing::{self, ME, OTHER, ROOM},
    timeline::post_body,
};

const NOW: Now = Now { unix_ms: 1_000_000, elapsed: Duration::from_secs(100) };

/// An engine with its cache, and the calls it made.
struct Client {
    engine: Engine,
    cache: MemoryCache,
    calls: Vec<(CallId, u32, Bytes)>,
    bulks: Vec<(BulkId, u32, Bytes)>,
    notices: Vec<Notice>,
}

impl Client {
    fn new() -> Self {
        Self::with(MemoryCache::default())
    }

    fn with(mut cache: MemoryCache) -> Self {
        let saved = cache.load().unwrap();
        let config = Config { focus: Focus::All };
        let engine = Engine::new(saved, DeviceId::from_bytes([9; 16]), config);
        let (calls, bulks, notices) = (Vec::new(), Vec::new(), Vec::new());
        Client { engine, cache, calls, bulks, notices }
    }

    /// Lets the engine do what it wants, with a cache that answers at once.
    fn pump(&mut self) {
        loop {
            if let Some((_, writes)) = self.engine.take_writes() {
                self.cache.commit(&writes).unwrap();
            }
            self.notices.extend(std::iter::from_fn(|| self.engine.poll_notice()));
            match self.engine.poll_action() {
                Some(Action::Call { id, method, body, .. }) => self.calls.push((id, method, body)),
                Some(Action::Bulk { id, method, body }) => self.bulks.push((id, method, body)),
                Some(Action::Load { id, room, before, limit }) => {
                    let runs = self.cache.runs(room, before, limit).unwrap();
                    self.engine.handle_loaded(id, runs);
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    fn connect_to(&mut self, incarnation: u8, user: UserId) {
        let welcome = Welcome {
            user: user.to_field(),
            incarnation: Incarnation::from_bytes([incarnation; 16]).to_field(),
            server_time_ms: NOW.unix_ms,
            ..Welcome::default()
        };
        self.engine.handle_welcome(&welcome, NOW).unwrap();
        self.pump();
    }

    /// Connects, and answers the sync with one room whose head is at `seq`.
    fn connect(&mut self, seq: u64) {
        self.connect_to(1, ME);
        let sync = self.bulk(rpc::Sync::METHOD.id);
        let user = UserDelta { reset: true, ..UserDelta::default() };
        let digest = RoomDigest { room: Some(room()), seq, msg_no: seq, ..RoomDigest::default() };
        let done = SyncDone { watermark_ms: 5, room_count: 1 };
        for item in [
            sync_item::Item::User(user),
            sync_item::Item::Digests(Digests { rooms: vec![digest] }),
            sync_item::Item::Done(done),
        ] {
            self.say(sync, &SyncItem { item: Some(item) });
        }
        self.end(sync);
    }

    fn bulk(&mut self, method: u32) -> BulkId {
        self.pump();
        let at = self.bulks.iter().position(|(_, m, _)| *m == method).expect("that was asked");
        self.bulks.remove(at).0
    }

    fn say(&mut self, id: BulkId, item: &impl Message) {
        self.engine.handle_bulk(id, Bulk::Item(item.encode_to_vec().into()), NOW);
    }

    fn end(&mut self, id: BulkId) {
        self.engine.handle_bulk(id, Bulk::End, NOW);
        self.pump();
    }

    fn live(&mut self, events: &[LogEvent]) {
        self.engine.handle_live(Live::Room(ROOM, events.to_vec()), NOW);
        self.pump();
    }

    fn open(&mut self) {
        self.engine.open_timeline(ROOM);
        self.pump();
    }

    fn texts(&self) -> Vec<String> {
        let items = self.engine.timeline(ROOM).unwrap().items();
        let text = |item: &Arc<Item>| match &**item {
            Item::Message(message) => message.text.clone(),
            Item::Notice(_) => String::new(),
        };
        items.iter().map(text).collect()
    }

    fn send(&mut self, n: u8) -> ClientRef {
        let payload = Payload::Post {
            body: post_body("mine", &[], None, None, &[]),
            mentions: vec![],
            mentions_everyone: false,
            reply_to: None,
            thread_root: None,
            attachments: vec![],
        };
        let client_ref = self.engine.send(ROOM, payload, [n; 10], NOW).unwrap();
        self.pump();
        client_ref
    }

    /// The sends that were called, and their refs.
    fn sends(&mut self) -> Vec<(CallId, Bytes)> {
        self.pump();
        let sends = self.calls.extract_if(.., |(_, method, _)| *method == rpc::Send::METHOD.id);
        sends.map(|(id, _, body)| (id, SendRequest::decode(body).unwrap().client_ref)).collect()
    }

    fn events(&mut self) -> Vec<u64> {
        let events = self.notices.extract_if(.., |notice| matches!(notice, Notice::Events(..)));
        let seqs = |notice| match notice {
            Notice::Events(_, events) => events.iter().map(LogEvent::seq).collect(),
            _ => Vec::new(),
        };
        events.flat_map(seqs).collect()
    }
}

#[path = "engine_anew_tests.rs"]
mod anew;
#[path = "engine_asking_tests.rs"]
mod asking;
#[path = "engine_expiry_tests.rs"]
mod expiry;
#[path = "engine_filling_tests.rs"]
mod filling;
#[path = "engine_first_sync_tests.rs"]
mod first_sync;
#[path = "engine_following_tests.rs"]
mod following;
#[path = "engine_marking_tests.rs"]
mod marking;
#[path = "engine_presence_tests.rs"]
mod presence;
#[path = "engine_sending_tests.rs"]
mod sending;
#[path = "engine_stretch_tests.rs"]
mod stretch;
#[path = "engine_threads_tests.rs"]
mod threads;

fn room() -> Room {
    let kind = RoomKind::Group as i32;
    Room { id: ROOM.to_field(), kind, name: "Lunch".into(), ..Room::default() }
}

fn raw(events: &[LogEvent]) -> Vec<Event> {
    events.iter().map(|event| Event::decode(event.raw.clone()).unwrap()).collect()
}

fn messages(from: u64, to: u64) -> Vec<LogEvent> {
    (from..=to).map(|seq| testing::message(seq, &format!("{seq}"))).collect()
}

fn sent(seq: u64) -> Result<Bytes, Error> {
    Ok(SendResponse { seq, at_ms: 7, deduplicated: false }.encode_to_vec().into())
}

#[test]
fn a_gap_is_read_from_the_log_and_events_stay_in_order() {
    let mut client = Client::new();
    client.connect(10);
    client.live(&messages(11, 12));
    client.live(&messages(15, 16));
    client.live(&messages(11, 11));
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    assert_eq!(client.events(), [11, 12]);
    let item =
        ReadLogItem { events: raw(&messages(13, 15)), as_of_seq: 16, ..ReadLogItem::default() };
    client.say(read, &item);
    client.end(read);
    assert_eq!(client.events(), [13, 14, 15, 16]);
    let runs = client.cache.runs(ROOM, u64::MAX, 100).unwrap();
    let kept: Vec<u64> = runs.iter().rev().flat_map(|r| &r.events).map(LogEvent::seq).collect();
    assert_eq!(kept, [11, 12, 13, 14, 15, 16]);
}

#[test]
fn after_a_change_of_network_rooms_are_read_beside_the_event_lane() {
    let mut client = Client::new();
    client.connect(10);
    client.live(&messages(11, 12));
    let page = |from, to| {
        let events = raw(&messages(from, to));
        ReadLogItem { events, as_of_seq: to, ..ReadLogItem::default() }
    };
    client.engine.handle_network_changed();
    let lost = client.bulk(rpc::ReadLog::METHOD.id);
    client.engine.handle_network_changed();
    client.pump();
    let asked = client.bulks.last().map(|(_, _, body)| body.clone()).unwrap();
    assert_eq!(ReadLogRequest::decode(asked).unwrap().from_seq, 13);
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    client.say(lost, &page(13, 13));
    assert_eq!(client.events(), [11, 12]);
    client.say(read, &page(13, 15));
    client.end(read);
    // What was on its way to the old address comes again.
    client.live(&messages(13, 16));
    assert_eq!(client.events(), [13, 14, 15, 16]);
}

#[test]
fn withheld_and_damaged_numbers_are_no_gap() {
    let mut client = Client::new();
    client.connect(10);
    client.live(&messages(14, 14));
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    let range = parlour_protocol::sync::SeqRange { from_seq: 11, to_seq: 12 };
    let item = ReadLogItem {
        events: raw(&messages(13, 13)),
        withheld: vec![range],
        as_of_seq: 14,
        ..ReadLogItem::default()
    };
    client.say(read, &item);
    client.end(read);
    assert_eq!(client.events(), [13, 14]);
    assert!(client.bulks.is_empty());
}

#[test]
fn a_cut_off_read_is_made_again() {
    let mut client = Client::new();
    client.connect(10);
    client.live(&messages(12, 12));
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    client.engine.handle_bulk_cut(read, NOW);
    let later = Now { elapsed: client.engine.poll_timeout().unwrap(), ..NOW };
    client.engine.handle_timeout(later);
    client.bulk(rpc::ReadLog::METHOD.id);
}

#[test]
fn an_open_room_far_behind_starts_over_from_its_end() {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    client.live(&messages(1, 3));
    assert_eq!(client.texts(), ["1", "2", "3"]);
    client.engine.handle_disconnected();
    client.bulks.clear();
    client.connect_to(1, ME);
    let pulse = RoomPulse { room: ROOM.to_field(), seq: 900, ..RoomPulse::default() };
    client.engine.handle_live(Live::Pulse(pulse), NOW);
    // Live events go on while the page is read.
    client.live(&messages(901, 902));
    let read = client.bulk(rpc::ReadTimeline::METHOD.id);
    let page = ReadTimelineItem {
        events: raw(&messages(899, 901)),
        as_of_seq: 901,
        ..ReadTimelineItem::default()
    };
    client.say(read, &page);
    client.end(read);
    assert_eq!(client.texts(), ["899", "900", "901", "902"]);
    let runs = client.cache.runs(ROOM, u64::MAX, 100).unwrap();
    assert!(runs.iter().any(|run| run.to == 3 && run.is_stale), "{runs:?}");
}

#[test]
fn another_incarnation_drops_the_cache_but_not_the_outbox() {
    let mut client = Client::new();
    client.connect(0);
    client.live(&messages(1, 3));
    let mine = client.send(1);
    let mut client = Client::with(client.cache);
    client.connect_to(2, ME);
    assert!(client.engine.rooms().is_empty());
    assert!(client.cache.runs(ROOM, u64::MAX, 9).unwrap().is_empty());
    let [(_, sent)] = &client.sends()[..] else { panic!("one send") };
    assert_eq!(*sent, mine.to_field(), "under the ref it was given once");
    let (_, _, request) = &client.bulks[0];
    assert_eq!(SyncRequest::decode(request.clone()).unwrap().watermark_ms, 0);
}

#[test]
fn another_user_sends_nothing_of_the_one_before() {
    let mut client = Client::new();
    client.connect(0);
    client.send(1);
    let mut client = Client::with(client.cache);
    client.connect_to(1, OTHER);
    assert!(client.sends().is_empty() && client.engine.outbox().is_empty());
    assert!(client.cache.load().unwrap().outbox.is_empty());
}

#[test]
fn another_user_is_shown_nothing_that_was_acknowledged_to_the_one_before() {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    client.send(1);
    let [(call, _)] = &client.sends()[..] else { panic!("one send") };
    client.engine.handle_reply(*call, sent(1), NOW);
    client.pump();
    assert_eq!(client.texts(), ["mine"]);
    client.connect_to(1, OTHER);
    assert!(client.texts().is_empty(), "{:?}", client.texts());
}

#[test]
fn calls_outlive_a_connection_and_a_draining_server() {
    let mut client = Client::new();
    client.connect(0);
    let call = client.engine.call(10, Bytes::from_static(b"x")).unwrap();
    client.pump();
    client.engine.handle_reply(call, Err(Error::new(ErrorReason::Draining, "")), NOW);
    client.calls.clear();
    client.connect_to(1, ME);
    assert!(client.calls.contains(&(call, 10, Bytes::from_static(b"x"))));
    client.engine.handle_reply(call, Ok(Bytes::new()), NOW);
    client.pump();
    assert!(client.notices.contains(&Notice::Reply(call, Ok(Bytes::new()))));
}

#[test]
fn a_client_that_starts_without_a_connection_shows_what_it_has() {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    client.live(&messages(1, 3));
    client.send(1);
    let mut client = Client::with(client.cache);
    client.open();
    assert_eq!(client.texts(), ["1", "2", "3", "mine"]);
    assert_eq!(client.engine.rooms().items().len(), 1);
    // What comes later continues where the cache ends.
    client.connect_to(1, ME);
    client.live(&messages(4, 4));
    assert_eq!(client.texts(), ["1", "2", "3", "4", "mine"]);
}

#[test]
fn a_lost_room_is_gone_with_what_waited_for_it() {
    let mut client = Client::new();
    client.connect(0);
    let mine = client.send(1);
    client.engine.lose_room(ROOM);
    client.pump();
    assert!(client.notices.contains(&Notice::Failed(mine, SendError::RoomLost)));
    assert!(client.notices.contains(&Notice::RoomLost(ROOM)));
    assert!(client.engine.outbox().is_empty());
}

#[test]
fn a_message_that_is_deleted_while_its_page_is_read_loses_its_body() {
    let mut client = with_more_before();
    let read = older(&mut client);
    let deleted = testing::delete(client.engine.rooms().get(ROOM).unwrap().log.to + 1, 9);
    client.live(&[deleted]);
    answer_older(&mut client, read);
    let runs = client.cache.runs(ROOM, u64::MAX, usize::MAX).unwrap();
    let event = runs.iter().flat_map(|run| &run.events).find(|event| event.seq() == 9).unwrap();
    assert!(event.is_erased() && event.body.is_empty());
}

/// Asks for a page before what is shown, and the lane on which it is read.
fn older(client: &mut Client) -> BulkId {
    client.engine.load_older(ROOM, 2);
    client.bulk(rpc::ReadTimeline::METHOD.id)
}

fn answer_older(client: &mut Client, read: BulkId) {
    let page =
        ReadTimelineItem { events: raw(&messages(9, 10)), as_of_seq: 40, ..Default::default() };
    client.say(read, &page);
    client.end(read);
}

/// A client that shows the events of a room from 11 on, with more before them at the server.
fn with_more_before() -> Client {
    let mut client = Client::new();
    client.connect(10);
    client.open();
    client.live(&messages(11, 40));
    // The page that fills an empty timeline.
    let read = client.bulk(rpc::ReadTimeline::METHOD.id);
    let page =
        ReadTimelineItem { events: raw(&messages(11, 40)), as_of_seq: 40, ..Default::default() };
    client.say(read, &page);
    client.end(read);
    client.pump();
    client.bulks.clear();
    client.notices.clear();
    client
}

#[test]
fn a_page_that_was_read_on_the_old_connection_is_read_on_the_new_one() {
    let mut client = with_more_before();
    older(&mut client);
    client.connect_to(1, ME);
    let read = client.bulk(rpc::ReadTimeline::METHOD.id);
    answer_older(&mut client, read);
    assert!(client.notices.contains(&Notice::Paged(ROOM.into(), Ok(()))), "{:?}", client.notices);
    assert_eq!(client.texts()[..3], ["9", "10", "11"]);
}

#[test]
fn a_page_that_was_cut_off_is_read_again() {
    let mut client = with_more_before();
    let read = older(&mut client);
    client.engine.handle_bulk_cut(read, NOW);
    let later = Now { elapsed: client.engine.poll_timeout().unwrap(), ..NOW };
    client.engine.handle_timeout(later);
    let read = client.bulk(rpc::ReadTimeline::METHOD.id);
    answer_older(&mut client, read);
    assert_eq!(client.texts()[..3], ["9", "10", "11"]);
}

#[test]
fn without_a_connection_on_its_way_a_page_doesnt_come() {
    let mut client = with_more_before();
    older(&mut client);
    client.engine.handle_disconnected();
    client.engine.stop_paging();
    client.pump();
    assert!(client.notices.contains(&Notice::Paged(ROOM.into(), Err(PageError::Interrupted))));
}

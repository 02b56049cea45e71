//! Stretches of a room's log of which only some events are wanted.

use parlour_protocol::wire::RoomPulse;

use super::*;

fn stretch(client: &mut Client, from: u64, to: u64, events: &[LogEvent]) {
    let head = RoomPulse { room: ROOM.to_field(), seq: to, msg_no: to, ..RoomPulse::default() };
    let live = Live::Stretch { room: ROOM, from, head, events: events.to_vec() };
    client.engine.handle_live(live, NOW);
    client.pump();
}

fn reads(client: &mut Client) -> usize {
    client.pump();
    let read = |(_, method, _): &&(_, u32, _)| {
        [rpc::ReadLog::METHOD.id, rpc::ReadTimeline::METHOD.id].contains(method)
    };
    client.bulks.iter().filter(read).count()
}

fn unread(client: &Client) -> u64 {
    client.engine.rooms().summary(ROOM).unwrap().unread
}

#[test]
fn what_was_left_out_is_no_gap_and_counts() {
    let mut client = Client::new();
    client.connect(10);
    let before = unread(&client);
    stretch(&mut client, 11, 13, &messages(12, 12));
    assert_eq!(client.events(), [12]);
    assert_eq!(unread(&client), before + 3);
    stretch(&mut client, 14, 15, &[]);
    assert_eq!(unread(&client), before + 5);
    // One that begins before what is known, as one that was under way does.
    stretch(&mut client, 15, 17, &messages(15, 16));
    stretch(&mut client, 11, 13, &messages(12, 12));
    assert_eq!(client.events(), [16]);
    assert_eq!(unread(&client), before + 7);
    assert_eq!(reads(&mut client), 0);
    // Whole ones go on as ever.
    stretch(&mut client, 18, 19, &messages(18, 19));
    client.live(&messages(20, 20));
    assert_eq!(client.events(), [18, 19, 20]);
    assert_eq!((unread(&client), reads(&mut client)), (before + 10, 0));
}

#[test]
fn a_stretch_behind_a_gap_is_read_with_what_is_missed() {
    let mut client = Client::new();
    client.connect(10);
    stretch(&mut client, 13, 15, &messages(14, 14));
    assert!(client.events().is_empty());
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    let events = raw(&messages(11, 15));
    client.say(read, &ReadLogItem { events, as_of_seq: 15, ..ReadLogItem::default() });
    client.end(read);
    assert_eq!(client.events(), [11, 12, 13, 14, 15]);
}

#[test]
fn behind_more_than_is_read_it_goes_on_from_there_and_loses_nothing_that_is_told() {
    let mut client = Client::new();
    client.connect(10);
    stretch(&mut client, 900, 902, &messages(901, 901));
    assert_eq!(client.events(), [901]);
    assert_eq!(reads(&mut client), 0);
    stretch(&mut client, 903, 904, &messages(904, 904));
    assert_eq!(client.events(), [904]);
}

#[test]
fn what_several_deletes_name_leaves_the_cache() {
    let mut client = Client::new();
    client.connect(10);
    client.live(&messages(11, 15));
    let deletes = [crate::testing::delete(17, 15), crate::testing::delete_all(18, &[11, 13])];
    stretch(&mut client, 16, 18, &deletes);
    let runs = client.cache.runs(ROOM, u64::MAX, 100).unwrap();
    let there = runs.iter().flat_map(|run| &run.events).filter(|event| !event.is_erased());
    let mut there: Vec<u64> = there.map(LogEvent::seq).filter(|seq| *seq <= 15).collect();
    there.sort_unstable();
    there.retain(|seq| *seq >= 11);
    assert_eq!(there, [12, 14]);
}

#[test]
fn the_cache_has_no_hole_that_looks_whole_and_an_open_timeline_is_read() {
    let mut client = Client::new();
    client.connect(10);
    client.live(&messages(11, 12));
    stretch(&mut client, 13, 15, &messages(14, 14));
    client.live(&messages(16, 17));
    let runs = client.cache.runs(ROOM, u64::MAX, 100).unwrap();
    let holds = |run: &crate::cache::Run| run.events.len() as u64 == run.to + 1 - run.from;
    assert!(runs.iter().filter(|run| !run.is_stale).all(holds), "{runs:?}");
    assert!(runs.iter().all(|run| run.is_stale || run.from >= 16), "{runs:?}");

    client.open();
    stretch(&mut client, 18, 20, &messages(19, 19));
    assert!(reads(&mut client) > 0, "somebody looks at it");
}

#[test]
fn places_that_no_log_has_are_none() {
    for (from, to) in [(u64::MAX, u64::MAX), (0, u64::MAX), (11, u64::MAX), (u64::MAX, 0), (12, 3)]
    {
        let mut client = Client::new();
        stretch(&mut client, from, to, &[]);
        client.connect(10);
        stretch(&mut client, from, to, &messages(11, 11));
        client.live(&messages(11, 12));
        assert!(client.events().len() <= 2);
    }
}

#[test]
fn a_timeline_opened_while_its_room_is_caught_up_shows_what_stands_before() {
    let mut client = Client::new();
    client.connect(2);
    let pulse = RoomPulse { room: ROOM.to_field(), seq: 3, msg_no: 3, ..RoomPulse::default() };
    client.engine.handle_live(Live::Pulse(pulse), NOW);
    let catch_up = client.bulk(rpc::ReadLog::METHOD.id);
    client.open();
    assert_eq!(reads(&mut client), 0, "one read of a room at a time");
    let item = ReadLogItem {
        events: vec![Event::decode(testing::message(3, "third").raw).unwrap()],
        as_of_seq: 3,
        ..ReadLogItem::default()
    };
    client.say(catch_up, &item);
    client.end(catch_up);
    let page = client.bulk(rpc::ReadTimeline::METHOD.id);
    let before = [testing::message(1, "first"), testing::message(2, "second")];
    let item = ReadTimelineItem {
        events: before.map(|event| Event::decode(event.raw).unwrap()).to_vec(),
        as_of_seq: 3,
        at_start: true,
        ..ReadTimelineItem::default()
    };
    client.say(page, &item);
    client.end(page);
    assert_eq!(client.texts(), ["first", "second", "third"]);
}

#[test]
fn what_a_page_is_the_first_to_tell_counts() {
    let mut client = Client::new();
    client.connect(10);
    let before = unread(&client);
    client.open();
    let page = client.bulk(rpc::ReadTimeline::METHOD.id);
    let events: Vec<LogEvent> = (1..=12).map(|seq| testing::message(seq, "told")).collect();
    let item = ReadTimelineItem {
        events: events.iter().map(|event| Event::decode(event.raw.clone()).unwrap()).collect(),
        as_of_seq: 12,
        at_start: true,
        ..ReadTimelineItem::default()
    };
    client.say(page, &item);
    client.end(page);
    assert_eq!(unread(&client), before + 2);
    client.live(&events[10..]);
    assert_eq!(unread(&client), before + 2, "live events that come late are the same ones");
}

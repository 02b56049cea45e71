//! Timelines that show little of what was read.

use super::*;
use crate::limits::FILLS_MAX;

/// Answers the page that is read with these events.
fn answer(client: &mut Client, events: &[LogEvent], at_start: bool) {
    answer_at(client, events, at_start, 500);
}

fn answer_at(client: &mut Client, events: &[LogEvent], at_start: bool, as_of_seq: u64) {
    let read = client.bulk(rpc::ReadTimeline::METHOD.id);
    let page = ReadTimelineItem { events: raw(events), as_of_seq, at_start, ..Default::default() };
    client.say(read, &page);
    client.end(read);
}

fn is_reading(client: &mut Client) -> bool {
    client.pump();
    client.bulks.iter().any(|(_, method, _)| *method == rpc::ReadTimeline::METHOD.id)
}

#[test]
fn a_room_whose_end_is_edits_is_read_on_until_a_page_is_shown() {
    let mut client = Client::new();
    client.connect(500);
    client.open();
    let edits: Vec<LogEvent> = (451..=500).map(|seq| testing::edit(seq, 1, "again")).collect();
    answer(&mut client, &edits, false);
    assert!(client.texts().is_empty());
    answer(&mut client, &messages(431, 450), false);
    assert_eq!(client.texts().len(), 20, "less than half a page");
    answer(&mut client, &messages(381, 430), false);
    assert_eq!(client.texts().len(), 70);
    assert!(!is_reading(&mut client));
}

#[test]
fn what_the_cache_has_is_read_on_as_well() {
    let mut client = Client::new();
    client.connect(10);
    client.open();
    answer_at(&mut client, &messages(1, 10), true, 10);
    client.live(&messages(11, 60));
    let edits: Vec<LogEvent> = (61..=180).map(|seq| testing::edit(seq, 1, "again")).collect();
    client.live(&edits);
    client.engine.close_timeline(ROOM);
    client.open();
    assert!(client.texts().len() >= 25, "two pages of edits, and one that has messages");
    assert!(!is_reading(&mut client));
}

#[test]
fn there_is_an_end_to_it() {
    let mut client = Client::new();
    client.connect(500);
    client.open();
    answer(&mut client, &messages(500, 500), false);
    for _ in 0..FILLS_MAX {
        answer(&mut client, &[], false);
    }
    assert!(!is_reading(&mut client), "a server that says there is more and has none");
}

#[test]
fn it_stops_at_the_start() {
    let mut client = Client::new();
    client.connect(500);
    client.open();
    answer(&mut client, &messages(499, 500), false);
    answer(&mut client, &messages(498, 498), true);
    assert_eq!(client.texts(), ["498", "499", "500"]);
    assert!(!is_reading(&mut client));
}

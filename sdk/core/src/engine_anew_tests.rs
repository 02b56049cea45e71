//! A cache that took no changes for too long, and is written anew.

use super::*;

/// A client that shows ten messages, has one to send, and whose cache then takes nothing more.
fn with_a_lost_cache() -> Client {
    let mut client = Client::new();
    client.connect(10);
    client.open();
    let page = client.bulk(rpc::ReadTimeline::METHOD.id);
    page_of(&mut client, page, 1, 10);
    client.send(1);
    let deleted = testing::delete(11, 3);
    client.engine.handle_live(Live::Room(ROOM, vec![deleted]), NOW);
    client.engine.take_writes().expect("these never arrive");
    client
}

fn page_of(client: &mut Client, page: BulkId, from: u64, to: u64) {
    let events = (from..=to).map(|seq| testing::message(seq, &format!("message {seq}")));
    let item = ReadTimelineItem {
        events: events.map(|event| Event::decode(event.raw).unwrap()).collect(),
        as_of_seq: to,
        at_start: from == 1,
        ..ReadTimelineItem::default()
    };
    client.say(page, &item);
    client.end(page);
}

#[test]
fn what_a_lost_cache_has_is_read_from_the_server_instead() {
    let mut client = with_a_lost_cache();
    client.engine.handle_cache_lost();
    client.engine.close_timeline(ROOM);
    client.open();
    let is_old = |text: &String| text.starts_with("message");
    assert!(!client.texts().iter().any(is_old), "{:?}", client.texts());
    client.bulk(rpc::ReadTimeline::METHOD.id);
}

#[test]
fn a_cache_that_is_written_anew_has_all_but_events() {
    let mut client = with_a_lost_cache();
    let (_, writes) = client.engine.write_anew();
    client.cache.commit(&writes).unwrap();
    let saved = client.cache.load().unwrap();
    assert_eq!(saved.meta.user, Some(ME));
    assert_eq!(
        saved.rooms.iter().map(|room| (room.id, room.head.seq)).collect::<Vec<_>>(),
        [(ROOM, 11)]
    );
    assert!(saved.rooms[0].log.is_empty());
    assert_eq!(saved.outbox.len(), 1);
    assert!(client.cache.runs(ROOM, u64::MAX, 100).unwrap().is_empty());
    // From here on it follows again.
    client.live(&[testing::message(12, "later")]);
    let runs = client.cache.runs(ROOM, u64::MAX, 100).unwrap();
    assert_eq!(runs.iter().map(|run| (run.from, run.to)).collect::<Vec<_>>(), [(12, 12)]);
}

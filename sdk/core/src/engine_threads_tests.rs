//! Counts of followed threads that a sync leaves out, since nothing has happened in their rooms.

use parlour_protocol::{
    generated::EventMessage,
    marker::Unread,
    thread::{FollowedThread, ListThreadsRequest, ListThreadsResponse, Thread, ThreadFollowed},
    wire::{Error, EventHeader},
};

use super::*;

const ROOT: u64 = 4;

/// A client that follows a thread, and a sync that told nothing of its room.
fn doubting() -> Client {
    let mut client = Client::new();
    client.connect(10);
    let header = EventHeader { seq: 1, kind: ThreadFollowed::RULE.kind, ..EventHeader::default() };
    let marker = Some(Marker { seq: 6, msg_no: 2, ..Marker::default() });
    let followed = ThreadFollowed { room: ROOM.to_field(), root_seq: ROOT, marker };
    let raw = parlour_protocol::event::compose(&header, &followed.encode_to_vec());
    let event = LogEvent::parse(raw).unwrap();
    client.engine.handle_live(Live::User(vec![event]), NOW);
    sync_of_nothing(&mut client, 10);
    client
}

/// Time passes until counts are asked for again, and the digests have nothing new.
fn sync_of_nothing(client: &mut Client, seconds: u64) {
    client.engine.handle_timeout(later(seconds));
    let sync = client.bulk(rpc::Sync::METHOD.id);
    let user = UserDelta { as_of_seq: 1, ..UserDelta::default() };
    client.say(sync, &SyncItem { item: Some(sync_item::Item::User(user)) });
    let done = SyncDone { watermark_ms: 5, room_count: 1 };
    client.say(sync, &SyncItem { item: Some(sync_item::Item::Done(done)) });
    client.end(sync);
}

fn later(seconds: u64) -> Now {
    Now { elapsed: NOW.elapsed + Duration::from_secs(seconds), ..NOW }
}

/// The one question for threads under way, and its page.
fn asked(client: &mut Client) -> Option<(CallId, Bytes)> {
    client.pump();
    let mut lists =
        client.calls.extract_if(.., |(_, method, _)| *method == rpc::ListThreads::METHOD.id);
    let (id, _, body) = lists.next()?;
    assert!(lists.next().is_none(), "one at a time");
    Some((id, ListThreadsRequest::decode(body).unwrap().page))
}

fn answer(client: &mut Client, id: CallId, threads: Vec<FollowedThread>, next_page: &'static [u8]) {
    let answer = ListThreadsResponse { threads, next_page: Bytes::from_static(next_page) };
    client.engine.handle_reply(id, Ok(answer.encode_to_vec().into()), NOW);
    client.pump();
}

/// The thread `root_seq` as of the room's event `changed_seq`.
fn thread(root_seq: u64, changed_seq: u64, messages: u64) -> FollowedThread {
    FollowedThread {
        room: ROOM.to_field(),
        thread: Some(Thread { root_seq, changed_seq, thread_no: 5, ..Thread::default() }),
        marker: Some(Marker { seq: 6, msg_no: 2, ..Marker::default() }),
        unread: Some(Unread { messages, ..Unread::default() }),
    }
}

fn unread(client: &Client) -> u64 {
    client.engine.rooms().summary(ROOM).map_or(0, |room| room.thread_unread)
}

#[test]
fn they_are_asked_for_page_by_page_until_they_are_known() {
    let mut client = doubting();
    let (id, page) = asked(&mut client).expect("they are asked for");
    assert!(page.is_empty());
    answer(&mut client, id, vec![thread(3, 9, 7)], b"two");
    assert_eq!(unread(&client), 0, "that is another thread");
    let (id, page) = asked(&mut client).expect("the next page is asked for");
    assert_eq!(&page[..], b"two");
    answer(&mut client, id, vec![thread(ROOT, 9, 3)], b"three");
    assert_eq!(unread(&client), 3);
    assert!(asked(&mut client).is_none(), "all that was in doubt is known");
    client.engine.handle_timeout(later(100));
    client.pump();
    assert!(client.bulks.is_empty(), "and stays so");
}

#[test]
fn what_the_server_puts_off_is_asked_again_and_what_it_refuses_with_the_next_sync() {
    let mut client = doubting();
    let (id, _) = asked(&mut client).expect("they are asked for");
    let error = Error::new(ErrorReason::RateLimited, "no");
    client.engine.handle_reply(id, Err(error), NOW);
    assert!(asked(&mut client).is_none(), "not at once");
    sync_of_nothing(&mut client, 20);
    let (id, _) = asked(&mut client).expect("they are asked for again");
    let error = Error::new(ErrorReason::ScopeMissing, "no");
    client.engine.handle_reply(id, Err(error), NOW);
    client.engine.handle_timeout(later(100));
    client.pump();
    assert!(client.bulks.is_empty() && asked(&mut client).is_none(), "it was refused");
}

#[test]
fn an_answer_from_before_the_last_reply_is_passed_over() {
    let mut client = doubting();
    let (id, _) = asked(&mut client).expect("they are asked for");
    client.live(&[testing::in_thread(testing::message(11, "news"), ROOT, 6)]);
    answer(&mut client, id, vec![thread(ROOT, 9, 3)], b"");
    sync_of_nothing(&mut client, 20);
    let (id, _) = asked(&mut client).expect("it is in doubt still");
    answer(&mut client, id, vec![thread(ROOT, 11, 4)], b"");
    assert_eq!(unread(&client), 4);
}

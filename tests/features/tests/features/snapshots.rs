//! A page of a room's newest events and what its log says after it come to what a later page says:
//! the server's own answers, put together by the client's core.

use bytes::Bytes;
use parlour_features::{
    raw::Client,
    server::Server,
    world::{client_ref, group, join, say, text},
};
use parlour_protocol::{
    generated::rpc::{Delete, Edit, Pin, React, ReadLog, ReadTimeline, Send, Unpin, Unreact},
    ids::{RoomId, UserId},
    message::{DeleteRequest, EditRequest, MessageEdited},
    pin::{PinRequest, UnpinRequest},
    reaction::{ReactRequest, UnreactRequest},
    sync::{ReadLogRequest, ReadTimelineRequest},
    wire::Event,
};
use parlour_sdk_core::{event::LogEvent, timeline::Timeline};
use prost::Message;

/// All of the room is on one page.
const PAGE: u32 = 500;

fn parsed(events: &[Event]) -> Vec<LogEvent> {
    let parse = |event: &Event| LogEvent::parse(event.encode_to_vec().into());
    events.iter().map(|event| parse(event).expect("the server sends events")).collect()
}

/// The room as a page shows it, and the number it is of.
async fn snapshot(client: &Client, room: &Bytes) -> (Timeline, u64) {
    let request = ReadTimelineRequest { room: room.clone(), before_seq: 0, limit: PAGE };
    let items = client.bulk::<ReadTimeline>(&request).await.expect("a member reads");
    let me = UserId::parse(&client.welcome().user).ok();
    let id = RoomId::parse(room).expect("the id of a room");
    let mut timeline = Timeline::new(id, me);
    let (mut events, mut amendments, mut as_of) = (vec![], vec![], 0);
    for item in items {
        events.extend(parsed(&item.events));
        amendments.extend(parsed(&item.amendments));
        timeline.handle_threads(&item.threads);
        as_of = item.as_of_seq.max(as_of);
    }
    events.sort_by_key(LogEvent::seq);
    amendments.sort_by_key(LogEvent::seq);
    timeline.handle_older(1, &events, &amendments, true);
    (timeline, as_of)
}

async fn log_from(client: &Client, room: &Bytes, from_seq: u64) -> Vec<LogEvent> {
    let request = ReadLogRequest { room: room.clone(), from_seq, ..ReadLogRequest::default() };
    let items = client.bulk::<ReadLog>(&request).await.expect("a member reads");
    items.iter().flat_map(|item| parsed(&item.events)).collect()
}

async fn edit(client: &Client, room: &Bytes, target_seq: u64, text: &str) {
    let body = MessageEdited { text: text.to_owned(), ..MessageEdited::default() }.encode_to_vec();
    let (room, client_ref) = (room.clone(), client_ref());
    let request = EditRequest { room, client_ref, target_seq, body: body.into() };
    client.call::<Edit>(&request).await.expect("one's own message");
}

async fn delete(client: &Client, room: &Bytes, target_seq: u64) {
    let (room, client_ref) = (room.clone(), client_ref());
    let request = DeleteRequest { room, client_ref, target_seq };
    client.call::<Delete>(&request).await.expect("one's own message");
}

async fn react(client: &Client, room: &Bytes, target_seq: u64, emoji: &str) {
    let (room, client_ref, emoji) = (room.clone(), client_ref(), emoji.to_owned());
    let request = ReactRequest { room, client_ref, target_seq, emoji };
    client.call::<React>(&request).await.expect("a message that is there");
}

async fn pin(client: &Client, room: &Bytes, target_seq: u64) {
    let (room, client_ref) = (room.clone(), client_ref());
    let request = PinRequest { room, client_ref, target_seq };
    client.call::<Pin>(&request).await.expect("a message that is there");
}

/// What was said and done before is amended, and more is said.
async fn talk(ada: &Client, bob: &Client, room: &Bytes, round: usize, said: &mut Vec<u64>) {
    for n in 0..6 {
        let sent = say(ada, room, &format!("{round}, {n}")).await.expect("a member sends");
        said.push(sent.seq);
    }
    let at = |n: usize| said[said.len() - n];
    edit(ada, room, at(2), "better").await;
    edit(ada, room, at(2), "best").await;
    delete(ada, room, at(3)).await;
    react(bob, room, at(2), "👍").await;
    react(ada, room, at(1), "👍").await;
    pin(bob, room, at(4)).await;
    let mut reply = text(room, "a reply");
    reply.reply_to_seq = at(4);
    bob.call::<Send>(&reply).await.expect("a message that is there");
    let mut reply = text(room, "in the thread");
    reply.thread_root_seq = at(5);
    bob.call::<Send>(&reply).await.expect("a message that is there");
    if said.len() < 12 {
        return;
    }
    // Of the round before, which the page at that time has otherwise.
    edit(ada, room, at(8), "late").await;
    delete(ada, room, at(7)).await;
    react(bob, room, at(8), "🎉").await;
    let mut reply = text(room, "late in the thread");
    reply.thread_root_seq = at(11);
    ada.call::<Send>(&reply).await.expect("a message that is there");
    let request = UnreactRequest {
        room: room.clone(),
        client_ref: client_ref(),
        target_seq: at(8),
        emoji: "👍".to_owned(),
    };
    bob.call::<Unreact>(&request).await.expect("a reaction that is there");
    let request = UnpinRequest { room: room.clone(), client_ref: client_ref(), target_seq: at(10) };
    bob.call::<Unpin>(&request).await.expect("a pin that is there");
}

#[tokio::test]
async fn a_page_and_the_log_after_it_are_the_later_page() {
    let server = Server::roomy();
    let bob = join(&server, "bob").await;
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &["bob"]).await;
    let (mut said, mut pages) = (vec![], vec![]);
    for round in 0..4 {
        talk(&ada, &bob, &room, round, &mut said).await;
        pages.push(snapshot(&bob, &room).await);
    }
    let (last, end) = pages.pop().expect("there were rounds");
    for (mut page, as_of) in pages {
        assert_ne!(page.items(), last.items(), "nothing happened after {as_of}");
        let after = log_from(&bob, &room, as_of + 1).await;
        assert_eq!(after.len() as u64, end - as_of, "the log after {as_of}");
        after.iter().for_each(|event| page.handle_live(std::slice::from_ref(event)));
        assert_eq!(page.items(), last.items(), "the page at {as_of} and the log after it");
    }
}

//! Sync: a whole account, then only what changed, and how large the first frame is.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_features::{
    raw::Client,
    server::Server,
    world::{client_ref, group, join, say},
};
use parlour_protocol::{
    generated::rpc::{CreateGroup, ReadLog, ReadTimeline, Sync},
    limits::TIMELINE_PAGE_MAX,
    room::CreateGroupRequest,
    sync::{
        ReadLogRequest, ReadTimelineRequest, RoomDigest, SyncDone, SyncItem, SyncRequest, sync_item,
    },
};
use prost::Message;

/// What a sync said.
#[derive(Default)]
struct Synced {
    digests: Vec<RoomDigest>,
    user_seq: u64,
    reset: bool,
    user_events: usize,
    bytes: usize,
    // Rooms before the log, and all that came up to them.
    first: Vec<RoomDigest>,
    screen: usize,
    done: Option<SyncDone>,
}

async fn sync(client: &Client, request: &SyncRequest) -> Synced {
    let mut synced = Synced::default();
    for item in client.bulk::<Sync>(request).await.expect("synced") {
        let bytes = item.encoded_len();
        take(&mut synced, item, bytes);
    }
    synced
}

fn take(synced: &mut Synced, item: SyncItem, bytes: usize) {
    assert!(synced.done.is_none(), "nothing comes after the end");
    synced.bytes += bytes;
    match item.item {
        Some(sync_item::Item::User(delta)) => {
            synced.user_events += delta.events.len();
            synced.user_seq = delta.as_of_seq;
            synced.reset |= delta.reset;
        }
        Some(sync_item::Item::Digests(digests)) => {
            synced.digests.extend(digests.rooms);
        }
        Some(sync_item::Item::FirstScreen(digests)) => {
            assert_eq!(synced.bytes, bytes, "nothing comes before it");
            synced.screen = bytes;
            synced.first = digests.rooms;
        }
        Some(sync_item::Item::Done(done)) => synced.done = Some(done),
        None => panic!("an item without content"),
    }
}

#[tokio::test]
async fn a_second_sync_says_only_what_changed() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let (quiet, busy) = (group(&ada, "quiet", &[]).await, group(&ada, "busy", &[]).await);
    let incarnation = ada.welcome().incarnation.clone();
    let anew = SyncRequest { incarnation, ..SyncRequest::default() };
    let mut first = sync(&ada, &anew).await;
    // The rooms reach ada's own log right after the answers, each in its own time.
    while first.digests.len() < 2 || first.user_events < 2 {
        first = sync(&ada, &anew).await;
    }
    let ids: BTreeSet<Bytes> = first.digests.iter().map(room_id).collect();
    assert_eq!(ids, BTreeSet::from([quiet, busy.clone()]));
    let done = first.done.expect("a sync has an end");
    assert_eq!(done.room_count, 2);
    assert_eq!(first.user_events, 2, "two rooms were gained");

    // Digests look back a little further than the watermark, for clocks that jump.
    let later = done.watermark_ms + 60_000;
    let request = SyncRequest {
        incarnation: ada.welcome().incarnation.clone(),
        user_seq: first.user_seq,
        watermark_ms: later,
        first: 0,
    };
    let second = sync(&ada, &request).await;
    assert_eq!((second.digests.len(), second.user_events), (0, 0));
    assert!(!second.reset);
    let recent = SyncRequest { watermark_ms: done.watermark_ms, ..request.clone() };
    say(&ada, &busy, "news").await.expect("sent");
    let third = sync(&ada, &recent).await;
    assert!(third.digests.iter().any(|digest| room_id(digest) == busy));
    assert_eq!(room_id(&third.digests[0]), busy, "the newest comes first");

    let foreign = SyncRequest { incarnation: Bytes::from_static(&[9; 16]), ..request };
    let whole = sync(&ada, &foreign).await;
    assert!(whole.reset, "another incarnation's cursors are worthless");
    assert_eq!(whole.digests.len(), 2);
}

fn room_id(digest: &RoomDigest) -> Bytes {
    digest.room.as_ref().expect("a digest has its room").id.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_frame_stays_small_with_five_thousand_rooms() {
    const ROOMS: usize = 5_000;
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    for chunk in 0..ROOMS / 200 {
        let mut pending = vec![];
        for n in 0..200 {
            let name = format!("room {:04} of a large company", chunk * 200 + n);
            let request = CreateGroupRequest { client_ref: client_ref(), name, members: vec![] };
            pending.push(ada.start::<CreateGroup>(&request).await.expect("connected"));
        }
        for pending in pending {
            pending.answer().await.expect("made");
        }
    }
    let incarnation = ada.welcome().incarnation.clone();
    let request = SyncRequest { incarnation, ..SyncRequest::default() };
    let mut synced = sync(&ada, &request).await;
    while synced.user_events < ROOMS {
        synced = sync(&ada, &request).await;
    }
    // A new device is told its log from the beginning, which takes many times that.
    let screen = ada.welcome().encoded_len() + synced.screen;
    println!("first screen with {ROOMS} rooms: {screen} of {} bytes", synced.bytes);
    assert!(screen < 10 * 1024, "{screen} bytes");
    let ids: BTreeSet<Bytes> = synced.digests.iter().map(room_id).collect();
    assert_eq!((ids.len(), synced.digests.len()), (ROOMS, ROOMS), "each room once");
    let shown: Vec<Bytes> = synced.first.iter().map(room_id).collect();
    let newest: Vec<Bytes> = synced.digests.iter().take(20).map(room_id).collect();
    assert_eq!(shown, newest, "what came before the log comes again behind it");
    // Who has been here before has rooms to show.
    let again = SyncRequest { watermark_ms: 1, user_seq: 1, ..request };
    assert!(sync(&ada, &again).await.first.is_empty());
}

#[tokio::test]
async fn history_is_read_forwards_and_backwards_without_gaps() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    for n in 0..120 {
        say(&ada, &room, &n.to_string()).await.expect("sent");
    }
    let log = ReadLogRequest { room: room.clone(), from_seq: 10, to_seq: 60, limit: 0 };
    let items = ada.bulk::<ReadLog>(&log).await.expect("read");
    let seqs: Vec<u64> = items.iter().flat_map(|item| &item.events).map(seq_of).collect();
    assert_eq!(seqs, (10..=60).collect::<Vec<u64>>());
    let mut before_seq = 0;
    let mut pages = vec![];
    loop {
        let page = ReadTimelineRequest { room: room.clone(), before_seq, limit: 50 };
        let items = ada.bulk::<ReadTimeline>(&page).await.expect("read");
        let page: Vec<u64> = items.iter().flat_map(|item| &item.events).map(seq_of).collect();
        assert!(page.len() <= TIMELINE_PAGE_MAX);
        before_seq = *page.first().expect("pages aren't empty before the start");
        pages.splice(0..0, page);
        if items.iter().any(|item| item.at_start) {
            break;
        }
    }
    assert_eq!(pages, (1..=121).collect::<Vec<u64>>());
}

fn seq_of(event: &parlour_protocol::wire::Event) -> u64 {
    event.header.as_ref().expect("every event has a header").seq
}

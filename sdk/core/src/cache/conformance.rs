//! One suite for every cache: what the port promises. Adapters call [`run`] from a test.

use bytes::Bytes;
use parlour_protocol::{
    event::compose,
    ids::{ClientRef, DeviceId, RoomId, UserId},
    wire::EventHeader,
};

use super::{Cache, LogRange, Meta, PackedRun, RoomRecord, Run, ThreadRecord, Write};
use crate::{
    event::{LogEvent, pack},
    outbox::{Entry, Payload},
    settings::{Level, RoomSettings, Settings},
};

const ROOM: RoomId = RoomId::from_bytes([1; 16]);
const OTHER: RoomId = RoomId::from_bytes([2; 16]);

/// Runs the suite. `open` gives an empty cache each time.
///
/// # Panics
/// When the cache breaks a promise of the port.
pub fn run<C: Cache>(mut open: impl FnMut() -> C) {
    new_caches_are_empty(&mut open());
    what_is_put_is_loaded(&mut open());
    users_are_kept_until_all_is_reset(&mut open());
    runs_come_newest_first(&mut open());
    a_run_replaces_what_it_overlaps(&mut open());
    a_packed_run_is_a_run(&mut open());
    erased_bodies_are_gone(&mut open());
    stale_runs_are_marked(&mut open());
    rooms_go_with_their_events(&mut open());
    a_reset_keeps_the_outbox(&mut open());
    large_bodies_survive(&mut open());
}

fn event(seq: u64, body: &[u8]) -> LogEvent {
    let header = EventHeader { seq, kind: 10, at_ms: seq, ..EventHeader::default() };
    LogEvent::parse(compose(&header, body)).expect("composed here")
}

fn events(from: u64, to: u64) -> Run {
    Run::new(ROOM, from, to, (from..=to).map(|seq| event(seq, b"body")).collect())
}

fn entry(order: u64) -> Entry {
    let payload = Payload::Post {
        body: Bytes::from_static(b"b"),
        mentions: vec![],
        mentions_everyone: true,
        reply_to: None,
        thread_root: None,
        attachments: vec![],
    };
    let mut id = [9; 16];
    id[0] = order as u8;
    Entry::new(order, ROOM, ClientRef::from_bytes(id), payload, order + 5, 1)
}

fn commit(cache: &mut impl Cache, writes: &[Write]) {
    cache.commit(writes).expect("the cache commits");
}

fn seqs(cache: &mut impl Cache, before: u64, limit: usize) -> Vec<u64> {
    let runs = cache.runs(ROOM, before, limit).expect("the cache reads");
    let mut seqs: Vec<u64> = runs
        .iter()
        .flat_map(|run| run.events.iter().map(LogEvent::seq))
        .filter(|seq| *seq < before)
        .collect();
    seqs.sort_unstable();
    seqs
}

fn new_caches_are_empty(cache: &mut impl Cache) {
    assert_eq!(cache.load().expect("the cache loads"), super::Saved::default());
    assert!(cache.runs(ROOM, u64::MAX, 10).expect("the cache reads").is_empty());
}

fn what_is_put_is_loaded(cache: &mut impl Cache) {
    let meta = Meta {
        device: Some(DeviceId::from_bytes([3; 16])),
        user: Some(UserId::from_bytes([4; 16])),
        incarnation: None,
        user_seq: 7,
        watermark_ms: 8,
        resume: Bytes::from_static(b"resume"),
        blocked: [UserId::from_bytes([8; 16])].into(),
        knows_blocked: true,
        settings: Settings { keywords: vec!["word".into()], ..Settings::default() },
        quiet_until_ms: 9,
    };
    let mut room = RoomRecord::unknown(ROOM);
    room.name = "Lunch".into();
    room.log = LogRange { from: 3, to: 9 };
    room.counts.marker.seq = 4;
    let (head, counts) = (room.head, room.counts.clone());
    room.threads.push(ThreadRecord { root_seq: 2, head, counts });
    room.settings = RoomSettings { level: Some(Level::Nothing), ..RoomSettings::default() };
    let writes = [
        Write::Meta(meta.clone()),
        Write::Room(Box::new(room.clone())),
        Write::Outbox(Box::new(entry(2))),
        Write::Outbox(Box::new(entry(1))),
        Write::Outbox(Box::new(entry(3))),
        Write::OutboxGone(entry(3).client_ref),
    ];
    commit(cache, &writes);
    let saved = cache.load().expect("the cache loads");
    assert_eq!(saved.meta, meta);
    assert_eq!(saved.rooms, [room]);
    assert_eq!(saved.outbox, [entry(1), entry(2)], "in order");
}

fn users_are_kept_until_all_is_reset(cache: &mut impl Cache) {
    let (ada, bob) = (UserId::from_bytes([5; 16]), UserId::from_bytes([6; 16]));
    let row = |text: &'static str| Bytes::from_static(text.as_bytes());
    commit(cache, &[Write::User(ada, row("Ada")), Write::User(bob, row("Bob"))]);
    commit(cache, &[Write::User(ada, row("Ada L."))]);
    let mut users = cache.load().expect("the cache loads").users;
    users.sort();
    assert_eq!(users, [(ada, row("Ada L.")), (bob, row("Bob"))]);
    commit(cache, &[Write::Reset]);
    assert!(cache.load().expect("the cache loads").users.is_empty());
}

fn runs_come_newest_first(cache: &mut impl Cache) {
    commit(cache, &[Write::Run(events(1, 3)), Write::Run(events(4, 6)), Write::Run(events(9, 9))]);
    let runs = cache.runs(ROOM, u64::MAX, 100).expect("the cache reads");
    assert_eq!(runs, [events(9, 9), events(4, 6), events(1, 3)]);
    assert_eq!(cache.runs(ROOM, 7, 2).expect("the cache reads"), [events(4, 6)]);
    assert_eq!(seqs(cache, 3, 100), [1, 2]);
    assert!(cache.runs(OTHER, u64::MAX, 100).expect("the cache reads").is_empty());
}

fn a_run_replaces_what_it_overlaps(cache: &mut impl Cache) {
    commit(cache, &[Write::Run(events(1, 10))]);
    let replacement = Run::new(ROOM, 4, 6, vec![event(5, b"new")]);
    commit(cache, &[Write::Run(replacement.clone())]);
    let runs = cache.runs(ROOM, u64::MAX, 100).expect("the cache reads");
    assert_eq!(runs, [events(7, 10), replacement, events(1, 3)]);
    commit(cache, &[Write::Run(events(1, 10))]);
    assert_eq!(cache.runs(ROOM, u64::MAX, 100).expect("the cache reads"), [events(1, 10)]);
}

fn a_packed_run_is_a_run(cache: &mut impl Cache) {
    let pack = |run: &Run| {
        let (room, from, to) = (run.room, run.from, run.to);
        Write::Packed(PackedRun { room, from, to, events: pack(&run.events) })
    };
    commit(cache, &[Write::Run(events(5, 12)), pack(&events(1, 6)), pack(&events(13, 13))]);
    let runs = cache.runs(ROOM, u64::MAX, 100).expect("the cache reads");
    assert_eq!(runs, [events(13, 13), events(7, 12), events(1, 6)]);
    commit(cache, &[Write::Erase(ROOM, vec![2])]);
    let runs = cache.runs(ROOM, 7, 1).expect("the cache reads");
    assert!(runs[0].events[1].is_erased() && runs[0].events[1].body.is_empty());
}

fn erased_bodies_are_gone(cache: &mut impl Cache) {
    let edit = EventHeader { seq: 4, kind: 11, target_seq: 2, ..EventHeader::default() };
    let edit = LogEvent::parse(compose(&edit, b"body")).expect("composed here");
    let edit = Write::Run(Run::new(ROOM, 4, 4, vec![edit]));
    commit(cache, &[Write::Run(events(1, 3)), edit, Write::Erase(ROOM, vec![2])]);
    let runs = cache.runs(ROOM, u64::MAX, 100).expect("the cache reads");
    assert!(runs[0].events[0].body.is_empty(), "edits go with their message");
    assert!(runs[1].events[1].is_erased() && runs[1].events[1].body.is_empty());
    assert_eq!(runs[1].events[2], event(3, b"body"));
}

fn stale_runs_are_marked(cache: &mut impl Cache) {
    commit(cache, &[Write::Run(events(1, 2)), Write::Stale(ROOM), Write::Run(events(8, 9))]);
    let runs = cache.runs(ROOM, u64::MAX, 100).expect("the cache reads");
    assert_eq!(runs.iter().map(|run| run.is_stale).collect::<Vec<_>>(), [false, true]);
}

fn rooms_go_with_their_events(cache: &mut impl Cache) {
    commit(
        cache,
        &[
            Write::Room(Box::new(RoomRecord::unknown(ROOM))),
            Write::Room(Box::new(RoomRecord::unknown(OTHER))),
            Write::Run(events(1, 2)),
            Write::RoomGone(ROOM),
        ],
    );
    assert_eq!(cache.load().expect("the cache loads").rooms, [RoomRecord::unknown(OTHER)]);
    assert!(seqs(cache, u64::MAX, 10).is_empty());
}

fn a_reset_keeps_the_outbox(cache: &mut impl Cache) {
    let meta = Meta { user_seq: 3, ..Meta::default() };
    commit(
        cache,
        &[
            Write::Meta(meta.clone()),
            Write::Room(Box::new(RoomRecord::unknown(ROOM))),
            Write::Run(events(1, 2)),
            Write::Outbox(Box::new(entry(1))),
            Write::Reset,
        ],
    );
    let saved = cache.load().expect("the cache loads");
    assert_eq!((saved.meta, saved.rooms.len(), saved.outbox.len()), (meta, 0, 1));
    assert!(seqs(cache, u64::MAX, 10).is_empty());
    commit(cache, &[Write::ResetOutbox]);
    assert!(cache.load().expect("the cache loads").outbox.is_empty());
}

fn large_bodies_survive(cache: &mut impl Cache) {
    let large = Run::new(ROOM, 1, 1, vec![event(1, &vec![7; 60 * 1024])]);
    commit(cache, &[Write::Run(large.clone())]);
    assert_eq!(cache.runs(ROOM, 2, 1).expect("the cache reads"), [large]);
}

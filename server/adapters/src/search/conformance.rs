//! What every index behind the `Search` port has to do, as one suite that each of them runs. A failure
//! panics with what was expected, so call it from tests only.

use std::sync::Arc;

use parlour_core::{
    ports::search::{Change, Entry, Order, Place, Query, Search, SearchError},
    search::{
        asked::{Asked, clauses},
        words::has_link,
    },
};
use parlour_protocol::ids::{Incarnation, RoomId, UserId};

/// The store whose index it is.
pub const STORE: Incarnation = Incarnation::from_bytes([1; 16]);

/// Runs everything; `make` returns a new, empty index each time, not yet opened.
pub async fn run<S: Search>(make: impl Fn() -> Arc<S>) {
    words_are_found_where_they_are(&*opened(make()).await).await;
    only_the_rooms_asked_for_are_searched(&*opened(make()).await).await;
    filters_narrow_it_down(&*opened(make()).await).await;
    other_scripts_are_found(&*opened(make()).await).await;
    edits_replace_and_deletes_remove(&*opened(make()).await).await;
    pages_follow_each_other(&*opened(make()).await).await;
    what_is_rarer_stands_first(&*opened(make()).await).await;
    nothing_is_found_before_it_is_committed(make()).await;
    marks_say_how_far_it_has_come(make()).await;
}

async fn opened<S: Search>(index: Arc<S>) -> Arc<S> {
    let marks = index.open(STORE).await.expect("it opens");
    assert_eq!(marks, [], "a new one is empty");
    index
}

/// A room by a small number.
pub fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

/// A user by a small number.
pub fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// A message of user 1, sent at its number times a thousand.
pub fn said(in_room: u8, seq: u64, text: &str) -> Entry {
    Entry {
        room: room(in_room),
        seq,
        upto: seq,
        at_ms: seq * 1000,
        sender: user(1),
        thread_root: 0,
        has_link: has_link(text),
        has_file: false,
        text: text.into(),
    }
}

/// Takes them in and commits them.
pub async fn put(index: &dyn Search, changes: Vec<Change>) {
    index.apply(changes).await.expect("it takes changes");
    index.commit().await.expect("it commits");
}

/// Adds messages and commits them.
pub async fn add(index: &dyn Search, entries: impl IntoIterator<Item = Entry>) {
    put(index, entries.into_iter().map(Change::Add).collect()).await;
}

/// A search for words in rooms.
pub fn looking_for(text: &str, rooms: &[u8]) -> Query {
    let clauses = clauses(text, &[], false).expect("it has words");
    query(rooms, Asked { clauses, ..Asked::default() })
}

fn query(rooms: &[u8], asked: Asked) -> Query {
    Query {
        rooms: rooms.iter().map(|n| room(*n)).collect(),
        asked: Arc::new(asked),
        order: Order::Newest,
        limit: 100,
        after: None,
    }
}

/// The numbers of the messages found, the first one first.
pub async fn found(index: &dyn Search, query: Query) -> Vec<u64> {
    let places = index.find(query).await.expect("it answers");
    places.into_iter().map(|place| place.seq).collect()
}

async fn words_are_found_where_they_are(index: &dyn Search) {
    let texts = ["Lunch at noon?", "No LUNCH today", "launch", "déjeuner à midi", ""];
    add(index, (1..).zip(texts).map(|(seq, text)| said(1, seq, text))).await;
    let cases: &[(&str, &[u64])] = &[
        ("lunch", &[2, 1]),
        ("LUNCH noon", &[1]),
        ("noon lunch", &[1]),
        ("lunches", &[]),
        ("dejeuner", &[4]),
        ("midi déjeuner", &[4]),
        ("lunch launch", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(index, looking_for(text, &[1])).await, *expected, "{text}");
    }
    let ask = |text: &str, phrases: &[&str], goes_on: bool| {
        let phrases: Vec<String> = phrases.iter().map(|one| (*one).to_owned()).collect();
        let clauses = clauses(text, &phrases, goes_on).expect("it has words");
        query(&[1], Asked { clauses, ..Asked::default() })
    };
    assert_eq!(found(index, ask("", &["lunch at"], false)).await, [1]);
    assert_eq!(found(index, ask("", &["at lunch"], false)).await, [0; 0]);
    assert_eq!(found(index, ask("today", &["no lunch"], false)).await, [2]);
    assert_eq!(found(index, ask("l", &[], true)).await, [3, 2, 1]);
    assert_eq!(found(index, ask("lunch no", &[], true)).await, [2, 1]);
    assert_eq!(found(index, ask("no-lun", &[], true)).await, [2]);
}

async fn only_the_rooms_asked_for_are_searched(index: &dyn Search) {
    let everywhere = (1..=60).map(|n| said(n, u64::from(n), "secret plan"));
    add(index, everywhere).await;
    assert_eq!(found(index, looking_for("plan", &[])).await, [0; 0]);
    assert_eq!(found(index, looking_for("plan", &[7])).await, [7]);
    assert_eq!(found(index, looking_for("plan", &[3, 9, 99])).await, [9, 3]);
    // So many that it may go about it in another way.
    let most: Vec<u8> = (1..=50).collect();
    let expected: Vec<u64> = (1..=50).rev().collect();
    assert_eq!(found(index, looking_for("plan", &most)).await, expected);
    let others: Vec<u8> = (100..=200).collect();
    assert_eq!(found(index, looking_for("plan", &others)).await, [0; 0]);
}

async fn filters_narrow_it_down(index: &dyn Search) {
    let mut entries: Vec<Entry> = (1..=6).map(|seq| said(1, seq, "a word")).collect();
    entries[1].sender = user(2);
    entries[2].sender = user(3);
    entries[3].thread_root = 2;
    entries[4].thread_root = 3;
    (entries[5].has_file, entries[5].text) = (true, "a word at https://example.org".into());
    entries[5].has_link = true;
    let mut elsewhere = said(2, 9, "another word");
    elsewhere.thread_root = 2;
    add(index, entries.into_iter().chain([elsewhere])).await;
    let clauses = clauses("word", &[], false).expect("it has words");
    let base = Asked { clauses, ..Asked::default() };
    let cases: Vec<(Asked, &[u64])> = vec![
        (Asked { senders: vec![user(2)], ..base.clone() }, &[2]),
        (Asked { senders: vec![user(3), user(2)], ..base.clone() }, &[3, 2]),
        (Asked { senders: vec![user(9)], ..base.clone() }, &[]),
        (Asked { after_ms: 5000, ..base.clone() }, &[6, 5]),
        (Asked { before_ms: Some(2000), ..base.clone() }, &[1]),
        (Asked { after_ms: 2000, before_ms: Some(4000), ..base.clone() }, &[3, 2]),
        (Asked { has_link: true, ..base.clone() }, &[6]),
        (Asked { has_file: true, ..base.clone() }, &[6]),
        (Asked { thread_root: Some(2), ..base.clone() }, &[4, 2]),
        // Without any words, too.
        (Asked { senders: vec![user(2), user(3)], ..Asked::default() }, &[3, 2]),
        (Asked { has_link: true, ..Asked::default() }, &[6]),
    ];
    for (asked, expected) in cases {
        let what = format!("{:?}", asked.senders);
        assert_eq!(found(index, query(&[1], asked)).await, expected, "{what}");
    }
}

async fn other_scripts_are_found(index: &dyn Search) {
    let texts = [
        "昨日、黒猫が庭にいた",
        "東京タワーに行く",
        "우리 내일 만나요",
        "Встретимся у ёлки",
        "مرحبا بالعالم",
        "ไปกินข้าว",
        "🎉 done",
        "猫",
    ];
    add(index, (1..).zip(texts).map(|(seq, text)| said(1, seq, text))).await;
    let cases: &[(&str, &[u64])] = &[
        ("黒猫", &[1]),
        ("猫", &[8, 1]),
        ("猫が庭", &[1]),
        ("庭が猫", &[]),
        ("タワー", &[2]),
        ("京タ", &[2]),
        ("내일", &[3]),
        ("ЁЛКИ", &[4]),
        ("елки", &[4]),
        ("مرحبا", &[5]),
        ("ข้าว", &[6]),
        ("🎉", &[7]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(index, looking_for(text, &[1])).await, *expected, "{text}");
    }
}

async fn edits_replace_and_deletes_remove(index: &dyn Search) {
    add(index, [said(1, 1, "first draft"), said(1, 2, "second draft"), said(2, 1, "draft")]).await;
    let edited = Entry { upto: 3, ..said(1, 1, "final words") };
    put(index, vec![Change::Replace(edited)]).await;
    assert_eq!(found(index, looking_for("draft", &[1])).await, [2]);
    assert_eq!(found(index, looking_for("final", &[1])).await, [1]);
    put(index, vec![Change::Remove { room: room(1), seq: 1 }]).await;
    assert_eq!(found(index, looking_for("final", &[1])).await, [0; 0]);
    assert_eq!(found(index, looking_for("draft", &[1, 2])).await, [2, 1], "nobody else's");
    // All of it at once, in order.
    let changes = vec![
        Change::Add(said(1, 5, "one")),
        Change::Replace(Entry { upto: 6, ..said(1, 5, "two") }),
        Change::Replace(Entry { upto: 7, ..said(1, 5, "three") }),
        Change::Add(said(1, 8, "three")),
        Change::Remove { room: room(1), seq: 8 },
        Change::Remove { room: room(1), seq: 99 },
    ];
    put(index, changes).await;
    assert_eq!(found(index, looking_for("three", &[1])).await, [5]);
    assert_eq!(found(index, looking_for("two", &[1])).await, [0; 0]);
}

async fn pages_follow_each_other(index: &dyn Search) {
    // Of one time and in two rooms: the order is still one.
    let same = (1..=30).map(|n| Entry { at_ms: 5000, ..said(1 + (n % 2) as u8, n, "again") });
    add(index, same.chain((31..=60).map(|n| said(1, n, "again and again")))).await;
    for order in [Order::Newest, Order::Relevance] {
        let all = Query { order, ..looking_for("again", &[1, 2]) };
        let all: Vec<Place> = index.find(all).await.expect("it answers");
        assert_eq!(all.len(), 60);
        assert!(all.windows(2).all(|two| two[0] > two[1]), "in order, each once");
        let mut paged = Vec::new();
        loop {
            let after = paged.last().copied();
            let page = Query { order, limit: 7, after, ..looking_for("again", &[1, 2]) };
            let page = index.find(page).await.expect("it answers");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= 7);
            paged.extend(page);
        }
        assert_eq!(paged, all);
        assert_eq!(Place::from_bytes(&all[3].to_bytes()), Some(all[3]));
    }
}

async fn what_is_rarer_stands_first(index: &dyn Search) {
    let long = format!("needle {}", "hay ".repeat(50));
    add(index, [said(1, 1, "needle"), said(1, 2, &long), said(1, 3, "hay")]).await;
    let query = Query { order: Order::Relevance, ..looking_for("needle", &[1]) };
    assert_eq!(found(index, query).await, [1, 2]);
    assert_eq!(found(index, looking_for("needle", &[1])).await, [2, 1]);
}

async fn nothing_is_found_before_it_is_committed<S: Search>(index: Arc<S>) {
    let closed = index.find(looking_for("word", &[1])).await;
    assert_eq!(closed, Err(SearchError::Closed));
    index.open(STORE).await.expect("it opens");
    index.apply(vec![Change::Add(said(1, 1, "word"))]).await.expect("it takes changes");
    assert_eq!(found(&*index, looking_for("word", &[1])).await, [0; 0]);
    index.commit().await.expect("it commits");
    assert_eq!(found(&*index, looking_for("word", &[1])).await, [1]);
    index.apply(vec![Change::Add(said(1, 2, "word"))]).await.expect("it takes changes");
    // As after a crash.
    index.open(STORE).await.expect("it opens again");
    index.commit().await.expect("it commits");
    assert_eq!(found(&*index, looking_for("word", &[1])).await, [1]);
}

async fn marks_say_how_far_it_has_come<S: Search>(index: Arc<S>) {
    index.open(STORE).await.expect("it opens");
    let edited = Entry { upto: 8, ..said(2, 3, "edited") };
    let reached = |n: u8, seq| Change::Reached { room: room(n), seq };
    let mut changes = vec![Change::Add(said(1, 4, "word")), Change::Add(edited), reached(3, 300)];
    changes.push(reached(1, 2));
    put(&*index, changes).await;
    let marks = async |index: &S| {
        let mut marks = index.open(STORE).await.expect("it opens");
        marks.sort_unstable();
        marks
    };
    assert_eq!(marks(&index).await, [(room(1), 4), (room(2), 8), (room(3), 300)]);
    put(&*index, vec![reached(3, 600), Change::Remove { room: room(2), seq: 3 }]).await;
    assert_eq!(marks(&index).await, [(room(1), 4), (room(3), 600)]);
    // Another store's is of no use.
    let other = Incarnation::from_bytes([2; 16]);
    assert_eq!(index.open(other).await.expect("it opens"), []);
    assert_eq!(found(&*index, looking_for("word", &[1])).await, [0; 0]);
    add(&*index, [said(1, 1, "word")]).await;
    index.reset().await.expect("it is removed");
    assert_eq!(index.find(looking_for("word", &[1])).await, Err(SearchError::Closed));
    assert_eq!(index.open(other).await.expect("it opens"), []);
}

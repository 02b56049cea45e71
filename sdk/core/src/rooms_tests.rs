//! Order, diffs and typing.

use super::*;
use crate::testing::OTHER;

fn id(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

fn at(secs: u64) -> Now {
    Now { unix_ms: 0, elapsed: Duration::from_secs(secs) }
}

fn put(list: &mut RoomList, n: u8, at_ms: u64) {
    let record = list.entry(id(n));
    record.kind = RoomKind::Group as i32;
    record.head.at_ms = at_ms;
    list.touch(id(n));
}

fn order(list: &RoomList) -> Vec<RoomId> {
    list.items().iter().map(|item| item.id).collect()
}

#[test]
fn the_newest_room_is_first_and_diffs_lead_there() {
    let (mut list, mut seen) = (RoomList::default(), Vec::new());
    for (n, at_ms) in [(1, 10), (2, 30), (3, 20), (1, 40), (3, 25), (2, 30)] {
        put(&mut list, n, at_ms);
        list.take_diffs().into_iter().for_each(|diff| diff.apply(&mut seen));
        assert_eq!(seen, list.items());
    }
    assert_eq!(order(&list), [id(1), id(2), id(3)]);
    list.remove(id(2));
    assert_eq!(list.take_diffs(), [Diff::Remove { index: 1 }]);
    assert_eq!(RoomList::restore(list.iter().cloned().collect()).items(), list.items());
}

#[test]
fn a_room_that_isnt_described_yet_isnt_shown() {
    let mut list = RoomList::default();
    list.entry(id(1)).head.seq = 5;
    list.touch(id(1));
    assert!(list.items().is_empty() && list.len() == 1);
}

#[test]
fn typing_is_forgotten() {
    let mut list = RoomList::default();
    put(&mut list, 1, 10);
    list.handle_typing(id(1), OTHER, true, at(0));
    assert_eq!(list.summary(id(1)).unwrap().typing, [OTHER]);
    assert_eq!(list.poll_timeout(), Some(TYPING_FOR));
    list.handle_timeout(at(5));
    assert_eq!(list.summary(id(1)).unwrap().typing, [OTHER]);
    list.handle_timeout(at(6));
    assert!(list.summary(id(1)).unwrap().typing.is_empty());
    list.handle_typing(id(9), OTHER, true, at(0));
    assert_eq!(list.poll_timeout(), None, "rooms that aren't there have nobody typing");
}

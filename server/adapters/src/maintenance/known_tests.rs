//! Guesses at where more of a damaged store is.

use parlour_core::ports::store::Head;
use parlour_protocol::ids::RoomId;

use super::*;
use crate::kv::engine::Writes;

fn log(n: u8) -> LogKey {
    LogKey::Room(RoomId::from_bytes([n; 16]))
}

fn known(heads: &[(u8, u64)]) -> Known {
    let mut known = Known::default();
    for (n, seq) in heads {
        let head = StoredHead { head: Head { seq: *seq, state: Bytes::new() }, purged: 0 };
        let (key, mut writes) = (layout::head_key(log(*n)), Writes::new());
        layout::put(&mut writes, &key, &head.to_body());
        known.learn(&key, writes[&key].as_deref());
    }
    known
}

#[test]
fn regions_come_first_then_logs_then_records() {
    let known = known(&[(1, 100), (2, 7), (3, 9), (4, 1000)]);
    let everything = known.between(&[], &[layout::END]).unwrap();
    assert_eq!(
        everything[0],
        layout::ROW,
        "about half way through what regions and tables there are"
    );
    assert_eq!(known.between(&[], &[layout::RECORD]), Some(vec![layout::HEAD]));
    let (records, rows) = ([layout::RECORD], [layout::ROW]);
    assert_eq!(known.between(&records, &rows), Some(layout::record_key(log(3), 0)));
    let third = layout::record_key(log(3), 0);
    assert_eq!(known.between(&records, &third), Some(layout::record_key(log(2), 0)));
    let fourth = layout::record_key(log(4), 0);
    assert_eq!(known.between(&fourth, &rows), Some(layout::record_key(log(4), 500)));
    let (from, to) = (layout::record_key(log(1), 10), layout::record_key(log(1), 21));
    assert_eq!(known.between(&from, &to), Some(layout::record_key(log(1), 16)));
}

#[test]
fn nothing_is_guessed_where_nothing_is_known() {
    let known = known(&[(5, 3)]);
    let first = layout::record_key(log(1), 0);
    let second = layout::record_key(log(2), 0);
    assert_eq!(known.between(&first, &second), None);
    assert_eq!(Known::default().between(&first, &second), None);
}

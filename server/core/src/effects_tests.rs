//! The order of what follows.

use super::*;

fn job(room: u8, seq: u64) -> RoomJob {
    RoomJob { room: RoomId::from_bytes([room; 16]), seq, row: OutboxRow::default() }
}

#[test]
fn a_rooms_jobs_wait_for_each_other_and_for_nobody_else() {
    let order = InOrder::default();
    let room = job(1, 1).room;
    assert_eq!(order.push(job(1, 1)).unwrap().seq, 1);
    assert!(order.push(job(1, 2)).is_none());
    assert!(order.push(job(1, 3)).is_none());
    assert_eq!(order.push(job(2, 7)).unwrap().seq, 7);
    assert_eq!(order.next(room).unwrap().seq, 2);
    assert!(order.push(job(1, 4)).is_none());
    assert_eq!(order.next(room).unwrap().seq, 3);
    assert_eq!(order.next(room).unwrap().seq, 4);
    assert!(order.next(room).is_none());
    assert!(order.next(job(2, 7).room).is_none());
    assert!(order.rooms().is_empty());
    assert_eq!(order.push(job(1, 5)).unwrap().seq, 5);
}

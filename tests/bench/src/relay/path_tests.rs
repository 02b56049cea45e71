//! Tests of one direction of the path.

use super::*;

const SOME: &[u8] = &[0; 1_000];

#[test]
fn packets_arrive_in_order_after_the_delay() {
    let now = Instant::now();
    let nature = Nature { delay: Duration::from_millis(50), ..Nature::default() };
    let mut path = Path::new(1);
    assert!(path.send(&[1], &nature, now) && path.send(&[2], &nature, now));
    assert_eq!(path.arrived(now + Duration::from_millis(49)), None);
    let later = now + Duration::from_millis(50);
    assert_eq!(path.arrived(later), Some(vec![1]));
    assert_eq!(path.arrived(later), Some(vec![2]));
    assert_eq!(path.arrived(later), None);
}

#[test]
fn the_share_that_is_lost_is_the_one_asked_for() {
    let now = Instant::now();
    let nature = Nature { lost_permille: 50, ..Nature::default() };
    let mut path = Path::new(7);
    let lost = (0..100_000).filter(|_| !path.send(SOME, &nature, now)).count();
    assert!((4_700..5_300).contains(&lost), "{lost}");
}

#[test]
fn a_rate_spreads_packets_and_a_full_queue_drops() {
    let now = Instant::now();
    let nature = Nature { rate: 1_000_000, ..Nature::default() };
    let mut path = Path::new(7);
    let taken = (0..1_000).filter(|_| path.send(SOME, &nature, now)).count();
    assert!((200..=202).contains(&taken), "{taken}");
    assert_eq!(path.due(), Some(now + Duration::from_millis(1)));
}

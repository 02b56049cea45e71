//! Counting while others commit.

use super::*;

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const OTHER: OrgId = OrgId::from_bytes([2; 16]);

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn users(of: &[(u8, bool)]) -> Counts {
    Counts::Users(ORG, of.iter().map(|(n, is)| (user(*n), *is)).collect())
}

fn group(n: u8) -> Counts {
    Counts::Group(ORG, RoomId::from_bytes([n; 16]))
}

fn all(of: &[u8]) -> All {
    let users = of.iter().map(|n| user(*n)).collect();
    All::from_iter([(ORG, Had { users, ..Had::default() })])
}

fn had(ledger: &Ledger) -> Option<(usize, usize)> {
    ledger.read(ORG, |had| (had.users.len(), had.groups.len()))
}

#[test]
fn what_is_noted_twice_counts_once_and_an_end_counts() {
    let ledger = Ledger::default();
    ledger.note(users(&[(9, true)]));
    assert_eq!(had(&ledger), None, "nobody has counted");
    let (_counting, losses) = ledger.begin();
    ledger.end(all(&[1, 2]), losses);
    ledger.note(users(&[(2, true), (3, true), (1, false)]));
    ledger.note(users(&[(3, true), (1, false)]));
    ledger.note(group(1));
    ledger.note(group(1));
    ledger.note(Counts::Nothing);
    assert_eq!(had(&ledger), Some((2, 1)));
    assert_eq!(ledger.read(OTHER, |had| had.users.len()), Some(0));
}

#[test]
fn what_is_committed_while_somebody_counts_is_counted_whether_they_have_read_it_or_not() {
    let ledger = Ledger::default();
    let (_counting, losses) = ledger.begin();
    // User 2 was read before they came, 3 before they left; 1 and 4 after.
    ledger.note(users(&[(1, true), (2, true), (3, false), (4, false)]));
    ledger.note(group(1));
    ledger.end(all(&[1, 3, 5]), losses);
    assert_eq!(had(&ledger), Some((3, 1)));
}

#[test]
fn a_loss_is_counted_again_and_so_is_one_while_somebody_counts() {
    let ledger = Ledger::default();
    let (counting, losses) = ledger.begin();
    ledger.lose();
    ledger.end(all(&[1]), losses);
    assert_eq!(had(&ledger), None);
    drop(counting);
    let (counting, losses) = ledger.begin();
    ledger.end(all(&[1]), losses);
    assert_eq!(had(&ledger), Some((1, 0)));
    drop(counting);
    ledger.lose();
    assert!(!ledger.is_counted());
}

#[test]
fn who_stops_counting_leaves_nothing_behind() {
    let ledger = Ledger::default();
    let (counting, _) = ledger.begin();
    ledger.note(users(&[(1, true)]));
    ledger.note(group(1));
    drop(counting);
    let state = ledger.state();
    assert!(state.counting == 0 && state.users.is_empty() && state.groups.is_empty());
}

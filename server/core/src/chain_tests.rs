//! Which calls a refusal takes with it.

use super::*;

#[test]
fn what_is_behind_a_refused_call_is_broken_and_nothing_before_it() {
    let chains = Arc::default();
    let link = |number, place| Link::new(&chains, number, place).unwrap();
    let calls = [link(1, 1), link(1, 2), link(1, 3), link(2, 4)];
    let broken = || calls.iter().map(Link::is_broken).collect::<Vec<_>>();
    assert_eq!(broken(), [false; 4]);
    calls[1].break_chain();
    assert_eq!(broken(), [false, false, true, false]);
    // A later one of the same chain changes nothing.
    calls[2].break_chain();
    assert_eq!(broken(), [false, false, true, false]);
    // What has a lower number than a broken chain is over.
    calls[3].break_chain();
    assert_eq!(broken(), [true, true, true, false]);
    calls[0].break_chain();
    assert!(link(2, 5).is_broken());
    assert!(!link(3, 6).is_broken());
}

#[test]
fn a_call_on_its_own_is_in_no_chain() {
    assert!(Link::new(&Arc::default(), 0, 1).is_none());
}

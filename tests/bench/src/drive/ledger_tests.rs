//! Tests of the ledger.

use super::*;

#[test]
fn a_post_is_done_when_every_member_has_it() {
    let now = Instant::now();
    let mut ledger = Ledger::new(5, 2, false);
    assert_eq!(ledger.post(now), 5);
    ledger.deliver(5, now);
    assert_eq!((ledger.under_way(), ledger.missing()), (1, 1));
    ledger.deliver(5, now);
    assert_eq!((ledger.under_way(), ledger.missing(), ledger.delivered), (0, 0, 2));
}

#[test]
fn a_post_that_wants_an_ack_waits_for_it_in_either_order() {
    let now = Instant::now();
    let mut ledger = Ledger::new(0, 1, true);
    let (one, two) = (ledger.post(now), ledger.post(now));
    ledger.ack(one, now);
    ledger.deliver(two, now);
    assert_eq!(ledger.under_way(), 2);
    ledger.deliver(one, now);
    ledger.ack(two, now);
    assert_eq!((ledger.under_way(), ledger.missing()), (0, 0));
}

#[test]
fn doubled_deliveries_are_counted_and_stragglers_of_earlier_runs_are_not() {
    let now = Instant::now();
    let mut ledger = Ledger::new(7, 1, false);
    ledger.post(now);
    ledger.deliver(7, now);
    ledger.deliver(7, now);
    ledger.deliver(3, now);
    assert_eq!((ledger.delivered, ledger.surplus), (1, 1));
}

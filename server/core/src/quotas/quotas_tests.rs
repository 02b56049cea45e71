//! What is in force, and what a group of drafts may add.

use super::*;
use crate::records::UserRow;

const ORG: OrgId = OrgId::from_bytes([1; 16]);

fn set(quotas: &Quotas, row: Option<QuotaRow>) {
    let value = row.map(|row| row.encode_to_vec().into());
    quotas.note(&[Put { table: Table::QUOTAS, key: ORG.to_field(), value }]);
}

#[test]
fn what_is_set_for_an_organization_goes_over_what_is_usual() {
    let quotas = Quotas::default();
    assert_eq!(quotas.of(ORG), Quota::default());
    quotas.set_usual(Quota { users: 10, groups: 20, attachment_bytes: 30, devices: 40 });
    set(&quotas, Some(QuotaRow { users: Some(0), groups: Some(7), ..QuotaRow::default() }));
    let expected = Quota { users: 0, groups: 7, attachment_bytes: 30, devices: 40 };
    assert_eq!(quotas.of(ORG), expected);
    assert_eq!(quotas.of(OrgId::from_bytes([2; 16])).users, 10);
    set(&quotas, None);
    assert_eq!(quotas.of(ORG).groups, 20);
}

fn rows(users: &[(u8, bool)]) -> Draft {
    let put = |(n, is): &(u8, bool)| {
        let row = UserRow { deactivated: !is, ..UserRow::default() };
        let key = org_user(ORG, UserId::from_bytes([*n; 16]));
        Put { table: Table::USERS, key, value: Some(row.encode_to_vec().into()) }
    };
    let puts = users.iter().map(put).collect();
    Draft::Rows(Box::new(RowsDraft::new(Shard::Org(ORG), puts)))
}

/// Quotas of an organization that has these users.
fn counted(users: &[u8], quota: Quota) -> Quotas {
    let quotas = Quotas::default();
    quotas.set_usual(quota);
    let (counting, losses) = quotas.ledger.begin();
    quotas.ledger.end(Default::default(), losses);
    drop(counting);
    let users = users.iter().map(|n| (UserId::from_bytes([*n; 16]), true)).collect();
    quotas.ledger.note(Counts::Users(ORG, users));
    quotas
}

fn is_over(result: Result<(), Refused>) -> bool {
    match result {
        Ok(()) => false,
        Err(Refused::Decided(error)) => {
            assert_eq!(error.reason, ErrorReason::QuotaExceeded as i32);
            true
        }
        Err(refused) => panic!("{refused:?}"),
    }
}

#[test]
fn a_group_of_drafts_adds_no_more_than_there_may_be() {
    let quotas = counted(&[1, 2], Quota { users: 4, ..Quota::default() });
    let mut growing = Growing::default();
    let mut take = |users: &[(u8, bool)]| is_over(growing.take(&quotas, &rows(users)));
    assert!(!take(&[(1, true)]), "who is there already adds nothing");
    assert!(!take(&[(3, true), (3, true)]), "the same one twice is one");
    assert!(take(&[(4, true), (5, true)]), "both or none");
    assert!(!take(&[(4, true)]));
    assert!(take(&[(5, true)]));
    assert!(!take(&[(5, true), (1, false)]), "one comes for another");
    assert!(take(&[(1, true)]), "and can't come back");
    assert!(!take(&[(2, true), (9, false)]));
}

#[test]
fn what_is_over_its_quota_stays_and_gets_no_more() {
    let quotas = counted(&[1, 2, 3, 4, 5], Quota { users: 2, ..Quota::default() });
    let mut growing = Growing::default();
    let mut take = |users: &[(u8, bool)]| is_over(growing.take(&quotas, &rows(users)));
    assert!(!take(&[(1, true), (2, true)]), "they are there");
    assert!(take(&[(6, true)]));
    assert!(!take(&[(6, true), (1, false)]), "it is no more than before");
    assert!(!take(&[(2, false), (3, false)]));
    assert!(take(&[(7, true)]), "still three, of two");
}

#[test]
fn nothing_is_decided_before_somebody_has_counted_and_nothing_asked_without_a_quota() {
    let quotas = Quotas::default();
    let mut growing = Growing::default();
    assert!(growing.take(&quotas, &rows(&[(1, true)])).is_ok());
    quotas.set_usual(Quota { users: 100, ..Quota::default() });
    let refused = growing.take(&quotas, &rows(&[(1, true)]));
    assert_eq!(refused, Err(Refused::Stale));
    assert!(growing.take(&quotas, &rows(&[(1, false)])).is_ok());
}

#[test]
fn devices_come_and_go() {
    let quotas = Quotas::default();
    quotas.set_usual(Quota { devices: 2, ..Quota::default() });
    quotas.note_device(ORG, true);
    assert!(!quotas.is_full_of_devices(ORG));
    quotas.note_device(ORG, true);
    assert!(quotas.is_full_of_devices(ORG));
    quotas.note_device(ORG, false);
    quotas.note_device(ORG, false);
    quotas.note_device(ORG, false);
    assert_eq!((quotas.devices(ORG), quotas.is_full_of_devices(ORG)), (0, false));
}

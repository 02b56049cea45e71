//! What is taken, and who has uploaded how much.

use super::*;
use crate::ports::blobs::NoBlobs;

fn attachments(policy: BlobPolicy) -> Attachments {
    Attachments::new(Arc::new(NoBlobs), policy)
}

#[test]
fn media_types_are_taken_by_family_or_one_by_one() {
    let rules = |rules: &[&str]| BlobPolicy {
        media_types: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        ..BlobPolicy::default()
    };
    assert!(rules(&[]).takes("application/x-anything"));
    let policy = rules(&["image/*", "application/pdf"]);
    for taken in ["image/png", "IMAGE/JPEG", "application/pdf", "image/svg+xml; charset=utf-8"] {
        assert!(policy.takes(taken), "{taken}");
    }
    for refused in ["", "image", "imagex/png", "application/pdfx", "text/html"] {
        assert!(!policy.takes(refused), "{refused}");
    }
}

#[test]
fn a_users_day_ends() {
    let policy = BlobPolicy { user_bytes_per_day_max: 100, ..BlobPolicy::default() };
    let (all, user) = (attachments(policy), UserId::from_bytes([1; 16]));
    assert!(all.check_day(user, 100, 5 * DAY_MS).is_ok());
    all.charge(user, 60, 5 * DAY_MS);
    assert!(all.check_day(user, 40, 5 * DAY_MS + 1).is_ok());
    let refused = all.check_day(user, 41, 5 * DAY_MS + 1).expect_err("too much");
    assert_eq!(refused.reason, ErrorReason::QuotaExceeded as i32);
    assert!(all.check_day(user, 100, 6 * DAY_MS).is_ok(), "the next day begins anew");
    assert!(all.check_day(UserId::from_bytes([2; 16]), 100, 5 * DAY_MS).is_ok());
}

#[test]
fn what_is_counted_follows_what_comes_and_goes() {
    let (all, org) = (attachments(BlobPolicy::default()), OrgId::from_bytes([1; 16]));
    all.add_used(org, 5);
    assert_eq!(all.used(org), None, "nothing is added to what was never counted");
    all.set_used(org, 10);
    all.add_used(org, 5);
    all.add_used(org, -12);
    assert_eq!(all.used(org), Some(3));
}

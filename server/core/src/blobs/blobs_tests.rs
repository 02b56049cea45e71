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

fn owner(user: u8) -> Owner {
    Owner { org: OrgId::from_bytes([1; 16]), user: UserId::from_bytes([user; 16]) }
}

fn upload(n: u8) -> UploadId {
    UploadId::from_bytes([n; 16])
}

#[test]
fn a_users_day_ends() {
    let policy = BlobPolicy { user_bytes_per_day_max: 100, ..BlobPolicy::default() };
    let all = attachments(policy);
    let announce = |user, n, size, now_ms| all.announce(owner(user), upload(n), size, 0, now_ms);
    all.charge(owner(1).user, 60, 5 * DAY_MS);
    let refused = announce(1, 1, 41, 5 * DAY_MS + 1).expect_err("too much");
    assert_eq!(refused.reason, ErrorReason::QuotaExceeded as i32);
    assert!(announce(2, 1, 100, 5 * DAY_MS).is_ok());
    assert!(announce(1, 1, 40, 5 * DAY_MS + 1).is_ok());
    all.forget(owner(1), upload(1));
    assert!(announce(1, 1, 100, 6 * DAY_MS).is_ok(), "the next day begins anew");
}

#[test]
fn what_is_under_way_counts() {
    let policy = BlobPolicy {
        user_bytes_per_day_max: 100,
        organization_bytes_max: 250,
        ..BlobPolicy::default()
    };
    let all = attachments(policy);
    let announce = |user, n, size| all.announce(owner(user), upload(n), size, 50, DAY_MS);
    announce(1, 1, 60).expect("it fits");
    announce(1, 1, 60).expect("it goes on");
    assert!(announce(1, 2, 41).is_err(), "with the first it is too much");
    announce(2, 1, 100).expect("it fits");
    assert!(announce(3, 1, 41).is_err(), "the organization's bound");
    all.forget(owner(1), upload(1));
    announce(3, 1, 41).expect("there is room again");
    let late = all.announce(owner(4), upload(1), 90, 50, 3 * DAY_MS);
    assert!(late.is_ok(), "what nobody goes on with is forgotten");
}

#[test]
fn a_blob_counts_once() {
    let (all, org) = (attachments(BlobPolicy::default()), owner(1).org);
    all.set_used(org, 0);
    let key = BlobKey { org, hash: BlobHash::from_bytes([3; 32]) };
    all.add(key, 10);
    all.add(key, 10);
    assert_eq!(all.used(org), Some(10));
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

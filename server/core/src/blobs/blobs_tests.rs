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
    let policy = BlobPolicy { user_bytes_per_day_max: 100, ..BlobPolicy::default() };
    let all = attachments(policy);
    all.set_used(owner(1).org, &blobs(&[(9, 50)]));
    let announce = |user, n, size| all.announce(owner(user), upload(n), size, 250, DAY_MS);
    announce(1, 1, 60).expect("it fits");
    announce(1, 1, 60).expect("it goes on");
    assert!(announce(1, 2, 41).is_err(), "with the first it is too much");
    announce(2, 1, 100).expect("it fits");
    assert!(announce(3, 1, 41).is_err(), "the organization's bound");
    all.forget(owner(1), upload(1));
    announce(3, 1, 41).expect("there is room again");
    let late = all.announce(owner(4), upload(1), 90, 250, 3 * DAY_MS);
    assert!(late.is_ok(), "what nobody goes on with is forgotten");
}

fn blob(n: u8) -> BlobKey {
    BlobKey { org: owner(1).org, hash: BlobHash::from_bytes([n; 32]) }
}

fn blobs(of: &[(u8, u64)]) -> FxHashMap<BlobKey, u64> {
    of.iter().map(|(n, size)| (blob(*n), *size)).collect()
}

#[test]
fn a_blob_counts_once() {
    let (all, org) = (attachments(BlobPolicy::default()), owner(1).org);
    all.set_used(org, &blobs(&[]));
    all.keep(owner(1), upload(1), Some((blob(3), 10)));
    all.keep(owner(2), upload(1), Some((blob(3), 10)));
    all.keep(owner(2), upload(2), None);
    assert_eq!(all.used(org), Some(10));
}

#[test]
fn what_is_counted_follows_what_comes_and_goes() {
    let (all, org) = (attachments(BlobPolicy::default()), owner(1).org);
    assert_eq!(all.used(org), None);
    all.set_used(org, &blobs(&[(1, 10)]));
    all.keep(owner(1), upload(1), Some((blob(2), 5)));
    all.remove(blob(1), 10);
    all.remove(blob(1), 10);
    assert_eq!(all.used(org), Some(5));
    all.keep(owner(1), upload(2), Some((blob(1), 10)));
    assert_eq!(all.used(org), Some(15), "it is there again");
}

#[test]
fn what_comes_and_goes_while_somebody_counts_counts_once() {
    let (all, org) = (attachments(BlobPolicy::default()), owner(1).org);
    // Seen and not seen by whoever counts, of what came and of what went.
    all.keep(owner(1), upload(1), Some((blob(1), 1)));
    all.keep(owner(1), upload(2), Some((blob(2), 2)));
    all.remove(blob(3), 4);
    all.remove(blob(4), 8);
    all.set_used(org, &blobs(&[(1, 1), (3, 4), (5, 16)]));
    assert_eq!(all.used(org), Some(1 + 2 + 16));
}

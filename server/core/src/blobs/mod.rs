//! Attachments: what may be uploaded, who has a claim to what, what is still used.
//!
//! A blob's bytes are the port's ([`ports::blobs`](crate::ports::blobs)). Here are the rows about
//! them. Whoever has uploaded all of a blob's bytes, or was shown it in a room, has a *claim* for
//! seven days, and only a claim lets one send it: knowing a hash is no way to get at a file. A
//! message's attachments are rows that are written with it. A blob's *due* rows say when to look
//! whether it is still used: when a claim ends, and when a message with it is deleted.

mod download;
mod link;
pub mod rows;
mod sweep;
mod upload;

use std::{
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use parlour_protocol::{
    ids::{BlobHash, OrgId, UploadId, UserId},
    limits::UPLOAD_KEPT_FOR,
    wire::{Error, ErrorReason},
};
use rustc_hash::{FxHashMap, FxHashSet};

pub use download::Downloading;
pub use link::{Link, LinkedAttachment, LinkedUpload};
pub use sweep::Swept;
pub use upload::{Begun, Examined, Uploading};

use crate::{
    limits::BLOB_USERS_MAX,
    ports::blobs::{BlobError, BlobKey, Blobs},
};

/// Where attachments are fetched, over HTTP; a link's token follows.
pub const DOWNLOAD_PATH: &str = "/parlour/v1/blobs/";
/// Where files are uploaded, over HTTP; a link's token follows.
pub const UPLOAD_PATH: &str = "/parlour/v1/uploads/";

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// Who uploads or downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The organization.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
}

/// What may be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobPolicy {
    /// The largest file, in bytes; 0 for no uploads at all.
    pub size_max: u64,
    /// Media types that are taken, such as `image/*`; empty for all.
    pub media_types: Vec<String>,
    /// What one user uploads in a day, in bytes; 0 without a bound. Counted in memory: a restart
    /// begins anew.
    pub user_bytes_per_day_max: u64,
    /// Where HTTP is reached from outside, without a slash at the end; empty where that isn't known.
    pub url: String,
}

impl Default for BlobPolicy {
    fn default() -> Self {
        BlobPolicy {
            size_max: 100 << 20,
            media_types: vec![],
            user_bytes_per_day_max: 10 << 30,
            url: String::new(),
        }
    }
}

impl BlobPolicy {
    /// Whether files of that kind are taken.
    pub fn takes(&self, media_type: &str) -> bool {
        let kind = media_type.split(';').next().unwrap_or_default().trim();
        let is_it = |rule: &String| match rule.strip_suffix("/*") {
            Some(family) => {
                kind.split_once('/').is_some_and(|(given, _)| given.eq_ignore_ascii_case(family))
            }
            None => kind.eq_ignore_ascii_case(rule),
        };
        self.media_types.is_empty() || self.media_types.iter().any(is_it)
    }
}

/// What the node knows of attachments.
pub struct Attachments {
    pub(crate) store: Arc<dyn Blobs>,
    policy: RwLock<BlobPolicy>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    // Bytes kept per organization, once they were counted.
    used: FxHashMap<OrgId, u64>,
    // Bytes a user has uploaded on a day, by its number.
    today: FxHashMap<UserId, (u64, u64)>,
    // Blobs nobody uses, and since when that is known; they go unless somebody claims them.
    condemned: FxHashMap<BlobKey, Duration>,
    // Blobs that are being removed.
    going: FxHashSet<BlobKey>,
    // Uploads that have begun and not ended.
    announced: FxHashMap<(UserId, UploadId), Announced>,
    // Blobs that were counted of late, and their sizes; and those that went.
    fresh: FxHashMap<BlobKey, u64>,
    gone: FxHashSet<BlobKey>,
}

/// An upload that has begun.
struct Announced {
    org: OrgId,
    size: u64,
    at_ms: u64,
}

impl Attachments {
    pub(crate) fn new(store: Arc<dyn Blobs>, policy: BlobPolicy) -> Self {
        Attachments { store, policy: RwLock::new(policy), state: Mutex::default() }
    }

    /// What may be uploaded now.
    pub fn policy(&self) -> BlobPolicy {
        self.policy.read().expect("no panic while the lock is held").clone()
    }

    /// Other rules from now on.
    pub fn set_policy(&self, policy: BlobPolicy) {
        *self.policy.write().expect("no panic while the lock is held") = policy;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    /// Somebody uses it: it stays. `false` if it is going already.
    pub(crate) fn spare(&self, key: BlobKey) -> bool {
        let mut state = self.state();
        state.condemned.remove(&key);
        !state.going.contains(&key)
    }

    /// The organization's bytes, if they were counted.
    pub(crate) fn used(&self, org: OrgId) -> Option<u64> {
        self.state().used.get(&org).copied()
    }

    /// They were counted: these are there. What came or went meanwhile may have been seen or not.
    pub(crate) fn set_used(&self, org: OrgId, seen: &FxHashMap<BlobKey, u64>) {
        let mut state = self.state();
        let there = seen.iter().filter(|(key, _)| !state.gone.contains(key));
        let missed =
            state.fresh.iter().filter(|(key, _)| key.org == org && !seen.contains_key(key));
        let bytes = there.chain(missed).map(|(_, size)| size).sum();
        state.used.entry(org).or_insert(bytes);
    }

    /// A blob is gone.
    fn remove(&self, key: BlobKey, size: u64) {
        let mut state = self.state();
        state.going.remove(&key);
        state.fresh.remove(&key);
        if state.gone.len() >= BLOB_USERS_MAX {
            state.gone.clear();
        }
        if state.gone.insert(key)
            && let Some(used) = state.used.get_mut(&key.org)
        {
            *used = used.saturating_sub(size);
        }
    }

    /// Notes an upload that begins, with all that its user and organization have under way: refused if
    /// that would be too much.
    fn announce(
        &self,
        owner: Owner,
        upload: UploadId,
        size: u64,
        organization_bytes_max: u64,
        now_ms: u64,
    ) -> Result<(), Error> {
        let policy = self.policy();
        let mut state = self.state();
        let kept_ms = UPLOAD_KEPT_FOR.as_millis() as u64;
        state.announced.retain(|_, announced| announced.at_ms + kept_ms > now_ms);
        let others = state.announced.iter().filter(|(key, _)| **key != (owner.user, upload));
        let (mut of_user, mut of_org) = (0_u64, 0_u64);
        for ((user, _), announced) in others {
            of_user += if *user == owner.user { announced.size } else { 0 };
            of_org += if announced.org == owner.org { announced.size } else { 0 };
        }
        let today = state.today.get(&owner.user).copied();
        let today = today.filter(|(day, _)| *day == now_ms / DAY_MS).map_or(0, |(_, sum)| sum);
        let is_over = |sum: u64, most: u64| most > 0 && sum.saturating_add(size) > most;
        if is_over(today.saturating_add(of_user), policy.user_bytes_per_day_max) {
            return Err(quota_exceeded("the user has uploaded too much today"));
        }
        // As of now: another upload may have ended since somebody has counted.
        let used = state.used.get(&owner.org).copied().unwrap_or_default();
        if is_over(used.saturating_add(of_org), organization_bytes_max) {
            return Err(quota_exceeded("the organization's files are at their bound"));
        }
        let announced = Announced { org: owner.org, size, at_ms: now_ms };
        state.announced.insert((owner.user, upload), announced);
        Ok(())
    }

    /// An upload has ended, without a blob.
    fn forget(&self, owner: Owner, upload: UploadId) {
        self.state().announced.remove(&(owner.user, upload));
    }

    /// An upload has ended with a blob. One that is new counts from the same moment, and once, whoever else
    /// comes with it at the same time.
    fn keep(&self, owner: Owner, upload: UploadId, new: Option<(BlobKey, u64)>) {
        let mut state = self.state();
        state.announced.remove(&(owner.user, upload));
        let Some((key, size)) = new else { return };
        if state.fresh.len() >= BLOB_USERS_MAX {
            state.fresh.clear();
        }
        state.gone.remove(&key);
        if state.fresh.insert(key, size).is_none()
            && let Some(used) = state.used.get_mut(&key.org)
        {
            *used = used.saturating_add(size);
        }
    }

    /// Counts what a user has uploaded today.
    fn charge(&self, user: UserId, bytes: u64, now_ms: u64) {
        let day = now_ms / DAY_MS;
        let mut state = self.state();
        if state.today.len() >= BLOB_USERS_MAX {
            state.today.retain(|_, (of, _)| *of == day);
        }
        let (of, sum) = state.today.entry(user).or_default();
        if *of != day {
            (*of, *sum) = (day, 0);
        }
        *sum += bytes;
    }
}

fn quota_exceeded(why: &str) -> Error {
    Error::new(ErrorReason::QuotaExceeded, why)
}

/// The one answer for attachments that don't exist and those one may not see.
pub(crate) fn blob_not_found() -> Error {
    Error::new(ErrorReason::BlobNotFound, "no such attachment")
}

/// A blob error as callers see it.
pub fn blob_error(error: BlobError) -> Error {
    let reason = match error {
        BlobError::NotFound => return blob_not_found(),
        BlobError::Conflict => ErrorReason::RefConflict,
        BlobError::Size => ErrorReason::BlobMismatch,
        BlobError::TooMany => ErrorReason::TooManyUploads,
        BlobError::Infected => ErrorReason::BlobInfected,
        BlobError::ReadOnly => ErrorReason::ReadOnly,
        BlobError::Unavailable => ErrorReason::StoreUnavailable,
    };
    Error::new(reason, error.to_string())
}

/// A field that holds the SHA-256 of a blob.
pub(crate) fn hash_field(field: &str, bytes: &[u8]) -> Result<BlobHash, Error> {
    BlobHash::parse(bytes).map_err(|error| Error::invalid(field, error.to_string()))
}

#[cfg(test)]
#[path = "blobs_tests.rs"]
mod tests;

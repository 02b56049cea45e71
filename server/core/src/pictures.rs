//! Pictures that aren't attachments: avatars of users, seen by everyone in the organization as its emoji
//! are, and those of rooms.

use bytes::Bytes;
use parlour_protocol::{
    blob::Blob,
    ids::{BlobHash, OrgId, RoomId, UserId},
    limits::{AVATAR_BYTES_MAX, AVATAR_PIXELS_MAX},
    wire::Error,
};

use crate::{
    blobs::{
        blob_not_found, hash_field,
        rows::{blob_row, claim_row, due_put, use_prefix},
    },
    draft::store_error,
    kit::Ctx,
    ports::{
        blobs::BlobKey,
        store::{Put, Scan, Store, StoreError},
    },
    records::key,
    tables::Table,
};

/// What is taken as a picture.
const MEDIA_TYPES: [&str; 4] = ["image/png", "image/gif", "image/jpeg", "image/webp"];

/// What a picture of the organization is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    Avatar(UserId),
    Emoji(&'a str),
}

impl Purpose<'_> {
    /// org ‖ hash ‖ kind ‖ what, for `PICTURES`.
    fn row(self, blob: BlobKey) -> Bytes {
        let (org, hash) = (blob.org.as_bytes(), blob.hash.as_bytes());
        match self {
            Purpose::Avatar(user) => key(&[org, hash, &[1], user.as_bytes()]),
            Purpose::Emoji(name) => key(&[org, hash, &[2], name.as_bytes()]),
        }
    }
}

/// The row that lets everyone in the organization see it.
pub(crate) fn shown(org: OrgId, hash: BlobHash, purpose: Purpose<'_>) -> Put {
    let row = purpose.row(BlobKey { org, hash });
    Put { table: Table::PICTURES, key: row, value: Some(Bytes::new()) }
}

/// It isn't used for that any more, and looked at soon whether it is for anything.
pub(crate) fn hidden(
    org: OrgId,
    hash: BlobHash,
    purpose: Purpose<'_>,
    (by, now_ms): (UserId, u64),
) -> [Put; 2] {
    let blob = BlobKey { org, hash };
    let row = Put { table: Table::PICTURES, key: purpose.row(blob), value: None };
    [row, due_put(blob, now_ms, by)]
}

/// Whether it is one of the organization's.
pub(crate) async fn is_shown(store: &dyn Store, blob: BlobKey) -> Result<bool, StoreError> {
    let prefix = key(&[blob.org.as_bytes(), blob.hash.as_bytes()]);
    Ok(!store.scan(Scan::prefix(Table::PICTURES, prefix, 1)).await?.is_empty())
}

/// The rows of a room that has another picture.
pub(crate) fn room_puts(
    (org, room): (OrgId, RoomId),
    before: Option<BlobHash>,
    after: Option<BlobHash>,
    (by, now_ms): (UserId, u64),
) -> Vec<Put> {
    let row = |hash: BlobHash, value: Option<Bytes>| {
        // As if the room had a message with the number 0.
        let prefix = use_prefix(BlobKey { org, hash }, room);
        Put { table: Table::BLOB_USES, key: key(&[&prefix, &0_u64.to_be_bytes()]), value }
    };
    let mut puts = Vec::new();
    if let Some(hash) = before {
        puts.extend([row(hash, None), due_put(BlobKey { org, hash }, now_ms, by)]);
    }
    puts.extend(after.map(|hash| row(hash, Some(Bytes::new()))));
    puts
}

/// A picture that the caller may use: their own upload, and no larger than so many bytes and pixels.
pub(crate) async fn usable(
    ctx: &Ctx,
    field: &str,
    hash: &[u8],
    (bytes_max, pixels_max): (u64, u32),
) -> Result<(BlobHash, Blob), Error> {
    let hash = hash_field(field, hash)?;
    let key = BlobKey { org: ctx.caller.org, hash };
    let claim = claim_row(ctx.store(), ctx.user(), key).await.map_err(store_error)?;
    // Spared first: what is found here then stays until long after this call.
    let is_claimed =
        claim.is_some_and(|claim| claim.holds(ctx.now.unix_ms)) && ctx.node.attachments.spare(key);
    let blob = blob_row(ctx.store(), key).await.map_err(store_error)?;
    let blob = blob.filter(|_| is_claimed).ok_or_else(blob_not_found)?;
    if !MEDIA_TYPES.contains(&&*blob.media_type) || blob.width == 0 || blob.height == 0 {
        return Err(Error::invalid(field, "is no PNG, GIF, JPEG or WebP"));
    }
    if blob.size > bytes_max {
        return Err(Error::invalid(field, format!("is over {} KiB", bytes_max / 1024)));
    }
    if blob.width.max(blob.height) > pixels_max {
        return Err(Error::invalid(field, format!("is over {pixels_max} pixels wide or high")));
    }
    Ok((hash, blob))
}

/// An avatar as it is asked for; `None` for none.
pub(crate) async fn avatar(ctx: &Ctx, field: &str, hash: &[u8]) -> Result<Option<BlobHash>, Error> {
    match hash {
        [] => Ok(None),
        hash => Ok(Some(usable(ctx, field, hash, (AVATAR_BYTES_MAX, AVATAR_PIXELS_MAX)).await?.0)),
    }
}

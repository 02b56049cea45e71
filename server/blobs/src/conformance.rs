//! What every adapter of the blobs' port does, in the words of tests that each of them runs.

use bytes::Bytes;
use parlour_core::ports::blobs::{BlobError, BlobKey, Blobs, Upload, UploadKey, UploadPlan};
use parlour_protocol::{
    blob::{Blob, Variant},
    ids::{BlobHash, OrgId, UploadId, UserId},
    limits::UPLOADS_MAX,
};
use ring::digest::{SHA256, digest};

/// The key of an upload.
pub fn key(user: u8, upload: u8) -> UploadKey {
    UploadKey {
        org: OrgId::from_bytes([1; 16]),
        user: UserId::from_bytes([user; 16]),
        upload: UploadId::from_bytes([upload; 16]),
    }
}

/// Bytes that are no file of any kind.
pub fn bytes(len: usize) -> Bytes {
    (0..len).map(|i| (i * 31 % 251) as u8).collect::<Vec<u8>>().into()
}

/// An upload of that many bytes.
pub fn plan(size: usize) -> UploadPlan {
    UploadPlan { size: size as u64, media_type: "text/plain".into() }
}

fn refused<T>(result: Result<T, BlobError>) -> Option<BlobError> {
    result.err()
}

async fn upload(blobs: &dyn Blobs, at: UploadKey, content: &Bytes) -> Blob {
    let mut upload = blobs.upload(at, plan(content.len())).await.expect("begun");
    let from = usize::try_from(upload.offset()).expect("small");
    for piece in content.slice(from..).chunks(100_000) {
        upload.write(Bytes::copy_from_slice(piece)).await.expect("written");
    }
    let blob = upload.examine().await.expect("examined");
    upload.keep().await.expect("kept");
    blob
}

async fn read(blobs: &dyn Blobs, at: BlobKey, offset: u64) -> Result<Vec<u8>, BlobError> {
    let mut download = blobs.open(at, Variant::Unspecified, offset).await?;
    let mut all = Vec::new();
    loop {
        let piece = download.read().await?;
        if piece.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(&piece);
    }
}

fn blob_key(blob: &Blob) -> BlobKey {
    BlobKey { org: key(1, 1).org, hash: BlobHash::parse(&blob.hash).expect("a hash") }
}

/// Runs all of it over an adapter that is empty.
pub async fn run(blobs: &dyn Blobs) {
    what_is_uploaded_can_be_read(blobs).await;
    an_upload_goes_on_where_it_was(blobs).await;
    who_comes_again_takes_over(blobs).await;
    what_is_wrong_is_refused(blobs).await;
    what_is_removed_is_gone(blobs).await;
}

async fn what_is_uploaded_can_be_read(blobs: &dyn Blobs) {
    for (upload_no, len) in [(1, 1), (2, 4096), (3, 700_001)] {
        let content = bytes(len);
        let blob = upload(blobs, key(1, upload_no), &content).await;
        assert_eq!(blob.hash, digest(&SHA256, &content).as_ref());
        assert_eq!(blob.size, len as u64);
        assert_eq!(blob.media_type, "text/plain");
        let at = blob_key(&blob);
        assert!(read(blobs, at, 0).await.expect("read") == content);
        let half = len / 2;
        assert!(read(blobs, at, half as u64).await.expect("read") == content[half..]);
        assert_eq!(read(blobs, at, len as u64).await.expect("read"), b"");
        let elsewhere = BlobKey { org: OrgId::from_bytes([2; 16]), ..at };
        assert_eq!(refused(read(blobs, elsewhere, 0).await), Some(BlobError::NotFound));
    }
    // The same bytes again are the same blob.
    let again = upload(blobs, key(2, 1), &bytes(4096)).await;
    assert!(read(blobs, blob_key(&again), 0).await.expect("read") == bytes(4096));
}

async fn an_upload_goes_on_where_it_was(blobs: &dyn Blobs) {
    let content = bytes(600_000);
    let mut first = blobs.upload(key(3, 1), plan(content.len())).await.expect("begun");
    first.write(content.slice(..400_000)).await.expect("written");
    first.pause().await;
    assert_eq!(blobs.progress(key(3, 1), plan(content.len())).await, Ok(400_000));
    assert_eq!(blobs.progress(key(3, 1), plan(5)).await, Err(BlobError::Conflict));
    assert_eq!(blobs.progress(key(3, 9), plan(5)).await, Ok(0));
    let second = blobs.upload(key(3, 1), plan(content.len())).await.expect("begun");
    assert_eq!(second.offset(), 400_000);
    second.pause().await;
    let other_size = blobs.upload(key(3, 1), plan(content.len() + 1)).await;
    assert_eq!(refused(other_size), Some(BlobError::Conflict));
    let blob = upload(blobs, key(3, 1), &content).await;
    assert!(read(blobs, blob_key(&blob), 0).await.expect("read") == content);
}

async fn who_comes_again_takes_over(blobs: &dyn Blobs) {
    let content = bytes(300_000);
    let mut old = blobs.upload(key(4, 1), plan(content.len())).await.expect("begun");
    old.write(content.slice(..1000)).await.expect("written");
    let new = blobs.upload(key(4, 1), plan(content.len())).await.expect("begun");
    assert_eq!(new.offset(), 1000);
    assert_eq!(blobs.progress(key(4, 1), plan(content.len())).await, Ok(1000));
    let late = old.write(content.slice(1000..2000)).await;
    assert_eq!(refused(late), Some(BlobError::Conflict));
    drop((old, new));
    let blob = upload(blobs, key(4, 1), &content).await;
    assert!(read(blobs, blob_key(&blob), 0).await.expect("read") == content);
}

async fn what_is_wrong_is_refused(blobs: &dyn Blobs) {
    let mut short = blobs.upload(key(5, 1), plan(10)).await.expect("begun");
    short.write(bytes(9)).await.expect("written");
    assert_eq!(refused(short.examine().await), Some(BlobError::Size));
    short.discard().await;
    let again = blobs.upload(key(5, 1), plan(20)).await.expect("what was discarded is forgotten");
    assert_eq!(again.offset(), 0);
    let mut open: Vec<Box<dyn Upload>> = vec![again];
    for upload in 2..=UPLOADS_MAX {
        let upload = u8::try_from(upload).expect("few");
        open.push(blobs.upload(key(5, upload), plan(1)).await.expect("begun"));
    }
    let one_more = blobs.upload(key(5, 200), plan(1)).await;
    assert_eq!(refused(one_more), Some(BlobError::TooMany));
    let known = blobs.upload(key(5, 2), plan(1)).await.expect("one that is there can go on");
    known.discard().await;
    for upload in open.into_iter().skip(1) {
        upload.discard().await;
    }
}

async fn what_is_removed_is_gone(blobs: &dyn Blobs) {
    let blob = upload(blobs, key(6, 1), &bytes(50)).await;
    let at = blob_key(&blob);
    blobs.remove(at).await.expect("removed");
    assert_eq!(refused(read(blobs, at, 0).await), Some(BlobError::NotFound));
    blobs.remove(at).await.expect("removing what isn't there is no error");
    let again = upload(blobs, key(6, 2), &bytes(50)).await;
    assert!(read(blobs, blob_key(&again), 0).await.expect("read") == bytes(50));
}

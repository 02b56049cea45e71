//! The folder: what a restart, a power cut and a full disk leave of it.

use std::{fs, time::SystemTime};

use bytes::Bytes;
use parlour_core::ports::blobs::{BlobError, BlobKey, Blobs};
use parlour_protocol::{
    blob::{Blob, Variant},
    ids::BlobHash,
};

use super::Folder;
use crate::{
    Options,
    conformance::{self, bytes, key, plan},
    limits::SYNC_EVERY_BYTES,
};

fn folder(path: &std::path::Path) -> Folder {
    Folder::open(Options { path: path.to_owned(), ..Options::default() }).expect("opened")
}

async fn put(blobs: &Folder, content: Bytes, media_type: &str) -> Blob {
    let plan = conformance::plan(content.len());
    let plan = parlour_core::ports::blobs::UploadPlan { media_type: media_type.into(), ..plan };
    let upload = u8::try_from(content.len() % 200).expect("small");
    let mut upload = blobs.upload(key(9, upload), plan).await.expect("begun");
    upload.write(content).await.expect("written");
    let blob = upload.examine().await.expect("examined");
    upload.keep().await.expect("kept");
    blob
}

#[tokio::test]
async fn it_conforms() {
    let dir = tempfile::tempdir().expect("folder");
    conformance::run(&folder(dir.path())).await;
    // Nothing is left of what was kept or discarded but two that are cut off.
    let names = |dir: &std::path::Path| -> Vec<_> {
        fs::read_dir(dir).expect("read").map(|entry| entry.expect("entry").path()).collect()
    };
    let org = names(&dir.path().join("uploads")).pop().expect("one");
    let left: Vec<_> = names(&org).iter().flat_map(|user| names(user)).collect();
    let left = left.iter().filter(|path| path.extension().is_none()).count();
    assert_eq!(left, 1, "the one of twenty bytes that was begun again");
}

#[tokio::test]
async fn after_a_restart_what_was_synced_counts() {
    let dir = tempfile::tempdir().expect("folder");
    let content = bytes(20 * 1024 * 1024);
    let size = content.len();
    let first = folder(dir.path());
    let mut upload = first.upload(key(1, 1), plan(size)).await.expect("begun");
    for piece in content.slice(..15 * 1024 * 1024).chunks(64 * 1024) {
        upload.write(Bytes::copy_from_slice(piece)).await.expect("written");
    }
    // As if the program ended: nobody says so.
    std::mem::forget(upload);
    let second = folder(dir.path());
    let mut upload = second.upload(key(1, 1), plan(size)).await.expect("begun");
    let offset = upload.offset();
    assert_eq!(offset % 1024, 0);
    assert!((SYNC_EVERY_BYTES..15 * 1024 * 1024).contains(&offset), "{offset}");
    upload.write(content.slice(usize::try_from(offset).expect("small")..)).await.expect("written");
    let blob = upload.examine().await.expect("examined");
    assert_eq!(blob.hash, ring::digest::digest(&ring::digest::SHA256, &content).as_ref());
}

#[tokio::test]
async fn a_note_that_lies_costs_bytes_and_nothing_else() {
    let dir = tempfile::tempdir().expect("folder");
    let blobs = folder(dir.path());
    let mut upload = blobs.upload(key(1, 1), plan(1000)).await.expect("begun");
    upload.write(bytes(600)).await.expect("written");
    upload.pause().await;
    let path = blobs.shared.upload_path(key(1, 1));
    // The file is shorter than its note says: a power cut took the rest.
    fs::OpenOptions::new().write(true).open(&path).expect("open").set_len(200).expect("cut");
    let upload = folder(dir.path()).upload(key(1, 1), plan(1000)).await.expect("begun");
    assert_eq!(upload.offset(), 200);
    fs::write(super::partial::note_path(&path), b"torn").expect("written");
    let upload = folder(dir.path()).upload(key(1, 1), plan(1000)).await.expect("begun");
    assert_eq!(upload.offset(), 0);
}

#[tokio::test]
async fn a_full_disk_takes_nothing_new() {
    let dir = tempfile::tempdir().expect("folder");
    let options =
        Options { path: dir.path().to_owned(), reserve_bytes: u64::MAX / 2, ..Options::default() };
    let blobs = Folder::open(options).expect("opened");
    let refused = blobs.upload(key(1, 1), plan(1)).await.err();
    assert_eq!(refused, Some(BlobError::ReadOnly));
    assert!(!blobs.shared.upload_path(key(1, 1)).exists());
}

#[tokio::test]
async fn old_uploads_go() {
    let dir = tempfile::tempdir().expect("folder");
    let blobs = folder(dir.path());
    let mut upload = blobs.upload(key(1, 1), plan(1000)).await.expect("begun");
    upload.write(bytes(600)).await.expect("written");
    upload.pause().await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let now = u64::try_from(now.as_millis()).expect("before the end of time");
    let path = blobs.shared.upload_path(key(1, 1));
    blobs.remove_uploads(now - 3_600_000).await.expect("swept");
    assert!(path.exists(), "it is new");
    blobs.remove_uploads(now + 3_600_000).await.expect("swept");
    assert!(!path.exists());
    assert!(dir.path().join("uploads").exists());
}

fn picture(width: u32, height: u32) -> image::DynamicImage {
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]))
        .into()
}

fn encoded(picture: &image::DynamicImage, format: image::ImageFormat) -> Bytes {
    let mut out = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("encoded");
    out.into_inner().into()
}

async fn preview(blobs: &Folder, blob: &Blob) -> (String, image::DynamicImage) {
    let hash = BlobHash::parse(&blob.hash).expect("hash");
    let at = BlobKey { org: key(1, 1).org, hash };
    let mut download = blobs.open(at, Variant::Preview, 0).await.expect("opened");
    let media_type = download.media_type().expect("told").to_owned();
    let mut all = Vec::new();
    loop {
        let piece = download.read().await.expect("read");
        if piece.is_empty() {
            break;
        }
        all.extend_from_slice(&piece);
    }
    (media_type, image::load_from_memory(&all).expect("a picture"))
}

#[tokio::test]
async fn pictures_have_a_size_and_a_smaller_one() {
    let dir = tempfile::tempdir().expect("folder");
    let blobs = folder(dir.path());
    let jpeg = encoded(&picture(1600, 800), image::ImageFormat::Jpeg);
    // Whatever the client says, it begins like one.
    let blob = put(&blobs, jpeg.clone(), "application/pdf").await;
    assert_eq!(blob.media_type, "image/jpeg");
    assert_eq!((blob.width, blob.height, blob.has_preview), (1600, 800, true));
    let (media_type, small) = preview(&blobs, &blob).await;
    assert_eq!((media_type.as_str(), small.width(), small.height()), ("image/jpeg", 640, 320));

    // Turned by what the camera wrote: EXIF with orientation 6, a quarter to the right.
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
    let blob = put(&blobs, turned.into(), "image/jpeg").await;
    assert_eq!((blob.width, blob.height), (800, 1600));
    let (_, small) = preview(&blobs, &blob).await;
    assert_eq!((small.width(), small.height()), (320, 640));

    let clear = image::DynamicImage::new_rgba8(700, 700);
    let blob = put(&blobs, encoded(&clear, image::ImageFormat::Png), "").await;
    assert_eq!(preview(&blobs, &blob).await.0, "image/png");

    let blob = put(&blobs, encoded(&picture(20, 30), image::ImageFormat::Gif), "").await;
    assert_eq!((blob.media_type.as_str(), blob.width, blob.height), ("image/gif", 20, 30));
    assert!(!blob.has_preview, "it is small enough to be shown itself");
}

#[tokio::test]
async fn what_is_no_picture_is_kept_as_it_is() {
    let dir = tempfile::tempdir().expect("folder");
    let blobs = folder(dir.path());
    let mut bomb = encoded(&picture(1000, 10), image::ImageFormat::Png).to_vec();
    // The header promises sixty thousand by sixty thousand.
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let blob = put(&blobs, bomb.into(), "image/png").await;
    assert_eq!((blob.media_type.as_str(), blob.has_preview), ("image/png", false));
    let blob =
        put(&blobs, Bytes::from_static(b"\x89PNG\r\n\x1a\n and nothing else"), "image/png").await;
    assert_eq!((blob.width, blob.has_preview), (0, false));
    // It says that it is a picture, and isn't: nobody shows it as one.
    let blob = put(&blobs, Bytes::from_static(b"alert(1) //"), "image/png").await;
    assert_eq!(blob.media_type, "application/octet-stream");
}

//! The bucket over a store in memory: the adapter's own rules. What a store says over the network is shown
//! with the whole server.

use std::{fs, sync::Arc};

use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
use parlour_core::ports::blobs::{BlobError, BlobKey, Blobs};
use parlour_protocol::{blob::Variant, ids::BlobHash};

use super::*;
use crate::{
    Folder, Options,
    conformance::{self, bytes, key, plan},
};

/// A bucket that is ours.
async fn claimed() -> Arc<InMemory> {
    let store = Arc::<InMemory>::default();
    Bucket::over(store.clone(), "files/of", Some("us".into())).check().await.expect("it is ours");
    store
}

fn with_bucket(path: &std::path::Path, store: &Arc<InMemory>) -> Folder {
    let bucket = Some(Bucket::over(store.clone(), "files/of", Some("us".into())));
    Folder::open(Options { path: path.to_owned(), bucket, ..Options::default() }).expect("opened")
}

async fn names(store: &InMemory) -> Vec<String> {
    store.list(None).map(|found| found.expect("listed").location.to_string()).collect().await
}

async fn put(blobs: &Folder, content: Bytes) -> BlobKey {
    let mut upload = blobs.upload(key(1, 1), plan(content.len())).await.expect("begun");
    upload.write(content).await.expect("written");
    let blob = upload.examine().await.expect("examined");
    upload.keep().await.expect("kept");
    BlobKey { org: key(1, 1).org, hash: BlobHash::parse(&blob.hash).expect("a hash") }
}

async fn read(blobs: &Folder, at: BlobKey, variant: Variant) -> Result<Vec<u8>, BlobError> {
    let mut download = blobs.open(at, variant, 0).await?;
    let mut all = Vec::new();
    loop {
        let piece = download.read().await?;
        assert!(piece.len() <= PIECE_BYTES);
        if piece.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(&piece);
    }
}

/// Files below a folder.
fn files(path: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(path).expect("read").map(|entry| entry.expect("entry").path());
    let (folders, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

#[tokio::test]
async fn it_conforms() {
    let dir = tempfile::tempdir().expect("folder");
    conformance::run(&with_bucket(dir.path(), &claimed().await)).await;
}

#[tokio::test]
async fn what_is_kept_is_in_the_bucket_and_nowhere_else() {
    let (dir, store) = (tempfile::tempdir().expect("folder"), claimed().await);
    let blobs = with_bucket(dir.path(), &store);
    // Several parts.
    let content = bytes(2 * BUCKET_PART_BYTES + 1000);
    let at = put(&blobs, content.clone()).await;
    let (org, hash) = (at.org.to_string(), at.hash.to_string());
    let blob = format!("files/of/{org}/{}/{hash}", &hash[..2]);
    assert_eq!(names(&store).await, [blob, "files/of/parlour-owner".to_owned()]);
    assert_eq!(files(dir.path()), Vec::<std::path::PathBuf>::new());
    assert!(read(&blobs, at, Variant::Unspecified).await.expect("read") == content);
    blobs.remove(at).await.expect("removed");
    assert_eq!(names(&store).await, ["files/of/parlour-owner"]);
}

#[tokio::test]
async fn previews_go_there_too() {
    let (dir, store) = (tempfile::tempdir().expect("folder"), claimed().await);
    let blobs = with_bucket(dir.path(), &store);
    let picture = image::RgbImage::from_fn(1600, 800, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut encoded = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut encoded, image::ImageFormat::Jpeg).expect("encoded");
    let at = put(&blobs, encoded.into_inner().into()).await;
    assert_eq!(names(&store).await.len(), 3, "with whose it is");
    let download = blobs.open(at, Variant::Preview, 0).await.expect("opened");
    assert_eq!(download.media_type(), Some("image/jpeg"));
    let small = read(&blobs, at, Variant::Preview).await.expect("read");
    assert_eq!(image::load_from_memory(&small).expect("a picture").width(), 640);
    blobs.remove(at).await.expect("removed");
    assert_eq!(names(&store).await, ["files/of/parlour-owner"]);
}

#[tokio::test]
async fn what_is_in_the_folder_from_before_is_still_there() {
    let (dir, store) = (tempfile::tempdir().expect("folder"), claimed().await);
    let before = Options { path: dir.path().to_owned(), ..Options::default() };
    let at = put(&Folder::open(before).expect("opened"), bytes(5000)).await;
    let blobs = with_bucket(dir.path(), &store);
    assert!(read(&blobs, at, Variant::Unspecified).await.expect("read") == bytes(5000));
    blobs.remove(at).await.expect("removed");
    let gone = read(&blobs, at, Variant::Unspecified).await;
    assert_eq!(gone.err(), Some(BlobError::NotFound));
    assert_eq!(files(dir.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_is_there_in_another_size_is_put_again() {
    let (dir, store) = (tempfile::tempdir().expect("folder"), Arc::<InMemory>::default());
    let blobs = with_bucket(dir.path(), &store);
    let at = put(&blobs, bytes(5000)).await;
    let name = names(&store).await.remove(0);
    store.put(&name.into(), Bytes::from_static(b"half").into()).await.expect("spoiled");
    put(&blobs, bytes(5000)).await;
    assert!(read(&blobs, at, Variant::Unspecified).await.expect("read") == bytes(5000));
}

#[tokio::test]
async fn the_check_leaves_nothing() {
    let store = Arc::<InMemory>::default();
    Bucket::over(store.clone(), "", None).check().await.expect("it can be used");
    assert_eq!(names(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_removed_from_anothers_bucket() {
    let (dir, store) = (tempfile::tempdir().expect("folder"), Arc::<InMemory>::default());
    Bucket::over(store.clone(), "files/of", Some("them".into())).check().await.expect("theirs");
    let blobs = with_bucket(dir.path(), &store);
    let at = put(&blobs, bytes(5000)).await;
    assert_eq!(blobs.remove(at).await, Err(BlobError::Unavailable));
    assert!(read(&blobs, at, Variant::Unspecified).await.expect("read") == bytes(5000));
    // What is nobody's isn't taken by a removal.
    store.delete(&"files/of/parlour-owner".into()).await.expect("removed");
    let fresh = with_bucket(dir.path(), &store);
    assert_eq!(fresh.remove(at).await, Err(BlobError::Unavailable));
    // Handed over, it can be.
    let ours = Bucket::over(store.clone(), "files/of", Some("us".into()));
    ours.check().await.expect("it was nobody's");
    let blobs = with_bucket(dir.path(), &store);
    blobs.remove(at).await.expect("removed");
    assert_eq!(names(&store).await, ["files/of/parlour-owner"]);
    let bucket = Bucket::over(store.clone(), "files/of", Some("them".into()));
    assert!(matches!(bucket.check().await, Err(BucketError::Owned(_))));
}

#[test]
fn requests_go_to_the_bucket() {
    let at = |endpoint: Option<&str>, virtual_host| {
        let endpoint = endpoint.map(str::to_owned);
        super::endpoint(&BucketOptions { endpoint, virtual_host, ..options() })
    };
    assert_eq!(at(None, true), None);
    let there = "https://s3.example.org:9000/";
    assert_eq!(at(Some(there), false).as_deref(), Some("https://s3.example.org:9000"));
    assert_eq!(at(Some(there), true).as_deref(), Some("https://files.s3.example.org:9000"));
}

fn options() -> BucketOptions {
    BucketOptions {
        endpoint: None,
        region: "eu-central-1".into(),
        bucket: "files".into(),
        prefix: String::new(),
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "a secret".into(),
        virtual_host: false,
        allow_http: false,
    }
}

#[test]
fn the_key_is_not_shown() {
    let shown = format!("{:?}", options());
    assert!(shown.contains("eu-central-1") && !shown.contains("secret") && !shown.contains("AKID"));
}

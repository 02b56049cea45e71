//! The index against the suite, and what only one on a disk can go through: damage, other hands, and
//! words that have to leave the files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicUsize,
};

use parlour_adapters::search::conformance::{
    self, STORE, add, found, looking_for, put, room, said,
};
use tempfile::TempDir;

use super::*;

fn index_in(path: &Path, purge_after: Duration) -> Index {
    let options = Options { purge_after, ..Options::new(path.to_owned(), 0) };
    Index::new(options).unwrap()
}

/// An index that says when its folder isn't used any more: as a process that ends.
async fn restarted(index: Index, path: &Path) -> (Index, Vec<(RoomId, u64)>) {
    drop(index);
    loop {
        let index = index_in(path, PURGE_AFTER);
        // The thread before may still be about to let go of it.
        match index.open(STORE).await {
            Ok(marks) => return (index, marks),
            Err(error) => assert_eq!(error, SearchError::Unavailable),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let folder = TempDir::new().unwrap();
    let count = AtomicUsize::new(0);
    conformance::run(|| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        Arc::new(index_in(&folder.path().join(n.to_string()), PURGE_AFTER))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("search");
    let index = index_in(&path, PURGE_AFTER);
    index.open(STORE).await.unwrap();
    add(&index, [said(1, 1, "kept"), said(2, 5, "kept")]).await;
    index.apply(vec![Change::Add(said(1, 2, "lost"))]).await.unwrap();
    let (index, mut marks) = restarted(index, &path).await;
    marks.sort_unstable();
    assert_eq!(marks, [(room(1), 1), (room(2), 5)]);
    assert_eq!(found(&index, looking_for("kept", &[1, 2])).await, [5, 1]);
    assert_eq!(found(&index, looking_for("lost", &[1, 2])).await, [0; 0]);
}

fn is_postings(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "idx")
}

fn files(path: &Path) -> Vec<PathBuf> {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_one_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("search");
    let mut index = index_in(&path, PURGE_AFTER);
    index.open(STORE).await.unwrap();
    add(&index, [said(1, 1, "a word")]).await;
    let damages: [fn(&Path); 4] = [
        |path| fs::write(path.join("meta.json"), "{").unwrap(),
        |path| fs::remove_file(path.join("meta.json")).unwrap(),
        |path| {
            let postings = files(path).into_iter().find(|file| is_postings(file));
            fs::remove_file(postings.unwrap()).unwrap();
        },
        |path| {
            for file in files(path).into_iter().filter(|file| is_postings(file)) {
                let mut bytes = fs::read(&file).unwrap();
                bytes[0] ^= 1;
                fs::write(&file, bytes).unwrap();
            }
        },
    ];
    for damage in damages {
        drop(index);
        // The files aren't anybody's while they are damaged.
        let marks;
        (index, marks) = {
            let whole = restarted(index_in(&path, PURGE_AFTER), &path).await;
            drop(whole);
            damage(&path);
            restarted(index_in(&path, PURGE_AFTER), &path).await
        };
        assert_eq!(marks, []);
        add(&index, [said(1, 1, "a word")]).await;
        assert_eq!(found(&index, looking_for("word", &[1])).await, [1]);
    }
}

/// Whether the word is anywhere in the index's files, be it under what was removed.
fn holds(index: &Index, path: &Path, word: &str) -> bool {
    let Reading { reader, fields } = index.shared.reading().unwrap();
    let searcher = reader.searcher();
    let in_use = searcher.segment_readers().len();
    let kept = files(path).into_iter().filter(|file| is_postings(file)).count();
    let term = tantivy::Term::from_field_text(fields.text, word);
    kept > in_use || searcher.doc_freq(&term).unwrap() > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_leaves_the_files() {
    let folder = TempDir::new().unwrap();
    let index = index_in(folder.path(), Duration::ZERO);
    index.open(STORE).await.unwrap();
    add(&index, [said(1, 1, "canary"), said(1, 2, "ordinary")]).await;
    put(&index, vec![Change::Remove { room: room(1), seq: 1 }]).await;
    assert_eq!(found(&index, looking_for("canary", &[1])).await, [0; 0]);
    let mut seq = 3;
    while holds(&index, folder.path(), "canary") {
        // Commits go on meanwhile, as they do.
        add(&index, [said(1, seq, "ordinary")]).await;
        seq += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(seq < 6000, "it never leaves");
    }
    let all: Vec<u64> = (2..seq).rev().take(100).collect();
    assert_eq!(found(&index, looking_for("ordinary", &[1])).await, all);
}

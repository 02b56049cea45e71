//! On disk: what was acknowledged is there after a reopen, and a backup taken under load is
//! the store as it was at one moment.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;

pub(super) async fn run<O, F>(scratch: &Path, open: &O)
where
    O: Fn(PathBuf) -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    a_reopened_store_is_the_same(scratch.join("reopen"), open).await;
    a_backup_is_the_store(scratch, open).await;
    a_backup_under_load_is_one_moment(scratch, open).await;
}

/// A bit of everything in logs 1 to 3.
pub(super) async fn fill(store: &DynStore) {
    apply(store, vec![appending(1, 0, &["a", "b", "c"]), appending(2, 0, &["x"])]).await;
    let append = Append {
        log: log(3),
        expected_seq: 0,
        records: vec![long(61_440, 7), long(5_000, 8)],
        state: bytes("long"),
    };
    apply(store, vec![Batch { appends: vec![append], ..batch(3) }, erasing(1, 2, "-")]).await;
    apply(store, vec![putting(Table::ROOMS, "k", Some("v"))]).await;
    apply(store, vec![putting(Table::SENDS, "k", Some("v")), putting(Table::SENDS, "k", None)])
        .await;
    store.purge(log(1), 1).await.expect("purges");
}

const LOGS: &[fn(u8) -> LogKey] = &[log, user_log];

pub(super) fn logs() -> Vec<LogKey> {
    (1..=6).flat_map(|n| LOGS.iter().map(move |log| log(n))).collect()
}

async fn a_reopened_store_is_the_same<O, F>(path: PathBuf, open: &O)
where
    O: Fn(PathBuf) -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    let model = crate::Memory::new([0; 16]);
    fill(&model).await;
    let store = open(path.clone()).await;
    let info = store.info();
    fill(&*store).await;
    assert_same(&model, &*store, &logs()).await;
    drop(store);
    for round in 0..3 {
        let store = open(path.clone()).await;
        assert_eq!(store.info(), info, "the incarnation stays");
        assert_same(&model, &*store, &logs()).await;
        apply(&*store, vec![appending(4, round, &["more"])]).await;
        apply(&model, vec![appending(4, round, &["more"])]).await;
    }
}

async fn a_backup_is_the_store<O, F>(scratch: &Path, open: &O)
where
    O: Fn(PathBuf) -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    let store = open(scratch.join("whole")).await;
    fill(&*store).await;
    let to = scratch.join("whole-backup");
    store.backup(to.clone()).await.expect("backs up");
    assert!(is_unavailable(&store.backup(to.clone()).await), "a backup overwrites nothing");
    let copy = open(to).await;
    assert_eq!(copy.info(), store.info(), "a backup keeps the incarnation");
    assert_same(&*store, &*copy, &logs()).await;
    apply(&*copy, vec![appending(1, 3, &["goes on"])]).await;
    assert_eq!(head_seq(&*store, log(1)).await, Some(3), "they are two stores now");
}

/// One writer keeps a row equal to its log's head; in a copy of one moment they agree.
async fn a_backup_under_load_is_one_moment<O, F>(scratch: &Path, open: &O)
where
    O: Fn(PathBuf) -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    let store = open(scratch.join("load")).await;
    let mut writers = Vec::new();
    let stop = Arc::new(AtomicBool::new(false));
    for n in 1..=4 {
        let records = vec!["some text to copy"; 1_000];
        apply(&*store, vec![appending(n, 0, &records)]).await;
        writers.push(tokio::spawn(write_until(store.clone(), n, 1_000, stop.clone())));
    }
    let mut acked = Vec::new();
    for round in 0..2 {
        while head_seq(&*store, log(4)).await < Some(1_010 + 10 * round) {
            tokio::task::yield_now().await;
        }
        let before = store.heads(&(1..=4).map(log).collect::<Vec<_>>()).await.expect("reads");
        let to = scratch.join(format!("load-backup-{round}"));
        store.backup(to.clone()).await.expect("backs up");
        acked.push((to, before));
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    for (to, before) in acked {
        let copy = open(to).await;
        for (n, before) in (1..=4).zip(before) {
            let head = head_seq(&*copy, log(n)).await.expect("the log was there");
            assert!(head >= before.expect("the log was there").seq, "what was acked is copied");
            let found = texts(&*copy, log(n), ALL).await;
            assert_eq!(found.len() as u64, head, "no record is missing or beyond the head");
            assert_eq!(found[1].1, format!("erased at {head}"), "records are of that moment");
            let row = get(&*copy, Table::ROOMS, &format!("{n}")).await;
            assert_eq!(row, Some(bytes(&head.to_string())), "rows are of that moment");
            let once = scan_keys(&*copy, Scan::prefix(Table::SENDS, bytes(&format!("{n}-")), 10));
            assert_eq!(once.await, [format!("{n}-{head:09}")], "so are rows that come and go");
        }
    }
}

async fn write_until(store: Arc<dyn Store>, n: u8, mut seq: u64, stop: Arc<AtomicBool>) {
    loop {
        let next = seq + 1;
        let mut batch = appending(n, seq, &["more"]);
        let put = |table, key: String, value: Option<String>| Put {
            table,
            key: bytes(&key),
            value: value.as_deref().map(bytes),
        };
        batch.puts = vec![
            put(Table::ROOMS, format!("{n}"), Some(next.to_string())),
            put(Table::SENDS, format!("{n}-{seq:09}"), None),
            put(Table::SENDS, format!("{n}-{next:09}"), Some("v".into())),
        ];
        batch.erases = erasing(n, 2, &format!("erased at {next}")).erases;
        apply(&*store, vec![batch]).await;
        seq = next;
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

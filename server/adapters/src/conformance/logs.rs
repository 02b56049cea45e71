//! Logs: ranges in both directions with both bounds, erase, purge, long records.

use super::*;

pub(super) async fn run<M, F>(make: &M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    ranges_are_cut_at_the_first_bound(&*make().await).await;
    logs_do_not_touch_each_other(&*make().await).await;
    erased_text_is_gone(&*make().await).await;
    purged_records_are_gone_and_the_head_stays(&*make().await).await;
    a_long_purge_finishes(&*make().await).await;
    long_records_come_back_whole(&*make().await).await;
}

async fn seqs(store: &DynStore, range: ReadRange) -> Vec<u64> {
    read(store, log(1), range).await.into_iter().map(|stored| stored.seq).collect()
}

async fn ranges_are_cut_at_the_first_bound(store: &DynStore) {
    let texts: Vec<String> = (1..=20).map(|n| format!("text {n:05}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    apply(store, vec![appending(1, 0, &texts)]).await;
    let from_to = |from, to| ReadRange { from, to, ..ALL };
    assert_eq!(seqs(store, from_to(3, 5)).await, [3, 4, 5]);
    assert_eq!(seqs(store, from_to(19, 500)).await, [19, 20]);
    assert_eq!(seqs(store, from_to(0, 2)).await, [1, 2]);
    assert_eq!(seqs(store, from_to(5, 3)).await, [0; 0]);
    assert_eq!(seqs(store, from_to(21, 30)).await, [0; 0]);
    assert_eq!(seqs(store, ReadRange { records_max: 0, ..ALL }).await, [0; 0]);
    assert_eq!(seqs(store, ReadRange { records_max: 3, ..ALL }).await, [1, 2, 3]);
    let back = ReadRange { reverse: true, ..ALL };
    assert_eq!(seqs(store, ReadRange { records_max: 3, ..back }).await, [20, 19, 18]);
    assert_eq!(seqs(store, ReadRange { from: 4, to: 6, ..back }).await, [6, 5, 4]);
    // Each text has ten bytes.
    assert_eq!(seqs(store, ReadRange { bytes_max: 30, ..ALL }).await, [1, 2, 3]);
    assert_eq!(seqs(store, ReadRange { bytes_max: 29, ..back }).await, [20, 19]);
    assert_eq!(seqs(store, ReadRange { bytes_max: 0, ..ALL }).await, [1]);
    assert_eq!(seqs(store, ReadRange { records_max: 2, bytes_max: 1000, ..ALL }).await, [1, 2]);
}

async fn logs_do_not_touch_each_other(store: &DynStore) {
    // The same sixteen bytes as a room and as a user, and neighbours on both sides.
    let user = |n: u8, text: &str| {
        let append = Append {
            log: user_log(n),
            expected_seq: 0,
            records: vec![bytes(text)],
            state: bytes(""),
        };
        Batch { appends: vec![append], ..batch(n) }
    };
    apply(store, vec![appending(1, 0, &["r1"]), user(1, "u1"), appending(0, 0, &["r0"])]).await;
    apply(store, vec![appending(255, 0, &["r255"]), user(255, "u255")]).await;
    assert_eq!(texts(store, log(1), ALL).await, [(1, "r1".into())]);
    assert_eq!(texts(store, user_log(1), ALL).await, [(1, "u1".into())]);
    assert_eq!(texts(store, log(255), ALL).await, [(1, "r255".into())]);
    assert_eq!(texts(store, user_log(255), ALL).await, [(1, "u255".into())]);
    store.purge(log(1), u64::MAX).await.expect("purges");
    assert_eq!(texts(store, log(0), ALL).await, [(1, "r0".into())]);
    assert_eq!(texts(store, user_log(1), ALL).await, [(1, "u1".into())]);
}

async fn erased_text_is_gone(store: &DynStore) {
    apply(store, vec![appending(1, 0, &["a", "secret", "c"])]).await;
    apply(store, vec![erasing(1, 2, "-")]).await;
    let found = texts(store, log(1), ALL).await;
    assert_eq!(found, [(1, "a".into()), (2, "-".into()), (3, "c".into())]);
    for seq in [0, 4] {
        let refused = apply_one(store, erasing(1, seq, "x")).await;
        assert_eq!(refused, Err(Refusal::NoSuchRecord { seq }));
    }
    assert_eq!(
        apply_one(store, erasing(2, 1, "x")).await,
        Err(Refusal::NoSuchRecord { seq: 1 }),
        "a log that doesn't exist has nothing to erase"
    );
    // From long to short to long again: no piece of the old body stays.
    let body = |len, seed| {
        let erase = Erase { log: log(1), seq: 3, record: long(len, seed) };
        Batch { erases: vec![erase], ..batch(1) }
    };
    for (len, seed) in [(61_440, 1), (0, 2), (9_000, 3), (4_000, 4), (4_001, 5), (61_440, 6)] {
        apply(store, vec![body(len, seed)]).await;
        let found = read(store, log(1), ALL).await;
        assert_eq!(found.len(), 3);
        assert_eq!(found[2].record, Some(long(len, seed)));
    }
}

async fn purged_records_are_gone_and_the_head_stays(store: &DynStore) {
    apply(store, vec![appending(1, 0, &["a", "b", "c", "d"])]).await;
    store.purge(log(1), 2).await.expect("purges");
    assert_eq!(texts(store, log(1), ALL).await, [(3, "c".into()), (4, "d".into())]);
    let back = ReadRange { reverse: true, ..ALL };
    assert_eq!(texts(store, log(1), back).await, [(4, "d".into()), (3, "c".into())]);
    let gone = apply_one(store, erasing(1, 2, "x")).await;
    assert_eq!(gone, Err(Refusal::NoSuchRecord { seq: 2 }));
    // Never backwards, never beyond the head, and never a log that isn't there.
    store.purge(log(1), 1).await.expect("purges");
    assert_eq!(texts(store, log(1), ALL).await.len(), 2);
    store.purge(log(1), 100).await.expect("purges");
    assert!(read(store, log(1), ALL).await.is_empty());
    assert_eq!(head_seq(store, log(1)).await, Some(4));
    apply(store, vec![appending(1, 4, &["e"])]).await;
    assert_eq!(texts(store, log(1), ALL).await, [(5, "e".into())]);
    store.purge(log(9), 5).await.expect("purges");
    assert_eq!(head_seq(store, log(9)).await, None);
}

async fn a_long_purge_finishes(store: &DynStore) {
    const RECORDS: u64 = 2_500;
    let records = vec!["0123456789"; RECORDS as usize];
    apply(store, vec![appending(1, 0, &records)]).await;
    store.purge(log(1), RECORDS - 1).await.expect("purges");
    assert_eq!(texts(store, log(1), ALL).await, [(RECORDS, "0123456789".into())]);
}

async fn long_records_come_back_whole(store: &DynStore) {
    let lengths = [0, 1, 3_999, 4_000, 4_001, 8_000, 8_001, 61_440, 65_536];
    let records: Vec<Bytes> = (1..).zip(lengths).map(|(n, len)| long(len, n)).collect();
    let append =
        Append { log: log(1), expected_seq: 0, records: records.clone(), state: long(256, 9) };
    apply(store, vec![Batch { appends: vec![append], ..batch(1) }]).await;
    let found = read(store, log(1), ALL).await;
    let bodies: Vec<Bytes> = found.into_iter().filter_map(|stored| stored.record).collect();
    assert_eq!(bodies, records);
    let back = read(store, log(1), ReadRange { reverse: true, ..ALL }).await;
    assert_eq!(back[0].record, Some(long(65_536, 9)));
    let last = read(store, log(1), ReadRange { from: 8, to: 8, ..ALL }).await;
    assert_eq!(last[0].record, Some(long(61_440, 8)));
    store.purge(log(1), 8).await.expect("purges");
    let rest = read(store, log(1), ALL).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].record, Some(long(65_536, 9)));
}

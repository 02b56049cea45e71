//! Tables: put, remove, get, scans, long values.

use super::*;

pub(super) async fn run<M, F>(make: &M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    rows_are_put_and_removed(&*make().await).await;
    of_two_puts_the_later_wins(&*make().await).await;
    scans_keep_order_and_bounds(&*make().await).await;
    long_values_come_back_whole(&*make().await).await;
}

async fn rows_are_put_and_removed(store: &DynStore) {
    assert_eq!(get(store, Table::ROOMS, "k").await, None);
    apply(store, vec![putting(Table::ROOMS, "k", Some("v"))]).await;
    assert_eq!(get(store, Table::ROOMS, "k").await, Some(bytes("v")));
    assert_eq!(get(store, Table::MEMBERS, "k").await, None, "tables are apart");
    apply(store, vec![putting(Table::ROOMS, "k", Some(""))]).await;
    assert_eq!(get(store, Table::ROOMS, "k").await, Some(bytes("")), "empty isn't absent");
    apply(store, vec![putting(Table::ROOMS, "", Some("root"))]).await;
    assert_eq!(get(store, Table::ROOMS, "").await, Some(bytes("root")), "nor is an empty key");
    apply(store, vec![putting(Table::ROOMS, "k", None), putting(Table::ROOMS, "gone", None)]).await;
    assert_eq!(get(store, Table::ROOMS, "k").await, None);
}

async fn of_two_puts_the_later_wins(store: &DynStore) {
    let put =
        |value: Option<&str>| Put { table: Table::ROOMS, key: bytes("k"), value: value.map(bytes) };
    let puts = vec![put(Some("one")), put(None), put(Some("two"))];
    apply(store, vec![Batch { puts, ..batch(1) }]).await;
    assert_eq!(get(store, Table::ROOMS, "k").await, Some(bytes("two")));
    let puts = vec![put(Some("three")), put(None)];
    apply(store, vec![Batch { puts, ..batch(1) }]).await;
    assert_eq!(get(store, Table::ROOMS, "k").await, None);
}

async fn scans_keep_order_and_bounds(store: &DynStore) {
    let keys = ["", "a", "a\0", "a\0b", "aa", "ab", "b", "ba", "\u{7f}"];
    let mut batches: Vec<Batch> =
        keys.iter().rev().map(|key| putting(Table::MEMBERS, key, Some(key))).collect();
    batches.push(putting(Table::ROOMS, "before", Some("")));
    batches.push(putting(Table::LAST_SENT, "after", Some("")));
    apply(store, batches).await;
    let all = Scan::prefix(Table::MEMBERS, bytes(""), 100);
    assert_eq!(scan_keys(store, all.clone()).await, keys);
    let reversed: Vec<&str> = keys.iter().rev().copied().collect();
    assert_eq!(scan_keys(store, Scan { reverse: true, ..all.clone() }).await, reversed);
    assert_eq!(scan_keys(store, Scan { rows_max: 2, ..all.clone() }).await, ["", "a"]);
    let last = Scan { rows_max: 2, reverse: true, ..all.clone() };
    assert_eq!(scan_keys(store, last).await, ["\u{7f}", "ba"]);
    assert!(scan_keys(store, Scan { rows_max: 0, ..all.clone() }).await.is_empty());
    let under_a = Scan::prefix(Table::MEMBERS, bytes("a"), 100);
    assert_eq!(scan_keys(store, under_a).await, ["a", "a\0", "a\0b", "aa", "ab"]);
    let middle = Scan { from: bytes("a\0"), to: Some(bytes("ab")), ..all.clone() };
    assert_eq!(scan_keys(store, middle.clone()).await, ["a\0", "a\0b", "aa"]);
    let back = Scan { reverse: true, rows_max: 2, ..middle };
    assert_eq!(scan_keys(store, back).await, ["aa", "a\0b"]);
    let nothing = Scan { from: bytes("b"), to: Some(bytes("a")), ..all.clone() };
    assert!(scan_keys(store, nothing).await.is_empty());
    let high = Scan::prefix(Table::MEMBERS, vec![0xff, 0xff], 100);
    assert!(scan_keys(store, high).await.is_empty());
}

async fn long_values_come_back_whole(store: &DynStore) {
    let put = |key: &str, value: Option<Bytes>| Batch {
        puts: vec![Put { table: Table::OUTBOX, key: bytes(key), value }],
        ..batch(1)
    };
    for (len, seed) in [(61_440, 1), (10, 2), (8_001, 3), (65_536, 4)] {
        let group = vec![
            put("k", Some(long(len, seed))),
            put("kk", Some(long(len / 2, seed + 10))),
            put("k\0", Some(bytes("between"))),
        ];
        apply(store, group).await;
        assert_eq!(get(store, Table::OUTBOX, "k").await, Some(long(len, seed)));
        let rows = store.scan(Scan::prefix(Table::OUTBOX, bytes(""), 100)).await.expect("reads");
        let expected = [
            (bytes("k"), long(len, seed)),
            (bytes("k\0"), bytes("between")),
            (bytes("kk"), long(len / 2, seed + 10)),
        ];
        assert_eq!(rows, expected);
    }
    apply(store, vec![put("k", None)]).await;
    assert_eq!(get(store, Table::OUTBOX, "k").await, None);
    assert_eq!(get(store, Table::OUTBOX, "kk").await, Some(long(32_768, 14)));
}

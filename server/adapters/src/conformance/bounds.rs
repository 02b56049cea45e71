//! Bounds: what is over them is refused alone and leaves nothing.

use parlour_core::ports::store::{
    BATCH_BYTES_MAX, KEY_BYTES_MAX, RECORD_BYTES_MAX, STATE_BYTES_MAX, VALUE_BYTES_MAX,
};

use super::*;

pub(super) async fn run<M, F>(make: &M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    let store = make().await;
    what_is_at_its_bound_is_kept(&*store).await;
    what_is_over_its_bound_is_refused(&*store).await;
    assert!(store.writable(), "a refusal says nothing about the store");
}

fn sized(record: usize, state: usize, key: usize, value: usize) -> Batch {
    let append = Append {
        log: log(1),
        expected_seq: 0,
        records: vec![long(record, 1)],
        state: long(state, 2),
    };
    let put = Put { table: Table::ROOMS, key: long(key, 3), value: Some(long(value, 4)) };
    Batch { appends: vec![append], puts: vec![put], ..batch(1) }
}

async fn what_is_at_its_bound_is_kept(store: &DynStore) {
    apply(store, vec![sized(RECORD_BYTES_MAX, STATE_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX)])
        .await;
    let value = store.get(Table::ROOMS, &long(KEY_BYTES_MAX, 3)).await.expect("reads");
    assert_eq!(value, Some(long(VALUE_BYTES_MAX, 4)));
    let all = Scan::prefix(Table::ROOMS, bytes(""), 10);
    let rows = store.scan(all).await.expect("reads");
    assert_eq!(rows, [(long(KEY_BYTES_MAX, 3), long(VALUE_BYTES_MAX, 4))]);
}

async fn what_is_over_its_bound_is_refused(store: &DynStore) {
    let erase = Erase { log: log(1), seq: 1, record: long(RECORD_BYTES_MAX + 1, 1) };
    let many = vec![long(RECORD_BYTES_MAX, 5); BATCH_BYTES_MAX / RECORD_BYTES_MAX + 1];
    let whole = Append { log: log(2), expected_seq: 0, records: many, state: bytes("") };
    let too_large = vec![
        sized(RECORD_BYTES_MAX + 1, 0, 0, 0),
        sized(0, STATE_BYTES_MAX + 1, 0, 0),
        sized(0, 0, KEY_BYTES_MAX + 1, 0),
        sized(0, 0, 0, VALUE_BYTES_MAX + 1),
        Batch { erases: vec![erase], ..batch(1) },
        Batch { absent: vec![(Table::ROOMS, long(KEY_BYTES_MAX + 1, 1))], ..batch(1) },
        Batch { appends: vec![whole], ..batch(2) },
    ];
    let mut group = too_large;
    group.push(appending(3, 0, &["fits"]));
    let mut results = store.append(group).await.expect("the store accepts writes");
    assert_eq!(results.pop(), Some(Ok(())));
    assert_eq!(results, vec![Err(Refusal::TooLarge); 7]);
    assert_eq!(head_seq(store, log(1)).await, Some(1));
    assert_eq!(head_seq(store, log(2)).await, None);
}

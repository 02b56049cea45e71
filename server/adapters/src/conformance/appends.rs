//! Appends: expected heads, groups with a result each, atomic batches.

use super::*;

pub(super) async fn run<M, F>(make: &M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn Store>>,
{
    a_log_grows_under_its_head(&*make().await).await;
    a_moved_head_refuses_that_batch_alone(&*make().await).await;
    later_batches_see_earlier_ones(&*make().await).await;
    a_refused_batch_leaves_nothing(&*make().await).await;
    one_batch_may_append_to_several_logs(&*make().await).await;
    concurrent_writers_leave_no_gap(make().await).await;
}

async fn a_log_grows_under_its_head(store: &DynStore) {
    assert_eq!(head_seq(store, log(1)).await, None);
    assert!(read(store, log(1), ALL).await.is_empty());
    apply(store, vec![appending(1, 0, &["a", "b"])]).await;
    apply(store, vec![appending(1, 2, &["c"])]).await;
    let heads = store.heads(&[log(2), log(1)]).await.expect("reads");
    assert_eq!(heads[0], None);
    let head = heads[1].clone().expect("the log exists");
    assert_eq!((head.seq, head.state), (3, bytes("c")));
    let found = texts(store, log(1), ALL).await;
    assert_eq!(found, [(1, "a".into()), (2, "b".into()), (3, "c".into())]);
    // An append without records sets the state only.
    let append = Append { log: log(1), expected_seq: 3, records: vec![], state: bytes("s") };
    apply(store, vec![Batch { appends: vec![append], ..batch(1) }]).await;
    let head = store.heads(&[log(1)]).await.expect("reads")[0].clone().expect("the log exists");
    assert_eq!((head.seq, head.state), (3, bytes("s")));
}

async fn a_moved_head_refuses_that_batch_alone(store: &DynStore) {
    let group = vec![
        appending(1, 0, &["a"]),
        appending(2, 7, &["x"]),
        appending(3, 0, &["b"]),
        appending(1, 0, &["late"]),
    ];
    let results = store.append(group).await.expect("the store accepts writes");
    let moved = |n, actual| Err(Refusal::HeadMoved { log: log(n), actual });
    assert_eq!(results, [Ok(()), moved(2, 0), Ok(()), moved(1, 1)]);
    assert_eq!(head_seq(store, log(2)).await, None);
    assert_eq!(head_seq(store, log(3)).await, Some(1));
}

async fn later_batches_see_earlier_ones(store: &DynStore) {
    let absent = Batch { absent: vec![(Table::SENDS, bytes("k"))], ..batch(1) };
    let group = vec![
        appending(1, 0, &["a"]),
        appending(1, 1, &["b"]),
        erasing(1, 2, "B"),
        erasing(1, 3, "no"),
        putting(Table::SENDS, "k", Some("v")),
        absent.clone(),
        putting(Table::SENDS, "k", None),
        absent,
    ];
    let results = store.append(group).await.expect("the store accepts writes");
    let exists = Err(Refusal::RowExists { table: Table::SENDS });
    let none = Err(Refusal::NoSuchRecord { seq: 3 });
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), none, Ok(()), exists, Ok(()), Ok(())]);
    assert_eq!(texts(store, log(1), ALL).await, [(1, "a".into()), (2, "B".into())]);
}

async fn a_refused_batch_leaves_nothing(store: &DynStore) {
    apply(store, vec![putting(Table::SENDS, "k", Some("v"))]).await;
    let refused = Batch {
        absent: vec![(Table::ROOMS, bytes("free")), (Table::SENDS, bytes("k"))],
        puts: putting(Table::ROOMS, "r", Some("v")).puts,
        ..appending(1, 0, &["a"])
    };
    let exists = Err(Refusal::RowExists { table: Table::SENDS });
    assert_eq!(apply_one(store, refused).await, exists);
    let half = Batch { erases: erasing(1, 9, "x").erases, ..appending(1, 0, &["a"]) };
    assert_eq!(apply_one(store, half).await, Err(Refusal::NoSuchRecord { seq: 9 }));
    assert_eq!(head_seq(store, log(1)).await, None);
    assert!(read(store, log(1), ALL).await.is_empty());
    assert_eq!(get(store, Table::ROOMS, "r").await, None);
    assert!(store.append(vec![]).await.expect("accepted").is_empty());
}

async fn one_batch_may_append_to_several_logs(store: &DynStore) {
    let mut both = appending(1, 0, &["a"]);
    let append =
        Append { log: user_log(1), expected_seq: 0, records: vec![bytes("u")], state: bytes("") };
    both.appends.push(append);
    apply(store, vec![both]).await;
    assert_eq!(texts(store, log(1), ALL).await, [(1, "a".into())]);
    assert_eq!(texts(store, user_log(1), ALL).await, [(1, "u".into())]);
}

/// Writers of the same few logs, each trying again where another came first.
async fn concurrent_writers_leave_no_gap(store: Arc<dyn Store>) {
    const WRITERS: u8 = 8;
    const EACH: u32 = 30;
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for n in 0..EACH {
                let text = format!("{writer}:{n}");
                let room = 1 + (writer + n as u8) % 3;
                let mut expected = head_seq(&*store, log(room)).await.unwrap_or(0);
                while let Err(Refusal::HeadMoved { actual, .. }) =
                    apply_one(&*store, appending(room, expected, &[&text])).await
                {
                    expected = actual;
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("no writer panics");
    }
    let mut seen = Vec::new();
    for room in 1..=3 {
        let found = texts(&*store, log(room), ALL).await;
        assert_eq!(head_seq(&*store, log(room)).await, Some(found.len() as u64));
        for (expected, (seq, text)) in (1..).zip(found) {
            assert_eq!(seq, expected, "no gap");
            seen.push(text);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), usize::from(WRITERS) * EACH as usize, "nothing lost or doubled");
}

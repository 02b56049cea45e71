//! Random sequences of operations, with reopens, against the memory store.

use std::sync::Arc;

use bytes::Bytes;
use parlour_core::{
    ports::store::{Append, Batch, Erase, LogKey, Put, ReadRange, Scan, Shard, Store},
    tables::Table,
};
use parlour_protocol::ids::RoomId;
use proptest::prelude::*;

use crate::{Kind, Memory, Options, any};

#[derive(Clone, Debug)]
enum Step {
    Group(Vec<Batch>),
    Read(LogKey, ReadRange),
    Scan(Scan),
    Purge(LogKey, u64),
    Reopen,
}

const TABLES: [Table; 2] = [Table::SENDS, Table::ROOMS];

fn log() -> impl Strategy<Value = LogKey> {
    (0..3_u8).prop_map(|n| LogKey::Room(RoomId::from_bytes([n; 16])))
}

fn body() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from),
        1 => (any::<u8>(), 3_990..9_000_usize).prop_map(|(n, len)| Bytes::from(vec![n; len])),
        1 => (any::<u8>(), 65_530..65_540_usize).prop_map(|(n, len)| Bytes::from(vec![n; len])),
    ]
}

fn key() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0xff)], 0..4).prop_map(Bytes::from)
}

fn table() -> impl Strategy<Value = Table> {
    prop::sample::select(&TABLES[..])
}

fn batch() -> impl Strategy<Value = Batch> {
    let absent = prop::collection::vec((table(), key()), 0..2);
    // Expected heads are put right in `run`, most of the time.
    let append = (log(), 0..6_u64, prop::collection::vec(body(), 0..3), key());
    let append = append.prop_map(|(log, expected_seq, records, state)| Append {
        log,
        expected_seq,
        records,
        state,
    });
    let put = (table(), key(), prop::option::of(body()));
    let put = put.prop_map(|(table, key, value)| Put { table, key, value });
    let erase = (log(), 0..12_u64, body());
    let erase = erase.prop_map(|(log, seq, record)| Erase { log, seq, record });
    let parts = (
        absent,
        prop::option::of(append),
        prop::collection::vec(put, 0..4),
        prop::option::weighted(0.2, erase),
    );
    parts.prop_map(|(absent, append, puts, erase)| Batch {
        shard: Shard::Node,
        absent,
        appends: append.into_iter().collect(),
        puts,
        erases: erase.into_iter().collect(),
    })
}

fn step() -> impl Strategy<Value = Step> {
    let read = (log(), 0..20_u64, 0..20_u64, any::<bool>(), 0..100_usize, 0..100_000_usize);
    let read = read.prop_map(|(log, from, to, reverse, records_max, bytes_max)| {
        Step::Read(log, ReadRange { from, to, reverse, records_max, bytes_max })
    });
    let scan = (table(), key(), prop::option::of(key()), any::<bool>(), 0..100_usize);
    let scan = scan.prop_map(|(table, from, to, reverse, rows_max)| {
        Step::Scan(Scan { table, from, to, reverse, rows_max })
    });
    prop_oneof![
        8 => prop::collection::vec(batch(), 1..5).prop_map(Step::Group),
        3 => read,
        3 => scan,
        1 => (log(), 0..12_u64).prop_map(|(log, up_to)| Step::Purge(log, up_to)),
        1 => Just(Step::Reopen),
    ]
}

/// Corrects expected heads from the model, so that most appends are accepted: those that expect
/// an even number.
async fn correct(model: &Memory, group: &mut [Batch]) {
    for batch in group {
        for append in &mut batch.appends {
            if append.expected_seq % 2 == 0 {
                let head = model.heads(&[append.log]).await.unwrap().remove(0);
                append.expected_seq = head.map_or(0, |head| head.seq);
            }
        }
    }
}

async fn open(kind: Kind, options: &Options) -> Arc<dyn Store> {
    any::open(kind, options.clone()).await.unwrap()
}

async fn run(kind: Kind, steps: Vec<Step>) {
    let scratch = tempfile::tempdir().unwrap();
    let options =
        Options { reserve_bytes: 0, cache_bytes: 1 << 20, ..Options::new(scratch.path()) };
    let model = Memory::new([0; 16]);
    let mut store = open(kind, &options).await;
    for step in steps {
        match step {
            Step::Group(mut group) => {
                correct(&model, &mut group).await;
                let expected = model.append(group.clone()).await.unwrap();
                assert_eq!(store.append(group).await.unwrap(), expected);
            }
            Step::Read(log, range) => {
                let expected = model.read(log, range).await.unwrap();
                assert_eq!(store.read(log, range).await.unwrap(), expected);
            }
            Step::Scan(scan) => {
                let expected = model.scan(scan.clone()).await.unwrap();
                assert_eq!(store.scan(scan).await.unwrap(), expected);
            }
            Step::Purge(log, up_to) => {
                model.purge(log, up_to).await.unwrap();
                store.purge(log, up_to).await.unwrap();
            }
            Step::Reopen => {
                drop(store);
                store = open(kind, &options).await;
            }
        }
    }
    drop(store);
    let report = crate::maintenance::check(&options).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sled_does_what_the_model_does(steps in prop::collection::vec(step(), 1..40)) {
        block_on(run(Kind::Sled, steps));
    }

    #[test]
    fn redb_does_what_the_model_does(steps in prop::collection::vec(step(), 1..40)) {
        block_on(run(Kind::Redb, steps));
    }
}

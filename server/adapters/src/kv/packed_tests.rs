//! Blocks over an engine in memory that can fail, and over sled.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

use proptest::prelude::*;

use super::*;
use crate::{
    kv::block::Row,
    limits::{BLOCK_BYTES, MERGE_BYTES},
};

/// An ordered map; every write is counted down, and fails at zero.
#[derive(Default)]
struct Map {
    rows: Mutex<BTreeMap<Vec<u8>, Bytes>>,
    applied: Mutex<Vec<Writes>>,
    writes_left: Option<AtomicUsize>,
}

impl Engine for Map {
    const NAME: &'static str = "map";
    const JOURNALED: bool = true;

    fn open(_: &Path, _: &Options) -> Result<Self, OpenError> {
        Ok(Map::default())
    }

    fn is_in(_: &Path) -> bool {
        false
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.rows.lock().unwrap().get(key).cloned())
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        let (mut from, mut to) = (from.to_vec(), to.to_vec());
        // Row by row, as sled does: writes come in between.
        while from < to {
            let row = {
                let rows = self.rows.lock().unwrap();
                let mut range = rows.range(from.clone()..to.clone());
                let row = if reverse { range.next_back() } else { range.next() };
                row.map(|(key, value)| (key.clone(), value.clone()))
            };
            let Some((key, value)) = row else { break };
            if visit(&key, &value).is_break() {
                break;
            }
            if reverse {
                to = key;
            } else {
                from = [&key[..], &[0]].concat();
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> Result<(), EngineError> {
        if let Some(left) = &self.writes_left
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err()
        {
            return Err(EngineError::Io(std::io::Error::other("no more writes")));
        }
        let mut rows = self.rows.lock().unwrap();
        for (key, value) in &writes {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        drop(rows);
        self.applied.lock().unwrap().push(writes);
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

fn over<E>(engine: E) -> Packed<E> {
    Packed { engine, overlay: Overlay::default(), drain: Mutex::default() }
}

fn row(key: &[u8], value: impl Into<Bytes>) -> Writes {
    Writes::from([(key.to_vec(), Some(value.into()))])
}

fn all<E: Engine>(packed: &Packed<E>, from: &[u8], to: &[u8], reverse: bool) -> Vec<Row> {
    let mut out = Vec::new();
    packed
        .scan(from, to, reverse, &mut |key, value| {
            out.push((key.to_vec(), Bytes::copy_from_slice(value)));
            ControlFlow::Continue(())
        })
        .unwrap();
    out
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Writes),
    Sync,
    Get(Vec<u8>),
    Scan(Vec<u8>, Vec<u8>, bool, usize),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(2), Just(3), Just(4)], 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from),
        1 => (any::<u8>(), 1_000..4_008_usize).prop_map(|(n, len)| Bytes::from(vec![n; len])),
    ];
    let writes = prop::collection::btree_map(key(), prop::option::weighted(0.7, value), 0..40);
    prop_oneof![
        4 => writes.prop_map(Step::Apply),
        2 => Just(Step::Sync),
        2 => key().prop_map(Step::Get),
        4 => (key(), key(), any::<bool>(), 1..200_usize)
            .prop_map(|(from, to, reverse, max)| Step::Scan(from, to, reverse, max)),
    ]
}

fn play(steps: Vec<Step>) {
    let packed = over(Map::default());
    let mut model = BTreeMap::new();
    for step in steps {
        match step {
            Step::Apply(writes) => {
                packed.apply(writes.clone()).unwrap();
                for (key, value) in writes {
                    match value {
                        Some(value) => model.insert(key, value),
                        None => model.remove(&key),
                    };
                }
            }
            Step::Sync => packed.sync().unwrap(),
            Step::Get(key) => assert_eq!(packed.get(&key).unwrap(), model.get(&key).cloned()),
            Step::Scan(from, to, reverse, max) => {
                let mut found = Vec::new();
                packed
                    .scan(&from, &to, reverse, &mut |key, value| {
                        found.push((key.to_vec(), Bytes::copy_from_slice(value)));
                        if found.len() < max {
                            ControlFlow::Continue(())
                        } else {
                            ControlFlow::Break(())
                        }
                    })
                    .unwrap();
                let mut wanted: Vec<Row> = model
                    .iter()
                    .filter(|(key, _)| **key >= from && **key < to)
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                if reverse {
                    wanted.reverse();
                }
                wanted.truncate(max);
                assert_eq!(found, wanted);
            }
        }
    }
    packed.sync().unwrap();
    assert_eq!(all(&packed, &[], &[layout::END], false), model.into_iter().collect::<Vec<_>>());
    for (key, block) in &*packed.engine.rows.lock().unwrap() {
        let bound = if key[0] == BLOCK { BLOCK_BYTES.max(4_008 + 40) } else { usize::MAX };
        assert!(block.len() <= bound, "a block of {} bytes", block.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_an_ordered_map(steps in prop::collection::vec(step(), 1..60)) {
        play(steps);
    }
}

#[test]
fn rows_that_follow_each_other_fill_blocks() {
    let packed = over(Map::default());
    for n in 0..3_000_u32 {
        let key = [&[layout::RECORD][..], &n.to_be_bytes()].concat();
        packed.apply(row(&key, vec![7; 100])).unwrap();
        if n % 5 == 0 {
            packed.sync().unwrap();
        }
    }
    packed.sync().unwrap();
    let blocks = packed.engine.rows.lock().unwrap().len();
    assert!(blocks <= 3_000 * 110 / BLOCK_BYTES + 2, "{blocks} blocks");
}

#[test]
fn what_a_store_says_of_itself_is_written_last_and_alone() {
    let packed = over(Map::default());
    packed.apply(row(&layout::meta_key("tally"), "1")).unwrap();
    for n in 0..2_000_u32 {
        let key = [&[layout::RECORD][..], &n.to_be_bytes()].concat();
        packed.apply(row(&key, vec![7; 200])).unwrap();
    }
    packed.sync().unwrap();
    let applied = packed.engine.applied.lock().unwrap();
    let (last, before) = applied.split_last().unwrap();
    assert_eq!(*last, row(&layout::meta_key("tally"), "1"));
    assert!(before.len() > 2 && before.iter().flatten().all(|(key, _)| key[0] == BLOCK));
    before.iter().for_each(assert_short);
}

/// sled may write a page for each block, so their number is what counts between two syncs.
fn assert_short(slice: &Writes) {
    let blocks_max = (SLICE_BYTES + 2 * MERGE_BYTES) / BLOCK_BYTES;
    assert!(slice.len() <= blocks_max, "{} blocks between two syncs", slice.len());
}

#[test]
fn small_changes_all_over_are_synced_in_short_slices() {
    let packed = over(Map::default());
    let key = |n: u32| [&[layout::RECORD][..], &n.to_be_bytes()].concat();
    for n in 0..20_000 {
        packed.apply(row(&key(n), vec![7; 100])).unwrap();
    }
    packed.sync().unwrap();
    packed.engine.applied.lock().unwrap().clear();
    for n in (0..20_000).step_by(30) {
        packed.apply(row(&key(n), "changed")).unwrap();
    }
    packed.sync().unwrap();
    packed.apply((0..20_000).map(|n| (key(n), None)).collect()).unwrap();
    packed.sync().unwrap();
    let applied = packed.engine.applied.lock().unwrap();
    assert!(applied.len() > 50, "{} slices", applied.len());
    applied.iter().for_each(assert_short);
    assert!(packed.engine.rows.lock().unwrap().is_empty(), "no block stays without rows");
}

#[test]
fn a_drain_that_failed_is_the_engine_s_last() {
    let map = Map { writes_left: Some(AtomicUsize::new(0)), ..Map::default() };
    let packed = over(map);
    packed.apply(row(&[layout::ROW, 1], "kept")).unwrap();
    assert!(packed.sync().is_err());
    packed.engine.writes_left.as_ref().unwrap().store(9, Ordering::SeqCst);
    assert!(packed.sync().is_err(), "what it left may be there in part");
    assert_eq!(packed.get(&[layout::ROW, 1]).unwrap(), Some("kept".into()), "and stays readable");
}

#[test]
fn a_drain_cut_short_anywhere_loses_nothing_on_replay() {
    let commit = |n: u32| {
        let mut writes = row(&layout::meta_key("tally"), n.to_string());
        for i in 0..60_u32 {
            let key = [&[layout::ROW][..], &(i * 37 % 101 + n * 7).to_be_bytes()].concat();
            writes.insert(key, (i % 5 != 0).then(|| Bytes::from(format!("{n} {i}").repeat(9))));
        }
        writes
    };
    for writes_left in 0..12 {
        let map = Map { writes_left: Some(AtomicUsize::new(writes_left)), ..Map::default() };
        let packed = over(map);
        let mut model = Writes::new();
        for n in 0..30 {
            packed.apply(commit(n)).unwrap();
            model.extend(commit(n));
            let failed = n % 10 == 9 && packed.sync().is_err();
            let expected: Vec<Row> =
                model.iter().filter_map(|(k, v)| Some((k.clone(), v.clone()?))).collect();
            assert_eq!(all(&packed, &[], &[layout::END], false), expected);
            if failed {
                break;
            }
        }
        // A restart: the memory is gone, and what the commit number doesn't cover is replayed.
        let rows = packed.engine.rows.into_inner().unwrap();
        let again = over(Map { rows: Mutex::new(rows), ..Map::default() });
        let tally = again.get(&layout::meta_key("tally")).unwrap();
        let from =
            tally.map_or(0, |n| std::str::from_utf8(&n).unwrap().parse::<u32>().unwrap() + 1);
        for n in from..30 {
            again.apply(commit(n)).unwrap();
        }
        again.sync().unwrap();
        let mut whole = Writes::new();
        (0..30).for_each(|n| whole.extend(commit(n)));
        let whole: Vec<Row> = whole.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
        assert_eq!(
            all(&again, &[], &[layout::END], true).into_iter().rev().collect::<Vec<_>>(),
            whole
        );
    }
}

/// Rows that never change are seen by every scan, and once, whatever is split meanwhile.
fn scans_beside_drains<E: Engine>(engine: E) {
    let packed = Arc::new(over(engine));
    let still = |n: u32| [&[layout::ROW][..], &n.to_be_bytes(), b"still"].concat();
    for n in 0..500 {
        packed.apply(row(&still(n), vec![1; 60])).unwrap();
    }
    packed.sync().unwrap();
    let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let writer = std::thread::spawn({
        let (packed, stop, rounds) = (packed.clone(), stop.clone(), rounds.clone());
        move || {
            for round in 0_u32.. {
                rounds.store(round, Ordering::Relaxed);
                for n in (0..500_u32).filter(|n| n % 7 == round % 7) {
                    let key = [&[layout::ROW][..], &n.to_be_bytes(), &round.to_be_bytes()].concat();
                    let value = (round % 3 != 0).then(|| Bytes::from(vec![2; 90]));
                    packed.apply(Writes::from([(key, value)])).unwrap();
                }
                packed.sync().unwrap();
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    let wanted: Vec<Vec<u8>> = (0..500).map(still).collect();
    for turn in 0.. {
        if turn >= 60 && rounds.load(Ordering::Relaxed) > 20 {
            break;
        }
        let reverse = turn % 2 == 1;
        let mut found: Vec<Vec<u8>> = all(&packed, &[layout::ROW], &[layout::MORE], reverse)
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        if reverse {
            found.reverse();
        }
        assert!(found.is_sorted_by(|one, other| one < other), "in order and once");
        found.retain(|key| key.ends_with(b"still"));
        if found != wanted {
            let miss: Vec<u32> = wanted
                .iter()
                .filter(|k| !found.contains(k))
                .map(|k| u32::from_be_bytes(k[1..5].try_into().unwrap()))
                .collect();
            panic!("reverse {reverse} round {} missing {miss:?}", rounds.load(Ordering::Relaxed));
        }
        for n in [0, 250, 499] {
            assert!(packed.get(&still(n)).unwrap().is_some());
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

#[test]
fn scans_beside_drains_miss_nothing() {
    scans_beside_drains(Map::default());
}

#[test]
fn scans_beside_drains_miss_nothing_over_sled() {
    let scratch = tempfile::tempdir().unwrap();
    let options = Options { cache_bytes: 4 << 20, ..Options::new(scratch.path()) };
    scans_beside_drains(crate::sled::SledTree::open(scratch.path(), &options).unwrap());
}

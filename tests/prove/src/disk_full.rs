//! A full disk, on a tmpfs of 24 MB: read-only first, a clean error, nothing lost, and it
//! recovers by itself once there is room.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Buf;
use parlour_adapters::{Kind, Options};
use parlour_core::{
    ports::store::{LogKey, Store, StoreError},
    tables::Table,
};
use tokio::runtime::Runtime;

use crate::{
    args::Args,
    load::{self, ROOMS, WRITERS},
    report::{Report, quantiles_ms},
    rng::Rng,
    small_disk::Disk,
    store,
    truth::{Said, Truth, scrub},
};

const RESERVE_BYTES: u64 = 6 << 20;
/// More than fits on the disk.
const BATCHES_MAX: u64 = 100_000;
/// Taken at first and freed when the disk is full: what a store wants free beyond its reserve
/// before it accepts writes again, and one more segment of sled's, which begins one when it is
/// opened.
const BALLAST_BYTES: u64 = RESERVE_BYTES / 4 + (4 << 20) + (1 << 19);
const RECOVERY_MAX: Duration = Duration::from_secs(15);

pub(crate) fn run(args: &Args) -> Report {
    let rounds = args.count(10, 2);
    let mut report = Report::default();
    for kind in args.stores() {
        for (name, reserve_bytes) in [("reserve", RESERVE_BYTES), ("no_reserve", 0)] {
            let part = run_on(args, kind, rounds, reserve_bytes);
            report.part(&format!("{kind}_{name}"), part);
        }
    }
    report
}

fn run_on(args: &Args, kind: Kind, rounds: u64, reserve_bytes: u64) -> Report {
    let mut report = Report::default();
    let (mut acked, mut recoveries) = (0, Vec::new());
    let mut rng = Rng::new(args.seed);
    let runtime = store::runtime();
    for round in 0..rounds {
        let disk = match Disk::mount() {
            Ok(disk) => disk,
            Err(problem) => {
                report.violation(&format!("NOT RUN: {problem}"));
                return report;
            }
        };
        let options = Options { reserve_bytes, ..store::options(&disk.path().join("store")) };
        let mut trial = Trial {
            runtime: &runtime,
            kind,
            options,
            ballast: disk.path().join("ballast"),
            said: Said::default(),
            report: &mut report,
        };
        recoveries.extend(trial.run(BALLAST_BYTES + rng.below(1 << 20)));
        acked += trial.said.acked.len();
        args.progress(&format!("disk-full {kind}: {} of {rounds}", round + 1));
    }
    report.trials(rounds);
    report.figure("acked", acked);
    report.figure("recovery_ms", quantiles_ms(recoveries));
    report
}

/// One disk filled and freed.
struct Trial<'a> {
    runtime: &'a Runtime,
    kind: Kind,
    options: Options,
    /// A file that takes room, to be removed later.
    ballast: PathBuf,
    said: Said,
    report: &'a mut Report,
}

impl Trial<'_> {
    /// Returns how long the store took to accept writes again.
    fn run(&mut self, ballast_bytes: u64) -> Option<Duration> {
        let ballast = vec![1; ballast_bytes as usize];
        fs::write(&self.ballast, ballast).expect("the disk is empty");
        let store = match store::open(self.runtime, self.kind, self.options.clone()) {
            Ok(store) => store,
            Err(error) => {
                self.report.violation(&format!("doesn't open on an empty disk: {error}"));
                return None;
            }
        };
        let refused = self.write(&*store, BATCHES_MAX).err();
        let expected = if self.options.reserve_bytes > 0 {
            StoreError::ReadOnly
        } else {
            StoreError::Unavailable
        };
        self.report.expect(refused == Some(expected), || format!("refused with {refused:?}"));
        if refused == Some(StoreError::ReadOnly) {
            self.report.expect(!store.writable(), || "says it is writable".into());
            self.compare(&*store);
        }
        fs::remove_file(&self.ballast).expect("it is there");
        let took = self.wait_until_writable(&*store);
        self.goes_on(&*store, "once there is room");
        drop(store);
        match store::open(self.runtime, self.kind, self.options.clone()) {
            Ok(store) => self.goes_on(&*store, "after a reopen"),
            Err(error) => self.report.violation(&format!("doesn't open again: {error}")),
        }
        scrub(&self.options, self.report);
        took
    }

    /// Everything is there, and more can be written.
    fn goes_on(&mut self, store: &dyn Store, when: &str) {
        self.compare(store);
        if let Err(error) = self.write(store, 32) {
            self.report.violation(&format!("{when}: {error:?}"));
        }
        self.compare(store);
    }

    /// Writes batches from each writer in turn, from where the store is: what was refused may
    /// have been written all the same.
    fn write(&mut self, store: &dyn Store, count: u64) -> Result<(), StoreError> {
        let mut next = [1; WRITERS as usize];
        let mut heads = [0; ROOMS as usize];
        for (writer, next) in (0..).zip(&mut next) {
            let key = load::last_key(writer % ROOMS, writer);
            let last = self.runtime.block_on(store.get(Table::LAST_SENT, &key))?;
            *next = last.map_or(1, |mut last| last.get_u64() + 1);
        }
        for (room, head) in (0..).zip(&mut heads) {
            let logs = [LogKey::Room(load::room(room))];
            let found = self.runtime.block_on(store.heads(&logs))?.remove(0);
            *head = found.map_or(0, |head| head.seq);
        }
        for step in 0..count {
            let writer = (step % u64::from(WRITERS)) as u8;
            let room = writer % ROOMS;
            let (n, head) = (&mut next[usize::from(writer)], &mut heads[usize::from(room)]);
            let batch = load::batch(room, writer, *n, *head);
            let added = batch.appends[0].records.len() as u64;
            let results = self.runtime.block_on(store.append(vec![batch]))?;
            self.report.expect(results[0].is_ok(), || format!("refused: {results:?}"));
            self.said.acked.insert((room, writer, *n), *head + 1);
            *head += added;
            *n += 1;
        }
        Ok(())
    }

    fn compare(&mut self, store: &dyn Store) {
        let mut truth = Truth::default();
        truth.add(&self.said);
        self.runtime.block_on(truth.compare(store, self.report));
    }

    fn wait_until_writable(&mut self, store: &dyn Store) -> Option<Duration> {
        let since = Instant::now();
        while since.elapsed() < RECOVERY_MAX {
            if store.writable() {
                return Some(since.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.report.violation("it doesn't recover");
        None
    }
}

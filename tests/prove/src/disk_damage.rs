//! Damaged disks: truncated, garbled, zeroed copies of a store. Never silent, no wrong byte
//! served: the store doesn't open, or says which record is damaged, or a check reports what is
//! missing or older than it was.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::{Buf, Bytes};
use parlour_adapters::{Kind, maintenance};
use parlour_core::{
    ports::store::{LogKey, ReadRange, Scan, Store, Stored},
    tables::Table,
};
use tokio::runtime::Runtime;

use crate::{
    args::Args,
    load::{self, ROOMS, WRITERS},
    report::Report,
    rng::Rng,
    store,
};

/// Batches in the store that is damaged.
const BATCHES: u64 = 1_200;

pub(crate) fn run(args: &Args) -> Report {
    let copies = args.count(100, 10);
    let mut report = Report::default();
    // Engines assert on damage and the adapters catch that; the messages would hide the figures.
    std::panic::set_hook(Box::new(|_| {}));
    for kind in args.stores() {
        report.part(kind.name(), run_on(args, kind, copies));
    }
    let _ = std::panic::take_hook();
    report
}

fn run_on(args: &Args, kind: Kind, copies: u64) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let runtime = store::runtime();
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let original = scratch.path().join("original");
    let truth = {
        let store = store::open(&runtime, kind, store::options(&original));
        let store = store.expect("a new store opens");
        runtime.block_on(fill(&*store));
        runtime.block_on(Contents::read(&*store)).expect("nothing is damaged yet")
    };
    let mut found = Found::default();
    for copy in 0..copies {
        let path = scratch.path().join("copy");
        copy_tree(&original, &path).expect("there is room for one copy");
        let what = damage(&path, &mut rng).expect("the copy can be damaged");
        if let Err(problem) = judge(&runtime, kind, &path, &truth, &mut found) {
            report.violation(&format!("copy {copy}, {what}: {problem}"));
        }
        fs::remove_dir_all(&path).expect("it was just made");
    }
    args.progress(&format!("disk-damage {kind}: {found:?}"));
    report.trials(copies);
    report.figure("refused_to_open", found.unopened);
    report.figure("reported_by_check", found.reported);
    report.figure("said_while_reading", found.said);
    report.figure("harmless", found.harmless);
    report
}

/// How damage showed.
#[derive(Debug, Default)]
struct Found {
    unopened: u64,
    reported: u64,
    said: u64,
    harmless: u64,
}

async fn fill(store: &dyn Store) {
    let mut heads = [0; ROOMS as usize];
    for n in 0..BATCHES {
        let writer = (n % u64::from(WRITERS)) as u8;
        let room = writer % ROOMS;
        let head = &mut heads[usize::from(room)];
        let batch = load::batch(room, writer, 1 + n / u64::from(WRITERS), *head);
        *head += batch.appends[0].records.len() as u64;
        let results = store.append(vec![batch]).await.expect("there is room");
        assert!(results[0].is_ok(), "one writer meets no refusal");
    }
}

/// Everything a store answers.
#[derive(Debug, PartialEq)]
struct Contents {
    heads: Vec<Option<(u64, Bytes)>>,
    logs: Vec<Vec<Stored>>,
    rows: Vec<Vec<(Bytes, Bytes)>>,
}

const TABLES: [Table; 2] = [Table::SENDS, Table::LAST_SENT];

impl Contents {
    /// Reads all of it; `None` where the store said that it can't.
    async fn read(store: &dyn Store) -> Option<Contents> {
        let (mut heads, mut logs, mut rows) = (vec![], vec![], vec![]);
        for room in 0..ROOMS {
            let log = LogKey::Room(load::room(room));
            let head = store.heads(&[log]).await.ok()?.remove(0);
            heads.push(head.map(|head| (head.seq, head.state)));
            let range = ReadRange {
                from: 1,
                to: u64::MAX,
                reverse: room % 2 == 1,
                records_max: 100_000,
                bytes_max: usize::MAX,
            };
            logs.push(store.read(log, range).await.ok()?);
        }
        for table in TABLES {
            rows.push(store.scan(Scan::prefix(table, Bytes::new(), 1_000_000)).await.ok()?);
        }
        Some(Contents { heads, logs, rows })
    }

    /// A record or a row that was never written in that place, or a head that never was one.
    fn wrong(&self, truth: &Contents) -> Option<String> {
        for (room, (log, truth)) in self.logs.iter().zip(&truth.logs).enumerate() {
            let wrong = |stored: &&Stored| stored.record.is_some() && !truth.contains(stored);
            if let Some(stored) = log.iter().find(wrong) {
                return Some(format!("room {room}: record {} was never written", stored.seq));
            }
        }
        for (table, (rows, truth)) in self.rows.iter().zip(&truth.rows).enumerate() {
            let wrong = rows.iter().find(|row| !was_row(table, row, truth));
            if let Some((key, value)) = wrong {
                return Some(format!("table {table}: {key:?} never was {value:?}"));
            }
        }
        for (room, (head, truth)) in self.heads.iter().zip(&truth.heads).enumerate() {
            if head.as_ref().is_some_and(|head| !was_head(head, truth.as_ref())) {
                return Some(format!("room {room}: {head:?} never was its head"));
            }
        }
        None
    }

    fn has_damaged_records(&self) -> bool {
        self.logs.iter().flatten().any(|stored| stored.record.is_none())
    }
}

/// Whether a row is there, or was: a rollback shows what a writer said before its last.
fn was_row(table: usize, row: &(Bytes, Bytes), truth: &[(Bytes, Bytes)]) -> bool {
    let (key, value) = row;
    let Ok(at) = truth.binary_search_by(|(there, _)| there.cmp(key)) else { return false };
    let (mut now, mut then) = (&truth[at].1[..], &value[..]);
    now == then
        || (TABLES[table] == Table::LAST_SENT
            && then.len() == 8
            && (1..now.get_u64()).contains(&then.get_u64()))
}

/// Whether that is the head, or was: a head's state is its own number.
fn was_head((seq, state): &(u64, Bytes), truth: Option<&(u64, Bytes)>) -> bool {
    truth.is_some_and(|(last, _)| seq <= last) && state[..] == seq.to_be_bytes()
}

fn judge(
    runtime: &Runtime,
    kind: Kind,
    path: &Path,
    truth: &Contents,
    found: &mut Found,
) -> Result<(), String> {
    let checked = maintenance::check(&store::options(path));
    let store = match (&checked, store::open(runtime, kind, store::options(path))) {
        (_, Ok(store)) => store,
        (Err(_), Err(_)) => {
            found.unopened += 1;
            return Ok(());
        }
        (Ok(report), Err(error)) => {
            return if report.is_clean() {
                Err(format!("check found nothing, then: {error}"))
            } else {
                found.unopened += 1;
                Ok(())
            };
        }
    };
    let contents = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), Contents::read(&*store)).await
    });
    let contents = contents.map_err(|_| "reading hangs".to_owned())?;
    let reported = checked.is_err() || checked.is_ok_and(|report| !report.is_clean());
    let Some(contents) = contents else {
        found.said += 1;
        return Ok(());
    };
    // Whether or not a check sees it: what was never written there is never served.
    if let Some(wrong) = contents.wrong(truth) {
        return Err(wrong);
    }
    match (contents == *truth, reported) {
        (true, false) => found.harmless += 1,
        // An older state, or less than there was, is for the check to see where no reader does.
        (_, true) => found.reported += 1,
        (false, false) if contents.has_damaged_records() => found.said += 1,
        (false, false) => return Err("something is missing, and nobody says so".into()),
    }
    Ok(())
}

/// Copies a folder with what is in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Every file that isn't empty, with its length.
fn files(folder: &Path, out: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files(&entry.path(), out)?;
        } else if entry.metadata()?.len() > 0 {
            out.push((entry.path(), entry.metadata()?.len()));
        }
    }
    out.sort();
    Ok(())
}

/// Truncates, garbles or zeroes; half of the time in the largest file, else in any.
pub(crate) fn damage(folder: &Path, rng: &mut Rng) -> io::Result<String> {
    let mut all = Vec::new();
    files(folder, &mut all)?;
    let largest = all.iter().max_by_key(|(_, len)| *len).cloned();
    let any = all[rng.below(all.len() as u64) as usize].clone();
    let (path, len) = if rng.below(2) == 0 { largest.unwrap_or(any) } else { any };
    let file = File::options().write(true).open(&path)?;
    let name = path.strip_prefix(folder).unwrap_or(&path).display();
    let at = rng.below(len);
    match rng.below(3) {
        0 => {
            file.set_len(at)?;
            Ok(format!("{name} cut from {len} to {at}"))
        }
        1 => {
            let bytes = (1 + rng.below(64)).min(len - at);
            file.write_all_at(&rng.bytes(bytes as usize), at)?;
            Ok(format!("{name} of {len} garbled at {at}, {bytes} bytes"))
        }
        _ => {
            let bytes = (1 + rng.below(256 * 1024)).min(len - at);
            file.write_all_at(&vec![0; bytes as usize], at)?;
            Ok(format!("{name} of {len} zeroed at {at}, {bytes} bytes"))
        }
    }
}

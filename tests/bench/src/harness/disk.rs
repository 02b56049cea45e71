//! The disk by itself: how long small writes take until they are on it. Who acknowledges only what is durable
//! waits at least as long, and what a shared disk does to that is no fault of who is measured.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::histogram::Histogram;
use super::{Outcome, during};

/// What is written at once, as often as fits into a file that was written before, as a journal is.
const BYTES: usize = 2048;
const TIMES: u64 = 1024;

/// Writes and syncs so many times a second.
pub(crate) fn syncs(folder: &Path, per_second: f64, time: Duration) -> Outcome<Histogram> {
    let failed = || during("the disk");
    let path = folder.join("syncs");
    let file = File::create(&path).map_err(failed())?;
    file.write_all_at(&vec![0; BYTES * TIMES as usize], 0).map_err(failed())?;
    file.sync_all().map_err(failed())?;
    let (mut took, begun) = (Histogram::new(), Instant::now());
    for n in 0..(time.as_secs_f64() * per_second) as u64 {
        let due = begun + Duration::from_secs_f64(n as f64 / per_second);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        file.write_all_at(&[n as u8; BYTES], n % TIMES * BYTES as u64).map_err(failed())?;
        file.sync_data().map_err(failed())?;
        // From when it was to begin: what waits for a slow one counts as well, as posts do.
        took.add(due.elapsed());
    }
    std::fs::remove_file(&path).map_err(failed())?;
    Ok(took)
}

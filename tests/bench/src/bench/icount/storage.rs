//! The parts of the store: what turns a send's rows into bytes on the disk and back.

use std::hint::black_box;

use bytes::Bytes;
use parlour_adapters::kv::{
    block::{Builder, Reader, Row},
    engine::Writes,
    journal, layout,
};
use parlour_core::ports::store::LogKey;
use parlour_protocol::ids::RoomId;

const LOG: LogKey = LogKey::Room(RoomId::from_bytes([3; 16]));
/// About what a post of 200 bytes takes in a log.
const RECORD_BYTES: usize = 280;
/// Records that lie in one block.
const ROWS: u64 = 12;

fn record(seq: u64) -> Vec<u8> {
    (0..RECORD_BYTES).map(|at| (at as u64 * 31 + seq) as u8).collect()
}

/// The rows that a send writes: its record and four short ones.
fn writes() -> Writes {
    let mut writes = Writes::new();
    layout::put(&mut writes, &layout::record_key(LOG, 1), &record(1));
    for row in 0..4_u8 {
        layout::put(&mut writes, &[&[3, row], &[7; 32][..]].concat(), &[row; 40]);
    }
    writes
}

/// A record under its key, and what lies there as a record again.
pub(super) fn record_round(operations: u64) {
    let (key, body) = (layout::record_key(LOG, 1), record(1));
    for _ in 0..operations {
        let mut writes = Writes::new();
        layout::put(&mut writes, black_box(&key), black_box(&body));
        let value = writes.remove(&key).flatten().expect("it was put");
        black_box(layout::body(&key, &value, &[]).expect("own bytes"));
    }
}

/// A send's writes as an entry of the journal, and the entry as writes again.
pub(super) fn journal_round(operations: u64) {
    let writes = writes();
    for _ in 0..operations {
        let entry = journal::encode(black_box(&writes));
        black_box(journal::decode(entry).expect("own bytes"));
    }
}

/// Records into a block, and one of them found there.
pub(super) fn block_round(operations: u64) {
    let row = |seq| -> Row { (layout::record_key(LOG, seq), Bytes::from(record(seq))) };
    let rows: Vec<Row> = (1..=ROWS).map(row).collect();
    let fence = &rows[0].0;
    for _ in 0..operations {
        let mut builder = Builder::new();
        for row in &rows {
            builder.push(black_box(row)).expect("short rows");
        }
        let block = builder.finish(fence);
        let reader = Reader::new(fence, black_box(&block)).expect("own bytes");
        black_box(reader.find(&rows[ROWS as usize / 2].0).expect("own bytes"));
    }
}

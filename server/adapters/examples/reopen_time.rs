//! How long a clean start takes with many events stored:
//! `cargo run --release -p parlour-adapters --example reopen_time [sled|redb] [events]`.
//! Prints one JSON line.

#![allow(clippy::print_stdout)] // A program for a person at a terminal.

use std::time::Instant;

use bytes::Bytes;
use parlour_adapters::{Kind, Options, any};
use parlour_core::ports::store::{Append, Batch, LogKey, Shard};
use parlour_protocol::ids::RoomId;

const ROOMS: u16 = 100;
const RECORDS: u64 = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let kind: Kind = args.next().as_deref().unwrap_or("sled").parse()?;
    let events: u64 = args.next().as_deref().unwrap_or("100000").parse()?;
    let scratch = tempfile::tempdir()?;
    let options = Options::new(scratch.path());
    let store = any::open(kind, options.clone()).await?;
    let since = Instant::now();
    for round in 0..events / (u64::from(ROOMS) * RECORDS) {
        let batches = (0..ROOMS).map(|room| {
            let room = RoomId::from_bytes(u128::from(room).to_be_bytes());
            let append = Append {
                log: LogKey::Room(room),
                expected_seq: round * RECORDS,
                records: vec![Bytes::from(vec![b'x'; 200]); RECORDS as usize],
                state: Bytes::from_static(&[1; 24]),
            };
            Batch { appends: vec![append], ..Batch::new(Shard::Room(room)) }
        });
        store.append(batches.collect()).await?;
    }
    let filled = since.elapsed();
    let since = Instant::now();
    drop(store);
    let closed = since.elapsed();
    let since = Instant::now();
    let store = any::open(kind, options).await?;
    let opened = since.elapsed();
    drop(store);
    println!(
        "{{\"store\":\"{kind}\",\"events\":{events},\"fill_s\":{:.1},\"close_ms\":{},\
         \"open_ms\":{},\"disk_mb\":{}}}",
        filled.as_secs_f64(),
        closed.as_millis(),
        opened.as_millis(),
        size(scratch.path())? >> 20
    );
    Ok(())
}

fn size(folder: &std::path::Path) -> std::io::Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        total += if meta.is_dir() { size(&entry.path())? } else { meta.len() };
    }
    Ok(total)
}

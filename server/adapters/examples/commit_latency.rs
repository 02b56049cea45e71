//! How long an acknowledgement takes, by store and by writers in flight:
//! `cargo run --release -p parlour-adapters --example commit_latency [sled|redb] [seconds]`.
//! Prints one JSON line per number of writers.

#![allow(clippy::print_stdout)] // A program for a person at a terminal.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_adapters::{Kind, Options, any};
use parlour_core::{
    ports::store::{Append, Batch, LogKey, Put, Shard, Store},
    tables::Table,
};
use parlour_protocol::ids::RoomId;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let kind: Kind = args.next().as_deref().unwrap_or("sled").parse()?;
    let seconds: f64 = args.next().as_deref().unwrap_or("3").parse()?;
    for writers in [1, 8, 64, 256] {
        let scratch = tempfile::tempdir()?;
        let store = any::open(kind, Options::new(scratch.path())).await?;
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let tasks: Vec<_> =
            (0..writers).map(|n| tokio::spawn(write(store.clone(), n, end))).collect();
        let mut took = Vec::new();
        for task in tasks {
            took.append(&mut task.await?);
        }
        took.sort_unstable();
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_micros();
        println!(
            "{{\"store\":\"{kind}\",\"writers\":{writers},\"events_per_s\":{:.0},\
             \"p50_us\":{},\"p99_us\":{},\"p999_us\":{}}}",
            took.len() as f64 / seconds,
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
    Ok(())
}

/// One room's writer: a 200-byte record, a dedupe row and a head, as a message makes them.
async fn write(store: Arc<dyn Store>, n: u16, end: Instant) -> Vec<Duration> {
    let mut room = [7; 16];
    room[..2].copy_from_slice(&n.to_be_bytes());
    let room = RoomId::from_bytes(room);
    let mut took = Vec::new();
    for seq in 0.. {
        let since = Instant::now();
        if since >= end {
            break;
        }
        let append = Append {
            log: LogKey::Room(room),
            expected_seq: seq,
            records: vec![Bytes::from(vec![b'x'; 200])],
            state: Bytes::from_static(&[1; 24]),
        };
        let mut key = room.to_bytes().to_vec();
        key.extend_from_slice(&u64::to_be_bytes(seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let put =
            Put { table: Table::SENDS, key: key.into(), value: Some(Bytes::from_static(&[2; 48])) };
        let batch =
            Batch { appends: vec![append], puts: vec![put], ..Batch::new(Shard::Room(room)) };
        let results = store.append(vec![batch]).await.expect("the disk has room");
        assert!(results[0].is_ok());
        took.push(since.elapsed());
    }
    took
}

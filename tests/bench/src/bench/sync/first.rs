//! What a device hears before it can draw its first screen, and behind it; and what one hears that was away.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_features::raw::{Client, bulk_open, lane_of};
use parlour_protocol::frame;
use parlour_protocol::generated::{Rpc, rpc::Sync};
use parlour_protocol::prost::Message;
use parlour_protocol::sync::{SyncItem, SyncRequest, sync_item};
use parlour_protocol::wire::{BulkCall, BulkItem, bulk_item};
use serde_json::json;

use super::town::{Town, rooms_of, runtime};
use super::{only, title};
use crate::bench::Context;
use crate::harness::figure::{Figure, Sample, Side};
use crate::harness::report::Report;
use crate::harness::{Outcome, machine};

const ROOMS: usize = 5_000;
const ROOMS_QUICK: usize = 200;
/// Rooms with something new after an absence.
const CHANGED: usize = 50;
/// After which nothing counts as changed a moment ago.
const SETTLED: Duration = Duration::from_secs(6);
/// What a first screen may take, everything in it, in bytes.
const SCREEN_BYTES_MAX: f64 = 10_240.0;

/// What a sync said.
#[derive(Default)]
struct Heard {
    /// Up to the first rooms, in bytes: what a screen needs.
    screen: usize,
    screen_after: Duration,
    /// In all.
    whole: usize,
    whole_after: Duration,
    rooms: usize,
    watermark_ms: u64,
    user_seq: u64,
}

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let count = if context.quick { ROOMS_QUICK } else { ROOMS };
    let mut cells: [Vec<Sample>; 7] = Default::default();
    runtime()?.block_on(async {
        let town = Town::make(context, count).await?;
        // What was committed a moment ago is told again, as clocks may fall back.
        tokio::time::sleep(SETTLED).await;
        for _ in 0..context.reps() {
            measure(&town, count, &mut cells).await?;
        }
        Ok::<(), String>(())
    })?;
    let version = env!("CARGO_PKG_VERSION");
    let params = |of: &str| json!({ "rooms": count, "of": of });
    let titles = [
        title("sync-first", params("first screen"), "bytes", Some(SCREEN_BYTES_MAX)),
        title("sync-first", params("first screen"), "ms", None),
        title("sync-first", params("everything"), "bytes/room", None),
        title("sync-first", params("everything"), "ms", None),
        title("sync-first", params("server's processor time"), "us/room", None),
        title("sync-incremental", params("50 rooms changed"), "bytes/changed room", None),
        title("sync-incremental", params("50 rooms changed"), "ms", None),
    ];
    for (title, samples) in titles.iter().zip(&cells) {
        let side = Side { name: "parlour", version, samples };
        report.add(&Figure::new(title, &side, None));
    }
    Ok(())
}

async fn measure(town: &Town, count: usize, cells: &mut [Vec<Sample>; 7]) -> Outcome {
    let reader = town.reader().await?;
    let welcome = reader.welcome();
    let said = frame::encode(welcome).len();
    let incarnation = welcome.incarnation.clone();
    let pids = town.server.pids();
    let before = machine::cpu_ns(&pids);
    let first = sync(&reader, SyncRequest { incarnation, ..SyncRequest::default() }).await?;
    let cpu_us = (machine::cpu_ns(&pids) - before) as f64 / 1000.0;
    if first.rooms != count {
        return Err(format!("{} of {count} rooms", first.rooms));
    }
    let incarnation = reader.welcome().incarnation.clone();
    reader.leave();
    town.write_in(rooms_of(&town.rooms, CHANGED)).await?;
    let reader = town.reader().await?;
    let (watermark_ms, user_seq) = (first.watermark_ms, first.user_seq);
    let request = SyncRequest { incarnation, watermark_ms, user_seq, ..SyncRequest::default() };
    let again = sync(&reader, request).await?;
    reader.leave();
    if again.rooms < CHANGED.min(count) {
        return Err(format!("{} of {CHANGED} changed rooms", again.rooms));
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let values = [
        (said + first.screen) as f64,
        ms(first.screen_after),
        first.whole as f64 / count as f64,
        ms(first.whole_after),
        cpu_us / count as f64,
        again.whole as f64 / again.rooms as f64,
        ms(again.whole_after),
    ];
    for (cell, value) in cells.iter_mut().zip(values) {
        cell.push(only(value));
    }
    Ok(())
}

/// Syncs over a lane of its own, which is one round trip: what is asked for fits into a packet.
async fn sync(reader: &Client, request: SyncRequest) -> Outcome<Heard> {
    let body = Bytes::from(request.encode_to_vec());
    let mut bytes = bulk_open().to_vec();
    bytes.extend(frame::encode(&BulkCall { method: Sync::METHOD.id, body }));
    let begin = Instant::now();
    let lane = lane_of(reader.connection(), &bytes).await;
    let mut lane = lane.map_err(|lost| format!("sync: {lost:?}"))?;
    let mut heard = Heard::default();
    loop {
        let item = lane.next::<BulkItem>().await.map_err(|error| format!("sync: {error:?}"))?;
        let item = item.ok_or("the sync was cut off")?;
        heard.whole += frame::encode(&item).len();
        let body = match item.item {
            Some(bulk_item::Item::Body(body)) => body,
            Some(bulk_item::Item::End(_)) => break,
            other => return Err(format!("sync: {other:?}")),
        };
        let item = SyncItem::decode(body).map_err(|error| format!("sync: {error}"))?;
        match item.item {
            Some(sync_item::Item::Digests(digests)) => {
                heard.rooms += digests.rooms.len();
                if heard.screen == 0 && !digests.rooms.is_empty() {
                    (heard.screen, heard.screen_after) = (heard.whole, begin.elapsed());
                }
            }
            Some(sync_item::Item::FirstScreen(_)) => {
                (heard.screen, heard.screen_after) = (heard.whole, begin.elapsed());
            }
            Some(sync_item::Item::Done(done)) => heard.watermark_ms = done.watermark_ms,
            Some(sync_item::Item::User(delta)) => heard.user_seq = delta.as_of_seq,
            None => {}
        }
    }
    heard.whole_after = begin.elapsed();
    Ok(heard)
}

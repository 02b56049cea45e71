//! Parlour's side: the SDK downloads the room into its SQLite cache.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use parlour::{Client, Trust};

use super::{READER, Reader, timed};
use crate::harness::certificate::Certificate;
use crate::harness::{Outcome, during};
use crate::swarm::world::{POST_BYTES, World};
use crate::swarm::{Seen, Swarm};

/// Posts the messages that will be read.
pub(super) fn fill(swarm: &mut dyn Swarm, messages: usize) -> Outcome {
    let client = swarm.connect(READER, None)?;
    let mut seen = Vec::new();
    while !seen.iter().any(|seen| matches!(seen, Seen::Ready(_))) {
        swarm.turn(std::time::Duration::from_millis(50), &mut seen)?;
    }
    swarm.fill(client, messages, POST_BYTES)
}

pub(super) fn reader(
    address: SocketAddr,
    certificate: &Certificate,
    world: &Arc<World>,
    messages: usize,
) -> Reader {
    let (token, sha256) = (world.token(READER), certificate.sha256.clone());
    Box::new(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(during("runtime"))?;
        let folder = tempfile::tempdir().map_err(during("temporary folder"))?;
        let cache = folder.path().join("cache");
        timed(|| {
            runtime.block_on(async {
                let trust = Trust::parse_sha256(&sha256).ok_or("not a hash")?;
                let client = Client::builder()
                    .address(address.to_string())
                    .token(token.as_str())
                    .trust(trust)
                    .cache(cache.as_path())
                    .connect()
                    .await
                    .map_err(during("connect"))?;
                client.synced().await.map_err(during("sync"))?;
                let rooms = client.rooms().await.map_err(during("rooms"))?;
                let room = rooms.items().first().ok_or("no room")?.id;
                let room = client.room(room);
                room.download_history().await.map_err(during("download"))?;
                client.disconnect().await;
                Ok::<(), String>(())
            })?;
            let kept = kept(&cache).map_err(during("cache"))?;
            if kept < messages as i64 { Err(format!("{kept} of {messages} kept")) } else { Ok(()) }
        })
    })
}

/// How many events the cache says it has, read from its own table of runs.
fn kept(cache: &Path) -> rusqlite::Result<i64> {
    let cache = rusqlite::Connection::open(cache)?;
    let count = "SELECT coalesce(sum(to_seq - from_seq + 1), 0) FROM runs";
    cache.query_row(count, [], |row| row.get(0))
}

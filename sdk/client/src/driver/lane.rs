//! Bulk lanes, and the engine's orders to the connection in use.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::{AbortHandle, abortable};
use parlour_sdk_core::{
    engine::{Action, BulkId},
    lanes::BulkLane,
};

use super::{Driver, Input};
use crate::{
    carrier::RecvLane,
    limits::{READ_CHUNKS_MAX, UNWRITTEN_BYTES_MAX},
    transport::open_bulk,
};

/// Pieces of a lane, in order.
pub(super) type Chunks = Vec<Bytes>;

/// The bulk lanes of the connection in use.
#[derive(Default)]
pub(super) struct Lanes {
    open: BTreeMap<BulkId, Open>,
    /// Lanes that aren't read until the cache has caught up.
    paused: Vec<(BulkId, RecvLane)>,
}

struct Open {
    lane: BulkLane,
    abort: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        // The read under way holds the stream; dropping that tells the server to stop.
        self.abort.abort();
    }
}

impl Driver {
    pub(super) fn handle_action(&mut self, action: Action) {
        match action {
            Action::Call { id, method, body, chain } => {
                if let Some(link) = &mut self.link
                    && link.machine.call(id, method, body, chain).is_err()
                {
                    // The engine holds no more calls than the connection does.
                    tracing::error!("a call was lost for want of room");
                }
            }
            Action::Cancel(id) => {
                if let Some(link) = &mut self.link {
                    link.machine.cancel(id);
                }
            }
            Action::Bulk { id, method, body } => self.open_bulk(id, method, body),
            Action::CancelBulk(id) => {
                self.lanes.open.remove(&id);
                self.lanes.paused.retain(|(paused, _)| *paused != id);
            }
            Action::Datagram(bytes) => {
                if let Some(link) = &self.link {
                    link.connection.send_datagram(bytes);
                }
            }
            Action::Load { id, room, before, limit } => self.persist.load(id, room, before, limit),
        }
    }

    fn open_bulk(&mut self, id: BulkId, method: u32, body: Bytes) {
        let Some(link) = &self.link else { return };
        let open = open_bulk(link.connection.clone(), method, body);
        let (open, abort) = abortable(open);
        self.lanes.open.insert(id, Open { lane: BulkLane::default(), abort });
        self.tasks.push(Box::pin(async move {
            open.await.map_or(Input::Nothing, |lane| Input::BulkOpened(id, lane))
        }));
    }

    pub(super) fn handle_bulk_opened(&mut self, id: BulkId, lane: Option<RecvLane>) {
        match lane {
            Some(recv) => self.read_bulk(id, recv),
            None => self.cut_bulk(id),
        }
    }

    pub(super) fn handle_bulk_read(
        &mut self,
        id: BulkId,
        read: Option<(RecvLane, Option<Chunks>)>,
    ) {
        let now = self.now();
        let Some(open) = self.lanes.open.get_mut(&id) else { return };
        let Some((recv, chunks)) = read else { return self.cut_bulk(id) };
        let Some(chunks) = chunks else {
            // After its end was said, the end of the stream says nothing new.
            return if open.lane.finish().is_ok() {
                self.lanes.open.remove(&id);
            } else {
                self.cut_bulk(id);
            };
        };
        chunks.iter().for_each(|chunk| open.lane.push(chunk));
        loop {
            let Some(open) = self.lanes.open.get_mut(&id) else { return };
            match open.lane.next_bulk() {
                Ok(Some(bulk)) => self.engine.handle_bulk(id, bulk, now),
                Ok(None) => break,
                Err(_) => return self.cut_bulk(id),
            }
        }
        if self.unwritten() > UNWRITTEN_BYTES_MAX {
            self.lanes.paused.push((id, recv));
        } else {
            self.read_bulk(id, recv);
        }
    }

    fn cut_bulk(&mut self, id: BulkId) {
        let now = self.now();
        if self.lanes.open.remove(&id).is_some() {
            self.engine.handle_bulk_cut(id, now);
        }
    }

    fn read_bulk(&mut self, id: BulkId, mut recv: RecvLane) {
        let Some(open) = self.lanes.open.get_mut(&id) else { return };
        let read = async move {
            // A piece is one packet's: one by one, each would cost a turn of the driver.
            let mut chunks = Chunks::default();
            chunks.resize(READ_CHUNKS_MAX, Bytes::new());
            let read = recv.read_chunks(&mut chunks).await.ok()?;
            chunks.truncate(read.unwrap_or_default());
            Some((recv, read.map(|_| chunks)))
        };
        let (read, abort) = abortable(read);
        // Not by `Drop`: the lane goes on, only the handle is another.
        open.abort = abort;
        self.tasks.push(Box::pin(async move {
            read.await.map_or(Input::Nothing, |read| Input::Bulk(id, read))
        }));
    }

    pub(super) fn resume_bulk(&mut self) {
        if self.unwritten() <= UNWRITTEN_BYTES_MAX {
            for (id, recv) in std::mem::take(&mut self.lanes.paused) {
                self.read_bulk(id, recv);
            }
        }
    }

    fn unwritten(&self) -> usize {
        self.engine.unwritten_bytes() + self.persist.unwritten_bytes()
    }
}

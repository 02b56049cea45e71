//! Edit history: every version of a message, for those who may read it.

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventMessage, MessageServiceBulk},
    message::{MessageEdited, ReadEditsItem, ReadEditsRequest},
    wire::Error,
};

use crate::{
    draft::{room_not_found, store_error},
    kit::{Ctx, Features, ServerKit, Sink},
    limits::{ITEM_BYTES, ITEM_EVENTS, SCAN_ROWS},
    messages::target,
    pages::{only, read},
    ports::store::Scan,
    records::{key, room_seq, trailing_seq},
    rooms::RoomCell,
    tables::Table,
};

impl MessageServiceBulk<ServerKit> for Features {
    async fn read_edits(
        &self,
        ctx: &mut Ctx,
        request: ReadEditsRequest,
        out: &mut Sink<ReadEditsItem>,
    ) -> Result<(), Error> {
        let cell = ctx.room(&request.room).await?;
        let as_of_seq = cell.head().seq;
        target(ctx, &cell, request.target_seq).await?;
        let mut versions = Versions::default();
        versions.add(ctx, &cell, request.target_seq).await?;
        let about_it = room_seq(cell.id, request.target_seq);
        let mut scan = Scan::prefix(Table::AMENDMENTS, about_it, SCAN_ROWS);
        loop {
            let rows = ctx.store().scan(scan.clone()).await.map_err(store_error)?;
            for (row, kind) in &rows {
                let is_edit = kind[..] == MessageEdited::RULE.kind.to_be_bytes();
                let seq = trailing_seq(row).filter(|seq| is_edit && *seq <= as_of_seq);
                let Some(seq) = seq else { continue };
                if versions.is_full() {
                    std::mem::take(&mut versions)
                        .send(ctx, &cell, &request, as_of_seq, out)
                        .await?;
                }
                versions.add(ctx, &cell, seq).await?;
            }
            let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
            scan.from = key(&[row, &[0]]);
        }
        versions.send(ctx, &cell, &request, as_of_seq, out).await
    }
}

/// Some versions of a message, on their way into an item.
#[derive(Default)]
struct Versions {
    events: Vec<Bytes>,
    bytes: usize,
    damaged_seqs: Vec<u64>,
}

impl Versions {
    async fn add(&mut self, ctx: &Ctx, cell: &RoomCell, seq: u64) -> Result<(), Error> {
        match read(ctx, cell.id, only(seq)).await?.events.pop() {
            Some(event) => {
                self.bytes += event.len();
                self.events.push(event);
            }
            None => self.damaged_seqs.push(seq),
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let count = self.events.len() + self.damaged_seqs.len();
        self.bytes > ITEM_BYTES || count >= ITEM_EVENTS
    }

    /// Looks again first: whoever was removed in the meantime hears no more, nor does anybody of
    /// what was deleted.
    async fn send(
        self,
        ctx: &Ctx,
        cell: &RoomCell,
        request: &ReadEditsRequest,
        as_of_seq: u64,
        out: &mut Sink<ReadEditsItem>,
    ) -> Result<(), Error> {
        if !cell.is_member(ctx.user()) {
            return Err(room_not_found());
        }
        target(ctx, cell, request.target_seq).await?;
        let damaged_seqs = self.damaged_seqs;
        let item = ReadEditsItem { damaged_seqs, as_of_seq, ..Default::default() };
        out.send_with_events(1, &self.events, &item).await
    }
}

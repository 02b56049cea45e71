//! Sweeping: blobs that nobody uses any more go, and so do claims and uploads whose time is over.
//!
//! Nobody must send a blob between the look that finds it unused and its removal. So it is
//! condemned first and removed by a later sweep, if nobody has claimed or sent it meanwhile; a send
//! takes far less than the time between two sweeps from its check to its commit.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    ids::UserId,
    limits::{CLAIM_FOR, UPLOAD_KEPT_FOR},
};
use prost::Message;

use super::{
    rows::{ClaimRow, blob_key, blob_row, end, parse_due},
    upload::rows,
};
use crate::{
    draft::{Submission, Submit, Then},
    limits::{BLOB_CONDEMNED_FOR, SCAN_ROWS},
    node::Node,
    pictures::is_shown,
    ports::{
        blobs::BlobKey,
        clock::Now,
        store::{Put, Row, Scan, Shard, StoreError},
    },
    tables::Table,
};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that nobody uses, found for the first time.
    pub condemned: u64,
    /// Blobs that are gone.
    pub removed: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Node {
    /// Looks after all attachments. To be called every few minutes.
    pub async fn sweep_blobs(&self, hub: &Arc<dyn Submit>, now: Now) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let mut due: Vec<(BlobKey, Vec<Bytes>, bool)> = Vec::new();
        let mut scan = all(Table::BLOB_DUE);
        while let Some(page) = self.page(&mut scan).await? {
            for (key, _) in page {
                let Some((blob, due_ms)) = parse_due(&key) else { continue };
                let is_due = due_ms <= now.unix_ms;
                match due.last_mut() {
                    Some((last, keys, all_due)) if *last == blob => {
                        keys.extend(is_due.then_some(key));
                        *all_due &= is_due;
                    }
                    _ => due.push((blob, is_due.then_some(key).into_iter().collect(), is_due)),
                }
            }
            // The last one may go on in the next page.
            let open = due.pop();
            for (blob, keys, all_due) in due.drain(..) {
                self.look_after(hub, blob, keys, all_due, now, &mut swept).await?;
            }
            due.extend(open);
        }
        for (blob, keys, all_due) in due {
            self.look_after(hub, blob, keys, all_due, now, &mut swept).await?;
        }
        self.sweep_old(hub, Table::UPLOADS, UPLOAD_KEPT_FOR.as_millis() as u64, now).await?;
        self.sweep_old(hub, Table::INTERACTIONS, UPLOAD_KEPT_FOR.as_millis() as u64, now).await?;
        self.sweep_old(hub, Table::BLOB_CLAIMS, CLAIM_FOR.as_millis() as u64, now).await?;
        let before_ms = now.unix_ms.saturating_sub(UPLOAD_KEPT_FOR.as_millis() as u64);
        // What isn't removed now is removed by the next sweep.
        let _ = self.attachments.store.remove_uploads(before_ms).await;
        Ok(swept)
    }

    async fn page(&self, scan: &mut Scan) -> Result<Option<Vec<Row>>, StoreError> {
        let rows = self.store.scan(scan.clone()).await?;
        let Some((last, _)) = rows.last() else { return Ok(None) };
        scan.from = [&last[..], &[0]].concat().into();
        Ok(Some(rows))
    }

    async fn look_after(
        &self,
        hub: &Arc<dyn Submit>,
        blob: BlobKey,
        keys: Vec<Bytes>,
        all_due: bool,
        now: Now,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let ends = |keys: Vec<Bytes>| {
            keys.into_iter().map(|key| end(Table::BLOB_DUE, key)).collect::<Vec<Put>>()
        };
        if !all_due || self.is_used(blob).await? {
            // Another look is due later, or comes with the deletion of what uses it.
            self.attachments.state().condemned.remove(&blob);
            submit(hub, Shard::Org(blob.org), ends(keys));
            return Ok(());
        }
        {
            let mut state = self.attachments.state();
            match state.condemned.get(&blob) {
                None => {
                    state.condemned.insert(blob, now.elapsed);
                    swept.condemned += 1;
                    return Ok(());
                }
                Some(since) if now.elapsed < *since + BLOB_CONDEMNED_FOR => return Ok(()),
                Some(_) => {
                    state.condemned.remove(&blob);
                    state.going.insert(blob);
                }
            }
        }
        let gone = self.remove_blob(blob).await;
        if let Ok(Some(bytes)) = gone {
            swept.removed += 1;
            swept.bytes += bytes;
            let mut puts = ends(keys);
            puts.push(end(Table::BLOBS, blob_key(blob)));
            submit(hub, Shard::Org(blob.org), puts);
            self.attachments.remove(blob, bytes);
        }
        self.attachments.state().going.remove(&blob);
        gone.map(|_| ())
    }

    /// Its size, if it is gone. From its beginning on, nobody can send it.
    async fn remove_blob(&self, blob: BlobKey) -> Result<Option<u64>, StoreError> {
        if self.is_used(blob).await? {
            return Ok(None);
        }
        let bytes = blob_row(&*self.store, blob).await?.map_or(0, |blob| blob.size);
        let removed = self.attachments.store.remove(blob).await;
        Ok(removed.is_ok().then_some(bytes))
    }

    async fn is_used(&self, blob: BlobKey) -> Result<bool, StoreError> {
        let uses = self.store.scan(Scan::prefix(Table::BLOB_USES, blob_key(blob), 1)).await?;
        Ok(!uses.is_empty() || is_shown(&*self.store, blob).await?)
    }

    /// Rows of users' shards that are older than that.
    async fn sweep_old(
        &self,
        hub: &Arc<dyn Submit>,
        table: Table,
        age_ms: u64,
        now: Now,
    ) -> Result<(), StoreError> {
        let mut scan = all(table);
        while let Some(page) = self.page(&mut scan).await? {
            for (key, row) in page {
                let at_ms = ClaimRow::decode(row).map_or(0, |row| row.at_ms);
                if at_ms + age_ms <= now.unix_ms
                    && let Some(user) = key.first_chunk::<16>()
                {
                    submit(
                        hub,
                        Shard::User(UserId::from_bytes(*user)),
                        vec![end(table, key.clone())],
                    );
                }
            }
        }
        Ok(())
    }
}

fn all(table: Table) -> Scan {
    Scan { table, from: Bytes::new(), to: None, reverse: false, rows_max: SCAN_ROWS }
}

/// What isn't committed is found again by the next sweep.
fn submit(hub: &Arc<dyn Submit>, shard: Shard, puts: Vec<Put>) {
    if !puts.is_empty() {
        let then = Then::Callback(Box::new(|_| {}));
        hub.submit(Submission { draft: rows(shard, puts), then });
    }
}

//! Who has read how far.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use parlour_protocol::{generated::rpc, ids::UserId, receipt::ListReceiptsRequest};
pub use parlour_sdk_core::engine::Receipt;

use crate::{Room, driver::Command, error::CallError, handle::Gone, observe::Feed};

/// What a feed of receipts says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// Somebody is further.
    Read(Receipt),
    /// Some may have gone past.
    Missed,
}

/// How far the members of a room have read. Those who hide it aren't in it; in rooms of more than 50
/// members it changes only by messages and by [`Receipts::refresh`].
pub struct Receipts {
    room: Room,
    by_user: BTreeMap<UserId, Receipt>,
    feed: Feed<Change>,
    /// Some have gone past and weren't read again yet.
    has_missed: bool,
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipts").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Receipts {
    /// All of them, by user.
    pub fn items(&self) -> impl Iterator<Item = &Receipt> {
        self.by_user.values()
    }

    /// Who has read the message at `seq`, its sender included.
    pub fn read_by(&self, seq: u64) -> Vec<UserId> {
        self.items().filter(|receipt| receipt.seq >= seq).map(|receipt| receipt.user).collect()
    }

    /// Waits until somebody is further; `None` once the client is gone. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// When the connection was away and they can't be read again.
    pub async fn changed(&mut self) -> Result<Option<()>, CallError> {
        loop {
            if self.has_missed {
                return self.refresh().await.map(Some);
            }
            match self.feed.next().await {
                Some(Change::Read(receipt)) if self.put(receipt) => return Ok(Some(())),
                Some(Change::Read(_)) => {}
                Some(Change::Missed) => self.has_missed = true,
                None => return Ok(None),
            }
        }
    }

    /// Reads all of them again.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn refresh(&mut self) -> Result<(), CallError> {
        self.has_missed = true;
        let (mut by_user, mut page) = (BTreeMap::new(), Bytes::new());
        loop {
            let request =
                ListReceiptsRequest { room: self.room.id().to_field(), page, page_size: 500 };
            let answer = self.room.handle().call::<rpc::ListReceipts>(request).await?;
            for receipt in answer.receipts {
                if let Ok(user) = UserId::parse(&receipt.user) {
                    let (seq, at_ms) = (receipt.seq, receipt.at_ms);
                    by_user.insert(user, Receipt { user, seq, at_ms });
                }
            }
            page = answer.next_page;
            if page.is_empty() {
                break;
            }
        }
        (self.by_user, self.has_missed) = (by_user, false);
        // What came meanwhile is newer, or the same.
        while let Some(Some(change)) = self.feed.next().now_or_never() {
            match change {
                Change::Read(receipt) => drop(self.put(receipt)),
                Change::Missed => self.has_missed = true,
            }
        }
        Ok(())
    }

    fn put(&mut self, receipt: Receipt) -> bool {
        let known = self.by_user.get(&receipt.user).map_or(0, |known| known.seq);
        if receipt.seq > known {
            self.by_user.insert(receipt.user, receipt);
        }
        receipt.seq > known
    }
}

impl Room {
    /// How far the members have read, and from now on whoever gets further. Needs a connection.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn receipts(&self) -> Result<Receipts, CallError> {
        let asked = self.handle().ask(|reply| Command::Receipts(self.id(), reply)).await;
        let feed = asked.map_err(|Gone| CallError::Closed)?;
        let (room, by_user) = (self.clone(), BTreeMap::new());
        let mut receipts = Receipts { room, by_user, feed, has_missed: true };
        receipts.refresh().await?;
        Ok(receipts)
    }
}

//! Calls whose handler has to run again, on their way from the hub back to their connection. A
//! list and a bell instead of a channel: a channel holds room for 32 of them from the start, on
//! every idle connection.

use std::sync::{Mutex, PoisonError};

use parlour_core::draft::Again;
use tokio::sync::Notify;

/// One connection's list. Bounded by its calls in flight.
#[derive(Debug, Default)]
pub(super) struct Reruns {
    list: Mutex<Vec<(u64, Again)>>,
    bell: Notify,
}

impl Reruns {
    /// Puts a call on the list.
    pub(super) fn push(&self, call: u64, again: Again) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push((call, again));
        self.bell.notify_one();
    }

    /// Waits until there are some, and takes them in their order.
    pub(super) async fn take(&self) -> Vec<(u64, Again)> {
        loop {
            let list =
                std::mem::take(&mut *self.list.lock().unwrap_or_else(PoisonError::into_inner));
            if !list.is_empty() {
                return list;
            }
            self.bell.notified().await;
        }
    }
}

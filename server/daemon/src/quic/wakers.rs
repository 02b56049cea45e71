//! Wakers for connections whose lanes were full: they put the connection on a list instead of
//! waking a task of its own.

use std::{
    mem,
    sync::{Arc, Mutex},
    task::{Wake, Waker},
};

use parlour_core::draft::ConnId;
use tokio::sync::Notify;

/// Connections that can be written again.
#[derive(Debug, Default)]
pub(super) struct Writable {
    list: Mutex<Vec<ConnId>>,
    notify: Notify,
}

struct ConnWaker {
    id: ConnId,
    writable: Arc<Writable>,
}

impl Wake for ConnWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.writable.list.lock().expect("no panic while the lock is held").push(self.id);
        self.writable.notify.notify_one();
    }
}

impl Writable {
    /// A waker for one connection.
    pub(super) fn waker(self: &Arc<Self>, id: ConnId) -> Waker {
        Waker::from(Arc::new(ConnWaker { id, writable: self.clone() }))
    }

    /// Waits until there are some.
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// The connections that can be written again.
    pub(super) fn take(&self) -> Vec<ConnId> {
        mem::take(&mut self.list.lock().expect("no panic while the lock is held"))
    }
}

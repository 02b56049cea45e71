//! What is older than it is kept goes, when a test says so.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parlour_core::{draft::Submit, retention::Retained};

use crate::Server;

impl Server {
    /// Follows all rules of retention; how many messages were deleted.
    pub fn retain(&mut self) -> u64 {
        let rooms = self.runtime.block_on(self.node.retained_rooms()).unwrap();
        rooms.into_iter().map(|of| self.retain_room(of)).sum()
    }

    /// Deletes what is too old in one room.
    pub fn retain_room(&mut self, of: Retained) -> u64 {
        let (node, queue) = (self.node.clone(), self.queue.clone());
        let deleted = Arc::new(Mutex::new(None));
        let told = deleted.clone();
        self.jobs.push(Box::pin(async move {
            let queue: Arc<dyn Submit> = queue;
            *told.lock().unwrap() = Some(node.retain(&queue, of).await.unwrap().deleted);
        }));
        self.run();
        self.deliver();
        let deleted = deleted.lock().unwrap().take();
        deleted.expect("it has ended")
    }

    /// Removes the copies that nothing holds any more.
    pub fn forget_unheld(&mut self) {
        let (node, queue) = (self.node.clone(), self.queue.clone());
        self.jobs.push(Box::pin(async move {
            let queue: Arc<dyn Submit> = queue;
            let mut after = Some(Bytes::new());
            while let Some(from) = after {
                after = node.forget_unheld(&queue, from).await.unwrap();
            }
        }));
        self.run();
    }
}

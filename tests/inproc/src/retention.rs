//! What is older than it is kept goes, when a test says so.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parlour_core::{draft::Submit, retention::Retained};
use parlour_protocol::{
    compliance::{RetentionRule, SetRetentionRequest},
    generated::rpc,
    ids::RoomId,
};

use crate::Server;

impl Server {
    /// Follows all rules of retention; how many messages were deleted.
    pub fn retain(&mut self) -> u64 {
        let rooms = self.runtime.block_on(self.node.retained_rooms()).unwrap();
        rooms.into_iter().map(|of| self.retain_room(of)).sum()
    }

    /// Deletes what is so old in one room, by a rule that is taken off again.
    pub fn retain_older(&mut self, by: usize, room: &Bytes, max_age_ms: u64) -> u64 {
        let max_age_s = u32::try_from(max_age_ms / 1000).unwrap();
        let set = |server: &mut Self, rule| {
            let request = SetRetentionRequest { room: room.clone(), rule };
            server.call::<rpc::SetRetention>(by, &request).unwrap();
        };
        set(self, Some(RetentionRule { max_age_s }));
        let (org, id) = (self.clients[by].caller.org, RoomId::parse(room).unwrap());
        let deleted = self.retain_room(Retained { org, room: id, max_age_ms });
        set(self, None);
        deleted
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

    /// Ends holds whose time is over, and removes the copies that nothing holds any more.
    pub fn forget_unheld(&mut self) {
        let (node, queue) = (self.node.clone(), self.queue.clone());
        self.jobs.push(Box::pin(async move {
            let queue: Arc<dyn Submit> = queue;
            node.end_holds(&queue).await.unwrap();
            let mut after = Some(Bytes::new());
            while let Some(from) = after {
                after = node.forget_unheld(&queue, from).await.unwrap();
            }
        }));
        self.run();
    }
}

//! What has a time is done when a test says so: timers, messages that disappear, what is too old.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use bytes::Bytes;
use parlour_core::{
    draft::{Refused, Submission, Submit, Then},
    ports::clock::Clock,
    retention::Retained,
};
use parlour_protocol::{
    compliance::{RetentionRule, SetRetentionRequest},
    generated::rpc,
    ids::RoomId,
};

use crate::{Queue, Server};

/// Takes so many drafts, and then no more: as if the server had stopped there.
struct Weary {
    queue: Arc<Queue>,
    left: AtomicUsize,
}

impl Submit for Weary {
    fn submit(&self, submission: Submission) {
        let takes = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, takes) {
            Ok(_) => self.queue.submit(submission),
            Err(_) => match submission.then {
                Then::Callback(callback) => callback(Err(Refused::Busy)),
                Then::Reply { .. } => unreachable!("it is no call"),
            },
        }
    }
}

impl Server {
    /// Carries out what is due now.
    pub fn carry_out_timers(&mut self) {
        let due = self.node.due_timers(self.hand.now().unix_ms);
        for timers in self.runtime.block_on(due).unwrap() {
            let (node, queue) = (self.node.clone(), self.queue.clone());
            self.jobs.push(Box::pin(async move {
                let queue: Arc<dyn Submit> = queue;
                node.carry_out(&queue, &timers).await;
            }));
        }
        let expired = self.node.expired(self.hand.now().unix_ms);
        for messages in self.runtime.block_on(expired).unwrap() {
            let (node, queue) = (self.node.clone(), self.queue.clone());
            self.jobs.push(Box::pin(async move {
                let queue: Arc<dyn Submit> = queue;
                assert!(node.expire(&queue, &messages).await);
            }));
        }
        self.run();
        self.deliver();
    }

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
        let deleted = self.retain_room(Retained { org, room: id, max_age_ms, holds: 0 });
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
            *told.lock().unwrap() = Some(node.retain(&queue, of).await.unwrap().gone.deleted);
        }));
        self.run();
        self.deliver();
        let deleted = deleted.lock().unwrap().take();
        deleted.expect("it has ended")
    }

    /// Erases whoever is to be, as far as `drafts` that are taken reach. How many messages were deleted in
    /// all, or `None` where it has to go on.
    pub fn erase(&mut self, drafts: usize) -> Vec<Option<u64>> {
        let all = self.runtime.block_on(self.node.erasures_under_way()).unwrap();
        let mut ended = Vec::new();
        for of in all {
            let node = self.node.clone();
            let queue = Arc::new(Weary { queue: self.queue.clone(), left: drafts.into() });
            let (told, tells) = mpsc::channel();
            self.jobs.push(Box::pin(async move {
                let queue: Arc<dyn Submit> = queue;
                told.send(node.erase(&queue, of).await).unwrap();
            }));
            self.run();
            self.deliver();
            ended.push(tells.try_recv().expect("it has ended").ok().map(|ended| ended.deleted));
        }
        ended
    }

    /// Removes reports that were decided long ago; how many.
    pub fn sweep_reports(&mut self) -> u64 {
        let (node, queue) = (self.node.clone(), self.queue.clone());
        let (told, tells) = mpsc::channel();
        self.jobs.push(Box::pin(async move {
            let queue: Arc<dyn Submit> = queue;
            let now_ms = node.now().unix_ms;
            told.send(node.sweep_reports(&queue, now_ms).await.unwrap()).unwrap();
        }));
        self.run();
        tells.try_recv().expect("it has ended")
    }

    /// Ends holds whose time is over, and removes the copies that nothing holds any more.
    pub fn forget_unheld(&mut self) {
        let (node, queue) = (self.node.clone(), self.queue.clone());
        self.jobs.push(Box::pin(async move {
            let queue: Arc<dyn Submit> = queue;
            node.end_holds(&queue).await.unwrap();
            let mut after = Some(Bytes::new());
            while let Some(from) = after {
                after = node.forget_unheld(&queue, from).await.unwrap().next;
            }
        }));
        self.run();
    }
}

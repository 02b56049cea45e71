//! Bulk calls of the application: answered once all their items are there, and made again on the
//! next connection if they were cut off.

use bytes::Bytes;
use parlour_protocol::wire::{Error, Retry};

use super::{Action, BulkId, Engine, Notice, repair::Task};
use crate::{
    connection::TooManyCalls,
    limits::{ASKED_BYTES_MAX, ASKED_MAX, READ_AGAIN_AFTER},
    time::{Now, sooner},
};

/// Why a bulk call wasn't answered.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    /// The server refused.
    #[error("refused: {0}")]
    Refused(Box<Error>),
    /// The answer is more than a client holds at once.
    #[error("the answer is too large")]
    TooLarge,
}

/// A bulk call, and what came of its answer.
#[derive(Debug)]
pub(super) struct Asked {
    method: u32,
    body: Bytes,
    items: Vec<Bytes>,
    bytes: usize,
    /// On its way, on the present connection.
    is_open: bool,
}

impl Asked {
    /// Whether there was room for one more.
    pub(super) fn add(&mut self, item: Bytes) -> bool {
        self.bytes += item.len();
        self.items.push(item);
        self.bytes <= ASKED_BYTES_MAX
    }

    pub(super) fn into_items(self) -> Vec<Bytes> {
        self.items
    }

    /// Asked from the beginning: a part is no answer.
    fn again(self) -> Self {
        Asked { items: vec![], bytes: 0, is_open: false, ..self }
    }
}

impl Engine {
    /// Makes a bulk call, now or once there is a connection, and again on the next one if its answer
    /// is cut off. [`Notice::Answered`] comes when the whole answer is there.
    ///
    /// # Errors
    /// When too many wait already.
    pub fn ask(&mut self, method: u32, body: Bytes) -> Result<BulkId, TooManyCalls> {
        let is_asked = |task: &&Task| matches!(task, Task::Asked(_));
        if self.bulks.values().filter(is_asked).count() >= ASKED_MAX {
            return Err(TooManyCalls);
        }
        let id = BulkId(self.next_id());
        let asked = Asked { method, body, items: vec![], bytes: 0, is_open: false };
        self.bulks.insert(id, Task::Asked(asked));
        self.ask_again();
        Ok(id)
    }

    /// The answer isn't wanted any more.
    pub fn stop_asking(&mut self, id: BulkId) {
        if let Some(Task::Asked(asked)) = self.bulks.remove(&id)
            && asked.is_open
        {
            self.actions.push_back(Action::CancelBulk(id));
        }
    }

    /// Asks what is on no way yet.
    pub(super) fn ask_again(&mut self) {
        if self.session.is_none() {
            return;
        }
        for (id, task) in &mut self.bulks {
            if let Task::Asked(asked) = task
                && !asked.is_open
            {
                asked.is_open = true;
                let (method, body) = (asked.method, asked.body.clone());
                self.actions.push_back(Action::Bulk { id: *id, method, body });
            }
        }
    }

    /// The connection is gone, the question isn't.
    pub(super) fn keep_asking(&mut self, id: BulkId, task: Task) {
        if let Task::Asked(asked) = task {
            self.bulks.insert(id, Task::Asked(asked.again()));
        }
    }

    pub(super) fn handle_asking_cut(&mut self, id: BulkId, asked: Asked, now: Now) {
        self.bulks.insert(id, Task::Asked(asked.again()));
        self.repair_at = sooner(self.repair_at, Some(now.elapsed + READ_AGAIN_AFTER));
    }

    pub(super) fn handle_asking_failed(&mut self, id: BulkId, error: &Error, now: Now) {
        let Some(Task::Asked(asked)) = self.bulks.remove(&id) else { return };
        if error.retry == Retry::Reconnect as i32 {
            // Not a failure: the next connection answers it.
            return self.handle_asking_cut(id, asked, now);
        }
        let refused = AskError::Refused(Box::new(error.clone()));
        self.notices.push_back(Notice::Answered(id, Err(refused)));
    }

    pub(super) fn give_up_asking(&mut self, id: BulkId) {
        self.stop_asking(id);
        self.notices.push_back(Notice::Answered(id, Err(AskError::TooLarge)));
    }
}

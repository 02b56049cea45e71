//! What an event makes of the thread it belongs to.

use bytes::Bytes;
use parlour_protocol::thread::Thread;
use prost::Message;

use super::place::Overlay;
use crate::{
    draft::{RoomDraft, ThreadDraft},
    ports::store::{Batch, Put},
    records::{Counters, key},
    tables::Table,
    threads::{ThreadChange, thread_key, with_reply},
};

impl Overlay {
    /// The thread with a draft's event.
    pub(super) fn thread(&mut self, draft: &RoomDraft, of: &ThreadDraft, next: Counters) -> Thread {
        let key = (draft.cell.id, of.cell.root_seq);
        let before = self.threads.remove(&key).unwrap_or_else(|| of.cell.state());
        let after = match of.change {
            ThreadChange::Reply => with_reply(before, next.seq, next.at_ms, draft.event.sender),
            ThreadChange::Delete => {
                let deleted = before.deleted + draft.event.targets().len() as u64;
                Thread { deleted, changed_seq: next.seq, ..before }
            }
        };
        self.threads.insert(key, after.clone());
        after
    }
}

/// What a reply, or the delete of one, writes about its thread. Its number is given out once, even if
/// what was known of the thread was old.
pub(super) fn put_thread(draft: &RoomDraft, thread: &Thread, next: Counters, batch: &mut Batch) {
    let Some(ThreadDraft { change, .. }) = &draft.thread else { return };
    let of_thread = thread_key(draft.cell.id, thread.root_seq);
    let mut put = |table, key, value: Bytes| {
        batch.puts.push(Put { table, key, value: Some(value) });
    };
    put(Table::THREADS, of_thread.clone(), thread.encode_to_vec().into());
    match change {
        ThreadChange::Reply => {
            let place = key(&[&of_thread, &thread.thread_no.to_be_bytes()]);
            put(Table::THREAD_LOG, place.clone(), Bytes::copy_from_slice(&next.seq.to_be_bytes()));
            let (seq, msg_no, at_ms) = (next.seq, thread.thread_no, next.at_ms);
            let sent = Counters { seq, msg_no, at_ms, ..Counters::default() };
            let sender = key(&[&of_thread, draft.event.sender.as_bytes()]);
            put(Table::THREAD_SENT, sender, sent.encode_to_vec().into());
            batch.absent.push((Table::THREAD_LOG, place));
        }
        ThreadChange::Delete => {
            for target in draft.event.targets() {
                let deleted = key(&[&of_thread, &target.to_be_bytes()]);
                put(Table::THREAD_DELETED, deleted, Bytes::new());
            }
        }
    }
}

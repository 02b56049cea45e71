//! The sending half of a lane.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits::{DATA_BYTES, UNSENT_BYTES_MAX};

/// What was written of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes in all.
    pub bytes: usize,
    /// Chunks that were taken whole.
    pub chunks: usize,
}

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// There is no room at present.
    #[error("no room")]
    Blocked,
    /// The other side wants no more.
    #[error("stopped by the other side: {0}")]
    Stopped(u32),
    /// The lane was ended here.
    #[error("the lane is closed")]
    Closed,
}

enum State {
    Open,
    /// Everything that waits is the last.
    Finishing,
    Resetting(u32),
    Ended,
}

pub(crate) struct Sending {
    queue: VecDeque<Bytes>,
    queued: usize,
    sent: u64,
    credit: u64,
    state: State,
    stopped: Option<u32>,
    // Whether somebody found no room.
    is_blocked: bool,
    pub(crate) priority: i32,
    /// When it last had its turn.
    pub(crate) turn: u64,
}

impl Sending {
    pub(crate) fn new(credit: u64, priority: i32) -> Self {
        Sending {
            queue: VecDeque::new(),
            queued: 0,
            sent: 0,
            credit,
            state: State::Open,
            stopped: None,
            is_blocked: false,
            priority,
            turn: 0,
        }
    }

    /// Takes as much of the chunks as there is room for.
    pub(crate) fn write(&mut self, chunks: &mut [Bytes]) -> Result<Written, WriteError> {
        if let Some(code) = self.stopped {
            return Err(WriteError::Stopped(code));
        }
        if !matches!(self.state, State::Open) {
            return Err(WriteError::Closed);
        }
        let mut written = Written { bytes: 0, chunks: 0 };
        for chunk in chunks {
            let room = UNSENT_BYTES_MAX - self.queued;
            if room == 0 {
                break;
            }
            let taken = chunk.split_to(chunk.len().min(room));
            self.queued += taken.len();
            written.bytes += taken.len();
            if !taken.is_empty() {
                self.queue.push_back(taken);
            }
            if !chunk.is_empty() {
                break;
            }
            written.chunks += 1;
        }
        if written == (Written { bytes: 0, chunks: 0 }) {
            self.is_blocked = true;
            return Err(WriteError::Blocked);
        }
        Ok(written)
    }

    pub(crate) fn finish(&mut self) -> bool {
        let is_open = matches!(self.state, State::Open);
        if is_open {
            self.state = match self.stopped {
                Some(code) => State::Resetting(code),
                None => State::Finishing,
            };
        }
        is_open
    }

    pub(crate) fn reset(&mut self, code: u32) {
        if !matches!(self.state, State::Ended) {
            self.queue.clear();
            self.queued = 0;
            self.state = State::Resetting(code);
        }
    }

    /// The other side wants no more. Whether that is news.
    pub(crate) fn stop(&mut self, code: u32) -> bool {
        if matches!(self.state, State::Ended) || self.stopped.is_some() {
            return false;
        }
        self.stopped = Some(code);
        self.reset(code);
        true
    }

    /// The other side takes more. Whether somebody may write again.
    pub(crate) fn grant(&mut self, total: u64) {
        self.credit = self.credit.max(total);
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Nothing of it waits to be sent.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_ended() || self.stopped.is_some()
    }

    /// The code it is given up with, if that is to be told.
    pub(crate) fn take_reset(&mut self) -> Option<u32> {
        let State::Resetting(code) = self.state else { return None };
        self.state = State::Ended;
        Some(code)
    }

    pub(crate) fn has_data(&self) -> bool {
        let may = self.sent < self.credit;
        match self.state {
            State::Open => self.queued > 0 && may,
            State::Finishing => self.queued == 0 || may,
            State::Resetting(_) | State::Ended => false,
        }
    }

    /// The next bytes to send, whether they are the last, and whether somebody waits for the room.
    pub(crate) fn take_data(&mut self) -> (Bytes, bool, bool) {
        let may = usize::try_from(self.credit - self.sent).unwrap_or(usize::MAX).min(DATA_BYTES);
        let bytes = self.gather(may);
        self.sent += bytes.len() as u64;
        self.queued -= bytes.len();
        let is_last = matches!(self.state, State::Finishing) && self.queued == 0;
        if is_last {
            self.state = State::Ended;
        }
        let wakes = self.is_blocked && self.queued <= UNSENT_BYTES_MAX / 2;
        if wakes {
            self.is_blocked = false;
        }
        (bytes, is_last, wakes)
    }

    /// Small chunks go together: a message costs more than its bytes.
    fn gather(&mut self, most: usize) -> Bytes {
        let Some(first) = self.queue.front_mut() else { return Bytes::new() };
        if first.len() >= most {
            let bytes = first.split_to(most);
            if first.is_empty() {
                self.queue.pop_front();
            }
            return bytes;
        }
        let first = self.queue.pop_front().expect("it was looked at just now");
        if self.queue.is_empty() {
            return first;
        }
        let mut bytes = bytes::BytesMut::with_capacity(most.min(self.queued));
        bytes.extend_from_slice(&first);
        while let Some(next) = self.queue.front_mut() {
            let part = next.split_to(next.len().min(most - bytes.len()));
            bytes.extend_from_slice(&part);
            if !next.is_empty() {
                break;
            }
            self.queue.pop_front();
        }
        bytes.freeze()
    }
}

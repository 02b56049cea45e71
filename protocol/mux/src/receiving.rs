//! The receiving half of a lane.

use bytes::{Bytes, BytesMut};

/// Why nothing can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing has come yet.
    #[error("nothing there")]
    Blocked,
    /// The other side gave the lane up with this code.
    #[error("reset by the other side: {0}")]
    Reset(u32),
    /// It was stopped here.
    #[error("the lane is closed")]
    Closed,
}

enum End {
    Open,
    Finished,
    Reset(u32),
}

pub(crate) struct Receiving {
    // In one piece: what comes in small messages costs no more than its bytes.
    unread: BytesMut,
    received: u64,
    read: u64,
    credit: u64,
    end: End,
    // Told with this code, once.
    stop: Option<u32>,
    is_stopped: bool,
    is_told: bool,
}

impl Receiving {
    pub(crate) fn new(credit: u64) -> Self {
        Receiving {
            unread: BytesMut::new(),
            received: 0,
            read: 0,
            credit,
            end: End::Open,
            stop: None,
            is_stopped: false,
            is_told: false,
        }
    }

    /// Bytes have come; `false` if they break a rule.
    pub(crate) fn push(&mut self, bytes: &[u8], is_last: bool) -> bool {
        if !matches!(self.end, End::Open) {
            return false;
        }
        self.received += bytes.len() as u64;
        if self.received > self.credit {
            return false;
        }
        if !self.is_stopped {
            self.unread.extend_from_slice(bytes);
        }
        if is_last {
            self.end = End::Finished;
        }
        true
    }

    /// The other side gave up; `false` if it had ended already.
    pub(crate) fn reset(&mut self, code: u32) -> bool {
        let is_open = matches!(self.end, End::Open);
        if is_open {
            self.end = End::Reset(code);
            self.unread = BytesMut::new();
        }
        is_open
    }

    /// The next bytes, at most that many; `None` at the lane's end.
    pub(crate) fn read(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        if self.is_stopped {
            return Err(ReadError::Closed);
        }
        if let End::Reset(code) = self.end {
            self.is_told = true;
            return Err(ReadError::Reset(code));
        }
        if self.unread.is_empty() {
            return match self.end {
                End::Open => Err(ReadError::Blocked),
                _ => {
                    self.is_told = true;
                    Ok(None)
                }
            };
        }
        let bytes = match self.unread.len() <= bytes_max {
            // All of it, and the memory with it.
            true => std::mem::take(&mut self.unread).freeze(),
            false => self.unread.split_to(bytes_max).freeze(),
        };
        self.read += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// No more is wanted.
    pub(crate) fn stop(&mut self, code: u32) {
        if !self.is_stopped {
            self.is_stopped = true;
            self.unread = BytesMut::new();
            if matches!(self.end, End::Open) {
                self.stop = Some(code);
            }
        }
    }

    pub(crate) fn take_stop(&mut self) -> Option<u32> {
        self.stop.take()
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// What may still come of it, and what waits to be read.
    pub(crate) fn open(&self) -> u64 {
        match self.end {
            End::Open if !self.is_stopped => self.credit - self.read,
            _ => self.unread.len() as u64,
        }
    }

    /// How much the other side may send in all, if it is worth telling.
    pub(crate) fn take_credit(&mut self, window: u64) -> Option<u64> {
        let total = self.read + window;
        let is_worth_it =
            total >= self.credit + window / 2 && !self.is_stopped && matches!(self.end, End::Open);
        if is_worth_it {
            self.credit = total;
        }
        is_worth_it.then_some(total)
    }

    /// Nothing more comes of it, and whoever reads knows.
    pub(crate) fn is_done(&self) -> bool {
        !matches!(self.end, End::Open) && (self.is_told || self.is_stopped)
    }
}

//! When which connection is to be looked at next: one place in the list for each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Instant,
};

use crate::connection::Shared;

/// The list, soonest first. Connections of the same time are told apart by their numbers.
#[derive(Default)]
pub(crate) struct Timers {
    list: BTreeMap<(Instant, u64), Weak<Shared>>,
}

impl Timers {
    /// Moves a connection from `before`, its place so far, to `at`. Whether it is the first now.
    pub(crate) fn set(
        &mut self,
        conn: &Arc<Shared>,
        before: Option<Instant>,
        at: Option<Instant>,
    ) -> bool {
        if let Some(before) = before {
            self.list.remove(&(before, conn.number));
        }
        let Some(at) = at else { return false };
        self.list.insert((at, conn.number), Arc::downgrade(conn));
        self.next() == Some(at)
    }

    /// When the first of them is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.list.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes one that is due, and the place it had.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, Weak<Shared>)> {
        self.next().filter(|at| *at <= now)?;
        self.list.pop_first().map(|((at, _), conn)| (at, conn))
    }
}

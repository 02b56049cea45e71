//! Messages that disappear: gone from what is shown and from the cache at their time, also without a
//! connection. The server deletes them, too, and its delete counts.

use std::{collections::BTreeSet, time::Duration};

use parlour_protocol::ids::RoomId;

use super::Engine;
use crate::{
    cache::Write,
    event::LogEvent,
    limits::{EXPIRING_MAX, EXPIRY_LOOKED_AT_EVERY},
    time::Now,
};

/// Messages that were seen and will disappear.
#[derive(Debug, Default)]
pub(super) struct Expiring {
    due: BTreeSet<(u64, RoomId, u64)>,
    /// When to look again; the wall clock may have been set meanwhile.
    pub(super) look_at: Option<Duration>,
}

impl Expiring {
    /// These events are shown, or kept.
    pub(super) fn note(&mut self, room: RoomId, events: &[LogEvent]) {
        for event in events.iter().filter(|e| e.header.expires_at_ms > 0 && !e.is_erased()) {
            self.due.insert((event.header.expires_at_ms, room, event.seq()));
            // Of the ones furthest off the server's delete is heard in time.
            if self.due.len() > EXPIRING_MAX {
                self.due.pop_last();
            }
            self.look_at = Some(Duration::ZERO);
        }
    }
}

impl Engine {
    pub(super) fn handle_expiry_timeout(&mut self, now: Now) {
        if self.expiring.look_at.is_none_or(|at| at > now.elapsed) {
            return;
        }
        let server_ms = self.server_ms(now);
        while let Some((at_ms, room, seq)) = self.expiring.due.first().copied() {
            if at_ms > server_ms {
                break;
            }
            self.expiring.due.pop_first();
            self.erase_under_way(room, &[seq]);
            self.timelines_of(room).for_each(|timeline| timeline.handle_expired(seq));
            self.writes.push(Write::Erase(room, vec![seq]));
        }
        self.expiring.look_at = self.expiring.due.first().map(|(at_ms, ..)| {
            let wait = Duration::from_millis(at_ms.saturating_sub(server_ms).max(1));
            now.elapsed + wait.min(EXPIRY_LOOKED_AT_EVERY)
        });
    }
}

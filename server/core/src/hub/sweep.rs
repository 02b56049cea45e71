//! What time brings: pulses, heads, tokens that end, readers that stall.

use std::time::Duration;

use parlour_protocol::{
    limits::REAUTH_WITHIN,
    wire::{CloseCode, LogHeads, event_frame::Frame},
};

use super::{Conn, Hub, audience::event_frame};
use crate::{limits, ports::clock::Now, session::reauth_required};

impl Hub {
    /// When [`Hub::handle_timeout`] is to be called next.
    pub fn deadline(&self) -> Duration {
        let pulse = self.pulse_at.unwrap_or(Duration::MAX);
        let tell = self.untold.deadline().unwrap_or(Duration::MAX);
        let gather = self.gather.deadline().filter(|_| self.waiting() > 0 && !self.is_committing());
        let tell = tell.min(gather.unwrap_or(Duration::MAX));
        let presence = self.presence.deadline().unwrap_or(Duration::MAX);
        pulse.min(tell).min(presence).min(self.sweep_at).min(self.heads_at)
    }

    /// Time passes.
    pub fn handle_timeout(&mut self, now: Now) {
        self.tell_due(now.elapsed);
        match self.pulse_at {
            // The first pulse after a silence waits a little, so that others can join it.
            Some(Duration::ZERO) => self.pulse_at = Some(now.elapsed + limits::PULSE_EVERY),
            Some(at) if now.elapsed >= at => self.send_pulses(now.elapsed),
            _ => {}
        }
        if self.presence.deadline().is_some_and(|at| at <= now.elapsed) {
            self.tell_presence(now);
        }
        if now.elapsed >= self.sweep_at {
            self.sweep_at = now.elapsed + limits::SWEEP_EVERY;
            self.sweep(now);
        }
        if now.elapsed >= self.heads_at {
            self.heads_at = now.elapsed + limits::HEADS_EVERY;
            // Nobody should miss what is only on its way.
            self.tell_all(now.elapsed);
            self.tell_left_out();
            self.announce_heads();
        }
    }

    fn sweep(&mut self, now: Now) {
        for index in 0..self.conns.len() {
            let Some(conn) = self.conns[index].as_ref() else { continue };
            let id = conn.id;
            if conn.outbox.is_stalled(now.elapsed) {
                self.close(id, CloseCode::TooSlow, "nothing was read for 30 s");
            } else {
                self.sweep_token(index, now);
            }
        }
    }

    fn sweep_token(&mut self, index: usize, now: Now) {
        let Some(conn) = self.conns[index].as_mut() else { return };
        let id = conn.id;
        let node = &self.node;
        let (issued_at_ms, expires_at_ms, is_current) = conn
            .caller
            .with_auth(|auth| (auth.issued_at_ms, auth.expires_at_ms, node.is_verified(auth)));
        if !is_current {
            return self.close(id, CloseCode::TokenInvalid, "the token's key was removed");
        }
        let asked = conn.reauth_deadline_ms;
        let due_ms = ask_at_ms(issued_at_ms, expires_at_ms);
        if now.unix_ms < due_ms {
            // A new token came in time.
            conn.reauth_deadline_ms = None;
            return;
        }
        match asked {
            None => {
                let deadline_ms = expires_at_ms.max(now.unix_ms);
                conn.reauth_deadline_ms = Some(deadline_ms);
                self.handle_notice(id, reauth_required(deadline_ms));
            }
            Some(deadline_ms) if now.unix_ms >= deadline_ms => {
                self.close(id, CloseCode::TokenExpired, "the token's time is over");
            }
            Some(_) => {}
        }
    }

    fn announce_heads(&mut self) {
        let active = std::mem::take(&mut self.active);
        let active_users = std::mem::take(&mut self.active_users);
        for index in 0..self.conns.len() {
            let Some(conn) = self.conns[index].as_ref() else { continue };
            // Whichever is smaller: a user's rooms, or the rooms where something happened.
            let (few, many) = if conn.rooms.len() < active.len() {
                (&conn.rooms, &active)
            } else {
                (&active, &conn.rooms)
            };
            let heard = few.iter().filter(|room| many.contains(room));
            let cells = heard.filter_map(|room| self.node.rooms.cached(*room));
            let mut rooms: Vec<_> =
                cells.take(limits::HEADS_MAX).map(|cell| cell.pulse()).collect();
            if rooms.is_empty() && !active_users.contains(&conn.caller.user) {
                continue;
            }
            rooms.sort_unstable_by(|a, b| a.room.cmp(&b.room));
            let user = self.node.users.cached(conn.caller.user);
            let user_seq = user.map_or(0, |cell| cell.head().seq);
            let heads = Frame::Heads(LogHeads { rooms, user_seq });
            self.push_kept(index as u32, event_frame(heads));
        }
    }
}

/// A new token is asked for a minute before the old one ends, or after nine tenths of its life
/// if that is later.
fn ask_at_ms(issued_at_ms: u64, expires_at_ms: u64) -> u64 {
    let life_ms = expires_at_ms.saturating_sub(issued_at_ms);
    // Two sweeps at least, or a brief token would end before anyone was asked.
    let least_ms = 2 * limits::SWEEP_EVERY.as_millis() as u64;
    let lead_ms = (life_ms / 10).clamp(least_ms, limits::REAUTH_LEAD.as_millis() as u64);
    expires_at_ms.saturating_sub(lead_ms)
}

const _: () = assert!(REAUTH_WITHIN.as_secs() <= limits::REAUTH_LEAD.as_secs());

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conn").field("id", &self.id).finish_non_exhaustive()
    }
}

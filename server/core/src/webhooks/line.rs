//! One webhook at work: which rooms have something for it, how far it has come, and when it may post
//! again.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parlour_protocol::{ids::RoomId, webhook::WebhookState};
use rustc_hash::{FxHashMap, FxHashSet};

use super::rows::{StateRow, Webhook};
use crate::{
    limits::{WEBHOOK_BACKOFF_MAX, WEBHOOK_BACKOFF_MIN, WEBHOOK_GAP_MAX},
    ports::{clock::Now, posts::PostError, store::Put},
};

/// See the module.
pub(super) struct Line {
    pub(super) hook: Webhook,
    pub(super) url: Arc<str>,
    pub(super) secret: Arc<[u8]>,
    pub(super) state: StateRow,
    waiting: VecDeque<RoomId>,
    is_waiting: FxHashSet<RoomId>,
    marks: FxHashMap<RoomId, u64>,
    // Whose marks have moved since they were kept, and whether the state has.
    moved: FxHashSet<RoomId>,
    has_changed: bool,
    /// Under way.
    pub(super) posting: Option<(RoomId, u64)>,
    next_at: Duration,
    /// It is to be stopped, and that isn't committed yet.
    pub(super) stops: Option<WebhookState>,
    /// Not before then, because it couldn't be committed.
    pub(super) stop_at: Duration,
    // When a post of this run failed last.
    failed_at: Option<Duration>,
}

impl Line {
    pub(super) fn new(hook: Webhook, secret: Vec<u8>, state: Option<StateRow>) -> Self {
        let epoch = hook.row.epoch;
        let state = state.filter(|state| state.epoch == epoch);
        Line {
            url: hook.row.url.as_str().into(),
            secret: secret.into(),
            state: state.unwrap_or(StateRow { epoch, ..StateRow::default() }),
            hook,
            waiting: VecDeque::new(),
            is_waiting: FxHashSet::default(),
            marks: FxHashMap::default(),
            moved: FxHashSet::default(),
            has_changed: false,
            posting: None,
            next_at: Duration::ZERO,
            stops: None,
            stop_at: Duration::ZERO,
            failed_at: None,
        }
    }

    /// Whether it posts at all.
    pub(super) fn is_active(&self) -> bool {
        let state = WebhookState::try_from(self.state.state);
        self.stops.is_none()
            && matches!(state, Ok(WebhookState::Unspecified | WebhookState::Active))
    }

    /// A room may have something for it.
    pub(super) fn wait(&mut self, room: RoomId) {
        if self.is_waiting.insert(room) {
            self.waiting.push_back(room);
        }
    }

    /// The next room to look at, if it may post now.
    pub(super) fn take_room(&mut self, now: Duration) -> Option<RoomId> {
        if self.posting.is_some() || !self.is_active() || now < self.next_at {
            return None;
        }
        let room = self.waiting.pop_front()?;
        self.is_waiting.remove(&room);
        Some(room)
    }

    /// When there is something to do again, if that is known.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let may = self.posting.is_none() && self.is_active() && !self.waiting.is_empty();
        may.then_some(self.next_at)
    }

    /// How far it has come in a room, as far as that is in memory.
    pub(super) fn mark(&self, room: RoomId) -> Option<u64> {
        self.marks.get(&room).copied()
    }

    /// How far it had come, as it was kept.
    pub(super) fn recall(&mut self, room: RoomId, seq: u64) {
        self.marks.insert(room, seq);
    }

    /// It has come further.
    pub(super) fn move_mark(&mut self, room: RoomId, seq: u64) {
        self.marks.insert(room, seq);
        self.moved.insert(room);
    }

    /// What was under way was taken.
    pub(super) fn handle_taken(&mut self) {
        let Some((room, seq)) = self.posting.take() else { return };
        self.move_mark(room, seq);
        self.wait(room);
        self.failed_at = None;
        if self.state.failures > 0 {
            self.state = StateRow { epoch: self.state.epoch, ..StateRow::default() };
            self.has_changed = true;
        }
    }

    /// It wasn't: tries again after a while, or not any more. `random` spreads those that failed
    /// together.
    pub(super) fn handle_failed(
        &mut self,
        error: PostError,
        now: Now,
        random: u64,
        give_up_after_ms: u64,
    ) {
        let Some((room, _)) = self.posting.take() else { return };
        let state = &mut self.state;
        state.failures = state.failures.saturating_add(1);
        if state.failing_since_ms == 0 {
            state.failing_since_ms = now.unix_ms;
        }
        state.problem = error.to_string();
        self.has_changed = true;
        // Only while it was tried: neither the time that the server was off nor a clock that jumps counts.
        let since = now.elapsed.saturating_sub(self.failed_at.unwrap_or(now.elapsed));
        let since_ms = since.min(WEBHOOK_GAP_MAX).as_millis();
        let tried_ms = &mut state.tried_ms;
        *tried_ms = tried_ms.saturating_add(u64::try_from(since_ms).unwrap_or(u64::MAX));
        let failing_ms = *tried_ms;
        self.failed_at = Some(now.elapsed);
        if matches!(error, PostError::Status(410, _)) {
            self.stops = Some(WebhookState::Gone);
        } else if failing_ms >= give_up_after_ms {
            self.stops = Some(WebhookState::Failed);
        }
        let wish = match error {
            PostError::Status(_, Some(ms)) => Duration::from_millis(ms).min(WEBHOOK_BACKOFF_MAX),
            _ => Duration::ZERO,
        };
        self.next_at = now.elapsed + backoff(self.state.failures, random).max(wish);
        // The same event comes next: none is posted before those before it.
        if self.is_waiting.insert(room) {
            self.waiting.push_front(room);
        } else {
            self.waiting.retain(|waiting| *waiting != room);
            self.waiting.push_front(room);
        }
    }

    /// Whether there is something to keep.
    pub(super) fn has_news(&self) -> bool {
        self.has_changed || !self.moved.is_empty()
    }

    /// The writes that keep how far it has come, and how it fares.
    pub(super) fn take_puts(&mut self, rooms_max: usize) -> Vec<Put> {
        let rooms: Vec<RoomId> = self.moved.iter().copied().take(rooms_max).collect();
        let mut puts = Vec::with_capacity(rooms.len() + 1);
        for room in rooms {
            self.moved.remove(&room);
            let seq = self.marks.get(&room).copied().unwrap_or_default();
            puts.push(self.hook.mark_put(room, seq));
        }
        if std::mem::take(&mut self.has_changed) {
            puts.push(self.hook.state_put(&self.state));
        }
        puts
    }
}

/// The wait after so many failures in a row: it doubles up to the longest, and up to half of it is left
/// off at random.
fn backoff(failures: u32, random: u64) -> Duration {
    let doubled = WEBHOOK_BACKOFF_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let whole = doubled.min(WEBHOOK_BACKOFF_MAX);
    let half = u64::try_from(whole.as_millis() / 2).unwrap_or(u64::MAX).max(1);
    whole - Duration::from_millis(random % half)
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;

//! Which posts are under way, who still has to get them, and how long everything took.

use std::collections::VecDeque;
use std::time::Instant;

use crate::harness::histogram::Histogram;

struct Post {
    posted: Instant,
    missing: usize,
    acked: bool,
}

/// The posts of one run: numbers from `base` on, without gaps.
pub(crate) struct Ledger {
    base: u64,
    posts: VecDeque<Post>,
    members: usize,
    wants_ack: bool,
    /// Deliveries to members.
    pub(crate) delivered: u64,
    pub(crate) acked: u64,
    /// Deliveries of something that nobody waited for: doubled.
    pub(crate) surplus: u64,
    /// From post to each delivery.
    pub(crate) deliveries: Histogram,
    /// From post to its acknowledgement.
    pub(crate) acks: Histogram,
    under_way: usize,
}

impl Ledger {
    /// Posts count as done when `members` have them and, if asked for, the sender's
    /// acknowledgement is there.
    pub(crate) fn new(base: u64, members: usize, wants_ack: bool) -> Self {
        Self {
            base,
            posts: VecDeque::new(),
            members,
            wants_ack,
            delivered: 0,
            acked: 0,
            surplus: 0,
            deliveries: Histogram::new(),
            acks: Histogram::new(),
            under_way: 0,
        }
    }

    /// Notes a post; hands back its number.
    pub(crate) fn post(&mut self, at: Instant) -> u64 {
        let number = self.base + self.posts.len() as u64;
        self.posts.push_back(Post { posted: at, missing: self.members, acked: !self.wants_ack });
        self.under_way += 1;
        number
    }

    /// The number of the next post.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.posts.len() as u64
    }

    pub(crate) fn deliver(&mut self, number: u64, at: Instant) {
        // What a run before this one left is nobody's business here.
        if number < self.base {
            return;
        }
        let post = self.posts.get_mut((number - self.base) as usize);
        let Some(post) = post.filter(|post| post.missing > 0) else {
            self.surplus += 1;
            return;
        };
        post.missing -= 1;
        self.under_way -= usize::from(post.missing == 0 && post.acked);
        self.delivered += 1;
        self.deliveries.add(at.saturating_duration_since(post.posted));
    }

    pub(crate) fn ack(&mut self, number: u64, at: Instant) {
        if number < self.base {
            return;
        }
        let Some(post) = self.posts.get_mut((number - self.base) as usize) else { return };
        self.acks.add(at.saturating_duration_since(post.posted));
        self.acked += 1;
        if !post.acked {
            post.acked = true;
            self.under_way -= usize::from(post.missing == 0);
        }
    }

    /// Posts that aren't done.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Deliveries still missing, and acknowledgements if they are waited for.
    pub(crate) fn missing(&self) -> u64 {
        self.posts.iter().map(|post| post.missing as u64 + u64::from(!post.acked)).sum()
    }

    /// Forgets times and counts, but not what is under way: the end of a warm-up.
    pub(crate) fn mark(&mut self) {
        self.delivered = 0;
        self.acked = 0;
        self.deliveries = Histogram::new();
        self.acks = Histogram::new();
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;

//! What a connection wants to be told live of its rooms.

use parlour_protocol::wire::Intent;

use crate::webhooks::filter::group_of;

/// A set of intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intents(u32);

impl Intents {
    /// Those that a hello names; `None` where it names none and wants everything. What isn't known here
    /// isn't told here either.
    pub fn of(named: &[i32]) -> Option<Self> {
        let known = |value: &i32| Intent::try_from(*value).ok();
        let set = named.iter().filter_map(known).fold(0, |set, intent| set | bit(intent));
        (!named.is_empty()).then_some(Intents(set))
    }

    /// Whether it is one of them.
    pub fn wants(self, intent: Intent) -> bool {
        self.0 & bit(intent) != 0
    }

    /// Whether events of that kind are told.
    pub fn wants_kind(self, kind: u32) -> bool {
        // The same groups with the same numbers.
        Intent::try_from(group_of(kind) as i32).is_ok_and(|intent| self.wants(intent))
    }
}

fn bit(intent: Intent) -> u32 {
    match intent {
        Intent::Unspecified => 0,
        intent => 1 << (intent as u32),
    }
}

#[cfg(test)]
#[path = "intents_tests.rs"]
mod tests;

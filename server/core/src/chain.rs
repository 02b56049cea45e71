//! Chains: calls that a client makes one after another without waiting for answers, and that still
//! never overtake each other. Once one is refused, those behind it are refused, too.

use std::sync::{Arc, Mutex, PoisonError};

use parlour_protocol::wire::{Error, ErrorReason};

/// The chains of one connection.
#[derive(Debug, Default)]
pub struct Chains {
    broken: Mutex<Broken>,
}

/// Where the chain with the highest number of those that are broken is broken. Those with lower
/// numbers are broken as a whole.
#[derive(Debug, Default)]
struct Broken {
    number: u64,
    place: u64,
}

/// A call's place in a chain of its connection. It outlives the connection: what still waits for
/// its turn then is part of the chain as before.
#[derive(Clone, Debug)]
pub struct Link {
    chains: Arc<Chains>,
    number: u64,
    place: u64,
}

impl Link {
    /// The link of a call with that `chain`, which came as the connection's `place`th; `None` for
    /// 0, a call on its own.
    pub fn new(chains: &Arc<Chains>, number: u64, place: u64) -> Option<Self> {
        (number != 0).then(|| Link { chains: chains.clone(), number, place })
    }

    /// This call is refused: so are those behind it.
    pub fn break_chain(&self) {
        let mut broken = self.chains.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if self.number > broken.number {
            *broken = Broken { number: self.number, place: self.place };
        } else if self.number == broken.number {
            broken.place = broken.place.min(self.place);
        }
    }

    /// Whether a call before this one was refused.
    pub fn is_broken(&self) -> bool {
        let broken = self.chains.broken.lock().unwrap_or_else(PoisonError::into_inner);
        self.number < broken.number || self.number == broken.number && self.place > broken.place
    }
}

/// The answer to a call whose chain is broken.
pub fn chain_broken() -> Error {
    Error::new(ErrorReason::ChainBroken, "a call before it was refused")
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;

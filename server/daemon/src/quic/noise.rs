//! What a connection does that costs the server and helps nobody: lanes that break a rule,
//! datagrams without end. A little of it is borne, as honest clients cancel and type; a flood
//! closes the connection.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use parlour_core::{features::typing, limits::TYPING_EVERY};
use parlour_protocol::ids::RoomId;

use super::{Shared, connection::Established, hub_task::Command};
use crate::{
    limits::{
        BROKEN_LANES, DATAGRAMS, DATAGRAMS_AT_ONCE, TYPING_ROOMS_MAX,
        rate::{Bucket, Rate},
    },
    metrics::EphemeralDrop,
};

/// Where lanes that broke a rule are counted.
#[derive(Clone, Default)]
pub(super) struct Broken(Arc<AtomicU32>);

impl Broken {
    /// One more.
    pub(super) fn note(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// The noise of one connection.
#[derive(Default)]
pub(super) struct Noise {
    broken: Broken,
    broken_lanes: Bucket,
    heard: u32,
    datagrams: Bucket,
    typed: BTreeMap<RoomId, Duration>,
}

impl Noise {
    /// Where lanes that broke a rule are counted.
    pub(super) fn broken(&self) -> Broken {
        self.broken.clone()
    }

    /// Why what came since it was last asked is a flood, if it is one.
    pub(super) fn flood(&mut self, now: impl FnOnce() -> Duration) -> Option<&'static str> {
        let broken = self.broken.0.swap(0, Ordering::AcqRel);
        let heard = std::mem::take(&mut self.heard);
        if broken == 0 && heard == 0 {
            return None;
        }
        let now = now();
        let rate = |(per_second, burst)| Rate::new(per_second, burst);
        if self.broken_lanes.take(rate(BROKEN_LANES), broken, now).is_err() {
            return Some("too many broken lanes");
        }
        let taken = self.datagrams.take(rate(DATAGRAMS), heard, now);
        taken.is_err().then_some("too many datagrams")
    }

    /// Hears a datagram and those that came with it.
    pub(super) fn hear(&mut self, est: &Established, shared: &Shared, first: &[u8]) {
        self.hear_typing(est, shared, first);
        for _ in 1..DATAGRAMS_AT_ONCE {
            let Some(Ok(datagram)) = est.connection.read_datagram().now_or_never() else { return };
            self.hear_typing(est, shared, &datagram);
        }
    }

    fn hear_typing(&mut self, est: &Established, shared: &Shared, datagram: &[u8]) {
        self.heard += 1;
        let Some((room, notice)) = typing::accept(datagram, est.caller.user) else {
            return shared.metrics.ephemeral_dropped(EphemeralDrop::Malformed);
        };
        let now = shared.node.now().elapsed;
        self.typed.retain(|_, at| now < *at + TYPING_EVERY);
        if self.typed.contains_key(&room) || self.typed.len() >= TYPING_ROOMS_MAX {
            return shared.metrics.ephemeral_dropped(EphemeralDrop::Rate);
        }
        self.typed.insert(room, now);
        shared.hub.send(Command::Ephemeral(est.id, room, notice));
    }
}

#[cfg(test)]
#[path = "noise_tests.rs"]
mod tests;

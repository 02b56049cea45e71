//! Cubic with a floor. On a path that loses packets at random Cubic's window falls to two packets
//! and stays there, and quinn counts each packet it is about to send as a full one: a lively room's
//! small events then wait for acknowledgements although nothing is congested, and pile up. When
//! nothing came through for long (RFC 9002, section 7.6), the floor is gone until something does.

use std::{any::Any, sync::Arc, time::Instant};

use quinn_proto::{
    RttEstimator,
    congestion::{Controller, ControllerFactory, ControllerMetrics, CubicConfig},
};

/// Half of what a new connection may send without knowing anything of the path.
const WINDOW_MIN: u64 = 7_360;

/// Makes the controllers of connections.
#[derive(Debug, Default)]
pub struct FlooredConfig {
    cubic: Arc<CubicConfig>,
}

impl ControllerFactory for FlooredConfig {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(Floored { cubic: self.cubic.clone().build(now, mtu), floor: Floor::default() })
    }
}

/// What the window doesn't fall below.
#[derive(Clone, Copy, Debug, Default)]
struct Floor {
    /// Nothing that was sent after this came through yet.
    collapsed_at: Option<Instant>,
}

impl Floor {
    fn handle_collapse(&mut self, now: Instant) {
        self.collapsed_at = Some(now);
    }

    fn handle_through(&mut self, sent: Instant) {
        self.collapsed_at.take_if(|at| sent > *at);
    }

    fn bytes(self) -> u64 {
        if self.collapsed_at.is_some() { 0 } else { WINDOW_MIN }
    }
}

struct Floored {
    cubic: Box<dyn Controller>,
    floor: Floor,
}

impl Controller for Floored {
    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        self.cubic.on_ack(now, sent, bytes, app_limited, rtt);
        self.floor.handle_through(sent);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent: bool,
        lost_bytes: u64,
    ) {
        self.cubic.on_congestion_event(now, sent, is_persistent, lost_bytes);
        if is_persistent {
            self.floor.handle_collapse(now);
        }
    }

    fn on_mtu_update(&mut self, mtu: u16) {
        self.cubic.on_mtu_update(mtu);
    }

    fn window(&self) -> u64 {
        self.cubic.window().max(self.floor.bytes())
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.cubic.metrics();
        metrics.congestion_window = self.window();
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Floored { cubic: self.cubic.clone_box(), floor: self.floor })
    }

    fn initial_window(&self) -> u64 {
        self.cubic.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
#[path = "floored_tests.rs"]
mod tests;

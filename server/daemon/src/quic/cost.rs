//! What a delivery costs on this machine, measured: the hub spaces large rooms by it.

use std::time::Duration;

use parlour_core::{hub::Hub, limits, node::Node};

/// How often it is measured.
const EVERY: Duration = Duration::from_millis(100);
/// Fewer deliveries than these say nothing, since other work would be counted as theirs: then what
/// was measured before is forgotten by and by.
const DELIVERIES_MIN: u64 = 500;

/// The last measurement.
#[derive(Debug, Default)]
pub(super) struct Cost {
    at: Duration,
    used: Option<Duration>,
    deliveries: u64,
    each: Option<Duration>,
}

impl Cost {
    /// Measures if it is time, and tells the hub. Where processor time isn't known, as in a
    /// simulation, the hub goes on with what it assumes.
    pub(super) fn measure(&mut self, node: &Node, hub: &mut Hub, now: Duration) {
        if now < self.at + EVERY {
            return;
        }
        self.at = now;
        let (used, deliveries) = (node.processor_time(), hub.totals().deliveries);
        let (Some(used), Some(before)) = (used, std::mem::replace(&mut self.used, used)) else {
            return;
        };
        let count = deliveries - std::mem::replace(&mut self.deliveries, deliveries);
        let each = if count < DELIVERIES_MIN {
            limits::DELIVERY_COST
        } else {
            used.saturating_sub(before) / u32::try_from(count).unwrap_or(u32::MAX)
        };
        // Half old, half new: one odd tenth of a second changes little.
        let each = each.clamp(limits::DELIVERY_COST_MIN, limits::DELIVERY_COST_MAX);
        let each = (self.each.unwrap_or(limits::DELIVERY_COST) + each) / 2;
        self.each = Some(each);
        hub.handle_cost(each);
    }
}

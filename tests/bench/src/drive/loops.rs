//! The two ways to load a room: a closed loop that keeps some posts in flight, and posts at a pace
//! whatever the server does.

use std::time::{Duration, Instant};

use super::ledger::Ledger;
use super::{Crowd, TURN, Turns};
use crate::harness::figure::Sample;
use crate::harness::histogram::Histogram;
use crate::harness::{Outcome, machine};
use crate::swarm::Seen;

/// How long what is under way may take once nothing more is posted.
const DRAIN: Duration = Duration::from_secs(10);

/// A closed loop.
#[derive(Clone, Copy)]
pub(crate) struct Closed {
    /// Posts in flight: one is, until its last member has it and, if `ack`, it is acknowledged.
    pub(crate) window: usize,
    pub(crate) ack: bool,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
    /// Everybody posts in turn; otherwise only the first.
    pub(crate) all_post: bool,
    /// The generator never sleeps.
    pub(crate) spins: bool,
}

/// Posts at a pace.
#[derive(Clone, Copy)]
pub(crate) struct Paced {
    pub(crate) per_second: f64,
    /// Everybody posts in turn; otherwise only the first.
    pub(crate) all_post: bool,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
}

/// What a loop measured.
pub(crate) struct Run {
    pub(crate) delivered: u64,
    pub(crate) acked: u64,
    /// Posts from the first on, warm-up and all.
    pub(crate) posted: u64,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Duration,
    pub(crate) deliveries: Histogram,
    pub(crate) acks: Histogram,
    pub(crate) generator_util: f64,
    pub(crate) rss_kb: u64,
    /// Missing at the end, and doubled.
    pub(crate) lost: u64,
    spins: bool,
}

impl Run {
    /// A sample with everything but its value; `ops` is what the server's time is divided by.
    pub(crate) fn sample(&self, value: f64, ops: u64) -> Sample {
        let cpu = self.cpu.as_secs_f64();
        Sample {
            value: (value.is_finite() && ops > 0).then_some(value),
            latencies: None,
            server_cpu_us_per_op: (ops > 0).then(|| cpu * 1e6 / ops as f64),
            server_util: Some(cpu / self.elapsed.as_secs_f64()),
            generator_util: Some(self.generator_util),
            spins: self.spins,
            rss_kb: Some(self.rss_kb),
            lost: self.lost,
            load1: machine::load1(),
            fault: None,
        }
    }

    /// Deliveries for each second of processor time the server used.
    pub(crate) fn delivered_per_cpu_second(&self) -> f64 {
        self.delivered as f64 / self.cpu.as_secs_f64()
    }

    pub(crate) fn acked_per_second(&self) -> f64 {
        self.acked as f64 / self.elapsed.as_secs_f64()
    }
}

/// Where the measured part of a loop began.
struct Mark {
    at: Instant,
    cpu_ns: u64,
}

impl Crowd {
    /// Keeps posts in flight in room 0, whose members are all clients.
    pub(crate) fn closed(&mut self, pids: &[u32], how: Closed) -> Outcome<Run> {
        let hearers = self.listening.unwrap_or(self.clients);
        let mut ledger = Ledger::new(self.next, hearers, how.ack);
        let mut turns = Turns::new(if how.all_post { hearers } else { 1 });
        let wait = if how.spins { Duration::ZERO } else { TURN };
        let begin = Instant::now();
        let mut mark = None;
        loop {
            let now = Instant::now();
            if mark.is_none() && now >= begin + how.warm_up {
                mark = Some(self.mark(pids, &mut ledger));
            }
            if now >= begin + how.warm_up + how.time {
                break;
            }
            while ledger.under_way() < how.window {
                let number = ledger.post(Instant::now());
                self.swarm.post(turns.next(), 0, number)?;
            }
            self.turn(wait)?;
            self.note(&mut ledger)?;
        }
        self.end(pids, ledger, mark, how.spins)
    }

    /// Posts at a pace in room 0, whose members are all clients. A post that is due while the
    /// generator is at work is timed from when it was sent.
    pub(crate) fn paced(&mut self, pids: &[u32], how: Paced) -> Outcome<Run> {
        let mut ledger = Ledger::new(self.next, self.clients, false);
        let mut turns = Turns::new(if how.all_post { self.clients } else { 1 });
        let gap = Duration::from_secs_f64(1.0 / how.per_second);
        let begin = Instant::now();
        let mut due = begin;
        let mut mark = None;
        loop {
            let now = Instant::now();
            if mark.is_none() && now >= begin + how.warm_up {
                mark = Some(self.mark(pids, &mut ledger));
            }
            if now >= begin + how.warm_up + how.time {
                break;
            }
            if now >= due {
                due += gap;
                let number = ledger.post(now);
                self.swarm.post(turns.next(), 0, number)?;
            }
            self.turn(due.saturating_duration_since(Instant::now()).min(TURN))?;
            self.note(&mut ledger)?;
        }
        self.end(pids, ledger, mark, false)
    }

    fn mark(&mut self, pids: &[u32], ledger: &mut Ledger) -> Mark {
        ledger.mark();
        self.swarm.meter().mark();
        Mark { at: Instant::now(), cpu_ns: machine::cpu_ns(pids) }
    }

    fn note(&mut self, ledger: &mut Ledger) -> Outcome {
        for seen in self.seen.drain(..) {
            match seen {
                Seen::Delivered { number, at, .. } => ledger.deliver(number, at),
                Seen::Acked { number, at, .. } => ledger.ack(number, at),
                Seen::Closed { client, why } => return Err(format!("client {client}: {why}")),
                _ => {}
            }
        }
        Ok(())
    }

    fn end(
        &mut self,
        pids: &[u32],
        mut ledger: Ledger,
        mark: Option<Mark>,
        spins: bool,
    ) -> Outcome<Run> {
        let mark = mark.ok_or("the run was shorter than its warm-up")?;
        let (cpu_ns, elapsed) = (machine::cpu_ns(pids), mark.at.elapsed());
        let generator_util = self.swarm.meter().util();
        let (delivered, acked) = (ledger.delivered, ledger.acked);
        let (deliveries, acks) = (ledger.deliveries.clone(), ledger.acks.clone());
        let deadline = Instant::now() + DRAIN;
        while ledger.under_way() > 0 && Instant::now() < deadline {
            self.turn(TURN)?;
            self.note(&mut ledger)?;
        }
        let posted = ledger.next() - self.next;
        self.next = ledger.next();
        Ok(Run {
            posted,
            delivered,
            acked,
            elapsed,
            cpu: Duration::from_nanos(cpu_ns.saturating_sub(mark.cpu_ns)),
            deliveries,
            acks,
            generator_util,
            rss_kb: machine::rss_kb(pids),
            lost: ledger.missing() + ledger.surplus,
            spins,
        })
    }
}

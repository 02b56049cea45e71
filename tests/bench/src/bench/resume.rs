//! `resume`: how long a reader goes without messages when its way to the server changes, over a
//! path of 100 ms. `soft`: another address, while the old one still works. `hard`: the old one is
//! dead from the same moment, and so is what was on its way. `restart`: the server is killed and comes back. The reader knows at
//! once, as a phone does; another client goes on posting, and nothing may be lost or doubled.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Context, compare};
use crate::drive::{Crowd, TURN};
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::histogram::Histogram;
use crate::harness::report::Report;
use crate::harness::{Outcome, during, machine, namespace};
use crate::relay::Relay;
use crate::subject::{Running, Setup, Subject};
use crate::swarm::world::World;
use crate::swarm::{Old, Seen};

const RTT: Duration = Duration::from_millis(100);
const LOSSES: [u32; 2] = [0, 2];
const POST_EVERY: Duration = Duration::from_millis(10);
/// How long a client that finds nobody waits before it tries again.
const RETRY: Duration = Duration::from_millis(50);
/// Whoever hasn't got everything by then has lost it.
const PATIENCE: Duration = Duration::from_secs(6);
const WRITER: usize = 0;
const READER: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Soft,
    Hard,
    Restart,
}

const CHANGES: [Change; 3] = [Change::Soft, Change::Hard, Change::Restart];
/// Each change gives two figures: until the first message, until all of them.
const COUNTS: [&str; 2] = ["first", "all"];

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let mut relay = Relay::start()?;
    relay.rtt(RTT.as_millis() as u32)?;
    for loss in LOSSES {
        for change in CHANGES {
            // Recovery keeps what was missed in the server's memory: a restart loses it.
            let peers: &[Subject] =
                if change == Change::Restart { &[] } else { &[Subject::SocketioTls] };
            let line_up = context.line_up(peers);
            let all = context.interleave(&line_up, COUNTS.len(), |subject| {
                let samples = one(context, subject, &mut relay, loss, change);
                relay.loss(0)?;
                relay.light()?;
                samples
            })?;
            for cell in 0..COUNTS.len() {
                compare(&all, cell, |_| title(loss, change, cell), report);
            }
        }
    }
    Ok(())
}

fn one(
    context: &Context<'_>,
    subject: Subject,
    relay: &mut Relay,
    loss: u32,
    change: Change,
) -> Outcome<Vec<Sample>> {
    let mut setup = Setup::new(context.folder, context.certificate, World::one_room(2));
    setup.beyond_the_relay()?;
    setup.recover = true;
    let mut server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(1, 1)?;
    let addresses = [1, 2].map(|at| namespace::CLIENT_ADDRESSES[at]);
    crowd.connect_from(parsed(addresses[0])?)?;
    relay.loss(loss)?;
    let trials = match (change, context.quick) {
        (Change::Restart, _) | (_, true) => 1,
        _ => 8,
    };
    let mut gaps: [Histogram; 2] = std::array::from_fn(|_| Histogram::new());
    let mut talk = Talk::new(crowd.next);
    for trial in 0..trials {
        talk.run(&mut crowd, Duration::from_secs(1))?;
        let (from, to) = (addresses[trial % 2], addresses[(trial + 1) % 2]);
        let begin = Instant::now();
        match change {
            Change::Soft => crowd.swarm.moved(READER, parsed(to)?, Old::Works)?,
            Change::Hard => {
                relay.dark(from)?;
                crowd.swarm.moved(READER, parsed(to)?, Old::Dead)?;
            }
            Change::Restart => {
                talk.writer_is_there = false;
                restart(&mut crowd, server.as_mut())?;
            }
        }
        // What the server said to a client that left may still be on its way.
        let begin = if change == Change::Restart { Instant::now() } else { begin };
        let (first, all) = talk.until_caught_up(&mut crowd, begin)?;
        gaps[0].add(first);
        gaps[1].add(all);
        relay.light()?;
    }
    let lost = talk.end(&mut crowd)?;
    Ok(gaps.map(|gap| sample(&gap, lost)).to_vec())
}

fn parsed(address: &str) -> Outcome<IpAddr> {
    address.parse().map_err(during("address"))
}

fn sample(gap: &Histogram, lost: u64) -> Sample {
    let rtt = RTT.as_micros() as f64;
    Sample {
        value: gap.quantile(0.5).map(|us| us / rtt),
        latencies: Some(gap.clone()),
        lost,
        load1: machine::load1(),
        ..Sample::default()
    }
}

/// Kills the server, starts it, and has both clients come back to it.
fn restart(crowd: &mut Crowd, server: &mut dyn Running) -> Outcome {
    server.restart()?;
    crowd.swarm.again(WRITER)?;
    crowd.swarm.again(READER)
}

/// A post every ten milliseconds, and who got which.
struct Talk {
    base: u64,
    posted: Vec<Instant>,
    acked: HashMap<u64, ()>,
    got: HashMap<u64, u32>,
    due: Instant,
    writer_is_there: bool,
}

impl Talk {
    fn new(base: u64) -> Self {
        let (acked, got) = (HashMap::new(), HashMap::new());
        Self { base, posted: Vec::new(), acked, got, due: Instant::now(), writer_is_there: true }
    }

    fn run(&mut self, crowd: &mut Crowd, time: Duration) -> Outcome {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(crowd, true)?;
        }
        Ok(())
    }

    /// From `begin` until the reader got something, and until it has all that was posted by then.
    fn until_caught_up(
        &mut self,
        crowd: &mut Crowd,
        begin: Instant,
    ) -> Outcome<(Duration, Duration)> {
        // What is on the old way may come until then.
        let settled = begin + RTT / 2;
        let target = self.base + self.posted.len() as u64;
        let mut first = None;
        while begin.elapsed() < PATIENCE {
            let news = self.turn(crowd, true)?;
            let now = Instant::now();
            if news && first.is_none() && now > settled {
                first = Some(now - begin);
            }
            let all = (self.base..target)
                .all(|number| self.got.contains_key(&number) || !self.acked.contains_key(&number));
            if let (Some(first), true) = (first, all) {
                return Ok((first, now - begin));
            }
        }
        Err("the reader hasn't caught up".to_owned())
    }

    /// Waits for what is under way; hands back what was lost or doubled. A post whose
    /// acknowledgement never came may be missing: its sender knows, and would send it again.
    fn end(&mut self, crowd: &mut Crowd) -> Outcome<u64> {
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            self.turn(crowd, false)?;
        }
        let lost = self.acked.keys().filter(|number| !self.got.contains_key(number)).count();
        let doubled = self.got.values().filter(|count| **count > 1).count();
        crowd.next = self.base + self.posted.len() as u64;
        Ok((lost + doubled) as u64)
    }

    /// Posts if one is due, and takes in what comes; whether the reader got anything.
    fn turn(&mut self, crowd: &mut Crowd, posts: bool) -> Outcome<bool> {
        let now = Instant::now();
        if posts && now >= self.due && self.writer_is_there {
            self.due = now + POST_EVERY;
            let number = self.base + self.posted.len() as u64;
            self.posted.push(now);
            crowd.swarm.post(WRITER, 0, number)?;
        }
        crowd.turn(POST_EVERY.min(TURN))?;
        let mut news = false;
        for seen in std::mem::take(&mut crowd.seen) {
            match seen {
                Seen::Delivered { client: READER, number, .. } if number >= self.base => {
                    *self.got.entry(number).or_default() += 1;
                    news = true;
                }
                Seen::Acked { number, .. } if number >= self.base => {
                    self.acked.insert(number, ());
                }
                Seen::Ready(WRITER) => self.writer_is_there = true,
                Seen::Closed { client, .. } => {
                    self.writer_is_there &= client != WRITER;
                    std::thread::sleep(RETRY);
                    crowd.swarm.again(client)?;
                }
                _ => {}
            }
        }
        Ok(news)
    }
}

fn title(loss: u32, change: Change, cell: usize) -> Title {
    let change_name = format!("{change:?}").to_lowercase();
    let goal = match (change, cell, loss) {
        (Change::Hard, 0, 0) => Some(Goal::AtMost(1.3)),
        _ => None,
    };
    Title {
        bench: "resume",
        params: json!({
            "change": change_name, "until": COUNTS[cell], "loss_percent": loss,
            "rtt_ms": RTT.as_millis() as u64, "tcp": machine::tcp_congestion_control(),
        }),
        unit: "rtt",
        better: Better::Less,
        goal,
    }
}

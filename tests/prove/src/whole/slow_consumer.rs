//! One stopped reader among 200: the others get everything, in order, and hardly later. The one
//! that stopped stays connected, and once it reads it hears everything, or that it missed something.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_features::{
    raw::{Client, Lane, PATIENCE},
    server::Server,
    world::{group, text},
};
use parlour_protocol::{
    generated::rpc::{AddMembers, Send},
    message::{MessagePosted, SendRequest},
    room::AddMembersRequest,
    wire::{EventFrame, LaneOpen, event_frame::Frame},
};
use prost::Message;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{block_on, hostile::narrow_door, over, writers::lasting_hello};
use crate::{args::Args, report::Report};

/// Bytes of a post: enough to fill a stopped reader's budget within a round.
const POST_BYTES: usize = 2_000;
/// Posts on their way at once, below what the server allows.
const IN_FLIGHT: usize = 128;
/// So many may wait for a stopped reader in the server, and in the transport on both sides.
const POSTS_KEPT: u64 = 2_000;
/// How much later the others may get theirs.
const RATIO_MAX: f64 = 1.2;

pub(crate) fn run(args: &Args) -> Report {
    block_on(measure(args))
}

struct Scene {
    server: Server,
    room: Bytes,
    talker: Client,
    members: usize,
    began: Instant,
}

async fn measure(args: &Args) -> Report {
    let mut report = Report::default();
    let (members, rate, seconds) = if args.short { (40, 500, 5) } else { (200, 500, 10) };
    let rounds = args.count(3, 1);
    let server = Server::start(over(args.store.unwrap_or(Kind::Sled)));
    let talker = server.door().connect(lasting_hello(&server, "talker")).await.expect("welcomed");
    let room = group(&talker, "large", &[]).await;
    let scene = Scene { server, room, talker, members, began: Instant::now() };
    let names: Vec<String> = (0..members).map(|n| format!("member{n}")).collect();
    for name in &names {
        let hello = lasting_hello(&scene.server, name);
        scene.server.door().connect(hello).await.expect("welcomed");
    }
    for names in names.chunks(100) {
        let members = names.iter().map(|name| parlour_features::world::by_subject(name)).collect();
        let request = AddMembersRequest { room: scene.room.clone(), members };
        scene.talker.call::<AddMembers>(&request).await.expect("added");
    }
    let (mut without, mut with) = (vec![], vec![]);
    for _ in 0..rounds {
        without.push(scene.round(false, rate, seconds, &mut report).await);
        with.push(scene.round(true, rate, seconds, &mut report).await);
    }
    let (without, with) = (median(without), median(with));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    report.figure("members", members as u64);
    report.figure("posts_per_second", rate);
    report.figure("p99_ms_without", without.as_secs_f64() * 1000.0);
    report.figure("p99_ms_with", with.as_secs_f64() * 1000.0);
    report.figure("ratio", (ratio * 1000.0).round() / 1000.0);
    if !args.short {
        report.expect(ratio <= RATIO_MAX, || format!("others' p99 is {ratio:.2} times as long"));
    }
    report
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

impl Scene {
    /// Posts for so long; returns the readers' p99.
    async fn round(&self, stopped: bool, rate: u64, seconds: u64, report: &mut Report) -> Duration {
        let posts = rate * seconds;
        let readers = self.members - usize::from(stopped);
        let mut tasks: Vec<JoinHandle<Result<Vec<u64>, String>>> = vec![];
        for n in 0..readers {
            let hello = lasting_hello(&self.server, &format!("member{n}"));
            let client = self.server.door().connect(hello).await.expect("welcomed");
            tasks.push(tokio::spawn(read(client, posts, self.began)));
        }
        let mut deaf = vec![];
        if stopped {
            let hello = lasting_hello(&self.server, &format!("member{}", self.members - 1));
            deaf.push(narrow_door(&self.server).connect_deaf(hello).await.expect("welcomed"));
        }
        self.post(posts, rate, report).await;
        let (mut delays, mut lost) = (vec![], 0);
        for task in tasks {
            match task.await.expect("reading doesn't panic") {
                Ok(times) => delays.extend(times),
                Err(problem) => {
                    lost += 1;
                    report.violation(&problem);
                }
            }
        }
        for deaf in deaf {
            match timeout(PATIENCE, read_late(&deaf, posts)).await {
                // What waits for it may be a megabyte; what is posted in full is ten of them.
                Ok(Ok(missed)) => report.expect(missed || posts <= POSTS_KEPT, || {
                    format!("{posts} posts waited for the stopped reader, and none was left out")
                }),
                other => report.violation(&format!("the stopped reader: {other:?}")),
            }
        }
        report.trials(posts * readers as u64);
        report.expect(lost == 0, || format!("{lost} readers of {readers} missed something"));
        delays.sort_unstable();
        let at = delays.len().saturating_sub(1) * 99 / 100;
        Duration::from_micros(delays.get(at).copied().unwrap_or(u64::MAX / 2))
    }

    async fn post(&self, posts: u64, rate: u64, report: &mut Report) {
        let mut ticks = interval(Duration::from_secs(1) / rate as u32);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut pending = VecDeque::new();
        for _ in 0..posts {
            ticks.tick().await;
            let at = self.began.elapsed().as_micros();
            let mut body = MessagePosted { text: format!("at {at}"), ..MessagePosted::default() }
                .encode_to_vec();
            body.extend([0x9a, 0x06]);
            prost::encoding::encode_varint(POST_BYTES as u64, &mut body);
            body.resize(body.len() + POST_BYTES, 7);
            let request = SendRequest { body: body.into(), ..text(&self.room, "") };
            pending.push_back(self.talker.start::<Send>(&request).await.expect("connected"));
            if pending.len() < IN_FLIGHT {
                continue;
            }
            // A machine that can't keep up posts more slowly, with a slow reader and without.
            if let Some(oldest) = pending.pop_front() {
                let answer = oldest.answer().await;
                report.expect(answer.is_ok(), || format!("{answer:?}"));
            }
        }
        for pending in pending {
            let answer = pending.answer().await;
            report.expect(answer.is_ok(), || format!("{answer:?}"));
        }
    }
}

/// Begins to read what a stopped reader left: whether it is told that it missed something. Otherwise
/// everything comes.
async fn read_late(deaf: &Client, posts: u64) -> Result<bool, String> {
    let connection = deaf.connection();
    if let Some(lost) = connection.close_reason() {
        return Err(format!("it was thrown out: {lost:?}"));
    }
    let lane = connection.accept_uni().await.map_err(|lost| format!("no events: {lost:?}"))?;
    let mut lane = Lane::new(lane);
    let open = lane.next::<LaneOpen>().await.map_err(|error| format!("{error:?}"))?;
    open.ok_or("the event lane ends at once")?;
    let (mut heard, mut last) = (0, None);
    while heard < posts {
        let frame = lane.next::<EventFrame>().await.map_err(|error| format!("{error:?}"))?;
        match frame.ok_or("the event lane ends")?.frame {
            Some(Frame::Gap(_)) => return Ok(true),
            Some(Frame::RoomEvents(events)) => {
                for event in events.events {
                    let seq = event.header.map_or(0, |header| header.seq);
                    if last.is_some_and(|last| seq != last + 1) {
                        return Err(format!("{seq} follows {last:?}, and nothing is said of it"));
                    }
                    last = Some(seq);
                    heard += 1;
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

/// Reads so many posts; how long each took, in microseconds.
async fn read(client: Client, posts: u64, began: Instant) -> Result<Vec<u64>, String> {
    let (mut delays, mut last) = (Vec::with_capacity(posts as usize), None);
    while (delays.len() as u64) < posts {
        let next = timeout(Duration::from_secs(60), client.event(Duration::from_secs(60))).await;
        let Ok(Some(frame)) = next else {
            return Err(format!("a reader heard {} of {posts}", delays.len()));
        };
        let events = match frame {
            Frame::RoomEvents(events) => events.events,
            Frame::Gap(_) => return Err("a reader that reads got a gap".into()),
            _ => continue,
        };
        let now = began.elapsed().as_micros() as u64;
        for event in events {
            let seq = event.header.map_or(0, |header| header.seq);
            if last.is_some_and(|last| seq != last + 1) {
                return Err(format!("{seq} follows {last:?}"));
            }
            last = Some(seq);
            let said = MessagePosted::decode(event.body).map(|m| m.text).unwrap_or_default();
            let Some(at) = said.strip_prefix("at ").and_then(|at| at.parse::<u64>().ok()) else {
                continue;
            };
            delays.push(now.saturating_sub(at));
        }
    }
    Ok(delays)
}

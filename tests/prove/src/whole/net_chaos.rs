//! A bad network between a real server and real clients: 5 % of all datagrams lost on a way of
//! 200 ms, then nothing at all for half a minute, and afterwards the same way or a clear one.
//! Everybody writes all the time, and everybody hears everything once and in order.
//!
//! Coming back takes a dozen datagrams one after the other, and one that is lost costs half a
//! second: on the lossy way two losses in a row are a matter of luck. So everybody is back in time
//! on the clear way, and nine of ten are on the lossy one.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use parlour::{Client, QueuedSend, Room, Trust};
use parlour_adapters::Kind;
use parlour_features::{
    relay::{Relay, Way},
    server::Server,
    token::claims,
    world::ORG,
};
use parlour_protocol::{generated::EventMessage, message::MessagePosted};
use prost::Message;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{block_on, over};
use crate::{
    args::Args,
    report::{Report, quantiles_ms},
};

const PEOPLE: usize = 8;
const WAY: Way = Way { delay: Duration::from_millis(100), loss: 50, is_dark: false };
const P99_MAX: Duration = Duration::from_millis(1_500);
const RESUMED_WITHIN: Duration = Duration::from_secs(2);
/// Of those who come back over a way that loses.
const RESUMED_PART: f64 = 0.9;
/// Everything has arrived after this time, or is lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// With all of them, less is missed in a blackout than a client reads one by one afterwards.
const POST_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Args) -> Report {
    block_on(play(args))
}

/// Who wrote it, in which part of the proof, and their how many-th it was.
type Text = (usize, usize, u64);

#[derive(Clone, Copy, Debug)]
struct Heard {
    at: Instant,
    seq: u64,
    text: Option<Text>,
}

struct Person {
    room: Room,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// Ends when dropped.
    _client: Client,
}

struct Scene {
    relay: Relay,
    people: Vec<Person>,
    posted: Arc<Mutex<BTreeMap<Text, Instant>>>,
    began: Instant,
}

async fn play(args: &Args) -> Report {
    let mut report = Report::default();
    let (every, blackouts, dark_for) = if args.short {
        (POST_EVERY / 2, 1, Duration::from_secs(2))
    } else {
        (POST_EVERY, 3, Duration::from_secs(30))
    };
    let posts = args.count(240, 12);
    let server = Server::start(over(args.store.unwrap_or(Kind::Sled)));
    let relay = Relay::to(server.ready().quic, args.seed).await;
    let scene = Scene::enter(&server, relay).await;
    scene.relay.set(WAY);

    scene.talk(0, posts, every, &mut report).await;
    let delays = scene.delays(0);
    let p99 = quantile(delays.clone(), 0.99);
    report.figure("delivered_ms", quantiles_ms(delays));

    let (mut resumed, mut resumed_clear, mut caught_up) = (vec![], vec![], vec![]);
    // The last is on a clear way.
    for part in 1..=blackouts + 1 {
        args.progress(&format!("net-chaos: blackout {part} of {}", blackouts + 1));
        let is_clear = part > blackouts;
        let way = if is_clear { Way { loss: 0, ..WAY } } else { WAY };
        let dark = async {
            sleep(WAY.delay * 4).await;
            scene.relay.set(Way { is_dark: true, ..way });
            sleep(dark_for).await;
            scene.relay.set(way);
            Instant::now()
        };
        let posts = ((dark_for + Duration::from_secs(3)).as_millis() / every.as_millis()) as u64;
        let (light_at, ()) = tokio::join!(dark, scene.talk(part, posts, every, &mut report));
        let after = scene.after(part, light_at);
        let into = if is_clear { &mut resumed_clear } else { &mut resumed };
        into.extend(after.iter().map(|(first, _)| *first));
        caught_up.extend(after.iter().map(|(_, all)| *all));
    }
    scene.check(&mut report);
    let slowest = resumed_clear.iter().max().copied().unwrap_or(Duration::MAX);
    let most = quantile(resumed.clone(), RESUMED_PART);
    report.figure("resumed_ms", quantiles_ms(resumed));
    report.figure("resumed_clear_ms", quantiles_ms(resumed_clear));
    report.figure("caught_up_ms", quantiles_ms(caught_up));
    if !args.short {
        report.expect(p99 <= P99_MAX, || format!("the p99 is {p99:?}"));
        report.expect(slowest <= RESUMED_WITHIN, || format!("one resumed after {slowest:?}"));
        report.expect(most <= RESUMED_WITHIN, || format!("nine of ten resumed within {most:?}"));
    }
    report
}

fn quantile(mut values: Vec<Duration>, part: f64) -> Duration {
    values.sort_unstable();
    let at = (values.len().saturating_sub(1) as f64 * part) as usize;
    values.get(at).copied().unwrap_or(Duration::MAX)
}

impl Scene {
    /// Everybody comes in over a good way and is in one room.
    async fn enter(server: &Server, relay: Relay) -> Scene {
        let names: Vec<String> = (0..PEOPLE).map(|n| format!("person{n}")).collect();
        let mut clients = vec![];
        for name in &names {
            clients.push(connect(server, relay.address(), name).await);
        }
        let others = names[1..].iter().map(|name| &name[..]);
        let made = clients[0].create_group("all", others).await.expect("a group can be made");
        let mut people = vec![];
        for client in clients {
            let room = client.room(made.id());
            let heard = Arc::default();
            let events = client.events().await.expect("the client runs");
            tokio::spawn(hear(events, Arc::clone(&heard)));
            people.push(Person { room, heard, _client: client });
        }
        Scene { relay, people, posted: Arc::default(), began: Instant::now() }
    }

    /// Everybody writes so often, and everybody hears all of it.
    async fn talk(&self, part: usize, posts: u64, every: Duration, report: &mut Report) {
        let mut writers = vec![];
        for (who, person) in self.people.iter().enumerate() {
            let write = write(person.room.clone(), (part, who), posts, every, self.posted.clone());
            writers.push(tokio::spawn(write));
        }
        for (who, writer) in writers.into_iter().enumerate() {
            for queued in writer.await.expect("writing doesn't panic") {
                let sent = timeout(PATIENCE, queued.sent()).await;
                let sent = matches!(sent, Ok(Ok(_)));
                report.expect(sent, || format!("{who}: a message was never acknowledged"));
            }
        }
        let wanted = posts as usize * self.people.len();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let heard_all = |person: &Person| {
                person.heard().iter().filter(|heard| heard.is_of(part)).count() >= wanted
            };
            if self.people.iter().all(heard_all) {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        report.trials((wanted * self.people.len()) as u64);
    }

    fn posted(&self) -> BTreeMap<Text, Instant> {
        self.posted.lock().expect("nobody panics with the lock").clone()
    }

    /// How long each delivery of a part took.
    fn delays(&self, part: usize) -> Vec<Duration> {
        let posted = self.posted();
        let delay = |heard: Heard| Some(heard.at - *posted.get(&heard.text?)?);
        let of_part = |person: &Person| {
            person.heard().into_iter().filter(|heard| heard.is_of(part)).collect::<Vec<_>>()
        };
        self.people.iter().flat_map(of_part).filter_map(delay).collect()
    }

    /// For each person how long it took until something came, and until everything had that was
    /// written until then.
    fn after(&self, part: usize, light_at: Instant) -> Vec<(Duration, Duration)> {
        let posted = self.posted();
        let before = |text: &Text| posted.get(text).is_some_and(|at| *at < light_at);
        let times = |person: &Person| {
            let heard = person.heard();
            let after = heard.iter().filter(|heard| heard.at >= light_at);
            let first = after.clone().map(|heard| heard.at).min();
            let missed = after.filter(|h| h.is_of(part) && h.text.as_ref().is_some_and(before));
            let last = missed.map(|heard| heard.at).max();
            let since = |at: Option<Instant>| at.map_or(Duration::MAX, |at| at - light_at);
            (since(first), since(last.or(first)))
        };
        self.people.iter().map(times).collect()
    }

    /// Everybody heard every message once, and everybody's in the order they wrote them.
    fn check(&self, report: &mut Report) {
        let posted = self.posted();
        for (who, person) in self.people.iter().enumerate() {
            let heard = person.heard();
            let in_step = heard.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1);
            report.expect(in_step, || format!("{who} heard something not at all, or twice"));
            let mut next: BTreeMap<(usize, usize), u64> = BTreeMap::new();
            for (part, writer, n) in heard.iter().filter_map(|heard| heard.text) {
                let expected = next.entry((part, writer)).or_default();
                let in_order = *expected == n;
                report.expect(in_order, || format!("{who} heard {part}.{writer}.{n} out of turn"));
                *expected = n + 1;
            }
            let count = heard.iter().filter(|heard| heard.text.is_some()).count();
            let all = count == posted.len();
            report.expect(all, || format!("{who} heard {count} of {}", posted.len()));
        }
        report.figure("took_s", self.began.elapsed().as_secs());
    }
}

impl Person {
    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("nobody panics with the lock").clone()
    }
}

impl Heard {
    fn is_of(&self, part: usize) -> bool {
        self.text.is_some_and(|(of, _, _)| of == part)
    }
}

async fn connect(server: &Server, address: SocketAddr, name: &str) -> Client {
    let client = Client::builder()
        .address(address.to_string())
        .token(server.sign(&claims(ORG, name)))
        .trust(Trust::parse_sha256(&server.ready().sha256).expect("the server prints its hash"))
        .connect()
        .await
        .expect("the way is good at first");
    client.synced().await.expect("the client runs");
    client
}

async fn hear(
    mut events: impl futures_util::Stream<Item = parlour::RoomEvents> + Unpin,
    into: Arc<Mutex<Vec<Heard>>>,
) {
    while let Some(news) = events.next().await {
        let at = Instant::now();
        let news = news.events.iter().map(|event| {
            let is_message = event.header.kind == MessagePosted::RULE.kind;
            let text = is_message.then(|| parse(&event.body)).flatten();
            Heard { at, seq: event.seq(), text }
        });
        into.lock().expect("nobody panics with the lock").extend(news);
    }
}

fn parse(body: &[u8]) -> Option<Text> {
    let text = MessagePosted::decode(body).ok()?.text;
    let mut numbers = text.split('.').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    Some((next()? as usize, next()? as usize, next()?))
}

async fn write(
    room: Room,
    (part, who): (usize, usize),
    posts: u64,
    every: Duration,
    posted: Arc<Mutex<BTreeMap<Text, Instant>>>,
) -> Vec<QueuedSend> {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut queued = vec![];
    for n in 0..posts {
        ticks.tick().await;
        let now = Instant::now();
        posted.lock().expect("nobody panics with the lock").insert((part, who, n), now);
        let sent = room.queue(format!("{part}.{who}.{n}")).await;
        queued.push(sent.expect("the outbox takes a few hundred"));
    }
    queued
}

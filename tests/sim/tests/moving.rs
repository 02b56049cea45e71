//! A client whose address dies under it while messages come and go, in exact time: what it doesn't
//! hear, and for how long.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used)] // A test's helpers fail by panicking.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt;
use parlour::{Cache, Client, SocketFactory, Trust};
use parlour_sim::{
    Kept,
    host::{SimClock, SimEntropy},
    net::{GOOD, Net, Way},
    rng::Rng,
    server::{ADDRESS, Host},
};
use quinn::AsyncUdpSocket;
use tokio::time::{Instant, sleep, sleep_until};

const RTT: Duration = Duration::from_millis(100);
const POST_EVERY: Duration = Duration::from_millis(10);
const FAR: Way = Way { delay_ms: 50, jitter_ms: 0, ..GOOD };
const NEAR: Way = Way { delay_ms: 1, jitter_ms: 0, ..GOOD };

/// Each socket has an address of its own, and with the next one the former is dead.
struct Moving {
    net: Net,
    way: Way,
    last: Mutex<(u8, Option<SocketAddr>)>,
}

impl SocketFactory for Moving {
    fn bind(&self, _: SocketAddr) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
        let mut last = self.last.lock().unwrap();
        if let Some(former) = last.1 {
            self.net.unplug(former);
        }
        last.0 += 1;
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, self.way.delay_ms as u8, last.0));
        self.net.set_way(ip, self.way);
        let socket = self.net.bind_any(ip);
        last.1 = Some(socket.local_addr()?);
        Ok(socket)
    }
}

/// Alice is near, and Bob is far away and moves.
struct Scene {
    start: Instant,
    net: Net,
    host: Host,
    rng: Rng,
}

impl Scene {
    async fn client(&mut self, name: &str, way: Way) -> Client {
        let sockets = Moving { net: self.net.clone(), way, last: Mutex::default() };
        let client = Client::builder()
            .address(ADDRESS)
            .token(name)
            .trust(Trust::CertificateSha256(self.host.pin))
            .cache(Cache::Custom(Box::new(Kept::default())))
            .clock(Arc::new(SimClock::new(self.start, 0)))
            .entropy(Arc::new(SimEntropy::new(self.rng.fork())))
            .sockets(Arc::new(sockets))
            .connect()
            .await
            .unwrap();
        client.synced().await.unwrap();
        client
    }
}

fn simulate<F: Future<Output = ()>>(play: impl FnOnce(Scene) -> F) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (start, mut rng) = (Instant::now(), Rng::new(7));
        let net = Net::new(rng.fork());
        let carrier = tokio::spawn(net.clone().run());
        let mut host = Host::new(net.clone(), start, rng.fork());
        let server = host.start().await.unwrap();
        play(Scene { start, net, host, rng }).await;
        drop(server);
        carrier.abort();
    });
}

/// The numbers of events and when each came.
type Heard = Arc<Mutex<Vec<(Instant, u64)>>>;

async fn hear(client: &Client) -> Heard {
    let heard = Heard::default();
    let (mut events, into) = (client.events().await.unwrap(), heard.clone());
    tokio::spawn(async move {
        while let Some(news) = events.next().await {
            let now = Instant::now();
            let news = news.events.iter().map(|event| (now, event.seq()));
            into.lock().unwrap().extend(news);
        }
    });
    heard
}

#[test]
fn a_client_whose_address_died_hears_on_after_one_round_trip() {
    simulate(|mut scene| async move {
        let alice = scene.client("alice", NEAR).await;
        let bob = scene.client("bob", FAR).await;
        let room = alice.create_group("all", ["bob"]).await.unwrap();
        let heard = hear(&bob).await;
        let talk = tokio::spawn(async move {
            let begin = Instant::now();
            for n in 0..600_u32 {
                sleep_until(begin + n * POST_EVERY).await;
                room.queue(format!("{n}")).await.unwrap();
            }
        });
        for _ in 0..3 {
            sleep(Duration::from_secs(1)).await;
            let moved_at = Instant::now();
            bob.network_changed();
            sleep(Duration::from_millis(500)).await;
            let heard = heard.lock().unwrap().clone();
            // What was at hand already may come a moment later.
            let before = heard.iter().filter(|(at, _)| *at < moved_at + RTT / 2).count();
            let first = heard[before].0;
            let gap = first - moved_at;
            assert!(gap <= RTT + POST_EVERY, "the first event came after {gap:?}");
            let caught_up = heard[before..].iter().filter(|(at, _)| *at == first).count();
            assert!(caught_up >= 5, "only {caught_up} came with it");
        }
        talk.await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let heard = heard.lock().unwrap();
        let numbers: Vec<u64> = heard.iter().map(|(_, seq)| *seq).collect();
        let expected: Vec<u64> = (numbers[0]..numbers[0] + numbers.len() as u64).collect();
        assert_eq!(numbers, expected);
        assert!(numbers.len() >= 600, "{}", numbers.len());
    });
}

#[test]
fn what_is_sent_while_the_address_dies_arrives_once() {
    simulate(|mut scene| async move {
        let alice = scene.client("alice", NEAR).await;
        let bob = scene.client("bob", FAR).await;
        let room = alice.create_group("all", ["bob"]).await.unwrap();
        sleep(RTT).await;
        let mut theirs = room.timeline().await.unwrap();
        let his = bob.room(room.id());
        let mut waiting = vec![];
        let begin = Instant::now();
        for n in 0..200_u32 {
            sleep_until(begin + n * POST_EVERY).await;
            waiting.push(his.queue(format!("{n}")).await.unwrap());
            if n % 50 == 25 {
                bob.network_changed();
            }
        }
        for queued in waiting {
            queued.sent().await.unwrap();
        }
        sleep(RTT).await;
        let texts = theirs.refresh().iter().filter_map(|item| Some(item.message()?.text.clone()));
        let expected: Vec<String> = (0..200).map(|n| format!("{n}")).collect();
        assert_eq!(texts.collect::<Vec<_>>(), expected);
    });
}

#[test]
fn what_has_piled_up_is_sent_in_few_round_trips_and_in_order() {
    simulate(|mut scene| async move {
        let bob = scene.client("bob", FAR).await;
        let room = bob.create_group("all", Vec::<&str>::new()).await.unwrap();
        let begin = Instant::now();
        let mut waiting = vec![];
        for n in 0..64_u32 {
            waiting.push(room.queue(format!("{n}")).await.unwrap());
        }
        let mut last = 0;
        for queued in waiting {
            let seq = queued.sent().await.unwrap().seq;
            assert!(seq > last, "{seq} after {last}");
            last = seq;
        }
        // Sixteen at a time, not one.
        let took = begin.elapsed();
        assert!(took < 5 * RTT, "it took {took:?}");
    });
}

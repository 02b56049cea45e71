//! A client whose cache takes nothing: what it sends, and what it says of it.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used)] // A test's helpers fail by panicking.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parlour::{Builder, Cache, Client, QueueError, Timeline, Trust};
use parlour_sim::{
    Kept,
    host::{SimClock, SimEntropy},
    net::Net,
    rng::Rng,
    server::{ADDRESS, Host},
};
use quinn::AsyncUdpSocket;
use tokio::time::{Instant, sleep, timeout};

const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 1));

struct Sockets(Net);

impl parlour::SocketFactory for Sockets {
    fn bind(&self, _: SocketAddr) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(self.0.bind_any(IP))
    }
}

/// A server, and one user's device with a cache that is kept.
struct World {
    start: Instant,
    rng: Rng,
    net: Net,
    host: Host,
    kept: Kept,
}

impl World {
    fn client(&mut self) -> Builder {
        Client::builder()
            .address(ADDRESS)
            .token("ann")
            .trust(Trust::CertificateSha256(self.host.pin))
            .cache(Cache::Custom(Box::new(self.kept.clone())))
            .clock(Arc::new(SimClock::new(self.start, 0)))
            .entropy(Arc::new(SimEntropy::new(self.rng.fork())))
            .sockets(Arc::new(Sockets(self.net.clone())))
    }
}

/// Plays something in simulated time.
fn play<F: Future<Output = ()>>(what: impl FnOnce(World) -> F) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (start, mut rng) = (Instant::now(), Rng::new(7));
        let net = Net::new(rng.fork());
        let carrier = tokio::spawn(net.clone().run());
        let mut host = Host::new(net.clone(), start, rng.fork());
        let server = host.start().await.unwrap();
        what(World { start, rng, net, host, kept: Kept::default() }).await;
        drop(server);
        carrier.abort();
    });
}

/// The texts of what a timeline shows by itself, but of what isn't sent.
fn sent(timeline: &mut Timeline) -> Vec<String> {
    let messages = timeline.refresh().iter().filter_map(|item| item.message());
    messages.filter(|message| message.seq().is_some()).map(|m| m.text.clone()).collect()
}

#[test]
fn whoever_queues_is_told_at_once_that_a_full_cache_keeps_nothing_and_it_is_sent_all_the_same() {
    play(async |mut world| {
        let client = world.client().connect().await.unwrap();
        let room = client.create_group("all", Vec::<&str>::new()).await.unwrap();
        world.kept.set_full(true);
        // The second is queued when the client has long given its cache up.
        for text in ["soon", "late"] {
            let queued = timeout(Duration::from_secs(2), room.queue(text)).await;
            let queued = queued.expect("it waits for a cache that takes nothing");
            assert!(matches!(queued, Err(QueueError::NotDurable)), "{queued:?}");
            sleep(Duration::from_secs(60)).await;
        }
        // Nothing of it is in the cache: the server is asked.
        let mut timeline = room.timeline().await.unwrap();
        while timeline.load_older(50).await.unwrap() {}
        assert_eq!(sent(&mut timeline), ["soon", "late"]);
    });
}

#[test]
fn a_cache_that_takes_changes_again_is_written_anew_and_shows_nothing_of_before() {
    play(async |mut world| {
        let client = world.client().connect().await.unwrap();
        let room = client.create_group("all", Vec::<&str>::new()).await.unwrap();
        let id = room.id();
        let first = room.send("deleted meanwhile").await.unwrap();
        world.kept.set_full(true);
        let deleted = room.delete(first.seq).await;
        assert!(matches!(deleted, Err(QueueError::NotDurable)), "{deleted:?}");
        sleep(Duration::from_secs(60)).await;
        // What the cache has isn't shown where the server can be asked.
        let mut timeline = room.timeline().await.unwrap();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(sent(&mut timeline), [""]);
        world.kept.set_full(false);
        sleep(Duration::from_secs(40)).await;
        let queued = room.queue("kept again").await.expect("the cache takes changes again");
        queued.sent().await.unwrap();
        drop((timeline, room, client));
        sleep(Duration::from_secs(5)).await;
        world.net.cut(IP, true);
        let client = world.client().start().await.unwrap();
        let rooms = client.rooms().await.unwrap();
        assert_eq!(rooms.items().iter().map(|room| room.id).collect::<Vec<_>>(), [id]);
        let mut timeline = client.room(id).timeline().await.unwrap();
        assert_eq!(sent(&mut timeline), ["", "kept again"]);
    });
}

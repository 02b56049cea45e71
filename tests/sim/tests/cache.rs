//! A client whose cache takes nothing: what it sends, and what it says of it.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used)] // A test's helpers fail by panicking.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parlour::{Cache, Client, QueueError, Trust};
use parlour_sim::{
    Kept,
    host::{SimClock, SimEntropy},
    net::Net,
    rng::Rng,
    server::{ADDRESS, Host},
};
use quinn::AsyncUdpSocket;
use tokio::time::{Instant, sleep, timeout};

struct Sockets(Net);

impl parlour::SocketFactory for Sockets {
    fn bind(&self, _: SocketAddr) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(self.0.bind_any(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 1))))
    }
}

#[test]
fn whoever_queues_is_told_at_once_that_a_full_cache_keeps_nothing_and_it_is_sent_all_the_same() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (start, mut rng) = (Instant::now(), Rng::new(7));
        let net = Net::new(rng.fork());
        let carrier = tokio::spawn(net.clone().run());
        let mut host = Host::new(net.clone(), start, rng.fork());
        let server = host.start().await.unwrap();
        let kept = Kept::default();
        let client = Client::builder()
            .address(ADDRESS)
            .token("ann")
            .trust(Trust::CertificateSha256(host.pin))
            .cache(Cache::Custom(Box::new(kept.clone())))
            .clock(Arc::new(SimClock::new(start, 0)))
            .entropy(Arc::new(SimEntropy::new(rng.fork())))
            .sockets(Arc::new(Sockets(net)))
            .connect()
            .await
            .unwrap();
        let room = client.create_group("all", Vec::<&str>::new()).await.unwrap();
        kept.set_full(true);
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
        let messages = timeline.refresh().iter().filter_map(|item| item.message());
        let sent: Vec<&str> =
            messages.filter(|m| m.seq().is_some()).map(|m| m.text.as_str()).collect();
        assert_eq!(sent, ["soon", "late"]);
        drop(server);
        carrier.abort();
    });
}

//! A network in memory: datagrams take their time, overtake each other, and get lost.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};
use tokio::{sync::Notify, time::Instant};

use crate::rng::Rng;

/// Datagrams that wait at one socket; more are dropped, as a kernel would.
const QUEUE_MAX: usize = 512;

/// How the way between a client and the server is.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Lost, in thousandths.
    pub loss: u64,
    /// Least delay one way.
    pub delay_ms: u64,
    /// Up to this much more.
    pub jitter_ms: u64,
    /// Comes twice, in thousandths.
    pub twice: u64,
}

/// A way as good as one gets.
pub const GOOD: Way = Way { loss: 0, delay_ms: 5, jitter_ms: 2, twice: 0 };

#[derive(Debug)]
struct Datagram {
    due: Instant,
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl PartialEq for Datagram {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Datagram {}

impl PartialOrd for Datagram {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Datagram {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

#[derive(Debug, Default)]
struct Port {
    queue: VecDeque<(SocketAddr, Vec<u8>)>,
    waker: Option<Waker>,
    use_no: u64,
}

#[derive(Debug)]
struct Inner {
    rng: Rng,
    start: Instant,
    ports: BTreeMap<SocketAddr, Port>,
    under_way: BinaryHeap<Reverse<Datagram>>,
    ways: BTreeMap<IpAddr, Way>,
    cut_off: BTreeSet<IpAddr>,
    number: u64,
    next_port: u16,
    trace: u64,
}

/// The network. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Net {
    inner: Arc<Mutex<Inner>>,
    news: Arc<Notify>,
}

impl Net {
    /// An empty network; its [`Net::run`] has to be driven.
    pub fn new(rng: Rng) -> Self {
        let inner = Inner {
            rng,
            start: Instant::now(),
            ports: BTreeMap::new(),
            under_way: BinaryHeap::new(),
            ways: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            number: 0,
            next_port: 20_000,
            trace: 0,
        };
        Net { inner: Arc::new(Mutex::new(inner)), news: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries datagrams for ever.
    pub async fn run(self) {
        loop {
            let due = self.lock().under_way.peek().map(|Reverse(next)| next.due);
            match due {
                None => self.news.notified().await,
                Some(due) if due > Instant::now() => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = self.news.notified() => {}
                    }
                }
                Some(_) => self.deliver(),
            }
        }
    }

    fn deliver(&self) {
        let waker = {
            let mut inner = self.lock();
            let Some(Reverse(datagram)) = inner.under_way.pop() else { return };
            let Some(port) = inner.ports.get_mut(&datagram.to) else { return };
            if port.queue.len() < QUEUE_MAX {
                port.queue.push_back((datagram.from, datagram.bytes));
            }
            port.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// How the way of a client is from now on.
    pub fn set_way(&self, client: IpAddr, way: Way) {
        self.lock().ways.insert(client, way);
    }

    /// Nothing comes from or to this client any more, or does again.
    pub fn cut(&self, client: IpAddr, is_cut: bool) {
        let mut inner = self.lock();
        if is_cut {
            inner.cut_off.insert(client);
        } else {
            inner.cut_off.remove(&client);
        }
    }

    /// Every way is good and nobody is cut off.
    pub fn heal(&self) {
        let mut inner = self.lock();
        inner.ways.clear();
        inner.cut_off.clear();
    }

    /// A socket; a former one at the same address is dead from now on.
    pub fn bind(&self, address: SocketAddr) -> Arc<dyn AsyncUdpSocket> {
        let mut inner = self.lock();
        inner.number += 1;
        let use_no = inner.number;
        inner.ports.insert(address, Port { use_no, ..Port::default() });
        Arc::new(Socket { address, use_no, net: self.clone() })
    }

    /// A socket of a host, at a port never used before.
    pub fn bind_any(&self, ip: IpAddr) -> Arc<dyn AsyncUdpSocket> {
        let port = {
            let mut inner = self.lock();
            inner.next_port += 1;
            inner.next_port
        };
        self.bind(SocketAddr::new(ip, port))
    }

    /// What is sent to this address from now on is lost, and so is what its socket sends.
    pub fn unplug(&self, address: SocketAddr) {
        self.lock().ports.remove(&address);
    }

    /// A number that two runs share if the same datagrams were sent at the same times.
    pub fn trace(&self) -> u64 {
        self.lock().trace
    }
}

impl Inner {
    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let at = self.start.elapsed().as_micros() as u64;
        for part in [at, u64::from(from.port()), u64::from(to.port()), bytes.len() as u64] {
            self.trace = (self.trace ^ part).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17);
        }
        if self.cut_off.contains(&from.ip()) || self.cut_off.contains(&to.ip()) {
            return;
        }
        // The way is the client's, whichever side it is on.
        let way = self.ways.get(&from.ip()).or_else(|| self.ways.get(&to.ip()));
        let way = way.copied().unwrap_or(GOOD);
        if self.rng.per_mille(way.loss) {
            return;
        }
        let copies = 1 + u64::from(self.rng.per_mille(way.twice));
        for _ in 0..copies {
            let extra = self.rng.below(way.jitter_ms * 1000 + 1);
            let delay = Duration::from_micros(way.delay_ms * 1000 + extra);
            self.number += 1;
            let due = Instant::now() + delay;
            let (number, bytes) = (self.number, bytes.to_vec());
            self.under_way.push(Reverse(Datagram { due, number, from, to, bytes }));
        }
    }
}

#[derive(Debug)]
struct Socket {
    address: SocketAddr,
    use_no: u64,
    net: Net,
}

#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        {
            let mut inner = self.net.lock();
            let is_alive =
                inner.ports.get(&self.address).is_some_and(|port| port.use_no == self.use_no);
            if is_alive {
                inner.send(self.address, transmit.destination, transmit.contents);
            }
        }
        self.net.news.notify_one();
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.net.lock();
        let port = inner.ports.get_mut(&self.address).filter(|port| port.use_no == self.use_no);
        let Some(port) = port else { return Poll::Pending };
        let mut count = 0;
        while count < bufs.len().min(meta.len()) {
            let Some((from, bytes)) = port.queue.pop_front() else { break };
            let len = bytes.len().min(bufs[count].len());
            bufs[count][..len].copy_from_slice(&bytes[..len]);
            meta[count] = RecvMeta { addr: from, len, stride: len, ecn: None, dst_ip: None };
            count += 1;
        }
        if count > 0 {
            return Poll::Ready(Ok(count));
        }
        port.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

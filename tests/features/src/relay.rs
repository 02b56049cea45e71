//! A way to the server that takes its time and loses datagrams, over the loopback and without
//! privileges. Each client comes to the server from an address of its own.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::UdpSocket,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::random::Random;

/// The largest datagram of IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// What the way is like, in each direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// How long a datagram takes.
    pub delay: Duration,
    /// Datagrams lost, in thousandths.
    pub loss: usize,
    /// Nothing passes.
    pub is_dark: bool,
}

#[derive(Debug)]
struct Shared {
    way: Mutex<(Way, Random)>,
    /// Addresses clients came from, and whether they are dead.
    known: Mutex<HashMap<SocketAddr, bool>>,
    server: SocketAddr,
    next_address: AtomicU8,
}

impl Shared {
    /// Whether a datagram that begins its way now is lost, and how long it takes otherwise.
    fn begin(&self) -> Option<Duration> {
        let mut held = self.way.lock().expect("nobody panics with the lock");
        let (way, random) = &mut *held;
        (!way.is_dark && random.below(1000) >= way.loss).then_some(way.delay)
    }

    fn passes(&self, client: SocketAddr) -> bool {
        let known = self.known.lock().expect("nobody panics with the lock");
        let is_dead = known.get(&client).is_some_and(|is_dead| *is_dead);
        !is_dead && !self.way.lock().expect("nobody panics with the lock").0.is_dark
    }
}

/// The relay. It ends when dropped.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// Datagrams on their way, and when each arrives.
type Sender = mpsc::UnboundedSender<(Instant, Vec<u8>)>;

impl Relay {
    /// Before a server. What is lost follows from the seed, as far as the machine's timing does.
    pub async fn to(server: SocketAddr, seed: u64) -> Relay {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP port can be had");
        let address = front.local_addr().expect("it is bound");
        let way = Mutex::new((Way::default(), Random::new(seed)));
        let (known, next_address) = (Mutex::default(), AtomicU8::new(1));
        let shared = Arc::new(Shared { way, known, server, next_address });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(Arc::new(front), shared.clone()));
        Relay { shared, address, _tasks: tasks }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the way is like from now on.
    pub fn set(&self, way: Way) {
        self.shared.way.lock().expect("nobody panics with the lock").0 = way;
    }

    /// Nothing passes to or from the addresses that clients have come from so far, as when each is
    /// on another network from one moment to the next.
    pub fn kill_addresses(&self) {
        let mut known = self.shared.known.lock().expect("nobody panics with the lock");
        known.values_mut().for_each(|is_dead| *is_dead = true);
    }
}

/// Takes what clients send; each new address gets its own way on.
async fn serve(front: Arc<UdpSocket>, shared: Arc<Shared>) {
    let mut clients: HashMap<SocketAddr, Sender> = HashMap::new();
    // They end with this one.
    let mut tasks = JoinSet::new();
    let mut bytes = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        // An error is one of a datagram sent before: nobody is there, as on any network.
        let Ok((len, client)) = front.recv_from(&mut bytes).await else { continue };
        let Some(delay) = shared.begin() else { continue };
        let to_server = match clients.get(&client) {
            Some(sender) => sender,
            None => {
                let Some(back) = way_on(client, &shared).await else { continue };
                let (up, arriving_up) = mpsc::unbounded_channel();
                let (down, arriving_down) = mpsc::unbounded_channel();
                let server = shared.server;
                tasks.spawn(carry(back.clone(), server, client, arriving_up, shared.clone()));
                tasks.spawn(carry(front.clone(), client, client, arriving_down, shared.clone()));
                tasks.spawn(hear(back, down, shared.clone()));
                &*clients.entry(client).or_insert(up)
            }
        };
        let _ = to_server.send((Instant::now() + delay, bytes[..len].to_vec()));
    }
}

/// A socket towards the server, at an address nobody else has.
async fn way_on(client: SocketAddr, shared: &Shared) -> Option<Arc<UdpSocket>> {
    shared.known.lock().expect("nobody panics with the lock").insert(client, false);
    let last = shared.next_address.fetch_add(1, Ordering::Relaxed);
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 1, last), 0)).await.ok()?;
    Some(Arc::new(socket))
}

/// Takes what the server sends to one client.
async fn hear(back: Arc<UdpSocket>, to_client: Sender, shared: Arc<Shared>) {
    let mut bytes = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok(len) = back.recv(&mut bytes).await else { continue };
        if let Some(delay) = shared.begin() {
            let _ = to_client.send((Instant::now() + delay, bytes[..len].to_vec()));
        }
    }
}

/// Hands on what arrives.
async fn carry(
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    client: SocketAddr,
    mut arriving: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    shared: Arc<Shared>,
) {
    while let Some((due, bytes)) = arriving.recv().await {
        sleep_until(due).await;
        if shared.passes(client) {
            // A socket that takes no more is a network that drops.
            let _ = socket.send_to(&bytes, to).await;
        }
    }
}

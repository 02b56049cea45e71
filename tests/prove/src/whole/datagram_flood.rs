//! 200,000 datagrams a second, from clients that were welcomed and from nobody in particular:
//! people chat on as if nothing were.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_features::{
    random::Random,
    raw::{Client, Door},
    server::Server,
    world::join,
};
use parlour_protocol::wire::{CloseCode, Hello};

use super::{
    block_on,
    chat::{Chat, p99_ms},
    writers::lasting_hello,
};
use crate::{args::Args, report::Report};

/// Datagrams a second.
const RATE: u64 = 200_000;
/// How long a message may take meanwhile, at the 99th percentile.
const P99_MS_MAX: f64 = 100.0;
/// Clients that flood at once.
const FLOODERS: u64 = 4;
/// Threads that send what belongs to no connection.
const STRANGERS: u64 = 2;
/// Part of the datagrams that must really have been sent. Each of a stranger's is a packet, and
/// who sends them shares two cores with the server.
const SENT_WELCOMED: f64 = 0.95;
const SENT_STRANGERS: f64 = 0.5;
/// Packets sent before the time is looked at.
const AT_ONCE: u64 = 50;

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    report.part("welcomed", block_on(flood(args, true)));
    report.part("strangers", block_on(flood(args, false)));
    report
}

/// How much is to be sent by when, for all senders together.
#[derive(Clone)]
struct Pace {
    began: Instant,
    until: Instant,
    sent: Arc<AtomicU64>,
}

impl Pace {
    fn new(lasts: Duration) -> Pace {
        let began = Instant::now();
        Pace { began, until: began + lasts, sent: Arc::default() }
    }

    /// Whether it goes on.
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// Whether more should have been sent by now; then that much counts as sent.
    fn takes(&self) -> bool {
        if !self.goes_on() {
            return false;
        }
        let due = self.began.elapsed().as_micros() as u64 * RATE / 1_000_000;
        let is_due = self.sent.load(Ordering::Relaxed) < due;
        if is_due {
            self.sent.fetch_add(AT_ONCE, Ordering::Relaxed);
        }
        is_due
    }
}

async fn flood(args: &Args, welcomed: bool) -> Report {
    let mut report = Report::default();
    let seconds = args.count(20, 1);
    let mut server = Server::roomy();
    let chat = Chat::begin(join(&server, "ada").await, join(&server, "bob").await, "bob").await;
    let quiet = chat.delays(100, Duration::from_millis(10), &mut report).await;

    let before = server.cpu();
    let pace = Pace::new(Duration::from_secs(seconds));
    let mut flooders = vec![];
    if welcomed {
        for n in 0..FLOODERS {
            let hello = lasting_hello(&server, &format!("flooder{n}"));
            flooders.push(tokio::spawn(flooder(server.door(), hello, pace.clone())));
        }
    } else {
        for seed in args.seed..args.seed + STRANGERS {
            let (address, pace) = (server.ready().quic, pace.clone());
            flooders.push(tokio::task::spawn_blocking(move || junk(address, &pace, seed)));
        }
    }
    let mut delays = vec![];
    while pace.goes_on() {
        delays.extend(chat.delays(10, Duration::from_millis(10), &mut report).await);
    }
    let took = pace.began.elapsed().as_secs_f64();
    let cpu = (server.cpu() - before).as_secs_f64() / took;
    let mut closed = 0;
    for flooder in flooders {
        match flooder.await.expect("flooders don't panic") {
            Ok(count) => closed += count,
            Err(problem) => report.violation(&problem),
        }
    }
    let sent = pace.sent.load(Ordering::Relaxed);
    let (rate, p99) = (sent as f64 / took, p99_ms(delays));
    report.trials(sent);
    report.figure("datagrams_per_second", rate.round());
    report.figure("connections_closed", closed);
    report.figure("server_cores", (cpu * 100.0).round() / 100.0);
    report.figure("chat_p99_ms_without", p99_ms(quiet));
    report.figure("chat_p99_ms", p99);
    if !args.short {
        let part = if welcomed { SENT_WELCOMED } else { SENT_STRANGERS };
        report.expect(rate > part * RATE as f64, || format!("only {rate:.0} a second were sent"));
        report.expect(p99 < P99_MS_MAX, || format!("messages took {p99} ms"));
    }
    server.assert_well();
    report
}

/// Floods as long as the pace wants it, on one connection after another; how many were closed
/// for it.
async fn flooder(door: Door, hello: Hello, pace: Pace) -> Result<u64, String> {
    let mut closed = 0;
    while pace.goes_on() {
        let client = door.connect(hello.clone()).await;
        let client = client.map_err(|lost| format!("turned away: {lost:?}"))?;
        while pace.goes_on() && burst(&client, &pace) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if pace.goes_on() {
            let lost = client.closed().await;
            if !lost.is(CloseCode::Flood) {
                return Err(format!("a flooder's connection ended by {lost:?}"));
            }
            closed += 1;
        }
    }
    Ok(closed)
}

/// Sends what is due; false if the connection is gone.
fn burst(client: &Client, pace: &Pace) -> bool {
    while pace.takes() {
        for _ in 0..AT_ONCE {
            // As small as can be: many to a packet, each of them heard by itself.
            if client.connection().send_datagram(Bytes::from_static(&[0xff])).is_err() {
                return false;
            }
        }
    }
    true
}

/// Packets of no connection: short ones, long ones, and some that ask for another version.
fn junk(server: SocketAddr, pace: &Pace, seed: u64) -> Result<u64, String> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    socket.connect(server).map_err(|error| error.to_string())?;
    let mut random = Random::new(seed);
    let mut packets: Vec<Vec<u8>> = (0..256).map(|n| packet(n, &mut random)).collect();
    let mut n = 0_usize;
    while pace.goes_on() {
        while pace.takes() {
            for _ in 0..AT_ONCE {
                n += 1;
                let at = n % packets.len();
                let packet = &mut packets[at];
                // Another connection id each time.
                packet[6..10].copy_from_slice(&(n as u32).to_be_bytes());
                // What the kernel doesn't take is lost, as anywhere on the way.
                let _ = socket.send(packet);
            }
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(0)
}

fn packet(n: usize, random: &mut Random) -> Vec<u8> {
    let (first, version, len): (u8, u32, usize) = match n % 16 {
        0 => (0xc0, 0x0a0a_0a0a, 1_200),
        1 => (0xc0, 1, 1_200),
        2..8 => (0xe0, 1, 100),
        _ => (0x40, 0, 60),
    };
    let mut packet = random.bytes(len);
    packet[0] = first;
    if first != 0x40 {
        packet[1..5].copy_from_slice(&version.to_be_bytes());
        packet[5] = 8;
        packet[14] = 8;
    }
    packet
}

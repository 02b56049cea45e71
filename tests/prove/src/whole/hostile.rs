//! Peers that mean harm, as many as wanted, and what they may cost at most.

use std::{
    collections::{HashSet, VecDeque},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parlour_features::{
    raw::{Client, Connection, Door, SendStream, bulk_open, client_frame, transport},
    server::Server,
    world::text,
};
use parlour_protocol::{
    frame,
    generated::{Rpc, rpc::ReadLog},
    limits::BULK_LANES_MAX,
    message::{MessagePosted, SendRequest},
    sync::ReadLogRequest,
    user::GetUsersRequest,
    wire::{BulkCall, Call, client_frame::Frame},
};
use prost::Message;
use quinn::VarInt;
use tokio::{net::UdpSocket, time::timeout};

use super::writers::lasting_hello;

/// What a connection may hold before it was authenticated, in bytes: what it may send (64 KiB),
/// a frame that is being put together (64 KiB), and its state.
pub(crate) const BEFORE_BYTES: u64 = BEFORE_TAKEN + 128 * KIB;
/// Of that, what it may send.
pub(crate) const BEFORE_TAKEN: u64 = WINDOW_BEFORE + 64 * KIB;
/// The window alone: who may not send as much was held up by something else.
pub(crate) const WINDOW_BEFORE: u64 = 64 * KIB;
/// What a connection may send afterwards that nobody has read to its end: the window (2 MiB), a frame
/// on each of 16 lanes (1 MiB), and one on the control lane.
pub(crate) const AFTER_TAKEN: u64 = (2048 + 1024 + 64) * KIB;
/// The window alone.
pub(crate) const WINDOW_BYTES: u64 = 2048 * KIB;
/// Datagrams both ways, the connection itself, and what the transport keeps until it is acknowledged.
const STATE_BYTES: u64 = 2048 * KIB;
/// An answer on a lane: an item of 128 KiB that is sent, and the next that is read, with what an event more
/// may take.
const ANSWER_BYTES: u64 = 2 * 144 * KIB;
/// What a connection that sends all it may can hold, with an answer on half of its lanes.
pub(crate) const SENDER_BYTES: u64 =
    AFTER_TAKEN + STATE_BYTES + BULK_LANES_MAX as u64 / 2 * ANSWER_BYTES;
/// What a connection may hold that takes no answers: those that wait (1 MiB), and its state.
pub(crate) const ASKER_BYTES: u64 = 1024 * KIB + STATE_BYTES;
/// What a connection may hold that takes no events: those that wait (1 MiB), and its state.
pub(crate) const READER_BYTES: u64 = 1024 * KIB + STATE_BYTES;
/// What a connection may hold whose calls wait for a commit: 256 of 64 KiB, the window, its state.
pub(crate) const CALLER_BYTES: u64 = (256 * 64 + 2048) * KIB + STATE_BYTES;
const KIB: u64 = 1024;
/// Calls on their way at once, as many as a connection may have.
const CALLS: u64 = 256;
/// A lane that takes nothing for so long takes no more.
const STANDS_FOR: Duration = Duration::from_millis(700);

/// A door to clients that take next to nothing.
pub(crate) fn narrow_door(server: &Server) -> Door {
    let mut narrow = transport();
    narrow.stream_receive_window(VarInt::from_u32(16 * 1024));
    narrow.receive_window(VarInt::from_u32(64 * 1024));
    Door::with(server.ready().quic, &server.ready().sha256, narrow)
}

/// Bytes that servers took of somebody.
pub(crate) type Taken = Arc<AtomicU64>;

/// Writes these bytes and then more, up to so many in all, for as long as the server takes them; the
/// lane stays open, and so does what is to be kept with it.
fn pour(
    mut send: SendStream,
    kept: impl Send + 'static,
    head: Vec<u8>,
    bytes_max: usize,
    taken: &Taken,
) {
    let taken = taken.clone();
    tokio::spawn(async move {
        let _kept = kept;
        let mut written = 0;
        while written < bytes_max {
            let piece = match written {
                0 => head.clone(),
                _ => vec![7; (bytes_max - written).min(1024)],
            };
            if send.write_all(&piece).await.is_err() {
                return;
            }
            written += piece.len();
            taken.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        let _ = send.stopped().await;
    });
}

/// Waits until the server takes no more of anybody.
pub(crate) async fn blocked(all: &[Taken]) -> Vec<u64> {
    let count = || all.iter().map(|taken| taken.load(Ordering::Relaxed)).collect::<Vec<_>>();
    let mut before = count();
    loop {
        tokio::time::sleep(STANDS_FOR).await;
        let now = count();
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The head of a frame of 64 KiB.
const FRAME_HEAD: [u8; 3] = [0x80, 0x80, 0x04];
/// The whole of it, but for its last byte.
const FRAME_BUT_ONE: usize = FRAME_HEAD.len() + 64 * 1024 - 1;

/// Connections that never say a whole hello: they send all the transport lets them, on every lane it
/// lets them open.
pub(crate) async fn half_hellos(door: &Door, count: usize) -> (Vec<Connection>, Vec<Taken>) {
    let (mut connections, mut all) = (vec![], vec![]);
    for _ in 0..count {
        let Ok(connection) = door.handshake().await else { continue };
        let taken = Taken::default();
        if let Ok((send, recv)) = connection.open_bi().await {
            pour(send, recv, FRAME_HEAD.to_vec(), FRAME_BUT_ONE, &taken);
        }
        while let Ok(Ok((send, recv))) = timeout(OPENED_WITHIN, connection.open_bi()).await {
            pour(send, recv, FRAME_HEAD.to_vec(), usize::MAX, &taken);
        }
        while let Ok(Ok(send)) = timeout(OPENED_WITHIN, connection.open_uni()).await {
            pour(send, (), FRAME_HEAD.to_vec(), usize::MAX, &taken);
        }
        connections.push(connection);
        all.push(taken);
    }
    (connections, all)
}

/// A lane that isn't opened within this time is one too many.
const OPENED_WITHIN: Duration = Duration::from_millis(20);

/// The name of the hostile user with that number.
pub(crate) fn name(n: usize) -> String {
    format!("hostile{n}")
}

/// A client that reads neither answers nor events.
async fn deaf(server: &Server, n: usize) -> Option<Client> {
    narrow_door(server).connect_deaf(lasting_hello(server, &name(n))).await.ok()
}

/// Authenticated clients that send all they may and read nothing: half a frame on half of their
/// lanes, and on the others whatever may come behind a call whose answer they don't take.
pub(crate) async fn senders(
    server: &Server,
    room: &Bytes,
    count: usize,
) -> (Vec<Client>, Vec<Taken>) {
    let (mut clients, mut all) = (vec![], vec![]);
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..Default::default() };
    let call = BulkCall { method: ReadLog::METHOD.id, body: request.encode_to_vec().into() };
    let asking = [bulk_open(), frame::encode(&call)].concat();
    let half = [&bulk_open()[..], &FRAME_HEAD].concat();
    for n in 0..count {
        let Some(client) = deaf(server, n).await else { continue };
        let taken = Taken::default();
        for lane in 0..BULK_LANES_MAX {
            let opened = timeout(Duration::from_secs(5), client.connection().open_bi()).await;
            let Ok(Ok((send, recv))) = opened else { break };
            match lane % 2 {
                // The answer isn't read, and not stopped either.
                0 => pour(send, recv, asking.clone(), usize::MAX, &taken),
                _ => pour(send, recv, half.clone(), bulk_open().len() + FRAME_BUT_ONE, &taken),
            }
        }
        // The control lane, last of all.
        let mut bytes = FRAME_HEAD.to_vec();
        bytes.resize(FRAME_BUT_ONE, 7);
        let said = timeout(Duration::from_millis(100), client.say(&bytes)).await;
        taken.fetch_add(if said.is_ok() { bytes.len() as u64 } else { 0 }, Ordering::Relaxed);
        clients.push(client);
        all.push(taken);
    }
    (clients, all)
}

/// Authenticated clients that ask for large answers and take none.
pub(crate) async fn askers(server: &Server, count: usize) -> Vec<Client> {
    let subjects: Vec<String> = (0..200).map(name).collect();
    let request = GetUsersRequest { subjects, ..Default::default() };
    let call = Call { id: 1, method: 10, body: request.encode_to_vec().into(), chain: 0 };
    calling(server, count, &call).await
}

/// Authenticated clients with as many calls on their way as they may have, of 60 KiB each.
pub(crate) async fn callers(server: &Server, room: &Bytes, count: usize) -> Vec<Client> {
    let mut body = MessagePosted { text: "60 KiB".into(), ..Default::default() }.encode_to_vec();
    let padding = 60 * 1024 - 64;
    // A field that no version knows.
    body.extend([0x9a, 0x06]);
    prost::encoding::encode_varint(padding as u64, &mut body);
    body.resize(body.len() + padding, 7);
    let request = SendRequest { body: body.into(), ..text(room, "") };
    let call = Call { id: 1, method: 30, body: request.encode_to_vec().into(), chain: 0 };
    calling(server, count, &call).await
}

/// Clients that make this call as often as they may, each under another number, and hear nothing.
async fn calling(server: &Server, count: usize, call: &Call) -> Vec<Client> {
    let mut clients = vec![];
    for n in 0..count {
        let Some(client) = deaf(server, n).await else { continue };
        let client = Arc::new(client);
        let (says, call) = (client.clone(), call.clone());
        let said = async move {
            for id in 0..CALLS {
                let call = Call { id, ..call.clone() };
                says.say(&client_frame(Frame::Call(call))).await.ok()?;
            }
            Some(())
        };
        // The server may stop to read; then no more is said.
        let _ = timeout(Duration::from_secs(5), said).await;
        clients.extend(Arc::into_inner(client));
    }
    clients
}

/// Clients that are in a room and read nothing of what is said there.
pub(crate) async fn readers(server: &Server, count: usize) -> Vec<Client> {
    let mut clients = vec![];
    for n in 0..count {
        clients.extend(deaf(server, n).await);
    }
    clients
}

/// What came of a flood of first packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flood {
    /// Packets that were sent.
    pub(crate) sent: usize,
    /// Addresses that were sent more than three times what came from them.
    pub(crate) amplified: usize,
    /// The most that any address was sent for each byte from it.
    pub(crate) factor_max: f64,
    /// Bytes that came back in all.
    pub(crate) received: u64,
}

/// An address that sent something, and how many bytes.
struct Spoofed {
    socket: UdpSocket,
    sent: usize,
}

/// Addresses that are listened to at once; the oldest is closed for a new one.
const SPOOFED_MAX: usize = 4_000;

impl Flood {
    /// Counts what an address was sent.
    fn count(&mut self, address: &Spoofed) {
        let (mut packet, mut received) = ([0; 2048], 0);
        while let Ok((len, _)) = address.socket.try_recv_from(&mut packet) {
            received += len;
        }
        let factor = received as f64 / address.sent as f64;
        self.received += received as u64;
        self.amplified += usize::from(received > 3 * address.sent);
        self.factor_max = self.factor_max.max(factor);
    }
}

/// First packets of handshakes that nobody goes on with, each from another address, which
/// is listened to for as long as the server may go on trying.
pub(crate) async fn abandoned_initials(server: SocketAddr, count: usize) -> Flood {
    let sink = UdpSocket::bind("127.0.0.1:0").await.expect("a UDP port can be had");
    let there = sink.local_addr().expect("it is bound");
    let mut packet = vec![0; 2048];
    let (mut flood, mut addresses) = (Flood::default(), VecDeque::new());
    let mut begun = HashSet::new();
    while flood.sent < count {
        // Connection ids and keys are an endpoint's own, so that each packet begins another
        // connection.
        let door = Door::to(there, "");
        let connecting: Vec<_> = (0..50.min(count - flood.sent))
            .map(|_| {
                let door = door.clone();
                tokio::spawn(async move { drop(door.handshake().await) })
            })
            .collect();
        for _ in 0..connecting.len() {
            let Ok((len, _)) = sink.recv_from(&mut packet).await else { continue };
            // What is said again, or to say good-bye, is no first packet, and would count for the
            // address that the first one came from.
            if !first_packet(&packet[..len]).is_some_and(|id| begun.insert(id.to_vec())) {
                continue;
            }
            let n = flood.sent as u32;
            let from = SocketAddr::from(([127, 1 + (n >> 16) as u8, (n >> 8) as u8, n as u8], 0));
            let Ok(spoofed) = UdpSocket::bind(from).await else { continue };
            if spoofed.send_to(&packet[..len], server).await.is_err() {
                continue;
            }
            flood.sent += 1;
            addresses.push_back(Spoofed { socket: spoofed, sent: len });
            if addresses.len() > SPOOFED_MAX {
                addresses.pop_front().iter().for_each(|oldest| flood.count(oldest));
            }
        }
        for task in connecting {
            task.abort();
        }
    }
    // A handshake is given up after five seconds; what was lost is sent again until then.
    tokio::time::sleep(LISTENED_FOR).await;
    addresses.iter().for_each(|address| flood.count(address));
    flood
}

/// The connection's id, of a packet that may begin one (RFC 9000 sections 14.1 and 17.2.2).
fn first_packet(packet: &[u8]) -> Option<&[u8]> {
    let is_initial = packet.len() >= 1200 && packet[0] & 0xf0 == 0xc0;
    let len = usize::from(*packet.get(5)?);
    packet.get(6..6 + len).filter(|_| is_initial)
}

/// How long the last addresses are listened to.
const LISTENED_FOR: Duration = Duration::from_secs(7);

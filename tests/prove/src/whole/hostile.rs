//! Peers that mean harm, as many as wanted, and what they may cost at most.

use std::net::SocketAddr;

use parlour_features::{
    raw::{Client, Connection, Door, bulk_open, client_frame, transport},
    server::Server,
};
use parlour_protocol::wire::{Call, client_frame::Frame};
use quinn::VarInt;
use tokio::net::UdpSocket;

use super::writers::lasting_hello;

/// What a connection may hold before it was authenticated, in bytes: what it may send (64 KiB),
/// a frame that is being put together (64 KiB), and its state.
pub(crate) const BEFORE_BYTES: u64 = (64 + 64 + 128) * 1024;
/// What a connection may hold afterwards, in bytes: the window of what it sends (2 MiB), 16 bulk
/// lanes with a frame each (1 MiB), the outbox's three budgets (3 MiB), what the transport keeps
/// until it is acknowledged (1 MiB), datagrams both ways and its state (1 MiB), and users it watches
/// (2 MiB).
pub(crate) const AFTER_BYTES: u64 = 10 * 1024 * 1024;
/// What calls of one connection that wait for a commit may hold, in bytes: 256 of 64 KiB.
pub(crate) const CALLS_BYTES: u64 = 256 * 64 * 1024;

/// A door to clients that take next to nothing.
pub(crate) fn narrow_door(server: &Server) -> Door {
    let mut narrow = transport();
    narrow.stream_receive_window(VarInt::from_u32(16 * 1024));
    narrow.receive_window(VarInt::from_u32(64 * 1024));
    Door::with(server.ready().quic, &server.ready().sha256, narrow)
}

/// Connections that never say a whole hello: they send all the transport lets them.
pub(crate) async fn half_hellos(door: &Door, count: usize) -> Vec<Connection> {
    let mut connections = vec![];
    for _ in 0..count {
        let Ok(connection) = door.handshake().await else { continue };
        if let Ok((mut send, _)) = connection.open_bi().await {
            // A frame of 64 KiB that lacks its last byte.
            let mut bytes = vec![0x80, 0x80, 0x04];
            bytes.resize(60 * 1024, 7);
            tokio::spawn(async move {
                let _ = send.write_all(&bytes).await;
                let _ = send.stopped().await;
            });
        }
        connections.push(connection);
    }
    connections
}

/// Authenticated clients that read nothing, keep every lane open with half a call, and ask for
/// answers they don't take.
pub(crate) async fn deaf_askers(server: &Server, count: usize) -> Vec<Client> {
    let mut clients = vec![];
    let door = narrow_door(server);
    for n in 0..count {
        let hello = lasting_hello(server, &format!("hostile{n}"));
        let Ok(client) = door.connect_deaf(hello).await else { continue };
        for _ in 0..16 {
            let Ok((mut send, recv)) = client.connection().open_bi().await else { break };
            let mut bytes = bulk_open().to_vec();
            bytes.extend([0xff, 0xff, 0x03]);
            bytes.resize(48 * 1024, 9);
            tokio::spawn(async move {
                let _ = send.write_all(&bytes).await;
                let _ = send.stopped().await;
                drop(recv);
            });
        }
        let mut calls = vec![];
        for id in 0..256 {
            let call = Call { id, method: 10, body: vec![0x0a; 200].into(), chain: 0 };
            calls.extend(client_frame(Frame::Call(call)));
        }
        let _ = client.say(&calls).await;
        clients.push(client);
    }
    clients
}

/// First packets of handshakes that nobody goes on with, each from another address.
pub(crate) async fn abandoned_initials(server: SocketAddr, count: usize) -> usize {
    let sink = UdpSocket::bind("127.0.0.1:0").await.expect("a UDP port can be had");
    let there = sink.local_addr().expect("it is bound");
    let mut packet = vec![0; 2048];
    let mut sent = 0;
    while sent < count {
        // Connection ids and keys are an endpoint's own, so that each packet begins another
        // connection.
        let door = Door::to(there, "");
        let connecting: Vec<_> = (0..50.min(count - sent))
            .map(|_| {
                let door = door.clone();
                tokio::spawn(async move { drop(door.handshake().await) })
            })
            .collect();
        for _ in 0..connecting.len() {
            let Ok((len, _)) = sink.recv_from(&mut packet).await else { continue };
            let n = sent as u32;
            let from = SocketAddr::from(([127, 1 + (n >> 16) as u8, (n >> 8) as u8, n as u8], 0));
            let Ok(spoofed) = UdpSocket::bind(from).await else { continue };
            let _ = spoofed.send_to(&packet[..len], server).await;
            sent += 1;
        }
        for task in connecting {
            task.abort();
        }
    }
    sent
}

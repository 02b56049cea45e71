//! A server on this driver and clients of `quinn`, over the loopback interface.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    io::{self, IoSliceMut},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use parlour_quic::{Connection, ConnectionError, Endpoint, ReadError, Scratch, Share, drive_all};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller, udp};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::timeout;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

struct Host {
    server: Endpoint,
    address: SocketAddr,
    client: quinn::Endpoint,
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificate() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
}

fn server_config(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> quinn::ServerConfig {
    let tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    quinn::ServerConfig::with_crypto(Arc::new(crypto))
}

impl Host {
    fn new() -> Self {
        Host::with(quinn::TransportConfig::default())
    }

    fn with(transport: quinn::TransportConfig) -> Self {
        let (certificate, key) = certificate();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let tls = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
        let mut client = quinn::Endpoint::client(LOCAL).unwrap();
        client.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
        let socket = UdpSocket::bind(LOCAL).unwrap();
        let address = socket.local_addr().unwrap();
        let socket = TokioRuntime.wrap_udp_socket(socket).unwrap();
        let mut config = server_config(certificate, key);
        config.transport_config(Arc::new(transport));
        let server = Endpoint::new(quinn::EndpointConfig::default(), config, socket);
        Host { server, address, client }
    }

    async fn pair(&self) -> (Connection, quinn::Connection) {
        let connecting = self.client.connect(self.address, "localhost").unwrap();
        let accepted = async {
            let connection = self.server.accept().await.unwrap().accept().unwrap();
            connection.connected().await.unwrap();
            connection
        };
        let (ours, theirs) = tokio::join!(accepted, connecting);
        (ours, theirs.unwrap())
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_go_there_and_back_under_flow_control() {
    let host = Host::new();
    let (ours, theirs) = within(host.pair()).await;
    let echo = tokio::spawn(async move {
        let (mut send, mut recv) = ours.accept_bi().await.unwrap();
        while let Some(bytes) = recv.read_chunk(usize::MAX).await.unwrap() {
            send.write_chunk(bytes).await.unwrap();
        }
        send.finish();
        send.stopped().await;
        ours
    });
    let (mut send, mut recv) = theirs.open_bi().await.unwrap();
    let sent: Vec<u8> = (0..4_000_000_u32).map(|n| (n % 251) as u8).collect();
    let copy = sent.clone();
    let writing = tokio::spawn(async move {
        send.write_all(&copy).await.unwrap();
        send.finish().unwrap();
    });
    let received = within(recv.read_to_end(5_000_000)).await.unwrap();
    assert!(received == sent);
    within(writing).await.unwrap();
    within(echo).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_keeps_to_its_share_leaves_the_others_room_and_arrives() {
    let mut transport = quinn::TransportConfig::default();
    transport.send_window(200_000);
    let host = Host::with(transport);
    let (ours, theirs) = within(host.pair()).await;
    let mut background = within(ours.open_uni()).await.unwrap();
    let mut urgent = within(ours.open_uni()).await.unwrap();
    background.keep_to(Share { bytes: 150_000, of: 200_000 });
    let context = Context::from_waker(std::task::Waker::noop());
    let mut long = [Bytes::from(vec![1; 1_000_000])];
    let written = |poll: Poll<Result<quinn_proto::Written, _>>| match poll {
        Poll::Ready(written) => Some(written.unwrap().bytes),
        Poll::Pending => None,
    };
    assert_eq!(written(background.poll_write_chunks(&context, &mut long)), Some(150_000));
    assert_eq!(written(background.poll_write_chunks(&context, &mut long)), None);
    let mut words = [Bytes::from_static(&[2; 1_000])];
    assert_eq!(written(urgent.poll_write_chunks(&context, &mut words)), Some(1_000));
    urgent.finish();
    let writing = tokio::spawn(async move {
        background.write_all_chunks(&mut long).await.unwrap();
        background.finish();
        background.stopped().await;
        ours
    });
    for bytes in [1_000_000, 1_000] {
        let mut stream = within(theirs.accept_uni()).await.unwrap();
        assert_eq!(within(stream.read_to_end(2_000_000)).await.unwrap().len(), bytes);
    }
    within(writing).await.unwrap();
}

#[tokio::test]
async fn codes_arrive_on_both_sides_and_a_dropped_stream_is_stopped() {
    let host = Host::new();
    let (ours, theirs) = within(host.pair()).await;
    let (mut send, recv) = theirs.open_bi().await.unwrap();
    send.write_all(b"x").await.unwrap();
    let (our_send, mut our_recv) = within(ours.accept_bi()).await.unwrap();
    assert_eq!(within(our_recv.read_chunk(9)).await.unwrap().unwrap(), &b"x"[..]);
    send.reset(7_u32.into()).unwrap();
    assert_eq!(within(our_recv.read_chunk(9)).await, Err(ReadError::Reset(7_u32.into())));
    drop((recv, our_send));

    let mut uni = within(ours.open_uni()).await.unwrap();
    uni.write_chunk(Bytes::from_static(b"y")).await.unwrap();
    let mut reader = within(theirs.accept_uni()).await.unwrap();
    reader.stop(9_u32.into()).unwrap();
    within(uni.stopped()).await;
    let stopped = within(uni.write_chunk(Bytes::from_static(b"z"))).await;
    assert_eq!(stopped, Err(parlour_quic::WriteError::Stopped(9_u32.into())));

    let (mut send, _recv) = theirs.open_bi().await.unwrap();
    send.write_all(b"x").await.unwrap();
    drop(within(ours.accept_bi()).await.unwrap());
    assert_eq!(within(send.stopped()).await.unwrap(), Some(0_u32.into()));
}

#[tokio::test]
async fn datagrams_arrive_and_waiting_ends_with_the_connection() {
    let host = Host::new();
    let (ours, theirs) = within(host.pair()).await;
    ours.send_datagram(Bytes::from_static(b"to")).unwrap();
    assert_eq!(within(theirs.read_datagram()).await.unwrap(), &b"to"[..]);
    theirs.send_datagram(Bytes::from_static(b"fro")).unwrap();
    assert_eq!(within(ours.read_datagram()).await.unwrap(), &b"fro"[..]);
    theirs.close(5_u32.into(), b"done");
    for end in [
        within(ours.closed()).await,
        within(ours.accept_bi()).await.err().unwrap(),
        within(ours.read_datagram()).await.unwrap_err(),
        ours.close_reason().unwrap(),
    ] {
        let ConnectionError::ApplicationClosed(close) = end else { panic!("{end:?}") };
        assert_eq!(close.error_code, 5_u32.into());
    }
}

#[tokio::test]
async fn with_the_last_handle_the_connection_is_closed() {
    let host = Host::new();
    let (ours, theirs) = within(host.pair()).await;
    let stream = within(ours.open_uni()).await.unwrap();
    drop(ours);
    assert!(theirs.close_reason().is_none());
    drop(stream);
    let end = within(theirs.closed()).await;
    assert!(matches!(end, quinn::ConnectionError::ApplicationClosed(_)), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_endpoint_leaves_its_port_whatever_is_still_held() {
    let host = Host::new();
    let (ours, theirs) = within(host.pair()).await;
    let (stream, waiting) = (within(ours.open_uni()).await.unwrap(), host.server.clone());
    let waiting = tokio::spawn(async move { waiting.accept().await.is_none() });
    host.server.close(3_u32.into(), b"over");
    assert!(within(waiting).await.unwrap());
    within(host.server.wait_idle()).await;
    let end = within(theirs.closed()).await;
    assert!(matches!(end, quinn::ConnectionError::ApplicationClosed(_)), "{end:?}");
    // Handles may outlive the endpoint's task; with the last of them the socket is free.
    let Host { server, address, client: _client } = host;
    drop(server);
    drop(stream);
    drop(ours);
    let mut bound = UdpSocket::bind(address);
    for _ in 0..100 {
        if bound.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        bound = UdpSocket::bind(address);
    }
    bound.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_connections_are_driven_by_several_tasks() {
    let host = Host::new();
    let (mut ours, mut theirs, mut streams) = (vec![], vec![], vec![]);
    for _ in 0..150 {
        let (our, their) = within(host.pair()).await;
        streams.push(within(our.open_uni()).await.unwrap());
        ours.push(our);
        theirs.push(their);
    }
    assert!(parlour_quic::spread_over(ours.len()) > 1);
    for n in 0..20_u8 {
        let context = Context::from_waker(std::task::Waker::noop());
        for stream in &mut streams {
            let written = stream.poll_write_chunks(&context, &mut [Bytes::from(vec![n])]);
            assert!(matches!(written, Poll::Ready(Ok(_))));
        }
        let tasks = parlour_quic::spread_over(ours.len());
        drive_all(ours.clone(), tasks, &mut Scratch::default());
    }
    for their in theirs {
        let mut reader = within(their.accept_uni()).await.unwrap();
        let mut read = [0; 20];
        within(reader.read_exact(&mut read)).await.unwrap();
        assert_eq!(read.to_vec(), (0..20).collect::<Vec<u8>>());
    }
}

/// A socket that breaks at the first read.
#[derive(Debug)]
struct Broken;

#[derive(Debug)]
struct Never;

impl UdpPoller for Never {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncUdpSocket for Broken {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Never)
    }

    fn try_send(&self, _: &udp::Transmit<'_>) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn poll_recv(
        &self,
        _: &mut Context<'_>,
        _: &mut [IoSliceMut<'_>],
        _: &mut [udp::RecvMeta],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(LOCAL)
    }
}

#[tokio::test]
async fn a_lost_socket_ends_the_endpoint_instead_of_leaving_it_deaf() {
    let (certificate, key) = certificate();
    let config = server_config(certificate, key);
    let server = Endpoint::new(quinn::EndpointConfig::default(), config, Arc::new(Broken));
    assert!(within(server.accept()).await.is_none());
    within(server.wait_idle()).await;
}

//! A client of a few lines, straight from PROTOCOL.md, and a server process to use it on.
#![allow(dead_code, unreachable_pub)] // Each test file uses its part of it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use parlour_protocol::{
    ALPN, frame,
    generated::Rpc,
    wire::{
        Call, ClientFrame, CloseCode, Error, Goodbye, Hello, Ping, ServerFrame, Welcome,
        client_frame, reply, server_frame::Frame,
    },
};
use prost::Message;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use rustls::{
    DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// The command `parlour` in a folder, without the developer's own settings.
pub fn parlour(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
    command.current_dir(dir).args(words);
    for name in ["PARLOUR_CONFIG", "PARLOUR_DATA", "PARLOUR_LISTEN", "PARLOUR_HTTP"] {
        command.env_remove(name);
    }
    command
}

/// What a command prints, when it works.
pub fn ok(dir: &Path, words: &[&str]) -> String {
    let output = parlour(dir, words).output().expect("run");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {error}");
    String::from_utf8(output.stdout).expect("utf-8").trim_end().to_owned()
}

/// A server process.
pub struct Process {
    child: Child,
    /// The line it prints when it is ready.
    pub ready: String,
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Process {
    /// Starts `command` and waits for its line. Its log goes to the file `log`.
    pub fn spawn(mut command: Command, dir: &Path) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(dir.join("log"));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log.expect("log")))
            .spawn()
            .expect("spawned");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut ready = String::new();
        stdout.read_line(&mut ready).expect("ready");
        let log = || fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(ready.starts_with("parlour is ready: quic "), "{ready:?} {}", log());
        Process { child, ready, _stdout: stdout }
    }

    /// `parlour serve` on ports of its own choice.
    pub fn start(dir: &Path, more: &[&str]) -> Self {
        let words = [&["serve", "--listen", "[::1]:0", "--http", "127.0.0.1:0"], more].concat();
        Process::spawn(parlour(dir, &words), dir)
    }

    fn word_after(&self, word: &str) -> SocketAddr {
        let after = self.ready.split_once(&format!("{word} ")).expect("named").1;
        after.split([',', ' ', '\n']).next().and_then(|text| text.parse().ok()).expect("address")
    }

    pub fn quic(&self) -> SocketAddr {
        self.word_after("quic")
    }

    pub fn http(&self) -> SocketAddr {
        self.word_after("http")
    }

    pub fn metrics(&self) -> SocketAddr {
        self.word_after("metrics")
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill").success());
    }

    /// The exit code, once it has ended.
    pub fn code(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("still running")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Accepts any certificate whose key signs the handshake: these tests are not about whom
/// clients trust.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("tls 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A client's UDP socket and TLS.
pub fn endpoint() -> Endpoint {
    let provider = parlour_daemon::tls::provider();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("tls 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).expect("quic");
    let mut endpoint = Endpoint::client("[::1]:0".parse().expect("address")).expect("socket");
    endpoint.set_default_client_config(ClientConfig::new(Arc::new(crypto)));
    endpoint
}

/// A connection with its control lane.
pub struct Client {
    pub connection: Connection,
    send: SendStream,
    recv: RecvStream,
    splitter: frame::Splitter,
    next_call: u64,
    _endpoint: Endpoint,
}

/// How a server ended a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The goodbye, if one came.
    pub goodbye: Option<CloseCode>,
    /// The QUIC close code.
    pub code: Option<u64>,
}

impl Client {
    /// Connects without saying anything.
    pub async fn open(to: SocketAddr) -> Result<Self, ConnectionError> {
        let endpoint = endpoint();
        let connection = endpoint.connect(to, "localhost").expect("address").await?;
        let (send, recv) = connection.open_bi().await?;
        let splitter = frame::Splitter::new(parlour_protocol::limits::CONTROL_FRAME_BYTES_MAX);
        Ok(Client { connection, send, recv, splitter, next_call: 1, _endpoint: endpoint })
    }

    /// Connects and says hello; the welcome, or how it was refused.
    pub async fn hello(to: SocketAddr, token: &str) -> Result<(Self, Welcome), Ended> {
        let mut client = Client::open(to).await.expect("handshake");
        let hello = Hello {
            min_rev: 1,
            max_rev: 1,
            token: token.into(),
            device: vec![7; 16].into(),
            agent: "test".into(),
            ..Hello::default()
        };
        client.send(client_frame::Frame::Hello(hello)).await;
        match client.next().await {
            Some(Frame::Welcome(welcome)) => Ok((client, welcome)),
            Some(Frame::Goodbye(goodbye)) => Err(client.ended(Some(goodbye)).await),
            None => Err(client.ended(None).await),
            Some(other) => panic!("{other:?}"),
        }
    }

    pub async fn send(&mut self, frame: client_frame::Frame) {
        let bytes = frame::encode(&ClientFrame { frame: Some(frame) });
        let _ = self.send.write_all(&bytes).await;
    }

    /// The next frame; `None` once the lane has ended.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.splitter.next_frame().expect("frame") {
                return ServerFrame::decode(frame).expect("message").frame;
            }
            let chunk = self.recv.read_chunk(64 * 1024, true).await.ok()??;
            self.splitter.push(&chunk.bytes);
        }
    }

    /// A call and its answer.
    pub async fn call<R: Rpc>(&mut self, request: &R::Request) -> Result<R::Response, Error> {
        let id = self.next_call;
        self.next_call += 1;
        let body = request.encode_to_vec().into();
        let call = Call { id, method: R::METHOD.id, body, chain: 0 };
        self.send(client_frame::Frame::Call(call)).await;
        loop {
            match self.next().await.expect("an answer") {
                Frame::Reply(answer) if answer.id == id => match answer.result.expect("result") {
                    reply::Result::Body(body) => {
                        return Ok(R::Response::decode(body).expect("response"));
                    }
                    reply::Result::Error(error) => return Err(error),
                },
                _ => {}
            }
        }
    }

    /// Whether the server answers.
    pub async fn ping(&mut self) -> bool {
        self.send(client_frame::Frame::Ping(Ping { nonce: 9, ..Ping::default() })).await;
        loop {
            match self.next().await {
                Some(Frame::Pong(pong)) => return pong.nonce == 9,
                Some(Frame::Goodbye(_)) | None => return false,
                Some(_) => {}
            }
        }
    }

    /// Waits until the server has ended it.
    pub async fn wait_end(mut self) -> Ended {
        loop {
            match self.next().await {
                Some(Frame::Goodbye(goodbye)) => return self.ended(Some(goodbye)).await,
                None => return self.ended(None).await,
                Some(_) => {}
            }
        }
    }

    async fn ended(&self, goodbye: Option<Goodbye>) -> Ended {
        let code = match self.connection.closed().await {
            ConnectionError::ApplicationClosed(close) => Some(close.error_code.into_inner()),
            _ => None,
        };
        Ended { goodbye: goodbye.map(|goodbye| goodbye.code()), code }
    }
}

/// An ending that is announced and carried out with the same code.
pub fn with(code: CloseCode) -> Ended {
    Ended { goodbye: Some(code), code: Some(code as u64) }
}

/// The answer of the HTTP port.
pub fn get(address: SocketAddr, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

//! A real ACME server in a process of its own: Pebble, made by those who make Let's Encrypt's, for tests.
//! Its certificates hold as long as a test says.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::json;

/// An answer comes within this time.
const WITHIN: Duration = Duration::from_secs(20);

/// Where the program is: where `PARLOUR_PEBBLE` says, or on the path.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("PARLOUR_PEBBLE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("pebble"));
    named.into_iter().chain(on_path).find(|program| program.is_file())
}

/// A port that nobody has.
pub fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    free.local_addr().expect("an address").port()
}

/// How it is to be.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it looks for `http-01`.
    pub http_port: u16,
    /// Where it looks for `tls-alpn-01`.
    pub tls_port: u16,
    /// How long its certificates hold, in seconds.
    pub valid_s: u64,
    /// Without this key (id, and the key in base64url) it makes no account.
    pub external: Option<(String, String)>,
}

/// One of a test's own. Dropping it kills it.
#[derive(Debug)]
pub struct Pebble {
    program: PathBuf,
    folder: PathBuf,
    acme: u16,
    management: u16,
    certificate: String,
    child: Option<Child>,
}

impl Pebble {
    /// One that doesn't run yet; what it says goes to a file in that folder.
    pub fn prepare(program: &Path, folder: &Path) -> Pebble {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("ca.pem"), &certificate).expect("written");
        fs::write(folder.join("key.pem"), key).expect("written");
        Pebble {
            program: program.into(),
            folder: folder.into(),
            acme: free_port(),
            management: free_port(),
            certificate,
            child: None,
        }
    }

    /// Runs it; what it knew before is forgotten.
    pub fn run(&mut self, options: &Options) {
        self.kill();
        let keys: serde_json::Map<_, _> =
            options.external.iter().map(|(id, key)| (id.clone(), json!(key))).collect();
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.acme),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": self.folder.join("ca.pem"),
            "privateKey": self.folder.join("key.pem"),
            "httpPort": options.http_port,
            "tlsPort": options.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": options.external.is_some(),
            "externalAccountMACKeys": keys,
            "certificateValidityPeriod": options.valid_s,
        }});
        let file = self.folder.join("pebble.json");
        fs::write(&file, config.to_string()).expect("written");
        let log = File::create(self.folder.join("pebble.log")).expect("a log");
        let mut command = Command::new(&self.program);
        command
            .arg("-config")
            .arg(&file)
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_AUTHZREUSE", "0")])
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .stdin(Stdio::null());
        self.child = Some(command.spawn().expect("pebble starts"));
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.acme)).is_err()
            || TcpStream::connect((Ipv4Addr::LOCALHOST, self.management)).is_err()
        {
            let child = self.child.as_mut().expect("it was started");
            let has_ended = child.try_wait().expect("it can be asked").is_some();
            assert!(!has_ended && began.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What it has said since it runs.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("pebble.log")).unwrap_or_default()
    }

    /// Its directory.
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.acme)
    }

    /// The file with what vouches for itself.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The root of what it issues, in PEM: another one each time it runs.
    pub fn root(&self) -> String {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.management));
        https(address, "/roots/0", &self.certificate).expect("its root").body
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let _ = writeln!(io::stderr(), "pebble's log:\n{}", self.log());
        }
    }
}

/// An answer over TLS, and who gave it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was answered, without the head.
    pub body: String,
    /// The certificate that was shown.
    pub shown: Vec<u8>,
}

/// Asks `localhost` for a path over TLS, if somebody answers there for whom that root vouches.
pub fn https(address: SocketAddr, path: &str, root: &str) -> io::Result<Answer> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(root.as_bytes()) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let socket = TcpStream::connect_timeout(&address, WITHIN)?;
    socket.set_read_timeout(Some(WITHIN))?;
    let mut stream = StreamOwned::new(connection, socket);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Some hang up without a word.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    let shown = stream.conn.peer_certificates().and_then(|chain| chain.first());
    let shown = shown.map(|own| own.to_vec()).unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    Ok(Answer { body, shown })
}

//! What the client takes from its surroundings: time, randomness, sockets. A simulator brings its
//! own; everyone else gets the system's.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parlour_sdk_core::Now;
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime};
use ring::rand::{SecureRandom, SystemRandom};
use socket2::SockRef;

use crate::limits::SOCKET_BUFFER_BYTES;

/// A source of time. Timers are tokio's: a clock that is slowed down wants a runtime that is, too.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Now;
}

/// A source of unpredictable bytes (predictable from a seed in a simulator).
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` completely.
    fn fill(&self, out: &mut [u8]);
}

/// Makes UDP sockets: one at the start, another one after each change of the network.
pub trait SocketFactory: Send + Sync + 'static {
    /// A new socket from which `remote` can be reached.
    fn bind(&self, remote: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>>;
}

/// The surroundings of one client.
#[derive(Clone)]
pub(crate) struct Environment {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) sockets: Arc<dyn SocketFactory>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Environment {
    pub(crate) fn of_system() -> Self {
        let runtime: Arc<dyn Runtime> = Arc::new(TokioRuntime);
        Environment {
            clock: Arc::new(SystemClock { start: tokio::time::Instant::now() }),
            entropy: Arc::new(SystemEntropy(SystemRandom::new())),
            sockets: Arc::new(SystemSockets(runtime.clone())),
            runtime,
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.entropy.fill(&mut out);
        out
    }

    pub(crate) fn random_u64(&self) -> u64 {
        u64::from_le_bytes(self.random())
    }
}

struct SystemClock {
    start: tokio::time::Instant,
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now {
            unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
            elapsed: self.start.elapsed(),
        }
    }
}

struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("the system's random source doesn't fail once it is seeded");
    }
}

struct SystemSockets(Arc<dyn Runtime>);

impl SocketFactory for SystemSockets {
    fn bind(&self, remote: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let any: SocketAddr = if remote.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any)?;
        // Best effort: the system caps them.
        let buffers = SockRef::from(&socket);
        let _ = buffers.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
        let _ = buffers.set_send_buffer_size(SOCKET_BUFFER_BYTES);
        self.0.wrap_udp_socket(socket)
    }
}

//! What the server asks of others over HTTP: where connections may go, and one request each. What users
//! name leads to public addresses only; nothing is asked of an address that wasn't checked, and nothing
//! leads elsewhere from there by itself.

mod address;
mod ask;
mod connect;
mod pool;
mod target;
mod tls;

use std::{net::IpAddr, sync::Arc};

pub(crate) use address::{Network, NetworkError};
pub(crate) use ask::{Answer, Ask, Over, USER_AGENT, exchange, exchange_whole, get};
pub(crate) use connect::{Stream, open};
pub(crate) use pool::Pool;
pub(crate) use target::Target;
pub(crate) use tls::{with_roots_of, with_systems_roots};

/// Where connections may go, which depends on who says where.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Whoever makes a webhook: to public addresses over TLS, and to these.
    Posts(Arc<[Network]>),
    /// Whoever writes a link: to public addresses and the ports that pages are at, and to these.
    Pages(Arc<[Network]>),
    /// The configuration: anywhere over TLS; without it only to this host, or with `true` anywhere.
    Named(bool),
}

impl Reach {
    /// Whether a connection for that target may go to that address.
    fn allows(&self, target: &Target, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Reach::Posts(allowed) => {
                (target.is_secure && address::is_public(address)) || within(allowed, address)
            }
            Reach::Pages(allowed) => {
                let is_usual = matches!(target.port, 80 | 443);
                (is_usual && address::is_public(address)) || within(allowed, address)
            }
            Reach::Named(plain) => target.is_secure || *plain || address.is_loopback(),
        }
    }
}

fn within(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Why there was no answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutsideError {
    /// The address isn't one, or isn't of a kind that is asked.
    #[error("what should be an address isn't one")]
    NoTarget,
    /// The name has no address.
    #[error("the name has no address")]
    NoAddress,
    /// Nobody goes to where it leads.
    #[error("the address is not allowed")]
    NotAllowed,
    /// Nobody answers there.
    #[error("nobody answers there")]
    Unreachable,
    /// The certificate isn't right.
    #[error("tls fails")]
    Tls,
    /// No answer came in time.
    #[error("no answer in time")]
    TooSlow,
    /// What came isn't HTTP.
    #[error("the answer is not http")]
    NotHttp,
    /// More came than is read.
    #[error("the answer is too large")]
    TooLarge,
}

//! A connection to an address that was checked: the name isn't looked up again, so what was checked is
//! what is connected to.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    OutsideError, Reach,
    target::{Host, Target},
};
use crate::limits::{OUTSIDE_ADDRESSES_MAX, OUTSIDE_CONNECT_WITHIN};

/// Bytes both ways, with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects, over TLS where the target says so; without a connector nothing goes over TLS.
pub(crate) async fn open(
    target: &Target,
    reach: &Reach,
    tls: Option<&TlsConnector>,
) -> Result<Box<dyn Stream>, OutsideError> {
    let stream = connect(target, reach).await?;
    if !target.is_secure {
        return Ok(Box::new(stream));
    }
    let name = match &target.host {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|_| OutsideError::NoAddress)?
        }
    };
    let tls = tls.ok_or(OutsideError::Tls)?;
    let stream = tls.connect(name, stream).await.map_err(|_| OutsideError::Tls)?;
    Ok(Box::new(stream))
}

async fn connect(target: &Target, reach: &Reach) -> Result<TcpStream, OutsideError> {
    let addresses: Vec<SocketAddr> = match &target.host {
        Host::Address(address) => vec![(*address, target.port).into()],
        Host::Name(name) => {
            let found = lookup_host((name.as_str(), target.port)).await;
            found.map_err(|_| OutsideError::NoAddress)?.collect()
        }
    };
    if addresses.is_empty() {
        return Err(OutsideError::NoAddress);
    }
    let may = |address: &SocketAddr| reach.allows(target, address.ip());
    let addresses: Vec<SocketAddr> =
        addresses.into_iter().filter(may).take(OUTSIDE_ADDRESSES_MAX).collect();
    if addresses.is_empty() {
        return Err(OutsideError::NotAllowed);
    }
    for address in addresses {
        if let Ok(Ok(stream)) = timeout(OUTSIDE_CONNECT_WITHIN, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(OutsideError::Unreachable)
}

//! When a CA would like a certificate to be renewed (RFC 9773).

use std::time::Duration;

use instant_acme::{CertificateIdentifier, Error};
use rustls::pki_types::Der;

use crate::{Account, AcmeError};

/// A certificate as its CA knows it (RFC 9773 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The `keyIdentifier` of its authority key identifier (RFC 5280 section 4.2.1.1).
    pub authority: Vec<u8>,
    /// Its serial number, as the bytes of the DER integer.
    pub serial: Vec<u8>,
}

/// What a CA says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// It wants the certificate renewed between these times, as Unix time; none where it doesn't say.
    pub window: Option<(Duration, Duration)>,
    /// After what time to ask again; none where there is no sense in it.
    pub again_after: Option<Duration>,
}

impl Replaced {
    pub(crate) fn identifier(&self) -> CertificateIdentifier<'static> {
        let (authority, serial) = (Der::from_slice(&self.authority), Der::from_slice(&self.serial));
        CertificateIdentifier::new(authority, serial).into_owned()
    }
}

impl Account {
    /// Asks the CA when to renew that certificate.
    pub async fn when_to_renew(&self, certificate: &Replaced) -> Result<Told, AcmeError> {
        let (info, again_after) = match self.inner.renewal_info(&certificate.identifier()).await {
            Ok(told) => told,
            Err(Error::Unsupported(_)) => return Ok(Told { window: None, again_after: None }),
            Err(error) => return Err(self.failed(error)),
        };
        let unix = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let window = info.suggested_window;
        let (start, end) = (window.start.unix_timestamp(), window.end.unix_timestamp());
        let is_window = start < end;
        Ok(Told {
            window: is_window.then(|| (unix(start), unix(end))),
            again_after: Some(again_after),
        })
    }
}

#[cfg(test)]
#[path = "renewal_tests.rs"]
mod tests;

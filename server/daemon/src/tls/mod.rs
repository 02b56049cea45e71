//! TLS: one provider (ring), TLS 1.3 only, and a certificate that changes while the server runs.

mod certificate;
mod dev;
mod identity;
mod validity;

use std::{path::Path, sync::Arc};

use parlour_acme::Replaced;
use rustls::{ServerConfig, crypto::CryptoProvider};

use certificate::Loaded;
pub use certificate::{CertificateSource, Certificates, TlsError};
pub use dev::DevCertificates;
pub use validity::Validity;

/// The one provider. It is named wherever it is needed and never installed process-wide, so that
/// an embedding program keeps its own.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS for a server that shows these certificates and speaks these protocols (ALPN). 0-RTT is
/// off: the first frame carries a token, which must not be replayed.
pub fn server_config(
    certificates: Arc<Certificates>,
    alpn: &[&[u8]],
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Rustls)?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.max_early_data_size = 0;
    Ok(config)
}

/// What is in a chain and its key that a CA has issued, and lie in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issued {
    /// From when to when it holds.
    pub(crate) validity: Validity,
    /// What its CA knows it by, where that can be said.
    pub(crate) identity: Option<Replaced>,
}

/// Reads such a file; none where there isn't one.
pub(crate) fn issued(file: &Path) -> Result<Option<Issued>, TlsError> {
    Ok(certificate::load_issued(file)?.map(described))
}

/// The same of what is to become such a file.
pub(crate) fn to_be_issued(text: &[u8], file: &Path) -> Result<Issued, TlsError> {
    Loaded::from_pem(text, text, file, file).map(described)
}

fn described(loaded: Loaded) -> Issued {
    let identity = loaded.key.cert.first().and_then(|own| identity::of(own));
    Issued { validity: loaded.validity, identity }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;

//! TLS: one provider (ring), TLS 1.3 only, and a certificate that changes while the server runs.

mod certificate;
mod dev;
mod validity;

use std::sync::Arc;

use rustls::{ServerConfig, crypto::CryptoProvider};

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

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;

//! Whom a client believes to be its server.

use std::sync::Arc;

use parlour_protocol::ALPN;
use parlour_sdk_core::reconnect::Distrust;
use quinn::ConnectionError;
use ring::digest;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// Whom a client believes to be its server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Trust {
    /// Whoever the operating system would believe: certificates of public authorities.
    #[default]
    System,
    /// Only the holder of the certificate with this SHA-256 hash, whatever its name and dates say.
    /// For development: `parlour serve` prints the hash of the certificate it made.
    CertificateSha256([u8; 32]),
    /// Whoever has a certificate of one of these authorities (PEM, one or several), for the name
    /// in the address.
    RootPem(String),
}

impl Trust {
    /// The pinned hash as people write it: 64 hexadecimal digits, with or without colons.
    pub fn parse_sha256(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        let mut digits = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16));
        for byte in &mut hash {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = (high << 4 | low) as u8;
        }
        digits.next().is_none().then_some(Trust::CertificateSha256(hash))
    }

    pub(crate) fn tls(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self {
            Trust::System => Arc::new(rustls_platform_verifier::Verifier::new(provider.clone())?),
            Trust::CertificateSha256(hash) => {
                Arc::new(Pinned { hash: *hash, provider: provider.clone() })
            }
            Trust::RootPem(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
                    roots.add(certificate.map_err(bad)?)?;
                }
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                    .build()
                    .map_err(|error| Error::General(error.to_string()))?
            }
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }
}

/// Why a handshake over QUIC failed, where that was for the certificate. Of that only the alert is left
/// which the server was sent (RFC 9001 section 4.8, RFC 8446 section 6.2).
pub(crate) fn distrust_of_quic(error: &ConnectionError) -> Option<Distrust> {
    let ConnectionError::TransportError(error) = error else { return None };
    let alert = u64::from(error.code).checked_sub(0x100)?;
    distrust(u8::try_from(alert).ok()?.into())
}

/// Why a handshake over TCP failed, where that was for the certificate.
pub(crate) fn distrust_of_io(error: &std::io::Error) -> Option<Distrust> {
    match error.get_ref()?.downcast_ref()? {
        Error::InvalidCertificate(why) => distrust(why.clone().into()),
        _ => None,
    }
}

fn distrust(alert: AlertDescription) -> Option<Distrust> {
    Some(match alert {
        AlertDescription::CertificateExpired => Distrust::Expired,
        AlertDescription::UnknownCA => Distrust::Issuer,
        AlertDescription::BadCertificate => Distrust::Name,
        // What the verifier below says.
        AlertDescription::AccessDenied => Distrust::Fingerprint,
        AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => Distrust::Unusable,
        _ => return None,
    })
}

/// Believes one certificate. The handshake's signature is checked all the same: without that,
/// anyone who has seen the certificate could show it.
#[derive(Debug)]
struct Pinned {
    hash: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hash = digest::digest(&digest::SHA256, end_entity);
        if hash.as_ref() == self.hash {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_people_write_them() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        for text in [plain.as_str(), &colons] {
            let Some(Trust::CertificateSha256(hash)) = Trust::parse_sha256(text) else { panic!() };
            assert_eq!(hash, [0xab; 32]);
        }
        for text in ["", "ab", &"ag".repeat(32), &"ab".repeat(33)] {
            assert!(Trust::parse_sha256(text).is_none(), "{text}");
        }
    }

    #[test]
    fn roots_that_are_no_certificates_are_refused() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(Trust::RootPem(pem.into()).tls().is_err());
    }
}

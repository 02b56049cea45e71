//! The certificate in use: from files that are read again when they change, or generated.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use parlour_acme::{Challenges, TLS_ALPN};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{DevCertificates, Validity, provider};
use crate::{auth::Stamp, data::DataError, limits};

/// Why there is no certificate to show.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path} can't be read: {error}", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Not a certificate chain in PEM.
    #[error("{path} holds no certificate in pem", path = path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// Not a private key in PEM.
    #[error("{path} holds no private key in pem", path = path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
    /// The key isn't the certificate's, or of a kind that TLS 1.3 doesn't use.
    #[error("the private key in {path} does not fit the certificate", path = path.display())]
    KeyMismatch {
        /// The key's file.
        path: PathBuf,
    },
    /// The development certificate can't be made, mostly for a name that can't be in one.
    #[error("a development certificate can't be generated: check tls.names")]
    Generate,
    /// The data folder refuses.
    #[error(transparent)]
    Data(#[from] DataError),
    /// TLS refuses its configuration.
    #[error("tls configuration: {0}")]
    Rustls(rustls::Error),
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// Files in PEM.
    Files {
        /// The chain, the server's own certificate first.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Generated ones.
    Development(DevCertificates),
    /// One that a CA issues while the server runs.
    Acme {
        /// Where chain and key are once there are any, in one file.
        file: PathBuf,
        /// What is shown until then.
        until_then: DevCertificates,
        /// What its CA is answered with.
        challenges: Arc<Challenges>,
    },
}

/// A certificate ready for use.
pub(super) struct Loaded {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) validity: Validity,
    sha256: [u8; 32],
    is_generated: bool,
}

impl Loaded {
    pub(super) fn from_pem(
        chain: &[u8],
        key: &[u8],
        chain_path: &Path,
        key_path: &Path,
    ) -> Result<Self, TlsError> {
        let no_certificate = || TlsError::NoCertificate { path: chain_path.into() };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| no_certificate())?;
        let own = chain.first().ok_or_else(no_certificate)?;
        let validity = Validity::of(own).ok_or_else(no_certificate)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, own).as_ref());
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| TlsError::NoKey { path: key_path.into() })?;
        let key = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|_| TlsError::KeyMismatch { path: key_path.into() })?;
        Ok(Loaded { key: Arc::new(key), validity, sha256, is_generated: false })
    }

    pub(super) fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }
}

/// The certificate in use; rustls asks it at each handshake.
pub struct Certificates {
    current: RwLock<Loaded>,
    source: CertificateSource,
    stamps: Mutex<Option<[Stamp; 2]>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads or makes the certificate.
    pub fn open(source: CertificateSource, unix: Duration) -> Result<Self, TlsError> {
        let stamps = source.stamps();
        let current = RwLock::new(source.load_first(unix)?);
        Ok(Certificates { current, source, stamps: Mutex::new(stamps) })
    }

    /// Looks whether it is time for, or somebody has put there, another certificate. On an error
    /// the former one stays. `Ok(true)` if it changed.
    pub fn poll(&self, unix: Duration) -> Result<bool, TlsError> {
        let is_old = self.is_development() && unix >= self.validity().half();
        if !self.files_have_changed() && !is_old {
            return Ok(false);
        }
        let loaded = self.source.load(unix)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }

    fn files_have_changed(&self) -> bool {
        let stamps = self.source.stamps();
        let mut last = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = stamps.is_some_and(|stamps| stamps.contains(&Stamp::Missing));
        let changed = *last != stamps && !missing;
        if changed {
            *last = stamps;
        }
        changed
    }

    /// From when to when the one in use holds.
    pub fn validity(&self) -> Validity {
        self.current.read().unwrap_or_else(PoisonError::into_inner).validity
    }

    /// The SHA-256 of the one in use, in hexadecimal: what clients pin.
    pub fn sha256_hex(&self) -> String {
        self.current.read().unwrap_or_else(PoisonError::into_inner).sha256_hex()
    }

    /// Whether the one in use is a generated one.
    pub fn is_development(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).is_generated
    }

    /// What a CA is answered with, where one issues the certificate.
    pub(crate) fn challenges(&self) -> Option<&Arc<Challenges>> {
        match &self.source {
            CertificateSource::Acme { challenges, .. } => Some(challenges),
            _ => None,
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(challenges) = self.challenges()
            && hello.alpn().is_some_and(|names| names.eq([TLS_ALPN]))
        {
            return challenges.certificate(hello.server_name()?);
        }
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl CertificateSource {
    fn stamps(&self) -> Option<[Stamp; 2]> {
        match self {
            CertificateSource::Files { certificate, key } => {
                Some([Stamp::of(certificate), Stamp::of(key)])
            }
            CertificateSource::Development(_) => None,
            CertificateSource::Acme { file, .. } => {
                // One file is both.
                Some([Stamp::of(file), Stamp::of(file)])
            }
        }
    }

    fn load(&self, unix: Duration) -> Result<Loaded, TlsError> {
        match self {
            CertificateSource::Files { certificate, key } => {
                Loaded::from_pem(&read(certificate)?, &read(key)?, certificate, key)
            }
            CertificateSource::Development(dev) => generated(dev, unix),
            CertificateSource::Acme { file, until_then, .. } => match load_issued(file)? {
                Some(issued) => Ok(issued),
                None => generated(until_then, unix),
            },
        }
    }

    /// The same at the start, where there is no former one.
    fn load_first(&self, unix: Duration) -> Result<Loaded, TlsError> {
        match (self.load(unix), self) {
            (Err(error), CertificateSource::Acme { until_then, .. }) => {
                tracing::error!(%error, "certificate: another one is ordered");
                generated(until_then, unix)
            }
            (loaded, _) => loaded,
        }
    }
}

fn generated(dev: &DevCertificates, unix: Duration) -> Result<Loaded, TlsError> {
    Ok(Loaded { is_generated: true, ..dev.at(unix)? })
}

/// A certificate with its key out of one file; none where there is no such file.
pub(super) fn load_issued(file: &Path) -> Result<Option<Loaded>, TlsError> {
    match read(file) {
        Ok(text) => Loaded::from_pem(&text, &text, file, file).map(Some),
        Err(TlsError::Read { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error| TlsError::Read { path: path.into(), error };
    if fs::metadata(path).map_err(failed)?.len() > limits::CERTIFICATE_BYTES_MAX {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    fs::read(path).map_err(failed)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

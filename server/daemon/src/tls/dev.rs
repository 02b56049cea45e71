//! The development certificate: generated, short-lived, pinned by its hash. The one that follows
//! is made half a life ahead, so that clients which know both hashes never meet a strange one.

use std::{fs, path::PathBuf, time::Duration};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

use super::{Validity, certificate::Loaded, certificate::TlsError};
use crate::{
    data::{DataFolder, write_private},
    limits::{DEV_CERTIFICATE_BACKDATED, DEV_CERTIFICATE_FOR},
};

/// Certificates in the data folder, renewed at half of their life.
#[derive(Clone, Debug)]
pub struct DevCertificates {
    data: DataFolder,
    names: Vec<String>,
}

impl DevCertificates {
    /// For these names and addresses.
    pub fn new(data: DataFolder, names: Vec<String>) -> Self {
        DevCertificates { data, names }
    }

    /// The certificate to show at this time, renewing what is due. Writes the hashes of this one
    /// and the next to [`DataFolder::certificate_hashes`].
    pub(super) fn at(&self, unix: Duration) -> Result<Loaded, TlsError> {
        let usable =
            |loaded: &Loaded| unix < loaded.validity.half() && loaded.validity.not_before <= unix;
        let stored = self.read(&self.current()).filter(usable);
        let current = match stored {
            Some(current) => current,
            None => match self.read(&self.next()).filter(usable) {
                Some(next) => {
                    fs::rename(self.next(), self.current())
                        .map_err(|error| TlsError::Read { path: self.next(), error })?;
                    next
                }
                None => self.generate(unix, &self.current())?,
            },
        };
        let wanted = current.validity.half();
        let next = match self.read(&self.next()) {
            Some(next) if next.validity.holds(wanted) && next.validity.half() > wanted => next,
            _ => self.generate(wanted, &self.next())?,
        };
        let hashes = format!("{}\n{}\n", current.sha256_hex(), next.sha256_hex());
        let path = self.data.certificate_hashes();
        if fs::read_to_string(&path).ok().as_deref() != Some(&hashes) {
            write_private(&path, hashes.as_bytes())?;
        }
        Ok(current)
    }

    fn current(&self) -> PathBuf {
        self.data.certificates().join("dev.pem")
    }

    fn next(&self) -> PathBuf {
        self.data.certificates().join("dev-next.pem")
    }

    /// What is stored there, if it is whole and for the same names. A damaged file counts as
    /// none: it is only a development certificate.
    fn read(&self, path: &std::path::Path) -> Option<Loaded> {
        let text = fs::read_to_string(path).ok()?;
        let names = text.lines().next()?.strip_prefix("# ")?;
        (names == self.names.join(" ")).then_some(())?;
        Loaded::from_pem(text.as_bytes(), text.as_bytes(), path, path).ok()
    }

    fn generate(&self, unix: Duration, path: &std::path::Path) -> Result<Loaded, TlsError> {
        let failed = |_| TlsError::Generate;
        let mut params = CertificateParams::new(self.names.clone()).map_err(failed)?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "Parlour development certificate");
        params.distinguished_name = name;
        let from = unix.saturating_sub(DEV_CERTIFICATE_BACKDATED);
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(from.as_secs());
        params.not_after = epoch + Duration::from_secs((from + DEV_CERTIFICATE_FOR).as_secs());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        let text =
            format!("# {}\n{}{}", self.names.join(" "), certificate.pem(), key.serialize_pem());
        write_private(path, text.as_bytes())?;
        debug_assert!(Validity::of(certificate.der()).is_some());
        Loaded::from_pem(text.as_bytes(), text.as_bytes(), path, path)
    }
}

//! What is kept of ACME in the data folder, beside the generated certificates: the account, the certificate
//! with its key in one file (so that no crash leaves one without the other), and how attempts went.

use std::{fs, io, path::PathBuf, time::Duration};

use parlour_acme::{AcmeError, Past};
use serde_json::json;

use super::Settings;
use crate::{
    data::{DataFolder, write_private},
    limits::CERTIFICATE_BYTES_MAX,
    tls::{self, TlsError},
};

/// See the module.
pub(crate) struct Files {
    folder: PathBuf,
    // What the certificate has to be of to be the one that is wanted.
    heading: String,
    account: PathBuf,
    // Changes with everything that may let an attempt succeed that failed before.
    settings: String,
}

/// Where the certificate is, once there is one.
pub(crate) fn certificate_in(data: &DataFolder) -> PathBuf {
    data.certificates().join("acme.pem")
}

impl Files {
    pub(crate) fn new(data: &DataFolder, settings: &Settings) -> Self {
        let names: Vec<String> = settings.names.iter().map(ToString::to_string).collect();
        let folder = data.certificates();
        // Each CA has its own: whoever tries another one first comes back to the former account.
        let ca = &digest(&settings.directory)[..16];
        Files {
            heading: format!("# {} {}\n", settings.directory, names.join(" ")),
            account: folder.join(format!("acme-account-{ca}.json")),
            settings: digest(&format!("{settings:?}")),
            folder,
        }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("acme.pem")
    }

    fn attempts(&self) -> PathBuf {
        self.folder.join("acme-attempts.json")
    }

    /// The certificate there is, if it is of the configured CA and for the configured names.
    pub(crate) fn held(&self) -> Option<tls::Issued> {
        let file = self.certificate();
        let text = fs::read_to_string(&file).ok()?;
        text.starts_with(&self.heading).then_some(())?;
        tls::issued(&file).ok().flatten()
    }

    /// Puts a certificate in its place, if it can be used.
    pub(super) fn keep_certificate(
        &self,
        issued: &parlour_acme::Issued,
    ) -> Result<tls::Issued, AcmeError> {
        let text = format!("{}{}\n{}", self.heading, issued.chain.trim_end(), issued.key);
        let file = self.certificate();
        let unusable = |error: TlsError| AcmeError::Unusable(error.to_string());
        let checked = tls::to_be_issued(text.as_bytes(), &file).map_err(unusable)?;
        self.write(&file, text.as_bytes())?;
        Ok(checked)
    }

    /// What is kept of the account with the CA.
    pub(super) fn account(&self) -> Result<Option<Vec<u8>>, AcmeError> {
        match fs::metadata(&self.account) {
            Ok(meta) if meta.len() > CERTIFICATE_BYTES_MAX => Err(AcmeError::AccountDamaged),
            Ok(_) => fs::read(&self.account).map(Some).map_err(not_kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(not_kept(error)),
        }
    }

    pub(super) fn keep_account(&self, account: &[u8]) -> Result<(), AcmeError> {
        self.write(&self.account, account)
    }

    /// Moves away what is of no use any more: the next attempt makes another account.
    pub(super) fn set_account_aside(&self) -> Result<(), AcmeError> {
        let aside = self.account.with_extension("json.former");
        fs::rename(&self.account, aside).map_err(not_kept)
    }

    /// How attempts with these settings went before.
    pub(super) fn past(&self) -> Past {
        let read = || {
            let text = fs::read_to_string(self.attempts()).ok()?;
            let kept: serde_json::Value = serde_json::from_str(&text).ok()?;
            (kept["settings"] == self.settings).then_some(())?;
            let failures = u32::try_from(kept["failures"].as_u64()?).ok()?;
            let last_at = Duration::from_secs(kept["last_at_s"].as_u64()?);
            Some(Past { failures, last_at })
        };
        read().unwrap_or_default()
    }

    pub(super) fn keep_past(&self, past: Past) -> Result<(), AcmeError> {
        let (failures, last_at_s) = (past.failures, past.last_at.as_secs());
        let text =
            json!({ "settings": self.settings, "failures": failures, "last_at_s": last_at_s });
        self.write(&self.attempts(), format!("{text}\n").as_bytes())
    }

    fn write(&self, path: &std::path::Path, bytes: &[u8]) -> Result<(), AcmeError> {
        write_private(path, bytes).map_err(|error| AcmeError::NotKept(error.to_string()))
    }
}

fn not_kept(error: io::Error) -> AcmeError {
    AcmeError::NotKept(error.to_string())
}

fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

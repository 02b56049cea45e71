//! A certificate from a CA that speaks ACME (RFC 8555), had and renewed while the server runs. When is
//! `parlour_acme`'s to say and how an order goes; here are its files, its way to the CA, and what operators
//! hear of it.

mod client;
mod files;
mod keeper;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use parlour_acme::{AcmeError, Applicant, External, Kind, Name};

use crate::limits::ACME_KEY_FILE_BYTES_MAX;
use client::Client;
pub(crate) use files::{Files, certificate_in};
pub(crate) use keeper::{Keeper, Standing};

/// What is wanted, as it is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the certificate is for.
    pub names: Vec<Name>,
    /// Challenges that are answered, the best one first.
    pub kinds: Vec<Kind>,
    /// The address of the CA's directory.
    pub directory: String,
    /// Whom the CA may write to, as URIs.
    pub contact: Vec<String>,
    /// The id of an external account's key, and the file with the key.
    pub external: Option<(String, PathBuf)>,
    /// Where the CA's looks arrive: what failed may succeed where this has changed.
    pub listens: Vec<SocketAddr>,
    /// Certificates that vouch for the CA's own server, instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// Looks once whether the CA answers.
pub async fn look(settings: &Settings) -> Result<(), AcmeError> {
    let client = Client::trusting(settings.ca_file.as_ref());
    let client = client.map_err(|why| AcmeError::Unreachable(why.to_string()))?;
    parlour_acme::look(&settings.directory, client).await
}

/// How base64url is written by those who give such keys out: with padding or without.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Settings {
    fn applicant(&self) -> Result<Applicant, AcmeError> {
        let (directory, contact) = (self.directory.clone(), self.contact.clone());
        let external = match &self.external {
            Some((id, path)) => Some(External { id: id.clone(), key: external_key(path)? }),
            None => None,
        };
        Ok(Applicant { directory, contact, external })
    }
}

/// The file is read when it is needed, which is once: for a new account.
fn external_key(path: &Path) -> Result<Vec<u8>, AcmeError> {
    let wrong = |why: &str| AcmeError::ExternalKey(format!("{} {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|_| wrong("can't be read"))?.len();
    if length > ACME_KEY_FILE_BYTES_MAX {
        return Err(wrong("is too large"));
    }
    let text = std::fs::read_to_string(path).map_err(|_| wrong("can't be read"))?;
    // Some write it with the signs of the other base64.
    let text = text.trim().replace('+', "-").replace('/', "_");
    let key = BASE64_URL.decode(text).map_err(|_| wrong("holds no key in base64url"))?;
    if key.is_empty() { Err(wrong("is empty")) } else { Ok(key) }
}

#[cfg(test)]
#[path = "acme_tests.rs"]
mod tests;

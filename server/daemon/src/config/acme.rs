//! The certificate that a CA issues by ACME.

use std::{net::SocketAddr, path::PathBuf};

use parlour_acme::{Kind, LETS_ENCRYPT, Name, limits::NAMES_MAX};
use serde::Deserialize;

use super::{Config, ConfigError, load};
use crate::acme::Settings;

/// `[tls.acme]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Acme {
    /// What the certificate is for; empty for none.
    pub names: Vec<String>,
    /// Whom the CA may write to.
    pub contact: Vec<String>,
    /// The address of the CA's directory.
    pub directory: String,
    /// Whether whoever runs the server has agreed to the CA's terms.
    pub terms_agreed: bool,
    /// Certificates that vouch for the CA's own server.
    pub ca_file: Option<PathBuf>,
    /// Where the CA looks, beside the port of HTTP.
    #[serde(deserialize_with = "load::address_or_off")]
    pub listen: Option<SocketAddr>,
    /// The id of an external account's key.
    pub eab_key_id: Option<String>,
    /// A file with that key.
    pub eab_key_file: Option<PathBuf>,
}

impl Default for Acme {
    fn default() -> Self {
        Acme {
            names: vec![],
            contact: vec![],
            directory: LETS_ENCRYPT.into(),
            terms_agreed: false,
            ca_file: None,
            listen: None,
            eab_key_id: None,
            eab_key_file: None,
        }
    }
}

impl Acme {
    fn contact(&self) -> Result<Vec<String>, ConfigError> {
        let problem = "has one that is no address of mail, such as admin@example.org";
        let is_plain = |text: &str| text.is_ascii() && !text.contains([' ', ',', '?', '\n']);
        let uri = |text: &String| {
            let address = text.strip_prefix("mailto:").unwrap_or(text);
            let (who, host) = address.split_once('@')?;
            let is_address = !who.is_empty() && !host.is_empty() && is_plain(address);
            is_address.then(|| format!("mailto:{address}"))
        };
        let uris = self.contact.iter().map(uri).collect::<Option<Vec<_>>>();
        uris.ok_or(ConfigError::Value { key: "tls.acme.contact", problem })
    }

    fn names(&self) -> Result<Vec<Name>, ConfigError> {
        let wrong = |problem| ConfigError::Value { key: "tls.acme.names", problem };
        if self.names.len() > NAMES_MAX {
            return Err(wrong("has more than 100 names"));
        }
        let name = |text: &String| Name::parse(text).map_err(wrong);
        self.names.iter().map(name).collect()
    }
}

impl Config {
    /// Which certificate is had by ACME, if one is.
    pub fn acme(&self) -> Result<Option<Settings>, ConfigError> {
        let acme = &self.tls.acme;
        let wrong = |key, problem| Err(ConfigError::Value { key, problem });
        let (names, contact) = (acme.names()?, acme.contact()?);
        let external = match (&acme.eab_key_id, &acme.eab_key_file) {
            (Some(id), Some(file)) => Some((id.clone(), file.clone())),
            (None, None) => None,
            _ => {
                return wrong(
                    "tls.acme.eab_key_id",
                    "needs tls.acme.eab_key_file beside it, and the other way round",
                );
            }
        };
        if !acme.directory.starts_with("https://") {
            return wrong("tls.acme.directory", "is not an address of https");
        }
        if names.is_empty() {
            return Ok(None);
        }
        if self.tls.certificate.is_some() {
            return wrong(
                "tls.acme.names",
                "can't be beside tls.certificate: one of them is shown",
            );
        }
        if !acme.terms_agreed {
            return wrong(
                "tls.acme.terms_agreed",
                "must be true: read the terms of the ca, and agree to them",
            );
        }
        let kinds = self.challenge_kinds();
        if kinds.is_empty() {
            return wrong(
                "tls.acme.listen",
                "is needed where http.listen is off: the ca looks at port 80",
            );
        }
        let listens = [acme.listen, self.http.listen].into_iter().flatten().collect();
        let (directory, ca_file) = (acme.directory.clone(), acme.ca_file.clone());
        Ok(Some(Settings { names, kinds, directory, contact, external, listens, ca_file }))
    }

    /// Challenges that are answered. Port 80 is nobody's where the port of HTTP speaks TLS, unless another
    /// listener is there.
    fn challenge_kinds(&self) -> Vec<Kind> {
        let has_http = self.http.listen.is_some();
        let is_tls = has_http && self.http.tls;
        let by_http = self.tls.acme.listen.is_some() || (has_http && !is_tls);
        let kinds = [(by_http, Kind::Http), (is_tls, Kind::TlsAlpn)];
        kinds.into_iter().filter(|(answers, _)| *answers).map(|(_, kind)| kind).collect()
    }
}

#[cfg(test)]
#[path = "acme_tests.rs"]
mod tests;

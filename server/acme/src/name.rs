//! A name or address that a certificate is for.

use std::{fmt, net::IpAddr};

use crate::limits::NAME_BYTES_MAX;

/// What a certificate is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A host's name, in lower case.
    Dns(String),
    /// An address (RFC 8738), which few CAs take.
    Ip(IpAddr),
}

impl Name {
    /// Out of how it is written; or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(address) = text.parse() {
            return Ok(Name::Ip(address));
        }
        if text.starts_with("*.") {
            return Err("has a wildcard, for which there is no challenge that is answered here");
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_name = text.len() <= NAME_BYTES_MAX && text.split('.').all(is_label);
        if !is_name {
            return Err("is no host's name (such as chat.example.org) and no address");
        }
        Ok(Name::Dns(text.to_ascii_lowercase()))
    }

    pub(crate) fn identifier(&self) -> instant_acme::Identifier {
        match self {
            Name::Dns(name) => instant_acme::Identifier::Dns(name.clone()),
            Name::Ip(address) => instant_acme::Identifier::Ip(*address),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Dns(name) => f.write_str(name),
            Name::Ip(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;

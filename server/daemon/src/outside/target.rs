//! Where an address leads: scheme, host, port and path.

use std::net::IpAddr;

use axum::http::Uri;

use super::Reach;

/// A host as an address names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// By an address.
    Address(IpAddr),
    /// By a name, which has to be looked up.
    Name(String),
}

/// Where an address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Whether over TLS.
    pub(crate) is_secure: bool,
    /// To whom.
    pub(super) host: Host,
    /// To which port.
    pub(super) port: u16,
    /// Host and port as HTTP says them.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

impl Target {
    /// Out of an address; or what is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "is not an address")?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("is not an address of https"),
        };
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("has a name or password in it");
        }
        let host = authority.host();
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match literal.unwrap_or(host).parse::<IpAddr>() {
            Ok(address) => Host::Address(address),
            Err(_) if literal.is_some() || host.is_empty() => return Err("names no host"),
            Err(_) => Host::Name(host.to_owned()),
        };
        let port = match authority.port_u16() {
            Some(port) if port > 0 => port,
            // Without a port there is no colon behind the host.
            _ if authority.as_str() != authority.host() => return Err("names no port"),
            _ if is_secure => 443,
            _ => 80,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // A query may stand right behind the host; what is asked for then is the root with that query.
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let authority = authority.as_str().to_owned();
        Ok(Target { is_secure, host, port, authority, path })
    }

    /// Its host alone, however it is written: all ports of a host are one host's.
    pub(crate) fn host(&self) -> String {
        match &self.host {
            Host::Address(address) => address.to_canonical().to_string(),
            Host::Name(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        }
    }

    /// What is wrong with it, as far as that can be seen without looking its name up.
    pub(crate) fn check(&self, reach: &Reach) -> Result<(), &'static str> {
        if let Reach::Posts(allowed) = reach
            && !self.is_secure
            && allowed.is_empty()
        {
            return Err("is not an address of https");
        }
        match self.host {
            Host::Address(address) if !reach.allows(self, address) => {
                Err("leads to where nothing is posted")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;

//! Which pages may ask for a relying party's passkeys. Browsers see to it that a page's host is the
//! relying party's or below it; which of those are ours only the configuration knows.

use webauthn_rp::response::Origin as Found;

use crate::error::ConfigError;

/// An origin as browsers write it, or all of a developer's machine.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Exactly(String),
    /// `http://localhost` at any port.
    Localhost,
}

const LOCALHOST: &str = "localhost";
const LOCAL: &str = "http://localhost";

impl Origin {
    /// The origins that are allowed for this relying party.
    pub(crate) fn all(host: &str, origins: &[String]) -> Result<Vec<Self>, ConfigError> {
        let is_local = |origin: &&String| host == LOCALHOST && is_localhost(origin);
        let others = origins.iter().filter(|origin| !is_local(origin));
        let mut all = Vec::new();
        for origin in others {
            if !is_origin_of(origin, host) {
                return Err(ConfigError::Origin(origin.clone()));
            }
            all.push(Origin::Exactly(origin.clone()));
        }
        if host == LOCALHOST {
            all.push(Origin::Localhost);
        }
        if all.is_empty() || all.len() > crate::limits::ORIGINS_MAX {
            return Err(ConfigError::Origins);
        }
        Ok(all)
    }
}

impl PartialEq<Found<'_>> for Origin {
    fn eq(&self, found: &Found<'_>) -> bool {
        match self {
            Origin::Exactly(origin) => *origin == found.0,
            Origin::Localhost => is_localhost(&found.0),
        }
    }
}

/// Whether this can be a relying party's id: a domain as browsers write it, and no address.
pub(crate) fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        (1..=63).contains(&label.len())
            && label.bytes().all(is_good)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    // Browsers take a host whose last label is a number for an address.
    host.len() <= 253 && host.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

fn is_origin_of(origin: &str, relying_party: &str) -> bool {
    let Some(rest) = origin.strip_prefix("https://") else { return false };
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let below = host.strip_suffix(relying_party).is_some_and(|rest| rest.ends_with('.'));
    is_host(host)
        && (host == relying_party || below)
        // Browsers leave the scheme's own port out.
        && port.is_none_or(|port| port != "443" && is_port(port))
}

fn is_localhost(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix(LOCAL) else { return false };
    rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)
}

fn is_port(port: &str) -> bool {
    !port.starts_with('0')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;

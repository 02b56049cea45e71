//! Which pages may connect. Tokens are in the first message and never in cookies, so no page gets in with
//! somebody else's: this keeps out those that the operator doesn't know.

use parlour_carriers::webtransport::Request;

use super::WEBTRANSPORT_PATH;

/// Pages that may connect (RFC 6454). Those of the server's own host may always, and whoever names none:
/// only browsers do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// Besides the server's own: these, or with `"*"` all.
    pub fn new(allowed: Vec<String>) -> Self {
        Origins { allowed }
    }

    /// What can be in the list: `*`, or scheme, host and port as browsers write them.
    pub fn is_one(text: &str) -> bool {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_host = |rest: &str| {
            !rest.is_empty()
                && rest.bytes().all(|byte| !byte.is_ascii_uppercase() && byte.is_ascii_graphic())
                && !rest.contains(['/', '?', '#', '@', '*'])
        };
        text == "*" || rest.is_some_and(is_host)
    }

    /// Whether a page from `origin` may connect to this server, which it knows as `authority` (RFC 3986
    /// section 3.2). The port doesn't matter: it differs between TCP and UDP.
    pub fn allow(&self, origin: Option<&str>, authority: &str) -> bool {
        let Some(origin) = origin else { return true };
        let own = origin.split_once("://").map(|(_, rest)| host(rest));
        own.is_some_and(|own| own.eq_ignore_ascii_case(host(authority)))
            || self.allowed.iter().any(|allowed| allowed == "*" || allowed == origin)
    }

    /// The status that a request for a session is refused with, if it is.
    pub(crate) fn decide(&self, request: &Request) -> Result<(), u16> {
        if request.path != WEBTRANSPORT_PATH {
            return Err(404);
        }
        match self.allow(request.origin.as_deref(), &request.authority) {
            true => Ok(()),
            false => Err(403),
        }
    }
}

/// Without the port; an IPv6 address keeps its brackets.
pub(crate) fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
#[path = "origins_tests.rs"]
mod tests;

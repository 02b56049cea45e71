//! Sign-in links and invites as people get them: where the server is, how to know it, and the code.

use std::{fmt, str::FromStr};

use crate::{Trust, transport::Address};

/// A link such as `parlour://chat.example.org:4433/sign-in#code=...`, with `&pin=` and a SHA-256 in
/// hexadecimal where the server has a certificate of its own making. What is behind the `#` is a
/// secret: never in a log.
#[derive(Clone)]
pub struct SignInLink {
    address: String,
    trust: Trust,
    code: String,
    is_invite: bool,
}

/// Why a text is no such link.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It doesn't begin with `parlour://` and an address with a port.
    #[error("a link begins with parlour:// and host:port")]
    Address,
    /// Neither a sign-in nor an invite.
    #[error("the link is neither a sign-in nor an invite")]
    Kind,
    /// There is no code in it.
    #[error("the link has no code; it may be cut off")]
    Code,
    /// The pin isn't 64 hexadecimal digits.
    #[error("the link's pin is not 64 hexadecimal digits; it may be cut off")]
    Pin,
}

impl fmt::Debug for SignInLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInLink").field("address", &self.address).finish_non_exhaustive()
    }
}

impl SignInLink {
    /// Where the server is, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whom to believe to be the server.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it is an invite: then whoever takes it says what they are called.
    pub fn is_invite(&self) -> bool {
        self.is_invite
    }
}

impl FromStr for SignInLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let rest = text.trim().strip_prefix("parlour://").ok_or(LinkError::Address)?;
        let (address, rest) = rest.split_once('/').ok_or(LinkError::Address)?;
        Address::parse(address).ok_or(LinkError::Address)?;
        let (kind, fields) = rest.split_once('#').unwrap_or((rest, ""));
        let is_invite = match kind {
            "sign-in" => false,
            "invite" => true,
            _ => return Err(LinkError::Kind),
        };
        let field = |name: &str| {
            let fields = fields.split('&').filter_map(|field| field.split_once('='));
            fields.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
        };
        let code = field("code").filter(|code| !code.is_empty()).ok_or(LinkError::Code)?;
        let trust = match field("pin") {
            Some(pin) => Trust::parse_sha256(pin).ok_or(LinkError::Pin)?,
            None => Trust::System,
        };
        Ok(SignInLink { address: address.to_owned(), trust, code: code.to_owned(), is_invite })
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;

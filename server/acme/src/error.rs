//! What can go wrong between this server and a CA, and what whoever runs the server can do about it.

use std::{fmt, time::Duration};

use crate::{
    limits::DETAIL_CHARS_MAX,
    watched::{Last, Unreached},
};

/// A CA's own words about what is wrong (RFC 7807, RFC 8555 section 6.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is: `rateLimited`, `caa`, `dns` and so on; empty where the CA doesn't say.
    pub kind: String,
    /// Its explanation, cut to a bound and without control characters.
    pub detail: String,
}

impl Problem {
    pub(crate) fn new(problem: &instant_acme::Problem) -> Self {
        let kind = problem.r#type.as_deref().unwrap_or_default();
        let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind);
        let mut detail = problem.detail.clone().unwrap_or_default();
        for sub in &problem.subproblems {
            detail.push_str(&format!("; {sub}"));
        }
        Problem { kind: told(kind), detail: told(&detail) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.detail.as_str(), self.kind.as_str()) {
            ("", "") => f.write_str("it doesn't say why"),
            ("", kind) => f.write_str(kind),
            (detail, "") => f.write_str(detail),
            (detail, kind) => write!(f, "{detail} ({kind})"),
        }
    }
}

/// What others say, in one line of bounded length.
pub(crate) fn told(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect()
}

/// Why there is no new certificate.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcmeError {
    /// Nobody answers where the directory is, or whoever does is out of order.
    #[error("the ca can't be asked: {0}")]
    Unreachable(String),
    /// What answers doesn't speak RFC 8555.
    #[error("what answers there is no acme server: {0}")]
    NotAcme(String),
    /// The CA makes accounts only for those it knows otherwise (RFC 8555 section 7.3.4).
    #[error("the ca makes accounts with an external account's key only: {0}")]
    ExternalAccount(Problem),
    /// The configured key of an external account can't be read.
    #[error("the key of the external account: {0}")]
    ExternalKey(String),
    /// The CA makes no account of this, or lets the one there is do nothing.
    #[error("the ca refuses the account: {0}")]
    NoAccount(Problem),
    /// The CA has no such account, any more: another one has to be made.
    #[error("the ca doesn't know the account that is kept: {0}")]
    AccountGone(Problem),
    /// What is kept of the account isn't one.
    #[error("what is kept of the account can't be read")]
    AccountDamaged,
    /// The CA was asked too often.
    #[error("the ca limits requests: {problem}")]
    RateLimited {
        /// In its words.
        problem: Problem,
        /// How long it wants not to be asked, where it says so.
        again_after: Option<Duration>,
    },
    /// The CA issues nothing for these names, whatever they prove.
    #[error("the ca refuses the order: {0}")]
    Refused(Problem),
    /// The CA offers no way to prove a name that this server knows.
    #[error("for {name} the ca offers none of the challenges answered here, but {offered}")]
    NoChallenge {
        /// Which name.
        name: String,
        /// What it offers.
        offered: String,
    },
    /// The CA has looked at a name and found something else.
    #[error("the ca's look at {name} by {kind} failed: {problem}")]
    Challenge {
        /// Which name.
        name: String,
        /// `http-01` or `tls-alpn-01`.
        kind: &'static str,
        /// What it found, in its words.
        problem: Problem,
    },
    /// The CA came to no end.
    #[error("the ca came to no end in time")]
    TooSlow,
    /// What the CA has issued can't be used.
    #[error("what the ca has issued can't be used: {0}")]
    Unusable(String),
    /// What has to be kept can't be.
    #[error("the data folder can't be used: {0}")]
    NotKept(String),
}

impl AcmeError {
    /// A word for it, for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            AcmeError::Unreachable(_) => "unreachable",
            AcmeError::NotAcme(_) => "not_acme",
            AcmeError::ExternalAccount(_)
            | AcmeError::ExternalKey(_)
            | AcmeError::NoAccount(_)
            | AcmeError::AccountGone(_)
            | AcmeError::AccountDamaged => "account",
            AcmeError::RateLimited { .. } => "rate_limited",
            AcmeError::Refused(_) | AcmeError::NoChallenge { .. } => "refused",
            AcmeError::Challenge { .. } => "challenge",
            AcmeError::TooSlow => "too_slow",
            AcmeError::Unusable(_) => "unusable",
            AcmeError::NotKept(_) => "not_kept",
        }
    }

    /// What whoever runs the server can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            AcmeError::Unreachable(_) => {
                "check tls.acme.directory, tls.acme.ca_file and that this host may connect there"
            }
            AcmeError::NotAcme(_) => {
                "check tls.acme.directory: it is the address of the ca's acme directory"
            }
            AcmeError::ExternalAccount(_) | AcmeError::ExternalKey(_) => {
                "set tls.acme.eab_key_id and tls.acme.eab_key_file to what the ca has given out"
            }
            AcmeError::NoAccount(_) => {
                "check tls.acme.contact, and what the ca says; where tls/acme-account-*.json in the data folder \
                 is moved away, another account is made"
            }
            AcmeError::AccountGone(_) | AcmeError::AccountDamaged => {
                "nothing: another account is made the next time"
            }
            AcmeError::RateLimited { .. } => {
                "wait: it is tried again when the ca takes requests again"
            }
            AcmeError::Refused(_) => {
                "check tls.acme.names, their CAA records, and what the ca says"
            }
            AcmeError::NoChallenge { .. } => {
                "set tls.acme.listen for http-01, or http.tls for tls-alpn-01"
            }
            AcmeError::Challenge { kind: "tls-alpn-01", .. } => {
                "the name's address must lead here, and port 443 of it to the port of http.listen"
            }
            AcmeError::Challenge { .. } => {
                "the name's address must lead here, and port 80 of it to tls.acme.listen or http.listen"
            }
            AcmeError::TooSlow => "nothing: it is tried again",
            AcmeError::Unusable(_) => "check this host's clock, and what the ca issues",
            AcmeError::NotKept(_) => "make room, and see that the data folder can be written",
        }
    }

    /// Whether a CA has heard of the attempt: it may count it.
    pub fn counts(&self) -> bool {
        !matches!(
            self,
            AcmeError::Unreachable(_)
                | AcmeError::NotAcme(_)
                | AcmeError::ExternalKey(_)
                | AcmeError::AccountDamaged
                | AcmeError::NotKept(_)
        )
    }

    /// Out of what the library says, and of how the CA answered last.
    pub(crate) fn new(error: instant_acme::Error, last: Last) -> Self {
        use instant_acme::Error;
        let unlike = |why: String| match last.status {
            500.. => AcmeError::Unreachable(format!("it answers with {}", last.status)),
            429 => AcmeError::RateLimited {
                problem: Problem::default(),
                again_after: last.again_after,
            },
            400.. => AcmeError::NotAcme(format!("it answers with {}", last.status)),
            _ => AcmeError::NotAcme(told(&why)),
        };
        match error {
            Error::Api(problem) => AcmeError::of_problem(&problem, last),
            Error::Timeout(_) => AcmeError::TooSlow,
            Error::Crypto | Error::KeyRejected => AcmeError::AccountDamaged,
            Error::Http(_) | Error::InvalidUri(_) => {
                AcmeError::NotAcme("an address in it isn't one".into())
            }
            Error::Other(why) if why.is::<Unreached>() => AcmeError::Unreachable(why.to_string()),
            other => unlike(other.to_string()),
        }
    }

    fn of_problem(problem: &instant_acme::Problem, last: Last) -> Self {
        let problem = Problem::new(problem);
        match problem.kind.as_str() {
            "rateLimited" => AcmeError::RateLimited { problem, again_after: last.again_after },
            "externalAccountRequired" => AcmeError::ExternalAccount(problem),
            "accountDoesNotExist" => AcmeError::AccountGone(problem),
            "unauthorized" | "invalidContact" | "unsupportedContact" | "userActionRequired" => {
                AcmeError::NoAccount(problem)
            }
            "serverInternal" => AcmeError::Unreachable(problem.to_string()),
            _ => AcmeError::Refused(problem),
        }
    }
}

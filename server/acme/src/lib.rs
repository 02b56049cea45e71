//! Certificates from an ACME server (RFC 8555): when one is ordered ([`Schedule`], which is told the
//! time), and how ([`Account::order`]). Files, listeners and the way to the CA are the embedder's;
//! what answers the CA's looks is shared with it ([`Challenges`]).

mod account;
mod challenges;
mod error;
pub mod limits;
mod name;
mod order;
mod renewal;
mod schedule;
mod watched;

pub use account::{Account, Applicant, External, Opened, look};
pub use challenges::{Challenges, HTTP_PATH, Kind, TLS_ALPN};
pub use error::{AcmeError, Problem};
pub use name::Name;
pub use order::{Issued, Wanted};
pub use renewal::{Replaced, Told};
pub use schedule::{Past, Schedule, Step, Term};
pub use watched::{Ask, Asked, Request, Unreached};

/// The directory of Let's Encrypt.
pub const LETS_ENCRYPT: &str = instant_acme::LetsEncrypt::Production.url();

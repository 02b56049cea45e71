//! Tokens: which keys verify them, what they must say, and how operators sign some themselves.
//!
//! A token chooses a key by `kid` and nothing else: the algorithm is the key's, and `jku`, `x5u`,
//! `x5c` and `jwk` are never looked at.

mod claims;
mod key;
pub mod oidc;
mod sign;
mod source;
mod verifier;

pub use key::{Algorithm, Key, KeyError};
pub use sign::{SignError, Signer, TokenRequest};
pub use source::KeySource;
pub use verifier::{JwtVerifier, Policy, Reload};

pub(crate) use source::Stamp;

#[cfg(test)]
mod forgeries_tests;
#[cfg(test)]
mod keyring_tests;
#[cfg(test)]
mod rotation_tests;

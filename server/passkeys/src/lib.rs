//! Passkeys: how they are made and signed in with, on the side of the server, which is WebAuthn's
//! relying party (level 3, sections 7.1 and 7.2), over the crate `webauthn_rp`. Nothing is kept, sent
//! or read here, and time is an argument. What is remembered between a question and its answer goes to
//! the client as a sealed state; sealing it, remembering which were used, and keeping passkeys and whose
//! they are, is the caller's.

mod attestation;
mod cbor;
mod error;
pub mod limits;
mod origin;
mod party;
mod passkey;
mod state;

pub use error::{ConfigError, PasskeyError};
pub use party::{Answer, RelyingParty};
pub use passkey::Passkey;
pub use state::{Begun, Pending};

/// The algorithms of keys that are asked for, best first, as browsers name them
/// (`pubKeyCredParams`): ES256, `EdDSA`, RS256.
pub const ALGORITHMS: [i32; 3] = [-7, -8, -257];

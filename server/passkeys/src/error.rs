//! Why something isn't accepted, without a word of what was sent.

use webauthn_rp::response::{
    auth::error::{AuthCeremonyErr, AuthenticatorDataErr},
    register::error::{
        AttestationObjectErr, AttestedCredentialDataErr, AuthenticatorDataErr as NewDataErr,
        CoseKeyErr, RegCeremonyErr,
    },
};

/// Why a relying party can't be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The host is no domain in lower case; addresses can't have passkeys.
    #[error("`{0}` is no domain in lower case")]
    Host(String),
    /// The name is empty or longer than [`NAME_BYTES_MAX`](crate::limits::NAME_BYTES_MAX).
    #[error("the name is empty or too long")]
    Name,
    /// An origin isn't `https://HOST[:PORT]` with the relying party's host or one below it.
    #[error("`{0}` is no https origin of the host")]
    Origin(String),
    /// There is no origin, or there are more than [`ORIGINS_MAX`](crate::limits::ORIGINS_MAX).
    #[error("there are no origins, or too many")]
    Origins,
}

/// Why an answer isn't accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PasskeyError {
    /// The answer comes later than ten minutes after the request.
    #[error("the request has expired")]
    Expired,
    /// The answer is to another request, or the state is of a request of the other kind.
    #[error("the answer is to another request")]
    Challenge,
    /// The page isn't of an allowed origin, or is in a frame of another.
    #[error("the page is of another origin")]
    Origin,
    /// The passkey is another site's.
    #[error("the passkey is of another site")]
    RelyingParty,
    /// The authenticator didn't see a user, or didn't verify who it is (WebAuthn's `UP` and `UV`).
    #[error("the authenticator did not verify the user")]
    NotVerified,
    /// The signature is not the stored key's, or not of what was sent.
    #[error("the signature is wrong")]
    Signature,
    /// The counter didn't go up: there may be a copy of the authenticator.
    #[error("the counter went back")]
    Counter,
    /// The key is of an algorithm that wasn't asked for, or is none.
    #[error("the key is of another algorithm")]
    Algorithm,
    /// The answer names another passkey or another account than the stored one's.
    #[error("the answer is of another passkey")]
    OtherPasskey,
    /// Something isn't what it should be: not the right form, too long, contradictory.
    #[error("the answer is malformed")]
    Malformed,
}

impl From<RegCeremonyErr> for PasskeyError {
    fn from(error: RegCeremonyErr) -> Self {
        match error {
            RegCeremonyErr::Timeout => Self::Expired,
            RegCeremonyErr::ChallengeMismatch => Self::Challenge,
            RegCeremonyErr::OriginMismatch
            | RegCeremonyErr::CrossOrigin
            | RegCeremonyErr::TopOriginMismatch => Self::Origin,
            RegCeremonyErr::RpIdHashMismatch => Self::RelyingParty,
            RegCeremonyErr::UserNotPresent | RegCeremonyErr::UserNotVerified => Self::NotVerified,
            RegCeremonyErr::PubKey(_) | RegCeremonyErr::PublicKeyAlgorithmMismatch => {
                Self::Algorithm
            }
            RegCeremonyErr::AttestationObject(AttestationObjectErr::AuthData(
                NewDataErr::AttestedCredential(AttestedCredentialDataErr::CoseKey(error)),
            )) if !matches!(error, CoseKeyErr::Len) => Self::Algorithm,
            _ => Self::Malformed,
        }
    }
}

impl From<AuthCeremonyErr> for PasskeyError {
    fn from(error: AuthCeremonyErr) -> Self {
        match error {
            AuthCeremonyErr::Timeout => Self::Expired,
            AuthCeremonyErr::ChallengeMismatch => Self::Challenge,
            AuthCeremonyErr::OriginMismatch
            | AuthCeremonyErr::CrossOrigin
            | AuthCeremonyErr::TopOriginMismatch => Self::Origin,
            AuthCeremonyErr::RpIdHashMismatch => Self::RelyingParty,
            AuthCeremonyErr::UserNotVerified
            | AuthCeremonyErr::AuthenticatorData(AuthenticatorDataErr::UserNotPresent) => {
                Self::NotVerified
            }
            AuthCeremonyErr::AssertionSignature => Self::Signature,
            AuthCeremonyErr::SignatureCounter => Self::Counter,
            AuthCeremonyErr::UserHandleMismatch | AuthCeremonyErr::CredentialIdMismatch => {
                Self::OtherPasskey
            }
            _ => Self::Malformed,
        }
    }
}

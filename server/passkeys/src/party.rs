//! The relying party: it asks, and judges the answers. What an answer must be is the library's to
//! check; its clock isn't used, so that time is an argument here.

use std::num::NonZeroU32;

use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication16, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
    bin::{Decode as _, Encode as _},
    request::{
        AsciiDomain, RpId,
        auth::AuthenticationVerificationOptions,
        register::{
            CoseAlgorithmIdentifier, CoseAlgorithmIdentifiers, CredProtect,
            RegistrationVerificationOptions, UserHandle16,
        },
    },
    response::{
        AuthTransports, AuthenticatorAttachment, CredentialId,
        auth::DiscoverableAuthenticatorAssertion,
        register::{
            AuthenticatorAttestation, AuthenticatorExtensionOutputStaticState,
            ClientExtensionsOutputs, CredentialProtectionPolicy, DynamicState, StaticState,
        },
    },
};

use crate::{
    attestation,
    error::{ConfigError, PasskeyError},
    limits,
    origin::{Origin, is_host},
    passkey::{Key, Passkey},
    state::{self, Begun, Kind},
};

/// As far from the library's clock as it can be told: 49 days. What ends a request is its state.
const NEVER: NonZeroU32 = NonZeroU32::MAX;

/// A site that people have passkeys for.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: RpId,
    name: String,
    origins: Vec<Origin>,
}

/// What a browser answers who wants to sign in: the parts of its `PublicKeyCredential`. Nothing of it
/// is known to be true.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// `rawId`: by this the caller finds the passkey.
    pub id: &'a [u8],
    /// `response.userHandle`: whose it is said to be.
    pub user: &'a [u8],
    /// `response.clientDataJSON`.
    pub client_data_json: &'a [u8],
    /// `response.authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `response.signature`.
    pub signature: &'a [u8],
}

impl RelyingParty {
    /// A site by its host, which is what browsers keep its passkeys under, the name they show for it,
    /// and the origins of pages that may ask: `https://` with the host or one below it, and a port where
    /// it isn't 443. With the host `localhost` pages of `http://localhost` may ask, at any port.
    ///
    /// # Errors
    ///
    /// What can't be a relying party says why not.
    pub fn new(host: &str, name: &str, origins: &[String]) -> Result<Self, ConfigError> {
        let no_host = || ConfigError::Host(host.to_owned());
        if !is_host(host) {
            return Err(no_host());
        }
        if name.is_empty() || name.len() > limits::NAME_BYTES_MAX {
            return Err(ConfigError::Name);
        }
        let domain = AsciiDomain::try_from(host.to_owned()).map_err(|_| no_host())?;
        let origins = Origin::all(host, origins)?;
        Ok(RelyingParty { id: RpId::Domain(domain), name: name.to_owned(), origins })
    }

    /// What browsers keep its passkeys under: the host (`rp.id` and `rpId` in their options).
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_ref()
    }

    /// What browsers show for it (`rp.name`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a new passkey of this user, which their devices keep under the same 16 bytes. Besides
    /// what this returns the browser's options say that the passkey is found without its id
    /// (`residentKey`) and its user verified (`userVerification`), both `required`, and name
    /// [`ALGORITHMS`](crate::ALGORITHMS).
    #[must_use]
    pub fn begin_registration(&self, user: &[u8; 16], now_ms: u64) -> Begun {
        let user = user_handle(*user);
        let mut options =
            PublicKeyCredentialCreationOptions::first_passkey_with_blank_user_info(&self.id, &user);
        options.pub_key_cred_params =
            CoseAlgorithmIdentifiers::ALL.remove(CoseAlgorithmIdentifier::Es384);
        options.extensions.cred_protect = CredProtect::None;
        options.timeout = NEVER;
        let (server, client) = options.start_ceremony().expect("these options don't contradict");
        let rest = server.encode().expect("it is later than 1970");
        let challenge = client.options().challenge.as_data().to_le_bytes();
        state::encode(Kind::Register, challenge, now_ms, &rest)
    }

    /// The new passkey, for the user it was asked for, from `response.clientDataJSON` and
    /// `response.attestationObject` of the browser's answer. That its id is new is the caller's to see
    /// to, and that the state wasn't used before ([`Pending`](crate::Pending)).
    ///
    /// # Errors
    ///
    /// An answer that isn't accepted says why not.
    pub fn register(
        &self,
        state: &[u8],
        client_data_json: &[u8],
        attestation_object: &[u8],
        now_ms: u64,
    ) -> Result<Passkey, PasskeyError> {
        let rest = state::decode(Kind::Register, state, now_ms)?;
        let request =
            RegistrationServerState::<16>::decode(rest).map_err(|_| PasskeyError::Malformed)?;
        bounded(client_data_json, limits::CLIENT_DATA_BYTES_MAX)?;
        bounded(attestation_object, limits::ATTESTATION_BYTES_MAX)?;
        let answer = Registration::new(
            AuthenticatorAttestation::new(
                client_data_json.to_vec(),
                attestation::plain(attestation_object)?,
                AuthTransports::NONE,
            ),
            AuthenticatorAttachment::None,
            ClientExtensionsOutputs { cred_props: None, prf: None },
        );
        let options = RegistrationVerificationOptions::<Origin, Origin> {
            allowed_origins: &self.origins,
            ..RegistrationVerificationOptions::default()
        };
        let made = request.verify(&self.id, &answer, &options)?;
        let model = made.metadata().aaguid.data().try_into();
        Ok(Passkey {
            id: made.id().inner().to_vec(),
            user: made.user_id().encode().unwrap_or_else(|never| match never {}),
            model: model.map_err(|_| PasskeyError::Malformed)?,
            counter: made.dynamic_state().sign_count,
            backup: made.dynamic_state().backup,
            key: Key::new(made.static_state().credential_public_key)?,
        })
    }

    /// Asks for any passkey of this site. The browser's options besides: no `allowCredentials`, and
    /// `userVerification` is `required`.
    #[must_use]
    pub fn begin_sign_in(&self, now_ms: u64) -> Begun {
        let mut options = DiscoverableCredentialRequestOptions::passkey(&self.id);
        options.0.timeout = NEVER;
        let (server, client) = options.start_ceremony().expect("these options don't contradict");
        let rest = server.encode().expect("it is later than 1970");
        let challenge = client.options().0.challenge.as_data().to_le_bytes();
        state::encode(Kind::SignIn, challenge, now_ms, &rest)
    }

    /// Whether an answer is by the stored passkey, which the caller found by the answer's id. Returns the
    /// passkey as it is to be stored from now on. That the state wasn't used before is the caller's to
    /// see to ([`Pending`](crate::Pending)).
    ///
    /// # Errors
    ///
    /// An answer that isn't accepted says why not.
    pub fn sign_in(
        &self,
        state: &[u8],
        stored: &Passkey,
        answer: &Answer<'_>,
        now_ms: u64,
    ) -> Result<Passkey, PasskeyError> {
        let rest = state::decode(Kind::SignIn, state, now_ms)?;
        let request = DiscoverableAuthenticationServerState::decode(rest)
            .map_err(|_| PasskeyError::Malformed)?;
        bounded(answer.client_data_json, limits::CLIENT_DATA_BYTES_MAX)?;
        bounded(answer.authenticator_data, limits::AUTHENTICATOR_DATA_BYTES_MAX)?;
        bounded(answer.signature, limits::SIGNATURE_BYTES_MAX)?;
        if answer.id != stored.id || answer.user != stored.user {
            return Err(PasskeyError::OtherPasskey);
        }
        let id = CredentialId::<&[u8]>::try_from(&stored.id[..]);
        let id = id.map_err(|_| PasskeyError::Malformed)?;
        let user = user_handle(stored.user);
        let assertion = DiscoverableAuthenticatorAssertion::new(
            answer.client_data_json.to_vec(),
            answer.authenticator_data.to_vec(),
            answer.signature.to_vec(),
            user,
        );
        let answer = DiscoverableAuthentication16::new(
            CredentialId::from(id),
            assertion,
            AuthenticatorAttachment::None,
        );
        let mut known = AuthenticatedCredential::new(id, &user, fixed(stored)?, moving(stored))
            .map_err(|_| PasskeyError::Malformed)?;
        let options = AuthenticationVerificationOptions::<Origin, Origin> {
            allowed_origins: &self.origins,
            ..AuthenticationVerificationOptions::default()
        };
        request.verify(&self.id, &answer, &mut known, &options)?;
        let DynamicState { backup, sign_count, .. } = known.dynamic_state();
        Ok(Passkey { backup, counter: sign_count, ..stored.clone() })
    }
}

fn user_handle(user: [u8; 16]) -> UserHandle16 {
    UserHandle16::decode(user).unwrap_or_else(|never| match never {})
}

/// What never changes of a passkey, as the library takes it. Extensions aren't asked for.
fn fixed(passkey: &Passkey) -> Result<StaticState<crate::passkey::Parts<'_>>, PasskeyError> {
    let extensions = AuthenticatorExtensionOutputStaticState {
        cred_protect: CredentialProtectionPolicy::None,
        hmac_secret: None,
    };
    Ok(StaticState { credential_public_key: passkey.key.parts()?, extensions })
}

/// What an answer may change of a passkey, as the library takes it.
fn moving(passkey: &Passkey) -> DynamicState {
    DynamicState {
        // No passkey is registered without.
        user_verified: true,
        backup: passkey.backup,
        sign_count: passkey.counter,
        authenticator_attachment: AuthenticatorAttachment::None,
    }
}

fn bounded(bytes: &[u8], bytes_max: usize) -> Result<(), PasskeyError> {
    if bytes.len() > bytes_max { Err(PasskeyError::Malformed) } else { Ok(()) }
}

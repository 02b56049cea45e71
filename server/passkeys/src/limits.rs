//! How large what comes from a browser may be. Anything above is refused before it is looked at.

/// How long a browser has for an answer, in milliseconds: people look for their security keys.
pub const VALIDITY_MS: u64 = 10 * 60 * 1000;

/// Most bytes of a state.
pub const STATE_BYTES_MAX: usize = 300;

/// Most bytes of what the browser says about a request, as JSON.
pub const CLIENT_DATA_BYTES_MAX: usize = 4 * 1024;

/// Most bytes of an attestation. Few of them are the key; certificates nobody asked for may be there.
pub const ATTESTATION_BYTES_MAX: usize = 16 * 1024;

/// Most bytes of what an authenticator signs.
pub const AUTHENTICATOR_DATA_BYTES_MAX: usize = 1024;

/// Most bytes of a signature: those of the largest key.
pub const SIGNATURE_BYTES_MAX: usize = RSA_MODULUS_BYTES_MAX;

/// Most bytes of a credential id (WebAuthn level 3, section 4).
pub const ID_BYTES_MAX: usize = 1023;

/// Most bytes of an RSA key's modulus: 4,096 bits. Larger ones make verifying slow.
pub const RSA_MODULUS_BYTES_MAX: usize = 512;

/// Most bytes of an encoded passkey.
pub const PASSKEY_BYTES_MAX: usize = 2 * 1024;

/// Most bytes of a relying party's name; browsers show less of it.
pub const NAME_BYTES_MAX: usize = 256;

/// Most origins of a relying party.
pub const ORIGINS_MAX: usize = 64;

/// How deep an attestation may be nested; certificates are at three.
pub(crate) const CBOR_DEPTH_MAX: usize = 8;

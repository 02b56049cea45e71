//! What is wanted of a new passkey's attestation: the authenticator's data, and nothing that vouches
//! for it. None is asked for and none is trusted, so what a browser, a password manager or a company's
//! authenticator says there all the same is taken away before the data is looked at, whatever form
//! it has; so is what extensions say that weren't asked for (WebAuthn level 3, sections 6.5 and 9).

use crate::{cbor, error::PasskeyError};

/// Where the flags are in an authenticator's data: behind the relying party's hash.
const FLAGS_AT: usize = 32;
/// The hash, the flags, and the counter.
const FIXED_BYTES: usize = FLAGS_AT + 1 + 4;
/// What kind of authenticator it is, before the credential's id.
const MODEL_BYTES: usize = 16;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// The same passkey with an attestation of "none" and without extensions.
pub(crate) fn plain(attestation: &[u8]) -> Result<Vec<u8>, PasskeyError> {
    let data = without_extensions(authenticator_data(attestation)?)?;
    let length = u16::try_from(data.len()).map_err(|_| PasskeyError::Malformed)?;
    let mut plain = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".to_vec();
    match u8::try_from(length) {
        Ok(length) => plain.extend([0x58, length]),
        Err(_) => {
            plain.push(0x59);
            plain.extend(length.to_be_bytes());
        }
    }
    plain.extend(data);
    Ok(plain)
}

/// The one part of an attestation that matters, in whatever order the parts are.
fn authenticator_data(attestation: &[u8]) -> Result<&[u8], PasskeyError> {
    let (cbor::MAP, parts, mut rest) = cbor::head(attestation)? else {
        return Err(PasskeyError::Malformed);
    };
    let mut data = None;
    for _ in 0..parts {
        let (name, value) = cbor::string(rest, cbor::TEXT)?;
        rest = cbor::skip(value)?;
        if name == b"authData" && data.replace(cbor::string(value, cbor::BYTES)?.0).is_some() {
            return Err(PasskeyError::Malformed);
        }
    }
    data.filter(|_| rest.is_empty()).ok_or(PasskeyError::Malformed)
}

fn without_extensions(data: &[u8]) -> Result<Vec<u8>, PasskeyError> {
    let (fixed, rest) = cbor::split(data, FIXED_BYTES as u64)?;
    let flags = fixed[FLAGS_AT];
    if flags & HAS_CREDENTIAL == 0 || flags & HAS_EXTENSIONS == 0 {
        return Ok(data.to_vec());
    }
    let (_, rest) = cbor::split(rest, MODEL_BYTES as u64)?;
    let (length, rest) = rest.split_first_chunk().ok_or(PasskeyError::Malformed)?;
    let (_, key) = cbor::split(rest, u64::from(u16::from_be_bytes(*length)))?;
    let extensions = cbor::skip(key)?;
    if cbor::head(extensions)?.0 != cbor::MAP || !cbor::skip(extensions)?.is_empty() {
        return Err(PasskeyError::Malformed);
    }
    let mut plain = data[..data.len() - extensions.len()].to_vec();
    plain[FLAGS_AT] &= !HAS_EXTENSIONS;
    Ok(plain)
}

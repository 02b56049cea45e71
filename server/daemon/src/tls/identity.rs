//! What a CA knows a certificate by (RFC 9773 section 4.1), read from its DER.

use parlour_acme::Replaced;

use super::validity::element;

/// `id-ce-authorityKeyIdentifier`, 2.5.29.35 (RFC 5280 section 4.2.1.1), as DER has it.
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];

/// The key of its issuer and its serial number; `None` where it doesn't say them.
pub(super) fn of(certificate: &[u8]) -> Option<Replaced> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    let (tag, _, rest) = element(fields)?;
    if tag == 0xa0 {
        fields = rest; // the version, which is optional
    }
    let (_, serial, mut fields) = element(fields)?;
    let extensions = loop {
        let (tag, content, rest) = element(fields)?;
        if tag == 0xa3 {
            break element(content)?.1;
        }
        fields = rest;
    };
    let authority = authority(extensions)?;
    Some(Replaced { authority: authority.into(), serial: serial.into() })
}

fn authority(mut extensions: &[u8]) -> Option<&[u8]> {
    loop {
        let (_, extension, rest) = element(extensions)?;
        let (_, id, value) = element(extension)?;
        if id == AUTHORITY_KEY_IDENTIFIER {
            // It is never critical, so what follows is its value.
            let (_, value, _) = element(value)?;
            let (_, identifier, _) = element(value)?;
            let (tag, key, _) = element(identifier)?;
            return (tag == 0x80).then_some(key);
        }
        extensions = rest;
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;

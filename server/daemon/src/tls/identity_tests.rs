//! Authority and serial number, of certificates made here.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SerialNumber};

use super::*;

#[test]
fn the_issuers_key_and_the_serial_number_are_found() {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["ca.example".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![9; 20]);
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::new(["chat.example".to_owned()]).expect("a name");
    params.serial_number = Some(SerialNumber::from_slice(&[0x87, 0x65]));
    params.use_authority_key_identifier_extension = true;
    let own = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&own, &issuer).expect("signed");
    // A serial number is positive, so a high first bit has a zero before it.
    let wanted = Replaced { authority: vec![9; 20], serial: vec![0, 0x87, 0x65] };
    assert_eq!(of(certificate.der()), Some(wanted));
}

#[test]
fn what_does_not_say_its_issuer_has_no_such_name() {
    let made = rcgen::generate_simple_self_signed(["chat.example".to_owned()]).expect("made");
    let der = made.cert.der();
    assert_eq!(of(der), None);
    for length in 0..der.len() {
        assert_eq!(of(&der[..length]), None, "{length}");
    }
}

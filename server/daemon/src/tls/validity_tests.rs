//! Times in certificates.

use super::*;

#[test]
fn calendar_days_are_right() {
    assert_eq!(days_since_1970(1970, 1, 1), 0);
    assert_eq!(days_since_1970(2000, 2, 29), 11_016);
    assert_eq!(days_since_1970(2000, 3, 1), 11_017);
    assert_eq!(days_since_1970(2100, 3, 1), 47_541);
}

#[test]
fn both_kinds_of_time_are_read() {
    let seconds = |tag, text: &str| time(tag, text.as_bytes()).map(|t| t.as_secs());
    assert_eq!(seconds(0x17, "700101000001Z"), Some(1));
    assert_eq!(seconds(0x18, "20380119031408Z"), Some(1 << 31));
    assert_eq!(seconds(0x17, "491231235959Z"), Some(2_524_607_999));
    assert_eq!(seconds(0x17, "500101000000Z"), Some(0), "1950");
    assert_eq!(seconds(0x18, "491231235959Z"), None);
    assert_eq!(seconds(0x17, "49123123595+Z"), None);
}

#[test]
fn a_generated_certificate_says_when_it_holds_and_damage_never_panics() {
    let mut params = rcgen::CertificateParams::new(vec!["a".into()]).expect("params");
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(1_700_000_000);
    params.not_after = epoch + Duration::from_secs(2_700_000_000);
    let key = rcgen::KeyPair::generate().expect("key");
    let certificate = params.self_signed(&key).expect("certificate");
    let der = certificate.der().as_ref();
    let validity = Validity::of(der).expect("validity");
    assert_eq!(validity.not_before.as_secs(), 1_700_000_000);
    assert_eq!(validity.not_after.as_secs(), 2_700_000_000);
    assert_eq!(validity.half().as_secs(), 2_200_000_000);
    for cut in 0..der.len() {
        let _ = Validity::of(&der[..cut]);
    }
    for at in 0..der.len() {
        let mut damaged = der.to_vec();
        damaged[at] ^= 0xff;
        let _ = Validity::of(&damaged);
    }
}

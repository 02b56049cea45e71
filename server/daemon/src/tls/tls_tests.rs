//! Certificates: generated, renewed, from files, changed while in use.

use std::{fs, path::Path, time::Duration};

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::data::DataFolder;

const T0: Duration = Duration::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn dev(dir: &Path) -> CertificateSource {
    let data = DataFolder::open(dir).expect("data");
    CertificateSource::Development(DevCertificates::new(data, vec!["localhost".into()]))
}

fn hashes(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join("certificate.sha256")).expect("hashes");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_development_certificate_is_kept_over_restarts_and_announced() {
    let dir = tempfile::tempdir().expect("folder");
    let first = Certificates::open(dev(dir.path()), T0).expect("made");
    let again = Certificates::open(dev(dir.path()), T0 + DAY).expect("read");
    assert_eq!(first.sha256_hex(), again.sha256_hex());
    assert_eq!(hashes(dir.path())[0], first.sha256_hex());
    let validity = first.validity();
    assert!(validity.not_after - validity.not_before <= 14 * DAY, "browsers refuse more");
    assert!(validity.holds(T0 - Duration::from_secs(3500)), "for clocks that are behind");
}

#[test]
fn the_next_certificate_is_announced_before_it_is_used() {
    let dir = tempfile::tempdir().expect("folder");
    let certificates = Certificates::open(dev(dir.path()), T0).expect("made");
    for turn in 1..5_u32 {
        let announced = hashes(dir.path());
        assert_eq!(announced[0], certificates.sha256_hex());
        let time = certificates.validity().half();
        assert!(!certificates.poll(time - DAY).expect("early"));
        assert!(certificates.poll(time).expect("due"), "turn {turn}");
        assert_eq!(certificates.sha256_hex(), announced[1], "turn {turn}");
        assert!(certificates.validity().holds(time));
    }
}

#[test]
fn after_a_long_sleep_both_are_made_anew() {
    let dir = tempfile::tempdir().expect("folder");
    let before = Certificates::open(dev(dir.path()), T0).expect("made").sha256_hex();
    let after = Certificates::open(dev(dir.path()), T0 + 100 * DAY).expect("made");
    assert_ne!(before, after.sha256_hex());
    assert!(after.validity().holds(T0 + 100 * DAY));
    // And a clock that was wrong and is set back doesn't leave a certificate from the future.
    let back = Certificates::open(dev(dir.path()), T0).expect("made");
    assert!(back.validity().holds(T0));
}

#[test]
fn other_names_or_a_damaged_file_give_another_certificate() {
    let dir = tempfile::tempdir().expect("folder");
    let first = Certificates::open(dev(dir.path()), T0).expect("made").sha256_hex();
    let data = DataFolder::open(dir.path()).expect("data");
    let other = DevCertificates::new(data, vec!["chat.example".into()]);
    let other = Certificates::open(CertificateSource::Development(other), T0).expect("made");
    assert_ne!(first, other.sha256_hex());
    fs::write(dir.path().join("tls/dev.pem"), "# chat.example\ngarbage").expect("write");
    assert!(Certificates::open(dev(dir.path()), T0).is_ok());
}

fn write_pair(dir: &Path, name: &str) -> String {
    let key = KeyPair::generate().expect("key");
    let params = CertificateParams::new(vec![name.into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    fs::write(dir.join("key.pem"), key.serialize_pem()).expect("write");
    fs::write(dir.join("cert.pem"), certificate.pem()).expect("write");
    certificate.pem()
}

#[test]
fn files_are_read_again_when_they_change_and_kept_when_they_do_not_fit() {
    let dir = tempfile::tempdir().expect("folder");
    let source = CertificateSource::Files {
        certificate: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
    };
    assert!(matches!(Certificates::open(source.clone(), T0), Err(TlsError::Read { .. })));
    let old_pem = write_pair(dir.path(), "a.example");
    let certificates = Certificates::open(source, T0).expect("read");
    let first = certificates.sha256_hex();
    assert!(!certificates.poll(T0).expect("same"));

    write_pair(dir.path(), "a.example");
    let new_pem = fs::read(dir.path().join("cert.pem")).expect("read");
    fs::write(dir.path().join("cert.pem"), old_pem).expect("write");
    assert!(matches!(certificates.poll(T0), Err(TlsError::KeyMismatch { .. })));
    assert_eq!(certificates.sha256_hex(), first);
    fs::write(dir.path().join("cert.pem"), new_pem).expect("write");
    assert!(certificates.poll(T0).expect("whole again"));
    assert_ne!(certificates.sha256_hex(), first);

    fs::remove_file(dir.path().join("cert.pem")).expect("remove");
    assert!(!certificates.poll(T0).expect("a missing file changes nothing"));
}

#[test]
fn tls_13_only_without_early_data() {
    let dir = tempfile::tempdir().expect("folder");
    let certificates = Certificates::open(dev(dir.path()), T0).expect("made");
    let config = server_config(Arc::new(certificates), &[b"parlour/1"]).expect("config");
    assert_eq!(config.alpn_protocols, [b"parlour/1".to_vec()]);
    assert_eq!(config.max_early_data_size, 0);
}

//! Keys that come, change and go while the server runs.

use std::{fs, path::Path};

use parlour_core::ports::auth::{Claims, TokenError, TokenVerifier};

use super::*;

const NOW: u64 = 1_800_000_000;

fn secret(fill: u8) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode([fill; 32])
}

fn verify(verifier: &JwtVerifier, kid: &str, fill: u8) -> Result<Claims, TokenError> {
    let request = TokenRequest {
        sub: "ada".into(),
        org: "acme".into(),
        exp: NOW + 60,
        ..TokenRequest::default()
    };
    let signer = Signer::from_text(Some(kid.into()), &secret(fill)).expect("signer");
    verifier.verify(&signer.sign(&request).expect("token"), NOW * 1000)
}

/// Replaces the file the way operators do: by a rename.
fn put(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    fs::write(&temporary, text).expect("file");
    fs::rename(temporary, path).expect("rename");
}

fn setup() -> (tempfile::TempDir, std::path::PathBuf, JwtVerifier) {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("hs.key");
    put(&path, &secret(1));
    let sources = vec![
        KeySource::Secret { id: "fixed".into(), secret: secret(9) },
        KeySource::SecretFile { id: "hs".into(), path: path.clone() },
    ];
    let verifier = JwtVerifier::new(sources, Policy::default()).expect("keys");
    (dir, path, verifier)
}

#[test]
fn nothing_changed_means_nothing_happens() {
    let (_dir, _path, verifier) = setup();
    let reload = verifier.poll();
    assert!(!reload.changed && reload.errors.is_empty());
}

#[test]
fn a_replaced_key_ends_the_sessions_of_the_old_one() {
    let (_dir, path, verifier) = setup();
    let before = verify(&verifier, "hs", 1).expect("claims").key_id;
    assert!(verifier.key_is_current(&before));
    put(&path, &secret(2));
    assert!(verifier.poll().changed);
    assert!(!verifier.key_is_current(&before));
    assert_eq!(verify(&verifier, "hs", 1), Err(TokenError::BadSignature));
    let after = verify(&verifier, "hs", 2).expect("claims").key_id;
    assert!(verifier.key_is_current(&after));
    put(&path, &secret(1));
    verifier.poll();
    assert!(!verifier.key_is_current(&before), "the old key's sessions stay closed");
    assert!(verify(&verifier, "hs", 1).is_ok());
}

#[test]
fn a_removed_file_takes_its_key_along() {
    let (_dir, path, verifier) = setup();
    let key_id = verify(&verifier, "hs", 1).expect("claims").key_id;
    fs::remove_file(&path).expect("remove");
    assert!(verifier.poll().changed);
    assert!(!verifier.key_is_current(&key_id));
    assert_eq!(verify(&verifier, "hs", 1), Err(TokenError::UnknownKey));
    assert!(verify(&verifier, "fixed", 9).is_ok());
    put(&path, &secret(1));
    assert!(verifier.poll().changed);
    assert!(verify(&verifier, "hs", 1).is_ok());
    assert!(!verifier.key_is_current(&key_id), "its sessions were ended");
}

#[test]
fn ids_are_never_mistaken_for_each_other() {
    let (_dir, path, verifier) = setup();
    let sources = vec![
        KeySource::SecretFile { id: "a".into(), path },
        KeySource::Secret { id: "1:a".into(), secret: secret(9) },
    ];
    verifier.configure(sources, Policy::default()).expect("configured");
    let (a, other) = (verify(&verifier, "a", 1), verify(&verifier, "1:a", 9));
    assert_ne!(a.expect("claims").key_id, other.expect("claims").key_id);
}

#[test]
fn a_half_written_file_changes_nothing_until_it_is_whole() {
    let (_dir, path, verifier) = setup();
    put(&path, "AAEC");
    let reload = verifier.poll();
    assert!(!reload.changed);
    assert_eq!(reload.errors.len(), 1);
    assert!(verify(&verifier, "hs", 1).is_ok());
    assert!(verifier.poll().errors.is_empty(), "said once");
    put(&path, &secret(2));
    assert!(verifier.poll().changed);
    assert!(verify(&verifier, "hs", 2).is_ok());
}

#[test]
fn a_rewritten_but_equal_key_keeps_its_sessions() {
    let (_dir, path, verifier) = setup();
    let key_id = verify(&verifier, "hs", 1).expect("claims").key_id;
    put(&path, &format!("{}\n", secret(1)));
    assert!(verifier.poll().changed);
    assert!(verifier.key_is_current(&key_id));
}

#[test]
fn another_configuration_that_fails_leaves_the_old_in_force() {
    let (_dir, path, verifier) = setup();
    let missing = KeySource::SecretFile { id: "x".into(), path: path.with_file_name("missing") };
    assert!(verifier.configure(vec![missing], Policy::default()).is_err());
    assert!(verify(&verifier, "fixed", 9).is_ok());
    let only = KeySource::Secret { id: "new".into(), secret: secret(3) };
    verifier.configure(vec![only], Policy::default()).expect("configured");
    assert!(verify(&verifier, "fixed", 9).is_err());
    assert!(verify(&verifier, "new", 3).is_ok());
}

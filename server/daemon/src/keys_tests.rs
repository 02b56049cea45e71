//! Keys persist, are distinct, and a damaged one is an error rather than a new key.

use super::*;

#[test]
fn keys_outlive_a_restart_and_differ_from_each_other() {
    let dir = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(dir.path()).expect("data");
    let (first, second) = (ServerKeys::open(&data), ServerKeys::open(&data));
    let (first, second) = (first.expect("made"), second.expect("read"));
    assert_eq!(first.connection_id_key(), second.connection_id_key());
    assert_eq!(first.seal_key(), second.seal_key());
    let sign = |keys: &ServerKeys| hmac::sign(&keys.reset_key(), b"x").as_ref().to_vec();
    assert_eq!(sign(&first), sign(&second));
    let all = [first.reset, first.connection_ids, first.retry, first.seal];
    assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
    assert!(!format!("{first:?}").contains(char::is_numeric));
}

#[test]
fn a_damaged_key_is_never_replaced_silently() {
    let dir = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(dir.path()).expect("data");
    ServerKeys::open(&data).expect("made");
    std::fs::write(data.keys().join("seal.key"), b"AAAA").expect("write");
    assert!(matches!(ServerKeys::open(&data), Err(DataError::Damaged { .. })));
    own_token_key(&data).expect("made");
    std::fs::write(data.token_key(), b"").expect("write");
    assert!(matches!(own_token_key(&data), Err(DataError::Damaged { .. })));
}

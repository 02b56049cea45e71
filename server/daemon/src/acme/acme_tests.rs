//! Keys of external accounts as CAs write them, and what is kept in the data folder.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use parlour_acme::Past;
use rcgen::generate_simple_self_signed;

use super::*;
use crate::data::DataFolder;

fn settings(names: &[&str]) -> Settings {
    let names = names.iter().map(|name| Name::parse(name).expect("a name")).collect();
    Settings {
        names,
        kinds: vec![Kind::Http],
        directory: "https://ca.example/directory".into(),
        contact: vec![],
        external: None,
        listens: vec![],
        ca_file: None,
    }
}

#[test]
fn an_external_accounts_key_is_read_however_it_is_written() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("eab.txt");
    for (text, key) in [("-_8\n", &[0xfb, 0xff][..]), ("+/8=", &[0xfb, 0xff]), ("AAEC", &[0, 1, 2])]
    {
        fs::write(&file, text).expect("written");
        assert_eq!(external_key(&file).as_deref(), Ok(key), "{text}");
    }
    for text in ["", "no key", &"A".repeat(5000)] {
        fs::write(&file, text).expect("written");
        let refused = external_key(&file).expect_err("refused");
        assert!(refused.to_string().contains("eab.txt"), "{refused}");
        assert!(refused.advice().contains("eab_key_file"));
    }
}

#[test]
fn what_is_kept_is_private_and_of_these_settings_alone() {
    let dir = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(dir.path()).expect("data");
    let files = Files::new(&data, &settings(&["chat.example"]));
    assert_eq!((files.past(), files.account()), (Past::default(), Ok(None)));
    let past = Past { failures: 3, last_at: Duration::from_secs(1_800_000_000) };
    files.keep_past(past).expect("kept");
    files.keep_account(b"secret").expect("kept");
    for entry in fs::read_dir(data.certificates()).expect("folder") {
        let mode = entry.expect("entry").metadata().expect("meta").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = Files::new(&data, &settings(&["chat.example"]));
    assert_eq!((again.past(), again.account()), (past, Ok(Some(b"secret".to_vec()))));
    // Other names may succeed where these fail; the account is the CA's in any case.
    let other = Files::new(&data, &settings(&["other.example"]));
    assert_eq!((other.past(), other.account()), (Past::default(), Ok(Some(b"secret".to_vec()))));
    let elsewhere = Settings { directory: "https://b.example/".into(), ..settings(&[]) };
    assert_eq!(Files::new(&data, &elsewhere).account(), Ok(None));
    again.set_account_aside().expect("moved");
    assert_eq!(again.account(), Ok(None));
}

#[test]
fn only_a_certificate_that_can_be_used_is_kept() {
    let dir = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(dir.path()).expect("data");
    let files = Files::new(&data, &settings(&["chat.example"]));
    let made = || generate_simple_self_signed(["chat.example".to_owned()]).expect("made");
    let (one, other) = (made(), made());
    let issued = |key: &rcgen::KeyPair| parlour_acme::Issued {
        chain: one.cert.pem(),
        key: key.serialize_pem(),
    };
    let refused = files.keep_certificate(&issued(&other.signing_key)).expect_err("another's key");
    assert!(matches!(refused, AcmeError::Unusable(_)), "{refused}");
    assert!(!certificate_in(&data).exists() && files.held().is_none());
    let kept = files.keep_certificate(&issued(&one.signing_key)).expect("kept");
    assert_eq!(files.held(), Some(kept));
    let other_names = Files::new(&data, &settings(&["chat.example", "b.example"]));
    assert_eq!(other_names.held(), None, "it is for other names");
}

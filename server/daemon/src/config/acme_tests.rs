//! Which challenges are answered, and what can't be configured.

use super::*;

fn settings(more: &str) -> Result<Option<Settings>, ConfigError> {
    let acme = "[tls.acme]\nnames = [\"Chat.example.org\"]\nterms_agreed = true";
    Config::parse(&format!("{acme}\n{more}"))?.acme()
}

#[test]
fn challenges_follow_from_the_listeners_that_there_are() {
    let kinds = |more: &str| settings(more).expect("it can be").expect("it is wanted").kinds;
    assert_eq!(kinds(""), [Kind::Http], "a proxy passes it on");
    assert_eq!(kinds("[http]\ntls = true"), [Kind::TlsAlpn]);
    let own = "listen = \"[::]:80\"\n";
    assert_eq!(kinds(own), [Kind::Http]);
    assert_eq!(kinds(&format!("{own}[http]\ntls = true")), [Kind::Http, Kind::TlsAlpn]);
    assert_eq!(kinds(&format!("{own}[http]\nlisten = \"off\"")), [Kind::Http]);
    assert!(settings("[http]\nlisten = \"off\"").is_err());
}

#[test]
fn without_names_nothing_is_asked_of_anybody() {
    assert!(Config::default().acme().expect("it can be").is_none());
}

#[test]
fn contacts_become_addresses_of_mail() {
    let contact = |text: &str| settings(&format!("contact = [{text}]"));
    let found = contact("\"a@example.org\", \"mailto:b@example.org\"").expect("they are");
    let found = found.expect("it is wanted").contact;
    assert_eq!(found, ["mailto:a@example.org", "mailto:b@example.org"]);
    for wrong in ["\"a\"", "\"@b\"", "\"a@\"", "\"a@b,c@d\"", "\"https://a@b c\""] {
        assert!(contact(wrong).is_err(), "{wrong}");
    }
}

//! Links as people paste them.

use super::*;

#[test]
fn a_link_says_where_whom_and_what() {
    let pin = "ab".repeat(32);
    let link: SignInLink =
        format!(" parlour://[::1]:4433/sign-in#code=AbC-_1&pin={pin}\n").parse().unwrap();
    assert_eq!((link.address(), link.code(), link.is_invite()), ("[::1]:4433", "AbC-_1", false));
    assert!(matches!(link.trust(), Trust::CertificateSha256(hash) if *hash == [0xab; 32]));
    let link: SignInLink =
        "parlour://chat.example:443/invite#code=SECRETCODE&later=1".parse().unwrap();
    assert!(link.is_invite() && matches!(link.trust(), Trust::System));
    assert!(!format!("{link:?}").contains("SECRET"));
}

#[test]
fn what_is_wrong_is_said() {
    for (text, error) in [
        ("", LinkError::Address),
        ("https://chat.example/sign-in#code=x", LinkError::Address),
        ("parlour://chat.example/sign-in#code=x", LinkError::Address),
        ("parlour://chat.example:4433", LinkError::Address),
        ("parlour://chat.example:4433/#code=x", LinkError::Kind),
        ("parlour://chat.example:4433/sign-in", LinkError::Code),
        ("parlour://chat.example:4433/sign-in#code=", LinkError::Code),
        ("parlour://chat.example:4433/sign-in#code=x&pin=12", LinkError::Pin),
    ] {
        assert_eq!(text.parse::<SignInLink>().unwrap_err(), error, "{text}");
    }
}

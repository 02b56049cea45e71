//! What is answered, to whom, and for how long.

use super::*;

#[test]
fn challenges_are_answered_while_the_order_is_under_way() {
    let challenges = Challenges::default();
    assert_eq!(challenges.answer("token"), None);
    let answering = challenges.answering();
    answering.http("token", "token.thumbprint");
    answering.tls("chat.example.org", &[7; 32]).unwrap();
    assert_eq!(challenges.answer("token").as_deref(), Some("token.thumbprint"));
    assert_eq!(challenges.answer("another"), None);
    assert!(challenges.certificate("another.example.org").is_none());
    let shown = challenges.certificate("chat.example.org").expect("it is shown");
    let der = shown.cert[0].as_ref();
    // The extension id-pe-acmeIdentifier, 1.3.6.1.5.5.7.1.31, critical, with the digest in it.
    let wanted =
        [&[6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 0x1f, 1, 1, 0xff, 4, 34, 4, 32][..], &[7; 32]].concat();
    assert!(der.windows(wanted.len()).any(|part| part == wanted), "{der:02x?}");
    assert_eq!(format!("{challenges:?}"), "Challenges(1 http, 1 tls)");
    drop(answering);
    assert_eq!(challenges.answer("token"), None);
    assert!(challenges.certificate("chat.example.org").is_none());
}

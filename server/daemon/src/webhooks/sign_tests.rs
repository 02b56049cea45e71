//! Signatures against the vector that the Standard Webhooks' own libraries test with.

use super::*;

#[test]
fn a_signature_is_what_others_make_of_it() {
    let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
    let body = br#"{"test": 2432232314}"#;
    let signature = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

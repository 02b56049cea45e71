//! Sealed tokens: opened by their installation only, and only whole.

use super::*;

#[test]
fn what_is_sealed_opens_and_fits_a_resume_token() {
    let keys = ServerKeys::ephemeral();
    let sealed = KeySealer::new(&keys).seal(&[7; 256]);
    assert!(sealed.len() <= parlour_protocol::limits::RESUME_BYTES_MAX);
    assert_eq!(KeySealer::new(&keys).open(&sealed).as_deref(), Some(&[7; 256][..]));
    assert_ne!(KeySealer::new(&keys).seal(&[7; 256]), sealed, "never the same twice");
}

#[test]
fn anything_else_stays_closed() {
    let sealer = KeySealer::new(&ServerKeys::ephemeral());
    let sealed = sealer.seal(b"session");
    assert_eq!(KeySealer::new(&ServerKeys::ephemeral()).open(&sealed), None, "another key");
    for cut in 0..sealed.len() {
        assert_eq!(sealer.open(&sealed[..cut]), None, "cut at {cut}");
    }
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1;
        assert_eq!(sealer.open(&damaged), None, "byte {at}");
    }
    assert_eq!(sealer.open(&vec![VERSION; 100_000]), None);
}

//! Tests of the frames.

use super::*;

#[test]
fn frames_of_all_three_lengths_come_back() {
    for len in [0, 125, 126, 65_535, 65_536] {
        let mut bytes = vec![0x81];
        match len {
            0..=125 => bytes.push(len as u8),
            126..=65_535 => {
                bytes.push(126);
                bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + len, b'x');
        assert_eq!(take(&bytes[..bytes.len() - 1]), None, "{len}: cut");
        let (opcode, payload) = take(&bytes).expect("whole");
        assert_eq!((opcode, payload.len(), payload.end), (TEXT, len, bytes.len()));
    }
}

#[test]
fn what_a_client_sends_is_masked() {
    let mut out = Vec::new();
    put(TEXT, b"hi", &mut out);
    assert_eq!(out, [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
}

#[test]
fn only_an_upgrade_is_taken() {
    assert_eq!(upgraded(b"HTTP/1.1 101 Switching\r\n"), Ok(None));
    assert_eq!(upgraded(b"HTTP/1.1 101 S\r\n\r\nrest"), Ok(Some(18)));
    assert!(upgraded(b"HTTP/1.1 400 Bad\r\n\r\n").is_err());
}

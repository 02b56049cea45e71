//! Messages as bytes: what the contract shows, and what is none.

use super::*;

fn message(bytes: &[u8]) -> Option<Frame> {
    Frame::decode(Bytes::copy_from_slice(bytes))
}

#[test]
fn messages_are_what_the_contract_shows() {
    let data = Frame::Data { lane: 300, bytes: Bytes::from_static(b"hi"), is_last: false };
    assert_eq!(&data.encode()[..], &[0, 0xac, 0x02, b'h', b'i']);
    let end = Frame::Data { lane: 0, bytes: Bytes::new(), is_last: true };
    assert_eq!(&end.encode()[..], &[1, 0]);
    assert_eq!(&Frame::Reset { lane: 4, code: 0x204 }.encode()[..], &[2, 4, 0x84, 0x04]);
    assert_eq!(&Frame::Stop { lane: 4, code: 0 }.encode()[..], &[3, 4, 0]);
    let credit = Frame::Credit { lane: 1, total: 1 << 20 };
    assert_eq!(&credit.encode()[..], &[4, 1, 0x80, 0x80, 0x40]);
    assert_eq!(&Frame::Lanes { count: 17 }.encode()[..], &[5, 17]);
    assert_eq!(&Frame::Datagram(Bytes::from_static(b"x")).encode()[..], b"\x06x");
    let close = Frame::Close { code: 0x400, reason: "done".to_owned() };
    assert_eq!(&close.encode()[..], b"\x07\x80\x08done");
    for frame in [data, end, credit, close] {
        assert_eq!(Frame::decode(frame.encode()), Some(frame));
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for bytes in [
        &[][..],
        &[0],
        &[0, 0x80],
        // A varint longer than it needs, and one over 64 bits.
        &[0, 0x80, 0],
        &[4, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        // A lane's number over 32 bits.
        &[0, 0xff, 0xff, 0xff, 0xff, 0x1f],
        &[2, 4],
        // Something behind it.
        &[3, 4, 0, 0],
        &[7, 0, 0xff],
    ] {
        assert_eq!(message(bytes), None, "{bytes:?}");
    }
    let mut long = vec![0, 0];
    long.resize(2 + DATA_BYTES_MAX, 1);
    assert!(message(&long).is_some());
    long.push(1);
    assert_eq!(message(&long), None);
    let mut datagram = vec![6];
    datagram.resize(1 + DATAGRAM_BYTES_MAX + 1, 1);
    assert_eq!(message(&datagram), None);
}

#[test]
fn what_is_unknown_is_passed_over() {
    assert_eq!(message(&[8]), Some(Frame::Unknown));
    assert_eq!(message(&[200, 1, 2, 3]), Some(Frame::Unknown));
}

//! Frames survive any cut, and bad lengths are refused before they cost memory.

use proptest::prelude::*;

use super::*;
use crate::wire::{BulkItem, Ping, bulk_item::Item};

#[test]
fn a_frame_comes_out_as_it_went_in() {
    let mut splitter = Splitter::new(100);
    splitter.push(&encode(&Ping { nonce: 7, ..Ping::default() }));
    let frame = splitter.next_frame().unwrap().unwrap();
    assert_eq!(Ping::decode(frame).unwrap().nonce, 7);
    assert_eq!(splitter.next_frame(), Ok(None));
    assert_eq!(splitter.finish(), Ok(()));
}

#[test]
fn a_bulk_item_in_two_pieces_is_the_same_frame() {
    for len in [0, 1, 127, 128, 20_000] {
        let body = Bytes::from(vec![7; len]);
        let whole = encode(&BulkItem { item: Some(Item::Body(body.clone())) });
        assert_eq!(bulk_item(body).concat(), whole, "{len}");
    }
}

#[test]
fn a_frame_over_the_bound_is_refused_before_its_bytes_come() {
    let mut splitter = Splitter::new(100);
    splitter.push(&[101]);
    assert_eq!(splitter.next_frame(), Err(FrameError::TooLarge));
}

#[test]
fn an_overlong_length_is_refused() {
    for bytes in [&[0x80, 0x00][..], &[0xff, 0xff, 0xff, 0xff, 0xff], &[0x81, 0x80, 0x00]] {
        let mut splitter = Splitter::new(usize::MAX);
        splitter.push(bytes);
        assert_eq!(splitter.next_frame(), Err(FrameError::OverlongLength), "{bytes:?}");
    }
}

#[test]
fn a_lane_that_ends_within_a_frame_is_truncated() {
    let mut splitter = Splitter::new(100);
    splitter.push(&[5, 1, 2]);
    assert_eq!(splitter.next_frame(), Ok(None));
    assert_eq!(splitter.finish(), Err(FrameError::Truncated));
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        sizes in prop::collection::vec(0usize..300, 0..20),
        cuts in prop::collection::vec(1usize..50, 1..200),
    ) {
        let mut wire = Vec::new();
        for (i, size) in sizes.iter().enumerate() {
            let mut length = BytesMut::new();
            encode_varint(*size as u64, &mut length);
            wire.extend_from_slice(&length);
            wire.extend(std::iter::repeat_n(i as u8, *size));
        }
        let mut splitter = Splitter::new(300);
        let mut seen = Vec::new();
        let mut rest = &wire[..];
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            splitter.push(now);
            rest = later;
            while let Some(frame) = splitter.next_frame().unwrap() {
                seen.push(frame);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(seen.len(), sizes.len());
        for (i, frame) in seen.iter().enumerate() {
            prop_assert_eq!(frame.len(), sizes[i]);
            prop_assert!(frame.iter().all(|b| *b == i as u8));
        }
        prop_assert_eq!(splitter.finish(), Ok(()));
    }
}

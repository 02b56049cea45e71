//! Blocks as they are written and read, and what damage does.

use proptest::prelude::*;

use super::*;

fn build(fence: &[u8], rows: &[Row]) -> Bytes {
    let mut builder = Builder::new();
    for row in rows {
        let expected = builder.len_with(row);
        builder.push(row).unwrap();
        assert_eq!(builder.bytes.len(), expected);
    }
    builder.finish(fence)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let key = prop::collection::vec(prop_oneof![Just(0), Just(7), Just(0xff)], 0..300);
    let value = prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    prop::collection::btree_map(key, value, 0..20).prop_map(|rows| rows.into_iter().collect())
}

proptest! {
    #[test]
    fn what_was_put_in_comes_out(rows in rows(), fence in any::<[u8; 3]>()) {
        let block = build(&fence, &rows);
        prop_assert_eq!(Reader::new(&fence, &block).unwrap().rows().unwrap(), rows.clone());
        for (key, value) in rows {
            let found = Reader::new(&fence, &block).unwrap().find(&key).unwrap();
            prop_assert_eq!(found, Some(value));
            let beside = Reader::new(&fence, &block).unwrap().find(&[&key[..], &[1]].concat());
            prop_assert_eq!(beside.unwrap(), None);
        }
    }

    #[test]
    fn damage_is_noticed(rows in rows(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let block = build(b"f", &rows);
        let mut garbled = block.to_vec();
        garbled[at.index(block.len())] ^= 1 << bit;
        prop_assert!(Reader::new(b"f", &garbled).is_err());
        prop_assert!(Reader::new(b"f", &block[..at.index(block.len())]).is_err());
        prop_assert!(Reader::new(b"g", &block).is_err(), "a block under a wrong key");
    }

    #[test]
    fn bytes_that_were_never_a_block_are_damage_or_rows(rest in prop::collection::vec(any::<u8>(), 0..60)) {
        let crc = checksum(b"", &rest).to_be_bytes();
        let _ = Reader::new(b"", &[&crc[..], &rest].concat()).unwrap().rows();
    }
}

#[test]
fn a_row_too_long_for_its_lengths_is_refused() {
    let long = (vec![1], Bytes::from(vec![0; 65_536]));
    assert!(Builder::new().push(&long).is_err());
    let long = (vec![1; 65_536], Bytes::new());
    assert!(Builder::new().push(&long).is_err());
}

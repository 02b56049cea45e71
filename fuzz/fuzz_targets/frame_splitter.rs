//! A lane's bytes, cut anywhere, give the same frames and the same error; no frame is over the
//! bound, and nothing is held beyond what came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlour_protocol::frame::{FrameError, Splitter};

type Outcome = (Vec<Vec<u8>>, Option<FrameError>);

// Two bytes of bound, one that says how many bytes of cuts follow, then the wire.
fuzz_target!(|input: &[u8]| {
    let Some((&[low, high, count], rest)) = input.split_first_chunk() else { return };
    let (cuts, wire) = rest.split_at(usize::from(count).min(rest.len()));
    let bytes_max = usize::from(u16::from_le_bytes([low, high]));
    let whole = split(bytes_max, std::iter::once(wire));
    let cut = split(bytes_max, Pieces { cuts, nth: 0, rest: wire });
    assert_eq!(whole, cut);
});

fn split<'a>(bytes_max: usize, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut splitter = Splitter::new(bytes_max);
    let mut frames = Vec::new();
    let mut pushed = 0;
    for piece in pieces {
        splitter.push(piece);
        pushed += piece.len();
        loop {
            match splitter.next_frame() {
                Ok(Some(frame)) => {
                    assert!(frame.len() <= bytes_max);
                    frames.push(frame.to_vec());
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(splitter.buffered() <= pushed);
    }
    (frames, splitter.finish().err())
}

/// The wire in pieces whose lengths follow from `cuts`.
struct Pieces<'a> {
    cuts: &'a [u8],
    nth: usize,
    rest: &'a [u8],
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let cut = self.cuts.get(self.nth % self.cuts.len().max(1)).copied().unwrap_or(1);
        self.nth += 1;
        let (piece, rest) = self.rest.split_at(usize::from(cut).clamp(1, self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

//! Valid bytes made wrong: cut off, over-long varints, wrong wire types, nesting without end,
//! lengths that lie, text that isn't UTF-8, and noise.

use prost::encoding::encode_varint;

use crate::random::Random;

/// How bytes are made wrong.
type Way = fn(&[u8], &mut Random) -> Vec<u8>;

/// The ways, by name.
pub const WAYS: &[(&str, Way)] = &[
    ("truncated", truncated),
    ("over-long varint", overlong_varint),
    ("wrong wire type", wrong_wire_type),
    ("deep nesting", deep_nesting),
    ("length bomb", length_bomb),
    ("invalid utf-8", invalid_utf8),
    ("flipped bits", flipped_bits),
    ("repeated", repeated),
    ("spliced", spliced),
    ("noise", noise),
];

/// One of the ways, chosen by the generator.
pub fn garble(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let (_, way) = WAYS[random.below(WAYS.len())];
    way(valid, random)
}

/// Ends too early.
pub fn truncated(valid: &[u8], random: &mut Random) -> Vec<u8> {
    valid[..random.below(valid.len().max(1))].to_vec()
}

/// One byte of it, which is often a tag, a length or a number, takes ten bytes or more.
pub fn overlong_varint(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let at = random.below(valid.len() + 1);
    let mut out = valid[..at].to_vec();
    let low = valid.get(at).map_or(1, |byte| byte & 0x7f);
    out.push(low | 0x80);
    out.extend(std::iter::repeat_n(0x80, 1 + random.below(12)));
    out.push(random.below(2) as u8);
    out.extend(valid.get(at + 1..).unwrap_or_default());
    out
}

/// The fields stay, what they are changes: groups and the two retired types included.
pub fn wrong_wire_type(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = valid.to_vec();
    let at = match random.below(3) {
        0 => 0,
        _ => random.below(out.len().max(1)),
    };
    match out.get_mut(at) {
        Some(byte) => *byte = (*byte & !7) | random.below(8) as u8,
        None => out.push(random.below(8) as u8 | 8),
    }
    out
}

/// A field within itself, thousands deep, as messages or as groups.
pub fn deep_nesting(_: &[u8], random: &mut Random) -> Vec<u8> {
    let field = 1 + random.below(8) as u64;
    let depth = 50 + random.below(4_000);
    if random.below(2) == 0 {
        let mut out = vec![];
        (0..depth).for_each(|_| encode_varint(field << 3 | 3, &mut out));
        (0..random.below(depth + 1)).for_each(|_| encode_varint(field << 3 | 4, &mut out));
        return out;
    }
    // From the inside out: each layer is a tag and a length before what is there, so it is
    // written backwards.
    let mut reversed: Vec<u8> = vec![];
    for _ in 0..depth {
        let mut head = vec![];
        encode_varint(field << 3 | 2, &mut head);
        encode_varint(reversed.len() as u64, &mut head);
        reversed.extend(head.iter().rev());
    }
    reversed.reverse();
    reversed
}

/// Says that far more follows than does.
pub fn length_bomb(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = valid[..random.below(valid.len() + 1)].to_vec();
    encode_varint((1 + random.below(16) as u64) << 3 | 2, &mut out);
    let lengths = [1 << 16, 1 << 31, (1 << 32) - 1, 1 << 62, u64::MAX];
    encode_varint(lengths[random.below(lengths.len())], &mut out);
    out.extend(random.bytes(4));
    out
}

/// Text that is none, in one of the first fields.
pub fn invalid_utf8(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let texts: [&[u8]; 4] = [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"ok\xf5"];
    let text = texts[random.below(texts.len())];
    let mut out = valid.to_vec();
    encode_varint((1 + random.below(8) as u64) << 3 | 2, &mut out);
    encode_varint(text.len() as u64, &mut out);
    out.extend(text);
    out
}

/// A few bits are others.
pub fn flipped_bits(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = valid.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(out.len().max(1));
        if let Some(byte) = out.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    out
}

/// The whole of it again and again: fields that should be there once, lists without end.
pub fn repeated(valid: &[u8], random: &mut Random) -> Vec<u8> {
    valid.repeat(2 + random.below(60))
}

/// A piece of it somewhere else.
pub fn spliced(valid: &[u8], random: &mut Random) -> Vec<u8> {
    let (from, to) = (random.below(valid.len() + 1), random.below(valid.len() + 1));
    let piece = &valid[from.min(to)..from.max(to)];
    let at = random.below(valid.len() + 1);
    [&valid[..at], piece, &valid[at..]].concat()
}

/// Nothing of it is left.
pub fn noise(_: &[u8], random: &mut Random) -> Vec<u8> {
    let len = random.below(300);
    random.bytes(len)
}

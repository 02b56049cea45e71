//! Newer over older, and ranges cut to size.

use super::*;

fn writes(rows: &[(&str, Option<&'static str>)]) -> Writes {
    rows.iter()
        .map(|(key, value)| {
            (key.as_bytes().to_vec(), value.map(|v| Bytes::from_static(v.as_bytes())))
        })
        .collect()
}

fn get(overlay: &Overlay, key: &str) -> Option<Option<Bytes>> {
    overlay.get(key.as_bytes())
}

#[test]
fn what_is_being_written_stays_readable_below_what_came_later() {
    let overlay = Overlay::default();
    overlay.apply(writes(&[("a", Some("1")), ("b", Some("1"))]));
    assert_eq!(*overlay.begin(), writes(&[("a", Some("1")), ("b", Some("1"))]));
    overlay.apply(writes(&[("b", None), ("c", Some("2"))]));
    assert_eq!(get(&overlay, "a"), Some(Some("1".into())));
    assert_eq!(get(&overlay, "b"), Some(None));
    overlay.end();
    assert_eq!(get(&overlay, "a"), None);
    assert_eq!(get(&overlay, "b"), Some(None));
    assert_eq!(*overlay.begin(), writes(&[("b", None), ("c", Some("2"))]));
}

#[test]
fn a_drain_that_failed_is_part_of_the_next() {
    let overlay = Overlay::default();
    overlay.apply(writes(&[("a", Some("1")), ("b", Some("1"))]));
    overlay.begin();
    overlay.apply(writes(&[("b", Some("2"))]));
    assert_eq!(*overlay.begin(), writes(&[("a", Some("1")), ("b", Some("2"))]));
}

#[test]
fn a_chunk_says_how_far_it_is_whole() {
    let overlay = Overlay::default();
    overlay.apply(writes(&[("a", Some("1")), ("c", Some("1")), ("e", Some("1"))]));
    overlay.begin();
    overlay.apply(writes(&[("b", Some("2")), ("c", None), ("d", Some("2"))]));
    let chunk = overlay.chunk(b"a", b"z", false, 2);
    assert_eq!((&chunk.from[..], &chunk.to[..]), (&b"a"[..], &b"d"[..]));
    assert_eq!(chunk.rows, writes(&[("a", Some("1")), ("b", Some("2")), ("c", None)]));
    let chunk = overlay.chunk(b"a", b"z", true, 2);
    assert_eq!((&chunk.from[..], &chunk.to[..]), (&b"b\0"[..], &b"z"[..]));
    assert_eq!(chunk.rows, writes(&[("c", None), ("d", Some("2")), ("e", Some("1"))]));
    let chunk = overlay.chunk(b"a", b"b", false, 2);
    assert_eq!((&chunk.from[..], &chunk.to[..]), (&b"a"[..], &b"b"[..]));
}

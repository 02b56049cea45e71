//! Links as people write them.

use super::*;

#[test]
fn links_are_found_as_people_write_them() {
    for (text, found) in [
        ("see https://example.org/a?b=c#d.", &["https://example.org/a?b=c#d"][..]),
        ("(http://example.org/x)", &["http://example.org/x"]),
        ("https://en.example.org/wiki/A_(b), and", &["https://en.example.org/wiki/A_(b)"]),
        ("<https://example.org>", &["https://example.org"]),
        ("[a](https://example.org/a)", &["https://example.org/a"]),
        ("HTTPS://Example.org/A", &["HTTPS://Example.org/A"]),
        ("öhttps://example.org", &[]),
        ("xhttp://example.org", &[]),
        ("ftp://example.org file:///etc/passwd javascript://x", &[]),
        ("https:// http://", &[]),
        ("://", &[]),
        ("https://a.example https://a.example https://b.example", {
            &["https://a.example", "https://b.example"]
        }),
        ("http://1.example http://2.example http://3.example http://4.example", {
            &["http://1.example", "http://2.example", "http://3.example"]
        }),
        ("https://example.org/ä…", &["https://example.org/ä…"]),
        ("“https://example.org/”", &["https://example.org/"]),
        ("no link", &[]),
    ] {
        assert_eq!(links(text), found, "{text}");
    }
    let long = format!("https://example.org/{}", "x".repeat(LINK_BYTES_MAX));
    assert_eq!(links(&long), Vec::<String>::new());
}

#[test]
fn long_tails_are_no_work() {
    const TEXT: usize = 16_384;
    for tail in [")", "]", "}", ".", "()", ")(", ").", "’", "[(", "}]).!"] {
        let begin = "http://a";
        let long = format!("{begin}{}", tail.repeat((TEXT - begin.len()) / tail.len()));
        assert_eq!(links(&long), Vec::<String>::new(), "{tail}");
        // What stands behind it is found all the same.
        let more = format!("{long} http://b.example");
        assert_eq!(links(&more), ["http://b.example"], "{tail}");
    }
    for tail in [")", "]}).", "...", "’”»"] {
        let short = format!("http://a{}", tail.repeat(60 / tail.len()));
        assert_eq!(links(&short), ["http://a"], "{tail}");
    }
    // As long as can be, and all of it looked at.
    let whole = format!("http://a/{}", "x".repeat(LINK_BYTES_MAX - 9));
    for tail in ["", ")", "!?", &")".repeat(TAIL_BYTES_MAX)] {
        assert_eq!(links(&format!("{whole}{tail}")), std::slice::from_ref(&whole), "{tail}");
    }
    assert_eq!(links(&format!("{whole}{}", ")".repeat(TAIL_BYTES_MAX + 1))), Vec::<String>::new());
    let brackets = format!("http://a/{}{}", "(".repeat(900), ")".repeat(900));
    assert_eq!(links(&format!("{brackets})).")), [brackets]);
    // Many that begin and none that lasts: each character is part of one at most.
    assert_eq!(links(&"http://".repeat(TEXT / 7)), Vec::<String>::new());
    assert_eq!(links(&"http://|".repeat(TEXT / 8)), Vec::<String>::new());
}

#[test]
fn no_text_breaks_it() {
    let pieces =
        ["http", "https", "://", ":", "/", "ä", "🦀", ")", "(", " ", ".", "x", "\u{0}", "<"];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
        }
        for link in links(&text) {
            assert!(text.contains(&link) && link.len() > 7, "{text:?}: {link:?}");
        }
    }
}

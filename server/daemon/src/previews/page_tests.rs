//! Pages as people make them, and as nobody does.

use super::*;

fn titled(html: &str) -> Option<String> {
    read(html).map(|page| page.title)
}

#[test]
fn what_a_page_says_of_itself_is_found() {
    let page = read(
        "<!doctype html><html><head><!-- <title>not this</title> -->
         <script>var s = \"<title>nor this</title>\";</script>
         <meta charset=utf-8><title>Plain
             title</title>
         <META Property='og:title' CONTENT='Ada &amp; Grace &#39;s &#x201C;page&#x201d;'>
         <meta name=description content=short>
         <meta content=\"What it is > about\" property=\"og:description\"/>
         <meta property=og:site_name content=Example>
         <meta property=\"og:title\" content=\"the second doesn't count\">
         </head><body><title>nor this</title></body></html>",
    );
    let page = page.expect("there is a title");
    assert_eq!(page.title, "Ada & Grace 's “page”");
    assert_eq!((&*page.description, &*page.site_name), ("What it is > about", "Example"));
    let page = read("<title>Only this</title>").expect("there is a title");
    assert_eq!((&*page.title, &*page.description, &*page.site_name), ("Only this", "", ""));
}

#[test]
fn a_page_without_a_title_says_nothing() {
    for html in [
        "",
        "text",
        "<",
        "<>",
        "<title>",
        "<title></title>",
        "<title> \u{200b}\u{202e} </title>",
        "<meta property=og:title>",
        "<meta property='og:title' content=''>",
        "<meta content='x'>",
        "<body><title>late</title>",
        "<script><title>x</title>",
        "<!-- <title>x</title>",
    ] {
        assert_eq!(read(html), None, "{html}");
    }
    // What is cut off is taken as far as it is there.
    assert_eq!(titled("<title>cut o").as_deref(), Some("cut o"));
    assert_eq!(titled("<meta property=og:title content=\"cut o").as_deref(), Some("cut o"));
}

#[test]
fn texts_are_plain_lines_within_their_bounds() {
    assert_eq!(
        titled("<title>a\u{0}\u{7}b \u{202e}c\u{2066}\u{feff}  \n\td\u{200f}</title>").as_deref(),
        Some("ab c d")
    );
    assert_eq!(titled("<title>&lt;b&gt;&#0;&#7;&#x110000;&nothing;&</title>").as_deref(), {
        Some("<b>&#x110000;&nothing;&")
    });
    for c in ['a', 'ö', '漢', '🦀'] {
        let long: String = std::iter::repeat_n(c, 5_000).collect();
        let page = read(&format!(
            "<title>{long}</title><meta name=description content={long}><meta \
             property=og:site_name content={long}>"
        ));
        let page = page.expect("there is a title");
        let within = |text: &str, max: usize| {
            assert!(text.len() <= max && text.len() + 8 > max && text.ends_with('…'), "{text}");
        };
        within(&page.title, PREVIEW_TITLE_BYTES_MAX);
        within(&page.description, PREVIEW_DESCRIPTION_BYTES_MAX);
        within(&page.site_name, PREVIEW_SITE_NAME_BYTES_MAX);
    }
}

/// A generator that gives the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("it is small")
    }
}

#[test]
fn nothing_that_comes_gets_it_stuck() {
    const PIECES: &[&str] = &[
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "<title",
        "</title>",
        "<meta ",
        "property",
        "name",
        "=",
        "\"",
        "'",
        "og:title",
        "content",
        "<script>",
        "</script",
        "<svg",
        "<body",
        " ",
        "\n",
        "&",
        "#",
        "x41;",
        "amp;",
        "ä",
        "🦀",
        "\u{202e}",
        "\0",
        "aaaaaaaa",
        "<style>",
        "<template",
        "</TITLE",
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let count = dice.roll(40);
        let html: String = (0..count).map(|_| PIECES[dice.roll(PIECES.len())]).collect();
        if let Some(page) = read(&html) {
            assert!(!page.title.is_empty() && page.title.len() <= PREVIEW_TITLE_BYTES_MAX);
            let all = [page.title, page.description, page.site_name].concat();
            assert!(!all.chars().any(|c| c.is_control() || steers(c)), "{html:?}");
        }
    }
}

#[test]
fn a_page_full_of_nothing_is_read_in_a_moment() {
    let begun = std::time::Instant::now();
    for piece in
        ["<", "<a ", "<!--", "</", "<title>", "<meta a=", "<meta a='", "<script", "&amp;", "a=\""]
    {
        let _ = read(&piece.repeat(512 * 1024 / piece.len()));
    }
    // Each byte is looked at a few times, not each time for each other one.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

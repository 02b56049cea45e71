//! What a page says of itself: the title, the description and the site's name in its head. A scanner that
//! takes whatever comes and ends with it; it knows as much of HTML as that takes, and builds no tree.

use parlour_protocol::limits::{
    PREVIEW_DESCRIPTION_BYTES_MAX, PREVIEW_SITE_NAME_BYTES_MAX, PREVIEW_TITLE_BYTES_MAX,
};

/// What was found, as plain text within its bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) site_name: String,
}

/// What is found on the way; what the Open Graph says goes before the rest.
#[derive(Default)]
struct Found {
    title: Option<String>,
    description: Option<String>,
    og_title: Option<String>,
    og_description: Option<String>,
    og_site_name: Option<String>,
}

/// Reads a page; `None` where it has no title of any kind.
pub(super) fn read(html: &str) -> Option<Page> {
    let mut found = Found::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = after(comment, "-->");
            continue;
        }
        let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, behind) = rest.split_at(length);
        match name.to_ascii_lowercase().as_str() {
            "title" => {
                let text = after(behind, ">");
                let end = find_close(text, "title");
                found.title.get_or_insert_with(|| decoded(&text[..end]));
                rest = &text[end..];
            }
            "meta" => {
                let (attributes, behind) = attributes(behind);
                found.note(&attributes);
                rest = behind;
            }
            // What is in these is no markup.
            name @ ("script" | "style" | "noscript" | "template" | "svg") => {
                rest = &behind[find_close(behind, name)..];
            }
            // What a page says of itself stands before what it shows.
            "body" => break,
            _ => rest = behind,
        }
    }
    found.page()
}

impl Found {
    fn note(&mut self, attributes: &[(String, String)]) {
        let of = |name: &str| {
            let mut named = attributes.iter().filter(|(key, _)| key == name);
            named.next().map(|(_, value)| value.as_str())
        };
        let (Some(what), Some(content)) = (of("property").or(of("name")), of("content")) else {
            return;
        };
        let slot = match what.trim().to_ascii_lowercase().as_str() {
            "og:title" => &mut self.og_title,
            "og:description" => &mut self.og_description,
            "og:site_name" => &mut self.og_site_name,
            "description" => &mut self.description,
            _ => return,
        };
        slot.get_or_insert_with(|| decoded(content));
    }

    fn page(self) -> Option<Page> {
        let pick = |first: Option<String>, second: Option<String>, max| {
            let texts = [first, second].into_iter().flatten();
            texts.map(|text| plain(&text, max)).find(|text| !text.is_empty()).unwrap_or_default()
        };
        let title = pick(self.og_title, self.title, PREVIEW_TITLE_BYTES_MAX);
        let description =
            pick(self.og_description, self.description, PREVIEW_DESCRIPTION_BYTES_MAX);
        let site_name = pick(self.og_site_name, None, PREVIEW_SITE_NAME_BYTES_MAX);
        (!title.is_empty()).then_some(Page { title, description, site_name })
    }
}

/// What stands behind the next `end`; nothing where there is none.
fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// Where the next closing tag of that name begins, or where the text ends.
fn find_close(text: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let at = from + at;
        let close = text.as_bytes().get(at + 2..at + 2 + name.len());
        if close.is_some_and(|close| close.eq_ignore_ascii_case(name.as_bytes())) {
            return at;
        }
        from = at + 2;
    }
    text.len()
}

/// The attributes of a tag, whose names are in small letters, and what stands behind it.
fn attributes(tag: &str) -> (Vec<(String, String)>, &str) {
    let mut found = vec![];
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let name_end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
            .unwrap_or(rest.len());
        let (name, behind) = rest.split_at(name_end);
        if name.is_empty() && !behind.starts_with('=') {
            // The end of the tag, or of all.
            return (found, behind.strip_prefix('>').unwrap_or(behind));
        }
        let spaced = behind.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(value) = spaced.strip_prefix('=') else {
            rest = behind;
            continue;
        };
        let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, behind) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => {
                let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>');
                value.split_at(end.unwrap_or(value.len()))
            }
        };
        if found.len() < ATTRIBUTES_MAX {
            found.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        rest = behind;
    }
}

/// No tag that is looked at has more.
const ATTRIBUTES_MAX: usize = 16;

/// Text with its character references resolved, as far as they are those that people use.
fn decoded(text: &str) -> String {
    // What is cut off below is far less than this.
    let text = cut(text, 8 * PREVIEW_DESCRIPTION_BYTES_MAX);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.bytes().take(10).position(|byte| byte == b';');
        match end.and_then(|end| reference(&rest[..end]).map(|c| (c, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(number.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "middot" => '·',
        "bull" => '•',
        "copy" => '©',
        "reg" => '®',
        _ => return None,
    })
}

/// One line of plain text within its bound: nothing in it steers whoever shows it.
fn plain(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut is_apart = false;
    for c in text.chars() {
        if c.is_whitespace() {
            is_apart = !line.is_empty();
            continue;
        }
        if c.is_control() || steers(c) {
            continue;
        }
        if std::mem::take(&mut is_apart) {
            line.push(' ');
        }
        line.push(c);
        if line.len() > max {
            let kept = cut(&line, max - '…'.len_utf8()).trim_end();
            return format!("{kept}…");
        }
    }
    line
}

/// Marks that turn the direction of what comes behind them, join it with what stands before, or can't be
/// seen at all.
fn steers(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{ad}' | '\u{61c}')
}

/// No more of a text than so many bytes.
fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;

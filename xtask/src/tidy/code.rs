//! Blanks out what isn't code in a Rust source (comments, the insides of strings, inline test
//! modules), keeping every line where it was, so that a plain search sees code only.

/// The source with comments and literals blanked.
pub(super) fn only_code(source: &str) -> String {
    let mut scan = Scan { bytes: source.as_bytes(), at: 0, out: Vec::with_capacity(source.len()) };
    while scan.at < scan.bytes.len() {
        scan.step();
    }
    String::from_utf8_lossy(&scan.out).into_owned()
}

/// The source with comments, literals and `#[cfg(test)] mod name { ... }` blanked.
pub(super) fn without_tests(source: &str) -> String {
    let mut code = only_code(source).into_bytes();
    let mark = b"#[cfg(test)]";
    let mut from = 0;
    while let Some(at) = find(&code[from..], mark).map(|at| at + from) {
        let end = item_end(&code, at + mark.len());
        blank(&mut code[at..end]);
        from = end;
    }
    String::from_utf8_lossy(&code).into_owned()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Scan<'_> {
    fn step(&mut self) {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"//") {
            let end = find(rest, b"\n").unwrap_or(rest.len());
            self.skip(end);
        } else if rest.starts_with(b"/*") {
            self.skip(block_comment(rest));
        } else if let Some(length) = raw_string(rest).filter(|_| !self.within_word()) {
            self.skip(length);
        } else if rest[0] == b'"' {
            self.skip(quoted(rest, b'"'));
        } else if rest[0] == b'\'' && is_char(rest) {
            self.skip(quoted(rest, b'\''));
        } else {
            self.out.push(rest[0]);
            self.at += 1;
        }
    }

    /// Whether the last byte kept belongs to a name: `for r in` begins no raw string, `bar"` none.
    fn within_word(&self) -> bool {
        self.out.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    }

    fn skip(&mut self, length: usize) {
        let end = self.bytes.len().min(self.at + length);
        for byte in &self.bytes[self.at..end] {
            self.out.push(if *byte == b'\n' { b'\n' } else { b' ' });
        }
        self.at = end;
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

fn blank(text: &mut [u8]) {
    for byte in text.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Length of a block comment, which may hold others.
fn block_comment(text: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Length of `r"..."`, `r#"..."#` and so on, with an optional `b` or `c` before it.
fn raw_string(text: &[u8]) -> Option<usize> {
    let start = usize::from(matches!(text[0], b'b' | b'c'));
    if text.get(start) != Some(&b'r') {
        return None;
    }
    let hashes = text[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = start + 1 + hashes;
    if text.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = find(&text[open + 1..], &close).unwrap_or(text.len());
    Some(open + 1 + body + close.len())
}

/// Length of a literal that begins with a quote and ends with the same one, unescaped.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char(text: &[u8]) -> bool {
    match text.get(1) {
        Some(b'\\') => true,
        // A character outside ASCII is never a lifetime in this project.
        Some(byte) if !byte.is_ascii() => true,
        Some(_) => text.get(2) == Some(&b'\''),
        None => false,
    }
}

/// Where the item after an attribute ends: at its closing brace, or at a semicolon before any.
fn item_end(code: &[u8], from: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

//! Text as words: what the index holds, and what queries ask for. Without case and accents; a script
//! that has no spaces is cut into overlapping pairs.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::limits::WORD_BYTES_MAX;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word, folded.
    pub text: String,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    kind: Kind,
}

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A whole word, or a sign.
    Word,
    /// Two characters of a script without spaces.
    Pair,
    /// The last character of a stretch of those.
    Last,
}

/// A word that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, folded.
    pub text: String,
    /// Whether a word that begins with it will do.
    pub is_prefix: bool,
}

impl Word {
    /// Whether a text's word is the one.
    pub fn is(&self, token: &Token) -> bool {
        match self.is_prefix {
            true => token.text.starts_with(&self.text),
            false => token.text == self.text,
        }
    }
}

impl Token {
    /// What of the text it stands for, where that word was looked for.
    pub fn part_for(&self, word: &Word, text: &str) -> Range<usize> {
        let first = text[self.start..].chars().next().map_or(0, char::len_utf8);
        // Of a pair that begins with it, only the one character was meant.
        let is_one = self.kind == Kind::Pair && self.text != word.text;
        self.start..if is_one { self.start + first } else { self.end }
    }
}

/// What a character is to words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Letter,
    /// Goes on with a word and begins none.
    Mark,
    /// Of a script without spaces.
    Dense,
    /// A word by itself.
    Sign,
    Between,
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' | 'a'..='z' | 'A'..='Z' => Class::Letter,
        '\0'..='\x7f' | '・' | '･' => Class::Between,
        // Han, kana, hangul and what goes with them.
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{3035}'
        | '\u{3041}'..='\u{3096}'
        | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30ff}'
        | '\u{3105}'..='\u{318e}'
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7fb}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}' => Class::Dense,
        // Thai, Lao, Burmese, Khmer, where they are letters or their marks.
        '\u{e01}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17d3}'
            if c.is_alphanumeric() || is_combining_mark(c) =>
        {
            Class::Dense
        }
        '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' => Class::Sign,
        _ if c.is_alphanumeric() => Class::Letter,
        _ if is_combining_mark(c) => Class::Mark,
        _ => Class::Between,
    }
}

/// What says how a letter sounds, and isn't one.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}'
        | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Puts a character as it is searched for behind a word.
fn fold(c: char, class: Class, word: &mut String) {
    if word.len() >= WORD_BYTES_MAX {
        return;
    }
    if c.is_ascii() {
        return word.push(c.to_ascii_lowercase());
    }
    if class == Class::Dense {
        // Their marks make another syllable of it.
        return word.extend(std::iter::once(c).nfkc());
    }
    let parts = std::iter::once(c).nfkd().filter(|part| !is_accent(*part));
    for letter in parts.flat_map(char::to_lowercase) {
        match letter {
            'ß' => word.push_str("ss"),
            'æ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'ø' => word.push('o'),
            'ł' => word.push('l'),
            'đ' | 'ð' => word.push('d'),
            'þ' => word.push_str("th"),
            'ı' => word.push('i'),
            'ς' => word.push('σ'),
            letter => word.push(letter),
        }
    }
}

/// The words of a text, in order. One stands right behind another if there is none between them.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word: Option<Token> = None;
    // The last character of a stretch without spaces, folded, and where it is.
    let mut last: Option<Token> = None;
    for (start, c) in text.char_indices() {
        let (class, end) = (class(c), start + c.len_utf8());
        if !matches!(class, Class::Letter | Class::Mark) {
            tokens.extend(word.take().filter(|word| !word.text.is_empty()));
        }
        if class != Class::Dense {
            tokens.extend(last.take());
        }
        match class {
            Class::Letter => {
                let kind = Kind::Word;
                let word =
                    word.get_or_insert_with(|| Token { text: String::new(), start, end, kind });
                fold(c, class, &mut word.text);
                word.end = end;
            }
            Class::Mark => {
                if let Some(word) = &mut word {
                    fold(c, class, &mut word.text);
                    word.end = end;
                }
            }
            Class::Dense => {
                let mut one = Token { text: String::new(), start, end, kind: Kind::Last };
                fold(c, class, &mut one.text);
                if let Some(before) = last.replace(one.clone()) {
                    let text = before.text + &one.text;
                    tokens.push(Token { text, start: before.start, end, kind: Kind::Pair });
                }
            }
            Class::Sign => {
                tokens.push(Token { text: c.to_string(), start, end, kind: Kind::Word });
            }
            Class::Between => {}
        }
    }
    tokens.extend(word.filter(|word| !word.text.is_empty()));
    tokens.extend(last);
    tokens
}

/// The words that a text asks for, one right behind another.
pub fn words(text: &str) -> Vec<Word> {
    let mut tokens = tokens(text);
    // What is asked for may go on there, in a text that has it: the last pair says as much. One
    // character alone has no pair, and is what one begins with.
    let mut is_prefix = false;
    if let [.., before, last] = &tokens[..]
        && last.kind == Kind::Last
        && before.kind == Kind::Pair
        && before.end == last.end
    {
        tokens.pop();
    } else if tokens.last().is_some_and(|last| last.kind == Kind::Last) {
        is_prefix = true;
    }
    let mut words: Vec<Word> =
        tokens.into_iter().map(|token| Word { text: token.text, is_prefix: false }).collect();
    if let Some(last) = words.last_mut() {
        last.is_prefix = is_prefix;
    }
    words
}

/// Whether there is a link in a text.
pub fn has_link(text: &str) -> bool {
    let bytes = text.as_bytes();
    let starts = |at: usize, what: &str| {
        let after = bytes.get(at..at + what.len());
        after.is_some_and(|after| after.eq_ignore_ascii_case(what.as_bytes()))
            && bytes.get(at + what.len()).is_some_and(|next| !next.is_ascii_whitespace())
            && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
    };
    let places = bytes.iter().enumerate().filter(|(_, b)| b"hHwW".contains(b));
    let schemes = ["https://", "http://", "www."];
    places.into_iter().any(|(at, _)| schemes.iter().any(|what| starts(at, what)))
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;

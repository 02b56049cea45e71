//! Words of many scripts, and that what is asked for is found where it stands.

use super::*;

fn folded(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.text).collect()
}

fn asked(text: &str) -> Vec<(String, bool)> {
    words(text).into_iter().map(|word| (word.text, word.is_prefix)).collect()
}

#[test]
fn words_lose_case_accents_and_what_is_between_them() {
    assert_eq!(folded("Hello, WORLD!"), ["hello", "world"]);
    assert_eq!(folded("Crème brûlée"), ["creme", "brulee"]);
    assert_eq!(folded("cafe\u{301}s"), ["cafes"], "a letter and its accent apart");
    assert_eq!(folded("Straße STRASSE ẞ"), ["strasse", "strasse", "ss"]);
    assert_eq!(folded("Smørrebrød Łódź İstanbul"), ["smorrebrod", "lodz", "istanbul"]);
    assert_eq!(folded("ΣΊΣΥΦΟΣ Σίσυφος"), ["σισυφοσ", "σισυφοσ"]);
    assert_eq!(folded("Ёлка"), ["елка"]);
    assert_eq!(folded("ＷＩＤＥ ﬁne"), ["wide", "fine"]);
    assert_eq!(
        folded("l'été don’t e-mail snake_case 3.14"),
        ["l", "ete", "don", "t", "e", "mail", "snake", "case", "3", "14"]
    );
    assert_eq!(folded("كِتَاب"), ["كتاب"]);
    assert_eq!(folded("नमस्ते दुनिया"), ["नमस्ते", "दुनिया"], "signs that are vowels stay");
    assert_eq!(folded(" ... \u{301} "), [""; 0]);
    assert_eq!(folded("🎉🎉 ok"), ["🎉", "🎉", "ok"]);
}

#[test]
fn scripts_without_spaces_are_cut_into_pairs() {
    assert_eq!(folded("黒猫"), ["黒猫", "猫"]);
    assert_eq!(folded("東京タワー"), ["東京", "京タ", "タワ", "ワー", "ー"]);
    assert_eq!(folded("iPhoneを買う"), ["iphone", "を買", "買う", "う"]);
    assert_eq!(folded("한국어 시험"), ["한국", "국어", "어", "시험", "험"]);
    assert_eq!(folded("がぎ"), ["がぎ", "ぎ"], "voiced kana stay voiced");
    assert_eq!(folded("我。你"), ["我", "你"]);
    assert_eq!(folded("ไทย"), ["ไท", "ทย", "ย"]);
}

#[test]
fn tokens_say_where_they_stand() {
    let text = "Été: 黒猫が";
    for token in tokens(text) {
        let there = &text[token.start..token.end];
        assert_eq!(folded(there).first(), Some(&token.text), "{there}");
    }
}

#[test]
fn what_is_asked_for_may_go_on_in_the_text() {
    assert_eq!(asked("黒猫"), [("黒猫".to_owned(), false)]);
    assert_eq!(asked("猫"), [("猫".to_owned(), true)], "as what a pair begins with");
    assert_eq!(asked("a猫"), [("a".to_owned(), false), ("猫".to_owned(), true)]);
    assert_eq!(
        asked("黒猫 x"),
        [("黒猫".to_owned(), false), ("猫".to_owned(), false), ("x".to_owned(), false)]
    );
    assert_eq!(asked("Hello"), [("hello".to_owned(), false)]);
    assert_eq!(asked("!?"), []);
}

#[test]
fn long_words_are_cut_in_the_text_and_in_what_is_asked_for() {
    let long = "x".repeat(1000);
    assert_eq!(folded(&long), ["x".repeat(WORD_BYTES_MAX)]);
    assert_eq!(words(&long)[0].text, folded(&long)[0]);
}

#[test]
fn links_are_seen() {
    for text in ["https://a.example", "see HTTP://A", "(www.example.org)", "a\nhttps://b"] {
        assert!(has_link(text), "{text}");
    }
    for text in ["", "http", "https://", "http:// x", "awww.nice", "www. ", "hwww"] {
        assert!(!has_link(text), "{text}");
    }
}

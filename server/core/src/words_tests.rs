//! Words that are refused.

use super::*;

fn words(words: &[&str]) -> Words {
    Words::of(&Filter { words: words.iter().map(|word| (*word).to_owned()).collect() })
}

#[test]
fn whole_words_are_found_whatever_their_case_and_what_stands_around_them() {
    let words = words(&["Darn", "ÄRGER", "昨日"]);
    for text in ["darn", "DARN!", "oh,darn.", "so ein ärger", "(昨日)", "*darn*", "_darn_"] {
        assert!(words.is_in(text), "{text}");
    }
    for text in ["", "darning", "undarn", "da rn", "arger", "昨日は"] {
        assert!(!words.is_in(text), "{text}");
    }
}

#[test]
fn beginnings_and_phrases_are_found() {
    let words = words(&["blast*", "hell of a", "go  away*", "昨*"]);
    for text in
        ["blasted", "blast", "one hell of a day", "HELL, of a", "go away", "go awaybird", "昨日は"]
    {
        assert!(words.is_in(text), "{text}");
    }
    for text in ["a blas", "sandblast", "hell of", "of a hell", "go", "goaway", "hell of an"] {
        assert!(!words.is_in(text), "{text}");
    }
    assert!(!super::Words::default().is_in("anything"));
}

#[test]
fn what_can_not_be_looked_for_is_refused_with_its_place() {
    let check = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        check_filter(&Filter { words }).map_err(|error| error.violations[0].field.clone())
    };
    assert_eq!(check(&["a", "two words", "wild*", "é"]), Ok(()));
    for wrong in ["", "*", "!?", "a*b", "a**", &"x".repeat(101)] {
        assert_eq!(check(&["fine", wrong]), Err("filter.words[1]".into()), "{wrong}");
    }
    assert!(check(&["x"; 1001]).is_err() && check(&[&*"x".repeat(99); 400]).is_err());
}

#[test]
fn a_long_text_without_them_costs_little() {
    let many: Vec<String> = (0..1000).map(|n| format!("refused{n}*")).collect();
    let words = Words::of(&Filter { words: many });
    // A word as long as a text may be is looked at once from each of its signs.
    assert!(!words.is_in(&"refuse".repeat(2700)));
    assert!(words.is_in(&format!("{} refused7", "refuse ".repeat(2000))));
}

#[test]
fn phrases_that_begin_alike_are_few_so_that_nobody_waits_for_them() {
    let alike = |count: usize| {
        let words = (0..count).map(|n| format!("a b{n}")).collect();
        check_filter(&Filter { words })
    };
    assert!(alike(20).is_ok() && alike(21).is_err());
    let long = |words: usize| check_filter(&Filter { words: vec!["a ".repeat(words)] });
    assert!(long(10).is_ok() && long(11).is_err());
}

//! What matches, where it does, and what can't be asked for.

use super::*;

fn asked(text: &str, phrases: &[&str], last_is_prefix: bool) -> Asked {
    let phrases: Vec<String> = phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
    let clauses = clauses(text, &phrases, last_is_prefix).unwrap();
    Asked { clauses, ..Asked::default() }
}

fn marked(asked: &Asked, text: &str) -> Option<Vec<String>> {
    let parts = asked.highlights(text)?;
    Some(parts.into_iter().map(|part| text[part].to_owned()).collect())
}

#[test]
fn every_word_has_to_be_there_in_any_order() {
    let both = asked("lunch Noon", &[], false);
    assert_eq!(marked(&both, "At noon, lunch!").unwrap(), ["noon", "lunch"]);
    assert_eq!(marked(&both, "lunch at one"), None);
    assert_eq!(marked(&both, "lunches at noon"), None);
    assert_eq!(marked(&asked("", &[], false), "anything").unwrap(), [""; 0]);
}

#[test]
fn phrases_stand_as_they_are() {
    let phrase = asked("", &["part time"], false);
    assert_eq!(marked(&phrase, "a Part-Time job").unwrap(), ["Part", "Time"]);
    assert_eq!(marked(&phrase, "time in part"), None);
    let together = asked("e-mail", &[], false);
    assert!(marked(&together, "no E-MAIL today").is_some());
    assert_eq!(marked(&together, "mail the e"), None);
}

#[test]
fn the_last_word_may_go_on() {
    let typed = asked("see you tom", &[], true);
    assert_eq!(marked(&typed, "you see, Tomorrow").unwrap(), ["you", "see", "Tomorrow"]);
    assert_eq!(marked(&asked("see you tom", &[], false), "you see, tomorrow"), None);
}

#[test]
fn pairs_of_characters_are_found_in_the_middle_and_marked_as_one() {
    let text = "昨日、黒猫が庭にいた";
    assert_eq!(marked(&asked("黒猫が庭", &[], false), text).unwrap(), ["黒猫が庭"]);
    assert_eq!(marked(&asked("猫", &[], false), text).unwrap(), ["猫"]);
    assert_eq!(marked(&asked("", &["昨日 黒猫"], false), text).unwrap(), ["昨日", "黒猫"]);
    assert_eq!(marked(&asked("白猫", &[], false), text), None);
    assert_eq!(marked(&asked("た", &[], false), text).unwrap(), ["た"], "the very last one");
}

#[test]
fn links_and_headers_count() {
    let link = Asked { has_link: true, ..Asked::default() };
    assert!(link.highlights("https://x").is_some() && link.highlights("x").is_none());
    let (ann, ben) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
    let header = EventHeader {
        seq: 7,
        at_ms: 100,
        sender: ann.to_field(),
        thread_root_seq: 3,
        ..EventHeader::default()
    };
    let one = Asked::default();
    assert!(one.fits(&header));
    assert!(Asked { senders: vec![ben, ann], ..one.clone() }.fits(&header));
    assert!(!Asked { senders: vec![ben], ..one.clone() }.fits(&header));
    assert!(Asked { after_ms: 100, before_ms: Some(101), ..one.clone() }.fits(&header));
    assert!(!Asked { after_ms: 101, ..one.clone() }.fits(&header));
    assert!(!Asked { before_ms: Some(100), ..one.clone() }.fits(&header));
    assert!(Asked { thread_root: Some(3), ..one.clone() }.fits(&header));
    assert!(Asked { thread_root: Some(7), ..one.clone() }.fits(&header), "the root itself");
    assert!(!Asked { thread_root: Some(4), ..one }.fits(&header));
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let wrong = |text: &str, phrases: &[String]| clauses(text, phrases, false).unwrap_err();
    assert_eq!(wrong("!?", &[]), ("text", "has no words"));
    assert_eq!(wrong("", &["-".into()]), ("phrases", "have no words"));
    assert_eq!(wrong(&"x".repeat(513), &[]), ("text", "is over 512 bytes"));
    assert_eq!(wrong("", &vec!["x".repeat(200); 3]), ("phrases", "are over 512 bytes"));
    let many: String = (0..33).map(|n| format!("{n} ")).collect();
    assert_eq!(wrong(&many, &[]), ("text", "has too many words"));
    assert_eq!(clauses("a a A", &[], false).unwrap().len(), 1, "twice is once");
}

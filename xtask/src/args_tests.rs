//! Tests of the argument reader.

use super::*;

fn args(words: &[&str]) -> Args {
    Args::new(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn switches_options_and_words_are_taken_in_any_order() {
    let mut args = args(&["--seed", "7", "crash-kill", "--json", "--count=3"]);
    assert!(args.switch("--json"));
    assert!(!args.switch("--short"));
    assert_eq!(args.option::<u64>("--seed"), Ok(Some(7)));
    assert_eq!(args.option::<u32>("--count"), Ok(Some(3)));
    assert_eq!(args.word().as_deref(), Some("crash-kill"));
    assert_eq!(args.finish(), Ok(()));
}

#[test]
fn an_option_without_a_value_or_with_a_wrong_one_is_refused() {
    assert!(args(&["--seed"]).option::<u64>("--seed").is_err());
    assert!(args(&["--seed", "red"]).option::<u64>("--seed").is_err());
}

#[test]
fn what_is_left_is_refused_with_the_nearest_name() {
    let mut args = args(&["--jsn"]);
    assert!(!args.switch("--json"));
    let message = args.finish().expect_err("unknown");
    assert!(message.contains("did you mean `--json`"), "{message}");
}

#[test]
fn the_nearest_name_is_close_or_nothing() {
    let names = ["tidy", "test", "demo", "bench", "prove", "fuzz"];
    assert_eq!(nearest("tset", names.into_iter()), Some("test"));
    assert_eq!(nearest("benhc", names.into_iter()), Some("bench"));
    assert_eq!(nearest("tdiy", names.into_iter()), Some("tidy"));
    assert_eq!(nearest("fu", names.into_iter()), Some("fuzz"));
    assert_eq!(nearest("deploy", names.into_iter()), None);
}

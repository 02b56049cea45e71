//! Polls as they are asked, voted in and shown.

#![allow(clippy::unwrap_used)]

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_poll_is_a_question_and_its_options() {
    let poll = parse(words("Lunch? Pizza Soup")).unwrap();
    assert_eq!((poll.question.as_str(), poll.options.len()), ("Lunch?", 2));
    assert_eq!((poll.max_choices, poll.is_anonymous), (1, false));
    let poll = parse(words("several anonymous Lunch? Pizza Soup Salad")).unwrap();
    assert_eq!((poll.max_choices, poll.is_anonymous), (3, true));
    assert_eq!(parse(words("Lunch? Pizza")), None);
}

#[test]
fn options_are_chosen_by_their_numbers() {
    assert_eq!(parse_vote(&words("1 3")), Some(vec![0, 2]));
    assert_eq!(parse_vote(&[]), Some(vec![]));
    assert_eq!(parse_vote(&words("0")), None);
    assert_eq!(parse_vote(&words("Pizza")), None);
}

#[test]
fn a_poll_shows_its_result_and_the_own_choice() {
    let asked = NewPoll::new("Lunch?", ["Pizza", "Soup"]);
    let tally = parlour::Tally { votes: vec![3, 1], voters: 4, is_old: false };
    let mut poll = Poll { asked, tally: Some(tally), own: vec![1], is_closed: false };
    let text = |poll: &Poll| pieces(poll, 0).into_iter().map(|(text, _)| text).collect::<String>();
    assert_eq!(text(&poll), "▣ Lunch?\n○ 1 Pizza  ▇▇▇▇▇▇▇▇▇ 3\n● 2 Soup  ▇▇▇ 1");
    (poll.tally, poll.is_closed) = (None, true);
    assert_eq!(text(&poll), "▣ Lunch? · closed\n○ 1 Pizza\n● 2 Soup");
}

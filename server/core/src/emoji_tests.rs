//! What is an emoji.

use super::check_emoji;

#[test]
fn emoji_and_names_are_taken() {
    for good in ["👍", "❤️", "👩‍👩‍👧‍👦", "1️⃣", "🇨🇭", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🅰️", "ℹ️", "Ⓜ️", ":party_parrot:", ":+1:"]
    {
        assert!(check_emoji("emoji", good).is_ok(), "{good}");
    }
}

#[test]
fn words_are_not() {
    let long = "👍".repeat(17);
    for bad in ["", "a", "ok", "über", "👍 👍", "👍\n", ":", "::", ":Upper:", ":a b:", &long]
    {
        assert!(check_emoji("emoji", bad).is_err(), "{bad:?}");
    }
}

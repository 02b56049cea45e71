//! What is kept, and for how long.

use super::*;

fn at(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn page(title: &str) -> Option<Page> {
    Some(Page { title: title.into(), ..Page::default() })
}

#[test]
fn what_was_found_is_known_for_a_while_and_what_was_not_for_less() {
    let mut cache = Cache::default();
    cache.put("a", page("A"), at(0));
    cache.put("b", None, at(0));
    assert_eq!(cache.get("a", at(1)), Some(page("A")));
    assert_eq!(cache.get("b", at(1)), Some(None));
    assert_eq!(cache.get("c", at(1)), None);
    let missed = PREVIEWS_MISSED_FOR.as_secs();
    assert_eq!((cache.get("b", at(missed)), cache.get("a", at(missed))), (None, Some(page("A"))));
    assert_eq!(cache.get("a", PREVIEWS_KEPT_FOR), None);
}

#[test]
fn it_has_a_bound() {
    let mut cache = Cache::default();
    for n in 0..3 * PREVIEWS_KEPT {
        cache.put(&n.to_string(), page("x"), at(n as u64));
        cache.put("again", page("y"), at(n as u64));
        assert!(cache.pages.len() <= PREVIEWS_KEPT && cache.order.len() <= PREVIEWS_KEPT);
    }
    let now = at(3 * PREVIEWS_KEPT as u64);
    assert_eq!(cache.get("again", now), Some(page("y")));
    assert_eq!(cache.get("0", now), None);
}

//! Previews in whatever order they and the texts come.

use parlour_protocol::ids::ClientRef;

use super::*;

fn preview(title: &str) -> LinkPreview {
    LinkPreview { title: title.to_owned(), ..LinkPreview::default() }
}

fn added(text_seq: u64, title: &str) -> Said {
    Said::Added(text_seq, [preview(title)].into())
}

#[test]
fn those_of_the_text_that_is_shown_count() {
    let mut previews = Previews::default();
    assert!(previews.apply(1, added(1, "first"), 10));
    assert_eq!(previews.shown(1, 1)[..], [preview("first")]);
    // The edit is there, what it leads to isn't yet.
    assert!(previews.shown(1, 4).is_empty());
    assert!(previews.apply(1, added(4, "second"), 10));
    assert!(!previews.apply(1, added(1, "first"), 10), "late or again");
    assert_eq!(previews.shown(1, 4)[..], [preview("second")]);
    assert!(previews.shown(1, 1).is_empty());
    assert!(previews.shown(2, 2).is_empty());
}

#[test]
fn what_is_hidden_stays_so() {
    let mut previews = Previews::default();
    let mine = ClientRef::from_bytes([1; 16]);
    previews.apply(1, added(1, "first"), 10);
    previews.put_pending(1, mine);
    assert!(previews.shown(1, 1).is_empty());
    previews.drop_pending(1, ClientRef::from_bytes([2; 16]));
    assert!(previews.shown(1, 1).is_empty());
    previews.drop_pending(1, mine);
    assert_eq!(previews.shown(1, 1).len(), 1);
    assert!(previews.apply(1, Said::Hidden, 10) && !previews.apply(1, Said::Hidden, 10));
    previews.apply(1, added(3, "later"), 10);
    assert!(previews.shown(1, 1).is_empty() && previews.shown(1, 3).is_empty());
}

#[test]
fn the_oldest_are_forgotten_first() {
    let mut previews = Previews::default();
    for target in 1..=4 {
        previews.apply(target, added(target, "x"), 3);
    }
    assert_eq!((previews.shown(1, 1).len(), previews.shown(4, 4).len()), (0, 1));
    previews.forget_to(3);
    previews.forget(4);
    assert!(previews.shown(4, 4).is_empty());
}

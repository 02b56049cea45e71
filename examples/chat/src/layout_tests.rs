//! Rows of a timeline, at a width.

use parlour::RoomId;

use super::*;
use crate::model::{Event, people::Person};

const HOUR_MS: u64 = 3_600_000;

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn said(seq: u64, sender: u8, at_ms: u64, text: &str) -> Entry {
    let said = Said { text: text.to_owned(), ..Said::default() };
    let sender = Some(user(sender));
    Entry { place: Place::Log(seq), sender, at_ms, what: What::Message(said) }
}

fn model(columns: u16, entries: Vec<Entry>) -> Model {
    let room = RoomId::from_bytes([9; 16]);
    let mut model = Model::default();
    model.set_view(columns, 10);
    model.handle(Event::Me(user(1)));
    model.open_room(room);
    let person =
        |n: u8, name: &str| Person { id: user(n), subject: name.into(), name: name.into() };
    let members = vec![person(1, "Ada"), person(2, "Grace")];
    model.handle(Event::Members { room, members });
    model.handle(Event::Entries { room, thread: None, entries });
    model
}

fn text(pieces: &[Piece]) -> String {
    pieces.iter().map(|(text, _)| text.as_str()).collect()
}

fn rows(model: &Model, scroll: Scroll, height: usize) -> Vec<String> {
    let layout = Layout::of(model, model.open.as_ref().unwrap());
    layout.visible(scroll, height).iter().map(|row| text(&row.pieces)).collect()
}

fn wrapped(line: &str, columns: usize) -> Vec<String> {
    wrap(vec![(line.to_owned(), Role::Text)], columns).iter().map(|row| text(row)).collect()
}

#[test]
fn text_breaks_between_words_at_line_ends_and_within_what_is_too_long() {
    assert_eq!(wrapped("one two, three", 8), ["one two,", "three"]);
    assert_eq!(wrapped("a\n\nb", 8), ["a", "", "b"]);
    assert_eq!(wrapped("x abcdefghij", 4), ["x ", "abcd", "efgh", "ij"]);
    assert_eq!(wrapped("日本語です", 4), ["日本", "語で", "す"]);
    assert_eq!(wrapped("a\u{1b}[31mb", 20), ["a[31mb"]);
}

#[test]
fn days_are_separated_and_authors_named_once() {
    let entries = vec![
        said(1, 2, 0, "a"),
        said(2, 2, 60_000, "b"),
        said(3, 1, 61_000, "c"),
        said(4, 1, 48 * HOUR_MS, "d"),
    ];
    let rows = rows(&model(60, entries), Scroll::End, 20);
    assert_eq!(rows.len(), 6);
    assert!(rows[0].contains('─') && rows[4].contains('─'), "{rows:?}");
    assert!(rows[1].ends_with("Grace  a"), "{rows:?}");
    assert!(rows[2].ends_with("       b"), "{rows:?}");
    assert!(rows[3].ends_with("Ada  c"), "{rows:?}");
    assert!(rows[5].ends_with("Ada  d"), "{rows:?}");
}

#[test]
fn what_is_deleted_edited_waiting_or_failed_says_so() {
    let with = |change: fn(&mut Said)| {
        let mut entry = said(1, 1, 0, "secret");
        let What::Message(said) = &mut entry.what else { unreachable!() };
        change(said);
        rows(&model(90, vec![entry]), Scroll::End, 20).pop().unwrap()
    };
    let deleted = with(|said| said.is_deleted = true);
    assert!(deleted.ends_with("message deleted") && !deleted.contains("secret"));
    assert!(with(|said| said.is_edited = true).ends_with("secret (edited)"));
    assert!(with(|said| said.progress = Progress::Waiting).contains(" ◷ "));
    let failed = with(|said| said.progress = Progress::Failed("too fast".into()));
    assert!(failed.contains(" ! ") && failed.contains("not sent: too fast"));
}

#[test]
fn only_fields_mention_and_the_own_name_stands_out() {
    let mut entry = said(1, 2, 0, "@ada and @grace");
    let What::Message(said) = &mut entry.what else { unreachable!() };
    said.mentions = vec![user(1)];
    let model = model(60, vec![entry]);
    let layout = Layout::of(&model, model.open.as_ref().unwrap());
    let rows = layout.visible(Scroll::End, 10);
    let mentions: Vec<_> =
        rows[1].pieces.iter().filter(|piece| piece.1 == Role::MentionOfMe).collect();
    assert_eq!(mentions, [&("@ada".to_owned(), Role::MentionOfMe)]);
    assert!(!rows[1].pieces.iter().any(|piece| piece.1 == Role::Mention));
}

#[test]
fn scrolling_is_steady_and_stops_at_both_ends() {
    let entries: Vec<_> = (1..=30).map(|seq| said(seq, 2, seq * 1000, "two\nrows")).collect();
    let model = model(60, entries);
    let layout = Layout::of(&model, model.open.as_ref().unwrap());
    let (up, is_top) = layout.up(Scroll::End, 7, 10);
    assert!(!is_top);
    assert_eq!(rows(&model, up, 10).len(), 10);
    assert_eq!(layout.down(up, 7), Scroll::End);
    let mut scroll = Scroll::End;
    let mut steps = 0;
    loop {
        let (next, is_top) = layout.up(scroll, 7, 10);
        scroll = next;
        steps += 1;
        if is_top {
            break;
        }
        assert!(steps < 20);
    }
    let top = rows(&model, scroll, 10);
    assert_eq!(top.len(), 10);
    assert!(top[0].contains('─'), "{top:?}");
    assert!(rows(&model, Scroll::End, 4)[0].ends_with("Grace  two"), "named at the top");
    assert_eq!(layout.up(scroll, 7, 10), (scroll, true));
}

#[test]
fn fewer_rows_than_the_screen_has_do_not_scroll() {
    let model = model(60, vec![said(1, 2, 0, "a"), said(2, 2, 1, "b")]);
    let layout = Layout::of(&model, model.open.as_ref().unwrap());
    assert_eq!(layout.up(Scroll::End, 5, 10), (Scroll::End, true));
    assert_eq!(layout.down(Scroll::End, 5), Scroll::End);
}

#[test]
fn a_poll_takes_a_row_for_each_option() {
    let mut entry = said(1, 2, 0, "hungry");
    let What::Message(said) = &mut entry.what else { unreachable!() };
    let asked = parlour::NewPoll::new("Lunch?", ["Pizza", "Soup"]);
    let poll = parlour::Poll { asked, tally: None, own: vec![], is_closed: false };
    said.poll = Some(Box::new(poll));
    let rows = rows(&model(60, vec![entry]), Scroll::End, 20);
    assert!(rows[1].ends_with("Grace  hungry"), "{rows:?}");
    assert!(rows[2].ends_with("▣ Lunch?"), "{rows:?}");
    assert!(rows[4].ends_with("○ 2 Soup"), "{rows:?}");
}

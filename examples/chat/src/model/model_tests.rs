//! The chat without a screen and without a server.

use std::sync::Arc;

use parlour::presence::Availability;

use super::{
    entry::{Said, What},
    people::{Called, mentions},
    room::{Older, Scroll},
    *,
};

const ME: u8 = 1;
const GRACE: u8 = 2;

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn room(number: u8) -> RoomId {
    RoomId::from_bytes([number; 16])
}

fn person(number: u8, subject: &str, name: &str) -> Person {
    Person { id: user(number), subject: subject.to_owned(), name: name.to_owned() }
}

fn summary(number: u8, name: &str, unread: u64, read_seq: u64) -> Arc<RoomSummary> {
    Arc::new(RoomSummary {
        avatar: None,
        id: room(number),
        kind: parlour::RoomKind::Group,
        is_direct: false,
        name: name.to_owned(),
        peer: None,
        member_count: 2,
        topic: String::new(),
        is_archived: false,
        parent: None,
        is_open: false,
        slow_mode_s: 0,
        message_expiry_s: 0,
        last_seq: 0,
        last_at_ms: 0,
        unread,
        mentions: 0,
        settings: parlour::RoomSettings::default(),
        thread_unread: 0,
        thread_mentions: 0,
        read_seq,
        typing: Vec::new(),
    })
}

fn said(seq: u64, sender: u8, text: &str) -> Entry {
    Entry {
        place: Place::Log(seq),
        sender: Some(user(sender)),
        at_ms: seq * 1000,
        what: What::Message(Said { text: text.to_owned(), ..Said::default() }),
    }
}

/// Ada in the first of two rooms, with these unread and that said.
fn model(unread: u64, read_seq: u64, entries: Vec<Entry>) -> (Model, Vec<Effect>) {
    let mut model = Model::default();
    model.set_view(80, 20);
    model.handle(Event::Me(user(ME)));
    let members = vec![person(ME, "ada", "Ada"), person(GRACE, "grace", "Grace Hopper")];
    model.handle(Event::Rooms(vec![
        summary(1, "lunch", unread, read_seq),
        summary(2, "work", 0, 0),
    ]));
    model.handle(Event::Members { room: room(1), members });
    let effects = model.handle(Event::Entries { room: room(1), thread: None, entries });
    (model, effects)
}

fn type_in(model: &mut Model, text: &str) -> Vec<Effect> {
    model.press(Key::Paste(text.to_owned()));
    model.press(Key::Enter)
}

#[test]
fn new_messages_line_stands_before_the_first_unread_of_others() {
    let entries =
        vec![said(1, GRACE, "a"), said(2, ME, "b"), said(3, ME, "c"), said(4, GRACE, "d")];
    let (model, effects) = model(1, 2, entries);
    let open = model.open.as_ref().unwrap();
    assert_eq!(open.first_new(model.me), Some(3));
    assert!(effects.contains(&Effect::MarkRead { room: room(1), seq: 4 }));
}

#[test]
fn own_messages_after_a_mark_as_unread_are_read_with_the_others() {
    let (_, effects) = model(2, 0, vec![said(1, GRACE, "a"), said(2, ME, "b")]);
    assert!(effects.contains(&Effect::MarkRead { room: room(1), seq: 2 }));
}

#[test]
fn no_line_where_everything_is_read() {
    let (model, effects) = model(0, 2, vec![said(1, GRACE, "a"), said(2, GRACE, "b")]);
    assert_eq!(model.open.as_ref().unwrap().first_new(model.me), None);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::MarkRead { .. })));
}

#[test]
fn nothing_is_marked_while_nobody_looks() {
    let (mut model, _) = model(0, 1, vec![said(1, GRACE, "a")]);
    model.press(Key::Focus(false));
    let entries = vec![said(1, GRACE, "a"), said(2, GRACE, "b")];
    let effects = model.handle(Event::Entries { room: room(1), thread: None, entries });
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::MarkRead { .. })));
    assert_eq!(model.open.as_ref().unwrap().first_new(model.me), Some(1));
    let effects = model.press(Key::Focus(true));
    assert_eq!(effects, [Effect::MarkRead { room: room(1), seq: 2 }, Effect::Show(true)]);
}

#[test]
fn those_in_direct_rooms_are_watched_and_shown() {
    let (mut model, _) = model(0, 0, vec![]);
    let direct =
        RoomSummary { is_direct: true, peer: Some(user(GRACE)), ..(*summary(3, "", 0, 0)).clone() };
    let rooms = vec![Arc::new(direct), summary(1, "lunch", 0, 0)];
    let effects = model.handle(Event::Rooms(rooms.clone()));
    assert!(effects.contains(&Effect::Watch(vec![user(GRACE)])));
    let effects = model.handle(Event::Rooms(rooms));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Watch(_))), "once is enough");
    let presence = UserPresence {
        availability: Availability::Online,
        status: Some("at sea".into()),
        ..UserPresence::unknown(user(GRACE))
    };
    model.handle(Event::Presence(vec![Arc::new(presence.clone())]));
    assert_eq!(model.people.presence(user(GRACE)), Some(&presence));
    assert_eq!(type_in(&mut model, "/status at lunch"), [Effect::SetStatus("at lunch".into())]);
    assert_eq!(type_in(&mut model, "/status"), [Effect::SetStatus(String::new())]);
}

#[test]
fn what_was_marked_unread_stays_so_until_the_room_is_opened_again() {
    let (mut model, _) = model(0, 2, vec![said(1, GRACE, "a"), said(2, GRACE, "b")]);
    assert_eq!(type_in(&mut model, "/unread"), [Effect::MarkUnread { room: room(1), seq: 2 }]);
    let rooms = vec![summary(1, "lunch", 1, 1), summary(2, "work", 0, 0)];
    assert!(model.handle(Event::Rooms(rooms)).is_empty());
    assert_eq!(model.open.as_ref().unwrap().first_new(model.me), Some(1));
}

#[test]
fn sending_resolves_mentions_to_members() {
    let (mut model, _) = model(0, 0, Vec::new());
    let effects = type_in(&mut model, "@Grace Hopper and @nobody, see mail@grace");
    let Effect::Send { mentions, everyone, .. } = &effects[0] else { panic!("{effects:?}") };
    assert_eq!((mentions.as_slice(), *everyone), ([user(GRACE)].as_slice(), false));
    let effects = type_in(&mut model, "@everyone: lunch!");
    assert!(matches!(&effects[0], Effect::Send { everyone: true, .. }));
}

#[test]
fn the_last_message_is_reacted_to_and_answered() {
    let (mut model, _) = model(0, 2, vec![said(1, ME, "a"), said(2, GRACE, "b")]);
    let effects = type_in(&mut model, "/react 👍");
    let Effect::React { seq, emoji, on: true, .. } = &effects[0] else { panic!("{effects:?}") };
    assert_eq!((*seq, emoji.as_str()), (2, "👍"));
    let open = model.open.as_mut().expect("a room is open");
    let last = open.entries.last_mut().expect("a message");
    let What::Message(said) = &mut last.what else { panic!("a message") };
    said.reactions = vec![("👍".to_owned(), vec![user(ME)])];
    let effects = type_in(&mut model, "/react 👍");
    assert!(matches!(&effects[0], Effect::React { on: false, .. }), "{effects:?}");
    let effects = type_in(&mut model, "/reply indeed");
    assert!(matches!(&effects[0], Effect::Send { reply_to: Some(2), .. }), "{effects:?}");
}

#[test]
fn the_longest_name_is_meant_and_only_whole_words() {
    let members = [person(1, "ann", "Ann"), person(2, "a2", "Ann Lee"), person(3, "x", "Änne")];
    let called = |text: &str| mentions(text, &members).into_iter().map(|m| m.1).collect::<Vec<_>>();
    assert_eq!(called("@ann lee?"), [Called::User(user(2))]);
    assert_eq!(called("(@Ann)"), [Called::User(user(1))]);
    assert_eq!(called("@annette"), []);
    assert_eq!(called("@äNNE!"), [Called::User(user(3))]);
    assert_eq!(called("x@ann @ @"), []);
}

#[test]
fn up_walks_through_the_own_messages_and_down_back_to_the_draft() {
    let (mut model, _) =
        model(0, 3, vec![said(1, ME, "one"), said(2, GRACE, "x"), said(3, ME, "two")]);
    model.press(Key::Up);
    assert_eq!(model.input.text(), "two");
    model.press(Key::Up);
    assert_eq!(model.input.text(), "one");
    model.press(Key::Down);
    model.press(Key::Char('!'));
    let effects = model.press(Key::Enter);
    let expected = Effect::Edit { room: room(1), place: Place::Log(3), text: "two!".to_owned() };
    assert_eq!(effects, [expected]);
    assert_eq!((model.input.text(), &model.mode), ("", &Mode::Writing));
}

#[test]
fn a_hint_goes_with_the_next_key_and_an_error_with_the_next_deed() {
    let (mut model, _) = model(0, 0, Vec::new());
    model.press(Key::Up);
    assert!(model.note.is_some());
    model.press(Key::Char('a'));
    assert_eq!(model.note, None);
    model.handle(Event::Failed("no".into()));
    model.press(Key::Char('b'));
    assert!(model.note.is_some());
    model.press(Key::Enter);
    assert_eq!(model.note, None);
}

#[test]
fn deleting_asks_first() {
    let (mut model, _) = model(0, 1, vec![said(1, ME, "one")]);
    assert!(model.press(Key::DeleteMessage).is_empty());
    assert!(model.press(Key::Char('n')).is_empty());
    model.press(Key::DeleteMessage);
    let effects = model.press(Key::Char('y'));
    assert_eq!(effects, [Effect::Delete { room: room(1), place: Place::Log(1) }]);
}

#[test]
fn the_input_edits_by_characters_as_people_count_them() {
    let mut input = Input::default();
    input.insert("né👩‍👩‍👧 x\r\ny\u{1b}[31m");
    assert_eq!(input.text(), "né👩‍👩‍👧 x\ny[31m");
    input.set("ab👩‍👩‍👧e\u{301}");
    input.backspace();
    input.backspace();
    assert_eq!(input.text(), "ab");
    input.left();
    input.insert("-");
    assert_eq!(input.text(), "a-b");
    input.set("one two");
    input.delete_word();
    assert_eq!(input.text(), "one ");
}

#[test]
fn the_cursor_moves_through_lines_and_keeps_its_column() {
    let mut input = Input::default();
    input.insert("first\nab\nthird");
    assert!(input.line_up());
    assert_eq!(input.cursor(), "first\nab".len());
    assert!(input.line_up());
    assert_eq!(input.cursor(), 2);
    assert!(!input.line_up());
    input.delete_to_line_start();
    assert_eq!(input.text(), "rst\nab\nthird");
}

#[test]
fn history_keeps_the_draft() {
    let mut input = Input::default();
    for line in ["one", "two"] {
        input.insert(line);
        input.take();
    }
    input.insert("dra");
    input.history_older();
    input.history_older();
    input.history_older();
    assert_eq!(input.text(), "one");
    input.history_newer();
    input.history_newer();
    assert_eq!(input.text(), "dra");
}

#[test]
fn commands_are_read_as_people_write_them() {
    use command::{Command, Line, parse};
    let group =
        Command::Group { name: "Lunch club".into(), members: vec!["ada".into(), "bo".into()] };
    assert_eq!(parse("/group \"Lunch club\" @ada  bo"), Ok(Line::Command(group)));
    assert_eq!(parse("/dm @ada"), Ok(Line::Command(Command::Direct("ada".into()))));
    assert_eq!(parse("//shrug"), Ok(Line::Text("/shrug".into())));
    assert_eq!(parse("/dm"), Err("usage: /dm NAME".into()));
    assert!(parse("/nonsense").is_err());
}

#[test]
fn a_wrong_command_stays_to_be_corrected() {
    let (mut model, _) = model(0, 0, Vec::new());
    assert!(type_in(&mut model, "/invte bo").is_empty());
    assert_eq!(model.input.text(), "/invte bo");
    assert!(model.note.as_ref().is_some_and(|note| note.is_error));
}

#[test]
fn tab_completes_names_and_commands_and_else_changes_the_room() {
    let (mut model, _) = model(0, 0, Vec::new());
    model.press(Key::Paste("hi @gr".into()));
    assert!(model.press(Key::Tab).is_empty());
    assert_eq!(model.input.text(), "hi @Grace Hopper ");
    model.input.set("/inv");
    model.press(Key::Tab);
    assert_eq!(model.input.text(), "/invite ");
    model.input.set("");
    assert!(model.press(Key::Tab).contains(&Effect::Open(room(2))));
    assert!(model.press(Key::PreviousRoom).contains(&Effect::Open(room(1))));
}

#[test]
fn history_is_asked_for_until_the_screen_is_full_and_at_its_top() {
    let (mut model, effects) = model(0, 0, vec![said(100, GRACE, "x")]);
    assert!(effects.contains(&Effect::LoadOlder(room(1))), "the screen isn't full: {effects:?}");
    let entries: Vec<_> = (60..=100).map(|seq| said(seq, GRACE, "x")).collect();
    model.handle(Event::Entries { room: room(1), thread: None, entries });
    assert!(model.handle(Event::Older { room: room(1), thread: None, more: Ok(true) }).is_empty());
    assert_eq!(model.press(Key::PageUp), []);
    let mut effects = Vec::new();
    for _ in 0..5 {
        effects.extend(model.press(Key::PageUp));
    }
    assert_eq!(effects, [Effect::LoadOlder(room(1))]);
    model.handle(Event::Older { room: room(1), thread: None, more: Ok(false) });
    assert_eq!(model.open.as_ref().unwrap().older, Older::None);
    assert!(model.press(Key::PageUp).is_empty());
    model.press(Key::Escape);
    assert_eq!(model.open.as_ref().unwrap().scroll, Scroll::End);
}

#[test]
fn a_lost_room_gives_way_to_the_next() {
    let (mut model, _) = model(0, 0, Vec::new());
    let effects = model.handle(Event::Rooms(vec![summary(2, "work", 0, 0)]));
    assert!(effects.contains(&Effect::Open(room(2))));
}

#[test]
fn a_thread_is_shown_instead_of_its_room_and_left_again() {
    let root = Said { text: "root".into(), replies: 2, ..Said::default() };
    let entry = Entry { what: What::Message(root), ..said(2, 2, "root") };
    let (mut model, _) = model(0, 2, vec![entry]);
    let effects = type_in(&mut model, "/thread so");
    assert!(matches!(&effects[0], Effect::Send { thread: Some(2), .. }), "{effects:?}");
    let effects = type_in(&mut model, "/thread");
    assert_eq!(effects, [Effect::OpenThread { room: room(1), root: 2 }]);
    // What still comes of the room isn't shown, what comes of the thread is, and read.
    let late = Event::Entries { room: room(1), thread: None, entries: vec![said(9, 2, "no")] };
    assert!(model.handle(late).is_empty());
    let entries = vec![said(2, 2, "root"), said(5, 2, "one")];
    let effects = model.handle(Event::Entries { room: room(1), thread: Some(2), entries });
    assert!(effects.contains(&Effect::MarkThreadRead { room: room(1), root: 2, seq: 5 }));
    let effects = type_in(&mut model, "two");
    assert!(matches!(&effects[0], Effect::Send { thread: Some(2), .. }), "{effects:?}");
    assert!(model.press(Key::Escape).contains(&Effect::Open(room(1))));
    assert_eq!(model.open.as_ref().and_then(|open| open.thread), None);
}

#[test]
fn help_is_scrolled_by_arrows_and_left_by_any_other_key() {
    let (mut model, _) = model(0, 0, vec![]);
    type_in(&mut model, "/help");
    assert_eq!(model.mode, Mode::Help { from: 0 });
    for (key, from) in [(Key::Up, 0), (Key::Down, 1), (Key::PageDown, 11), (Key::PageUp, 1)] {
        model.press(key);
        assert_eq!(model.mode, Mode::Help { from });
    }
    model.press(Key::Char('x'));
    assert_eq!(model.mode, Mode::Writing);
}

#[test]
fn what_was_searched_for_is_listed_until_a_key_is_pressed() {
    let mut model = Model::default();
    model.handle(Event::Rooms(vec![summary(1, "Lunch", 0, 0)]));
    let effects = type_in(&mut model, "/search noon from:@grace");
    assert_eq!(effects, [Effect::Search("noon from:@grace".to_owned())]);
    model.handle(Event::Found(Vec::new()));
    assert_eq!(model.mode, Mode::Writing);
    assert!(model.note.is_some(), "nothing is worth a word");
    let line = FoundLine {
        room: room(1),
        sender: Some(user(GRACE)),
        text: "at noon".to_owned(),
        marks: std::iter::once(3..7).collect(),
    };
    let effects = model.handle(Event::Found(vec![line.clone()]));
    assert_eq!(effects, [Effect::LookUp(vec![user(GRACE)])]);
    assert_eq!(model.mode, Mode::Found(vec![line]));
    model.press(Key::Escape);
    assert_eq!(model.mode, Mode::Writing);
}

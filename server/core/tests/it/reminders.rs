//! Reminders without a network: said once at their time, on all devices, and to nobody else.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::ports::clock::Clock;
use parlour_inproc::{Server, group, send};
use parlour_protocol::{
    generated::{EventBody, rpc},
    limits::REMINDERS_MAX,
    message::DeleteRequest,
    reminder::*,
    wire::{Error, ErrorReason, event_frame::Frame},
};

fn set(server: &mut Server, by: usize, reminder: &Reminder) -> Result<(), Error> {
    let request = SetReminderRequest { reminder: Some(reminder.clone()) };
    server.call::<rpc::SetReminder>(by, &request).map(drop)
}

fn reminder(server: &mut Server, text: &str, ms: u64) -> Reminder {
    Reminder {
        id: server.client_ref().to_field(),
        at_ms: server.hand.now().unix_ms + ms,
        text: text.into(),
        ..Reminder::default()
    }
}

fn delete(server: &mut Server, by: usize, reminder: &Reminder) {
    let request = DeleteReminderRequest { id: reminder.id.clone() };
    server.call::<rpc::DeleteReminder>(by, &request).unwrap();
}

fn list(server: &mut Server, by: usize) -> Vec<Reminder> {
    let mut request = ListRemindersRequest::default();
    let mut all = vec![];
    loop {
        let answer = server.call::<rpc::ListReminders>(by, &request).unwrap();
        all.extend(answer.reminders);
        if answer.next_page.is_empty() {
            return all;
        }
        request.page = answer.next_page;
    }
}

/// What a connection heard: `+` set, `!` due, `-` gone.
fn heard(server: &mut Server, by: usize) -> Vec<(char, String)> {
    server.deliver();
    let frames = server.clients[by].frames.drain(..);
    let events = frames.flat_map(|frame| match frame {
        Frame::UserEvents(events) => events.events,
        _ => vec![],
    });
    let said = |event: parlour_protocol::wire::Event| match EventBody::decode(
        event.header.unwrap().kind,
        event.body,
    )
    .unwrap()
    {
        EventBody::ReminderChanged(ReminderChanged { reminder, deleted }) => {
            let reminder = reminder.unwrap();
            let sign = if deleted { '-' } else { ['+', '!'][usize::from(reminder.due)] };
            Some((sign, reminder.text))
        }
        _ => None,
    };
    events.filter_map(said).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn a_reminder_is_said_once_at_its_time_on_all_devices_and_stays_until_it_is_taken_off() {
    let mut server = Server::new();
    let (ann, laptop, ben) = (server.connect("ann"), server.connect("ann"), server.connect("ben"));
    let tea = reminder(&mut server, "tea", 60_000);
    set(&mut server, ann, &tea).unwrap();
    set(&mut server, ann, &tea).unwrap();
    server.carry_out_timers();
    assert_eq!(heard(&mut server, laptop), [('+', "tea".into())]);
    server.advance(Duration::from_secs(61));
    server.carry_out_timers();
    server.carry_out_timers();
    assert_eq!(heard(&mut server, laptop), [('!', "tea".into())]);
    assert_eq!(heard(&mut server, ben), []);
    assert!(list(&mut server, ann)[0].due);
    assert_eq!(list(&mut server, ben), []);
    // Later once more.
    let at_ms = server.hand.now().unix_ms + 1_000;
    set(&mut server, laptop, &Reminder { at_ms, ..tea.clone() }).unwrap();
    server.advance(Duration::from_secs(2));
    server.carry_out_timers();
    delete(&mut server, ann, &tea);
    delete(&mut server, ann, &tea);
    let all = [('+', "tea".into()), ('!', "tea".into()), ('-', String::new())];
    assert_eq!(heard(&mut server, laptop), all);
    assert_eq!(list(&mut server, ann), []);
}

#[test]
fn one_that_is_taken_off_or_moved_before_its_time_says_nothing_then() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let (gone, moved) =
        (reminder(&mut server, "gone", 1_000), reminder(&mut server, "moved", 1_000));
    set(&mut server, ann, &gone).unwrap();
    set(&mut server, ann, &moved).unwrap();
    delete(&mut server, ann, &gone);
    let at_ms = moved.at_ms + 60_000;
    set(&mut server, ann, &Reminder { at_ms, ..moved }).unwrap();
    heard(&mut server, ann);
    server.advance(Duration::from_secs(30));
    server.carry_out_timers();
    assert_eq!(heard(&mut server, ann), []);
    server.advance(Duration::from_secs(60));
    server.carry_out_timers();
    assert_eq!(heard(&mut server, ann), [('!', "moved".into())]);
}

#[test]
fn one_about_a_message_needs_one_that_can_be_read_when_it_is_set() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[]);
    let seq = send(&mut server, ann, &room, "read me");
    let about = Reminder { room: room.clone(), seq, ..reminder(&mut server, "", 1_000) };
    assert_eq!(reason(set(&mut server, ben, &about)), ErrorReason::RoomNotFound);
    set(&mut server, ann, &about).unwrap();
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq: seq };
    server.call::<rpc::Delete>(ann, &request).unwrap();
    let other = Reminder { id: server.client_ref().to_field(), ..about.clone() };
    assert_eq!(reason(set(&mut server, ann, &other)), ErrorReason::MessageNotFound);
    // The one that was set is said all the same.
    server.advance(Duration::from_secs(2));
    server.carry_out_timers();
    assert!(list(&mut server, ann)[0].due);
}

#[test]
fn there_are_as_many_as_may_be_and_each_has_something_to_say() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    for i in 0..REMINDERS_MAX {
        let text = format!("{i}{}", "x".repeat(1000));
        let one = reminder(&mut server, &text, 1_000_000);
        set(&mut server, ann, &one).unwrap();
    }
    let listed = list(&mut server, ann);
    let numbers = listed.iter().map(|r| r.text.trim_end_matches('x').parse::<usize>().unwrap());
    assert!(numbers.eq(0..REMINDERS_MAX));
    let more = reminder(&mut server, "more", 1_000);
    assert_eq!(reason(set(&mut server, ann, &more)), ErrorReason::TooManyReminders);
    set(&mut server, ann, &Reminder { text: "other".into(), ..listed[0].clone() }).unwrap();
    let empty = reminder(&mut server, "", 1_000);
    let (past, long) = (reminder(&mut server, "x", 0), reminder(&mut server, &"x".repeat(1025), 9));
    let half = Reminder { room: Bytes::from_static(&[1; 16]), ..reminder(&mut server, "x", 9) };
    for wrong in [empty, past, long, half] {
        assert_eq!(reason(set(&mut server, ann, &wrong)), ErrorReason::InvalidField);
    }
}

//! Who is asked for again, and who hears of it.

use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::transfer::Transfers;

/// A line to a driver that the test plays.
fn line() -> (Handle, mpsc::Receiver<Command>, mpsc::Sender<Command>) {
    let (sender, commands) = mpsc::channel(8);
    let (me, path) = (watch::channel(None).1, watch::channel(None).1);
    let cancels = mpsc::unbounded_channel().0;
    (Handle::new(sender.downgrade(), cancels, me, Transfers::new(path)), commands, sender)
}

fn id(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn said(n: u8, name: &str, mark: u32) -> WireUser {
    WireUser { id: id(n).to_field(), name: name.into(), mark, ..WireUser::default() }
}

fn hears(handle: &Handle, n: u8, mark: u32) -> Vec<UserId> {
    handle.hear_marks([(id(n), mark)].into_iter())
}

/// Who is asked for, out of what the driver was told.
fn asked(commands: &mut mpsc::Receiver<Command>) -> Vec<UserId> {
    let all = std::iter::from_fn(|| commands.try_recv().ok());
    let asked = all.filter_map(|command| match command {
        Command::AskUsers(users) => Some(users),
        _ => None,
    });
    asked.flatten().collect()
}

#[test]
fn who_is_another_than_what_is_known_of_them_is_asked_for() {
    let (handle, mut commands, _open) = line();
    handle.learn_users(vec![said(1, "Ada", 5), said(2, "Bob", 6)]);
    assert_eq!(hears(&handle, 1, 5), []);
    assert_eq!(hears(&handle, 1, 7), [id(1)]);
    assert_eq!(hears(&handle, 2, 0), [], "nothing was told");
    assert_eq!(hears(&handle, 3, 9), [], "nobody has asked for them");
    assert_eq!(asked(&mut commands), []);
}

#[test]
fn an_answer_from_before_what_presence_told_is_asked_for_once_more() {
    let (handle, mut commands, _open) = line();
    assert_eq!(hears(&handle, 1, 7), []);
    handle.learn_users(vec![said(1, "Ada", 5)]);
    assert_eq!(asked(&mut commands), [id(1)]);
    // Whatever comes now, it is not asked for again and again.
    handle.learn_users(vec![said(1, "Ada", 6)]);
    assert_eq!(asked(&mut commands), []);
}

#[test]
fn what_was_kept_from_a_run_before_is_compared_as_well() {
    let (handle, ..) = line();
    let row = said(1, "Ada", 5).encode_to_vec().into();
    handle.recall_users(vec![(id(1), row)], None);
    assert_eq!((hears(&handle, 1, 5), hears(&handle, 1, 6)), (vec![], vec![id(1)]));
}

#[test]
fn observers_hear_of_those_who_are_others_and_end_with_the_client() {
    let (handle, ..) = line();
    let mut changes = handle.observe_users();
    let next = |changes: &mut Feed<User>| changes.next().now_or_never().flatten();
    handle.learn_users(vec![said(1, "Ada", 5), said(2, "Bob", 5)]);
    handle.learn_users(vec![said(1, "Ada", 6)]);
    assert_eq!(next(&mut changes), None, "they were unknown, and then the same");
    for (mark, name) in [(7, "Ada L."), (8, "Ada Lovelace")] {
        handle.learn_users(vec![said(1, name, mark)]);
    }
    let heard = next(&mut changes).expect("a change");
    assert_eq!((heard.id, &*heard.name), (id(1), "Ada Lovelace"));
    assert_eq!(next(&mut changes), None, "only the newest counts");
    handle.end_users();
    assert_eq!(changes.next().now_or_never(), Some(None));
    assert_eq!(handle.observe_users().next().now_or_never(), Some(None));
}

#[test]
fn an_observer_far_behind_misses_the_first() {
    let mut queue = VecDeque::new();
    for n in 0..=USER_CHANGES_MAX as u128 {
        let id = UserId::from_bytes(n.to_be_bytes());
        let user = WireUser { id: id.to_field(), ..WireUser::default() };
        tell(&mut queue, &parse_user(user).unwrap());
    }
    assert_eq!(queue.len(), USER_CHANGES_MAX);
    assert_eq!(queue[0].id, UserId::from_bytes(1u128.to_be_bytes()));
}

//! The Rust SDK against a real server: what is sent and told later, what is begun, what disappears.

use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::clients::{client, eventually, next, pair, texts};
use parlour::{Draft, Item, OwnChange, ScheduledFate, ScheduledState, protocol::wire::ErrorReason};
use parlour_features::server::Server;

fn in_ms(ms: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64 + ms
}

#[tokio::test]
async fn a_scheduled_message_is_sent_once_by_a_server_that_was_killed_before() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let schedule = alice.schedule();
    let never = schedule.send(&room, "never", in_ms(60_000)).await.unwrap();
    let mut changes = alice.own_changes().await.unwrap();
    let id = schedule.send(&room, "at its time", in_ms(3_000)).await.unwrap();
    let set = next(&mut changes).await;
    assert!(matches!(set, OwnChange::Scheduled { fate: ScheduledFate::Set, .. }), "{set:?}");
    server.kill();
    server.run().unwrap();
    let listed = schedule.list().await.unwrap();
    // Two ids of one millisecond have no order.
    assert_eq!(listed.iter().map(|one| one.id).collect::<BTreeSet<_>>(), [never, id].into());
    let one = listed.iter().find(|one| one.id == id).expect("it is there");
    assert_eq!((one.state, &*one.draft.text), (ScheduledState::Waiting, "at its time"));
    schedule.cancel(never).await.unwrap();
    let mut fates = vec![];
    loop {
        match next(&mut changes).await {
            OwnChange::Scheduled { id: of, fate, seq, .. } if of == id => {
                fates.push(fate);
                if fate == ScheduledFate::Sent {
                    assert!(seq.is_some());
                    break;
                }
            }
            _ => {}
        }
    }
    assert_eq!(fates, [ScheduledFate::Sending, ScheduledFate::Sent]);
    assert_eq!(schedule.list().await.unwrap(), []);
    let late = schedule.cancel(id).await.unwrap_err();
    assert_eq!(late.reason(), Some(ErrorReason::ScheduledNotFound));
    let mut timeline = bob.room(room.id()).timeline().await.unwrap();
    eventually(|| texts(timeline.refresh()).contains(&"at its time".to_owned())).await;
    assert_eq!(texts(timeline.refresh()), ["at its time"]);
}

#[tokio::test]
async fn a_reminder_is_due_on_every_device_also_on_one_that_comes_back() {
    let server = Server::roomy();
    let (alice, _bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let seq = room.send("about this").await.unwrap().seq;
    let mut changes = alice.own_changes().await.unwrap();
    let id = alice.reminders().set(in_ms(1_500), "tea", Some((room.id(), seq))).await.unwrap();
    let set = next(&mut changes).await;
    let due = next(&mut changes).await;
    let OwnChange::Reminder(reminder) = due else { panic!("{due:?}") };
    assert_eq!((reminder.id, reminder.is_due, reminder.about), (id, true, Some((room.id(), seq))));
    assert!(matches!(set, OwnChange::Reminder(r) if !r.is_due));
    let phone = client(&server, "alice").connect().await.unwrap();
    assert!(phone.reminders().list().await.unwrap()[0].is_due);
    phone.reminders().delete(id).await.unwrap();
    assert_eq!(next(&mut changes).await, OwnChange::ReminderDeleted(id));
}

#[tokio::test]
async fn what_is_begun_goes_on_at_another_device() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let phone = client(&server, "alice").connect().await.unwrap();
    phone.synced().await.unwrap();
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let mut changes = phone.own_changes().await.unwrap();
    let mentions = vec![bob.me().unwrap()];
    let draft = Draft { text: "Shall we".into(), mentions, ..Draft::default() };
    alice.drafts().set(room.id(), &draft).await.unwrap();
    let changed = next(&mut changes).await;
    let OwnChange::Draft(begun) = changed else { panic!("{changed:?}") };
    assert_eq!((begun.room, &begun.draft), (room.id(), &draft));
    assert_eq!(phone.drafts().list().await.unwrap(), [begun]);
    assert_eq!(bob.drafts().list().await.unwrap(), []);
    phone.drafts().set(room.id(), &Draft::default()).await.unwrap();
    assert_eq!(alice.drafts().list().await.unwrap(), []);
}

#[tokio::test]
async fn a_message_disappears_from_what_others_see_and_from_what_is_kept() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    room.send("stays").await.unwrap();
    room.set_message_expiry(5).await.unwrap();
    let theirs = bob.room(room.id());
    let mut timeline = theirs.timeline().await.unwrap();
    room.send("goes").await.unwrap();
    eventually(|| texts(timeline.refresh()).contains(&"goes".to_owned())).await;
    let expires = timeline
        .refresh()
        .iter()
        .filter_map(Item::message)
        .any(|m| m.expires_at_ms.is_some_and(|at_ms| at_ms > m.at_ms) && m.text == "goes");
    assert!(expires);
    assert_eq!(theirs.summary().await.unwrap().unwrap().message_expiry_s, 5);
    eventually(|| texts(timeline.refresh()) == ["stays", "(deleted)"]).await;
    let fresh = client(&server, "bob").connect().await.unwrap();
    let mut timeline = fresh.room(room.id()).timeline().await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["stays", "(deleted)"]).await;
}

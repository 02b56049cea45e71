//! The Rust SDK against a real server: who is there, and what they say of themselves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clients::{client, eventually, pair};
use futures_util::StreamExt;
use parlour::{
    Client, UserId, WatchError,
    presence::{Activity, Availability, PresenceList, Status},
    protocol::{limits::PRESENCE_WATCHED_MAX, wire::ErrorReason},
};
use parlour_features::{
    relay::{Relay, Way},
    server::Server,
};

/// QUIC notices a peer that is gone after this time.
const IDLE: Duration = Duration::from_secs(30);

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("before the year 500 million")
}

async fn watch(by: &Client, of: &Client) -> PresenceList {
    by.presence().watch(of.me()).await.expect("watched")
}

fn first(list: &mut PresenceList) -> Availability {
    list.refresh()[0].availability
}

#[tokio::test]
async fn people_come_do_nothing_and_go() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let mut list = watch(&alice, &bob).await;
    eventually(|| first(&mut list) == Availability::Offline).await;
    bob.presence().set_active().await.unwrap();
    eventually(|| first(&mut list) == Availability::Online).await;
    bob.presence().set_idle().await.unwrap();
    eventually(|| first(&mut list) == Availability::Idle).await;
    // Another device of his is in use.
    let phone = client(&server, "bob").connect().await.unwrap();
    phone.presence().set_active().await.unwrap();
    eventually(|| first(&mut list) == Availability::Online).await;
    phone.presence().set_background().await.unwrap();
    eventually(|| first(&mut list) == Availability::Idle).await;
    // The same as the system tells it.
    phone.entered_foreground().await.unwrap();
    eventually(|| first(&mut list) == Availability::Online).await;
    phone.entered_background().await.unwrap();
    eventually(|| first(&mut list) == Availability::Idle).await;
    let before_ms = now_ms() - 5_000;
    bob.disconnect().await;
    eventually(|| first(&mut list) == Availability::Offline).await;
    let seen_ms = list.items()[0].last_seen_ms.unwrap();
    assert!((before_ms..=now_ms() + 5_000).contains(&seen_ms));
}

#[tokio::test]
async fn a_list_goes_on_over_restarts_of_the_server() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let mut list = watch(&alice, &bob).await;
    bob.presence().set_status("on the train").await.unwrap();
    bob.presence().set_active().await.unwrap();
    eventually(|| first(&mut list) == Availability::Online).await;
    for activity in [Activity::Idle, Activity::Active] {
        server.kill();
        // What is said and asked without a server is said and asked when it is back.
        bob.presence().set_activity(activity).await.unwrap();
        server.run().unwrap();
        let expected = match activity {
            Activity::Active => Availability::Online,
            _ => Availability::Idle,
        };
        eventually(|| first(&mut list) == expected).await;
        let status = list.items()[0].status.clone().unwrap();
        assert_eq!(status.text, "on the train");
    }
}

#[tokio::test]
async fn whoever_loses_the_network_is_gone_after_a_while_and_a_short_outage_does_not_show() {
    let server = Server::roomy();
    let relay = Relay::to(server.ready().quic, 7).await;
    let alice = client(&server, "alice").connect().await.unwrap();
    let door = relay.address().to_string();
    let bob = client(&server, "bob").address(door).connect().await.unwrap();
    bob.presence().set_active().await.unwrap();
    let mut list = watch(&alice, &bob).await;
    eventually(|| first(&mut list) == Availability::Online).await;
    relay.kill_addresses();
    bob.network_changed();
    bob.synced().await.unwrap();
    while let Ok(Some(_)) = tokio::time::timeout(Duration::from_secs(8), list.next()).await {
        assert_eq!(list.items()[0].availability, Availability::Online);
    }
    relay.set(Way { is_dark: true, ..Way::default() });
    let gone = async {
        while first(&mut list) != Availability::Offline {
            list.next().await.unwrap();
        }
    };
    let grace = Duration::from_secs(15);
    tokio::time::timeout(IDLE + grace, gone).await.expect("the server notices");
    relay.set(Way::default());
    eventually(|| first(&mut list) == Availability::Online).await;
}

#[tokio::test]
async fn statuses_end_and_devices_agree() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let phone = client(&server, "bob").connect().await.unwrap();
    let mut heard = phone.presence().settings_changes().await.unwrap();
    let mut list = watch(&alice, &bob).await;
    bob.presence().set_active().await.unwrap();
    let status = Status {
        text: "at lunch".into(),
        emoji: "🍜".into(),
        expires_at_ms: Some(now_ms() + 6_000),
    };
    bob.presence().set_status(status.clone()).await.unwrap();
    eventually(|| list.refresh()[0].status.as_ref() == Some(&status)).await;
    assert_eq!(heard.next().await.unwrap().status, Some(status.clone()));
    bob.presence().set_do_not_disturb(Some(now_ms() + 6_000)).await.unwrap();
    eventually(|| first(&mut list) == Availability::DoNotDisturb).await;
    let settings = phone.presence().settings().await.unwrap();
    assert_eq!(settings.status, Some(status), "the one set later leaves the other as it was");
    assert!(settings.do_not_disturb_until_ms.is_some() && settings.shares_last_seen);
    eventually(|| {
        list.refresh()[0].status.is_none() && list.items()[0].availability == Availability::Online
    })
    .await;
    bob.presence().set_status("back").await.unwrap();
    eventually(|| list.refresh()[0].status == Some(Status::from("back"))).await;
    phone.presence().clear_status().await.unwrap();
    eventually(|| list.refresh()[0].status.is_none()).await;
    bob.presence().share_last_seen(false).await.unwrap();
    phone.disconnect().await;
    bob.disconnect().await;
    eventually(|| first(&mut list) == Availability::Offline).await;
    assert_eq!(list.items()[0].last_seen_ms, None);
    let refused = alice.presence().set_status("x".repeat(101).as_str()).await;
    assert_eq!(refused.unwrap_err().reason(), Some(ErrorReason::InvalidField));
}

#[tokio::test]
async fn lists_are_bounded_and_end_when_they_are_dropped() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let many = |from: u32| {
        (from..).map(|n| UserId::from_bytes([n.to_be_bytes(); 4].concat().try_into().unwrap()))
    };
    let all = alice.presence().watch(many(0).take(PRESENCE_WATCHED_MAX)).await.unwrap();
    let more = alice.presence().watch(bob.me()).await;
    assert!(matches!(more, Err(WatchError::TooMany)));
    drop(all);
    bob.presence().set_active().await.unwrap();
    let mut again = None;
    // The client notices in its own time.
    for _ in 0..100 {
        again = alice.presence().watch(bob.me()).await.ok();
        if again.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut list = again.expect("there is room");
    eventually(|| first(&mut list) == Availability::Online).await;
    assert_eq!(list.of(bob.me().unwrap()).unwrap().availability, Availability::Online);
}

//! The end of a simulation: everything works again, and what came of it is looked at.

use std::{collections::BTreeMap, time::Duration};

use parlour::{Client, Delivery, RoomId, State};
use parlour_core::ports::store::Store;
use parlour_protocol::{compliance::SetRetentionRequest, generated::rpc};
use tokio::time::Instant;

use crate::{
    check,
    world::{Device, World},
};

/// How long everything may take to calm down.
const CALM_WITHIN: Duration = Duration::from_secs(180);

impl World {
    /// Everything works again; waits until everyone knows everything.
    pub(crate) async fn calm_down(&mut self, violations: &mut Vec<String>) {
        self.host.store.set_faults(0);
        self.host.store.set_read_only(false);
        self.net.heal();
        // A store that failed a moment ago may have left the server doubtful: it loads anew.
        self.crash();
        tokio::time::sleep(Duration::from_millis(100)).await;
        while self.server.is_none() {
            self.server = self.host.start().await;
        }
        for at in 0..self.devices.len() {
            self.devices[at].kept.set_faults(0);
            self.devices[at].kept.set_full(false);
            // What its cache makes of the bad days shows when an app is opened again.
            if self.devices[at].client.is_none() || self.rng.per_mille(500) {
                self.restart_client(at).await;
            }
        }
        // A client that is silent learns of the crash when its connection's idle time is over.
        tokio::time::sleep(Duration::from_secs(40)).await;
        let until = Instant::now() + CALM_WITHIN;
        let mut restless = self.restless().await;
        while Instant::now() < until && !restless.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            restless = self.restless().await;
        }
        // What waits for ever is as good as lost.
        violations.extend(restless.into_iter().map(|why| format!("not calm: {why}")));
        self.keep_everything().await;
        // Markers and counts follow by themselves.
        tokio::time::sleep(Duration::from_secs(15)).await;
    }

    /// Who isn't connected, or has something that isn't sent, or has failed.
    async fn restless(&self) -> Vec<String> {
        let mut why = Vec::new();
        for device in &self.devices {
            let name = &device.name;
            let Some(client) = &device.client else {
                why.push(format!("{name} has no client"));
                continue;
            };
            if client.current_state() != State::Live {
                why.push(format!("{name} is {:?}", client.current_state()));
            }
            let synced = tokio::time::timeout(Duration::from_secs(1), client.synced()).await;
            if !matches!(synced, Ok(Ok(()))) {
                why.push(format!("{name} isn't in sync"));
            }
            for room in self.rooms_of(device) {
                let stuck = unsent(client, *room).await;
                why.extend(stuck.into_iter().map(|what| format!("{name}: {what}")));
            }
        }
        why
    }

    /// cyd isn't in the direct room.
    pub(crate) fn rooms_of(&self, device: &Device) -> &[RoomId] {
        &self.rooms[..if device.user == "cyd" { 1 } else { self.rooms.len() }]
    }

    /// Holds the log, and what each client shows and counts, against each other.
    pub(crate) async fn check(&mut self, violations: &mut Vec<String>) {
        let store: &dyn Store = self.host.store.disk();
        let mut logs = BTreeMap::new();
        for room in &self.rooms {
            logs.insert(*room, check::read_log(store, *room, violations).await);
        }
        self.too_old = logs.values().map(|log| log.too_old).sum();
        check::check_sends(&logs, &self.acks(), &self.written, violations);
        for device in &self.devices {
            check::check_order(&logs, &device.name, violations);
        }
        for at in 0..self.devices.len() {
            let (user, rooms) = (self.user_id(at), self.rooms_of(&self.devices[at]).to_vec());
            let device = &mut self.devices[at];
            let Some(client) = &device.client else {
                violations.push(format!("{} isn't there", device.name));
                continue;
            };
            if client.current_state() != State::Live {
                violations.push(format!("{} is {:?}", device.name, client.current_state()));
                continue;
            }
            for room in &rooms {
                let name = &device.name;
                check::check_timeline(name, client, *room, &logs[room], violations).await;
                check::check_unread(name, client, user, *room, store, violations).await;
                check::check_threads(name, client, *room, &logs[room], violations).await;
            }
            if let (Some(open), room) = (&mut device.open, self.rooms[0]) {
                check::check_open(&device.name, open, room, &logs[&room], violations).await;
            }
        }
    }

    /// From here on nothing is deleted by itself, or what is compared would change meanwhile.
    async fn keep_everything(&self) {
        let Some(client) = &self.devices[0].client else { return };
        for room in &self.rooms {
            let request = SetRetentionRequest { room: room.to_field(), rule: None };
            let asked = client.call::<rpc::SetRetention>(request);
            let _ = tokio::time::timeout(Duration::from_secs(60), asked).await;
        }
    }
}

/// What a client shows of a room that has not come to its log: nobody may refuse it here.
async fn unsent(client: &Client, room: RoomId) -> Vec<String> {
    let timeline = match client.room(room).timeline().await {
        Ok(timeline) => timeline,
        Err(error) => return vec![format!("no timeline of {room}: {error}")],
    };
    let messages = timeline.items().iter().filter_map(|item| item.message());
    let stuck = messages.filter(|message| {
        let is_under_way = matches!(message.delivery, Delivery::Queued | Delivery::Sending);
        // An edit of what is deleted by now is refused, and rightly.
        is_under_way || message.seq().is_none()
    });
    stuck.map(|message| format!("{:?} in {room} is {:?}", message.text, message.delivery)).collect()
}

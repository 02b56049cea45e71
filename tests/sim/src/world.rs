//! One simulation: people who write, and a world that won't let them.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use parlour::{Client, Draft, Focus, Intent, RoomId, Timeline, Trust, UserId};
use parlour_core::identity;
use parlour_daemon::{limits::rate::Rate, quic::QuicHandle};
use parlour_protocol::{
    compliance::{RetentionRule, SetRetentionRequest},
    generated::rpc,
};
use quinn::AsyncUdpSocket;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    cache::Kept,
    check::{Acked, Written},
    host::{SimClock, SimEntropy},
    net::{Net, Way},
    rng::Rng,
    server::{ADDRESS, Host},
};

/// Who writes, and on how many devices.
const USERS: [(&str, usize); 3] = [("ada", 2), ("bob", 1), ("cyd", 2)];

/// What a simulation came to.
#[derive(Debug)]
pub struct Outcome {
    /// What was broken; empty is good.
    pub violations: Vec<String>,
    /// Messages that were acknowledged.
    pub acked: usize,
    /// Messages that were written down by a client.
    pub written: usize,
    /// Server crashes.
    pub crashes: u32,
    /// Calls to caches that failed.
    pub cache_failures: u64,
    /// Messages that were deleted as they were older than they are kept.
    pub too_old: usize,
    /// The network's trace: two runs of a seed share it.
    pub trace: u64,
}

/// Bots hear everything; of what nobody looks at, an app is told only how far it went.
fn focus(at: usize) -> Focus {
    if at.is_multiple_of(3) { Focus::All } else { Focus::Focused }
}

/// One wants no messages, not even its own from elsewhere; none at all is everything.
fn intents(at: usize) -> &'static [Intent] {
    if at == 3 { &[Intent::Edits, Intent::Deletes] } else { &[] }
}

struct Sockets {
    net: Net,
    ip: IpAddr,
}

impl parlour::SocketFactory for Sockets {
    fn bind(&self, _: SocketAddr) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(self.net.bind_any(self.ip))
    }
}

pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) user: &'static str,
    pub(crate) ip: IpAddr,
    pub(crate) kept: Kept,
    pub(crate) client: Option<Client>,
    /// The group, as somebody looks at it all the time.
    pub(crate) open: Option<Timeline>,
    /// What holds its client beside it. It ends with the app: two clients never share a cache.
    pub(crate) errands: JoinSet<()>,
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) net: Net,
    pub(crate) host: Host,
    pub(crate) start: Instant,
    pub(crate) server: Option<QuicHandle>,
    pub(crate) server_up_at: Option<Instant>,
    pub(crate) devices: Vec<Device>,
    pub(crate) rooms: Vec<RoomId>,
    pub(crate) acked: Arc<Mutex<Vec<Acked>>>,
    pub(crate) written: Vec<Written>,
    pub(crate) crashes: u32,
    pub(crate) too_old: usize,
    pub(crate) messages: u64,
}

/// Plays one seed for that much simulated time, then checks what came of it.
pub fn run(seed: u64, length: Duration) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O always builds");
    runtime.block_on(async move {
        let mut rng = Rng::new(seed);
        let net = Net::new(rng.fork());
        let carrier = tokio::spawn(net.clone().run());
        let start = Instant::now();
        let mut host = Host::new(net.clone(), start, rng.fork());
        // Few enough that a burst of sends is slowed down.
        host.call_rate = Rate::new(20.0, 20);
        let mut world = World {
            rng,
            net,
            host,
            start,
            server: None,
            server_up_at: None,
            devices: vec![],
            rooms: vec![],
            acked: Arc::default(),
            written: vec![],
            crashes: 0,
            too_old: 0,
            messages: 0,
        };
        let outcome = world.play(length).await;
        carrier.abort();
        outcome
    })
}

impl World {
    async fn play(&mut self, length: Duration) -> Outcome {
        let mut violations = Vec::new();
        self.server = self.host.start().await;
        if let Err(problem) = self.set_up().await {
            violations.push(problem);
        } else {
            let end = Instant::now() + length;
            while Instant::now() < end {
                self.step().await;
                let pause = Duration::from_millis(self.rng.range(5, 300));
                tokio::time::sleep(pause).await;
            }
            self.calm_down(&mut violations).await;
            self.check(&mut violations).await;
        }
        for device in &mut self.devices {
            (device.open, device.client) = (None, None);
        }
        Outcome {
            violations,
            acked: self.acks().len(),
            written: self.written.len(),
            crashes: self.crashes,
            cache_failures: self.devices.iter().map(|device| device.kept.failures()).sum(),
            too_old: self.too_old,
            trace: self.net.trace(),
        }
    }

    pub(crate) fn acks(&self) -> Vec<Acked> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn set_up(&mut self) -> Result<(), String> {
        for (user, devices) in USERS {
            for device in 0..devices {
                let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 1, self.devices.len() as u8));
                let name = format!("{user}/{device}");
                let kept = Kept::new(self.rng.fork());
                let errands = JoinSet::new();
                self.devices.push(Device {
                    name,
                    user,
                    ip,
                    kept,
                    client: None,
                    open: None,
                    errands,
                });
                self.start_client(self.devices.len() - 1).await;
            }
        }
        for device in &self.devices {
            let client = device.client.as_ref().ok_or("a client didn't start")?;
            let synced = tokio::time::timeout(Duration::from_secs(20), client.synced()).await;
            synced
                .map_err(|_| format!("{} never synced", device.name))?
                .map_err(|e| e.to_string())?;
        }
        let ada = self.devices[0].client.clone().ok_or("ada's client didn't start")?;
        let group = ada.create_group("all", ["bob", "cyd"]).await.map_err(|e| e.to_string())?;
        let direct = ada.open_direct("bob").await.map_err(|e| e.to_string())?;
        self.rooms = vec![group.id(), direct.id()];
        for at in 0..self.devices.len() {
            self.look(at).await;
        }
        Ok(())
    }

    pub(crate) fn user_id(&self, at: usize) -> UserId {
        identity::user_id(identity::org_id("sim"), self.devices[at].user)
    }

    pub(crate) async fn start_client(&mut self, at: usize) {
        let entropy = Arc::new(SimEntropy::new(self.rng.fork()));
        let skew_ms = self.rng.below(3_000);
        let device = &mut self.devices[at];
        let sockets = Sockets { net: self.net.clone(), ip: device.ip };
        let started = Client::builder()
            .address(ADDRESS)
            .token(device.user)
            .trust(Trust::CertificateSha256(self.host.pin))
            .cache(parlour::Cache::Custom(Box::new(device.kept.clone())))
            .clock(Arc::new(SimClock::new(self.start, skew_ms)))
            .entropy(entropy)
            .sockets(Arc::new(sockets))
            .focus(focus(at))
            .intents(intents(at).iter().copied())
            .start()
            .await;
        device.client = started.ok();
        self.look(at).await;
    }

    /// Some look at the group all the time, now and then anew.
    async fn look(&mut self, at: usize) {
        let (Some(room), device) = (self.rooms.first(), &mut self.devices[at]) else { return };
        device.open = None;
        device.open = match &device.client {
            Some(client) if at.is_multiple_of(2) => client.room(*room).timeline().await.ok(),
            _ => None,
        };
    }

    /// One thing happens.
    async fn step(&mut self) {
        if self.server.is_none() && self.server_up_at.is_some_and(|at| Instant::now() >= at) {
            self.server = self.host.start().await;
        }
        let at = self.rng.below(self.devices.len() as u64) as usize;
        match self.rng.below(100) {
            0..52 => self.write(at).await,
            // What piled up while there was no way; more at once than a device may send.
            52..55 => {
                for _ in 0..self.rng.range(10, 40) {
                    self.write(at).await;
                }
            }
            55..63 => self.amend(at),
            63..68 => self.read(at).await,
            68..70 => self.type_something(at),
            70 => self.set_retention(at),
            71..74 => self.restart_client(at).await,
            74..76 => self.look(at).await,
            76..80 => {
                if let Some(client) = &self.devices[at].client {
                    client.network_changed();
                }
            }
            80..85 => self.change_way(at),
            85..89 => self.cut_off(at),
            89..92 => self.crash(),
            92..94 => self.host.store.set_faults(self.rng.range(10, 200)),
            94 => self.fill_store(),
            95 => self.devices[at].kept.set_faults(self.rng.range(10, 300)),
            96 => self.fill_cache(at),
            97 => self.devices[at].kept.set_faults(0),
            _ => self.host.store.set_faults(0),
        }
    }

    fn room_of(&mut self, at: usize) -> RoomId {
        let count = self.rooms_of(&self.devices[at]).len() as u64;
        self.rooms[self.rng.below(count) as usize]
    }

    async fn write(&mut self, at: usize) {
        let room = self.room_of(at);
        let Some(client) = self.devices[at].client.clone() else { return };
        self.messages += 1;
        let text = format!("{} {}", self.devices[at].name, self.messages);
        let whom = self.rng.below(self.devices.len() as u64) as usize;
        let is_there = self.rooms_of(&self.devices[whom]).contains(&room);
        let is_named = is_there && self.rng.per_mille(100);
        let mentions = if is_named { vec![self.user_id(whom)] } else { vec![] };
        let thread_root = if self.rng.per_mille(150) { self.root_in(room) } else { None };
        // Nobody calls everyone into a thread.
        let mentions_everyone = thread_root.is_none() && self.rng.per_mille(100);
        let draft = Draft {
            text: text.clone(),
            mentions_everyone,
            mentions,
            thread_root,
            ..Draft::default()
        };
        let target = client.room(room);
        let queue = tokio::time::timeout(Duration::from_secs(5), target.queue(draft));
        let Ok(Ok(queued)) = queue.await else { return };
        let (sender, client_ref) = (self.user_id(at), queued.client_ref());
        let written = Written { room, sender, client_ref, text, root: thread_root };
        self.written.push(written.clone());
        let acked = self.acked.clone();
        tokio::spawn(async move {
            // A client that ends first says nothing; its outbox is kept.
            if let Ok(sent) = queued.sent().await {
                let mut acked = acked.lock().unwrap_or_else(PoisonError::into_inner);
                acked.push(Acked { sent: written, seq: sent.seq });
            }
        });
    }

    /// A message that replies can stand under, if none of the newest is gone.
    fn root_in(&mut self, room: RoomId) -> Option<u64> {
        let acked = self.acks();
        let mut roots = acked.iter().rev().filter(|a| a.sent.room == room && a.sent.root.is_none());
        roots.nth(self.rng.below(5) as usize).map(|acked| acked.seq)
    }

    /// Edits or deletes one of the user's own messages.
    fn amend(&mut self, at: usize) {
        let Some(client) = self.devices[at].client.clone() else { return };
        let own = format!("{}/", self.devices[at].user);
        let acked = self.acks();
        let own: Vec<&Acked> = acked.iter().filter(|a| a.sent.text.starts_with(&own)).collect();
        if own.is_empty() {
            return;
        }
        let Acked { sent, seq } = own[self.rng.below(own.len() as u64) as usize];
        let (room, seq) = (sent.room, *seq);
        let delete = self.rng.per_mille(300);
        self.messages += 1;
        let text = format!("edited {}", self.messages);
        self.devices[at].errands.spawn(async move {
            // It may be deleted already; the log decides.
            let room = client.room(room);
            let _ = if delete { room.delete(seq).await } else { room.edit(seq, &text).await };
        });
    }

    async fn read(&mut self, at: usize) {
        let room = self.room_of(at);
        let Some(client) = self.devices[at].client.clone() else { return };
        if self.rng.per_mille(250)
            && let Some(root) = self.root_in(room)
        {
            self.devices[at].errands.spawn(async move {
                // Not everybody follows it.
                let _ = client.room(room).thread(root).mark_read(u64::MAX).await;
            });
            return;
        }
        if let Ok(Some(summary)) = client.room(room).summary().await {
            let seq = self.rng.range(summary.read_seq, summary.last_seq.max(summary.read_seq));
            let _ = client.room(room).mark_read(seq).await;
        }
    }

    fn type_something(&mut self, at: usize) {
        let room = self.room_of(at);
        if let Some(client) = &self.devices[at].client {
            client.room(room).typing(true);
        }
    }

    /// Messages are kept for some seconds only, or for ever again.
    fn set_retention(&mut self, at: usize) {
        let room = self.room_of(at);
        let max_age_s = self.rng.range(5, 40) as u32;
        let rule = self.rng.per_mille(700).then_some(RetentionRule { max_age_s });
        let Some(client) = self.devices[at].client.clone() else { return };
        self.devices[at].errands.spawn(async move {
            let request = SetRetentionRequest { room: room.to_field(), rule };
            let _ = client.call::<rpc::SetRetention>(request).await;
        });
    }

    /// The server's disk is as good as full for a while: it can be read, and nothing is written.
    fn fill_store(&mut self) {
        let length = Duration::from_millis(self.rng.range(100, 15_000));
        self.host.store.set_read_only(true);
        let store = self.host.store.clone();
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            store.set_read_only(false);
        });
    }

    /// The same of a device's; now and then for longer than its client goes on trying.
    fn fill_cache(&mut self, at: usize) {
        let length = Duration::from_millis(self.rng.range(100, 30_000));
        let kept = self.devices[at].kept.clone();
        kept.set_full(true);
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            kept.set_full(false);
        });
    }

    /// The app is killed, and opened again.
    pub(crate) async fn restart_client(&mut self, at: usize) {
        self.devices[at].errands.shutdown().await;
        (self.devices[at].open, self.devices[at].client) = (None, None);
        let pause = Duration::from_millis(self.rng.range(1, 2_000));
        tokio::time::sleep(pause).await;
        self.start_client(at).await;
    }

    fn change_way(&mut self, at: usize) {
        let way = Way {
            loss: self.rng.range(0, 200),
            delay_ms: self.rng.range(1, 250),
            jitter_ms: self.rng.range(0, 200),
            twice: self.rng.range(0, 100),
        };
        self.net.set_way(self.devices[at].ip, way);
    }

    fn cut_off(&mut self, at: usize) {
        let ip = self.devices[at].ip;
        let length = Duration::from_millis(self.rng.range(100, 9_000));
        self.net.cut(ip, true);
        let net = self.net.clone();
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            net.cut(ip, false);
        });
    }

    pub(crate) fn crash(&mut self) {
        if self.server.is_some() {
            self.crashes += 1;
            self.host.crash(self.server.take());
            let pause = Duration::from_millis(self.rng.range(10, 4_000));
            self.server_up_at = Some(Instant::now() + pause);
        }
    }
}

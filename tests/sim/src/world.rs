//! One simulation: people who write, and a world that won't let them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use parlour::{CachePort, Client, Draft, MemoryCache, RoomId, State, Timeline, Trust};
use parlour_core::{identity, ports::store::Store};
use parlour_daemon::{limits::rate::Rate, quic::QuicHandle};
use parlour_protocol::{
    compliance::{RetentionRule, SetRetentionRequest},
    generated::rpc,
};
use parlour_sdk_core::cache::{CacheError, Run, Saved, Write};
use quinn::AsyncUdpSocket;
use tokio::time::Instant;

use crate::{
    check::{self, Acked},
    host::{SimClock, SimEntropy},
    net::{Net, Way},
    rng::Rng,
    server::{ADDRESS, Host},
};

/// Who writes, and on how many devices.
const USERS: [(&str, usize); 3] = [("ada", 2), ("bob", 1), ("cyd", 2)];
/// How long everything may take to calm down.
const CALM_WITHIN: Duration = Duration::from_secs(180);

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
    /// Messages that were deleted as they were older than they are kept.
    pub too_old: usize,
    /// The network's trace: two runs of a seed share it.
    pub trace: u64,
}

/// A cache that outlives its client, as a phone's disk does. It needs no thread, whose time the
/// paused clock wouldn't wait for.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<MemoryCache>>);

impl Kept {
    fn with<T>(&self, f: impl FnOnce(&mut MemoryCache) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CachePort for Kept {
    fn load(&mut self) -> Result<Saved, CacheError> {
        self.with(|cache| cache.load())
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), CacheError> {
        self.with(|cache| cache.commit(writes))
    }

    fn runs(&mut self, room: RoomId, before: u64, limit: usize) -> Result<Vec<Run>, CacheError> {
        self.with(|cache| cache.runs(room, before, limit))
    }

    fn is_instant(&self) -> bool {
        true
    }
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

struct Device {
    name: String,
    user: &'static str,
    ip: IpAddr,
    kept: Kept,
    client: Option<Client>,
    /// The group, as somebody looks at it all the time.
    open: Option<Timeline>,
}

struct World {
    rng: Rng,
    net: Net,
    host: Host,
    start: Instant,
    server: Option<QuicHandle>,
    server_up_at: Option<Instant>,
    devices: Vec<Device>,
    rooms: Vec<RoomId>,
    acked: Arc<Mutex<Vec<Acked>>>,
    written: Vec<(RoomId, String)>,
    crashes: u32,
    too_old: usize,
    messages: u64,
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
            self.calm_down().await;
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
            too_old: self.too_old,
            trace: self.net.trace(),
        }
    }

    fn acks(&self) -> Vec<Acked> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn set_up(&mut self) -> Result<(), String> {
        for (user, devices) in USERS {
            for device in 0..devices {
                let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 1, self.devices.len() as u8));
                let name = format!("{user}/{device}");
                let kept = Kept::default();
                self.devices.push(Device { name, user, ip, kept, client: None, open: None });
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

    async fn start_client(&mut self, at: usize) {
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
            .start()
            .await;
        device.client = started.ok();
        self.look(at).await;
    }

    /// Some look at the group all the time.
    async fn look(&mut self, at: usize) {
        let (Some(room), device) = (self.rooms.first(), &mut self.devices[at]) else { return };
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
            71..76 => self.restart_client(at).await,
            76..80 => {
                if let Some(client) = &self.devices[at].client {
                    client.network_changed();
                }
            }
            80..85 => self.change_way(at),
            85..89 => self.cut_off(at),
            89..93 => self.crash(),
            93..96 => self.host.store.set_faults(self.rng.clone().range(10, 200)),
            _ => self.host.store.set_faults(0),
        }
    }

    fn room_of(&mut self, at: usize) -> RoomId {
        // cyd isn't in the direct room.
        let count = if self.devices[at].user == "cyd" { 1 } else { self.rooms.len() as u64 };
        self.rooms[self.rng.below(count) as usize]
    }

    async fn write(&mut self, at: usize) {
        let room = self.room_of(at);
        let Some(client) = self.devices[at].client.clone() else { return };
        self.messages += 1;
        let text = format!("{} {}", self.devices[at].name, self.messages);
        let everyone = self.rng.per_mille(100);
        let draft = Draft { text: text.clone(), mentions_everyone: everyone, ..Draft::default() };
        let target = client.room(room);
        let queue = tokio::time::timeout(Duration::from_secs(5), target.queue(draft));
        let Ok(Ok(queued)) = queue.await else { return };
        self.written.push((room, text.clone()));
        let acked = self.acked.clone();
        tokio::spawn(async move {
            // A client that ends first says nothing; its outbox is kept.
            if let Ok(sent) = queued.sent().await {
                let mut acked = acked.lock().unwrap_or_else(PoisonError::into_inner);
                acked.push(Acked { room, seq: sent.seq, text });
            }
        });
    }

    /// Edits or deletes one of the user's own messages.
    fn amend(&mut self, at: usize) {
        let Some(client) = self.devices[at].client.clone() else { return };
        let own = format!("{}/", self.devices[at].user);
        let acked = self.acks();
        let own: Vec<&Acked> = acked.iter().filter(|a| a.text.starts_with(&own)).collect();
        if own.is_empty() {
            return;
        }
        let Acked { room, seq, .. } = *own[self.rng.below(own.len() as u64) as usize];
        let delete = self.rng.per_mille(300);
        self.messages += 1;
        let text = format!("edited {}", self.messages);
        tokio::spawn(async move {
            // It may be deleted already; the log decides.
            let room = client.room(room);
            let _ = if delete { room.delete(seq).await } else { room.edit(seq, &text).await };
        });
    }

    async fn read(&mut self, at: usize) {
        let room = self.room_of(at);
        let Some(client) = &self.devices[at].client else { return };
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
        tokio::spawn(async move {
            let request = SetRetentionRequest { room: room.to_field(), rule };
            let _ = client.call::<rpc::SetRetention>(request).await;
        });
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

    /// The app is killed, and opened again.
    async fn restart_client(&mut self, at: usize) {
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

    fn crash(&mut self) {
        if self.server.is_some() {
            self.crashes += 1;
            self.host.crash(self.server.take());
            let pause = Duration::from_millis(self.rng.range(10, 4_000));
            self.server_up_at = Some(Instant::now() + pause);
        }
    }

    /// Everything works again; waits until everyone knows everything.
    async fn calm_down(&mut self) {
        self.host.store.set_faults(0);
        self.net.heal();
        // A store that failed a moment ago may have left the server doubtful: it loads anew.
        self.crash();
        tokio::time::sleep(Duration::from_millis(100)).await;
        while self.server.is_none() {
            self.server = self.host.start().await;
        }
        for at in 0..self.devices.len() {
            if self.devices[at].client.is_none() {
                self.start_client(at).await;
            }
        }
        // A client that is silent learns of the crash when its connection's idle time is over.
        tokio::time::sleep(Duration::from_secs(40)).await;
        let until = Instant::now() + CALM_WITHIN;
        while Instant::now() < until && !self.is_calm().await {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.keep_everything().await;
        // Markers and counts follow by themselves.
        tokio::time::sleep(Duration::from_secs(15)).await;
    }

    async fn is_calm(&self) -> bool {
        for device in &self.devices {
            let Some(client) = &device.client else { return false };
            if client.current_state() != State::Live || !self.has_sent_all(client).await {
                return false;
            }
        }
        true
    }

    async fn has_sent_all(&self, client: &Client) -> bool {
        let synced = tokio::time::timeout(Duration::from_secs(1), client.synced()).await;
        let mut all = matches!(synced, Ok(Ok(())));
        for room in &self.rooms {
            let Ok(timeline) = client.room(*room).timeline().await else { continue };
            let waits = timeline.items().iter().filter_map(|item| item.message());
            all &= waits.into_iter().all(|message| {
                !matches!(message.delivery, parlour::Delivery::Queued | parlour::Delivery::Sending)
            });
        }
        all
    }

    async fn check(&mut self, violations: &mut Vec<String>) {
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
        let org = identity::org_id("sim");
        for device in &mut self.devices {
            let Some(client) = &device.client else {
                violations.push(format!("{} isn't there", device.name));
                continue;
            };
            if client.current_state() != State::Live {
                violations.push(format!("{} is {:?}", device.name, client.current_state()));
                continue;
            }
            let user = identity::user_id(org, device.user);
            for room in &self.rooms[..if device.user == "cyd" { 1 } else { 2 }] {
                let name = &device.name;
                check::check_timeline(name, client, *room, &logs[room], violations).await;
                check::check_unread(name, client, user, *room, store, violations).await;
            }
            if let (Some(open), room) = (&mut device.open, self.rooms[0]) {
                check::check_open(&device.name, open, room, &logs[&room], violations).await;
            }
        }
    }
}

//! A server without sockets: a node over the memory store, a hub, and clients that call
//! handlers directly. Everything that a driver does, done by hand and in a fixed order.
#![allow(missing_docs, clippy::unwrap_used)] // A test's tools: names say it, and they fail by panicking.

pub mod accounts;
mod blobs;
mod client;
mod later;
mod parts;
pub mod webhooks;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use parlour_adapters::{memory::Memory, search::MemorySearch};
use parlour_core::{
    accounts::sweep::SweptRows,
    admission::Refusal,
    chain::Link,
    draft::{Again, ConnId, Follow, Submission, Submit, Then},
    effects,
    hub::{Hub, Lane, Output},
    kit::{ItemSink, SinkClosed},
    node::{Node, Outcome, Parts},
    ports::{Task, clock::Clock, search::Search, store::StoreError},
    search::feed::Feed,
    session::reply_frame,
    told,
    webhooks::courier::Courier,
};
use parlour_protocol::{
    frame::Splitter,
    generated::{BulkRpc, ControlRpc, Rpc, rpc},
    ids::{ClientRef, UserId, uuid_v7},
    message::{MessagePosted, SendRequest},
    room::{CreateGroupRequest, UserRef, user_ref},
    wire::{Delivery, Error, Hello, Intent},
};
use prost::Message;

pub use blobs::{announce, carrying};
pub use client::Client;
pub use parts::Hand;
use parts::{Plain, Trusting};

#[derive(Default)]
struct Queue(Mutex<VecDeque<Submission>>);

impl Submit for Queue {
    fn submit(&self, submission: Submission) {
        self.0.lock().unwrap().push_back(submission);
    }
}

pub struct Server {
    pub node: Arc<Node>,
    pub blobs: parlour_blobs::Memory,
    pub hub: Hub,
    pub hand: Arc<Hand>,
    queue: Arc<Queue>,
    refs: u64,
    pub clients: Vec<Client>,
    /// Effects are left undone, as if the server had crashed before them.
    pub drop_effects: bool,
    /// The store takes nothing new.
    pub read_only: bool,
    /// Who follows the calls that begin from now on.
    pub follower: Option<Arc<dyn Follow>>,
    pub closed: Vec<(ConnId, parlour_protocol::wire::CloseCode)>,
    // Jobs that wait for what they submitted.
    jobs: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>>,
    feed: Option<Feed>,
    courier: Option<Courier>,
    /// What webhooks post.
    pub outside: webhooks::Outside,
    pub runtime: tokio::runtime::Runtime,
}

struct Collect(Arc<Mutex<Vec<Bytes>>>);

impl ItemSink for Collect {
    fn send(&mut self, item: Bytes) -> Task<'_, Result<(), SinkClosed>> {
        self.0.lock().unwrap().push(item);
        Box::pin(async { Ok(()) })
    }
}

impl Default for Server {
    fn default() -> Self {
        Server::new()
    }
}

impl Server {
    pub fn new() -> Self {
        Server::over(Arc::new(Memory::new([1; 16])))
    }

    pub fn over(store: Arc<Memory>) -> Self {
        Server::with(store, Some(Arc::new(MemorySearch::default())))
    }

    /// With that index of messages, or with none.
    pub fn with(store: Arc<Memory>, index: Option<Arc<dyn Search>>) -> Self {
        let blobs = parlour_blobs::Memory::default();
        let hand = Arc::new(Hand::default());
        let node = Node::new(Parts {
            store,
            blobs: Arc::new(blobs.clone()),
            blob_policy: parlour_core::blobs::BlobPolicy::default(),
            verifier: Arc::new(Trusting),
            sealer: Arc::new(Plain),
            clock: hand.clone(),
            entropy: hand.clone(),
        });
        let outside = webhooks::Outside::default();
        let node = node.posting(Arc::new(outside.clone())).with_previews();
        let node = node.with_accounts(Arc::new(accounts::Open));
        let node = Arc::new(match index {
            Some(index) => node.searching(index),
            None => node,
        });
        let hub = Hub::new(node.clone(), hand.now());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Server {
            node,
            blobs,
            hub,
            hand,
            queue: Arc::default(),
            refs: 0,
            clients: vec![],
            drop_effects: false,
            read_only: false,
            follower: None,
            closed: vec![],
            jobs: vec![],
            feed: None,
            courier: None,
            outside,
            runtime,
        }
    }

    pub fn connect(&mut self, subject: &str) -> usize {
        self.connect_with(subject, Delivery::All)
    }

    pub fn connect_with(&mut self, subject: &str, delivery: Delivery) -> usize {
        let hello = Hello {
            min_rev: 1,
            max_rev: 1,
            token: subject.into(),
            device: Bytes::copy_from_slice(&[7; 16]),
            delivery: delivery as i32,
            ..Hello::default()
        };
        self.connect_as(&hello)
    }

    /// A client that wants only that.
    pub fn connect_wanting(&mut self, subject: &str, intents: &[Intent]) -> usize {
        self.connect_as(&Hello {
            min_rev: 1,
            max_rev: 1,
            token: subject.into(),
            device: Bytes::copy_from_slice(&[7; 16]),
            intents: intents.iter().map(|intent| *intent as i32).collect(),
            ..Hello::default()
        })
    }

    fn connect_as(&mut self, hello: &Hello) -> usize {
        let admission = self.runtime.block_on(self.node.admit(hello)).unwrap();
        if let Some(draft) = admission.introduces {
            let then = Then::Callback(Box::new(|result| drop(result.unwrap())));
            self.hub.handle_submission(Submission { draft, then });
            self.run();
        }
        let calls = Arc::new(AtomicU32::new(0));
        let id = self.hub.handle_connected(admission.caller.clone(), calls).unwrap();
        let user = admission.caller.user;
        let org = admission.caller.org;
        let rooms = self.runtime.block_on(self.node.rooms_of(org, user)).unwrap();
        self.hub.handle_rooms(id, &rooms, admission.welcome);
        for draft in self.runtime.block_on(self.node.untold(&admission.caller)).unwrap() {
            let then = Then::Callback(Box::new(|_| {}));
            self.hub.handle_submission(Submission { draft, then });
        }
        let client = Client {
            id,
            caller: admission.caller,
            user,
            next_call: 1,
            chains: Arc::default(),
            control: Splitter::new(usize::MAX),
            event: Splitter::new(usize::MAX),
            replies: vec![],
            frames: vec![],
            notices: vec![],
            is_gone: false,
        };
        let free = self.clients.iter().position(|client| client.is_gone);
        let at = free.unwrap_or(self.clients.len());
        match free {
            Some(at) => self.clients[at] = client,
            None => self.clients.push(client),
        }
        self.run();
        self.deliver();
        at
    }

    /// A client is gone; what it heard is forgotten, and its number is used again.
    pub fn disconnect(&mut self, client: usize) {
        self.hub.handle_disconnected(self.clients[client].id);
        self.clients[client].is_gone = true;
    }

    /// A client goes in order, and is gone.
    pub fn leave(&mut self, client: usize) {
        self.hub.handle_left(self.clients[client].id);
        self.disconnect(client);
    }

    /// Whether somebody would be let in.
    pub fn try_admit(&mut self, subject: &str) -> Result<(), Refusal> {
        let hello = Hello {
            min_rev: 1,
            max_rev: 1,
            token: subject.into(),
            device: Bytes::copy_from_slice(&[7; 16]),
            ..Hello::default()
        };
        self.runtime.block_on(self.node.admit(&hello)).map(|_| ())
    }

    pub fn client_ref(&mut self) -> ClientRef {
        self.refs += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.refs.to_be_bytes());
        ClientRef::from_bytes(uuid_v7(self.hand.now().unix_ms, random))
    }

    /// Starts a call; its answer comes with [`Server::run`].
    pub fn start<R: ControlRpc>(&mut self, client: usize, request: &R::Request) -> u64 {
        self.start_in_chain::<R>(client, request, 0)
    }

    /// Starts a call as part of a chain.
    pub fn start_in_chain<R: ControlRpc>(
        &mut self,
        client: usize,
        request: &R::Request,
        chain: u64,
    ) -> u64 {
        let of = &mut self.clients[client];
        let call = of.next_call;
        of.next_call += 1;
        let link = Link::new(&of.chains, chain, call);
        let body = request.encode_to_vec().into();
        let follower = self.follower.clone();
        let again = Again { follower, ..Again::first(R::METHOD.id, body, link) };
        self.handle(client, call, again);
        call
    }

    fn handle(&mut self, client: usize, call: u64, again: Again) {
        let (id, caller) = (self.clients[client].id, self.clients[client].caller.clone());
        let outcome = self.node.call(&caller, &again, || None);
        match self.runtime.block_on(outcome) {
            Outcome::Now(result) => self.hub.handle_reply(id, reply_frame(call, result)),
            Outcome::Commit(draft, answer) => {
                let then = Then::Reply { conn: id, call, again, answer };
                self.hub.handle_submission(Submission { draft, then });
            }
        }
    }

    /// A call and its answer.
    pub fn call<R: ControlRpc>(
        &mut self,
        client: usize,
        request: &R::Request,
    ) -> Result<R::Response, Error> {
        let call = self.start::<R>(client, request);
        self.run();
        self.answer::<R>(client, call)
    }

    pub fn answer<R: Rpc>(&mut self, client: usize, call: u64) -> Result<R::Response, Error> {
        self.deliver();
        let replies = &mut self.clients[client].replies;
        let at = replies.iter().position(|(id, _)| *id == call).expect("the call is answered");
        let (_, result) = replies.remove(at);
        result.map(|body| R::Response::decode(body).unwrap())
    }

    pub fn bulk<R: BulkRpc>(
        &mut self,
        client: usize,
        request: &R::Request,
    ) -> Result<Vec<R::Response>, Error> {
        let items = Arc::new(Mutex::new(vec![]));
        let caller = self.clients[client].caller.clone();
        let body = request.encode_to_vec().into();
        let sink = Box::new(Collect(items.clone()));
        self.runtime.block_on(self.node.bulk(&caller, R::METHOD.id, body, sink))?;
        let items = std::mem::take(&mut *items.lock().unwrap());
        Ok(items.into_iter().map(|item| R::Response::decode(item).unwrap()).collect())
    }

    /// Runs the hub until nothing is left to do.
    pub fn run(&mut self) {
        loop {
            while let Some(submission) = self.queue.0.lock().unwrap().pop_front() {
                self.hub.handle_submission(submission);
            }
            let Some(output) = self.hub.poll(self.hand.now()) else {
                self.poll_jobs();
                if self.queue.0.lock().unwrap().is_empty() {
                    return;
                }
                continue;
            };
            match output {
                Output::Append(_) if self.read_only => {
                    self.hub.handle_appended(Err(StoreError::ReadOnly), self.hand.now());
                }
                Output::Append(batches) => {
                    let store = self.node.store.clone();
                    let result = self.runtime.block_on(store.append(batches));
                    self.hub.handle_appended(result, self.hand.now());
                }
                Output::Rerun { conn, call, again } => {
                    let client = self.clients.iter().position(|c| c.id == conn).unwrap();
                    self.handle(client, call, again);
                }
                Output::Effects(job) if !self.drop_effects => {
                    let (node, queue) = (self.node.clone(), self.queue.clone());
                    self.jobs.push(Box::pin(async move {
                        let queue: Arc<dyn Submit> = queue;
                        effects::carry_out(&node, &queue, &job).await.unwrap();
                    }));
                    self.poll_jobs();
                }
                Output::Effects(_) => {}
                Output::Close { conn, code, .. } => self.closed.push((conn, code)),
            }
        }
    }

    /// Looks for rows of accounts without an effect, as the server does every hour.
    pub fn sweep_accounts(&mut self) -> SweptRows {
        let hub: Arc<dyn Submit> = self.queue.clone();
        let (node, now_ms) = (self.node.clone(), self.hand.now().unix_ms);
        let swept = Arc::new(Mutex::new(None));
        let told = swept.clone();
        self.jobs.push(Box::pin(async move {
            *told.lock().unwrap() = Some(node.sweep_accounts(&hub, now_ms).await.unwrap());
        }));
        self.poll_jobs();
        self.run();
        let swept = swept.lock().unwrap().take();
        swept.unwrap()
    }

    fn poll_jobs(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let _runtime = self.runtime.enter();
        self.jobs.retain_mut(|job| job.as_mut().poll(&mut context).is_pending());
    }

    /// Carries out what is left in the outbox, as after a crash.
    pub fn recover(&mut self) -> usize {
        let queue: Arc<dyn Submit> = self.queue.clone();
        let redone = self.runtime.block_on(effects::recover(&self.node, &queue));
        let (count, jobs) = redone.unwrap();
        for job in jobs {
            let (node, queue) = (self.node.clone(), queue.clone());
            self.jobs.push(Box::pin(async move {
                told::follow_change(&node, &queue, &job).await.unwrap();
            }));
        }
        self.poll_jobs();
        self.run();
        self.deliver();
        count
    }

    /// Every client reads all that waits for it.
    pub fn deliver(&mut self) {
        for client in 0..self.clients.len() {
            self.deliver_to(client);
        }
    }

    pub fn deliver_to(&mut self, client: usize) {
        let client = &mut self.clients[client];
        let Some(outbox) = self.hub.outbox(client.id) else { return };
        for lane in [Lane::Control, Lane::Event] {
            loop {
                let mut chunks = vec![];
                outbox.next(lane, &mut chunks, 64);
                if chunks.is_empty() {
                    break;
                }
                for chunk in chunks {
                    // An odd number of bytes at a time, as a transport would.
                    let part = chunk.slice(..chunk.len().min(1013));
                    outbox.wrote(lane, part.len());
                    let all = part.len() == chunk.len();
                    match lane {
                        Lane::Control => client.control.push(&part),
                        Lane::Event => client.event.push(&part),
                    }
                    if !all {
                        break;
                    }
                }
            }
        }
        client.read();
    }

    /// Everything said so far can be searched.
    pub fn index(&mut self) {
        let feed = match self.feed.take() {
            Some(feed) => Some(feed),
            None => self.runtime.block_on(Feed::open(self.node.clone())).unwrap(),
        };
        let mut feed = feed.expect("there is an index");
        while self.runtime.block_on(feed.step()).unwrap().is_some() {}
        self.runtime.block_on(feed.commit()).unwrap();
        self.feed = Some(feed);
    }

    pub fn advance(&mut self, by: Duration) {
        self.hand.ms.fetch_add(by.as_millis() as u64, Ordering::Relaxed);
        self.hub.handle_timeout(self.hand.now());
        self.run();
    }
}

pub fn user(id: UserId) -> UserRef {
    UserRef { user: Some(user_ref::User::Id(id.to_field())) }
}

pub fn group(server: &mut Server, creator: usize, members: &[usize]) -> Bytes {
    let members = members.iter().map(|m| user(server.clients[*m].user)).collect();
    group_of(server, creator, members)
}

pub fn group_of(server: &mut Server, creator: usize, members: Vec<UserRef>) -> Bytes {
    let client_ref = server.client_ref().to_field();
    let request = CreateGroupRequest { client_ref, name: "team".into(), members };
    let made = server.call::<rpc::CreateGroup>(creator, &request).unwrap();
    server.deliver();
    made.room.unwrap().id
}

pub fn message(server: &mut Server, room: &Bytes, text: &str) -> SendRequest {
    SendRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        body: MessagePosted { text: text.into(), ..MessagePosted::default() }
            .encode_to_vec()
            .into(),
        ..SendRequest::default()
    }
}

pub fn send(server: &mut Server, client: usize, room: &Bytes, text: &str) -> u64 {
    let request = message(server, room, text);
    server.call::<rpc::Send>(client, &request).unwrap().seq
}

//! Writers: users who send one numbered text after another to a room of theirs, remember what
//! was answered, and send again what wasn't, under the same ids.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parlour_features::{
    raw::{CallError, Client, Door, Pending},
    server::Server,
    token::claims,
    world::{ORG, group, text},
};
use parlour_protocol::{
    generated::rpc::Send,
    message::{SendRequest, SendResponse},
    wire::Hello,
};
use tokio::sync::watch;

/// How long tokens hold: longer than any proof, and than any jump of the clock in one.
pub(crate) const TOKEN_SECONDS: u64 = 30 * 24 * 3600;

/// A send that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Acked {
    pub(crate) room: usize,
    pub(crate) writer: usize,
    pub(crate) n: u64,
    pub(crate) seq: u64,
}

/// One writer, over all of its connections.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) index: usize,
    pub(crate) room: usize,
    room_id: Bytes,
    hello: Hello,
    next: u64,
    /// Sent and not answered, in order.
    pending: VecDeque<(u64, SendRequest)>,
    /// Answered since it was last asked.
    pub(crate) acked: Vec<Acked>,
    /// Answers that are errors: none is expected.
    pub(crate) refused: Vec<String>,
    /// Answers that said the send was known already.
    pub(crate) deduplicated: u64,
}

/// How writers write.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Sends on their way at once.
    pub(crate) in_flight: usize,
    /// Every so many sends go out twice; 0 for none.
    pub(crate) twice_every: u64,
    /// Numbers go up to here.
    pub(crate) until: u64,
    /// Counts answers of all writers.
    pub(crate) count: Arc<AtomicU64>,
}

impl Manner {
    /// As fast as it goes, without an end.
    pub(crate) fn endless(in_flight: usize) -> Manner {
        Manner { in_flight, twice_every: 0, until: u64::MAX, count: Arc::default() }
    }
}

/// A hello of a user whose token outlives the proof.
pub(crate) fn lasting_hello(server: &Server, sub: &str) -> Hello {
    let mut claims = claims(ORG, sub);
    claims.exp = claims.iat + TOKEN_SECONDS;
    parlour_features::raw::hello(server.sign(&claims))
}

/// Makes users and rooms; everybody is in every room.
pub(crate) async fn people(
    server: &Server,
    count: usize,
    rooms: usize,
) -> (Vec<Writer>, Vec<Bytes>) {
    let names: Vec<String> = (0..count).map(|n| format!("writer{n}")).collect();
    let hellos: Vec<Hello> = names.iter().map(|name| lasting_hello(server, name)).collect();
    let door = server.door();
    let mut clients = vec![];
    for hello in &hellos {
        clients.push(door.connect(hello.clone()).await.expect("everybody is welcome"));
    }
    let others: Vec<&str> = names[1..].iter().map(|name| &name[..]).collect();
    let mut ids = vec![];
    for n in 0..rooms {
        ids.push(group(&clients[0], &format!("room {n}"), &others).await);
    }
    let writers = hellos.into_iter().enumerate().map(|(index, hello)| {
        let room = index % rooms;
        Writer::new(index, room, ids[room].clone(), hello)
    });
    (writers.collect(), ids)
}

impl Writer {
    fn new(index: usize, room: usize, room_id: Bytes, hello: Hello) -> Writer {
        Writer {
            index,
            room,
            room_id,
            hello,
            next: 1,
            pending: VecDeque::new(),
            acked: vec![],
            refused: vec![],
            deduplicated: 0,
        }
    }

    /// Whether everything up to the end of its numbers was answered.
    pub(crate) fn is_done(&self, manner: &Manner) -> bool {
        self.next > manner.until && self.pending.is_empty()
    }

    /// Sends that may or may not have happened.
    pub(crate) fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// Where it writes.
    pub(crate) fn room_id(&self) -> &Bytes {
        &self.room_id
    }

    /// The hello it connects with.
    pub(crate) fn hello(&self) -> Hello {
        self.hello.clone()
    }

    /// Writes on one connection until it is lost, all is said, or `stop` changes.
    pub(crate) async fn write(
        mut self,
        door: Door,
        manner: Manner,
        mut stop: watch::Receiver<bool>,
    ) -> Writer {
        let connected = tokio::select! {
            client = door.connect(self.hello.clone()) => client,
            _ = stop.wait_for(|stop| *stop) => return self,
        };
        let Ok(client) = connected else { return self };
        let mut flying: VecDeque<Pending<Send>> = VecDeque::new();
        loop {
            while flying.len() < manner.in_flight {
                let at = flying.len();
                if at == self.pending.len() && !self.think(&manner) {
                    break;
                }
                let (n, request) = &self.pending[at];
                if manner.twice_every > 0 && n % manner.twice_every == 0 {
                    // Its answer is nobody's: the next one with the same id counts.
                    let _ = client.start::<Send>(request).await;
                }
                match client.start::<Send>(request).await {
                    Ok(pending) => flying.push_back(pending),
                    Err(_) => return self,
                }
            }
            let Some(first) = flying.pop_front() else { return self };
            let answer = tokio::select! {
                answer = first.answer() => answer,
                _ = stop.wait_for(|stop| *stop) => return self,
            };
            if !self.take(answer, &manner) {
                return self;
            }
        }
    }

    /// Thinks of another text, if there is one to be said.
    fn think(&mut self, manner: &Manner) -> bool {
        if self.next > manner.until {
            return false;
        }
        let request = text(&self.room_id, &format!("{}/{}", self.index, self.next));
        self.pending.push_back((self.next, request));
        self.next += 1;
        true
    }

    /// Takes an answer to the oldest send; false if there is no going on.
    fn take(&mut self, answer: Result<SendResponse, CallError>, manner: &Manner) -> bool {
        match answer {
            Ok(response) => {
                let Some((n, _)) = self.pending.pop_front() else { return false };
                self.deduplicated += u64::from(response.deduplicated);
                let (room, writer, seq) = (self.room, self.index, response.seq);
                self.acked.push(Acked { room, writer, n, seq });
                manner.count.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(CallError::Lost(_)) => false,
            Err(CallError::Refused(error)) => {
                self.refused.push(error.to_string());
                false
            }
        }
    }
}

/// All writers at once, each on a connection of its own, until `stop`.
pub(crate) struct Crowd {
    tasks: Vec<tokio::task::JoinHandle<Writer>>,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// Starts them.
    pub(crate) fn start(writers: Vec<Writer>, door: &Door, manner: &Manner) -> Crowd {
        let (stop, stopped) = watch::channel(false);
        let start = |writer: Writer| {
            tokio::spawn(writer.write(door.clone(), manner.clone(), stopped.clone()))
        };
        Crowd { tasks: writers.into_iter().map(start).collect(), stop }
    }

    /// Stops them, without waiting for answers.
    pub(crate) async fn stop(self) -> Vec<Writer> {
        let _ = self.stop.send(true);
        self.join().await
    }

    /// Waits until each has said all it has to say, or lost its connection.
    pub(crate) async fn join(self) -> Vec<Writer> {
        let mut writers = vec![];
        for task in self.tasks {
            writers.push(task.await.expect("writers don't panic"));
        }
        writers
    }
}

/// A reader who is in the rooms as well.
pub(crate) async fn reader(door: &Door, writers: &[Writer]) -> Client {
    let first = writers.first().expect("there are writers");
    let hello = Hello { device: Bytes::from_static(&[0xaa; 16]), ..first.hello() };
    door.connect(hello).await.expect("a reader is welcome")
}

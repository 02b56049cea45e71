//! SIGKILL of a client with its cache and outbox on the disk: what it queued while the server was
//! away, or had just shown to whoever typed it, is in the room once the client runs again, exactly
//! once and in order.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::StreamExt;
use parlour::{Client, Trust};
use parlour_adapters::Kind;
use parlour_features::{
    raw::Client as RawClient,
    server::Server,
    world::{group, text_of},
};
use parlour_protocol::ids::RoomId;

use super::{block_on, history, over, writers::lasting_hello};
use crate::{args::Args, report::Report, rng::Rng};

/// Texts of one life of the client.
const TEXTS_MAX: u64 = 12;
/// Anything a client says comes within this time.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &Args) -> Report {
    block_on(prove(args))
}

/// When the client is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Once everything is queued, and the server is away all the time.
    Away,
    /// Right after the first line on the screen.
    Echo,
    /// Right after it was told that one is written down.
    Queued,
    /// Right after the server has one of them.
    Sent,
}

const MOMENTS: [Moment; 4] = [Moment::Away, Moment::Echo, Moment::Queued, Moment::Sent];

async fn prove(args: &Args) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let mut server = Server::start(over(args.store.unwrap_or(Kind::Sled)));
    let rounds = args.count(100, 8);
    let hello = lasting_hello(&server, "pen");
    let reader = server.door().connect(hello.clone()).await.expect("pen is welcome");
    let room = group(&reader, "alone", &[]).await;
    drop(reader);
    let mut pen = Pen {
        address: server.ready().quic.to_string(),
        sha256: server.ready().sha256.clone(),
        token: hello.token.clone(),
        cache: server.root().join("pen.db").display().to_string(),
        room: RoomId::parse(&room).expect("the server's ids have 16 bytes").to_string(),
        said: 0,
        owed: vec![],
    };
    // Before it is killed for the first time it knows its room.
    let mut first = pen.start();
    report.expect(first.hears("synced").is_some(), || "the first client never syncs".into());
    first.kill();
    for round in 0..rounds {
        let moment = MOMENTS[(round % MOMENTS.len() as u64) as usize];
        if moment == Moment::Away {
            server.kill();
        }
        pen.live(moment, &mut rng, &mut report);
        if moment == Moment::Away {
            server.run().expect("it starts again");
        }
        // Another life of it brings what the one before left.
        let mut again = pen.start();
        report.expect(again.hears("synced").is_some(), || format!("{moment:?}: never in step"));
        let reader = server.door().connect(hello.clone()).await.expect("pen is welcome");
        pen.check(&reader, &room, moment, &mut report).await;
        drop(reader);
        again.kill();
        args.progress(&format!("client-kill: {} of {rounds}", round + 1));
    }
    server.assert_well();
    report.trials(rounds);
    report.figure("texts", pen.said);
    report.figure("shown_or_queued_when_killed", pen.owed.len());
    report
}

/// A user whose client is killed.
struct Pen {
    address: String,
    sha256: String,
    token: String,
    cache: String,
    room: String,
    /// Texts typed so far; each is its number.
    said: u64,
    /// Texts that have to be there: they were on the screen, or said to be written down.
    owed: Vec<u64>,
}

impl Pen {
    fn start(&self) -> Life {
        let program = std::env::current_exe().expect("a running program has a file");
        let mut child = Command::new(program)
            .args(["child-client", &self.address, &self.sha256, &self.token])
            .args([&self.cache, &self.room])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program that is running can be started");
        let out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (line, lines) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|said| line.send(said))
        });
        Life { child, lines, heard: vec![] }
    }

    /// Types a few texts into a client and kills it at that moment.
    fn live(&mut self, moment: Moment, rng: &mut Rng, report: &mut Report) {
        let mut life = self.start();
        report.expect(life.hears("started").is_some(), || "a client doesn't start".into());
        let first = self.said + 1;
        self.said += 1 + rng.below(TEXTS_MAX);
        for n in first..=self.said {
            life.types(n);
        }
        let which = first + rng.below(self.said + 1 - first);
        let awaited = match moment {
            Moment::Away => format!("queued {}", self.said),
            Moment::Echo => format!("shown {which}"),
            Moment::Queued => format!("queued {which}"),
            Moment::Sent => format!("sent {which}"),
        };
        let heard = life.hears(&awaited);
        report.expect(heard.is_some(), || format!("{moment:?}: never says {awaited}"));
        let numbers = life.kill().into_iter().filter_map(|line| {
            let (_, n) = line.split_once(' ')?;
            n.parse::<u64>().ok()
        });
        self.owed.extend(numbers);
        self.owed.sort_unstable();
        self.owed.dedup();
    }

    /// Waits until what is owed is in the log, and looks whether that is all, once, in order.
    async fn check(&self, reader: &RawClient, room: &Bytes, moment: Moment, report: &mut Report) {
        let since = Instant::now();
        let numbers = loop {
            let events = history::read(reader, room, 1).await.unwrap_or_default();
            let texts = events.iter().map(|event| text_of(&event.body));
            let numbers: Vec<u64> = texts.filter_map(|text| text.parse().ok()).collect();
            let complete = self.owed.iter().all(|n| numbers.contains(n));
            if complete || since.elapsed() > PATIENCE {
                break numbers;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        for n in &self.owed {
            report.expect(numbers.contains(n), || format!("{moment:?}: {n} is lost"));
        }
        let in_order = numbers.windows(2).all(|pair| pair[0] < pair[1]);
        report.expect(in_order, || format!("{moment:?}: doubled or out of order: {numbers:?}"));
    }
}

/// One process.
struct Life {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Life {
    fn types(&mut self, n: u64) {
        let keys = self.child.stdin.as_mut().expect("stdin is piped");
        writeln!(keys, "{n}").expect("it runs");
    }

    /// Waits for that line.
    fn hears(&mut self, wanted: &str) -> Option<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let is_it = line == wanted;
                    self.heard.push(line);
                    if is_it {
                        return Some(());
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Kills it; everything it had said.
    fn kill(mut self) -> Vec<String> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.heard.extend(self.lines.iter());
        std::mem::take(&mut self.heard)
    }
}

/// The child: a client with its cache in a file, which queues every line it reads and says what
/// becomes of it.
pub(crate) fn child(words: &[String]) {
    let [address, sha256, token, cache, room] = words else {
        panic!("child-client ADDRESS SHA256 TOKEN CACHE ROOM")
    };
    let room: RoomId = room.parse().expect("the parent passes a room");
    let (typed, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| typed.send(line))
    });
    block_on(async {
        let client = Client::builder()
            .address(address)
            .token(token.as_str())
            .trust(Trust::parse_sha256(sha256).expect("the server prints its hash"))
            .cache(Path::new(cache))
            .start()
            .await
            .expect("a killed client's cache opens again");
        let room = client.room(room);
        let mut timeline = room.timeline().await.expect("the client runs");
        let mut shown = std::collections::HashSet::new();
        shown.extend(timeline.items().iter().filter_map(|item| Some(item.message()?.text.clone())));
        say("started");
        let in_step = client.synced();
        tokio::pin!(in_step);
        let mut is_in_step = false;
        loop {
            tokio::select! {
                _ = &mut in_step, if !is_in_step => {
                    is_in_step = true;
                    say("synced");
                }
                line = lines.recv() => {
                    let Some(line) = line else { break };
                    let Ok(queued) = room.queue(line.as_str()).await else { break };
                    say(&format!("queued {line}"));
                    tokio::spawn(async move {
                        if queued.sent().await.is_ok() {
                            say(&format!("sent {line}"));
                        }
                    });
                }
                diff = timeline.next() => {
                    if diff.is_none() {
                        break;
                    }
                    for text in timeline.items().iter().filter_map(|item| item.message()) {
                        if shown.insert(text.text.clone()) {
                            say(&format!("shown {}", text.text));
                        }
                    }
                }
            }
        }
    });
}

/// One line, written at once: what isn't in the pipe wasn't said.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

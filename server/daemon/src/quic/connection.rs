//! One connection: reads its lanes and runs its calls, one after another. Writing is the hub's.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parlour_carriers::{Connection, ReadError, RecvLane, SendLane};
use parlour_core::{
    admission::Admission,
    draft::{Again, ConnId, Submission, Then},
    node::{Caller, Outcome},
    session::{Output, Session, reply_frame},
};
use parlour_protocol::{
    frame,
    generated::Lane,
    limits::{HELLO_WITHIN, SIGN_IN_WITHIN},
    wire::{CloseCode, LaneKind, LaneOpen},
};
use tokio::sync::oneshot;

use super::{
    Shared,
    greeting::{Newcomer, greet, say_goodbye},
    hub_task::{Answers, Command, Joined, Writer},
    lanes::{self, OpenLanes},
    noise::Noise,
    reruns::Reruns,
    transport,
};
use crate::{
    calls,
    metrics::{CallEnd, HandshakeFailure},
};

/// When somebody for whom there is no place may ask again.
const TURNED_AWAY_MS: u64 = 10_000;
/// How long a client that is turned away may take to hear why.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);
const TOO_MANY_USERS: &str = "the organization has as many users as it may";

/// Counts a connection as long as it lives.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

type Greeted = Result<Option<Box<Established>>, HandshakeFailure>;
type Greeting = Pin<Box<dyn Future<Output = Greeted> + Send>>;

/// Serves one connection from its first packet to its end.
pub(super) fn serve(newcomer: Newcomer, shared: Arc<Shared>) -> impl Future<Output = ()> + Send {
    // On the heap, and gone afterwards: what stays per connection is only what `run` needs.
    let is_over_udp = matches!(newcomer, Newcomer::Incoming(_));
    attend(Box::pin(greet(newcomer, shared.clone())), is_over_udp, shared)
}

async fn attend(greeting: Greeting, is_over_udp: bool, shared: Arc<Shared>) {
    shared.connections.fetch_add(1, Ordering::AcqRel);
    let _counted = Counted(shared.clone());
    // Those over TCP have shown that they get what is sent to them.
    let is_unproven = usize::from(is_over_udp);
    shared.handshakes.fetch_add(is_unproven, Ordering::AcqRel);
    let greeted = tokio::time::timeout(2 * HELLO_WITHIN + SIGN_IN_WITHIN, greeting).await;
    shared.handshakes.fetch_sub(is_unproven, Ordering::AcqRel);
    let mut established = match greeted {
        Ok(Ok(Some(established))) => established,
        // It only came for a token.
        Ok(Ok(None)) => return,
        Ok(Err(failure)) => return shared.metrics.handshake_failed(failure),
        Err(_) => return shared.metrics.handshake_failed(HandshakeFailure::HelloTimeout),
    };
    run(&mut established, &shared).await;
    let code = established.connection.close_code();
    if code == Some(CloseCode::ClientDone as u32) {
        shared.hub.send(Command::Left(established.id));
    }
    drop(established);
    shared.metrics.connection_closed(code);
}

pub(super) struct Established {
    pub(super) connection: Connection,
    control: RecvLane,
    session: Session,
    pub(super) caller: Arc<Caller>,
    pub(super) id: ConnId,
    reruns: Arc<Reruns>,
    answers: Answers,
    _known: Known,
}

/// The hub knows the connection, and has to hear of its end however that comes: also of a greeting that
/// takes too long while the store is slow.
struct Known {
    shared: Arc<Shared>,
    id: ConnId,
}

impl Drop for Known {
    fn drop(&mut self) {
        self.shared.hub.send(Command::Gone(self.id));
    }
}

/// Waits a little for the last words to arrive, then closes.
pub(super) async fn close_after(
    send: &mut SendLane,
    connection: &Connection,
    code: CloseCode,
    why: &'static str,
) {
    send.finish();
    let _ = tokio::time::timeout(Duration::from_millis(500), send.stopped()).await;
    connection.close(code as u32, why);
}

/// Hands the writing sides to the hub and brings the caller in.
pub(super) async fn join(
    shared: &Arc<Shared>,
    connection: Connection,
    mut control: SendLane,
    recv: RecvLane,
    mut session: Session,
    admission: Admission,
) -> Result<Box<Established>, HandshakeFailure> {
    let Admission { caller, welcome, resumed, introduces } = admission;
    if calls::introduce(&shared.node, &shared.hub, &caller, introduces).await.is_err() {
        let code = CloseCode::QuotaExceeded;
        say_goodbye(&mut control, &connection, code, TOO_MANY_USERS, TURNED_AWAY_MS).await;
        return Err(HandshakeFailure::QuotaExceeded);
    }
    let mut event = connection.open_uni().await.map_err(|_| HandshakeFailure::Transport)?;
    let open = frame::encode(&LaneOpen { kind: LaneKind::Event as i32 });
    event.write_chunk(open).await.map_err(|_| HandshakeFailure::Transport)?;
    control.set_priority(1);

    let reruns = Arc::new(Reruns::default());
    let (joined, answer) = oneshot::channel();
    let writer = Writer::new(control, event, connection.clone(), reruns.clone());
    let end = connection.clone();
    shared.hub.send(Command::Join(Box::new(Joined {
        caller: caller.clone(),
        calls: session.calls(),
        writer,
        answer: joined,
    })));
    let id = answer.await.map_err(|_| HandshakeFailure::Refused)?;
    let id = id.map_err(|code| match code {
        CloseCode::QuotaExceeded => HandshakeFailure::QuotaExceeded,
        _ => HandshakeFailure::TooManyConnections,
    })?;
    let known = Known { shared: shared.clone(), id };
    // The last words are the hub's: without a handle the connection would end before them.
    let refuse = async |code, why, failure| {
        shared.hub.send(Command::Close(id, code, why));
        let _ = tokio::time::timeout(LAST_WORDS_WITHIN, end.closed()).await;
        Err(failure)
    };
    // A revocation that was committed before the hub knew the connection didn't close it.
    if let Err(refusal) = shared.node.check_admitted(&caller).await {
        let code = refusal.close_code();
        return refuse(code, "revoked meanwhile", HandshakeFailure::Revoked).await;
    }
    // Read after the hub knows the user, so that a room gained meanwhile isn't missed.
    let rooms = match shared.node.rooms_of(caller.org, caller.user).await {
        Ok(rooms) => rooms,
        Err(_) => {
            let code = CloseCode::Overloaded;
            return refuse(code, "store is unavailable", HandshakeFailure::Refused).await;
        }
    };
    shared.hub.send(Command::Rooms(id, rooms, welcome));
    match shared.node.untold(&caller).await {
        Ok(drafts) => drafts.into_iter().for_each(|draft| {
            let then = Then::Callback(Box::new(|_| {}));
            shared.hub.send(Command::Submit(Submission { draft, then }));
        }),
        // It is told the next time.
        Err(_) => tracing::warn!("what a user gained while away could not be read"),
    }
    transport::raise(&connection);
    session.handle_admitted();
    shared.metrics.connection_opened(resumed);
    let control = recv;
    let answers = Answers::default();
    let _known = known;
    Ok(Box::new(Established { connection, control, session, caller, id, reruns, answers, _known }))
}

async fn run(est: &mut Established, shared: &Arc<Shared>) {
    let mut noise = Noise::default();
    let mut lanes = OpenLanes::default();
    loop {
        drain_session(est, shared).await;
        if let Some(why) = noise.flood(|| shared.node.now().elapsed) {
            shared.hub.send(Command::Close(est.id, CloseCode::Flood, why));
            est.connection.closed().await;
            return;
        }
        tokio::select! {
            // In a fixed order, so that a simulation repeats exactly.
            biased;
            chunk = est.control.read_chunk(lanes::READ_MAX) => match chunk {
                Ok(Some(bytes)) => est.session.handle_bytes(&bytes),
                Ok(None) | Err(ReadError::Reset) => {
                    est.session.handle_end();
                    drain_session(est, shared).await;
                    // A lane that has ended is always ready: reading on would never yield.
                    est.connection.closed().await;
                    return;
                }
                Err(_) => return,
            },
            again = est.reruns.take() => {
                for (call, again) in again {
                    answer_call(est, shared, call, again).await;
                }
            }
            lane = est.connection.accept_bi() => match lane {
                Ok((send, recv)) => {
                    let (shared, caller) = (shared.clone(), est.caller.clone());
                    let (broken, open) = (noise.broken(), lanes.open(&est.connection));
                    tokio::spawn(async move {
                        let _open = open;
                        if lanes::serve(&shared, caller, send, recv).await.is_err() {
                            broken.note();
                        }
                    });
                }
                Err(_) => return,
            },
            lane = est.connection.accept_uni() => match lane {
                Ok(mut lane) => {
                    lane.stop(CloseCode::UnknownLane as u32);
                    noise.broken().note();
                }
                Err(_) => return,
            },
            datagram = est.connection.read_datagram() => match datagram {
                Ok(datagram) => noise.hear(est, shared, &datagram),
                Err(_) => return,
            },
        }
    }
}

async fn drain_session(est: &mut Established, shared: &Arc<Shared>) {
    while let Some(output) = est.session.poll() {
        match output {
            Output::Call(id, again) => answer_call(est, shared, id, again).await,
            Output::Send(bytes) => {
                let place = est.answers.place().await;
                shared.hub.send(Command::Notice(est.id, bytes, place));
            }
            Output::Close(code, why) => {
                shared.hub.send(Command::Close(est.id, code, why));
            }
            Output::Admit(_) | Output::SignIn(_) | Output::Cancel(_) => {}
        }
    }
}

/// Runs a call's handler; the answer goes out at once or after the commit. On the heap, so that an
/// idle connection isn't as large as its largest call.
fn answer_call<'a>(
    est: &'a Established,
    shared: &'a Arc<Shared>,
    call: u64,
    again: Again,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(run_call(est, shared, call, again))
}

async fn run_call(est: &Established, shared: &Arc<Shared>, call: u64, mut again: Again) {
    let started = shared.node.now().elapsed;
    let span = shared.traces.call_or_again(&mut again);
    let deciding = span.deciding();
    let over_rate = || shared.over_rate(&est.caller, again.method);
    let outcome = shared.node.call(&est.caller, &again, over_rate).await;
    drop(deciding);
    match outcome {
        Outcome::Now(result) => {
            let end = match &result {
                Ok(_) => CallEnd::Ok,
                Err(error) => CallEnd::Error(error),
            };
            let took = shared.node.now().elapsed - started;
            shared.metrics.call_ended(again.method, Lane::Control, end, took);
            span.ended(end);
            let place = est.answers.place().await;
            shared.hub.send(Command::Reply(est.id, reply_frame(call, result), place));
        }
        Outcome::Commit(draft, answer) => {
            let (metrics, node) = (shared.metrics.clone(), shared.node.clone());
            let (method, committing) = (again.method, span.committing());
            let answer = Box::new(move |committed: &parlour_core::draft::Committed| {
                let took = node.now().elapsed - started;
                metrics.call_ended(method, Lane::Control, CallEnd::Ok, took);
                drop(committing);
                span.ended(CallEnd::Ok);
                answer(committed)
            });
            let then = Then::Reply { conn: est.id, call, again, answer };
            shared.hub.send(Command::Submit(Submission { draft, then }));
        }
    }
}

/// The last words of a connection that the hub couldn't take, with that code.
pub(super) async fn turn_away(mut writer: Writer, code: CloseCode) {
    let why = match code {
        CloseCode::QuotaExceeded => "the organization has as many devices connected as it may",
        _ => "too many connections",
    };
    let connection = writer.connection.clone();
    say_goodbye(&mut writer.control, &connection, code, why, TURNED_AWAY_MS).await;
}

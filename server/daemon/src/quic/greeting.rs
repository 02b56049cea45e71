//! From a connection's first packet to its welcome: sign-ins, and the hello.

use std::{net::IpAddr, sync::Arc};

use parlour_carriers::{Connection, RecvLane, SendLane, webtransport};
use parlour_core::{
    admission::{Admission, Refusal},
    draft::Refused,
    limits::RERUNS_MAX,
    session::{Output, Session, goodbye},
};
use parlour_protocol::{
    limits::{HELLO_WITHIN, SIGN_IN_WITHIN},
    session::Carrier,
    wire::{CloseCode, Error, ErrorReason, Hello, SignIn, SignedIn, sign_in::How},
};
use parlour_quic::Incoming;
use tokio::time::timeout;

use super::{
    Shared,
    connection::{Established, close_after, join},
    lanes,
};
use crate::{
    calls::{Knock, told},
    metrics::{HandshakeFailure, LimitedBy},
};

/// Who has come, and how far.
pub(crate) enum Newcomer {
    /// Over UDP: the handshake is still to come.
    Incoming(Box<Incoming>),
    /// Over a WebSocket, which is open.
    Open(Connection),
}

/// What a connection may begin with.
enum First {
    Hello(Box<Hello>),
    SignIn(Box<SignIn>),
}

/// From the handshake to the welcome; `None` for a connection that has signed in and gone.
pub(super) async fn greet(
    newcomer: Newcomer,
    shared: Arc<Shared>,
) -> Result<Option<Box<Established>>, HandshakeFailure> {
    let connection = match newcomer {
        Newcomer::Incoming(incoming) => connect(incoming, &shared).await?,
        Newcomer::Open(connection) => connection,
    };
    let end = connection.clone();
    tokio::select! {
        biased;
        greeted = hear(connection, shared) => greeted,
        // A browser that has come another way says so, and holds no place for longer.
        () = end.closed() => Err(HandshakeFailure::Transport),
    }
}

/// What a client says first.
async fn hear(
    connection: Connection,
    shared: Arc<Shared>,
) -> Result<Option<Box<Established>>, HandshakeFailure> {
    let (from, peer) = (connection.address(), connection.peer());
    let mut session = Session::new(shared.node.now().elapsed);
    let Ok(lane) = timeout(HELLO_WITHIN, connection.accept_bi()).await else {
        return Err(no_hello(&connection));
    };
    let (mut send, mut recv) = lane.map_err(|_| HandshakeFailure::Malformed)?;
    let mut has_signed_in = false;
    let hello = loop {
        let first = first_frame(&mut session, &mut send, &mut recv, &connection);
        match timeout(HELLO_WITHIN, first).await {
            Err(_) if has_signed_in => {
                no_hello(&connection);
                return Ok(None);
            }
            Err(_) => return Err(no_hello(&connection)),
            Ok(None) if has_signed_in => return Ok(None),
            Ok(None) => return Err(HandshakeFailure::Malformed),
            Ok(Some(First::Hello(hello))) => break hello,
            Ok(Some(First::SignIn(request))) => {
                answer(&shared, &request, peer, &mut session).await;
                has_signed_in = true;
            }
        }
    };
    let admission = match admit(&shared, &hello, from).await {
        Ok(admission) => admission,
        Err(refusal) => {
            tracing::info!(%refusal, "hello was refused");
            if let Refusal::Token(error) = refusal {
                shared.metrics.token_refused(error);
            }
            session.handle_refused(refusal);
            flush(&mut session, &mut send, &connection, refusal.after_ms()).await;
            return Err(failure_of(refusal));
        }
    };
    // Nobody else has it yet.
    let _ = admission.caller.link.place.set((carrier_of(&connection), from));
    join(&shared, connection, send, recv, session, admission).await.map(Some)
}

/// The handshake, and for WebTransport the session.
async fn connect(incoming: Box<Incoming>, shared: &Shared) -> Result<Connection, HandshakeFailure> {
    let transport = |_| HandshakeFailure::Transport;
    let connection = incoming.accept().map_err(transport)?;
    let connected = timeout(HELLO_WITHIN, connection.connected()).await;
    connected.map_err(|_| HandshakeFailure::Transport)?.map_err(transport)?;
    if connection.protocol().as_deref() != Some(webtransport::ALPN) {
        return Ok(Connection::Native(connection));
    }
    let decide = |request: &webtransport::Request| shared.origins.decide(request);
    let session = timeout(HELLO_WITHIN, webtransport::accept(connection, decide)).await;
    match session {
        Ok(Ok(session)) => Ok(Connection::WebTransport(session)),
        Ok(Err(webtransport::Refused::Lost)) => Err(HandshakeFailure::Transport),
        Ok(Err(refused)) => {
            tracing::info!(%refused, "a request for a session was refused");
            Err(HandshakeFailure::Malformed)
        }
        Err(_) => Err(HandshakeFailure::HelloTimeout),
    }
}

fn carrier_of(connection: &Connection) -> Carrier {
    match connection {
        Connection::Native(_) => Carrier::Quic,
        Connection::WebTransport(_) => Carrier::Webtransport,
        Connection::WebSocket(..) => Carrier::Websocket,
    }
}

/// Whose hello it is, unless too many from there were wrong lately.
async fn admit(shared: &Shared, hello: &Hello, from: Option<IpAddr>) -> Result<Admission, Refusal> {
    let Shared { rates, metrics, node, .. } = shared;
    let secret = hello.token.as_bytes();
    Knock { rates, metrics, node, from, secret }.admit(node.admit(hello)).await
}

fn no_hello(connection: &Connection) -> HandshakeFailure {
    connection.close(CloseCode::HelloTimeout as u32, "no hello came");
    HandshakeFailure::HelloTimeout
}

/// Reads until there is something to decide on; `None` if the client broke a rule before, or is gone.
async fn first_frame(
    session: &mut Session,
    send: &mut SendLane,
    recv: &mut RecvLane,
    connection: &Connection,
) -> Option<First> {
    loop {
        while let Some(output) = session.poll() {
            match output {
                Output::Admit(hello) => return Some(First::Hello(hello)),
                Output::SignIn(request) => return Some(First::SignIn(request)),
                Output::Send(bytes) => drop(send.write_chunk(bytes).await),
                Output::Close(code, why) => {
                    say_goodbye(send, connection, code, why, 0).await;
                    return None;
                }
                Output::Call(..) | Output::Cancel(_) => {}
            }
        }
        match recv.read_chunk(lanes::READ_MAX).await {
            Ok(Some(bytes)) => session.handle_bytes(&bytes),
            Ok(None) => session.handle_end(),
            Err(_) => return None,
        }
    }
}

/// Why somebody has to wait before they try a code or a password, if they do.
/// Answers a sign-in, or a question that comes before one.
async fn answer(shared: &Shared, request: &SignIn, peer: IpAddr, session: &mut Session) {
    let refused = over_rate(shared, request, peer);
    if let Some(How::Question(_)) = request.how {
        let challenge = refused.map_or_else(|| shared.node.passkey_challenge(), Err);
        return session.handle_challenge(challenge, shared.node.now().elapsed);
    }
    let result = match refused {
        Some(error) => Err(error),
        None => sign_in(shared, request).await,
    };
    shared.metrics.signed_in(&result);
    session.handle_signed_in(result, shared.node.now().elapsed);
}

fn over_rate(shared: &Shared, request: &SignIn, from: IpAddr) -> Option<Error> {
    if matches!(request.how, Some(How::Kept(_))) {
        // Its secret is long and costs nothing to check.
        return None;
    }
    let now = shared.node.now().elapsed;
    let mut rates = shared.rates.lock().expect("no panic while the lock is held");
    let wait = rates.sign_in(from, now).err()?;
    shared.metrics.limited(LimitedBy::Address);
    let error = Error::new(ErrorReason::RateLimited, "too many sign-ins from that address");
    Some(error.after_ms(u64::try_from(wait.0.as_millis()).unwrap_or(u64::MAX).max(1)))
}

/// Decides on a sign-in and commits what comes of it; again where something changed meanwhile.
async fn sign_in(shared: &Shared, request: &SignIn) -> Result<SignedIn, Error> {
    let busy = || Error::new(ErrorReason::RateLimited, "too many sign-ins at once");
    let decide = async {
        for _ in 0..RERUNS_MAX {
            let (signed_in, draft) = shared.node.sign_in(request).await?;
            let Some(draft) = draft else { return Ok(signed_in) };
            // Where there is nothing to say yet, what was committed is asked about again.
            let is_done = !signed_in.token.is_empty();
            match told(&shared.hub, draft).await? {
                Ok(_) if is_done => return Ok(signed_in),
                Ok(_) | Err(Refused::Stale | Refused::Exists) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(busy())
    };
    timeout(SIGN_IN_WITHIN, decide).await.unwrap_or_else(|_| Err(busy()))
}

async fn flush(session: &mut Session, send: &mut SendLane, connection: &Connection, after_ms: u64) {
    while let Some(output) = session.poll() {
        match output {
            Output::Send(bytes) => drop(send.write_chunk(bytes).await),
            Output::Close(code, why) => say_goodbye(send, connection, code, why, after_ms).await,
            _ => {}
        }
    }
}

/// Says why and when to come again, then closes.
pub(super) async fn say_goodbye(
    send: &mut SendLane,
    connection: &Connection,
    code: CloseCode,
    why: &'static str,
    after_ms: u64,
) {
    let _ = send.write_chunk(goodbye(code, after_ms, why)).await;
    close_after(send, connection, code, why).await;
}

fn failure_of(refusal: parlour_core::admission::Refusal) -> HandshakeFailure {
    use parlour_core::admission::Refusal as R;
    match refusal {
        R::NoCommonRevision => HandshakeFailure::Revision,
        R::Token(_) | R::TooOften(_) => HandshakeFailure::Token,
        R::Revoked => HandshakeFailure::Revoked,
        R::Unavailable => HandshakeFailure::Refused,
        _ => HandshakeFailure::Malformed,
    }
}

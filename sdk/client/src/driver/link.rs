//! Connections: the one in use and a second one on trial beside it, from the token to the close.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    error::{Reconnect, reconnect_after},
    generated::{Rpc, rpc},
    session::ReauthRequest,
    wire::{CloseCode, Welcome},
};
use parlour_sdk_core::{
    connection::{CallId, Connection as Machine, ConnectionError as Broken, Introduction, Output},
    reconnect::End,
};
use prost::Message;

use super::{Driver, Input, TokenUse};
use crate::{
    carrier::{Connection, Ended, NotDialed, RecvLane, SendLane},
    limits::{ANSWERED_EVERY, READ_BYTES_MAX, TOKEN_WITHIN},
    token::NoTokenYet,
    transport::{Address, Dialed},
};

/// Names a connection among those of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkId(u64);

/// Calls the driver makes by itself have ids the engine doesn't use.
const OWN_CALLS: u64 = 1 << 63;

#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) connection: Connection,
    pub(super) machine: Machine,
    /// `None` while a write is under way.
    writer: Option<SendLane>,
    /// The event lane, while no more of it is wanted than came.
    unread: Option<RecvLane>,
}

impl Link {
    fn close(&self, code: CloseCode) {
        self.connection.close(code as u32);
    }
}

impl Driver {
    pub(super) fn link_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.link.as_mut().into_iter().chain(self.candidate.as_mut()).find(|link| link.id == id)
    }

    fn is_active(&self, id: LinkId) -> bool {
        self.link.as_ref().is_some_and(|link| link.id == id)
    }

    fn spawn(&self, task: impl Future<Output = Input> + Send + 'static) {
        self.tasks.push(Box::pin(task));
    }

    // From the token to the hello.

    pub(super) fn get_token(&mut self, what: TokenUse, fresh: bool) {
        let token = self.token.get(fresh);
        self.spawn(async move {
            let token = tokio::time::timeout(TOKEN_WITHIN, token).await;
            Input::Token(what, token.unwrap_or(Err(NoTokenYet::NotNow)))
        });
    }

    pub(super) fn handle_token(&mut self, what: TokenUse, token: Result<String, NoTokenYet>) {
        match (what, token) {
            (TokenUse::Dial, Ok(token)) => {
                self.last_token = token;
                self.supervisor.handle_token();
            }
            (TokenUse::Dial, Err(why)) => self.has_no_token(why),
            (TokenUse::Reauth(id), Ok(token)) => {
                self.last_token.clone_from(&token);
                let call = CallId(OWN_CALLS | self.next_id());
                if let Some(link) = self.link_mut(id) {
                    let body = ReauthRequest { token }.encode_to_vec().into();
                    // A full queue of calls is no reason to die: the server asks again by closing.
                    let _ = link.machine.call(call, rpc::Reauth::METHOD.id, body, 0);
                }
            }
            (TokenUse::Reauth(_), Err(_)) => {}
        }
    }

    fn has_no_token(&mut self, why: NoTokenYet) {
        match why {
            NoTokenYet::NotNow => self.attempt_failed(End::NoToken),
            NoTokenYet::NotDialed(why) => self.not_dialed(why),
            NoTokenYet::Knocking => self.attempt_failed(End::Knocking),
            NoTokenYet::Later(wait) => {
                let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                let code = CloseCode::Overloaded as u32;
                self.attempt_failed(End::Closed { code, retry_after_ms });
            }
            NoTokenYet::Refused(error) => {
                tracing::warn!(%error, "the sign-in is refused");
                self.engine.stop_paging();
                self.supervisor.handle_sign_in_refused(error.reason);
            }
        }
    }

    pub(super) fn dial(&mut self) {
        let attempt = self.next_id();
        self.dialing = Some(attempt);
        let address = self.alternate.take().unwrap_or_else(|| self.address.clone());
        let dial = self.dialer.dial(address);
        self.spawn(async move { Input::Dialed(attempt, dial.await) });
    }

    pub(super) fn handle_dialed(&mut self, attempt: u64, result: Result<Dialed, NotDialed>) {
        let wanted = self.dialing == Some(attempt);
        if wanted {
            self.dialing = None;
        }
        match result {
            Ok(dialed) if wanted => self.say_hello(dialed),
            Ok(dialed) => dialed.connection.close(CloseCode::ClientDone as u32),
            Err(why) if wanted => self.not_dialed(why),
            Err(_) => {}
        }
    }

    fn not_dialed(&mut self, why: NotDialed) {
        match why {
            NotDialed::Unreachable => self.attempt_failed(End::Unreachable),
            NotDialed::Untrusted(why) => {
                tracing::warn!(%why, "the server's certificate isn't believed");
                self.attempt_failed(End::Untrusted(why));
            }
        }
    }

    fn say_hello(&mut self, dialed: Dialed) {
        let Dialed { connection, send, recv } = dialed;
        let meta = self.engine.meta();
        let Some(device) = meta.device else { return };
        let introduction = Introduction {
            token: self.last_token.clone(),
            device,
            resume: meta.resume.clone(),
            delivery: self.config.focus.into(),
            agent: self.agent.clone(),
            intents: self.intents.clone(),
        };
        let id = LinkId(self.next_id());
        let machine = Machine::new(&introduction, self.now());
        self.candidate = Some(Link {
            id,
            connection: connection.clone(),
            machine,
            writer: Some(send),
            unread: None,
        });
        self.spawn(read_control(id, recv));
        let lanes = connection.clone();
        self.spawn(async move { Input::EventLane(id, lanes.accept_uni().await.ok()) });
        self.spawn(read_datagram(id, connection.clone()));
        self.spawn(async move { Input::Closed(id, connection.closed().await) });
    }

    /// An attempt came to nothing.
    fn attempt_failed(&mut self, end: End) {
        let (now, random) = (self.now(), self.environment.random_u64());
        if self.link.is_some() {
            self.supervisor.handle_second_failed(now, random);
        } else {
            self.engine.stop_paging();
            self.supervisor.handle_end(end, now, random);
        }
    }

    // While connected.

    pub(super) fn handle_control(&mut self, id: LinkId, read: Option<(RecvLane, Bytes)>) {
        let now = self.now();
        // Its end is the connection's, which says itself why.
        let (Some((recv, bytes)), Some(link)) = (read, self.link_mut(id)) else { return };
        let handled = link.machine.handle_control(&bytes, now);
        self.spawn(read_control(id, recv));
        self.after_input(id, handled);
    }

    pub(super) fn handle_event_lane(&mut self, id: LinkId, lane: Option<RecvLane>) {
        let (Some(lane), Some(_)) = (lane, self.link_mut(id)) else { return };
        self.spawn(read_events(id, lane));
    }

    pub(super) fn handle_events(&mut self, id: LinkId, read: Option<(RecvLane, Bytes)>) {
        let now = self.now();
        let (Some((recv, bytes)), Some(link)) = (read, self.link_mut(id)) else { return };
        let handled = link.machine.handle_events(&bytes, now);
        link.unread = Some(recv);
        self.read_on(id);
        self.after_input(id, handled);
    }

    /// Reads more of the event lane, if more is wanted.
    fn read_on(&mut self, id: LinkId) {
        if let Some(link) = self.link_mut(id)
            && link.machine.wants_events()
            && let Some(lane) = link.unread.take()
        {
            self.spawn(read_events(id, lane));
        }
    }

    pub(super) fn handle_datagram(&mut self, id: LinkId, bytes: Option<Bytes>) {
        let now = self.now();
        let (Some(bytes), Some(link)) = (bytes, self.link_mut(id)) else { return };
        link.machine.handle_datagram(bytes, now);
        let connection = link.connection.clone();
        self.spawn(read_datagram(id, connection));
        self.handle_outputs(id);
    }

    fn after_input(&mut self, id: LinkId, handled: Result<(), Broken>) {
        self.handle_outputs(id);
        if let Err(error) = handled {
            tracing::warn!(%error, "the server broke the protocol");
            let code = error.close_code();
            if let Some(link) = self.link_mut(id) {
                link.close(code);
            }
            // What the code means doesn't depend on whose it is: the next connection would break as well.
            self.end(id, End::Closed { code: code as u32, retry_after_ms: 0 });
        }
    }

    pub(super) fn handle_outputs(&mut self, id: LinkId) {
        while let Some(output) = self.link_mut(id).and_then(|link| link.machine.poll_output()) {
            let now = self.now();
            match output {
                Output::Welcome(welcome) => self.handle_welcome(id, &welcome),
                Output::Reply(call, result) if call.0 & OWN_CALLS != 0 => {
                    if let Err(error) = result {
                        tracing::warn!(%error, "the new token was refused");
                    }
                }
                Output::Reply(call, result) if self.is_active(id) => {
                    self.engine.handle_reply(call, result, now);
                }
                Output::Live(live) if self.is_active(id) => self.engine.handle_live(live, now),
                Output::Stalled if self.is_active(id) => {
                    self.checks_path = true;
                    self.supervisor.handle_stalled(now);
                }
                Output::Pong(_) => self.handle_pong(id),
                Output::ReauthRequired(_) => self.get_token(TokenUse::Reauth(id), true),
                Output::Drain(drain) => {
                    self.is_draining = true;
                    self.alternate = drain.alternates.iter().find_map(|at| Address::parse(at));
                    let random = self.environment.random_u64();
                    self.supervisor.handle_drain(drain.jitter_ms, now, random);
                }
                Output::Goodbye(goodbye) => {
                    if let Some(link) = self.link_mut(id) {
                        link.close(CloseCode::ClientDone);
                    }
                    let code = u32::try_from(goodbye.code).unwrap_or(0);
                    self.end(id, End::Closed { code, retry_after_ms: goodbye.retry_after_ms });
                }
                Output::Lost => {
                    if let Some(link) = self.link_mut(id) {
                        link.close(CloseCode::Unspecified);
                    }
                    self.end(id, End::Lost);
                }
                Output::Reply(..) | Output::Live(_) | Output::Stalled => {}
            }
        }
    }

    fn handle_welcome(&mut self, id: LinkId, welcome: &Welcome) {
        let now = self.now();
        if self.candidate.as_ref().is_none_or(|link| link.id != id) {
            return;
        }
        let candidate = self.candidate.take();
        if let Some(old) = std::mem::replace(&mut self.link, candidate) {
            old.close(CloseCode::ClientMoved);
        }
        self.is_draining = false;
        self.checks_path = false;
        self.supervisor.handle_welcome(now);
        self.read_on(id);
        if self.engine.handle_welcome(welcome, now).is_err() {
            self.after_input(id, Err(Broken::UnexpectedFrame));
        }
    }

    fn handle_pong(&mut self, id: LinkId) {
        if self.is_active(id) && std::mem::take(&mut self.checks_path) && !self.is_draining {
            // The path works. A connection that has said hello already takes the session over.
            self.supervisor.handle_path_alive();
            self.dialing = None;
        }
    }

    pub(super) fn handle_network_changed(&mut self) {
        let now = self.now();
        self.dialer.rebind();
        if let Some(link) = &mut self.link {
            link.machine.ping_from_new_address(now);
            self.checks_path = true;
        }
        self.engine.handle_network_changed();
        self.supervisor.handle_network_changed(now);
    }

    // The end.

    pub(super) fn handle_closed(&mut self, id: LinkId, ended: &Ended) {
        let end = match ended.code {
            Some(code) => End::Closed { code, retry_after_ms: 0 },
            None => End::Lost,
        };
        // The goodbye may have come in the same packet: it knows more.
        if self.link_mut(id).is_some() {
            tracing::debug!(why = ended.why, "connection closed");
            self.handle_outputs(id);
            self.end(id, end);
        }
    }

    fn end(&mut self, id: LinkId, end: End) {
        let end = match end {
            // The login may go on with another token; it is asked.
            End::Closed { code, retry_after_ms }
                if code == CloseCode::Revoked as u32 && self.token.may_outlive_revocation() =>
            {
                End::Closed { code: CloseCode::TokenInvalid as u32, retry_after_ms }
            }
            end => end,
        };
        if self.candidate.as_ref().is_some_and(|link| link.id == id) {
            self.candidate = None;
            return self.attempt_failed(end);
        }
        if !self.is_active(id) {
            return;
        }
        self.link = None;
        self.engine.handle_disconnected();
        let for_good = match end {
            End::Closed { code, .. } => {
                reconnect_after(code) == Reconnect::Never && code != CloseCode::Replaced as u32
            }
            _ => false,
        };
        if for_good {
            self.dialing = None;
            if let Some(candidate) = self.candidate.take() {
                candidate.close(CloseCode::ClientDone);
            }
        } else if self.candidate.is_some() || self.dialing.is_some() {
            // The second connection is on its way and takes its place.
            return;
        }
        self.engine.stop_paging();
        let (now, random) = (self.now(), self.environment.random_u64());
        self.supervisor.handle_end(end, now, random);
    }

    /// Closes everything and waits, briefly, until that was heard and the cache is written.
    pub(super) async fn close(mut self) {
        let closed: Vec<Connection> = self.links().map(|link| link.connection.clone()).collect();
        for link in self.links() {
            link.close(CloseCode::ClientDone);
        }
        self.engine.handle_disconnected();
        self.lanes = Default::default();
        self.persist.finish(&mut self.engine, &mut self.tasks).await;
        let dialer = Arc::clone(&self.dialer);
        self.link = None;
        self.candidate = None;
        self.ends.path.send_replace(None);
        self.tasks.clear();
        let said = async {
            tokio::select! {
                () = dialer.wait_idle() => {}
                () = answered(&closed) => {}
            }
        };
        let _ = tokio::time::timeout(crate::limits::CLOSE_WITHIN, said).await;
        self.ends.state.send_replace(crate::State::Closed);
        self.waiters.finish();
    }

    // Writing.

    pub(super) fn transmit(&mut self) {
        let mut writes = Vec::new();
        for link in self.link.iter_mut().chain(&mut self.candidate) {
            if link.writer.is_some()
                && let Some(bytes) = link.machine.poll_transmit()
                && let Some(mut send) = link.writer.take()
            {
                let id = link.id;
                writes.push(async move {
                    let written = send.write_chunk(bytes).await;
                    Input::Written(id, written.ok().map(|()| send))
                });
            }
        }
        writes.into_iter().for_each(|write| self.spawn(write));
    }

    pub(super) fn handle_written(&mut self, id: LinkId, stream: Option<SendLane>) {
        if let Some(link) = self.link_mut(id) {
            link.writer = stream;
        }
    }
}

/// Waits until the other ends have answered the closes with their own.
async fn answered(closed: &[Connection]) {
    while !closed.iter().all(Connection::has_heard_close) {
        // Nothing tells when a closed connection hears something.
        tokio::time::sleep(ANSWERED_EVERY).await;
    }
}

async fn read_control(id: LinkId, recv: RecvLane) -> Input {
    Input::Control(id, read(recv).await)
}

async fn read_events(id: LinkId, recv: RecvLane) -> Input {
    Input::Events(id, read(recv).await)
}

async fn read(mut recv: RecvLane) -> Option<(RecvLane, Bytes)> {
    let bytes = recv.read_chunk(READ_BYTES_MAX).await.ok()??;
    Some((recv, bytes))
}

async fn read_datagram(id: LinkId, connection: Connection) -> Input {
    Input::Datagram(id, connection.read_datagram().await.ok())
}

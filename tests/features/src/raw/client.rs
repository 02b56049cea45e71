//! A client that was welcomed: calls, bulk calls, events, notices, datagrams.

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parlour_protocol::{
    generated::{BulkRpc, ControlRpc, Rpc},
    ids::UserId,
    typing::Typing,
    wire::{
        BulkCall, BulkItem, Call, CloseCode, Ephemeral, Error, Event, EventFrame, Hello, LaneKind,
        LaneOpen, ServerFrame, Welcome, bulk_item, client_frame, event_frame, reply, server_frame,
    },
};
use prost::Message;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use super::{
    CallError, Connection, Lane, LaneError, Lost, PATIENCE, RecvStream, SendStream, bulk_open,
    client_frame as frame_of, closed, hello_frame, lane_of,
};

type Answer = Result<Bytes, Error>;
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// A connection with its lanes.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    welcome: Welcome,
    control: AsyncMutex<SendStream>,
    waiting: Waiting,
    next_call: AtomicU64,
    notices: AsyncMutex<mpsc::UnboundedReceiver<server_frame::Frame>>,
    events: AsyncMutex<mpsc::UnboundedReceiver<event_frame::Frame>>,
}

/// A call that is on its way.
#[derive(Debug)]
pub struct Pending<R> {
    answer: oneshot::Receiver<Answer>,
    connection: Connection,
    rpc: PhantomData<fn(R)>,
}

impl<R: Rpc> Pending<R> {
    /// Waits for the answer.
    pub async fn answer(self) -> Result<R::Response, CallError> {
        let body = self.outcome().await?;
        Ok(R::Response::decode(body).expect("the server's answers decode"))
    }

    /// Waits for the answer's bytes.
    pub async fn outcome(self) -> Result<Bytes, CallError> {
        match tokio::time::timeout(PATIENCE, self.answer).await {
            Ok(Ok(Ok(body))) => Ok(body),
            Ok(Ok(Err(error))) => Err(CallError::Refused(error)),
            Ok(Err(_)) => Err(CallError::Lost(closed(&self.connection).await)),
            Err(_) => Err(CallError::Lost(Lost::Silence)),
        }
    }
}

impl Client {
    pub(super) async fn begin(connection: Connection, hello: Hello) -> Result<Client, Lost> {
        Client::begin_with(connection, hello, true).await
    }

    pub(super) async fn begin_deaf(connection: Connection, hello: Hello) -> Result<Client, Lost> {
        Client::begin_with(connection, hello, false).await
    }

    async fn begin_with(connection: Connection, hello: Hello, hears: bool) -> Result<Client, Lost> {
        let (mut control, recv) = connection.open_bi().await?;
        // A server that is full may close before it has read anything.
        let _ = control.write_all(&hello_frame(hello)).await;
        let mut lane = Lane::new(recv);
        let first = tokio::time::timeout(PATIENCE, lane.next::<ServerFrame>()).await;
        let Ok(Ok(Some(ServerFrame { frame: Some(server_frame::Frame::Welcome(welcome)) }))) =
            first
        else {
            return Err(closed(&connection).await);
        };
        let waiting = Waiting::default();
        let (notice, notices) = mpsc::unbounded_channel();
        let (event, events) = mpsc::unbounded_channel();
        tokio::spawn(read_control(lane, waiting.clone(), notice));
        if hears {
            tokio::spawn(read_events(connection.clone(), event));
        }
        Ok(Client {
            connection,
            welcome,
            control: AsyncMutex::new(control),
            waiting,
            next_call: AtomicU64::new(1),
            notices: AsyncMutex::new(notices),
            events: AsyncMutex::new(events),
        })
    }

    /// What the server said first.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Who this is.
    pub fn user(&self) -> UserId {
        UserId::parse(&self.welcome.user).expect("the server's ids have 16 bytes")
    }

    /// The connection, for what no well-behaved client does.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Says bytes on the control lane.
    pub async fn say(&self, bytes: &[u8]) -> Result<(), Lost> {
        match self.control.lock().await.write_all(bytes).await {
            Ok(()) => Ok(()),
            Err(_) => Err(closed(&self.connection).await),
        }
    }

    /// Says a frame on the control lane.
    pub async fn say_frame(&self, frame: client_frame::Frame) -> Result<(), Lost> {
        self.say(&frame_of(frame)).await
    }

    /// Ends the control lane, with an error code or in order.
    pub async fn end_control(&self, code: Option<u32>) {
        let mut control = self.control.lock().await;
        match code {
            Some(code) => control.reset(code),
            None => control.finish(),
        }
    }

    /// Makes a call; calls reach the server in the order of these.
    pub async fn start<R: ControlRpc>(&self, request: &R::Request) -> Result<Pending<R>, Lost> {
        self.start_raw::<R>(R::METHOD.id, request.encode_to_vec().into()).await
    }

    /// Makes a call with any number and any bytes.
    pub async fn start_raw<R: Rpc>(&self, method: u32, body: Bytes) -> Result<Pending<R>, Lost> {
        let id = self.next_call.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        self.say_frame(client_frame::Frame::Call(Call { id, method, body, chain: 0 })).await?;
        Ok(Pending { answer, connection: self.connection.clone(), rpc: PhantomData })
    }

    /// A call and its answer.
    pub async fn call<R: ControlRpc>(
        &self,
        request: &R::Request,
    ) -> Result<R::Response, CallError> {
        self.start::<R>(request).await?.answer().await
    }

    /// A bulk call and everything it is answered with.
    pub async fn bulk<R: BulkRpc>(
        &self,
        request: &R::Request,
    ) -> Result<Vec<R::Response>, CallError> {
        let items = self.bulk_raw(R::METHOD.id, request.encode_to_vec().into()).await?;
        let decode = |item: Bytes| R::Response::decode(item).expect("the server's items decode");
        Ok(items.into_iter().map(decode).collect())
    }

    /// A bulk call with any number and any bytes.
    pub async fn bulk_raw(&self, method: u32, body: Bytes) -> Result<Vec<Bytes>, CallError> {
        let mut bytes = bulk_open().to_vec();
        bytes.extend(parlour_protocol::frame::encode(&BulkCall { method, body }));
        let mut lane = lane_of(&self.connection, &bytes).await?;
        let mut items = vec![];
        loop {
            match tokio::time::timeout(PATIENCE, lane.next::<BulkItem>()).await {
                Ok(Ok(Some(BulkItem { item: Some(bulk_item::Item::Body(body)) }))) => {
                    items.push(body);
                }
                Ok(Ok(Some(BulkItem { item: Some(bulk_item::Item::End(_)) }))) => return Ok(items),
                Ok(Ok(Some(BulkItem { item: Some(bulk_item::Item::Error(error)) }))) => {
                    return Err(CallError::Refused(error));
                }
                Ok(Err(LaneError::Lost(lost))) => return Err(lost.into()),
                Ok(Err(LaneError::Reset(code))) => {
                    return Err(Lost::Transport(format!("lane was reset with {code:#x}")).into());
                }
                Ok(other) => {
                    return Err(Lost::Transport(format!("lane was cut off: {other:?}")).into());
                }
                Err(_) => return Err(Lost::Silence.into()),
            }
        }
    }

    /// The next frame of the event lane; `None` if the connection is gone or nothing comes in
    /// time.
    pub async fn event(&self, within: Duration) -> Option<event_frame::Frame> {
        let mut events = self.events.lock().await;
        tokio::time::timeout(within, events.recv()).await.ok().flatten()
    }

    /// The next room event of that kind; panics if none comes.
    pub async fn hears(&self, kind: u32) -> Event {
        self.hears_where(|event| event.header.as_ref().is_some_and(|h| h.kind == kind)).await
    }

    /// The next event of a room or of the user's own log that fits; panics if none comes.
    pub async fn hears_where(&self, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            let frame = self.event(PATIENCE).await.expect("an event comes");
            let events = match frame {
                event_frame::Frame::RoomEvents(events) => events.events,
                event_frame::Frame::UserEvents(events) => events.events,
                _ => continue,
            };
            if let Some(event) = events.into_iter().find(|event| fits(event)) {
                return event;
            }
        }
    }

    /// The next notice (a frame of the control lane that answers no call).
    pub async fn notice(&self, within: Duration) -> Option<server_frame::Frame> {
        let mut notices = self.notices.lock().await;
        tokio::time::timeout(within, notices.recv()).await.ok().flatten()
    }

    /// Waits for the answer to a ping; false if the connection is gone or nothing comes.
    pub async fn hears_pong(&self, nonce: u64) -> bool {
        loop {
            match self.notice(PATIENCE).await {
                Some(server_frame::Frame::Pong(pong)) if pong.nonce == nonce => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Types in a room.
    pub fn types(&self, room: &Bytes) {
        let notice = Ephemeral {
            room: room.clone(),
            kind: 200,
            body: Typing { active: true }.encode_to_vec().into(),
            ..Ephemeral::default()
        };
        let sent = self.connection.send_datagram(notice.encode_to_vec().into());
        sent.expect("the server takes datagrams");
    }

    /// The next datagram.
    pub async fn datagram(&self, within: Duration) -> Option<Ephemeral> {
        let datagram = tokio::time::timeout(within, self.connection.read_datagram()).await;
        let datagram = datagram.ok()?.ok()?;
        Some(Ephemeral::decode(datagram).expect("the server's datagrams decode"))
    }

    /// Waits until the connection is closed.
    pub async fn closed(&self) -> Lost {
        closed(&self.connection).await
    }

    /// Goes away in order.
    pub fn leave(&self) {
        self.connection.close(CloseCode::ClientDone as u32, "");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Lets the tasks that read end.
        self.connection.close(CloseCode::ClientDone as u32, "");
    }
}

async fn read_control(
    mut lane: Lane,
    waiting: Waiting,
    notice: mpsc::UnboundedSender<server_frame::Frame>,
) {
    while let Ok(Some(frame)) = lane.next::<ServerFrame>().await {
        match frame.frame {
            Some(server_frame::Frame::Reply(said)) => {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(sender) = waiting.remove(&said.id) else { continue };
                let answer = match said.result {
                    Some(reply::Result::Error(error)) => Err(error),
                    Some(reply::Result::Body(body)) => Ok(body),
                    None => Ok(Bytes::new()),
                };
                let _ = sender.send(answer);
            }
            Some(frame) => drop(notice.send(frame)),
            None => {}
        }
    }
    // Whoever waits for an answer learns that none comes.
    waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

async fn read_events(
    connection: Connection,
    events: mpsc::UnboundedSender<event_frame::Frame>,
) -> Option<()> {
    let mut lane = Lane::new(event_lane(&connection).await?);
    let open = lane.next::<LaneOpen>().await.ok()??;
    assert_eq!(open.kind, LaneKind::Event as i32, "the server's only lane is the event lane");
    while let Ok(Some(frame)) = lane.next::<EventFrame>().await {
        events.send(frame.frame?).ok()?;
    }
    None
}

async fn event_lane(connection: &Connection) -> Option<RecvStream> {
    connection.accept_uni().await.ok()
}

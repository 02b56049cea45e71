//! A session: its streams, its datagrams, and how it ends.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use parlour_quic::{Connection, RecvStream, SendDatagramError, SendStream};
use web_transport_proto::{Capsule, CapsuleError, Frame, StreamUni, VarInt};

use super::{CRITICAL_MAX, FRAME_BYTES_MAX, H3_NO_ERROR, Headed, stream_code};
use crate::{connection::Lost, recv::RecvLane, send::SendLane};

/// How long a client may take to end the connection after it was told of the session's end.
const CLOSE_WITHIN: Duration = Duration::from_millis(1000);
/// Streams whose kind isn't known yet; the transport allows no more at once.
const UNKNOWN_MAX: usize = 4;

/// Streams that must stay open as long as the connection (RFC 9114 section 6.2.1).
#[derive(Default)]
pub(super) struct Critical {
    pub(super) streams: Vec<RecvStream>,
}

struct State {
    // Held, since the client would take their end for the connection's.
    _control: SendStream,
    critical: Critical,
    request: SendStream,
    // The session lives as long as these two.
    words: Option<RecvStream>,
    frames: BytesMut,
    capsules: BytesMut,
    unknown: VecDeque<(RecvStream, BytesMut)>,
    code: Option<u32>,
}

/// See the module.
pub struct Session {
    connection: Connection,
    id: u64,
    // From this side: nothing that comes counts any more.
    is_closed: Arc<AtomicBool>,
    state: Mutex<State>,
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        control: SendStream,
        critical: Critical,
        request: SendStream,
        words: RecvStream,
        frames: BytesMut,
    ) -> Arc<Self> {
        let id = request.id().into_inner();
        let state = State {
            _control: control,
            critical,
            request,
            words: Some(words),
            frames,
            capsules: BytesMut::new(),
            unknown: VecDeque::new(),
            code: None,
        };
        let (is_closed, state) = (Arc::default(), Mutex::new(state));
        Arc::new(Session { connection, id, is_closed, state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn quic(&self) -> &Connection {
        &self.connection
    }

    pub(crate) async fn accept_bi(&self) -> Result<(SendLane, RecvLane), Lost> {
        let (send, recv) = self.connection.accept_bi().await?;
        Ok((SendLane::WebTransport(send), RecvLane::WebTransport(self.headed(recv))))
    }

    fn headed(&self, stream: RecvStream) -> Headed {
        Headed::new(stream, self.id, self.is_closed.clone())
    }

    pub(crate) async fn open_uni(&self) -> Result<SendLane, Lost> {
        let mut stream = self.connection.open_uni().await?;
        let mut head = BytesMut::new();
        StreamUni::WEBTRANSPORT.encode(&mut head);
        number(self.id).encode(&mut head);
        stream.write_chunk(head.freeze()).await.map_err(|_| Lost)?;
        Ok(SendLane::WebTransport(stream))
    }

    /// Hears what the session says of itself, and waits for a stream that only the client speaks on.
    pub(crate) async fn accept_uni(&self) -> Result<RecvLane, Lost> {
        poll_fn(|context| {
            let mut state = self.lock();
            if state.poll_words(context).is_ready() {
                drop(state);
                self.connection.close(H3_NO_ERROR.into(), b"");
                return Poll::Ready(Err(Lost));
            }
            state.poll_unknown(&self.connection, context)
        })
        .await
        .map(|stream| RecvLane::WebTransport(self.headed(stream)))
    }

    /// Datagrams of other sessions, of which there are none, and malformed ones are passed over.
    pub(crate) async fn read_datagram(&self) -> Result<Bytes, Lost> {
        loop {
            let mut datagram = self.connection.read_datagram().await?;
            let session = VarInt::decode(&mut datagram);
            if session.is_ok_and(|session| session.into_inner() == self.id / 4) {
                return Ok(datagram);
            }
        }
    }

    pub(crate) fn send_datagram(&self, data: &[u8]) -> Result<(), SendDatagramError> {
        let mut bytes = BytesMut::with_capacity(data.len() + 8);
        number(self.id / 4).encode(&mut bytes);
        bytes.put_slice(data);
        self.connection.send_datagram(bytes.freeze())
    }

    /// Tells the client, which ends the connection; if it doesn't, that is done here.
    pub(crate) fn close(self: &Arc<Self>, code: u32, reason: &str) {
        let mut state = self.lock();
        if self.is_closed.swap(true, Ordering::Relaxed) {
            return;
        }
        let (mut capsule, mut frame) = (BytesMut::new(), BytesMut::new());
        let reason = reason.to_owned();
        Capsule::CloseWebTransportSession { code, reason }.encode(&mut capsule);
        Frame::DATA.encode(&mut frame);
        number(capsule.len() as u64).encode(&mut frame);
        frame.extend_from_slice(&capsule);
        SendLane::write_now(&mut state.request, frame.freeze());
        state.request.finish();
        drop(state);
        // With the session: the end of its own streams would be an error to the client, which comes first.
        let session = self.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(CLOSE_WITHIN, session.connection.closed()).await;
            session.connection.close(H3_NO_ERROR.into(), b"");
        });
    }

    pub(crate) async fn closed(&self) {
        // Whoever waits for the end hears the client's word of it, too.
        while let Ok(mut lane) = self.accept_uni().await {
            lane.stop(0);
        }
    }

    pub(crate) fn close_code(&self) -> Option<u32> {
        let mut state = self.lock();
        // The word of it may have come together with the connection's end.
        let _ = state.poll_words(&Context::from_waker(Waker::noop()));
        state.code
    }

    pub(crate) fn allow(&self, lanes: u32, window: u32) {
        // The session's request is one of them.
        self.connection.set_max_concurrent_bi_streams((lanes + 1).into());
        self.connection.set_receive_window(window.into());
    }
}

impl State {
    /// Ready once the client has ended the session.
    fn poll_words(&mut self, context: &Context<'_>) -> Poll<()> {
        loop {
            match next_capsule(&mut self.frames, &mut self.capsules) {
                Ok(Some(Capsule::CloseWebTransportSession { code, .. })) => {
                    self.code.get_or_insert(code);
                    return self.ended();
                }
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(_) => return self.ended(),
            }
            let Some(words) = &mut self.words else { return Poll::Ready(()) };
            match words.poll_read(context, FRAME_BYTES_MAX) {
                Poll::Ready(Ok(Some(bytes))) => self.frames.extend_from_slice(&bytes),
                // Ended without a word: closed with the code 0, by the rules.
                Poll::Ready(_) => return self.ended(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn ended(&mut self) -> Poll<()> {
        self.words = None;
        Poll::Ready(())
    }

    /// Sorts the client's unidirectional streams: those of the connection are held, those of the session
    /// handed on, others stopped.
    fn poll_unknown(
        &mut self,
        connection: &Connection,
        context: &Context<'_>,
    ) -> Poll<Result<RecvStream, Lost>> {
        while self.unknown.len() < UNKNOWN_MAX {
            match connection.poll_accept_uni(context) {
                Poll::Ready(Ok(stream)) => self.unknown.push_back((stream, BytesMut::new())),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Lost)),
                Poll::Pending => break,
            }
        }
        for _ in 0..self.unknown.len() {
            let Some((mut stream, mut read)) = self.unknown.pop_front() else { break };
            let kind = loop {
                match StreamUni::decode(&mut &read[..]) {
                    Ok(kind) => break Some(kind),
                    Err(_) if read.len() > 8 => break Some(StreamUni::PUSH),
                    Err(_) => {}
                }
                match stream.poll_read(context, 64) {
                    Poll::Ready(Ok(Some(bytes))) => read.extend_from_slice(&bytes),
                    Poll::Ready(_) => break Some(StreamUni::PUSH),
                    Poll::Pending => break None,
                }
            };
            match kind {
                None => self.unknown.push_back((stream, read)),
                Some(StreamUni::WEBTRANSPORT) => return Poll::Ready(Ok(stream)),
                Some(StreamUni::QPACK_ENCODER | StreamUni::QPACK_DECODER)
                    if self.critical.streams.len() < CRITICAL_MAX =>
                {
                    self.critical.streams.push(stream);
                }
                Some(_) => stream.stop(stream_code(0)),
            }
        }
        Poll::Pending
    }
}

/// The next capsule of what has come, which is in DATA frames (RFC 9297 section 3.2); other frames say
/// nothing here.
fn next_capsule(
    frames: &mut BytesMut,
    capsules: &mut BytesMut,
) -> Result<Option<Capsule>, CapsuleError> {
    loop {
        let mut rest = &capsules[..];
        match Capsule::decode(&mut rest) {
            Ok(capsule) => {
                let used = capsules.len() - rest.len();
                capsules.advance(used);
                return Ok(Some(capsule));
            }
            Err(CapsuleError::UnexpectedEnd | CapsuleError::VarInt(_))
                if capsules.len() <= FRAME_BYTES_MAX => {}
            Err(error) => return Err(error),
        }
        let mut rest = &frames[..];
        let (Ok(kind), Ok(len)) = (Frame::decode(&mut rest), VarInt::decode(&mut rest)) else {
            return Ok(None);
        };
        let len = usize::try_from(len.into_inner()).unwrap_or(usize::MAX);
        if len > FRAME_BYTES_MAX {
            return Err(CapsuleError::MessageTooLong);
        }
        if rest.len() < len {
            return Ok(None);
        }
        let head = frames.len() - rest.len();
        frames.advance(head);
        let data = frames.split_to(len);
        if kind == Frame::DATA {
            capsules.extend_from_slice(&data);
        }
    }
}

fn number(value: u64) -> VarInt {
    VarInt::try_from(value).expect("ids of streams and lengths are below 2^62")
}

//! A WebSocket (RFC 6455) as the carrier of a connection's lanes: whole messages in, whole messages out.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use parlour_mux::{Broken, Carrier};
use parlour_protocol::wire::CloseCode;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use crate::limits::{SOCKET_CLOSES_WITHIN, SOCKET_PING_AFTER};

/// Carries until either side ends it.
pub(crate) async fn carry(socket: WebSocket, carrier: Carrier) {
    let (mut sink, mut stream) = socket.split();
    let progress = Progress::default();
    let ended = async {
        carrier.closed().await;
        // Its last words; if the client takes none, it has had its time.
        sleep(SOCKET_CLOSES_WITHIN).await;
    };
    tokio::select! {
        () = receive(&mut stream, &carrier, &progress) => {
            // Its last words, unless it is gone.
            let last = transmit(&mut sink, &carrier, &progress);
            let _ = timeout(SOCKET_CLOSES_WITHIN, last).await;
        }
        () = transmit(&mut sink, &carrier, &progress) => {}
        () = ended => {}
    }
    carrier.handle_lost();
    // What comes is read to its end: with bytes unread, closing would throw away what isn't sent yet.
    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(SOCKET_CLOSES_WITHIN, rest).await;
}

/// What both halves tell each other.
#[derive(Default)]
struct Progress {
    wants_ping: Notify,
    // Messages that the kernel took.
    sent: AtomicU64,
}

async fn receive(stream: &mut SplitStream<WebSocket>, carrier: &Carrier, progress: &Progress) {
    // How much was sent when the client was last asked for a word.
    let mut asked_at = None;
    loop {
        let message = match timeout(SOCKET_PING_AFTER, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(_)) | None) => return carrier.handle_lost(),
            Err(_) => {
                // Browsers answer by themselves; one that takes what is sent is there as well.
                let sent = progress.sent.load(Ordering::Relaxed);
                if asked_at == Some(sent) {
                    return carrier.handle_lost();
                }
                asked_at = Some(sent);
                progress.wants_ping.notify_one();
                continue;
            }
        };
        asked_at = None;
        let heard = match message {
            Message::Binary(bytes) => carrier.handle_message(bytes),
            Message::Text(_) => Err(Broken("a message of text")),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => return carrier.handle_lost(),
        };
        if let Err(Broken(why)) = heard {
            return carrier.close(CloseCode::MalformedFrame as u32, why);
        }
    }
}

/// Sends what there is; one flush for what comes together.
async fn transmit(
    sink: &mut SplitSink<WebSocket, Message>,
    carrier: &Carrier,
    progress: &Progress,
) {
    let mut has_unflushed = false;
    loop {
        let next = tokio::select! {
            biased;
            () = progress.wants_ping.notified() => Message::Ping(Bytes::new()),
            next = poll_fn(|context| carrier.poll_message(context)) => match next {
                Some(bytes) => Message::Binary(bytes),
                None => return end(sink).await,
            },
            () = std::future::ready(()), if has_unflushed => {
                if sink.flush().await.is_err() {
                    return carrier.handle_lost();
                }
                has_unflushed = false;
                continue;
            }
        };
        // A ping is no progress.
        let counts = u64::from(matches!(next, Message::Binary(_)));
        if sink.feed(next).await.is_err() {
            return carrier.handle_lost();
        }
        progress.sent.fetch_add(counts, Ordering::Relaxed);
        has_unflushed = true;
    }
}

/// The WebSocket's own goodbye, or the answer to the client's, which waits already.
async fn end(sink: &mut SplitSink<WebSocket, Message>) {
    let normal = CloseFrame { code: close_code::NORMAL, reason: "".into() };
    if sink.send(Message::Close(Some(normal))).await.is_err() {
        let _ = sink.flush().await;
    }
}

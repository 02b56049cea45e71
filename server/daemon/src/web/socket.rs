//! A WebSocket (RFC 6455) as the carrier of a connection's lanes: whole messages in, whole messages out.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
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
    let wants_ping = Notify::new();
    let ended = async {
        carrier.closed().await;
        // Its last words; if the client takes none, it has had its time.
        sleep(SOCKET_CLOSES_WITHIN).await;
    };
    tokio::select! {
        () = receive(&mut stream, &carrier, &wants_ping) => {
            // Its last words, unless it is gone.
            let _ = timeout(SOCKET_CLOSES_WITHIN, transmit(&mut sink, &carrier, &wants_ping)).await;
        }
        () = transmit(&mut sink, &carrier, &wants_ping) => {}
        () = ended => {}
    }
    carrier.handle_lost();
}

async fn receive(stream: &mut SplitStream<WebSocket>, carrier: &Carrier, wants_ping: &Notify) {
    let was_pinged = AtomicBool::new(false);
    loop {
        let message = match timeout(SOCKET_PING_AFTER, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(_)) | None) => return carrier.handle_lost(),
            // Browsers answer by themselves.
            Err(_) if !was_pinged.swap(true, Ordering::Relaxed) => {
                wants_ping.notify_one();
                continue;
            }
            Err(_) => return carrier.handle_lost(),
        };
        was_pinged.store(false, Ordering::Relaxed);
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
    wants_ping: &Notify,
) {
    let mut has_unflushed = false;
    loop {
        let next = tokio::select! {
            biased;
            next = poll_fn(|context| carrier.poll_message(context)) => match next {
                Some(bytes) => Message::Binary(bytes),
                None => {
                    let normal = CloseFrame { code: close_code::NORMAL, reason: "".into() };
                    let _ = sink.send(Message::Close(Some(normal))).await;
                    return;
                }
            },
            () = std::future::ready(()), if has_unflushed => {
                if sink.flush().await.is_err() {
                    return carrier.handle_lost();
                }
                has_unflushed = false;
                continue;
            }
            () = wants_ping.notified() => Message::Ping(Bytes::new()),
        };
        if sink.feed(next).await.is_err() {
            return carrier.handle_lost();
        }
        has_unflushed = true;
    }
}

//! A WebSocket as a client of another make opens it, feeding the lanes.

use std::{future::poll_fn, net::SocketAddr};

use futures_util::{SinkExt, StreamExt};
use parlour_mux::{Carrier, Connection, Side};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::Lost;

/// Opens one, from a page of that origin if one is given.
pub(super) async fn open(address: SocketAddr, origin: Option<&str>) -> Result<Connection, Lost> {
    let lost = |error: tokio_tungstenite::tungstenite::Error| Lost::Transport(error.to_string());
    let url = format!("ws://{address}/parlour/v1/ws");
    let mut request = url.into_client_request().map_err(lost)?;
    if let Some(origin) = origin {
        let origin = HeaderValue::from_str(origin).expect("origins are ASCII");
        request.headers_mut().insert("origin", origin);
    }
    let (socket, _) = connect_async(request).await.map_err(lost)?;
    let (mut sink, mut stream) = socket.split();
    let (connection, carrier) = Connection::new(Side::Client);
    tokio::spawn(async move {
        let send = async {
            while let Some(bytes) = poll_fn(|context| carrier.poll_message(context)).await {
                if sink.send(Message::Binary(bytes)).await.is_err() {
                    break;
                }
            }
            let _ = sink.close().await;
        };
        let receive = async {
            while let Some(Ok(message)) = stream.next().await {
                if let Message::Binary(bytes) = message {
                    hear(&carrier, bytes);
                }
            }
        };
        tokio::join!(send, async {
            receive.await;
            carrier.handle_lost();
        });
    });
    Ok(connection)
}

fn hear(carrier: &Carrier, bytes: bytes::Bytes) {
    if let Err(broken) = carrier.handle_message(bytes) {
        panic!("the server breaks a rule: {broken}");
    }
}

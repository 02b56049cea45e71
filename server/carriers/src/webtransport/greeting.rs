//! From a QUIC connection to a session: settings both ways, and the client's request.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use parlour_quic::{Connection, RecvStream, SendStream};
use web_transport_proto::{
    ConnectError, ConnectRequest, ConnectResponse, Frame, Settings, SettingsError, StreamUni,
    VarInt,
};

use super::{CRITICAL_MAX, FRAME_BYTES_MAX, H3_NO_ERROR, LANES_BEFORE, Session, session::Critical};
use crate::send::read_more;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which path.
    pub path: String,
    /// The server's name and port, as the client has them.
    pub authority: String,
    /// The page it comes from (RFC 6454), which browsers say.
    pub origin: Option<String>,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The connection ended.
    #[error("the connection has ended")]
    Lost,
    /// What came isn't HTTP/3 with WebTransport.
    #[error("what came isn't a request for a session")]
    Malformed,
    /// Answered with this status.
    #[error("answered with {0}")]
    Status(u16),
}

/// Takes the client's request for a session, if `decide` has nothing against it: the status it is answered
/// with otherwise. Whoever calls bounds how long that may take.
pub async fn accept(
    connection: Connection,
    decide: impl FnOnce(&Request) -> Result<(), u16>,
) -> Result<Arc<Session>, Refused> {
    let mut settings = Settings::default();
    settings.enable_webtransport(1);
    let mut control = connection.open_uni().await.map_err(|_| Refused::Lost)?;
    let mut bytes = BytesMut::new();
    settings.encode(&mut bytes);
    control.write_chunk(bytes.freeze()).await.map_err(|_| Refused::Lost)?;

    let mut critical = Critical::default();
    hear_settings(&connection, &mut critical).await?;
    let (mut send, mut recv) = connection.accept_bi().await.map_err(|_| Refused::Lost)?;
    let mut read = BytesMut::new();
    let request = match read_request(&mut recv, &mut read).await {
        Ok(request) => request,
        Err(Refused::Status(status)) => return Err(refuse(&connection, send, status).await),
        Err(refused) => return Err(refused),
    };
    if let Err(status) = decide(&request) {
        return Err(refuse(&connection, send, status).await);
    }
    // As with native QUIC, beside the request's own stream.
    connection.set_max_concurrent_bi_streams((LANES_BEFORE + 1).into());
    send.write_chunk(response(200)).await.map_err(|_| Refused::Lost)?;
    Ok(Session::new(connection, control, critical, send, recv, read))
}

/// The client's settings have to be there before its request is looked at; other streams of the connection's
/// own may come before them.
async fn hear_settings(connection: &Connection, critical: &mut Critical) -> Result<(), Refused> {
    loop {
        let mut stream = connection.accept_uni().await.map_err(|_| Refused::Lost)?;
        if critical.streams.len() == CRITICAL_MAX {
            return Err(Refused::Malformed);
        }
        let mut read = BytesMut::new();
        let is_control = loop {
            read_on(&mut stream, &mut read).await?;
            match StreamUni::decode(&mut &read[..]) {
                Ok(kind) => break kind == StreamUni::CONTROL,
                Err(_) if read.len() > 8 => return Err(Refused::Malformed),
                Err(_) => {}
            }
        };
        if is_control {
            read_settings(&mut stream, &mut read).await?;
        }
        critical.streams.push(stream);
        if is_control {
            return Ok(());
        }
    }
}

async fn read_settings(stream: &mut RecvStream, read: &mut BytesMut) -> Result<(), Refused> {
    loop {
        match Settings::decode(&mut &read[..]) {
            Ok(settings) if settings.supports_webtransport() > 0 => return Ok(()),
            Err(SettingsError::UnexpectedEnd) if read.len() <= FRAME_BYTES_MAX => {}
            _ => return Err(Refused::Malformed),
        }
        read_on(stream, read).await?;
    }
}

async fn read_on(stream: &mut RecvStream, read: &mut BytesMut) -> Result<(), Refused> {
    let bytes = read_more(stream, FRAME_BYTES_MAX).await.ok_or(Refused::Malformed)?;
    read.extend_from_slice(&bytes);
    Ok(())
}

/// Reads the request; what came behind it is left in `read`.
async fn read_request(recv: &mut RecvStream, read: &mut BytesMut) -> Result<Request, Refused> {
    loop {
        read_on(recv, read).await?;
        // Frames of kinds that mean nothing may stand before it (RFC 9114 section 9).
        while let Some(len) = meaningless(&read[..]) {
            read.advance(len);
        }
        let mut rest = &read[..];
        match ConnectRequest::decode(&mut rest) {
            Ok(request) => {
                let used = read.len() - rest.len();
                read.advance(used);
                let origin = request.headers.get("origin");
                return Ok(Request {
                    path: request.url.path().to_owned(),
                    authority: request.url.authority().to_owned(),
                    origin: origin.map(|origin| origin.to_str().unwrap_or("null").to_owned()),
                });
            }
            Err(ConnectError::UnexpectedEnd) if read.len() <= FRAME_BYTES_MAX => {}
            // Pages are served over TCP.
            Err(ConnectError::WrongMethod(_) | ConnectError::WrongProtocol(_)) => {
                return Err(Refused::Status(501));
            }
            Err(_) => return Err(Refused::Malformed),
        }
    }
}

/// How long the frame at the beginning is, if it is whole and of a reserved kind.
fn meaningless(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let kind = Frame::decode(&mut rest).ok()?;
    let len = usize::try_from(VarInt::decode(&mut rest).ok()?.into_inner()).ok()?;
    (kind.is_grease() && rest.len() >= len).then(|| bytes.len() - rest.len() + len)
}

fn response(status: u16) -> Bytes {
    let status = status.try_into().expect("statuses are named in the code");
    let mut bytes = BytesMut::new();
    let encoded = ConnectResponse::new(status).encode(&mut bytes);
    encoded.expect("a status alone can be encoded");
    bytes.freeze()
}

/// Answers with a status, and ends the connection once the client has it.
async fn refuse(connection: &Connection, mut send: SendStream, status: u16) -> Refused {
    let _ = send.write_chunk(response(status)).await;
    send.finish();
    send.stopped().await;
    connection.close(H3_NO_ERROR.into(), b"");
    Refused::Status(status)
}

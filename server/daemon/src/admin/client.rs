//! The command line's end of the operator's line.

use std::{io, path::Path};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::{Request, Response, short_path};
use crate::limits;

/// Why a running server didn't answer.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody listens: no server runs on this data folder.
    #[error("no server runs on this data folder")]
    NotRunning,
    /// The socket belongs to another user.
    #[error("the server's socket belongs to another user")]
    Forbidden,
    /// The connection broke.
    #[error("the server went away before it answered: {0}")]
    Io(io::Error),
    /// The answer isn't one: another release, probably.
    #[error("the server's answer is not understood; is it the same release?")]
    Answer,
    /// The server says no.
    #[error("{0}")]
    Refused(String),
}

/// Asks the server behind the socket at `path`. Waits as long as it takes.
pub async fn ask(path: &Path, request: &Request) -> Result<Response, AdminError> {
    let (short, _folder) = short_path(path).map_err(no_connection)?;
    let mut stream = UnixStream::connect(short).await.map_err(no_connection)?;
    let mut line = serde_json::to_string(request).map_err(|_| AdminError::Answer)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await.map_err(AdminError::Io)?;
    let mut answer = String::new();
    let mut reader = stream.take(limits::ADMIN_LINE_BYTES_MAX);
    reader.read_to_string(&mut answer).await.map_err(AdminError::Io)?;
    match serde_json::from_str(&answer) {
        Ok(Response::Failed { why }) => Err(AdminError::Refused(why)),
        Ok(response) => Ok(response),
        Err(_) if answer.is_empty() => Err(AdminError::Io(io::ErrorKind::UnexpectedEof.into())),
        Err(_) => Err(AdminError::Answer),
    }
}

fn no_connection(error: io::Error) -> AdminError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AdminError::NotRunning,
        io::ErrorKind::PermissionDenied => AdminError::Forbidden,
        _ => AdminError::Io(error),
    }
}

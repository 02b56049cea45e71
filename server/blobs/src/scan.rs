//! The scanner: clamd's INSTREAM command, over TCP or a Unix socket (clamd(8)).

use std::{net::SocketAddr, path::Path, path::PathBuf};

use parlour_core::ports::blobs::BlobError;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::limits::{PIECE_BYTES, SCANNER_ANSWER_BYTES_MAX, SCANNER_WITHIN};

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanner {
    /// On a TCP port.
    Tcp(SocketAddr),
    /// On a socket in the file system.
    Unix(PathBuf),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Scanner {
    /// Reads an address and port, or a path that begins with a slash.
    pub fn parse(text: &str) -> Option<Self> {
        match text.starts_with('/') {
            true => Some(Scanner::Unix(text.into())),
            false => text.parse().ok().map(Scanner::Tcp),
        }
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Scanner::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            Scanner::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    /// `Infected` for what it refuses, `Unavailable` where it doesn't say that all is well.
    pub(crate) async fn scan(&self, path: &Path) -> Result<(), BlobError> {
        let answer = match self.ask(path).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(error = %error.kind(), "the scanner doesn't answer");
                return Err(BlobError::Unavailable);
            }
        };
        // `stream: OK`, `stream: NAME FOUND`, or an error.
        let answer = answer.trim_end_matches('\0').trim();
        if answer.ends_with(" OK") {
            Ok(())
        } else if answer.ends_with(" FOUND") {
            tracing::info!(%answer, "the scanner refuses a file");
            Err(BlobError::Infected)
        } else {
            tracing::warn!(%answer, "the scanner can't say");
            Err(BlobError::Unavailable)
        }
    }

    async fn ask(&self, path: &Path) -> std::io::Result<String> {
        let within = |step| timeout(SCANNER_WITHIN, step);
        let mut stream = within(Box::pin(self.connect())).await??;
        let path = path.to_owned();
        let file = tokio::task::spawn_blocking(move || std::fs::File::open(path)).await??;
        let mut file = Some(file);
        timeout(SCANNER_WITHIN, stream.write_all(b"zINSTREAM\0")).await??;
        while let Some(mut open) = file.take() {
            let (open, piece) = tokio::task::spawn_blocking(move || {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                let read = std::io::Read::take(&mut open, PIECE_BYTES as u64);
                std::io::Read::read_to_end(&mut { read }, &mut piece).map(|_| (open, piece))
            })
            .await??;
            // A piece of no bytes is the end.
            let length = u32::try_from(piece.len()).unwrap_or_default().to_be_bytes();
            let sent = async {
                stream.write_all(&length).await?;
                stream.write_all(&piece).await
            };
            if timeout(SCANNER_WITHIN, sent).await?.is_err() {
                // It has stopped listening, and says why.
                break;
            }
            file = (!piece.is_empty()).then_some(open);
        }
        let mut answer = String::new();
        let read = stream.take(SCANNER_ANSWER_BYTES_MAX);
        timeout(SCANNER_WITHIN, { read }.read_to_string(&mut answer)).await??;
        Ok(answer)
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;

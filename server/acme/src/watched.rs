//! The way to a CA: the embedder's HTTP client, and how the last answer looked, which the library
//! doesn't tell where it is an error.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

/// What a CA is asked.
pub type Request = http::Request<BodyWrapper<bytes::Bytes>>;
/// What is under way until it answers.
pub type Asked =
    Pin<Box<dyn Future<Output = Result<http::Response<bytes::Bytes>, Unreached>> + Send>>;

/// Why there was no answer, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(pub String);

/// Asks a CA: over TLS, within a bound of time and size, without following redirections.
pub trait Ask: Send + Sync + 'static {
    /// Sends it and reads the whole answer, whatever its status.
    fn ask(&self, request: Request) -> Asked;
}

/// How a CA answered last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Last {
    /// With which status; 0 before the first answer.
    pub(crate) status: u16,
    /// When it wants to be asked again, where it says so in seconds.
    pub(crate) again_after: Option<Duration>,
}

/// Where that is noted.
#[derive(Clone, Default)]
pub(crate) struct Note(Arc<Mutex<Last>>);

impl Note {
    pub(crate) fn last(&self) -> Last {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client that the library asks with.
pub(crate) struct Watched {
    ask: Arc<dyn Ask>,
    note: Note,
}

impl Watched {
    pub(crate) fn new(ask: Arc<dyn Ask>, note: Note) -> Self {
        Watched { ask, note }
    }
}

impl HttpClient for Watched {
    fn request(
        &self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (asked, note) = (self.ask.ask(request), self.note.clone());
        Box::pin(async move {
            let answer = asked.await.map_err(|why| Error::Other(Box::new(why)))?;
            let after = answer.headers().get(http::header::RETRY_AFTER);
            let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let last = Last {
                status: answer.status().as_u16(),
                again_after: seconds.map(Duration::from_secs),
            };
            *note.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
            let (parts, body) = answer.into_parts();
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}

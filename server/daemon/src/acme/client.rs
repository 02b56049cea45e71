//! The way to a CA: the server's own HTTP client, with a connection for each request. An order is a dozen
//! of them, every two months.

use std::{path::PathBuf, sync::Arc};

use axum::http::{Request as HttpRequest, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use parlour_acme::{Ask, Asked, Request, Unreached};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::{
    limits::{ACME_ANSWER_BYTES_MAX, ACME_ANSWER_WITHIN},
    outside::{
        OutsideError, Reach, Target, USER_AGENT, exchange_whole, open, with_roots_of,
        with_systems_roots,
    },
};

/// See the module.
pub(super) struct Client {
    tls: TlsConnector,
}

impl Client {
    /// One that trusts the certificates in that file, or those that the system does.
    pub(super) fn trusting(ca_file: Option<&PathBuf>) -> Result<Arc<dyn Ask>, Unreached> {
        let tls = match ca_file {
            Some(path) => with_roots_of(path)
                .ok_or_else(|| Unreached("tls.acme.ca_file holds no certificates in pem".into()))?,
            None => with_systems_roots().map_err(|_| Unreached(OutsideError::Tls.to_string()))?,
        };
        Ok(Arc::new(Client { tls }))
    }
}

impl Ask for Client {
    fn ask(&self, request: Request) -> Asked {
        let tls = self.tls.clone();
        Box::pin(async move {
            let asked = timeout(ACME_ANSWER_WITHIN, ask(request, &tls)).await;
            asked.unwrap_or(Err(OutsideError::TooSlow)).map_err(|why| Unreached(why.to_string()))
        })
    }
}

async fn ask(request: Request, tls: &TlsConnector) -> Result<Response<Bytes>, OutsideError> {
    let target = Target::parse(&request.uri().to_string()).map_err(|_| OutsideError::NoTarget)?;
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = |text: &str| text.parse().map_err(|_| OutsideError::NoTarget);
    head.uri = target.path.parse().map_err(|_| OutsideError::NoTarget)?;
    head.headers.insert(header::HOST, text(&target.authority)?);
    head.headers.insert(header::USER_AGENT, text(USER_AGENT)?);
    head.headers.insert(header::ACCEPT_ENCODING, text("identity")?);
    let request = HttpRequest::from_parts(head, Full::new(body));
    let stream = open(&target, &Reach::Named(false), Some(tls)).await?;
    exchange_whole(stream, request, ACME_ANSWER_BYTES_MAX).await
}

//! The collector that spans go to: OTLP over HTTP, in protobuf. It is the server's own HTTP client that
//! asks, with a connection for each request: one a second has spans of a thousand calls in it.

use std::{path::PathBuf, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, Request, header};
use bytes::Bytes;
use http_body_util::Full;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::{
    limits::{SPANS_ANSWER_BYTES_MAX, SPANS_WITHIN},
    outside::{
        OutsideError, Over, Reach, Target, USER_AGENT, exchange, open, with_roots_of,
        with_systems_roots,
    },
};

/// What stands behind the base address (OTLP 1.10, "OTLP/HTTP Request").
pub(crate) const PATH: &str = "/v1/traces";

/// Why the collector didn't take spans.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// There was no answer, or none that is read.
    #[error(transparent)]
    Outside(#[from] OutsideError),
    /// It answered with another status than success; redirections aren't followed.
    #[error("answered with {0}")]
    Status(u16),
    /// No certificate can be checked: the file with those that vouch for it can't be used.
    #[error("traces.ca_file holds no certificates in pem")]
    NoRoots,
}

impl ExportError {
    /// Whether the same may be taken a little later (OTLP 1.10, "OTLP/HTTP Response").
    pub(super) fn passes(self) -> bool {
        match self {
            ExportError::Status(status) => matches!(status, 429 | 502..=504),
            // Not what is too slow: what comes behind these would wait that long once more.
            ExportError::Outside(error) => {
                use OutsideError::{NoAddress, NotHttp, Unreachable};
                matches!(error, NoAddress | NotHttp | Unreachable)
            }
            ExportError::NoRoots => false,
        }
    }
}

/// Where spans go.
#[derive(Clone, Debug)]
pub struct Collector {
    target: Arc<Target>,
    headers: HeaderMap,
    ca_file: Option<PathBuf>,
    reach: Reach,
}

impl Collector {
    /// The one at that base address; or what is wrong with that.
    pub(crate) fn new(
        base: &str,
        headers: HeaderMap,
        ca_file: Option<PathBuf>,
        allow_http: bool,
    ) -> Result<Self, &'static str> {
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err("is not an address of http or https");
        }
        if base.contains(['?', '#']) {
            return Err("has a query or a fragment");
        }
        let reach = Reach::Named(allow_http);
        let target = Target::parse(&format!("{}{PATH}", base.trim_end_matches('/')))?;
        // A name may turn out to be another host's; that is seen when it is looked up.
        let elsewhere = "leads to another host without tls; traces.allow_http permits that";
        target.check(&reach).map_err(|_| elsewhere)?;
        Ok(Collector { target: Arc::new(target), headers, ca_file, reach })
    }

    /// Hands spans over: how many of them it refused.
    pub(super) async fn post(
        &self,
        tls: Option<&TlsConnector>,
        spans: Bytes,
    ) -> Result<u64, ExportError> {
        let request = self.request(spans)?;
        let posted = async {
            let stream = open(&self.target, &self.reach, tls).await?;
            // A longer answer says nothing that is of use here.
            exchange(stream, request, Some((SPANS_ANSWER_BYTES_MAX, Over::Cut))).await
        };
        let answer = timeout(SPANS_WITHIN, posted).await.unwrap_or(Err(OutsideError::TooSlow))?;
        if !answer.status.is_success() {
            return Err(ExportError::Status(answer.status.as_u16()));
        }
        // It has them, whatever else it says.
        let said = ExportTraceServiceResponse::decode(answer.body).unwrap_or_default();
        let rejected = said.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(u64::try_from(rejected).unwrap_or(0))
    }

    fn request(&self, spans: Bytes) -> Result<Request<Full<Bytes>>, ExportError> {
        let mut request = Request::post(&self.target.path)
            .header(header::HOST, &self.target.authority)
            .header(header::ACCEPT_ENCODING, "identity")
            // Also where there are none: some ask for a length in any case.
            .header(header::CONTENT_LENGTH, spans.len())
            .header(header::USER_AGENT, USER_AGENT)
            .body(Full::new(spans))
            .map_err(|_| OutsideError::NoTarget)?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        let kind = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, kind);
        Ok(request)
    }

    /// What checks its certificate; `None` without TLS.
    pub(super) fn tls(&self) -> Result<Option<TlsConnector>, ExportError> {
        if !self.target.is_secure {
            return Ok(None);
        }
        match &self.ca_file {
            Some(path) => with_roots_of(path).ok_or(ExportError::NoRoots).map(Some),
            None => Ok(Some(with_systems_roots().map_err(|_| OutsideError::Tls)?)),
        }
    }
}

/// Looks once whether the collector would take spans, by handing it none.
pub async fn look(collector: &Collector) -> Result<(), ExportError> {
    let nothing = ExportTraceServiceRequest { resource_spans: vec![] };
    let tls = collector.tls()?;
    collector.post(tls.as_ref(), nothing.encode_to_vec().into()).await.map(|_| ())
}

#[cfg(test)]
#[path = "collector_tests.rs"]
mod tests;

//! The spans that there are: a request over HTTP, a call, and the parts of a call. Their names and
//! attributes come from the contract and from tables, never from what somebody sent.

use std::{any::Any, sync::Arc, time::SystemTime};

use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer},
};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::Span};
use parlour_core::draft::{Again, Follow};
use parlour_protocol::{generated::method, wire::Error};

use super::{Recorder, Traces};
use crate::{
    http::reason_of,
    metrics::{CallEnd, is_ours},
};

/// How a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// Over a connection.
    Quic,
    /// Over HTTP, as JSON.
    Http,
    /// From an operator on this host.
    Operator,
}

/// A span that is being recorded.
struct Recorded {
    recorder: Arc<Recorder>,
    // With the span in it.
    context: Context,
}

impl Recorded {
    fn begin(recorder: &Arc<Recorder>, builder: SpanBuilder, parent: &Context) -> Option<Span> {
        let span = recorder.tracer.build_with_context(builder, parent);
        span.is_recording().then_some(span)
    }

    fn new(recorder: &Arc<Recorder>, span: Span) -> Arc<Self> {
        let context = Context::new().with_span(span);
        Arc::new(Recorded { recorder: recorder.clone(), context })
    }

    /// A part of it that is over.
    fn part(&self, name: &'static str, from: SystemTime, to: SystemTime) {
        let builder = SpanBuilder::from_name(name).with_start_time(from);
        let mut span = self.recorder.tracer.build_with_context(builder, &self.context);
        span.end_with_timestamp(to);
    }

    fn failed(&self, error: &Error) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("error.type", reason_of(error)));
        if is_ours(error) {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

impl Follow for Recorded {
    fn handle_refused(&self, error: &Error) {
        self.failed(error);
    }
}

impl Traces {
    /// A call begins that isn't part of anything.
    pub(crate) fn call(&self, number: u32, via: Via) -> CallSpan {
        CallSpan(self.0.as_ref().and_then(|it| it.call(number, via, &Context::new())))
    }

    /// A call over a connection begins, or goes on where the hub has sent it back to be decided again.
    pub(crate) fn call_or_again(&self, again: &mut Again) -> CallSpan {
        let Some(recorder) = &self.0 else { return CallSpan::default() };
        if again.times > 0 {
            let before = again.follower.clone().map(|it| it as Arc<dyn Any + Send + Sync>);
            return CallSpan(before.and_then(|before| before.downcast().ok()));
        }
        let span = recorder.call(again.method, Via::Quic, &Context::new());
        again.follower = span.clone().map(|span| span as Arc<dyn Follow>);
        CallSpan(span)
    }

    /// A request over HTTP begins, on a route as it is written in the table of routes.
    pub(crate) fn request(
        &self,
        method: &Method,
        route: Option<&str>,
        headers: &HeaderMap,
    ) -> RequestSpan {
        RequestSpan(self.0.as_ref().and_then(|it| it.request(method, route, headers)))
    }
}

impl Recorder {
    fn call(self: &Arc<Self>, number: u32, via: Via, parent: &Context) -> Option<Arc<Recorded>> {
        let name = method(number).map_or("unknown", |method| method.name);
        // Within a request it isn't what came from outside, but how that is answered.
        let kind = if via == Via::Http { SpanKind::Internal } else { SpanKind::Server };
        let builder = SpanBuilder::from_name(name).with_kind(kind);
        let mut span = Recorded::begin(self, builder, parent)?;
        span.set_attribute(KeyValue::new("rpc.system", "parlour"));
        if let Some((service, method)) = name.rsplit_once('.') {
            span.set_attribute(KeyValue::new("rpc.service", service));
            span.set_attribute(KeyValue::new("rpc.method", method));
        }
        let (transport, protocol) = match via {
            Via::Quic => ("quic", "parlour"),
            Via::Http => ("tcp", "http"),
            Via::Operator => ("unix", "parlour"),
        };
        span.set_attribute(KeyValue::new("network.transport", transport));
        span.set_attribute(KeyValue::new("network.protocol.name", protocol));
        Some(Recorded::new(self, span))
    }

    fn request(
        self: &Arc<Self>,
        method: &Method,
        route: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<Arc<Recorded>> {
        let method = known(method);
        let name = match (method, route) {
            ("_OTHER", _) | (_, None) => "HTTP".to_owned(),
            (method, Some(route)) => format!("{method} {route}"),
        };
        let parent = match self.takes_parents {
            true => TraceContextPropagator::new()
                .extract_with_context(&Context::new(), &TraceParent(headers)),
            false => Context::new(),
        };
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
        let mut span = Recorded::begin(self, builder, &parent)?;
        span.set_attribute(KeyValue::new("http.request.method", method));
        if let Some(route) = route {
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        span.set_attribute(KeyValue::new("network.transport", "tcp"));
        span.set_attribute(KeyValue::new("network.protocol.name", "http"));
        Some(Recorded::new(self, span))
    }
}

/// A method that everybody knows; others are what somebody has sent.
fn known(method: &Method) -> &'static str {
    let all = [
        (Method::GET, "GET"),
        (Method::HEAD, "HEAD"),
        (Method::PATCH, "PATCH"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
    ];
    all.into_iter().find(|(known, _)| known == method).map_or("_OTHER", |(_, name)| name)
}

/// The trace that a request belongs to (W3C Trace Context). Its `tracestate` isn't read: it may hold
/// anything, and would be exported as it came.
struct TraceParent<'a>(&'a HeaderMap);

impl Extractor for TraceParent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = (key == "traceparent").then(|| self.0.get(key)).flatten();
        value.and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// A call, if it is recorded.
#[derive(Clone, Default)]
pub(crate) struct CallSpan(Option<Arc<Recorded>>);

impl CallSpan {
    /// Its handler decides, until this is dropped.
    pub(crate) fn deciding(&self) -> Part {
        self.begin(What::Deciding)
    }

    /// Its draft is handed to the hub, which drops this when it says what became of it.
    pub(crate) fn committing(&self) -> Part {
        self.begin(What::Committing)
    }

    fn begin(&self, what: What) -> Part {
        Part(self.0.as_ref().map(|of| (of.clone(), what, SystemTime::now())))
    }

    /// It has ended. What has ended already stays as it is.
    pub(crate) fn ended(&self, end: CallEnd<'_>) {
        let Some(recorded) = &self.0 else { return };
        match end {
            CallEnd::Ok => recorded.context.span().end(),
            CallEnd::Error(error) => recorded.failed(error),
            CallEnd::Cancelled => {
                let span = recorded.context.span();
                span.set_attribute(KeyValue::new("error.type", "cancelled"));
                span.end();
            }
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Deciding,
    Committing,
}

/// A part of a call that ends when this is dropped.
#[derive(Default)]
pub(crate) struct Part(Option<(Arc<Recorded>, What, SystemTime)>);

impl Drop for Part {
    fn drop(&mut self) {
        let Some((of, what, since)) = self.0.take() else { return };
        let now = SystemTime::now().max(since);
        let began = match what {
            What::Deciding => return of.part("decide", since, now),
            What::Committing => of.recorder.committing().map(|began| began.clamp(since, now)),
        };
        of.part("wait", since, began.unwrap_or(now));
        if let Some(began) = began {
            of.part("commit", began, now);
        }
    }
}

/// A request over HTTP, if it is recorded.
#[derive(Clone, Default)]
pub(crate) struct RequestSpan(Option<Arc<Recorded>>);

impl RequestSpan {
    /// The call that it asks for begins.
    pub(crate) fn call(&self, number: u32) -> CallSpan {
        let call = |of: &Arc<Recorded>| of.recorder.call(number, Via::Http, &of.context);
        CallSpan(self.0.as_ref().and_then(call))
    }

    /// The head of its answer is there.
    pub(crate) fn answered(&self, status: StatusCode) {
        let Some(recorded) = &self.0 else { return };
        let span = recorded.context.span();
        let code = i64::from(status.as_u16());
        span.set_attribute(KeyValue::new("http.response.status_code", code));
        if status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", code.to_string()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

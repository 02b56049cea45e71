//! Which spans there are of what happens, and what they hang together by.

use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use parlour_core::draft::Again;
use parlour_protocol::{
    generated::{Rpc, rpc::Send},
    wire::{Error, ErrorReason},
};
use tokio::sync::mpsc;

use super::*;
use crate::metrics::CallEnd;

const SEND: u32 = <Send as Rpc>::METHOD.id;
const SEND_NAME: &str = <Send as Rpc>::METHOD.name;

fn recording(sample_ratio: f64, takes_parents: bool) -> (Traces, mpsc::Receiver<SpanData>) {
    let (queue, spans) = Queue::new(64, SharedMetrics::default());
    let tracer = tracer(resource("test".into()), sample_ratio, queue);
    (Traces::new(tracer, takes_parents, watch::channel(false).0, None), spans)
}

fn all(spans: &mut mpsc::Receiver<SpanData>) -> Vec<SpanData> {
    std::iter::from_fn(|| spans.try_recv().ok()).collect()
}

fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"))
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let is = |of: &&opentelemetry::KeyValue| of.key.as_str() == key;
    span.attributes.iter().find(is).map(|of| of.value.to_string())
}

#[test]
fn without_a_collector_nothing_is_recorded() {
    let traces = Traces::default();
    let mut again = Again::first(SEND, Bytes::new(), None);
    let call = traces.call_or_again(&mut again);
    drop((call.deciding(), call.committing()));
    call.ended(CallEnd::Ok);
    assert!(again.follower.is_none() && traces.commit_begins().is_none());
}

#[test]
fn a_call_has_its_parts_and_one_commit() {
    let (traces, mut spans) = recording(1.0, true);
    let mut again = Again::first(SEND, Bytes::new(), None);
    let call = traces.call_or_again(&mut again);
    drop(call.deciding());
    let committing = call.committing();
    let began = traces.commit_begins();
    let telling = traces.telling(began);
    drop(committing);
    call.ended(CallEnd::Ok);
    drop(telling);
    // Told outside of a commit: there was none.
    drop(call.committing());
    let spans = all(&mut spans);
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["decide", "wait", "commit", SEND_NAME, "wait"]);
    let call = named(&spans, SEND_NAME);
    assert_eq!((call.parent_span_id, &call.span_kind), (SpanId::INVALID, &SpanKind::Server));
    assert_eq!(call.status, Status::Unset);
    assert_eq!(attribute(call, "rpc.method").as_deref(), Some("Send"));
    for part in spans.iter().filter(|span| span.name != call.name) {
        assert_eq!(part.parent_span_id, call.span_context.span_id());
        assert_eq!(part.span_context.trace_id(), call.span_context.trace_id());
        assert!(part.start_time <= part.end_time && part.attributes.is_empty());
    }
    assert_eq!(named(&spans, "wait").end_time, named(&spans, "commit").start_time);
}

#[test]
fn what_the_hub_sends_back_is_the_same_call_and_what_it_refuses_has_its_reason() {
    let (traces, mut spans) = recording(1.0, true);
    let mut again = Again::first(SEND, Bytes::new(), None);
    let first = traces.call_or_again(&mut again);
    drop((first.deciding(), first.committing(), first));
    again.times += 1;
    let second = traces.call_or_again(&mut again);
    drop((second.deciding(), second.committing(), second));
    let follower = again.follower.take().expect("somebody follows it");
    follower.handle_refused(&Error::new(ErrorReason::ReadOnly, ""));
    let spans = all(&mut spans);
    assert_eq!(spans.iter().filter(|span| span.name == "decide").count(), 2);
    let calls: Vec<_> = spans.iter().filter(|span| span.name == SEND_NAME).collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(attribute(calls[0], "error.type").as_deref(), Some("READ_ONLY"));
    assert_eq!(calls[0].status, Status::error(""), "which isn't the caller's fault");
}

#[test]
fn what_was_not_recorded_at_first_is_not_later() {
    let (traces, mut spans) = recording(0.0, true);
    let mut again = Again::first(SEND, Bytes::new(), None);
    drop(traces.call_or_again(&mut again));
    again.times += 1;
    let (traces, mut others) = recording(1.0, true);
    traces.call_or_again(&mut again).ended(CallEnd::Ok);
    assert!(all(&mut spans).is_empty() && all(&mut others).is_empty());
}

fn with_parent(flags: &str) -> HeaderMap {
    let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", parent.parse().expect("a value"));
    headers.insert("tracestate", "canary=1".parse().expect("a value"));
    headers
}

#[test]
fn a_request_belongs_to_the_trace_that_it_names_and_is_recorded_as_that_is() {
    let (traces, mut spans) = recording(0.0, true);
    let request = traces.request(&Method::POST, Some("/rpc/{method}"), &with_parent("01"));
    request.call(SEND).ended(CallEnd::Error(&Error::new(ErrorReason::RoomNotFound, "")));
    request.answered(StatusCode::CONFLICT);
    let seen = all(&mut spans);
    let (request, call) = (named(&seen, "POST /rpc/{method}"), named(&seen, SEND_NAME));
    assert_eq!(request.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(request.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(call.parent_span_id, request.span_context.span_id());
    assert_eq!(call.span_kind, SpanKind::Internal);
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("409"));
    assert_eq!(attribute(call, "error.type").as_deref(), Some("ROOM_NOT_FOUND"));
    assert_eq!((&request.status, &call.status), (&Status::Unset, &Status::Unset));
    assert!(!format!("{seen:?}").contains("canary"));

    let (traces, mut spans) = recording(1.0, true);
    let request = traces.request(&Method::POST, Some("/rpc/{method}"), &with_parent("00"));
    request.call(SEND).ended(CallEnd::Ok);
    request.answered(StatusCode::OK);
    assert!(all(&mut spans).is_empty());

    let (traces, mut spans) = recording(1.0, false);
    traces.request(&Method::POST, None, &with_parent("00")).answered(StatusCode::BAD_GATEWAY);
    let seen = all(&mut spans);
    assert_eq!(seen[0].parent_span_id, SpanId::INVALID, "nobody else decides");
    assert_eq!((&*seen[0].name, &seen[0].status), ("HTTP", &Status::error("")));
}

#[test]
fn a_method_that_somebody_made_up_is_not_exported() {
    let (traces, mut spans) = recording(1.0, true);
    let canary = Method::from_bytes(b"CANARY").expect("a method");
    traces.request(&canary, Some("/a"), &HeaderMap::new()).answered(StatusCode::METHOD_NOT_ALLOWED);
    traces.call(9_999, Via::Operator).ended(CallEnd::Cancelled);
    let seen = all(&mut spans);
    assert!(!format!("{seen:?}").contains("CANARY"));
    assert_eq!((&*seen[0].name, &*seen[1].name), ("HTTP", "unknown"));
    assert_eq!(attribute(&seen[0], "http.request.method").as_deref(), Some("_OTHER"));
    assert_eq!(attribute(&seen[1], "rpc.method"), None);
}

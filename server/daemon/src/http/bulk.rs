//! Answers of many items: a line of JSON each (`{"item":…}`), and a last line that says how it ended
//! (`{"end":{}}` or `{"error":…}`). No more than two items wait for whoever reads them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use parlour_core::{
    kit::{ItemSink, SinkClosed},
    node::{Caller, Node},
    ports::Task,
};
use parlour_protocol::{
    generated::Lane,
    wire::{Error, ErrorReason},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    errors::{answer_of, body_of},
    rpc::{NO_STORE, RpcParts},
};
use crate::{
    json::{self, Entry, Form},
    limits::BULK_ASKED_EVERY,
    metrics::CallEnd,
    traces::CallSpan,
};

/// What a handler has to say.
enum Said {
    Item(Bytes),
    End,
    Error(Error),
}

/// Where a handler puts its items.
struct LineSink {
    said: mpsc::Sender<Said>,
    node: Arc<Node>,
    caller: Arc<Caller>,
    asked_at: Duration,
    // Why the caller may no longer hear the rest.
    refused: Arc<Mutex<Option<Error>>>,
}

impl LineSink {
    /// Whether the caller still may hear this. A connection would be closed by now.
    async fn may_go_on(&mut self) -> Result<(), SinkClosed> {
        let now = self.node.now().elapsed;
        if now < self.asked_at + BULK_ASKED_EVERY {
            return Ok(());
        }
        self.asked_at = now;
        let Err(refusal) = self.node.check_admitted(&self.caller).await else { return Ok(()) };
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal.to_error());
        Err(SinkClosed)
    }
}

impl ItemSink for LineSink {
    fn send(&mut self, item: Bytes) -> Task<'_, Result<(), SinkClosed>> {
        Box::pin(async move {
            self.may_go_on().await?;
            self.said.send(Said::Item(item)).await.map_err(|_| SinkClosed)
        })
    }
}

/// Runs the handler and answers with what it says; an error before the first item has a status.
pub(super) async fn answer(
    parts: RpcParts,
    caller: Arc<Caller>,
    entry: &'static Entry,
    request: Bytes,
    form: Form,
    span: CallSpan,
) -> Response {
    let (said, mut heard) = mpsc::channel(1);
    tokio::spawn(run(parts, caller, entry.method.id, request, said, span));
    let first = match heard.recv().await {
        Some(Said::Error(error)) => return answer_of(&error),
        None => return answer_of(&Error::new(ErrorReason::Internal, "a bug; see the log")),
        first => first,
    };
    let lines = stream::unfold((first, heard), move |(next, mut heard)| async move {
        let next = match next {
            Some(said) => said,
            None => heard.recv().await?,
        };
        let (line, is_last) = line(entry, next, form);
        let text = format!("{line}\n");
        if is_last {
            heard.close();
        }
        Some((Ok::<_, std::convert::Infallible>(text), (None, heard)))
    });
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    ([kind, NO_STORE], Body::from_stream(lines)).into_response()
}

/// A line, and whether it is the last.
fn line(entry: &Entry, said: Said, form: Form) -> (Value, bool) {
    match said {
        Said::Item(item) => match json::write(&entry.response(), item, form) {
            Ok(item) => (json!({ "item": item }), false),
            Err(error) => (json!({ "error": body_of(&error) }), true),
        },
        Said::End => (json!({ "end": {} }), true),
        Said::Error(error) => (json!({ "error": body_of(&error) }), true),
    }
}

async fn run(
    parts: RpcParts,
    caller: Arc<Caller>,
    method: u32,
    request: Bytes,
    said: mpsc::Sender<Said>,
    span: CallSpan,
) {
    let started = parts.node.now().elapsed;
    let refused = Arc::new(Mutex::new(None));
    let sink = Box::new(LineSink {
        said: said.clone(),
        node: parts.node.clone(),
        caller: caller.clone(),
        asked_at: started,
        refused: refused.clone(),
    });
    let result = parts.node.bulk(&caller, method, request, sink).await;
    let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
    let result = match refused {
        Some(error) => Err(error),
        None => result,
    };
    let end = match &result {
        _ if said.is_closed() => CallEnd::Cancelled,
        Ok(()) => CallEnd::Ok,
        Err(error) => CallEnd::Error(error),
    };
    parts.metrics.call_ended(method, Lane::Bulk, end, parts.node.now().elapsed - started);
    span.ended(end);
    let last = match result {
        Ok(()) => Said::End,
        Err(error) => Said::Error(error),
    };
    // Whoever is gone doesn't need it.
    let _ = said.send(last).await;
}

//! Spans on their way to the collector. Ending a span puts it into a bounded queue and never waits; one
//! task gathers what is there and hands it over. A task of the server's runtime rather than the thread
//! that the SDK would start: it asks over the network by the server's own client, ends with the server,
//! and what it drops is counted.

use std::fmt;

use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use prost::Message;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::sleep,
};
use tokio_rustls::TlsConnector;

use super::{Collector, ExportError};
use crate::{
    limits::{SPANS_AGAIN_AFTER, SPANS_AT_ONCE, SPANS_GATHERED_FOR, SPANS_TRIES_MAX},
    metrics::{SharedMetrics, SpanEnd},
};

/// Where spans wait.
pub(super) struct Queue {
    waiting: mpsc::Sender<SpanData>,
    metrics: SharedMetrics,
}

impl Queue {
    /// An empty one for so many spans, and its other end.
    pub(super) fn new(max: usize, metrics: SharedMetrics) -> (Self, mpsc::Receiver<SpanData>) {
        let (waiting, spans) = mpsc::channel(max);
        (Queue { waiting, metrics }, spans)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("room", &self.waiting.capacity()).finish_non_exhaustive()
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        match self.waiting.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.metrics.spans_ended(SpanEnd::Full, 1),
            // The server is ending, and has waited already.
            Err(TrySendError::Closed(_)) => self.metrics.spans_ended(SpanEnd::Failed, 1),
        }
    }

    // Only the server ends it, and waits for its task.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Hands over what waits, until it is told to stop and has handed over what waited then.
pub(super) async fn run(
    mut spans: mpsc::Receiver<SpanData>,
    mut sender: Sender,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let first = tokio::select! {
            span = spans.recv() => span,
            () = stopped(&mut stop) => None,
        };
        let is_last = first.is_none();
        let mut batch = Vec::from_iter(first);
        if !is_last {
            tokio::select! {
                () = sleep(SPANS_GATHERED_FOR) => {}
                () = stopped(&mut stop) => {}
            }
        }
        while let Ok(span) = spans.try_recv() {
            batch.push(span);
            if batch.len() >= SPANS_AT_ONCE {
                sender.send(std::mem::take(&mut batch), &mut stop).await;
            }
        }
        if !batch.is_empty() {
            sender.send(batch, &mut stop).await;
        }
        if is_last {
            return;
        }
    }
}

/// Whoever could say so being gone means the same.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Sends spans to the collector, and says once when that begins to fail.
pub(super) struct Sender {
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    // Kept, as it costs a look at all certificates of the system.
    tls: Option<TlsConnector>,
    metrics: SharedMetrics,
    is_failing: bool,
}

impl Sender {
    /// One that sends spans of that resource.
    pub(super) fn new(collector: Collector, resource: &Resource, metrics: SharedMetrics) -> Self {
        let resource = ResourceAttributesWithSchema::from(resource);
        Sender { collector, resource, tls: None, metrics, is_failing: false }
    }

    /// Sends them, some times if need be; then they are gone in any case.
    async fn send(&mut self, batch: Vec<SpanData>, stop: &mut watch::Receiver<bool>) {
        let count = batch.len() as u64;
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = Bytes::from(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        match self.try_to_send(body, stop).await {
            Ok(rejected) => {
                let rejected = rejected.min(count);
                self.metrics.spans_ended(SpanEnd::Exported, count - rejected);
                self.metrics.spans_ended(SpanEnd::Failed, rejected);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(error) => {
                self.metrics.spans_ended(SpanEnd::Failed, count);
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(%error, "the collector takes no traces: they are dropped until it does");
                }
            }
        }
    }

    async fn try_to_send(
        &mut self,
        body: Bytes,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<u64, ExportError> {
        let mut pause = SPANS_AGAIN_AFTER;
        for _ in 1..SPANS_TRIES_MAX {
            match self.send_once(body.clone()).await {
                Err(error) if error.passes() => {}
                other => return other,
            }
            // Who stops doesn't wait for a collector to come back.
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(stop) => break,
            }
            pause *= 2;
        }
        self.send_once(body).await
    }

    async fn send_once(&mut self, body: Bytes) -> Result<u64, ExportError> {
        if self.tls.is_none() {
            self.tls = self.collector.tls()?;
        }
        let sent = self.collector.post(self.tls.as_ref(), body).await;
        if sent.is_err() {
            // The file with certificates may be replaced by the next time.
            self.tls = None;
        }
        sent
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

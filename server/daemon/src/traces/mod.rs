//! Traces for operators: which call took how long, and where its time went, in the words of OpenTelemetry.
//! What is recorded says nothing of who calls or what about: `docs/traces.md` lists every attribute. Where
//! nothing is configured nothing is recorded, and each place in here is one branch.

mod collector;
mod queue;
mod spans;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider, SpanLimits},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{
    limits::{SPANS_STOP_WITHIN, SPANS_WAITING_MAX},
    metrics::SharedMetrics,
};
pub(crate) use collector::PATH;
pub use collector::{Collector, ExportError, look};
use queue::{Queue, Sender};
pub(crate) use spans::{CallSpan, Part, RequestSpan, Via};

/// How calls are traced.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where spans go.
    pub collector: Collector,
    /// What the server is called there.
    pub service_name: String,
    /// Which part of what begins here is recorded, from 0 to 1.
    pub sample_ratio: f64,
    /// Whether what comes over HTTP may belong to a trace that began elsewhere.
    pub takes_parents: bool,
}

/// What records spans, or doesn't.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Recorder>>);

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "Traces(on)" } else { "Traces(off)" })
    }
}

struct Recorder {
    tracer: SdkTracer,
    takes_parents: bool,
    // When the commit began whose results are being told.
    committing: Mutex<Option<SystemTime>>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Traces {
    /// Begins to record, and to hand over what is recorded.
    pub(crate) fn start(settings: Settings, metrics: &SharedMetrics) -> Self {
        let resource = resource(settings.service_name);
        let (queue, spans) = Queue::new(SPANS_WAITING_MAX, metrics.clone());
        let sender = Sender::new(settings.collector, &resource, metrics.clone());
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(queue::run(spans, sender, stopped));
        let tracer = tracer(resource, settings.sample_ratio, queue);
        Traces::new(tracer, settings.takes_parents, stop, Some(task))
    }

    fn new(
        tracer: SdkTracer,
        takes_parents: bool,
        stop: watch::Sender<bool>,
        task: Option<JoinHandle<()>>,
    ) -> Self {
        let (committing, task) = (Mutex::default(), Mutex::new(task));
        Traces(Some(Arc::new(Recorder { tracer, takes_parents, committing, stop, task })))
    }

    /// Whether anything is recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands over what waits, as far as that goes quickly. What ends later is dropped.
    pub(crate) async fn stop(&self) {
        let Some(recorder) = &self.0 else { return };
        recorder.stop.send_replace(true);
        let task = recorder.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        if timeout(SPANS_STOP_WITHIN, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("the collector took too long at the end: the last traces are dropped");
        }
    }

    /// A commit begins: when that is, for [`Traces::telling`].
    pub(crate) fn commit_begins(&self) -> Option<SystemTime> {
        self.is_on().then(SystemTime::now)
    }

    /// Until this is dropped, whoever hears what became of a draft hears it of the commit that began then.
    pub(crate) fn telling(&self, began: Option<SystemTime>) -> Telling<'_> {
        if let Some(recorder) = &self.0 {
            recorder.set_committing(began);
        }
        Telling(self)
    }
}

/// See [`Traces::telling`].
pub(crate) struct Telling<'a>(&'a Traces);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if let Some(recorder) = &self.0.0 {
            recorder.set_committing(None);
        }
    }
}

impl Recorder {
    fn set_committing(&self, began: Option<SystemTime>) {
        *self.committing.lock().unwrap_or_else(PoisonError::into_inner) = began;
    }

    fn committing(&self) -> Option<SystemTime> {
        *self.committing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of its own, so that two servers in one process don't mix. Who has a parent does as that does.
fn tracer(resource: Resource, sample_ratio: f64, queue: Queue) -> SdkTracer {
    let ratio = Sampler::TraceIdRatioBased(sample_ratio);
    SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(ratio)))
        // The SDK's own, and not what its environment variables say.
        .with_span_limits(SpanLimits::default())
        .with_span_processor(queue)
        .build()
        .tracer("parlour")
}

/// What all spans are of: this server, and what `OTEL_RESOURCE_ATTRIBUTES` says of where it runs.
fn resource(service_name: String) -> Resource {
    Resource::builder()
        .with_service_name(service_name)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

#[cfg(test)]
#[path = "traces_tests.rs"]
mod tests;

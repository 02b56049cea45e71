//! What becomes of spans that nobody takes.

use std::time::Instant;

use axum::http::HeaderMap;
use tokio::net::TcpListener;

use super::{
    super::{Traces, Via, resource, tracer},
    *,
};
use crate::{limits::SPANS_STOP_WITHIN, metrics::Metrics};

fn counted(metrics: &Metrics, outcome: &str) -> u64 {
    let name = format!("parlour_trace_spans_total{{outcome=\"{outcome}\"}} ");
    let text = metrics.render();
    let value = text.lines().find_map(|line| line.strip_prefix(&name)).expect("a value");
    value.parse().expect("a number")
}

fn collector(port: u16) -> Collector {
    let base = format!("http://127.0.0.1:{port}");
    Collector::new(&base, HeaderMap::new(), None, false).expect("an address")
}

#[tokio::test]
async fn what_finds_no_place_is_counted_and_nobody_waits() {
    let metrics = SharedMetrics::default();
    let (queue, spans) = Queue::new(4, metrics.clone());
    let tracer = tracer(resource("test".into()), 1.0, queue);
    let traces = Traces::new(tracer, true, watch::channel(false).0, None);
    // Nobody takes any out: a call that waited would wait for ever.
    for _ in 0..10 {
        traces.call(1, Via::Quic).ended(crate::metrics::CallEnd::Ok);
    }
    assert_eq!(spans.len(), 4);
    assert_eq!(counted(&metrics, "full"), 6);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_its_spans_and_the_end_a_bounded_time() {
    let metrics = SharedMetrics::default();
    // It takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent = silent.local_addr().expect("an address").port();
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone_at = gone.local_addr().expect("an address").port();
    drop(gone);
    for port in [silent, gone_at] {
        let settings = super::super::Settings {
            collector: collector(port),
            service_name: "test".into(),
            sample_ratio: 1.0,
            takes_parents: true,
        };
        let traces = Traces::start(settings, &metrics);
        traces.call(1, Via::Quic).ended(crate::metrics::CallEnd::Ok);
        let begun = Instant::now();
        traces.stop().await;
        assert!(begun.elapsed() < 10 * SPANS_STOP_WITHIN, "it ends");
        assert_eq!(counted(&metrics, "exported"), 0);
    }
    assert_eq!(
        counted(&metrics, "failed"),
        1,
        "of the one that was gone; the other is in no count"
    );
}

#[tokio::test]
async fn who_is_dropped_ends_the_task() {
    let metrics = SharedMetrics::default();
    let (queue, spans) = Queue::new(4, metrics.clone());
    let sender = Sender::new(collector(9), &resource("test".into()), metrics);
    let (_stop, stopped) = watch::channel(false);
    let task = tokio::spawn(run(spans, sender, stopped));
    drop(queue);
    task.await.expect("it has ended");
}

//! What reaches the log, and what doesn't.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("sink").clone()).expect("utf-8")
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("sink").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(log: &Log, run: impl FnOnce(LogHandle)) -> String {
    let sink = Sink::default();
    let writer = sink.clone();
    let (subscriber, handle) = subscriber(log, move || writer.clone()).expect("subscriber");
    tracing::subscriber::with_default(subscriber, || run(handle));
    sink.text()
}

#[test]
fn libraries_only_get_to_say_errors() {
    let log = Log { level: "trace".into(), ..Log::default() };
    let text = logged(&log, |_| {
        tracing::trace!("own trace");
        tracing::warn!(target: "quinn::endpoint", "from 192.0.2.7");
        tracing::debug!(target: "rustls::server", "name ada");
        tracing::error!(target: "quinn::endpoint", "socket broken");
    });
    assert!(text.contains("own trace") && text.contains("socket broken"));
    assert!(!text.contains("192.0.2.7") && !text.contains("ada"));
}

#[test]
fn json_is_one_object_per_line() {
    let log = Log { format: LogFormat::Json, ..Log::default() };
    let text = logged(&log, |_| {
        tracing::info!(count = 3, "line\nbreak");
        tracing::debug!("hidden");
    });
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("json");
    assert_eq!((&line["count"], &line["message"]), (&3.into(), &"line\nbreak".into()));
}

#[test]
fn the_level_changes_while_running() {
    let text = logged(&Log::default(), |handle| {
        tracing::debug!("before");
        handle.set_level("debug").expect("level");
        tracing::debug!("after");
        assert_eq!(handle.set_level("a=b=c"), Err(LogError::Level));
    });
    assert!(!text.contains("before") && text.contains("after"));
}

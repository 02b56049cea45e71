//! Tests of the forwarded log. One test: the readers are the process's.

use futures_util::FutureExt;

use super::*;

/// What has come, as level and text.
fn taken(logs: &Logs) -> Vec<(LogLevel, String)> {
    // What waits is looked at without waiting.
    let _ = logs.ready().now_or_never();
    let lines = logs.take(10_000).into_iter();
    lines.map(|line| (line.level, line.message)).collect()
}

fn say() {
    tracing::debug!(target: "parlour::part", "a detail");
    tracing::warn!(target: "parlour::part", why = "this", count = 2, "a warning");
    tracing::info!(target: "another_crate", "chatter");
    tracing::error!(target: "another_crate", "broken");
}

#[test]
fn readers_get_what_they_asked_for_and_know_what_they_missed() {
    say();
    let all = logs(LogLevel::Debug);
    assert_eq!(taken(&all), [], "what was said before");
    let few = logs(LogLevel::Error);
    say();
    let broken = (LogLevel::Error, "broken".to_owned());
    let detail = (LogLevel::Debug, "a detail".to_owned());
    let warning = (LogLevel::Warn, "a warning why=\"this\" count=2".to_owned());
    assert_eq!(taken(&all), [detail, warning, broken.clone()]);
    assert_eq!(taken(&few), [broken]);
    // Whoever doesn't read loses the newest, and is told how many.
    drop(all);
    for _ in 0..LINES_MAX + 3 {
        tracing::error!(target: "parlour::part", "again");
    }
    assert_eq!(few.take_lost(), 3);
    assert_eq!(few.take_lost(), 0);
    let mut count = 0;
    while let Some(lines) = Some(taken(&few)).filter(|lines| !lines.is_empty()) {
        count += lines.len();
    }
    assert_eq!(count, LINES_MAX);
    drop(few);
    assert!(!tracing::enabled!(target: "parlour::part", Level::ERROR), "nobody reads");
}

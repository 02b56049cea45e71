//! Two people who chat while something else goes on, and how long their messages take.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_features::{
    raw::Client,
    world::{group, say, text_of},
};

use crate::report::Report;

/// One who talks and one who listens.
pub(crate) struct Chat {
    talker: Client,
    listener: Client,
    room: Bytes,
}

impl Chat {
    /// Puts both into a room.
    pub(crate) async fn begin(talker: Client, listener: Client, name: &str) -> Chat {
        let room = group(&talker, "chat", &[name]).await;
        Chat { talker, listener, room }
    }

    /// Says so many things with pauses; how long each took until it was heard.
    pub(crate) async fn delays(
        &self,
        count: usize,
        pause: Duration,
        report: &mut Report,
    ) -> Vec<Duration> {
        let mut delays = vec![];
        for n in 0..count {
            tokio::time::sleep(pause).await;
            let since = Instant::now();
            let words = format!("{n} of {count}");
            match say(&self.talker, &self.room, &words).await {
                Ok(sent) => {
                    let is_it = |event: &parlour_protocol::wire::Event| {
                        event.header.as_ref().is_some_and(|header| header.seq == sent.seq)
                            && text_of(&event.body) == words
                    };
                    self.listener.hears_where(is_it).await;
                    delays.push(since.elapsed());
                }
                Err(error) => {
                    report.violation(&format!("somebody who behaves isn't served: {error:?}"));
                    return delays;
                }
            }
        }
        delays
    }
}

/// The 99th percentile, in milliseconds.
pub(crate) fn p99_ms(mut delays: Vec<Duration>) -> f64 {
    delays.sort_unstable();
    let at = delays.len().saturating_sub(1) * 99 / 100;
    let p99 = delays.get(at).copied().unwrap_or_default();
    (p99.as_secs_f64() * 1e5).round() / 100.0
}

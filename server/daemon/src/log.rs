//! Logging. Levels below error come from Parlour's own crates only: they log ids and never what
//! people say or who they are, while the libraries beneath put addresses into their lines.

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

use crate::config::{Log, LogFormat};

/// Why logging can't be set up.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Not a level or filter.
    #[error("log.level is neither a level nor a filter")]
    Level,
    /// The program logs already.
    #[error("logging is already set up")]
    Twice,
}

/// Changes what is logged while the program runs.
#[derive(Clone)]
pub struct LogHandle(reload::Handle<EnvFilter, Registry>);

impl LogHandle {
    /// Puts another level in force.
    pub fn set_level(&self, level: &str) -> Result<(), LogError> {
        let filter = EnvFilter::try_new(level).map_err(|_| LogError::Level)?;
        self.0.reload(filter).map_err(|_| LogError::Twice)
    }
}

/// Sends the process's log to standard error. Only the binary does this; an embedding program
/// has its own subscriber.
pub fn init(log: &Log) -> Result<LogHandle, LogError> {
    let (subscriber, handle) = subscriber(log, std::io::stderr)?;
    subscriber.try_init().map_err(|_| LogError::Twice)?;
    Ok(handle)
}

/// The subscriber that [`init`] installs, writing somewhere else.
pub fn subscriber<W>(
    log: &Log,
    writer: W,
) -> Result<(impl tracing::Subscriber + Send + Sync, LogHandle), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.level).map_err(|_| LogError::Level)?;
    let (filter, handle) = reload::Layer::new(filter);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => Box::new(fmt::layer().with_writer(writer).with_ansi(false)),
        LogFormat::Json => Box::new(fmt::layer().json().flatten_event(true).with_writer(writer)),
    };
    let layer = layer.with_filter(filter_fn(is_safe).and(filter));
    Ok((tracing_subscriber::registry().with(layer), LogHandle(handle)))
}

fn is_safe(meta: &Metadata<'_>) -> bool {
    meta.target().starts_with("parlour") || *meta.level() == Level::ERROR
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;

//! `parlour serve`: runs until it is told to end. SIGTERM and Ctrl-C drain, a second one ends at
//! once; SIGHUP reads the configuration again.

use std::{io::Write, net::SocketAddr};

use clap::Args;
use parlour_daemon::{Server, config::Listen, log};
use tokio::signal::unix::{SignalKind, signal};

use super::{Common, Outcome, fail};

#[derive(Args)]
pub(super) struct Serve {
    /// Where clients connect (QUIC, so UDP), over the configuration.
    #[arg(long, env = "PARLOUR_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where HTTP is served (TCP: health, metrics, calls, browsers), or `off`; over the configuration.
    #[arg(long, env = "PARLOUR_HTTP", value_name = "ADDRESS")]
    http: Option<Listen>,
}

impl Serve {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let config = common.load_with(self.listen, self.http)?;
        let handle = log::init(&config.log)?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if config.threads > 0 {
            runtime.worker_threads(config.threads);
        }
        let runtime = runtime.enable_all().build()?;
        let mut builder = Server::builder(config).log(handle);
        if let Some(path) = common.file() {
            builder = builder.config_file(path);
        }
        runtime.block_on(async {
            // Before anything can be signalled, or an early signal would kill without draining.
            let mut term = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut hangup = signal(SignalKind::hangup())?;
            let server = builder.start().await?;
            announce(&server)?;
            let mut asked = false;
            loop {
                tokio::select! {
                    well = server.wait() => {
                        return if well { Ok(()) } else { fail("ended by itself: the log says why") };
                    }
                    _ = term.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv() => {
                        if let Err(error) = server.reload() {
                            tracing::error!(%error, "reload: nothing changed");
                        }
                        continue;
                    }
                }
                if asked {
                    return fail("ended at once, as asked twice");
                }
                asked = true;
                server.drain();
            }
        })
    }
}

/// One line on standard output, for people and for scripts that wait for it.
fn announce(server: &Server) -> Outcome {
    let mut line = format!("parlour is ready: quic {}", server.local_addr());
    if let Some(http) = server.http_addr() {
        line.push_str(&format!(", http {http}"));
    }
    if let Some(metrics) = server.metrics_addr() {
        line.push_str(&format!(", metrics {metrics}"));
    }
    line.push_str(&format!(", certificate sha-256 {}", server.certificate_sha256()));
    if server.has_development_certificate() {
        line.push_str(" (development: clients pin it)");
    }
    let mut out = std::io::stdout();
    // Nobody may be reading; that is no reason not to serve.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    Ok(())
}

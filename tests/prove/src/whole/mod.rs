//! Proofs through the whole server: a real process, real connections, nothing inside it touched.

mod backup_restore;
mod bad_input;
mod canary_logs;
mod chat;
mod clean_start;
pub(crate) mod client_kill;
mod clock_jump;
mod crash_kill;
mod datagram_flood;
mod disk_damage;
mod disk_full;
mod everything;
mod exactly_once;
mod fd_exhaustion;
mod history;
mod hostile;
mod kept;
mod large_org;
mod net_chaos;
mod oom_budget;
mod power_cut;
mod revoke_live;
mod samples;
mod shim;
mod slow_consumer;
mod soak;
mod stream_flood;
mod talker;
mod writers;

use std::future::Future;

use parlour_adapters::Kind;
use parlour_features::server::{Options, ROOMY};

use crate::Proof;

/// These proofs by name.
pub(crate) const PROOFS: &[Proof] = &[
    ("server-crash-kill", crash_kill::run),
    ("server-power-cut", power_cut::run),
    ("crash-everything", everything::run),
    ("server-disk-damage", disk_damage::run),
    ("server-disk-full", disk_full::run),
    ("exactly-once", exactly_once::run),
    ("client-kill", client_kill::run),
    ("bad-input", bad_input::run),
    ("net-chaos", net_chaos::run),
    ("slow-consumer", slow_consumer::run),
    ("fd-exhaustion", fd_exhaustion::run),
    ("oom-budget", oom_budget::run),
    ("stream-flood", stream_flood::run),
    ("datagram-flood", datagram_flood::run),
    ("clean-start", clean_start::run),
    ("large-org", large_org::run),
    ("clock-jump", clock_jump::run),
    ("backup-restore", backup_restore::run),
    ("canary-logs", canary_logs::run),
    ("revoke-live", revoke_live::run),
    ("soak", soak::run),
];

/// Runs the clients' side.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build();
    runtime.expect("threads can be started").block_on(future)
}

/// A server over that kind of store, with limits nobody of ours reaches.
fn over(kind: Kind) -> Options {
    Options::config(format!("{ROOMY}[store]\nkind = \"{kind}\"\n"))
}

//! What goes on beside serving: files that change, gauges, and the end.

use std::{
    fs,
    path::Path,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{Phase, Shared};
use crate::{
    admin::AdminServer,
    auth::oidc::Standing,
    clock,
    data::DataLock,
    http::HttpServer,
    limits,
    metrics::{
        CERTIFICATE_ENDS, DISK_FREE, OIDC_AGE, OIDC_UNAVAILABLE, STORE_BYTES, STORE_WRITABLE,
        TOKEN_KEYS,
    },
    quic::QuicHandle,
};

/// What lives as long as the server.
pub(super) struct Held {
    pub(super) http: Vec<Option<HttpServer>>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) admin: AdminServer,
    // What follows the logs: the index, webhooks.
    pub(super) behind: Vec<JoinHandle<()>>,
    pub(super) lock: DataLock,
}

/// Runs until the server has ended.
pub(super) async fn run(shared: Arc<Shared>, held: Held) {
    let watcher = tokio::spawn(watch(shared.clone()));
    let mut phase = shared.phase.subscribe();
    let ended = {
        let quic = shared.quic.lock().unwrap_or_else(PoisonError::into_inner);
        quic.as_ref().map(QuicHandle::ended).unwrap_or_default()
    };
    tokio::select! {
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
        () = ended.notified() => {
            tracing::error!("clients can't be served any more: the server ends, to be started again");
            shared.has_failed.store(true, Ordering::Release);
            shared.begin(Phase::Aborting);
        }
    }
    let quic = shared.quic.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (deadline, jitter) = shared.drain_times();
    tracing::info!(deadline_s = deadline.as_secs(), "ending");
    if let Some(quic) = quic {
        tokio::select! {
            () = quic.drain(deadline, jitter) => {}
            _ = phase.wait_for(|phase| *phase == Phase::Aborting) => {}
        }
    }
    watcher.abort();
    // What isn't in the index yet, or posted, is read again at the next start.
    held.behind.iter().for_each(JoinHandle::abort);
    let _ = held.stop.send(true);
    for http in held.http.into_iter().flatten() {
        let _ = timeout(limits::HTTP_STOP_WITHIN, http.wait()).await;
    }
    if shared.phase() != Phase::Aborting {
        shared.traces.stop().await;
    }
    drop(held.admin);
    drop(held.lock);
    shared.begin(Phase::Stopped);
    tracing::info!("ended");
}

async fn watch(shared: Arc<Shared>) {
    let mut ticks = interval(limits::FILES_POLLED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tick = 0_u64;
    loop {
        ticks.tick().await;
        let shared = shared.clone();
        // Files can be on a disk that is slow today.
        let looked = tokio::task::spawn_blocking(move || look(&shared, tick));
        let _ = looked.await;
        tick += 1;
    }
}

fn look(shared: &Shared, tick: u64) {
    poll_keys(shared);
    poll_certificates(shared, tick);
    let metrics = &shared.metrics;
    metrics.set(STORE_WRITABLE, f64::from(u8::from(shared.store.writable())));
    if tick.is_multiple_of(limits::UPKEEP_EVERY_TICKS) {
        metrics.upkeep();
    }
    if tick.is_multiple_of(limits::DISK_EVERY_TICKS) {
        let store = folder_bytes(&shared.data.store(), 0);
        shared.disk.store.store(store, Ordering::Relaxed);
        metrics.set(STORE_BYTES, store as f64);
        if let Some(free) = free_bytes(shared.data.root()) {
            shared.disk.free.store(free, Ordering::Relaxed);
            metrics.set(DISK_FREE, free as f64);
        }
    }
}

fn poll_keys(shared: &Shared) {
    let Some(keys) = &shared.keys else { return };
    let reload = keys.poll();
    for error in &reload.errors {
        tracing::error!(%error, "token keys: the former ones stay in force");
    }
    if reload.changed {
        tracing::info!(keys = keys.key_count(), "token keys read again");
    }
    let metrics = &shared.metrics;
    metrics.set(TOKEN_KEYS, keys.key_count() as f64);
    let providers = keys.providers();
    let without = providers.iter().filter(|standing| standing.keys == 0).count();
    let age = |standing: &Standing| standing.age.unwrap_or(shared.began.elapsed());
    let oldest = providers.iter().map(age).max().unwrap_or_default();
    metrics.set(OIDC_UNAVAILABLE, without as f64);
    metrics.set(OIDC_AGE, oldest.as_secs_f64());
}

fn poll_certificates(shared: &Shared, tick: u64) {
    let now = Duration::from_millis(clock::unix_ms());
    let certificates = &shared.certificates;
    match certificates.poll(now) {
        Ok(true) => tracing::info!(sha256 = certificates.sha256_hex(), "another certificate"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "certificate: the former one stays in use"),
    }
    let ends = certificates.validity().not_after;
    shared.metrics.set(CERTIFICATE_ENDS, ends.as_secs_f64());
    let soon = now + limits::CERTIFICATE_ENDS_SOON >= ends && !certificates.is_development();
    // One that holds for a few days is renewed in time all the same.
    let is_renewed = shared.acme.as_ref().is_some_and(|acme| acme.standing().failures == 0);
    if soon && !is_renewed && tick.is_multiple_of(limits::WARN_EVERY_TICKS) {
        match ends.checked_sub(now) {
            Some(left) => {
                tracing::warn!(days = left.as_secs() / (24 * 3600), "the certificate ends soon");
            }
            None => tracing::error!("the certificate has ended: clients refuse it, renew it"),
        }
    }
}

/// Free space for us on the file system of `path`; `None` where it can't be asked.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// The size of the files in a folder; what can't be read counts nothing.
fn folder_bytes(path: &Path, depth: usize) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth < limits::FOLDER_DEPTH_MAX => {
            folder_bytes(&entry.path(), depth + 1)
        }
        Ok(meta) if meta.is_file() => meta.len(),
        _ => 0,
    };
    entries.flatten().map(size).sum()
}

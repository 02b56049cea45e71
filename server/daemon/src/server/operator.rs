//! Carries out what operators ask of a running server.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use parlour_core::{
    draft::{Draft, Refused, Submission, Then},
    limits::RERUNS_MAX,
    ports::Task,
};
use tokio::{runtime::Handle, sync::oneshot};

use super::{Phase, Shared};
use crate::{
    acme,
    admin::{AcmeStatus, AdminService, ProviderStatus, Request, Response, Status},
    auth::oidc::Standing,
    backup, clock, export,
    revocation::{self, Revoked},
};

/// The operator's hands inside the server.
pub(super) struct Operator {
    pub(super) shared: Arc<Shared>,
    pub(super) http: Option<SocketAddr>,
}

impl AdminService for Operator {
    fn handle(&self, request: Request) -> Task<'_, Response> {
        Box::pin(async move {
            let result = match request {
                Request::Status => Ok(Response::Status(self.status())),
                Request::Backup { to } => self.back_up(to).await,
                Request::Export { org, subject, to } => self.export(org, subject, to).await,
                Request::Revoke { org, what } => self.revoke(&org, &what).await,
                Request::Call { org, method, body } => self.call(&org, method, &body).await,
                Request::Reload => self.reload(),
                Request::Drain => {
                    self.shared.begin(Phase::Draining);
                    Ok(Response::Done)
                }
            };
            result.unwrap_or_else(|why| Response::Failed { why })
        })
    }
}

impl Operator {
    fn status(&self) -> Status {
        let shared = &self.shared;
        let info = shared.store.info();
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            listen: shared.listen.to_string(),
            http: self.http.map(|address| address.to_string()),
            connections: shared.connections() as u64,
            state: shared.readiness().err().unwrap_or("ready").into(),
            store: info.adapter.into(),
            incarnation: info.incarnation.iter().map(|byte| format!("{byte:02x}")).collect(),
            certificate_sha256: shared.certificates.sha256_hex(),
            acme: shared.acme.as_ref().map(|acme| issued(acme.standing())),
            providers: shared.keys.iter().flat_map(|keys| keys.providers()).map(provider).collect(),
        }
    }

    async fn back_up(&self, to: PathBuf) -> Result<Response, String> {
        let shared = &self.shared;
        tracing::info!("backup begins");
        let attachments = {
            let config = shared.config.lock().unwrap_or_else(PoisonError::into_inner);
            config.attachments(&shared.data)
        };
        let result = backup::back_up(&*shared.store, &shared.data, &attachments, &to).await;
        match &result {
            Ok(()) => tracing::info!("backup is complete"),
            Err(_) => tracing::error!("backup failed"),
        }
        result.map(|()| Response::Done).map_err(|error| error.to_string())
    }

    async fn export(
        &self,
        org: String,
        subject: Option<String>,
        to: PathBuf,
    ) -> Result<Response, String> {
        tracing::info!("export begins");
        let (node, runtime) = (self.shared.node.clone(), Handle::current());
        // Files are written where nobody waits to be served.
        let done = tokio::task::spawn_blocking(move || {
            runtime.block_on(export::export(node, &org, subject.as_deref(), &to))
        });
        match done.await {
            Ok(Ok(summary)) => {
                tracing::info!(
                    rooms = summary.rooms,
                    events = summary.events,
                    "export is complete"
                );
                Ok(Response::Exported(summary))
            }
            Ok(Err(error)) => {
                tracing::error!("export failed");
                Err(error.to_string())
            }
            Err(_) => Err("the export broke off".into()),
        }
    }

    async fn revoke(&self, org: &str, what: &Revoked) -> Result<Response, String> {
        for _ in 0..RERUNS_MAX {
            let draft = revocation::draft(&*self.shared.store, org, what, clock::unix_ms()).await;
            let draft = draft.map_err(|error| error.to_string())?;
            let (told, hears) = oneshot::channel();
            self.shared.submit.submit(Submission {
                draft: Draft::Rows(Box::new(draft)),
                then: Then::Callback(Box::new(move |result| {
                    let _ = told.send(result);
                })),
            });
            match hears.await {
                Ok(Ok(committed)) => {
                    tracing::info!(closed = committed.closed, "an operator revoked");
                    return Ok(Response::Revoked { closed: committed.closed });
                }
                Ok(Err(Refused::Exists)) => {}
                Ok(Err(refused)) => return Err(refused.to_string()),
                Err(_) => return Err("the server is stopping".into()),
            }
        }
        Err("the account changes all the time; try again".into())
    }

    fn reload(&self) -> Result<Response, String> {
        self.shared.reload().map(|()| Response::Done).map_err(|error| error.to_string())
    }
}

fn issued(standing: acme::Standing) -> AcmeStatus {
    AcmeStatus {
        names: standing.names,
        ends_in_s: standing.ends_in.map(|time| time.as_secs()),
        order_in_s: standing.order_in.as_secs(),
        failures: standing.failures,
        problem: standing.problem.map(|problem| format!("{problem}: {}", problem.advice())),
    }
}

fn provider(standing: Standing) -> ProviderStatus {
    ProviderStatus {
        issuer: standing.issuer,
        keys: standing.keys,
        age_s: standing.age.map(|age| age.as_secs()),
        problem: standing.problem.map(|problem| problem.to_string()),
    }
}

//! Carries out what operators ask of a running server.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use parlour_core::{
    draft::{Draft, OrgDraft, Refused, Submission, Then},
    identity,
    limits::RERUNS_MAX,
    ports::{Task, store::StoreError},
};
use parlour_protocol::{
    compliance::DataExported,
    generated::{EventMessage, rpc},
    ids::SessionId,
    session::{RevokeRequest, RevokeResponse, revoke_request::What},
};
use tokio::{runtime::Handle, sync::oneshot};

use super::{Phase, Shared, operator_call::OPERATOR};
use crate::{
    acme,
    admin::{AcmeStatus, AdminService, ProviderStatus, Request, Response, Status},
    auth::oidc::Standing,
    backup, export,
    revocation::{RevokeError, Revoked},
};

/// The operator's hands inside the server.
pub(super) struct Operator {
    pub(super) shared: Arc<Shared>,
    pub(super) http: Option<SocketAddr>,
}

/// Why something doesn't stand in an organization's audit log.
#[derive(Debug, thiserror::Error)]
enum Unaudited {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the server is stopping")]
    Stopping,
    #[error("the organization changes all the time; try again")]
    Busy,
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
            Err(error) => tracing::error!(%error, "backup failed"),
        }
        result.map(|()| Response::Done).map_err(|error| error.to_string())
    }

    async fn export(
        &self,
        org: String,
        subject: Option<String>,
        to: PathBuf,
    ) -> Result<Response, String> {
        let (actor, of) = (OPERATOR.to_owned(), subject.clone().unwrap_or_default());
        match self.audit(&org, &DataExported { actor, subject: of }).await {
            Ok(()) => {}
            // A store that takes nothing any more is when an export is needed most.
            Err(Unaudited::Refused(Refused::Store(StoreError::ReadOnly))) => {
                tracing::warn!(
                    "the store is read-only, so no audit log says that there was an export"
                );
            }
            Err(error) => return Err(error.to_string()),
        }
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
                tracing::error!(%error, "export failed");
                Err(error.to_string())
            }
            Err(_) => Err("the export broke off".into()),
        }
    }

    async fn revoke(&self, org: &str, what: &Revoked) -> Result<Response, String> {
        let what = match what {
            Revoked::Subject(subject) => What::Subject(subject.clone()),
            Revoked::TokenId(token_id) => What::TokenId(token_id.clone()),
            Revoked::Session(session) => {
                let session: SessionId =
                    session.parse().map_err(|_| RevokeError::Session.to_string())?;
                What::Session(session.to_field())
            }
        };
        let request = RevokeRequest { what: Some(what) };
        let RevokeResponse { closed } = self.make::<rpc::Revoke>(org, &request).await?;
        tracing::info!(closed, "an operator revoked");
        Ok(Response::Revoked { closed })
    }

    /// Puts into the organization's log what an operator does without a call.
    async fn audit<M: EventMessage>(&self, org: &str, event: &M) -> Result<(), Unaudited> {
        let id = identity::org_id(org);
        for _ in 0..RERUNS_MAX {
            let cell = self.shared.node.directory(id).await.map_err(Refused::Store)?;
            let (version, operator) = (cell.head().seq, identity::operator_id(id));
            let draft = OrgDraft::new(cell, version, operator, event);
            let (told, hears) = oneshot::channel();
            self.shared.submit.submit(Submission {
                draft: Draft::Org(Box::new(draft)),
                then: Then::Callback(Box::new(move |result| {
                    let _ = told.send(result);
                })),
            });
            match hears.await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(Refused::Stale)) => {}
                Ok(Err(refused)) => return Err(refused.into()),
                Err(_) => return Err(Unaudited::Stopping),
            }
        }
        Err(Unaudited::Busy)
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

//! Keeps the server in certificates: does what the schedule says, and tells operators what came of it.

use std::{
    fs,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use parlour_acme::{
    Account, AcmeError, Applicant, Challenges, Opened, Replaced, Schedule, Step, Term, Wanted,
};
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{Client, Files, Settings};
use crate::{
    clock,
    data::DataFolder,
    limits::{ACME_CLOCK_EVERY, ACME_ORDER_WITHIN},
    metrics::{ACME_FAILURES, SharedMetrics},
    tls::{Certificates, Validity},
};

/// See the module.
pub(crate) struct Keeper {
    settings: Settings,
    files: Arc<Files>,
    data: DataFolder,
    certificates: Arc<Certificates>,
    challenges: Arc<Challenges>,
    metrics: SharedMetrics,
    state: Mutex<State>,
    wish: Notify,
}

struct State {
    schedule: Schedule,
    held: Option<Validity>,
    // What its CA knows the certificate by.
    identity: Option<Replaced>,
    // Whether the CA says when to renew, so that an order may name what it follows.
    is_told: bool,
    problem: Option<AcmeError>,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What the certificate is for.
    pub(crate) names: Vec<String>,
    /// In what time it ends; none where there isn't one yet.
    pub(crate) ends_in: Option<Duration>,
    /// In what time the next one is ordered.
    pub(crate) order_in: Duration,
    /// Attempts that have failed since the last that succeeded.
    pub(crate) failures: u32,
    /// Why the last one failed.
    pub(crate) problem: Option<AcmeError>,
}

impl Keeper {
    /// One for what is configured, which takes up what it finds in the data folder. Run it, and there are
    /// certificates.
    pub(crate) fn new(
        settings: Settings,
        data: &DataFolder,
        certificates: &Arc<Certificates>,
        metrics: &SharedMetrics,
    ) -> Option<Arc<Self>> {
        let challenges = certificates.challenges()?.clone();
        let files = Arc::new(Files::new(data, &settings));
        let held = files.held();
        let past = files.past();
        let validity = held.as_ref().map(|held| held.validity);
        let state = State {
            schedule: Schedule::new(validity.map(term), past),
            held: validity,
            identity: held.and_then(|held| held.identity),
            is_told: false,
            problem: None,
        };
        metrics.set(ACME_FAILURES, f64::from(past.failures));
        Some(Arc::new(Keeper {
            settings,
            files,
            data: data.clone(),
            certificates: certificates.clone(),
            challenges,
            metrics: metrics.clone(),
            state: Mutex::new(state),
            wish: Notify::new(),
        }))
    }

    /// What the CA's looks are answered with.
    pub(crate) fn challenges(&self) -> Arc<Challenges> {
        self.challenges.clone()
    }

    /// Whoever runs the server has changed something: what has failed is tried again.
    pub(crate) fn wish(&self) {
        self.wish.notify_one();
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let (state, now) = (self.state(), now());
        Standing {
            names: self.settings.names.iter().map(ToString::to_string).collect(),
            ends_in: state.held.map(|held| held.not_after.saturating_sub(now)),
            order_in: state.schedule.order_at(now).saturating_sub(now),
            failures: state.schedule.past().failures,
            problem: state.problem.clone(),
        }
    }

    /// Orders and renews, for as long as it is polled.
    pub(crate) async fn run(self: Arc<Self>) {
        if self.certificates.is_development() {
            tracing::info!("the generated certificate is shown until one is issued by acme");
        }
        loop {
            let step = self.state().schedule.next(now());
            match step {
                Step::Order => self.renew().await,
                Step::Ask => self.ask_when().await,
                Step::Wait(until) => {
                    let pause = until.saturating_sub(now()).min(ACME_CLOCK_EVERY);
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = self.wish.notified() => self.state().schedule.handle_wish(now()),
                    }
                }
            }
        }
    }

    async fn renew(&self) {
        let past = {
            let mut state = self.state();
            state.schedule.handle_begun(now());
            state.schedule.past()
        };
        // Kept before the CA hears of it, or a server that crashes in between would not know.
        let outcome = match self.on_disk(move |files| files.keep_past(past)).await {
            Ok(()) => guarded(self.order()).await,
            Err(error) => Err(error),
        };
        if matches!(outcome, Err(AcmeError::AccountGone(_) | AcmeError::AccountDamaged)) {
            let _ = self.on_disk(|files| files.set_account_aside()).await;
        }
        let past = self.handle_outcome(outcome, now());
        if let Err(error) = self.on_disk(move |files| files.keep_past(past)).await {
            tracing::warn!(%error, advice = error.advice(), "acme");
        }
    }

    /// Notes and says what came of an attempt.
    fn handle_outcome(
        &self,
        outcome: Result<Validity, AcmeError>,
        now: Duration,
    ) -> parlour_acme::Past {
        let mut state = self.state();
        let outcome = match outcome {
            Ok(validity) => state.schedule.handle_issued(term(validity), now, chance()),
            Err(error) => {
                state.schedule.handle_failed(&error, now, chance());
                Err(error)
            }
        };
        let past = state.schedule.past();
        let again_s = state.schedule.order_at(now).saturating_sub(now).as_secs();
        self.metrics.acme_ordered(outcome.as_ref().err().map(AcmeError::label));
        self.metrics.set(ACME_FAILURES, f64::from(past.failures));
        match &outcome {
            Ok(()) => tracing::info!(renewed_in_s = again_s, "acme: a certificate was issued"),
            Err(error) => tracing::error!(
                %error,
                advice = error.advice(),
                again_in_s = again_s,
                "acme: no certificate was issued"
            ),
        }
        state.problem = outcome.err();
        past
    }

    async fn order(&self) -> Result<Validity, AcmeError> {
        let account = self.account().await?;
        let replaced = {
            let state = self.state();
            state.identity.clone().filter(|_| state.is_told)
        };
        let wanted = Wanted {
            names: &self.settings.names,
            kinds: &self.settings.kinds,
            replaces: replaced.as_ref(),
        };
        let issued = account.order(wanted, &self.challenges).await?;
        let held = self.on_disk(move |files| files.keep_certificate(&issued)).await?;
        // It would be seen by itself in a moment, but the hashes have to go with what they are of.
        let _ = self.certificates.poll(now());
        if !self.certificates.is_development() {
            let _ = fs::remove_file(self.data.certificate_hashes());
        }
        let mut state = self.state();
        state.held = Some(held.validity);
        state.identity = held.identity;
        state.is_told = false;
        Ok(held.validity)
    }

    async fn account(&self) -> Result<Account, AcmeError> {
        let kept = self.on_disk(Files::account).await?;
        let client = Client::trusting(self.settings.ca_file.as_ref());
        let client = client.map_err(|why| AcmeError::Unreachable(why.to_string()))?;
        let applicant = match kept {
            None => self.settings.applicant()?,
            Some(_) => Applicant {
                directory: self.settings.directory.clone(),
                contact: self.settings.contact.clone(),
                external: None,
            },
        };
        let opened = Account::open(&applicant, kept.as_deref(), client).await?;
        let Opened { account, keep } = opened;
        if let Some(keep) = keep {
            self.on_disk(move |files| files.keep_account(&keep)).await?;
            tracing::info!("acme: the account is kept in the data folder");
        }
        Ok(account)
    }

    /// Asks the CA when to renew; where it can't be asked, the certificate's own time counts.
    async fn ask_when(&self) {
        let identity = self.state().identity.clone();
        let told = match identity {
            None => Ok(parlour_acme::Told { window: None, again_after: None }),
            Some(identity) => {
                guarded(async { self.account().await?.when_to_renew(&identity).await }).await
            }
        };
        if let Err(error) = &told {
            tracing::warn!(%error, "acme: the ca doesn't say when to renew");
        }
        let (told, now) = (told.ok(), now());
        let mut state = self.state();
        state.is_told = told.is_some_and(|told| told.again_after.is_some());
        state.schedule.handle_told(told, now, chance());
        let order_in_s = state.schedule.order_at(now).saturating_sub(now).as_secs();
        tracing::debug!(order_in_s, "acme: the ca was asked when to renew");
    }

    /// Files can be on a disk that is slow today.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, AcmeError> + Send + 'static,
    ) -> Result<T, AcmeError> {
        let files = self.files.clone();
        let done = spawn_blocking(move || work(&files)).await;
        done.unwrap_or_else(|_| Err(AcmeError::NotKept("the write has panicked".into())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Within its time, and a bug doesn't end renewals for good.
async fn guarded<T>(doing: impl Future<Output = Result<T, AcmeError>>) -> Result<T, AcmeError> {
    let guarded = AssertUnwindSafe(doing).catch_unwind();
    match timeout(ACME_ORDER_WITHIN, guarded).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(AcmeError::Unusable("the attempt has panicked".into())),
        Err(_) => Err(AcmeError::TooSlow),
    }
}

fn term(validity: Validity) -> Term {
    Term { from: validity.not_before, until: validity.not_after }
}

fn now() -> Duration {
    Duration::from_millis(clock::unix_ms())
}

fn chance() -> u32 {
    u32::from_be_bytes(clock::random())
}

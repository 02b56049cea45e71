//! Signing in with an account that the server itself keeps: from a link, an invite or a password to
//! tokens, one after the other, for as long as the login lasts.

mod exchange;
mod kept;
mod link;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use parlour_protocol::{
    ids::DeviceId,
    wire::{
        CodeSignIn, Error as Refusal, ErrorReason, KeptLogin, Newcomer, PasswordSignIn,
        SignIn as Request, SignedIn, sign_in::How,
    },
};
use ring::digest::{SHA256, digest};

use crate::{
    limits::TOKEN_SPARE,
    token::NoTokenYet,
    transport::{Address, Dialer},
};
use kept::{Keeper, Kept};
pub use link::{LinkError, SignInLink};

/// How somebody signs in for the first time on a device. Afterwards the login is kept, and this isn't
/// looked at any more.
#[derive(Clone)]
pub struct SignIn(How);

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn")
    }
}

impl SignIn {
    /// With the code of a sign-in link, which is good once.
    pub fn code(code: impl Into<String>) -> Self {
        SignIn(How::Code(CodeSignIn { code: code.into(), newcomer: None }))
    }

    /// With the code of an invite: makes an account of that name, 1 to 32 of `a-z 0-9 . _ -`, for
    /// somebody whom people call `name`. Where somebody has to let them in first, `note` is for them.
    pub fn invite(
        code: impl Into<String>,
        subject: impl Into<String>,
        name: impl Into<String>,
        note: impl Into<String>,
    ) -> Self {
        let newcomer = Newcomer { subject: subject.into(), name: name.into(), note: note.into() };
        SignIn(How::Code(CodeSignIn { code: code.into(), newcomer: Some(newcomer) }))
    }

    /// With a password. `user` is the account's name or its handle.
    pub fn password(
        organization: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        let (org, user, password) = (organization.into(), user.into(), password.into());
        SignIn(How::Password(PasswordSignIn { org, user, password }))
    }
}

/// What the client needs to sign in.
pub(crate) struct Parts {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) address: Address,
    pub(crate) device: DeviceId,
    pub(crate) agent: String,
    pub(crate) first: Option<SignIn>,
    pub(crate) file: Option<PathBuf>,
}

/// A login of this device: hands out tokens, and gets a new one when it has to.
pub(crate) struct Login {
    parts: Parts,
    // Taken while a sign-in is under way, so that there is one at a time.
    state: tokio::sync::Mutex<State>,
    file: Mutex<Keeper>,
}

struct State {
    // Until somebody was signed in: whoever was signed out isn't signed in again behind their back.
    first: Option<SignIn>,
    kept: Kept,
    token: Option<(String, u64)>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    /// With what was kept in the file, if anything was.
    pub(crate) fn open(mut parts: Parts) -> std::io::Result<Self> {
        let mut keeper = Keeper::new(parts.file.clone());
        let kept = keeper.load()?;
        let first = parts.first.take();
        let state = tokio::sync::Mutex::new(State { first, kept, token: None });
        Ok(Login { parts, state, file: Mutex::new(keeper) })
    }

    /// Whether there is a login from before.
    pub(crate) fn is_kept(&self) -> bool {
        self.state.try_lock().is_ok_and(|state| !state.kept.login.is_empty())
    }

    /// A token: the one at hand unless it is refused or runs out.
    pub(crate) async fn token(&self, fresh: bool) -> Result<String, NoTokenYet> {
        let mut state = self.state.lock().await;
        let spare_ms = TOKEN_SPARE.as_millis() as u64;
        let now_ms = self.parts.dialer.now_ms();
        if let Some((token, expires_ms)) = &state.token
            && !fresh
            && now_ms + spare_ms < *expires_ms
        {
            return Ok(token.clone());
        }
        state.token = None;
        let signed_in = match self.sign_in(&mut state).await {
            Err(NoTokenYet::Refused(error))
                if error.reason == ErrorReason::LoginEnded as i32 && state.first.is_some() =>
            {
                // That of another run is over, and the application gave another way in.
                state.kept = Kept::default();
                self.sign_in(&mut state).await?
            }
            other => other?,
        };
        state.first = None;
        let token = signed_in.token.clone();
        state.token = Some((signed_in.token, signed_in.token_expires_ms));
        Ok(token)
    }

    async fn sign_in(&self, state: &mut State) -> Result<SignedIn, NoTokenYet> {
        let State { first, kept, .. } = state;
        let server = format!("{}:{}", self.parts.address.host, self.parts.address.port);
        // A link may lead elsewhere than the one before: its server has no business with this secret.
        let is_elsewhere = first.is_some() && kept.server != server;
        let how = match (kept.login.is_empty() || is_elsewhere, &*first) {
            (false, _) => How::Kept(KeptLogin {
                login: kept.login.clone().into(),
                secret: kept.secret.clone().into(),
            }),
            (true, Some(first)) => first.0.clone(),
            (true, None) => return Err(NoTokenYet::Refused(Box::new(ended()))),
        };
        // The next secret is on the disk before it is used: whatever happens to the answer, the same
        // request can be made again.
        if kept.next.len() != 32 {
            kept.next = self.parts.dialer.random::<32>().to_vec();
            if let Err(error) = self.keep(kept) {
                tracing::warn!(%error, "the login can't be kept");
                kept.next.clear();
                return Err(NoTokenYet::NotNow);
            }
        }
        let request = Request {
            how: Some(how),
            next_hash: digest(&SHA256, &kept.next).as_ref().to_vec().into(),
            device: self.parts.device.to_field(),
            agent: self.parts.agent.clone(),
        };
        let dialer = self.parts.dialer.clone();
        match exchange::ask(&dialer, self.parts.address.clone(), request).await? {
            Ok(signed_in) => {
                *kept = Kept {
                    login: signed_in.login.to_vec(),
                    secret: std::mem::take(&mut kept.next),
                    next: vec![],
                    server,
                };
                // Not a reason to do without the token: what is on the disk asks the same again.
                if let Err(error) = self.keep(kept) {
                    tracing::warn!(%error, "the login can't be kept");
                }
                Ok(signed_in)
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// Forgets the login on this device.
    pub(crate) async fn forget(&self) -> std::io::Result<()> {
        let mut state = self.state.lock().await;
        *state = State { first: None, kept: Kept::default(), token: None };
        self.file.lock().unwrap_or_else(PoisonError::into_inner).remove()
    }

    /// A file of some hundred bytes, once an hour.
    fn keep(&self, kept: &Kept) -> std::io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).save(kept)
    }
}

/// What a refusal means for the client.
fn failure(error: Refusal) -> NoTokenYet {
    match ErrorReason::try_from(error.reason) {
        Ok(ErrorReason::KnockWaiting) => NoTokenYet::Knocking,
        _ if error.retry_after_ms > 0 => {
            tracing::debug!(%error, "the sign-in has to wait");
            NoTokenYet::Later(Duration::from_millis(error.retry_after_ms))
        }
        _ => NoTokenYet::Refused(Box::new(error)),
    }
}

fn ended() -> Refusal {
    Refusal::new(ErrorReason::LoginEnded, "there is no login on this device")
}

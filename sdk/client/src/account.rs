//! The user's account, where the server keeps accounts of its own: the password, and where they are
//! signed in.

use std::sync::Arc;

use parlour_protocol::{
    account::{
        EndLoginRequest, ListLoginsRequest, Login as Wire, LoginMethod, SetPasswordRequest,
        end_login_request::Which,
    },
    generated::rpc,
    ids::{DeviceId, LoginId},
};

use crate::{error::CallError, handle::Handle, sign_in::Login as Kept};

/// The user's account. Cheap to clone; it doesn't keep the client alive. Its calls fail with
/// `ACCOUNTS_DISABLED` on a server that keeps no accounts, and with `ACCOUNT_NOT_FOUND` for a user who
/// comes with tokens of somebody else's making.
#[derive(Clone, Debug)]
pub struct Account {
    handle: Handle,
    kept: Option<Arc<Kept>>,
}

/// Where the user is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// To end it by.
    pub id: LoginId,
    /// What the client there calls itself.
    pub agent: String,
    /// The installation.
    pub device: Option<DeviceId>,
    /// When they signed in, Unix milliseconds.
    pub since_ms: u64,
    /// When it was last used, within an hour. Unix milliseconds.
    pub used_ms: u64,
    /// How they signed in.
    pub method: LoginMethod,
    /// Whether it is this client's.
    pub is_current: bool,
}

impl Account {
    pub(crate) fn new(handle: Handle, kept: Option<Arc<Kept>>) -> Self {
        Account { handle, kept }
    }

    /// Sets the password, 10 to 256 bytes, and ends all other logins. Takes the present one, unless
    /// there is none or the user has signed in with a link within the last 15 minutes.
    ///
    /// # Errors
    /// `WRONG_PASSWORD`, `INVALID_FIELD`, `RATE_LIMITED` after five wrong ones; otherwise when the
    /// client is gone.
    pub async fn set_password(&self, current: &str, password: &str) -> Result<(), CallError> {
        let request =
            SetPasswordRequest { current: current.to_owned(), password: password.to_owned() };
        self.handle.call::<rpc::SetPassword>(request).await.map(drop)
    }

    /// Where the user is signed in, the newest first.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn logins(&self) -> Result<Vec<Login>, CallError> {
        let answer = self.handle.call::<rpc::ListLogins>(ListLoginsRequest {}).await?;
        Ok(answer.logins.into_iter().filter_map(parse).collect())
    }

    /// Ends a login: its client is out within two seconds. Does nothing where it has ended already.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn end_login(&self, login: LoginId) -> Result<(), CallError> {
        self.end(Which::Login(login.to_field())).await
    }

    /// Ends all logins but this client's.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn end_other_logins(&self) -> Result<(), CallError> {
        self.end(Which::Others(true)).await
    }

    /// Ends this client's login and forgets it on this device. The client stops.
    ///
    /// # Errors
    /// When the client is gone, or not connected in time; then nothing is forgotten.
    pub async fn sign_out(&self) -> Result<(), CallError> {
        if let Some(login) = self.logins().await?.into_iter().find(|login| login.is_current) {
            self.end_login(login.id).await?;
        }
        if let Some(kept) = &self.kept
            && let Err(error) = kept.forget().await
        {
            // It is worth nothing any more.
            tracing::warn!(%error, "the file of the login can't be removed");
        }
        Ok(())
    }

    async fn end(&self, which: Which) -> Result<(), CallError> {
        let request = EndLoginRequest { which: Some(which) };
        self.handle.call::<rpc::EndLogin>(request).await.map(drop)
    }
}

fn parse(login: Wire) -> Option<Login> {
    Some(Login {
        id: LoginId::parse(&login.id).ok()?,
        device: DeviceId::parse(&login.device).ok(),
        since_ms: login.since_ms,
        used_ms: login.used_ms,
        method: login.method(),
        is_current: login.current,
        agent: login.agent,
    })
}

//! `parlour revoke`: closes sessions within two seconds and refuses their tokens from now on.

use clap::Args;
use parlour_daemon::{
    admin::{self, AdminError, Request, Response},
    clock,
    revocation::{Revoked, revoke_offline},
    server,
};

use super::{Common, Outcome, block_on, existing_data, lock};

#[derive(Args)]
pub(super) struct Revoke {
    /// The organization of the tokens.
    #[arg(long)]
    org: String,
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Every token of this user issued up to now.
    #[arg(long)]
    subject: Option<String>,
    /// One session, by its id.
    #[arg(long)]
    session: Option<String>,
    /// One token, by its `jti`.
    #[arg(long)]
    token_id: Option<String>,
}

impl Revoke {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let what = match self.what {
            What { subject: Some(subject), .. } => Revoked::Subject(subject),
            What { session: Some(session), .. } => Revoked::Session(session),
            What { token_id, .. } => Revoked::TokenId(token_id.unwrap_or_default()),
        };
        let config = common.load()?;
        let data = existing_data(&config)?;
        let request = Request::Revoke { org: self.org.clone(), what: what.clone() };
        match block_on(admin::ask(&data.admin_socket(), &request))? {
            Ok(Response::Revoked { closed }) => {
                say!("revoked; {closed} connections are being closed");
            }
            Ok(_) => say!("revoked"),
            Err(AdminError::NotRunning) => {
                let _lock = lock(&data)?;
                block_on(async {
                    let store = server::open_store(&config, &data).await?;
                    let now_ms = clock::unix_ms();
                    Outcome::Ok(revoke_offline(&*store, &self.org, &what, now_ms).await?)
                })??;
                say!("revoked; no server runs, so nothing was open");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

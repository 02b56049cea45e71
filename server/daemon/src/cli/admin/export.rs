//! `parlour admin export`: what an organization has, or one of its users, as JSON lines and files.

use std::path::{PathBuf, absolute};

use clap::Args;
use parlour_daemon::admin::{self, Request, Response};

use super::{Common, Outcome, block_on, fail};
use crate::cli::existing_data;

#[derive(Args)]
pub(in crate::cli) struct Export {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// Only what somebody wrote and set for themselves, by the token's `sub`.
    #[arg(long, value_name = "SUBJECT")]
    user: Option<String>,
    /// The new folder to write into.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Export {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let data = existing_data(&common.load()?)?;
        let to = absolute(&self.to)?;
        let request = Request::Export { org: self.org, subject: self.user, to: to.clone() };
        let Response::Exported(done) = block_on(admin::ask(&data.admin_socket(), &request))??
        else {
            return fail("the server's answer is not understood; is it the same release?");
        };
        say!(
            "export is complete in {}: {} rooms, {} events, {} files",
            to.display(),
            done.rooms,
            done.events,
            done.files
        );
        if done.damaged + done.missing_files > 0 {
            say!("{} events can't be read, {} files are missing", done.damaged, done.missing_files);
        }
        Ok(())
    }
}

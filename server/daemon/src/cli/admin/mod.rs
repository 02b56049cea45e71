//! `parlour admin`: an organization's directory, through the running server.

mod apply;
mod diff;
mod file;
mod hooks;
mod state;
mod tree;

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use parlour_daemon::{
    admin::{self, Request, Response},
    data::DataFolder,
};
use parlour_protocol::generated::ControlRpc;
use prost::Message;

use super::{Common, Failure, Outcome, block_on, existing_data, fail};

#[derive(Subcommand)]
pub(super) enum Admin {
    /// Make an organization what a file says: shows what it would do, then does it. Running it
    /// again does nothing.
    Apply(apply::Apply),
    /// Show the organization's nodes and how many are in each.
    Tree {
        /// The `org` of the tokens.
        #[arg(long)]
        org: String,
    },
    /// Show who changed what and when, oldest first.
    Audit {
        /// The `org` of the tokens.
        #[arg(long)]
        org: String,
        /// The first event to show.
        #[arg(long, default_value_t = 1)]
        from: u64,
    },
    /// Look after the addresses at which programs post into a room.
    Hooks(hooks::Hooks),
}

impl Admin {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let data = existing_data(&common.load()?)?;
        match self {
            Admin::Apply(apply) => apply.run(data),
            Admin::Tree { org } => block_on(tree::tree(&Line { data, org }))?,
            Admin::Hooks(hooks) => hooks.run(data),
            Admin::Audit { org, from } => block_on(tree::audit(&Line { data, org }, from))?,
        }
    }
}

/// The way to the running server, for one organization.
struct Line {
    data: DataFolder,
    org: String,
}

impl Line {
    /// Makes one call.
    async fn call<R: ControlRpc>(&self, request: &R::Request) -> Outcome<R::Response> {
        let request = Request::Call {
            org: self.org.clone(),
            method: R::METHOD.id,
            body: STANDARD.encode(request.encode_to_vec()),
        };
        let Response::Called { body } = admin::ask(&self.data.admin_socket(), &request).await?
        else {
            return fail("the server answered something else");
        };
        Ok(R::Response::decode(&STANDARD.decode(body)?[..])?)
    }
}

fn read(path: &PathBuf) -> Outcome<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{} can't be read: {error}", path.display())))
}

//! `parlour admin`: an organization's directory, through the running server.

mod apply;
mod diff;
mod erase;
mod export;
mod file;
mod hooks;
mod kept;
mod leaving;
mod moderation;
mod quotas;
mod state;
mod tree;
mod webhooks;

use std::path::PathBuf;

use clap::Subcommand;

use super::{Common, Failure, Outcome, block_on, fail, line::Line};

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
    /// Shut somebody out; everything they wrote stays.
    Deactivate(leaving::Deactivate),
    /// Let somebody in again.
    Reactivate(leaving::Reactivate),
    /// Give what somebody owns to somebody else.
    HandOver(leaving::Over),
    /// Erase somebody who is deactivated, or show who was erased.
    Erase(erase::Erase),
    /// Write what an organization has, or one of its users, into a new folder as JSON lines and files.
    Export(export::Export),
    /// Show or set how long messages are kept. Older ones are deleted within a minute.
    Retention(kept::Retention),
    /// Show or set legal holds: what is held stays stored, whoever deletes it.
    Hold(kept::Hold),
    /// Show what people have reported, or decide on it.
    Reports(moderation::Reports),
    /// Show or replace the words that messages may not have.
    Filter(moderation::Filter),
    /// Show what an organization has: users, rooms, messages, attachments, devices.
    Usage(quotas::ShowUsage),
    /// Show or set how much of it an organization may have.
    #[command(subcommand)]
    Quota(quotas::Quota),
    /// Look after the addresses at which programs post into a room.
    Hooks(hooks::Hooks),
    /// Look after what is posted to addresses outside.
    Webhooks(Box<webhooks::Webhooks>),
}

impl Admin {
    pub(super) fn run(self, common: &Common) -> Outcome {
        match self {
            Admin::Apply(apply) => apply.run(common),
            Admin::Deactivate(deactivate) => deactivate.run(common),
            Admin::Reactivate(reactivate) => reactivate.run(common),
            Admin::HandOver(over) => over.run(common),
            Admin::Erase(erase) => erase.run(common),
            Admin::Export(export) => export.run(common),
            Admin::Retention(retention) => retention.run(common),
            Admin::Hold(hold) => hold.run(common),
            Admin::Reports(reports) => reports.run(common),
            Admin::Filter(filter) => filter.run(common),
            Admin::Usage(usage) => usage.run(common),
            Admin::Quota(quota) => quota.run(common),
            Admin::Hooks(hooks) => hooks.run(common),
            Admin::Webhooks(webhooks) => webhooks.run(common),
            Admin::Tree { org } => block_on(tree::tree(&Line::open(common, org)?))?,
            Admin::Audit { org, from } => block_on(tree::audit(&Line::open(common, org)?, from))?,
        }
    }
}

fn read(path: &PathBuf) -> Outcome<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{} can't be read: {error}", path.display())))
}

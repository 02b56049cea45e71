//! `parlour invite`: links with which people make accounts of their own.

use std::time::Duration;

use clap::{Args, Subcommand};
use parlour_protocol::{
    account::{
        CreateInviteRequest, DecideKnockRequest, KnockState, ListInvitesRequest,
        RevokeInviteRequest,
    },
    generated::rpc,
    ids::InviteId,
};

use super::{Common, Line, Outcome, block_on, from_now, print_links};
use crate::cli::{fail, token::duration};

#[derive(Subcommand)]
pub(in crate::cli) enum Invite {
    /// Print a link with which people make accounts of their own.
    Create(Create),
    /// List invites and who took them.
    List {
        /// The organization.
        #[arg(long)]
        org: String,
    },
    /// Nobody can take an invite any more; who waits is declined.
    Revoke(Which),
    /// Let somebody in who waits.
    Approve(Knock),
    /// Decline somebody who waits.
    Decline(Knock),
}

#[derive(Args)]
pub(in crate::cli) struct Create {
    /// The organization.
    #[arg(long)]
    org: String,
    /// For the list of invites.
    #[arg(long, default_value = "")]
    label: String,
    /// In the organization: member or guest.
    #[arg(long, default_value = "member")]
    role: String,
    /// The key of a node whoever comes is put into; may be said again.
    #[arg(long = "node", value_name = "KEY")]
    nodes: Vec<String>,
    /// How many may take it.
    #[arg(long, default_value_t = 1)]
    uses: u32,
    /// How long it is good: a number and s, m, h or d.
    #[arg(long, default_value = "7d", value_parser = duration)]
    valid: Duration,
    /// Whoever takes it waits until somebody approves.
    #[arg(long)]
    knock: bool,
}

#[derive(Args)]
pub(in crate::cli) struct Which {
    /// The invite, as the list has it.
    invite: InviteId,
    /// The organization.
    #[arg(long)]
    org: String,
}

#[derive(Args)]
pub(in crate::cli) struct Knock {
    #[command(flatten)]
    which: Which,
    /// Who waits.
    name: String,
}

impl Invite {
    pub(in crate::cli) fn run(self, common: &Common) -> Outcome {
        let org = match &self {
            Invite::Create(Create { org, .. }) | Invite::List { org } => org,
            Invite::Revoke(which) => &which.org,
            Invite::Approve(knock) | Invite::Decline(knock) => &knock.which.org,
        };
        let line = Line::open(common, org.clone())?;
        block_on(async {
            match self {
                Invite::Create(create) => create.run(&line).await,
                Invite::List { .. } => list(&line).await,
                Invite::Revoke(which) => {
                    let request = RevokeInviteRequest { id: which.invite.to_field() };
                    line.call::<rpc::RevokeInvite>(&request).await.map(drop)
                }
                Invite::Approve(knock) => decide(&line, knock, true).await,
                Invite::Decline(knock) => decide(&line, knock, false).await,
            }
        })?
    }
}

impl Create {
    async fn run(self, line: &Line) -> Outcome {
        let Ok(valid_s) = u32::try_from(self.valid.as_secs()) else {
            return fail("--valid is over 365d");
        };
        let request = CreateInviteRequest {
            label: self.label,
            role: self.role,
            nodes: self.nodes,
            uses_max: self.uses,
            valid_s,
            knock: self.knock,
        };
        let answer = line.call::<rpc::CreateInvite>(&request).await?;
        let people = match self.uses {
            0 | 1 => "one person".to_owned(),
            n => format!("{n} people"),
        };
        eprintln!("the invite is good for {people}, for {}:", from_now(answer.expires_ms));
        print_links(line, "invite", &answer.code).await
    }
}

async fn decide(line: &Line, knock: Knock, approve: bool) -> Outcome {
    let id = knock.which.invite.to_field();
    let request = DecideKnockRequest { id, subject: knock.name, approve };
    line.call::<rpc::DecideKnock>(&request).await.map(drop)
}

async fn list(line: &Line) -> Outcome {
    let mut request = ListInvitesRequest::default();
    loop {
        let answer = line.call::<rpc::ListInvites>(&request).await?;
        for invite in answer.invites {
            let Ok(id) = InviteId::parse(&invite.id) else { continue };
            let state = match invite.revoked {
                true => "revoked".to_owned(),
                false => format!("good for {}", from_now(invite.expires_ms)),
            };
            let (used, max) = (invite.used, invite.uses_max);
            say!("{id}  {}  {used} of {max}  {state}  {}", invite.role, invite.label);
            for it in &invite.uses {
                let state = match it.state() {
                    KnockState::Waiting => "waits",
                    KnockState::Joined => "joined",
                    KnockState::Declined => "declined",
                    KnockState::Unspecified => "unknown",
                };
                say!("    {:<8}  {:<24}  {:?} {:?}", state, it.subject, it.name, it.note);
            }
        }
        if answer.next_page.is_empty() {
            return Ok(());
        }
        request.page = answer.next_page;
    }
}

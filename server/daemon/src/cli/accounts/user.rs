//! `parlour user`: accounts that the server keeps itself.

use std::time::Duration;

use clap::{Args, Subcommand};
use parlour_protocol::{
    account::{
        CreateSignInLinkRequest, EndLoginsRequest, ListAccountsRequest, SetAccountScopesRequest,
    },
    directory::{Change, ChangeDirectoryRequest, PutUser, change::Change as Wanted},
    generated::rpc,
    user::Profile,
};

use super::{Common, Line, Outcome, block_on, ensure_organization, from_now, print_links};
use crate::cli::{fail, token::duration};

/// What `--admin` allows.
const ADMIN_SCOPES: [&str; 8] = [
    "admin:accounts",
    "admin:audit",
    "admin:compliance",
    "admin:directory",
    "admin:health",
    "admin:moderation",
    "admin:sessions",
    "admin:usage",
];

#[derive(Subcommand)]
pub(in crate::cli) enum User {
    /// Make an account and print a link with which its owner signs in, once. Puts them into the
    /// organization, which is made where there is none.
    Add(Add),
    /// Print another sign-in link, for who has lost the way in. The last one is no longer good.
    Link {
        #[command(flatten)]
        who: Who,
        /// How long it is good: a number and s, m, h or d, at most 7d.
        #[arg(long, default_value = "1d", value_parser = duration)]
        valid: Duration,
    },
    /// List accounts.
    List {
        /// The organization.
        #[arg(long)]
        org: String,
    },
    /// Sign somebody out everywhere.
    SignOut {
        #[command(flatten)]
        who: Who,
        /// Remove the password, too: then only a new link lets them in.
        #[arg(long)]
        remove_password: bool,
    },
    /// Set what an account's tokens allow, such as admin:directory. None takes all away.
    Scopes {
        #[command(flatten)]
        who: Who,
        /// The scopes.
        scopes: Vec<String>,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Who {
    /// What the account is called: the `sub` of its tokens.
    #[arg(value_name = "ACCOUNT")]
    subject: String,
    /// The organization.
    #[arg(long)]
    org: String,
}

#[derive(Args)]
pub(in crate::cli) struct Add {
    #[command(flatten)]
    who: Who,
    /// What people call them.
    #[arg(long)]
    name: Option<String>,
    /// In the organization: owner, admin, member or guest [default: a new one is a member].
    #[arg(long)]
    role: Option<String>,
    /// Let their tokens change the directory and accounts, end sessions and read the audit log.
    #[arg(long)]
    admin: bool,
    /// How long the link is good: a number and s, m, h or d, at most 7d.
    #[arg(long, default_value = "1d", value_parser = duration)]
    valid: Duration,
}

impl User {
    pub(in crate::cli) fn run(self, common: &Common) -> Outcome {
        let org = match &self {
            User::Add(Add { who, .. })
            | User::Link { who, .. }
            | User::SignOut { who, .. }
            | User::Scopes { who, .. } => who.org.clone(),
            User::List { org } => org.clone(),
        };
        let line = Line::open(common, org)?;
        block_on(async {
            match self {
                User::Add(add) => add.run(&line).await,
                User::Link { who, valid } => {
                    if print_link(&line, &who.subject, valid).await? {
                        eprintln!("there was no account of that name before");
                    }
                    Ok(())
                }
                User::List { .. } => list(&line).await,
                User::SignOut { who, remove_password } => {
                    let request =
                        EndLoginsRequest { subject: who.subject, password: remove_password };
                    let answer = line.call::<rpc::EndLogins>(&request).await?;
                    say!("signed out; {} connections are being closed", answer.closed);
                    Ok(())
                }
                User::Scopes { who, scopes } => {
                    let request = SetAccountScopesRequest { subject: who.subject, scopes };
                    let answer = line.call::<rpc::SetAccountScopes>(&request).await?;
                    say!("set; {} connections are being closed", answer.closed);
                    Ok(())
                }
            }
        })?
    }
}

impl Add {
    async fn run(self, line: &Line) -> Outcome {
        ensure_organization(line).await?;
        let name = self.name.clone();
        let change = Wanted::PutUser(PutUser {
            subject: self.who.subject.clone(),
            role: self.role,
            profile: name.map(|name| Profile { name: Some(name), ..Profile::default() }),
            deactivated: None,
        });
        let changes = vec![Change { change: Some(change) }];
        let request = ChangeDirectoryRequest { changes, dry_run: false };
        line.call::<rpc::ChangeDirectory>(&request).await?;
        print_link(line, &self.who.subject, self.valid).await?;
        if self.admin {
            let scopes = ADMIN_SCOPES.map(String::from).to_vec();
            let request = SetAccountScopesRequest { subject: self.who.subject, scopes };
            line.call::<rpc::SetAccountScopes>(&request).await?;
        }
        Ok(())
    }
}

/// Whether the account was made with it.
async fn print_link(line: &Line, subject: &str, valid: Duration) -> Outcome<bool> {
    let Ok(valid_s) = u32::try_from(valid.as_secs()) else { return fail("--valid is over 7d") };
    let request = CreateSignInLinkRequest { subject: subject.to_owned(), valid_s };
    let answer = line.call::<rpc::CreateSignInLink>(&request).await?;
    let made = if answer.created { "account made" } else { "another link" };
    eprintln!(
        "{made}; the link is good once, for {}. Whoever has it is {subject}:",
        from_now(answer.expires_ms)
    );
    print_links(line, "sign-in", &answer.code).await?;
    Ok(answer.created)
}

async fn list(line: &Line) -> Outcome {
    let mut request = ListAccountsRequest::default();
    loop {
        let answer = line.call::<rpc::ListAccounts>(&request).await?;
        if request.page.is_empty() {
            say!("{:<24} {:>6}  {:<8}  scopes", "name", "logins", "password");
        }
        for account in answer.accounts {
            let password = if account.has_password { "yes" } else { "no" };
            let scopes = account.scopes.join(" ");
            say!("{:<24} {:>6}  {password:<8}  {scopes}", account.subject, account.logins);
        }
        if answer.next_page.is_empty() {
            return Ok(());
        }
        request.page = answer.next_page;
    }
}

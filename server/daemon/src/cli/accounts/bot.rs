//! `parlour bot`: accounts of programs, and the keys they come with.

use std::time::Duration;

use clap::{Args, Subcommand};
use parlour_protocol::{
    account::{
        ApiKey, CreateKeyRequest, CreateServiceAccountRequest, ListKeysRequest, RevokeKeyRequest,
    },
    generated::rpc,
    ids::ApiKeyId,
};

use super::{Common, Line, Outcome, block_on, ensure_organization, from_now};
use crate::cli::{fail, token::duration};

#[derive(Subcommand)]
pub(in crate::cli) enum Bot {
    /// Make an account for a program and print a key, which isn't shown again. The organization is made
    /// where there is none.
    Add(Add),
    /// Keys of a program's account.
    #[command(subcommand)]
    Key(Key),
}

#[derive(Subcommand)]
pub(in crate::cli) enum Key {
    /// Print another key, which isn't shown again.
    Add(AddKey),
    /// List keys.
    List {
        #[command(flatten)]
        who: Who,
    },
    /// Revoke a key at once.
    Revoke {
        #[command(flatten)]
        who: Who,
        /// The key, by its id.
        key: ApiKeyId,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Who {
    /// What the account is called.
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
    /// What people call it.
    #[arg(long, default_value = "")]
    name: String,
    /// In the organization: member or guest.
    #[arg(long, default_value = "member")]
    role: String,
    /// The key of a node it is put into; may be said again.
    #[arg(long = "node", value_name = "KEY")]
    nodes: Vec<String>,
    /// What its keys allow, such as events:publish; may be said again.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// What the key is called, in lists.
    #[arg(long, default_value = "first")]
    key_name: String,
    /// How long the key is good: a number and s, m, h or d [default: for ever].
    #[arg(long, value_parser = duration)]
    valid: Option<Duration>,
}

#[derive(Args)]
pub(in crate::cli) struct AddKey {
    #[command(flatten)]
    who: Who,
    /// What it is called, in lists.
    #[arg(long)]
    name: String,
    /// What it allows, of the account's scopes; may be said again.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long it is good: a number and s, m, h or d [default: for ever].
    #[arg(long, value_parser = duration)]
    valid: Option<Duration>,
}

impl Bot {
    pub(in crate::cli) fn run(self, common: &Common) -> Outcome {
        let org = match &self {
            Bot::Add(Add { who, .. })
            | Bot::Key(
                Key::Add(AddKey { who, .. }) | Key::List { who } | Key::Revoke { who, .. },
            ) => who.org.clone(),
        };
        let line = Line::open(common, org)?;
        block_on(async {
            match self {
                Bot::Add(add) => add.run(&line).await,
                Bot::Key(Key::Add(add)) => add.run(&line).await,
                Bot::Key(Key::List { who }) => list(&line, who.subject).await,
                Bot::Key(Key::Revoke { who, key }) => {
                    let request = RevokeKeyRequest { subject: who.subject, key: key.to_field() };
                    let answer = line.call::<rpc::RevokeKey>(&request).await?;
                    say!("revoked; {} connections are being closed", answer.closed);
                    Ok(())
                }
            }
        })?
    }
}

impl Add {
    async fn run(self, line: &Line) -> Outcome {
        ensure_organization(line).await?;
        let Add { who, name, role, nodes, scopes, key_name, valid } = self;
        let request = CreateServiceAccountRequest {
            subject: who.subject.clone(),
            name,
            role,
            nodes,
            scopes: scopes.clone(),
        };
        line.call::<rpc::CreateServiceAccount>(&request).await?;
        AddKey { who, name: key_name, scopes, valid }.run(line).await
    }
}

impl AddKey {
    async fn run(self, line: &Line) -> Outcome {
        let valid_s = self.valid.map_or(Ok(0), |valid| u32::try_from(valid.as_secs()));
        let Ok(valid_s) = valid_s else { return fail("--valid is over ten years") };
        let request = CreateKeyRequest {
            subject: self.who.subject,
            name: self.name,
            scopes: self.scopes,
            valid_s,
        };
        let made = line.call::<rpc::CreateKey>(&request).await?;
        let key = made.key.unwrap_or_default();
        eprintln!("key {}, {}. It isn't shown again:", id_of(&key), until(&key));
        say!("{}", made.secret);
        Ok(())
    }
}

async fn list(line: &Line, subject: String) -> Outcome {
    for key in line.call::<rpc::ListKeys>(&ListKeysRequest { subject }).await?.keys {
        let scopes = key.scopes.join(" ");
        say!("{} {:<24} {:<22} {scopes}", id_of(&key), key.name, until(&key));
    }
    Ok(())
}

fn id_of(key: &ApiKey) -> String {
    ApiKeyId::parse(&key.id).map(|id| id.to_string()).unwrap_or_default()
}

fn until(key: &ApiKey) -> String {
    match key.expires_ms {
        _ if key.revoked => "revoked".into(),
        0 => "good for ever".into(),
        at_ms if at_ms <= parlour_daemon::clock::unix_ms() => "expired".into(),
        at_ms => format!("good for {}", from_now(at_ms)),
    }
}

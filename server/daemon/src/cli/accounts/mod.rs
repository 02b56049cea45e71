//! Accounts of the server's own from the command line: who has one, and how people come to have one.

mod bot;
mod invite;
mod user;

use parlour_daemon::clock;
use parlour_protocol::{
    directory::{
        Change, ChangeDirectoryRequest, ListNodesRequest, NodeKind, PutNode,
        change::Change as Wanted,
    },
    generated::rpc,
};

use super::{Common, Outcome, block_on, line::Line};

pub(super) use bot::Bot;
pub(super) use invite::Invite;
pub(super) use user::User;

/// Makes the organization where there is none.
async fn ensure_organization(line: &Line) -> Outcome {
    let nodes = line.call::<rpc::ListNodes>(&ListNodesRequest::default()).await?;
    if !nodes.nodes.is_empty() {
        return Ok(());
    }
    let change = Wanted::PutNode(PutNode {
        kind: NodeKind::Organization as i32,
        name: Some(line.org.clone()),
        ..PutNode::default()
    });
    let changes = vec![Change { change: Some(change) }];
    line.call::<rpc::ChangeDirectory>(&ChangeDirectoryRequest { changes, dry_run: false }).await?;
    Ok(())
}

/// A link with that code, to be given to somebody: whoever has it is let in.
async fn link(line: &Line, kind: &str, code: &str) -> Outcome<String> {
    let status = line.status().await?;
    let address = match &line.config.accounts.address {
        Some(address) => address.clone(),
        None => {
            let name = line.config.tls.names.first().map_or("localhost", String::as_str);
            let port = status.listen.rsplit_once(':').map_or("4433", |(_, port)| port);
            match name.contains(':') {
                true => format!("[{name}]:{port}"),
                false => format!("{name}:{port}"),
            }
        }
    };
    let pin = match line.config.tls.certificate {
        Some(_) => String::new(),
        None => format!("&pin={}", status.certificate_sha256),
    };
    Ok(format!("parlour://{address}/{kind}#code={code}{pin}"))
}

/// How long from now, in words.
fn from_now(at_ms: u64) -> String {
    let minutes = (at_ms.saturating_sub(clock::unix_ms()) + 30_000) / 60_000;
    match minutes {
        0 => "less than a minute".into(),
        1..=119 => format!("{minutes} minutes"),
        120..=2879 => format!("{} hours", (minutes + 30) / 60),
        _ => format!("{} days", (minutes + 720) / 1440),
    }
}

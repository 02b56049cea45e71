//! Accounts of the server's own from the command line: who has one, and how people come to have one.

mod bot;
mod invite;
mod user;

use std::net::SocketAddr;

use parlour_daemon::{Config, admin::Status, clock};
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

/// Prints links with that code, to be given to somebody: whoever has one is let in. The first is for
/// applications, the second, where browsers can connect, for the web client.
async fn print_links(line: &Line, kind: &str, code: &str) -> Outcome {
    let status = line.status().await?;
    say!("{}", link(line, &status, kind, code));
    if let Some(page) = page(&line.config, status.http.as_deref()) {
        say!("{page}#{kind}={code}");
    }
    Ok(())
}

fn link(line: &Line, status: &Status, kind: &str, code: &str) -> String {
    let address = match &line.config.accounts.address {
        Some(address) => address.clone(),
        None => {
            let tls = &line.config.tls;
            let name = tls.acme.names.iter().chain(&tls.names).next();
            let name = name.map_or("localhost", String::as_str);
            let port = status.listen.rsplit_once(':').map_or("4433", |(_, port)| port);
            match name.contains(':') {
                true => format!("[{name}]:{port}"),
                false => format!("{name}:{port}"),
            }
        }
    };
    let tls = &line.config.tls;
    // One from a CA is trusted by itself, and follows the generated one soon where it isn't there yet.
    let pin = match tls.certificate.is_some() || !tls.acme.names.is_empty() {
        true => String::new(),
        false => format!("&pin={}", status.certificate_sha256),
    };
    format!("parlour://{address}/{kind}#code={code}{pin}")
}

/// The web client's address: where the configuration says, or on this machine. `http` is where HTTP listens.
fn page(config: &Config, http: Option<&str>) -> Option<String> {
    let http: SocketAddr = http?.parse().ok()?;
    if !config.web.enabled {
        return None;
    }
    match &config.http.url {
        Some(url) => Some(format!("{}/", url.trim_end_matches('/'))),
        // Browsers keep what they need for secure pages: this name, or a certificate they trust.
        None if http.ip().is_loopback() && !config.http.tls => {
            Some(format!("http://localhost:{}/", http.port()))
        }
        None => None,
    }
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

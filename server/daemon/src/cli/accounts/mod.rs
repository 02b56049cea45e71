//! Accounts of the server's own from the command line: who has one, and how people come to have one.

mod invite;
mod user;

use parlour_daemon::clock;

use super::{Common, Outcome, block_on, line::Line};

pub(super) use invite::Invite;
pub(super) use user::User;

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

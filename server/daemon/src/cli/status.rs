//! `parlour status`: what the running server says about itself.

use parlour_daemon::admin::{self, Request, Response};

use super::{Common, Outcome, block_on, existing_data, fail};

/// A time that people can read.
fn span(seconds: u64) -> String {
    match seconds {
        0..=7_200 => format!("{seconds} s"),
        7_201..=172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / (24 * 3600)),
    }
}

pub(super) fn run(common: &Common) -> Outcome {
    let data = existing_data(&common.load()?)?;
    let Response::Status(status) = block_on(admin::ask(&data.admin_socket(), &Request::Status))??
    else {
        return fail("the server answered something else");
    };
    say!("version      {}", status.version);
    say!("state        {}", status.state);
    say!("quic         {}", status.listen);
    say!("http         {}", status.http.as_deref().unwrap_or("off"));
    say!("connections  {}", status.connections);
    say!("store        {}", status.store);
    say!("incarnation  {}", status.incarnation);
    say!("certificate  sha-256 {}", status.certificate_sha256);
    if let Some(acme) = status.acme {
        let names = acme.names.join(", ");
        let held = match acme.ends_in_s {
            Some(ends_in_s) => format!("ends in {}", span(ends_in_s)),
            None => "none yet".into(),
        };
        let problem = acme.problem.map_or(String::new(), |problem| {
            format!("; failed {} times, now: {problem}", acme.failures)
        });
        let next = span(acme.order_in_s);
        say!("acme         {names}: {held}, ordered in {next}{problem}");
    }
    for provider in status.providers {
        let read = match provider.age_s {
            Some(age_s) => format!("{} keys, read {age_s} s ago", provider.keys),
            None => "no keys yet".into(),
        };
        let problem = provider.problem.map_or(String::new(), |problem| format!("; now {problem}"));
        say!("identity     {}: {read}{problem}", provider.issuer);
    }
    Ok(())
}

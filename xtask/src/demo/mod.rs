//! `cargo xtask demo`: a server with a small example organization, and two chats to paste.

mod check;
mod site;
mod talker;

use std::path::Path;

use crate::args::Args;
use crate::{Outcome, shell};
use site::Site;

pub(crate) const HELP: &str = "\
usage: cargo xtask demo [--check]

Starts a server in .parlour-demo/ and prints two commands for two more terminals: a chat between
Ada and Grace. Ctrl-C ends it; the next start has all that was said.
  --check   the same unattended in a fresh folder: two client processes exchange messages, the
            server is killed and started again, and nothing may be lost";

const FOLDER: &str = ".parlour-demo";

/// Where the example's server listens, if nothing else does.
const ADDRESS: &str = "127.0.0.1:4433";

/// The packages of the unattended run.
const CHECKED: &[&str] = &["parlour-daemon", "parlour-demo-client"];

pub(crate) fn run(mut args: Args) -> Outcome {
    let check_only = args.switch("--check");
    args.finish()?;
    if check_only {
        println!("building the server and the client (the first time takes minutes)");
        return check(&shell::build(CHECKED, false)?);
    }
    println!("building the server and the chat (the first time takes minutes)");
    serve(&shell::build(&["parlour-daemon", "parlour-chat"], false)?)
}

/// The unattended run, from programs already built.
pub(crate) fn check(bins: &Path) -> Outcome {
    let folder = shell::target_dir().join(format!("demo-check-{}", std::process::id()));
    let outcome = check::run(&Site::new(&folder, bins)?);
    match &outcome {
        Ok(()) => std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?,
        Err(_) => eprintln!("what was left is in {}", folder.display()),
    }
    outcome
}

fn serve(bins: &Path) -> Outcome {
    let folder = shell::root().join(FOLDER);
    let site = Site::new(&folder, bins)?;
    let people = [("ada", "Ada Lovelace"), ("grace", "Grace Hopper"), ("linus", "Linus Torvalds")];
    for (subject, name) in people {
        site.token(subject, name)?;
    }
    let mut server = site.start(Some(site::free(ADDRESS)?), false)?;
    println!("\nA server with a small organization is ready. In two more terminals:\n");
    for (subject, with) in [("ada", "grace"), ("grace", "ada")] {
        println!("  {}\n", chat(bins, &site, &server, subject, with));
    }
    println!("Linus has a token too (linus.jwt). Ctrl-C ends the server; what was said stays.\n");
    server.wait()
}

/// The command for a terminal.
fn chat(bins: &Path, site: &Site, server: &site::Server, subject: &str, with: &str) -> String {
    format!(
        "{} --server {} --certificate {} --token-file {} --with {with}",
        near(&bins.join("parlour-chat")),
        server.address,
        server.certificate,
        near(&site.token_file(subject)),
    )
}

/// A path as one would type it in the workspace's root.
fn near(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

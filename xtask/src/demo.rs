//! `cargo xtask demo`: a server with a small example organization, and two chats to paste.

use std::path::Path;

use crate::Outcome;
use crate::args::Args;

pub(crate) const HELP: &str = "\
usage: cargo xtask demo [--check]

Starts a server in .parlour-demo/ and prints two commands for two more terminals: a chat between
Ada and Grace. Ctrl-C ends it; the next start has all that was said.
  --check   the same unattended in a fresh folder: two client processes exchange messages, the
            server is killed and started again, and nothing may be lost";

pub(crate) fn run(mut args: Args) -> Outcome {
    let check_only = args.switch("--check");
    args.finish()?;
    if check_only { check(Path::new("")) } else { Err("no server yet".into()) }
}

/// The unattended run, from programs already built.
pub(crate) fn check(_bins: &Path) -> Outcome {
    Err("no server yet".into())
}

//! `cargo xtask bench`: measurements, each beside the peer it is compared with, in the same run.

use crate::args::Args;
use crate::{Outcome, shell, web};

pub(crate) const HELP: &str = "\
usage: cargo xtask bench [NAME] [--json] [--quick] [--subject NAME] [--peer NAME]

Runs one benchmark, or all of them without a name, on a release build. Only ratios between two
subjects of one run mean anything on a shared machine.
  --json      print only the JSON lines, one per figure
  --quick     fewer repetitions: to see that it runs, not to compare
  --subject   measure a peer in Parlour's place
  --peer      beside this peer only
  --list      print the names

web-open, web-scroll and sdk-bytes are of the web client, in Chromium, and have no peer.";

pub(crate) fn run(mut args: Args) -> Outcome {
    let mut words = Vec::new();
    for name in ["--json", "--quick", "--list"] {
        if args.switch(name) {
            words.push(name.to_owned());
        }
    }
    for name in ["--subject", "--peer"] {
        if let Some(value) = args.option::<String>(name)? {
            words.extend([name.to_owned(), value]);
        }
    }
    if let Some(name) = args.word() {
        words.insert(0, name);
    }
    args.finish()?;
    if words.first().is_some_and(|name| web::BENCHES.contains(&&**name)) {
        let bins = shell::build(&["parlour-daemon"], true)?;
        words.retain(|word| word != "--json");
        return web::bench(&words, &bins.join("parlour"));
    }
    let bins = shell::build(&["parlour-daemon", "parlour-bench"], true)?;
    let mut command = shell::program(bins.join("parlour-bench"), &[]);
    command.args(words).env("PARLOUR_BIN", bins.join("parlour"));
    shell::run(&mut command)
}

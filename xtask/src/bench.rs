//! `cargo xtask bench`: measurements, each beside the peer it is compared with, in the same run.

use crate::args::Args;
use crate::{Outcome, kotlin, python, shell, swift, web};

pub(crate) const HELP: &str = "\
usage: cargo xtask bench [NAME] [--json] [--quick] [--subject NAME] [--peer NAME]

Runs one benchmark, or all of them without a name, on a release build. Only ratios between two
subjects of one run mean anything on a shared machine.
  --json      print only the JSON lines, one per figure
  --quick     fewer repetitions: to see that it runs, not to compare
  --subject   measure a peer in Parlour's place
  --peer      beside this peer only
  --list      print the names

languages builds the Python, the Kotlin and the Swift client first. web-open, web-scroll and sdk-bytes are of the web
client, in Chromium, and have no peer.";

/// The benchmark that runs programs in other languages.
const LANGUAGES: &str = "languages";

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
    if words.first().is_none_or(|name| name == LANGUAGES) {
        with_languages(&mut command);
    }
    command.args(words).env("PARLOUR_BIN", bins.join("parlour"));
    shell::run(&mut command)
}

/// Builds what the benchmark of the languages runs, and names it. One that can't be built is said, and by the
/// benchmark, too, that it isn't measured.
fn with_languages(command: &mut std::process::Command) {
    let swift = swift::figures().and_then(|built| built.ok_or_else(|| swift::MISSING.to_owned()));
    let built = [("PYTHON", python::figures()), ("KOTLIN", kotlin::figures()), ("SWIFT", swift)];
    for (name, program) in built {
        match program {
            Ok(program) => drop(command.env(format!("PARLOUR_BENCH_{name}"), program)),
            Err(why) => eprintln!("not built: {name}: {why}"),
        }
    }
}

//! The project's own commands, `cargo xtask ...`. Each subcommand is one file here.
//!
//! It is the first thing anybody builds, so it depends on next to nothing and builds what it needs
//! of the rest of the workspace when a command asks for it.
#![allow(clippy::print_stdout)] // A command-line program talks to its user on standard output.

mod args;
mod bench;
mod demo;
mod dist;
mod fuzz;
mod kotlin;
mod prove;
mod python;
mod second;
mod shell;
mod suite;
mod supply;
mod swift;
mod tidy;
mod tools;
mod web;

use std::process::ExitCode;

use args::{Args, nearest};

/// What went wrong, in words for the person at the terminal.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// A subcommand: its name, its one-line summary, its full help and what it does.
struct Command {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(Args) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        summary: "start a server with an example organization and two chats to paste",
        help: demo::HELP,
        run: demo::run,
    },
    Command {
        name: "test",
        summary: "run the whole suite, installing what it needs",
        help: suite::HELP,
        run: suite::run,
    },
    Command {
        name: "tidy",
        summary: "check the rules of the house: sizes, docs, who may import whom",
        help: tidy::HELP,
        run: tidy::run,
    },
    Command {
        name: "bench",
        summary: "measure, each benchmark beside its peer",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "prove",
        summary: "run the reliability tests: crashes, power cuts, hostile peers",
        help: prove::HELP,
        run: prove::run,
    },
    Command {
        name: "web",
        summary: "build the web client for the server to serve",
        help: web::HELP,
        run: web::run,
    },
    Command {
        name: "kotlin",
        summary: "build the Kotlin client into the local Maven repository",
        help: kotlin::HELP,
        run: kotlin::run,
    },
    Command {
        name: "swift",
        summary: "put what is generated into the Swift package",
        help: swift::HELP,
        run: swift::run,
    },
    Command {
        name: "dist",
        summary: "build the release archive and its checksum",
        help: dist::HELP,
        run: dist::run,
    },
    Command {
        name: "fuzz",
        summary: "throw arbitrary bytes and operations at the decoders and the session",
        help: fuzz::HELP,
        run: fuzz::run,
    },
];

fn main() -> ExitCode {
    second::watch();
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    if matches!(name.as_str(), "" | "help" | "-h" | "--help") {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("{}", unknown(&name));
        return ExitCode::from(2);
    };
    if rest.iter().any(|word| word == "-h" || word == "--help") {
        println!("{}", command.help);
        return ExitCode::SUCCESS;
    }
    match (command.run)(Args::new(rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND [ARGUMENTS]\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:6} {}\n", command.name, command.summary));
    }
    text.push_str("\n`cargo xtask COMMAND --help` says more.");
    text
}

fn unknown(name: &str) -> String {
    let names = COMMANDS.iter().map(|command| command.name);
    match nearest(name, names) {
        Some(near) => format!("xtask: no command `{name}`; did you mean `{near}`?"),
        None => format!("xtask: no command `{name}`\n\n{}", usage()),
    }
}

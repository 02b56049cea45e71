//! The binary `parlour`: the command line around the library.
#![allow(clippy::print_stdout)] // A command-line program talks to its user on standard output.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}

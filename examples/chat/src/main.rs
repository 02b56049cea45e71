//! A chat in the terminal, and an example of a whole application on Parlour. `model` is what the
//! chat is, `layout` and `draw` how it looks, `link` how it reaches the client; `screen` brings
//! them together, `script` is the same without a screen.

mod args;
mod clock;
mod draw;
mod layout;
mod link;
mod links;
mod model;
mod screen;
mod script;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Args, link::words};

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let outcome = runtime.block_on(run(&args));
    // Whoever reads standard input can't be interrupted, and need not be waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &str) -> ExitCode {
    eprintln!("parlour-chat: {error}");
    ExitCode::FAILURE
}

async fn run(args: &Args) -> Result<(), String> {
    let client = args.client()?.start().await.map_err(|error| words::connect_words(&error))?;
    if args.script {
        script::run(client, args.timeout()).await
    } else {
        screen::run(client, args.cache()?.with_extension("names.json")).await
    }
}

//! The command line: one file per command. Errors are one sentence on standard error and an
//! exit code: 1 for what went wrong, 2 for a command line that isn't one.

#[macro_use]
mod say;

mod accounts;
mod admin;
mod backup;
mod config;
mod doctor;
mod environment;
mod line;
mod openapi;
mod revoke;
mod serve;
mod status;
mod storage;
mod token;

use std::{
    fmt::Display,
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use parlour_daemon::{
    Config,
    config::{ConfigError, Listen, Overrides},
    data::{DataError, DataFolder},
};

/// Where the configuration is looked for without `--config`.
const DEFAULT_FILE: &str = "parlour.toml";

/// The parlour server: one binary, one data folder, one configuration file.
#[derive(Parser)]
#[command(name = "parlour", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
struct Common {
    /// The configuration file [default: parlour.toml, if it is there].
    #[arg(long, global = true, env = "PARLOUR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder, over the configuration.
    #[arg(long, global = true, env = "PARLOUR_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Sign a token.
    Token(token::Token),
    /// Accounts that the server keeps itself: make them, list them, sign people out.
    #[command(subcommand)]
    User(accounts::User),
    /// Invites: links with which people make accounts of their own.
    #[command(subcommand)]
    Invite(accounts::Invite),
    /// Accounts of programs, and the keys they come with.
    #[command(subcommand)]
    Bot(accounts::Bot),
    /// Look after the store.
    #[command(subcommand)]
    Storage(storage::Storage),
    /// Copy messages and keys into a new folder, while the server runs or not.
    Backup(backup::Backup),
    /// Make a data folder out of a backup.
    Restore(backup::Restore),
    /// Show and change an organization's directory, through the running server.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Close sessions and refuse their tokens.
    Revoke(revoke::Revoke),
    /// Say how the running server is.
    Status,
    /// Check that a server can run here, and say what to do where it can't.
    Doctor,
    /// Show the default configuration, or check the present one.
    Config(config::ConfigCommand),
    /// Print the OpenAPI description of the calls over HTTP.
    Openapi,
}

/// What went wrong, in a sentence.
#[derive(Debug)]
struct Failure(String);

type Outcome<T = ()> = Result<T, Failure>;

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.to_string())
    }
}

/// A failure that is only this sentence.
fn fail<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Failure(why.into()))
}

/// Runs the command that the process was started with.
pub(crate) fn main() -> ExitCode {
    // Before there are threads: what they allocate is to be given back.
    parlour_heap::settle();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("parlour: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Outcome {
    let common = cli.common;
    match cli.command {
        Command::Serve(command) => command.run(&common),
        Command::Token(command) => command.run(&common),
        Command::User(command) => command.run(&common),
        Command::Invite(command) => command.run(&common),
        Command::Bot(command) => command.run(&common),
        Command::Storage(command) => command.run(&common),
        Command::Backup(command) => command.run(&common),
        Command::Restore(command) => command.run(),
        Command::Admin(command) => command.run(&common),
        Command::Revoke(command) => command.run(&common),
        Command::Status => status::run(&common),
        Command::Doctor => doctor::run(&common),
        Command::Config(command) => command.run(&common),
        Command::Openapi => openapi::run(),
    }
}

impl Common {
    /// The file that is read, if any.
    fn file(&self) -> Option<PathBuf> {
        let default = || Path::new(DEFAULT_FILE).exists().then(|| PathBuf::from(DEFAULT_FILE));
        self.config.clone().or_else(default)
    }

    /// The configuration with the command line over it.
    fn load(&self) -> Outcome<Config> {
        self.load_with(None, None)
    }

    fn load_with(&self, listen: Option<SocketAddr>, http: Option<Listen>) -> Outcome<Config> {
        let mut config = match self.file() {
            Some(path) => Config::load(&path).map_err(|error| in_file(&error, &path))?,
            None => Config::default(),
        };
        config.apply(Overrides { data: self.data.clone(), listen, http });
        Ok(config)
    }
}

/// A mistake in a file, with the file's name: it may be one that nobody has named.
fn in_file(error: &ConfigError, path: &Path) -> String {
    match error {
        ConfigError::Read { .. } => error.to_string(),
        _ => format!("{error} ({})", path.display()),
    }
}

/// The data folder of a configuration, which must be there already.
fn existing_data(config: &Config) -> Outcome<DataFolder> {
    if !config.data.is_dir() {
        let path = config.data.display();
        return fail(format!(
            "there is no data folder {path}; name it with --data or in the configuration"
        ));
    }
    Ok(DataFolder::open(&config.data)?)
}

/// Takes the data folder; a running server has it.
fn lock(data: &DataFolder) -> Outcome<parlour_daemon::data::DataLock> {
    match data.lock() {
        Err(DataError::InUse { .. }) => fail("a server runs on this data folder; stop it first"),
        other => Ok(other?),
    }
}

/// Runs something asynchronous that is short.
fn block_on<T>(future: impl Future<Output = T>) -> Outcome<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    Ok(runtime.block_on(future))
}

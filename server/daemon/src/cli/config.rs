//! `parlour config`: the default file, or a check of the present one.

use clap::Args;
use parlour_daemon::config;

use super::{Common, Outcome};

#[derive(Args)]
pub(super) struct ConfigCommand {
    /// Print the default configuration with a description of every key.
    #[arg(long)]
    print_default: bool,
}

impl ConfigCommand {
    pub(super) fn run(self, common: &Common) -> Outcome {
        if self.print_default {
            super::say::text(format_args!("{}", config::default_file()));
            return Ok(());
        }
        common.load()?;
        match common.file() {
            Some(path) => say!("{} is valid", path.display()),
            None => say!("there is no configuration file; the defaults hold"),
        }
        Ok(())
    }
}

//! `parlour openapi`: prints the description of the calls over HTTP.

use std::io::{self, Write};

use super::Outcome;

pub(super) fn run() -> Outcome {
    match io::stdout().write_all(parlour_daemon::openapi::document()) {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

//! `parlour openapi`: prints the description of the calls over HTTP.

use super::{Outcome, say};

pub(super) fn run() -> Outcome {
    let document = parlour_daemon::openapi::document();
    say::text(format_args!("{}", std::str::from_utf8(document)?));
    Ok(())
}

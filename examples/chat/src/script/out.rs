//! Lines on standard output.

use std::io::Write;

/// Prints a line at once: whoever reads waits for it.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // When nobody reads any more, standard input ends as well.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A text on one line, with `\n` for its line ends.
pub(super) fn one_line(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

//! Standard output. Whoever reads it may stop reading: `parlour admin people | head -1` isn't an error worth a
//! panic.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    process,
};

/// What a shell reports of a program that SIGPIPE ended, and other programs end with here.
const BROKEN_PIPE: i32 = 128 + 13;

/// A line of text on standard output: `println!` for those who may stop reading.
macro_rules! say {
    () => { $crate::cli::say::text(format_args!("\n")) };
    ($($text:tt)*) => { $crate::cli::say::text(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes to standard output, or ends the program where that isn't possible: nobody would see the rest.
pub(crate) fn text(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(BROKEN_PIPE),
        Err(error) => {
            eprintln!("parlour: standard output can't be written to: {error}");
            process::exit(1);
        }
    }
}

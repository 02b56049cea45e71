//! What a line of a script asks for: as in the chat, and a few more.

use crate::model::command::{self, Command, Line};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Send(String),
    Do(Command),
    WaitLive,
    WaitText(String),
    WaitSent,
    Dump,
}

pub(super) fn parse(line: &str) -> Result<Step, String> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match (word, rest.trim()) {
        ("/wait-live", "") => Ok(Step::WaitLive),
        ("/wait-sent", "") => Ok(Step::WaitSent),
        ("/dump", "") => Ok(Step::Dump),
        ("/wait", "") => Err("usage: /wait TEXT".to_owned()),
        ("/wait", text) => Ok(Step::WaitText(text.to_owned())),
        ("/edit", "") => Err("usage: /edit TEXT".to_owned()),
        _ => match command::parse(line)? {
            Line::Text(text) => Ok(Step::Send(text)),
            Line::Command(command) => Ok(Step::Do(command)),
        },
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;

//! `parlour admin apply`: shows a plan, asks, and carries it out.

use std::{
    io::{IsTerminal, stdin},
    path::PathBuf,
};

use clap::Args;
use parlour_protocol::{
    directory::{Change, ChangeDirectoryRequest},
    generated::rpc::ChangeDirectory,
    limits::DIRECTORY_CHANGES_MAX,
};
use prost::Message;

use super::{
    Common, Line, Outcome, block_on,
    diff::{Step, diff},
    fail,
    file::File,
    read,
    state::State,
};

/// Bytes of changes in one call: within a frame, and within an event's body.
const CALL_BYTES_MAX: usize = 48 * 1024;
/// Lines of a plan that are shown; more are counted.
const LINES_MAX: usize = 100;

#[derive(Args)]
pub(in crate::cli) struct Apply {
    /// The file that says how the organization should be.
    file: PathBuf,
    /// Archive nodes and deactivate users that the file doesn't name.
    #[arg(long)]
    prune: bool,
    /// Only show the plan.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask.
    #[arg(long)]
    yes: bool,
}

impl Apply {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let text = read(&self.file)?;
        let file: File = match toml::from_str(&text) {
            Ok(file) => file,
            Err(error) => return fail(format!("{}: {error}", self.file.display())),
        };
        let line = Line::open(common, file.organization.org.clone())?;
        block_on(self.apply(&line, &file))?
    }

    async fn apply(&self, line: &Line, file: &File) -> Outcome {
        let state = self.state(line, file).await?;
        let steps = diff(file, &state, self.prune)?;
        if steps.is_empty() {
            say!("nothing to do");
            return Ok(());
        }
        for Step { words, .. } in steps.iter().take(LINES_MAX) {
            say!("{words}");
        }
        if steps.len() > LINES_MAX {
            say!("... and {} more", steps.len() - LINES_MAX);
        }
        if self.dry_run {
            say!("{} changes, none made", steps.len());
            return Ok(());
        }
        if !self.yes && !asked(steps.len())? {
            return fail("nothing was changed; --yes doesn't ask");
        }
        let count = steps.len();
        let mut made = 0;
        for call in in_calls(steps.into_iter().map(|step| step.change)) {
            let request = ChangeDirectoryRequest { changes: call, dry_run: false };
            let answer = line.call::<ChangeDirectory>(&request).await;
            let answer = answer.map_err(|error| {
                super::Failure(format!("{made} of {count} changes were made, then: {}", error.0))
            })?;
            made += answer.outcomes.len();
        }
        say!("{made} changes made");
        Ok(())
    }

    /// What the file is compared with: of members only those that it says something of.
    async fn state(&self, line: &Line, file: &File) -> Outcome<State> {
        let mut state = State::read(line).await?;
        if state.nodes.contains_key("") {
            state.read_members(line, "").await?;
        }
        for node in file.nodes.iter().filter(|node| node.members.is_some()) {
            if state.nodes.contains_key(&node.key) {
                state.read_members(line, &node.key).await?;
            }
        }
        Ok(state)
    }
}

/// As many changes to a call as fit.
fn in_calls(changes: impl Iterator<Item = Change>) -> Vec<Vec<Change>> {
    let (mut calls, mut bytes) = (vec![vec![]], 0);
    for change in changes {
        bytes += change.encoded_len() + 4;
        let last: &mut Vec<Change> = calls.last_mut().expect("there is always one");
        if bytes > CALL_BYTES_MAX || last.len() == DIRECTORY_CHANGES_MAX {
            bytes = change.encoded_len() + 4;
            calls.push(vec![change]);
        } else {
            last.push(change);
        }
    }
    calls
}

fn asked(count: usize) -> Outcome<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    super::super::say::text(format_args!("make these {count} changes? [y/N] "));
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

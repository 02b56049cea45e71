//! `parlour admin deactivate`, `reactivate` and `hand-over`: when somebody leaves, or comes back.

use clap::Args;
use parlour_protocol::{
    directory::{Change, ChangeDirectoryRequest, HandOver, PutUser, change::Change as What},
    generated::rpc::ChangeDirectory,
};

use super::{Common, Line, Outcome, block_on};

/// Who leaves.
#[derive(Args)]
pub(in crate::cli) struct Deactivate {
    /// The `sub` of their tokens.
    subject: String,
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// Who gets the groups they made and their place as the creator of tasks.
    #[arg(long, value_name = "SUBJECT")]
    hand_over_to: Option<String>,
}

/// Who is back.
#[derive(Args)]
pub(in crate::cli) struct Reactivate {
    /// The `sub` of their tokens.
    subject: String,
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
}

/// Who gives what they own to whom.
#[derive(Args)]
pub(in crate::cli) struct Over {
    /// Whose it is.
    from: String,
    /// Who gets it.
    to: String,
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
}

impl Deactivate {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let Deactivate { subject, org, hand_over_to } = self;
        let over = hand_over_to.map(|to| HandOver { from: subject.clone(), to });
        let mut changes = Vec::from_iter(over.map(What::HandOver));
        changes.push(deactivated(&subject, true));
        change(common, org, changes)?;
        say!("{subject} is deactivated");
        Ok(())
    }
}

impl Reactivate {
    pub(super) fn run(self, common: &Common) -> Outcome {
        change(common, self.org, vec![deactivated(&self.subject, false)])?;
        say!("{} may come back", self.subject);
        Ok(())
    }
}

impl Over {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let Over { from, to, org } = self;
        let words = format!("what {from} owns goes to {to}");
        change(common, org, vec![What::HandOver(HandOver { from, to })])?;
        say!("{words}");
        Ok(())
    }
}

fn deactivated(subject: &str, deactivated: bool) -> What {
    let (subject, deactivated) = (subject.to_owned(), Some(deactivated));
    What::PutUser(PutUser { subject, deactivated, ..PutUser::default() })
}

fn change(common: &Common, org: String, changes: Vec<What>) -> Outcome {
    let line = Line::open(common, org)?;
    let changes = changes.into_iter().map(|what| Change { change: Some(what) }).collect();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    block_on(async { line.call::<ChangeDirectory>(&request).await.map(drop) })?
}

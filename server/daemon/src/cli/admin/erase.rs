//! `parlour admin erase`: what says who somebody was, and what they wrote, goes.

use std::time::Duration;

use bytes::Bytes;
use clap::{ArgGroup, Args};
use parlour_protocol::{
    compliance::{EraseUserRequest, Erasure, ListErasuresRequest},
    generated::rpc::{EraseUser, ListErasures},
    ids::UserId,
    room::{UserRef, user_ref::User},
};

use super::{Common, Line, Outcome, block_on, fail};

/// Whether it is done is looked at this often.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(200);

/// Erase somebody who is deactivated, or show who was erased.
#[derive(Args)]
#[command(group = ArgGroup::new("who").multiple(false))]
pub(in crate::cli) struct Erase {
    /// The `sub` of their tokens.
    #[arg(group = "who")]
    subject: Option<String>,
    /// Their id instead.
    #[arg(long, group = "who", value_name = "ID")]
    user_id: Option<UserId>,
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// Do it. There is no undo.
    #[arg(long, requires = "who")]
    yes: bool,
    /// Don't wait until it is done.
    #[arg(long, requires = "who")]
    no_wait: bool,
}

impl Erase {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let line = Line::open(common, self.org.clone())?;
        block_on(self.run_over(&line))?
    }

    async fn run_over(self, line: &Line) -> Outcome {
        let user = self.subject.map(User::Subject);
        let Some(user) = user.or(self.user_id.map(|id| User::Id(id.to_field()))) else {
            return list(line).await;
        };
        if !self.yes {
            return fail("all they wrote goes, and nothing brings it back: say --yes to do it");
        }
        let user = Some(UserRef { user: Some(user) });
        let user = line.call::<EraseUser>(&EraseUserRequest { user }).await?.user;
        if self.no_wait {
            say!("{}: is being erased", id(&user));
            return Ok(());
        }
        let mut trouble = String::new();
        loop {
            let request = ListErasuresRequest { user: user.clone(), ..Default::default() };
            let found = line.call::<ListErasures>(&request).await?.erasures;
            match found.into_iter().next() {
                Some(erasure) if erasure.done_ms == 0 => {
                    if erasure.trouble != trouble {
                        eprintln!("{}", words(&erasure));
                        trouble = erasure.trouble;
                    }
                }
                Some(erasure) => {
                    say!("{}", words(&erasure));
                    return match erasure.damaged {
                        0 => Ok(()),
                        _ => {
                            fail("not all of it could be read: repair the store, and run it again")
                        }
                    };
                }
                None => return fail("the server knows nothing of it any more"),
            }
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    }
}

async fn list(line: &Line) -> Outcome {
    let mut request = ListErasuresRequest::default();
    loop {
        let page = line.call::<ListErasures>(&request).await?;
        page.erasures.iter().for_each(|erasure| say!("{}", words(erasure)));
        if page.next_page.is_empty() {
            return Ok(());
        }
        request.page = page.next_page;
    }
}

fn id(user: &Bytes) -> String {
    UserId::parse(user).map(|id| id.to_string()).unwrap_or_default()
}

fn words(erasure: &Erasure) -> String {
    let Erasure { user, done_ms, deleted, held, damaged, trouble, .. } = erasure;
    let state = if *done_ms == 0 { "is being erased" } else { "is erased" };
    let mut words = format!("{}: {state}, {deleted} messages deleted", id(user));
    if *held > 0 {
        words += &format!(", copies of {held} kept by a legal hold of their room");
    }
    if *damaged > 0 {
        words += &format!(", {damaged} records or rooms can't be read");
    }
    if *done_ms == 0 && !trouble.is_empty() {
        words += &format!("; tried again each minute, as {trouble}");
    }
    words
}

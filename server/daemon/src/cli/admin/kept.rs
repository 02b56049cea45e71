//! `parlour admin retention` and `parlour admin hold`: how long messages are kept, and what is held.

use clap::{ArgGroup, Args};
use parlour_protocol::{
    compliance::{
        HoldState, HoldTarget, ListLegalHoldsRequest, ListRetentionRequest, RetentionRule,
        SetLegalHoldRequest, SetRetentionRequest, hold_target::Of,
    },
    generated::rpc::{ListLegalHolds, ListRetention, SetLegalHold, SetRetention},
    ids::{RoomId, UserId},
    limits::{RETENTION_S_MAX, RETENTION_S_MIN},
    room::{UserRef, user_ref::User},
};

use super::{Common, Line, Outcome, block_on, fail};
use crate::cli::token::duration;

/// Show or set how long messages are kept. Older ones are deleted within a minute.
#[derive(Args)]
#[command(group = ArgGroup::new("rule").multiple(false))]
pub(in crate::cli) struct Retention {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// A room, by its id, instead of all rooms without a rule of their own.
    #[arg(long)]
    room: Option<RoomId>,
    /// Keep messages for so long, such as `90d` or `12h`.
    #[arg(long, value_name = "AGE", value_parser = age, group = "rule")]
    max_age: Option<u32>,
    /// Keep messages for ever, whatever the organization's rule is.
    #[arg(long, group = "rule")]
    forever: bool,
    /// Take the rule off.
    #[arg(long, group = "rule")]
    remove: bool,
}

impl Retention {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let line = Line::open(common, self.org.clone())?;
        block_on(self.run_over(&line))?
    }

    async fn run_over(self, line: &Line) -> Outcome {
        let rule = match (self.max_age, self.forever) {
            (Some(max_age_s), _) => Some(RetentionRule { max_age_s }),
            (None, true) => Some(RetentionRule { max_age_s: 0 }),
            (None, false) => None,
        };
        if rule.is_none() && !self.remove {
            return match self.room {
                Some(room) => show(line, room).await,
                None => list(line).await,
            };
        }
        let room = self.room.map(RoomId::to_field).unwrap_or_default();
        line.call::<SetRetention>(&SetRetentionRequest { room, rule }).await?;
        Ok(())
    }
}

/// The rule of one room.
async fn show(line: &Line, room: RoomId) -> Outcome {
    let mut request = ListRetentionRequest::default();
    loop {
        let page = line.call::<ListRetention>(&request).await?;
        if let Some(of) = page.rules.iter().find(|of| of.room == room.to_field()) {
            say!("{room}: {}", words(of.rule.unwrap_or_default()));
            return Ok(());
        }
        if page.next_page.is_empty() {
            return fail("the room has no rule of its own");
        }
        request.page = page.next_page;
    }
}

async fn list(line: &Line) -> Outcome {
    let mut request = ListRetentionRequest::default();
    loop {
        let page = line.call::<ListRetention>(&request).await?;
        for of in page.rules {
            let room = RoomId::parse(&of.room).map(|room| room.to_string());
            let room = room.unwrap_or_else(|_| "all other rooms".into());
            say!("{room}: {}", words(of.rule.unwrap_or_default()));
        }
        if page.next_page.is_empty() {
            return Ok(());
        }
        request.page = page.next_page;
    }
}

/// A rule in words.
pub(super) fn words(rule: RetentionRule) -> String {
    const UNITS: [(u32, &str); 3] = [(24 * 3600, "d"), (3600, "h"), (60, "m")];
    match rule.max_age_s {
        0 => "for ever".into(),
        s => match UNITS.iter().find(|(unit, _)| s.is_multiple_of(*unit)) {
            Some((unit, name)) => format!("{}{name}", s / unit),
            None => format!("{s}s"),
        },
    }
}

fn age(text: &str) -> Result<u32, String> {
    let seconds = duration(text)?.as_secs();
    let fits = u32::try_from(seconds).ok();
    let fits = fits.filter(|s| (RETENTION_S_MIN..=RETENTION_S_MAX).contains(s));
    fits.ok_or_else(|| "must be between 5s and 3650d".into())
}

/// Show or set legal holds: what is held stays stored, whoever deletes it.
#[derive(Args)]
#[command(group = ArgGroup::new("target").multiple(false))]
pub(in crate::cli) struct Hold {
    /// The `org` of the tokens.
    #[arg(long)]
    org: String,
    /// Hold everything of the organization.
    #[arg(long, group = "target")]
    everything: bool,
    /// Hold everything in a room, by its id.
    #[arg(long, group = "target")]
    room: Option<RoomId>,
    /// Hold everything that somebody wrote, by the token's `sub`.
    #[arg(long, group = "target", value_name = "SUBJECT")]
    user: Option<String>,
    /// The same, by their id.
    #[arg(long, group = "target", value_name = "ID")]
    user_id: Option<UserId>,
    /// Why, for the audit log. Needed where something is to be held.
    #[arg(long, requires = "target")]
    reason: Option<String>,
    /// End the hold; for a day from then on everything is still held.
    #[arg(long, requires = "target")]
    end: bool,
}

impl Hold {
    pub(super) fn run(self, common: &Common) -> Outcome {
        let line = Line::open(common, self.org.clone())?;
        block_on(self.run_over(&line))?
    }

    async fn run_over(self, line: &Line) -> Outcome {
        let user = self.user.map(User::Subject);
        let user = user.or(self.user_id.map(|id| User::Id(id.to_field())));
        let of = match (self.room, user, self.everything) {
            (Some(room), ..) => Of::Room(room.to_field()),
            (_, Some(user), _) => Of::User(UserRef { user: Some(user) }),
            (.., true) => Of::Organization(true),
            _ => return list_holds(line).await,
        };
        if !self.end && self.reason.is_none() {
            return fail("say why: --reason WHY, or --end to end the hold");
        }
        let target = Some(HoldTarget { of: Some(of) });
        let state = if self.end { HoldState::Ended } else { HoldState::Held } as i32;
        let reason = self.reason.unwrap_or_default();
        line.call::<SetLegalHold>(&SetLegalHoldRequest { target, state, reason }).await?;
        Ok(())
    }
}

async fn list_holds(line: &Line) -> Outcome {
    for hold in line.call::<ListLegalHolds>(&ListLegalHoldsRequest {}).await?.holds {
        let target = target_words(hold.target.as_ref());
        say!("{target} since {}: {}", hold.since_ms, hold.reason);
    }
    Ok(())
}

/// What is held, in words.
pub(super) fn target_words(target: Option<&HoldTarget>) -> String {
    match target.and_then(|target| target.of.as_ref()) {
        Some(Of::Room(room)) => {
            format!("room {}", RoomId::parse(room).map(|id| id.to_string()).unwrap_or_default())
        }
        Some(Of::User(user)) => match &user.user {
            Some(User::Id(id)) => {
                format!("user {}", UserId::parse(id).map(|id| id.to_string()).unwrap_or_default())
            }
            Some(User::Subject(subject)) => format!("user {subject}"),
            None => "nobody".into(),
        },
        Some(Of::Organization(_)) => "everything".into(),
        None => "nothing".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_with_their_unit_and_written_with_the_largest() {
        for (text, s, shown) in [("90d", 7_776_000, "90d"), ("24h", 86_400, "1d"), ("5s", 5, "5s")]
        {
            assert_eq!(age(text), Ok(s));
            assert_eq!(words(RetentionRule { max_age_s: s }), shown);
        }
    }
}

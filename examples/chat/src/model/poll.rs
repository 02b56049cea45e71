//! Polls in the open room: asked, shown and voted in by number.

use parlour::{NewPoll, Poll, RoomId};

use super::{Effect, Model, entry::Entry};
use crate::layout::{Piece, Role};

/// Most blocks of an option's bar.
const BAR_MAX: u64 = 12;

/// What `/poll` asks: options after the question, and before it how it is asked.
pub(crate) fn parse(mut words: Vec<String>) -> Option<NewPoll> {
    let (mut is_anonymous, mut is_several) = (false, false);
    while let Some(word) = words.first() {
        match word.as_str() {
            "anonymous" => is_anonymous = true,
            "several" => is_several = true,
            _ => break,
        }
        words.remove(0);
    }
    if words.len() < 3 {
        return None;
    }
    let question = words.remove(0);
    let poll = NewPoll::new(question, words);
    let max_choices = if is_several { poll.options.len() as u32 } else { 1 };
    Some(NewPoll { is_anonymous, max_choices, ..poll })
}

/// Options by their numbers, from 1.
pub(crate) fn parse_vote(words: &[String]) -> Option<Vec<u32>> {
    words.iter().map(|word| word.parse::<u32>().ok()?.checked_sub(1)).collect()
}

/// A poll in rows: the question, then each option with what was chosen.
pub(crate) fn pieces(poll: &Poll, now_ms: u64) -> Vec<Piece> {
    let mut pieces = vec![(format!("▣ {}", poll.asked.question), Role::Mention)];
    if poll.asked.is_anonymous {
        pieces.push((" · anonymous".to_owned(), Role::Faint));
    }
    if poll.is_over(now_ms) {
        pieces.push((" · closed".to_owned(), Role::Faint));
    }
    for (at, option) in poll.asked.options.iter().enumerate() {
        let emoji = option.emoji.as_ref().map_or(String::new(), |emoji| format!("{emoji} "));
        let is_own = poll.own.contains(&(at as u32));
        let mark = if is_own { "●" } else { "○" };
        let role = if is_own { Role::Mention } else { Role::Text };
        pieces.push((format!("\n{mark} {} {emoji}{}", at + 1, option.text), role));
        let Some(tally) = &poll.tally else { continue };
        let votes = tally.votes.get(at).copied().unwrap_or(0);
        let blocks = (votes * BAR_MAX).checked_div(tally.voters).unwrap_or(0).min(BAR_MAX);
        let bar = "▇".repeat(blocks as usize);
        pieces.push((format!("  {bar} {votes}"), Role::Faint));
    }
    pieces
}

impl Model {
    pub(super) fn ask(&mut self, room: RoomId, poll: NewPoll) -> Vec<Effect> {
        let thread = self.open.as_ref().and_then(|open| open.thread);
        vec![Effect::Ask { room, poll, thread }]
    }

    pub(super) fn vote(&mut self, room: RoomId, choices: Vec<u32>) -> Vec<Effect> {
        match self.last_poll() {
            Some(seq) => vec![Effect::Vote { room, seq, choices }],
            None => self.no_poll(),
        }
    }

    pub(super) fn close_poll(&mut self, room: RoomId) -> Vec<Effect> {
        match self.last_poll() {
            Some(seq) => vec![Effect::ClosePoll { room, seq }],
            None => self.no_poll(),
        }
    }

    fn last_poll(&self) -> Option<u64> {
        self.last_of(|entry: &Entry, _| entry.said().is_some_and(|said| said.poll.is_some()))
    }

    fn no_poll(&mut self) -> Vec<Effect> {
        self.tell("nothing is asked here");
        Vec::new()
    }
}

#[cfg(test)]
#[path = "poll_tests.rs"]
mod tests;

//! Polls: votes, their end, who has chosen what.

use bytes::Bytes;
use parlour_protocol::{generated::rpc, ids::UserId, poll::ListVotersRequest};
use parlour_sdk_core::outbox::Payload;
pub use parlour_sdk_core::polls::{NewPoll, Poll, PollOption, Tally};

use crate::{
    Room,
    error::{CallError, QueueError},
};

/// Somebody who has voted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Who.
    pub user: UserId,
    /// What they have chosen, by places from 0, ascending; never nothing.
    pub choices: Vec<u32>,
}

impl Room {
    /// Chooses options of the poll of the message at `seq`, by places from 0, in the place of what the
    /// user had chosen; none takes the vote back. It shows at once, and is sent when there is a
    /// connection.
    ///
    /// # Errors
    /// When the server refuses: `POLL_CLOSED`, `MESSAGE_NOT_FOUND`, `NOT_ALLOWED`, `INVALID_FIELD` for
    /// what can't be chosen.
    pub async fn vote(
        &self,
        seq: u64,
        choices: impl IntoIterator<Item = u32>,
    ) -> Result<(), QueueError> {
        let choices = choices.into_iter().collect();
        self.put(Payload::Vote { target_seq: seq, choices }).await?.sent().await.map(drop)
    }

    /// Ends the poll of the message at `seq`: the user's own, or any for whoever moderates the room.
    ///
    /// # Errors
    /// When the server refuses: `MESSAGE_NOT_FOUND`, `NOT_ALLOWED`.
    pub async fn close_poll(&self, seq: u64) -> Result<(), QueueError> {
        self.put(Payload::ClosePoll { target_seq: seq }).await?.sent().await.map(drop)
    }

    /// Who has chosen what in the poll of the message at `seq`, as the server has it.
    ///
    /// # Errors
    /// `POLL_ANONYMOUS` where nobody is told; when the server refuses otherwise or the client is gone.
    pub async fn voters(&self, seq: u64) -> Result<Vec<Voter>, CallError> {
        let (mut voters, mut page) = (Vec::new(), Bytes::new());
        loop {
            let room = self.id().to_field();
            let request = ListVotersRequest { room, target_seq: seq, page, page_size: 500 };
            let answer = self.handle().call::<rpc::ListVoters>(request).await?;
            voters.extend(answer.voters.into_iter().filter_map(|voter| {
                let user = UserId::parse(&voter.user).ok()?;
                Some(Voter { user, choices: voter.choices })
            }));
            page = answer.next_page;
            if page.is_empty() {
                return Ok(voters);
            }
        }
    }
}

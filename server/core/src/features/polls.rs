//! Polls: votes, their end, and who has chosen what.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, PollService},
    ids::{RoomId, UserId},
    limits::{POLLS_PER_CALL_MAX, VOTER_PAGE_MAX},
    poll::{
        ClosePollRequest, ClosePollResponse, GetPollsRequest, GetPollsResponse, ListVotersRequest,
        ListVotersResponse, PollClosed, PollVoteCast, PollVoted, VoteRequest, VoteResponse, Voter,
    },
    wire::{Error, ErrorReason, EventHeader},
};
use prost::Message;

use crate::{
    draft::{Draft, EffectsOf, NewEvent, RoomDraft, not_allowed, store_error},
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit},
    limits::SCAN_ROWS,
    messages::{own_ref, sent_before, target},
    polls::{
        Choices, PollCell, PollChange, PollDraft, Vote, VoteRow, last_vote, poll_closed,
        poll_state, vote_key,
    },
    ports::store::{Put, Scan},
    records::{Effect, key, room_seq},
    rooms::RoomCell,
    tables::Table,
};

impl PollService<ServerKit> for Features {
    async fn get_polls(
        &self,
        ctx: &mut Ctx,
        request: GetPollsRequest,
    ) -> Result<Answer<GetPollsResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        if !(1..=POLLS_PER_CALL_MAX).contains(&request.target_seqs.len()) {
            return Err(Error::invalid("target_seqs", "are none or more than 100"));
        }
        let as_of_seq = cell.head().seq;
        let mut polls = Vec::with_capacity(request.target_seqs.len());
        for seq in request.target_seqs {
            polls.extend(poll_state(ctx, cell.id, seq).await?);
        }
        Ok(Answer::Now(GetPollsResponse { polls, as_of_seq }))
    }

    async fn vote(
        &self,
        ctx: &mut Ctx,
        request: VoteRequest,
    ) -> Result<Answer<VoteResponse>, Error> {
        let VoteRequest { room, client_ref, target_seq, choices } = request;
        let cell = ctx.open_room(&room).await?;
        let client_ref = own_ref(ctx, &client_ref)?;
        let kind = PollVoted::RULE.kind;
        let places: Vec<u8> = choices.iter().flat_map(|place| place.to_be_bytes()).collect();
        let print = fingerprint(kind, &[&target_seq.to_be_bytes(), &places]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(VoteResponse { seq, at_ms, deduplicated: true }));
        }
        let guard = match choices.is_empty() {
            false => ctx.check(&cell, Permission::React).await?,
            // One's own vote is taken back whatever else one may do.
            true => ctx.check_all(&cell, &[]).await?,
        };
        let (message, poll) = poll_of(ctx, &cell, target_seq).await?;
        let state = poll.state();
        let now = Choices::parse(&choices, &state)?;
        if state.is_over(ctx.now.unix_ms) {
            return Err(poll_closed());
        }
        let (number, last) = last_vote(ctx.store(), cell.id, target_seq, ctx.user()).await?;
        let before = last.choices();
        // In a chain, what was said before may not be committed yet: rather once too often than not.
        if before == now && !ctx.is_chained {
            return Ok(Answer::Now(VoteResponse::default()));
        }
        let body = PollVoted { choices: now.places(), before: before.places() };
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            target_seq,
            thread_root_seq: message.thread_root_seq,
            is_anonymous: state.is_anonymous,
            ..NewEvent::new(ctx.user(), kind, body.encode_to_vec().into())
        };
        let (room, voter) = (cell.id, ctx.user());
        let mut draft = RoomDraft::new(cell, guard, event);
        draft.absent.push((Table::DELETED, room_seq(room, target_seq)));
        let row = |number| vote_key(room, target_seq, voter, number);
        draft.absent.push((Table::POLL_VOTES, row(number + 1)));
        if number > 0 {
            // The row stays, so that nothing that was decided on an older one is committed.
            let (key, value) = (row(number), Some(Bytes::new()));
            draft.puts.push(Put { table: Table::POLL_VOTES, key, value });
        }
        draft.effects = state.is_anonymous.then(|| cast(room, target_seq, voter, now));
        let change = PollChange::Vote(Vote { voter, number: number + 1, before, now });
        draft.poll = Some(PollDraft { cell: poll, change });
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| VoteResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn close_poll(
        &self,
        ctx: &mut Ctx,
        request: ClosePollRequest,
    ) -> Result<Answer<ClosePollResponse>, Error> {
        let ClosePollRequest { room, client_ref, target_seq } = request;
        let cell = ctx.open_room(&room).await?;
        let client_ref = own_ref(ctx, &client_ref)?;
        let kind = PollClosed::RULE.kind;
        let print = fingerprint(kind, &[&target_seq.to_be_bytes()]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(ClosePollResponse { seq, at_ms, deduplicated: true }));
        }
        let (message, poll) = poll_of(ctx, &cell, target_seq).await?;
        // Between two of whom one has blocked the other, even one's own poll stays as it is.
        if ctx.is_peer_apart(&cell).await? {
            return Err(not_allowed());
        }
        let guard = match message.sender == ctx.user().as_bytes()[..] {
            true => ctx.check_all(&cell, &[]).await?,
            false => ctx.check(&cell, Permission::Moderate).await?,
        };
        // It is never opened again, so nothing that is under way changes that.
        if poll.state().closed_seq > 0 {
            return Ok(Answer::Now(ClosePollResponse::default()));
        }
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            target_seq,
            thread_root_seq: message.thread_root_seq,
            ..NewEvent::new(ctx.user(), kind, Bytes::new())
        };
        let room = cell.id;
        let mut draft = RoomDraft::new(cell, guard, event);
        draft.absent.push((Table::DELETED, room_seq(room, target_seq)));
        draft.poll = Some(PollDraft { cell: poll, change: PollChange::Close });
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| ClosePollResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn list_voters(
        &self,
        ctx: &mut Ctx,
        request: ListVotersRequest,
    ) -> Result<Answer<ListVotersResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= VOTER_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 500")),
        };
        let (_, poll) = poll_of(ctx, &cell, request.target_seq).await?;
        if poll.state().is_anonymous {
            let what = "nobody is told who has chosen what";
            return Err(Error::new(ErrorReason::PollAnonymous, what));
        }
        let prefix = room_seq(cell.id, request.target_seq);
        let mut scan = Scan::prefix(Table::POLL_VOTES, prefix.clone(), SCAN_ROWS);
        match request.page.len() {
            0 => {}
            24 => scan.from = key(&[&prefix, &request.page, &[0]]),
            _ => return Err(Error::invalid("page", "is not from an answer")),
        }
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        Ok(Answer::Now(voters(&rows, prefix.len(), size)))
    }
}

/// The votes that count among some rows.
fn voters(rows: &[(Bytes, Bytes)], prefix_len: usize, size: usize) -> ListVotersResponse {
    let mut answer = ListVotersResponse::default();
    for (at, (row, value)) in rows.iter().enumerate() {
        // One that can't be read doesn't hide the others.
        let vote = VoteRow::decode(value.clone()).unwrap_or_default();
        let user = row.get(prefix_len..prefix_len + 16).and_then(|id| UserId::parse(id).ok());
        if let Some(user) = user.filter(|_| !vote.choices().is_empty()) {
            let choices = vote.choices().places();
            answer.voters.push(Voter { user: user.to_field(), choices });
        }
        let is_last = at + 1 == rows.len();
        if answer.voters.len() == size && !is_last || is_last && rows.len() == SCAN_ROWS {
            answer.next_page = row.slice(prefix_len..);
            return answer;
        }
    }
    answer
}

/// The poll that a request names, and its message, which isn't deleted.
async fn poll_of(
    ctx: &Ctx,
    cell: &RoomCell,
    target_seq: u64,
) -> Result<(EventHeader, Arc<PollCell>), Error> {
    let message = target(ctx, cell, target_seq).await?;
    let poll = ctx.node.polls.get(ctx.store(), cell.id, target_seq).await.map_err(store_error)?;
    let poll = poll.ok_or_else(|| Error::invalid("target_seq", "asks nothing"))?;
    Ok((message, poll))
}

/// The voter's other devices hear of it by themselves, where the vote doesn't say whose it is.
fn cast(room: RoomId, target_seq: u64, voter: UserId, now: Choices) -> EffectsOf {
    Arc::new(move |place| {
        let (room, choices) = (room.to_field(), now.places());
        let body = PollVoteCast { room, target_seq, choices, seq: place.seq };
        vec![Effect {
            users: vec![voter.to_field()],
            kind: PollVoteCast::RULE.kind,
            body: body.encode_to_vec().into(),
            rows: vec![],
            gains_room: false,
        }]
    })
}

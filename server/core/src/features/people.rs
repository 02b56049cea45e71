//! People: who is in the organization, and of whom somebody wants to hear nothing.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::PeopleService,
    ids::UserId,
    limits::{BLOCKED_MAX, PEOPLE_PAGE_MAX, PEOPLE_QUERY_BYTES_MAX},
    people::{
        BlockChanged, BlockUserRequest, BlockUserResponse, ListBlockedRequest, ListBlockedResponse,
        ListPeopleRequest, ListPeopleResponse, UnblockUserRequest, UnblockUserResponse,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    blocks::stored,
    draft::{Basis, Draft, SettledDraft, UserDraft, not_allowed, store_error},
    groups::resolve,
    introduction::is_guest,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::ANSWER_BYTES,
    people::Place,
    ports::store::Put,
    records::key,
    tables::Table,
    users::UserCell,
};

impl PeopleService<ServerKit> for Features {
    async fn list_people(
        &self,
        ctx: &mut Ctx,
        request: ListPeopleRequest,
    ) -> Result<Answer<ListPeopleResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 50,
            n if n <= PEOPLE_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 200")),
        };
        if request.query.len() > PEOPLE_QUERY_BYTES_MAX {
            return Err(Error::invalid("query", "is over 200 bytes"));
        }
        let after = match &request.page[..] {
            [] => None,
            page => Some(place(page).ok_or_else(|| Error::invalid("page", "is not of an answer"))?),
        };
        if ctx.directory().await?.read(|directory| is_guest(directory, &ctx.caller)) {
            return Err(not_allowed());
        }
        let people = ctx.node.people.get(ctx.store(), ctx.caller.org).await.map_err(store_error)?;
        let found = people.find(&request.query, after.clone(), size);
        let (mut users, mut bytes) = (Vec::with_capacity(found.users.len()), 0);
        let (mut last, mut next) = (after, found.next);
        for at in found.users {
            let row = ctx.user_row(at.1).await?.filter(|row| !row.deactivated);
            let user = row.map(|row| row.view(at.1));
            bytes += user.as_ref().map_or(0, Message::encoded_len) + 4;
            if bytes > ANSWER_BYTES {
                next = last;
                break;
            }
            users.extend(user);
            last = Some(at);
        }
        let next_page = next.map(|(word, user)| key(&[user.as_bytes(), word.as_bytes()]));
        let next_page = next_page.unwrap_or_default();
        Ok(Answer::Now(ListPeopleResponse { users, next_page }))
    }

    async fn block_user(
        &self,
        ctx: &mut Ctx,
        request: BlockUserRequest,
    ) -> Result<Answer<BlockUserResponse>, Error> {
        let user = resolve(ctx, "user", request.user.as_ref()).await?;
        if user == ctx.user() {
            return Err(Error::invalid("user", "is the caller"));
        }
        let log = ctx.user_log().await?;
        let version = log.version();
        let blocked = stored(ctx.store(), ctx.user()).await.map_err(store_error)?;
        if blocked.contains(&user) {
            return Ok(settled(log, version, None));
        }
        if blocked.len() >= BLOCKED_MAX {
            let error = Error::new(ErrorReason::TooManyBlocked, "1,000 users are blocked");
            return Ok(settled(log, version, Some(error)));
        }
        let draft = change(&log, user, true).at(version);
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| BlockUserResponse {}))
    }

    async fn unblock_user(
        &self,
        ctx: &mut Ctx,
        request: UnblockUserRequest,
    ) -> Result<Answer<UnblockUserResponse>, Error> {
        let user = id_field("user", UserId::parse(&request.user))?;
        let log = ctx.user_log().await?;
        let version = log.version();
        if !stored(ctx.store(), ctx.user()).await.map_err(store_error)?.contains(&user) {
            return Ok(settled(log, version, None));
        }
        let draft = change(&log, user, false).at(version);
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| UnblockUserResponse {}))
    }

    async fn list_blocked(
        &self,
        ctx: &mut Ctx,
        _request: ListBlockedRequest,
    ) -> Result<Answer<ListBlockedResponse>, Error> {
        // The log's end first: what is changed between comes as an event again.
        let as_of_seq = ctx.user_log().await?.head().seq;
        let blocked = stored(ctx.store(), ctx.user()).await.map_err(store_error)?;
        let users = blocked.iter().map(|user| user.to_field()).collect();
        Ok(Answer::Now(ListBlockedResponse { users, as_of_seq }))
    }
}

fn place(page: &[u8]) -> Option<Place> {
    let (user, word) = page.split_at_checked(16)?;
    let word = std::str::from_utf8(word).ok()?;
    Some((word.into(), UserId::parse(user).ok()?))
}

fn change(log: &Arc<UserCell>, user: UserId, blocked: bool) -> UserDraft {
    let row = key(&[log.id.as_bytes(), user.as_bytes()]);
    let put = Put { table: Table::BLOCKS, key: row, value: blocked.then(Bytes::new) };
    UserDraft::of(log, &BlockChanged { user: user.to_field(), blocked }, vec![put])
}

/// An answer that needs no commit, in its turn.
fn settled<R>(log: Arc<UserCell>, version: u64, error: Option<Error>) -> Answer<R>
where
    R: Message + Default + 'static,
{
    let draft = SettledDraft { basis: Basis::User(log, version), error };
    Answer::commit(Draft::Settled(Box::new(draft)), |_| R::default())
}

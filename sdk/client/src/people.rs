//! Who is in the organization, and of whom the user wants to hear nothing.

use std::{
    collections::BTreeSet,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use parlour_protocol::{
    generated::rpc,
    ids::UserId,
    people::{BlockUserRequest, ListPeopleRequest, UnblockUserRequest},
    user::GetUsersRequest,
};

use crate::{
    User,
    client::Who,
    driver::Command,
    error::CallError,
    handle::{Gone, Handle},
    observe::Feed,
};

/// The people and programs of the organization. Cheap to clone; it doesn't keep the client alive.
///
/// Whoever is blocked can neither write to the user directly nor bring them into groups, doesn't see
/// their presence, and neither mentions nor notifies them. What they say in shared groups is still in
/// those rooms' timelines: an app that hides it asks [`People::blocked`].
#[derive(Clone, Debug)]
pub struct People {
    handle: Handle,
}

/// Some of those who were found.
#[derive(Clone, Debug)]
pub struct PeoplePage {
    /// Who. May be empty although there are more.
    pub users: Vec<User>,
    /// Where [`People::more`] goes on; `None` at the end.
    pub next: Option<PeopleCursor>,
}

/// A place in a list of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleCursor {
    query: String,
    page: Bytes,
}

impl People {
    pub(crate) fn new(handle: Handle) -> Self {
        People { handle }
    }

    /// Those of whom each word of the query begins a word of their name, their handle or their subject;
    /// everyone for an empty query. At most 50, with where to go on. Needs a connection.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for guests, `INVALID_FIELD` for over 200 bytes; otherwise when the client is gone.
    pub async fn search(&self, query: &str) -> Result<PeoplePage, CallError> {
        self.page(PeopleCursor { query: query.to_owned(), page: Bytes::new() }).await
    }

    /// The next page.
    ///
    /// # Errors
    /// As [`People::search`].
    pub async fn more(&self, from: PeopleCursor) -> Result<PeoplePage, CallError> {
        self.page(from).await
    }

    async fn page(
        &self,
        PeopleCursor { query, page }: PeopleCursor,
    ) -> Result<PeoplePage, CallError> {
        let request = ListPeopleRequest { query: query.clone(), page, page_size: 0 };
        let answer = self.handle.call::<rpc::ListPeople>(request).await?;
        let users = self.handle.learn_users(answer.users);
        let page = answer.next_page;
        let next = (!page.is_empty()).then_some(PeopleCursor { query, page });
        Ok(PeoplePage { users, next })
    }

    /// Somebody as they are now: what [`Client::users`](crate::Client::users) says may be from before.
    /// `None` for who isn't known.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn card(&self, user: UserId) -> Result<Option<User>, CallError> {
        let request = GetUsersRequest { users: vec![user.to_field()], ..Default::default() };
        let answer = self.handle.call::<rpc::GetUsers>(request).await?;
        Ok(self.handle.learn_users(answer.users).into_iter().next())
    }

    /// Users of whom this client knew something and who have another name, picture or anything else now.
    /// Those whose presence is [watched](crate::presence::Presence::watch) come at once, others when they
    /// are asked for again. An observer that is 1,000 behind misses the first.
    pub fn changes(&self) -> UserChanges {
        UserChanges(self.handle.observe_users())
    }

    /// Blocks somebody, on all the user's devices. Does nothing where they are blocked already.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`, `TOO_MANY_BLOCKED` (1,000); otherwise when the client is gone.
    pub async fn block(&self, who: impl Into<Who>) -> Result<(), CallError> {
        let request = BlockUserRequest { user: Some(who.into().to_ref()) };
        self.handle.call::<rpc::BlockUser>(request).await.map(drop)
    }

    /// Unblocks somebody. Does nothing where they aren't blocked.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn unblock(&self, user: UserId) -> Result<(), CallError> {
        let request = UnblockUserRequest { user: user.to_field() };
        self.handle.call::<rpc::UnblockUser>(request).await.map(drop)
    }

    /// Who is blocked, as far as this device knows: also without a connection.
    /// [`OwnChange::Blocked`](crate::OwnChange::Blocked) tells of changes.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn blocked(&self) -> Result<BTreeSet<UserId>, CallError> {
        self.handle.ask(Command::Blocked).await.map_err(|Gone| CallError::Closed)
    }
}

/// Changed users as they come, each as they are now. See [`People::changes`].
#[derive(Debug)]
pub struct UserChanges(Feed<User>);

impl Stream for UserChanges {
    type Item = User;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<User>> {
        Pin::new(&mut self.get_mut().0).poll_next(cx)
    }
}

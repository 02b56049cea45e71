//! What the server brings to the generated service traits: context, answers, sinks.

use std::{marker::PhantomData, sync::Arc};

use bytes::{Bytes, BytesMut};
use parlour_protocol::{
    access::Permission,
    event,
    generated::{EventMessage, Kit},
    ids::{IdError, RoomId, UserId},
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    access::Bits,
    directory::DirectoryCell,
    draft::{
        AnswerOf, Committed, Draft, Guard, UserDraft, not_allowed, room_archived, room_not_found,
        store_error,
    },
    node::{Caller, Node},
    ports::{Task, clock::Now, store::Store},
    records::UserRow,
    rooms::RoomCell,
    users::UserCell,
};

/// The server's side of the generated traits.
#[derive(Debug)]
pub struct ServerKit;

/// All features: each file in `features/` implements its service for it.
#[derive(Debug)]
pub struct Features;

/// What a handler may read.
pub struct Ctx {
    /// What all connections share.
    pub node: Arc<Node>,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// When.
    pub now: Now,
    /// How often this call's draft was refused because something had changed.
    pub reruns: u32,
    /// Whether it stands in a chain: what was asked for before it may not be committed yet.
    pub is_chained: bool,
}

impl Ctx {
    /// The caller's id.
    pub fn user(&self) -> UserId {
        self.caller.user
    }

    /// Logs and tables, for reading.
    pub fn store(&self) -> &dyn Store {
        &*self.node.store
    }

    /// The room a request names, if the caller is in it; otherwise it doesn't exist for them.
    pub async fn room(&self, field: &[u8]) -> Result<Arc<RoomCell>, Error> {
        let id = id_field("room", RoomId::parse(field))?;
        let cell = self.node.room(self.caller.org, id).await.map_err(store_error)?;
        cell.filter(|cell| cell.is_member(self.user())).ok_or_else(room_not_found)
    }

    /// The same, if new things can be written there.
    pub async fn open_room(&self, field: &[u8]) -> Result<Arc<RoomCell>, Error> {
        let cell = self.room(field).await?;
        if cell.read(|state| state.archived) { Err(room_archived()) } else { Ok(cell) }
    }

    /// What the caller may do in a room they are in, and the version of the room that is true of.
    pub async fn permissions(&self, cell: &RoomCell) -> Result<(Bits, u64), Error> {
        let directory = self.directory().await?;
        // The version first: if anything changes afterwards, the hub looks again.
        let version = cell.read(|room| room.version);
        let bits = directory.permissions(cell, self.user());
        Ok((self.between_two(cell, bits).await?, version))
    }

    /// Refuses a caller who may not do that; otherwise what the draft is guarded by.
    pub async fn check(&self, cell: &RoomCell, permission: Permission) -> Result<Guard, Error> {
        self.check_all(cell, &[permission]).await
    }

    /// The same for several permissions at once.
    pub async fn check_all(
        &self,
        cell: &RoomCell,
        permissions: &[Permission],
    ) -> Result<Guard, Error> {
        let (bits, version) = self.permissions(cell).await?;
        let needs = Bits::of(permissions);
        if !bits.has_all(needs) {
            return Err(not_allowed());
        }
        Ok(Guard::Sender { user: self.user(), version, needs })
    }

    /// The directory of the caller's organization.
    pub async fn directory(&self) -> Result<Arc<DirectoryCell>, Error> {
        self.node.directory(self.caller.org).await.map_err(store_error)
    }

    /// What is recorded of a user of the caller's organization.
    pub async fn user_row(&self, user: UserId) -> Result<Option<UserRow>, Error> {
        self.node.user_row(self.caller.org, user).await.map_err(store_error)
    }

    /// An event of the caller's own log.
    pub async fn own_draft<M: EventMessage>(&self, body: &M) -> Result<UserDraft, Error> {
        let log = self.user_log().await?;
        Ok(UserDraft::new(log, M::RULE.kind, body.encode_to_vec().into()))
    }

    /// The caller's own log.
    pub async fn user_log(&self) -> Result<Arc<UserCell>, Error> {
        self.node.users.get(self.store(), self.user()).await.map_err(store_error)
    }
}

/// An id out of a field of a request.
pub fn id_field<T>(field: &str, id: Result<T, IdError>) -> Result<T, Error> {
    id.map_err(|error| Error::invalid(field, error.to_string()))
}

/// A handler's answer.
pub enum Answer<R> {
    /// At once.
    Now(R),
    /// Once the draft is committed.
    Commit(Draft, Box<dyn FnOnce(&Committed) -> R + Send>),
}

impl<R> Answer<R> {
    /// An answer that waits for a draft.
    pub fn commit(draft: Draft, answer: impl FnOnce(&Committed) -> R + Send + 'static) -> Self {
        Answer::Commit(draft, Box::new(answer))
    }
}

/// An answer with its type forgotten.
pub enum RawReply {
    /// At once.
    Now(Bytes),
    /// Once the draft is committed.
    Commit(Draft, AnswerOf),
}

/// Why an item couldn't be put into a sink: nobody listens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkClosed;

/// Where the items of a bulk answer go. Sending waits until there is room.
pub trait ItemSink: Send {
    /// Sends one encoded response message.
    fn send(&mut self, item: Bytes) -> Task<'_, Result<(), SinkClosed>>;
}

/// A sink that knows its type.
pub struct Sink<R> {
    raw: Box<dyn ItemSink>,
    item: PhantomData<fn(R)>,
}

impl<R: Message> Sink<R> {
    /// Sends one item.
    pub async fn send(&mut self, item: &R) -> Result<(), Error> {
        self.send_raw(item.encode_to_vec().into()).await
    }

    /// Sends one item that carries stored events in its field `tag`, as the bytes they are.
    pub async fn send_with_events(
        &mut self,
        tag: u32,
        events: &[Bytes],
        rest: &R,
    ) -> Result<(), Error> {
        let mut out = BytesMut::new();
        event::put_events(tag, events, &mut out);
        out.reserve(rest.encoded_len());
        rest.encode(&mut out).expect("BytesMut grows");
        self.send_raw(out.freeze()).await
    }

    /// Sends one item that is encoded already.
    pub async fn send_raw(&mut self, item: Bytes) -> Result<(), Error> {
        let closed = |SinkClosed| Error::new(ErrorReason::Internal, "nobody listens");
        self.raw.send(item).await.map_err(closed)
    }
}

impl Kit for ServerKit {
    type Context = Ctx;
    type Answer<R: Message + Default + Send + 'static> = Answer<R>;
    type Reply = RawReply;
    type Sink<R: Message + Default + Send + 'static> = Sink<R>;
    type RawSink = Box<dyn ItemSink>;
    type Error = Error;

    fn reply<R: Message + Default + Send + 'static>(answer: Answer<R>) -> RawReply {
        match answer {
            Answer::Now(response) => RawReply::Now(response.encode_to_vec().into()),
            Answer::Commit(draft, answer) => RawReply::Commit(
                draft,
                Box::new(move |committed| answer(committed).encode_to_vec().into()),
            ),
        }
    }

    fn sink<R: Message + Default + Send + 'static>(raw: Box<dyn ItemSink>) -> Sink<R> {
        Sink { raw, item: PhantomData }
    }

    fn malformed() -> Error {
        Error::new(ErrorReason::MalformedRequest, "the request is not a valid message")
    }

    fn unknown_method() -> Error {
        Error::new(ErrorReason::UnknownMethod, "no such method on this lane")
    }
}

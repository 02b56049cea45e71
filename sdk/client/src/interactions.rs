//! Interactions: commands that programs take, and what is pressed and chosen in their messages.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
pub use parlour_protocol::interaction::{
    Button, ButtonStyle, Command, Component, ComponentRow, Components, Select, SelectOption,
    component::Kind,
};
use parlour_protocol::{
    generated::rpc,
    ids::{RoomId, UserId},
    interaction::{
        InvokeCommandRequest, ListCommandsRequest, RespondToRequest, SetCommandsRequest,
        UseComponentRequest,
    },
    message::{EditRequest, MessageEdited, MessagePosted},
    prost::Message as _,
};
use parlour_sdk_core::engine::Interaction as Noticed;

use crate::{
    Client, ClientRef, Room, driver::Command as Asked, error::CallError, handle::Gone,
    observe::Feed,
};

/// What somebody wants of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// Where.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// What.
    pub what: Wanted,
    token: bytes::Bytes,
}

/// What somebody wants of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// They gave one of its commands.
    Command {
        /// Its name.
        name: String,
        /// What followed it.
        text: String,
        /// The thread it was given in.
        thread_root: Option<u64>,
    },
    /// They pressed a button of one of its messages, or chose something there.
    Component {
        /// The message, by its number in the log.
        seq: u64,
        /// Which component.
        id: String,
        /// What was chosen.
        values: Vec<String>,
    },
}

/// What a program answers so that only the user sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Where.
    pub room: RoomId,
    /// The program.
    pub program: UserId,
    /// What was begun: the id that [`Client::invoke`] or [`Client::use_component`] gave.
    pub begun: ClientRef,
    /// What it says.
    pub text: String,
    /// What it offers. Nobody is told what is used there: it stands in no log.
    pub components: Components,
}

/// A program in a room, and what it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramCommands {
    /// The program.
    pub program: UserId,
    /// Its commands.
    pub commands: Vec<Command>,
}

/// Interactions as they come, while somebody listens. What came in an absence comes with the next
/// synchronization, also when it is too late to answer it alone: listen before, right after `connect`.
/// What nobody listened to stands in the user's own log and isn't given again.
#[derive(Debug)]
pub struct Interactions(Feed<Noticed>);

/// Responses as they come. Those that nobody listens to are gone.
#[derive(Debug)]
pub struct Responses(Feed<Noticed>);

impl Stream for Interactions {
    type Item = Interaction;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Interaction>> {
        let feed = &mut self.get_mut().0;
        loop {
            let Some(noticed) = ready!(Pin::new(&mut *feed).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(interaction) = wanted(noticed) {
                return Poll::Ready(Some(interaction));
            }
        }
    }
}

impl Stream for Responses {
    type Item = Response;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Response>> {
        let feed = &mut self.get_mut().0;
        loop {
            let Some(noticed) = ready!(Pin::new(&mut *feed).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(response) = response(noticed) {
                return Poll::Ready(Some(response));
            }
        }
    }
}

impl Client {
    /// Replaces the commands that this program takes.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for who is neither a program with an account nor has the scope `commands`,
    /// `INVALID_FIELD`; or when the client is gone.
    pub async fn set_commands(
        &self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Result<(), CallError> {
        let request = SetCommandsRequest { commands: commands.into_iter().collect() };
        self.call::<rpc::SetCommands>(request).await.map(drop)
    }

    /// What others want of this program, from now on.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn interactions(&self) -> Result<Interactions, CallError> {
        let feed = self.inner.handle.ask(Asked::Interactions).await;
        Ok(Interactions(feed.map_err(|Gone| CallError::Closed)?))
    }

    /// What programs answer so that only the user sees it, from now on.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn responses(&self) -> Result<Responses, CallError> {
        let feed = self.inner.handle.ask(Asked::Interactions).await;
        Ok(Responses(feed.map_err(|Gone| CallError::Closed)?))
    }

    /// Answers so that only whoever began it sees it, within 15 minutes and as often as it takes.
    ///
    /// # Errors
    /// `INTERACTION_OVER` after that, `ROOM_NOT_FOUND` where the program isn't in the room any more,
    /// `INVALID_FIELD`, `BODY_TOO_LARGE` over 8 KiB; or when the client is gone.
    pub async fn respond(
        &self,
        to: &Interaction,
        text: &str,
        components: Option<Components>,
    ) -> Result<(), CallError> {
        let posted = MessagePosted { text: text.to_owned(), components, ..Default::default() };
        let (token, body) = (to.token.clone(), posted.encode_to_vec().into());
        self.call::<rpc::RespondTo>(RespondToRequest { token, body }).await.map(drop)
    }

    /// Gives a command to a program of a room; answers with the id that responses name.
    ///
    /// # Errors
    /// `COMMAND_NOT_FOUND`, `NOT_ALLOWED`; or when the client is gone, and then it may have been given.
    pub async fn invoke(
        &self,
        room: RoomId,
        program: UserId,
        command: &str,
        text: &str,
    ) -> Result<ClientRef, CallError> {
        let begun = self.new_ref();
        let request = InvokeCommandRequest {
            room: room.to_field(),
            client_ref: begun.to_field(),
            program: program.to_field(),
            command: command.to_owned(),
            text: text.to_owned(),
            thread_root_seq: 0,
        };
        self.call::<rpc::InvokeCommand>(request).await.map(|_| begun)
    }

    /// Presses a button of a message, or chooses something there; answers with the id that responses
    /// name.
    ///
    /// # Errors
    /// `COMPONENT_NOT_FOUND`, `INVALID_FIELD` for what isn't offered; or when the client is gone, and
    /// then it may have been told.
    pub async fn use_component(
        &self,
        room: RoomId,
        seq: u64,
        id: &str,
        values: impl IntoIterator<Item = String>,
    ) -> Result<ClientRef, CallError> {
        let begun = self.new_ref();
        let request = UseComponentRequest {
            room: room.to_field(),
            client_ref: begun.to_field(),
            target_seq: seq,
            component: id.to_owned(),
            values: values.into_iter().collect(),
        };
        self.call::<rpc::UseComponent>(request).await.map(|_| begun)
    }

    /// Gives an own message another text and other components, at once and not by the outbox.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, `NOT_ALLOWED`, `INVALID_FIELD`; or when the client is gone.
    pub async fn edit_components(
        &self,
        room: RoomId,
        seq: u64,
        text: &str,
        components: Option<Components>,
    ) -> Result<(), CallError> {
        let edited = MessageEdited { text: text.to_owned(), components };
        let request = EditRequest {
            room: room.to_field(),
            client_ref: self.new_ref().to_field(),
            target_seq: seq,
            body: edited.encode_to_vec().into(),
        };
        self.call::<rpc::Edit>(request).await.map(drop)
    }
}

impl Room {
    /// What programs in the room take.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn commands(&self) -> Result<Vec<ProgramCommands>, CallError> {
        let (mut programs, mut page) = (Vec::new(), bytes::Bytes::new());
        loop {
            let request = ListCommandsRequest { room: self.id().to_field(), page };
            let answer = self.handle().call::<rpc::ListCommands>(request).await?;
            programs.extend(answer.programs.into_iter().filter_map(|program| {
                let commands = program.commands;
                Some(ProgramCommands { program: UserId::parse(&program.user).ok()?, commands })
            }));
            page = answer.next_page;
            if page.is_empty() {
                return Ok(programs);
            }
        }
    }
}

fn wanted(noticed: Noticed) -> Option<Interaction> {
    Some(match noticed {
        Noticed::Command(invoked) => Interaction {
            room: RoomId::parse(&invoked.room).ok()?,
            user: UserId::parse(&invoked.user).ok()?,
            what: Wanted::Command {
                name: invoked.command,
                text: invoked.text,
                thread_root: Some(invoked.thread_root_seq).filter(|seq| *seq > 0),
            },
            token: invoked.token,
        },
        Noticed::Component(used) => Interaction {
            room: RoomId::parse(&used.room).ok()?,
            user: UserId::parse(&used.user).ok()?,
            what: Wanted::Component {
                seq: used.target_seq,
                id: used.component,
                values: used.values,
            },
            token: used.token,
        },
        Noticed::Response(..) => return None,
    })
}

fn response(noticed: Noticed) -> Option<Response> {
    let Noticed::Response(room, program, answered) = noticed else { return None };
    let posted = MessagePosted::decode(answered.body).ok()?;
    Some(Response {
        room,
        program,
        begun: ClientRef::parse(&answered.client_ref).ok()?,
        text: posted.text,
        components: posted.components.unwrap_or_default(),
    })
}

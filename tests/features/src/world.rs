//! Clients with names: who is connected, and rooms for them.

use bytes::Bytes;
use parlour_daemon::clock::{random, unix_ms};
use parlour_protocol::{
    generated::rpc::{CreateGroup, Send},
    ids::uuid_v7,
    message::{MessagePosted, SendRequest, SendResponse},
    room::{CreateGroupRequest, UserRef, user_ref},
    wire::Hello,
};
use prost::Message;

use crate::{
    raw::{CallError, Client, hello},
    server::Server,
    token,
};

/// The organization everybody is in.
pub const ORG: &str = "acme";

/// A hello of a user with a new device.
pub fn hello_of(server: &Server, sub: &str) -> Hello {
    hello(server.sign(&token::claims(ORG, sub)))
}

/// A user who is connected.
pub async fn join(server: &Server, sub: &str) -> Client {
    let client = server.door().connect(hello_of(server, sub)).await;
    client.unwrap_or_else(|lost| panic!("{sub} can't connect: {lost:?}"))
}

/// A user by subject.
pub fn by_subject(sub: &str) -> UserRef {
    UserRef { user: Some(user_ref::User::Subject(sub.to_owned())) }
}

/// A group of a connected user and others who have been connected once.
pub async fn group(creator: &Client, name: &str, others: &[&str]) -> Bytes {
    let request = CreateGroupRequest {
        client_ref: client_ref(),
        name: name.to_owned(),
        members: others.iter().map(|sub| by_subject(sub)).collect(),
    };
    let response = creator.call::<CreateGroup>(&request).await.expect("a group can be made");
    response.room.expect("the answer has the room").id
}

/// A new id for a send.
pub fn client_ref() -> Bytes {
    Bytes::copy_from_slice(&uuid_v7(unix_ms(), random()))
}

/// A send of a text, with a new id.
pub fn text(room: &Bytes, text: &str) -> SendRequest {
    let body = MessagePosted { text: text.to_owned(), ..MessagePosted::default() }.encode_to_vec();
    SendRequest {
        room: room.clone(),
        client_ref: client_ref(),
        body: body.into(),
        ..SendRequest::default()
    }
}

/// Sends a text and waits for the answer.
pub async fn say(client: &Client, room: &Bytes, what: &str) -> Result<SendResponse, CallError> {
    client.call::<Send>(&text(room, what)).await
}

/// The text of an event's body.
pub fn text_of(body: &Bytes) -> String {
    MessagePosted::decode(body.clone()).map(|message| message.text).unwrap_or_default()
}

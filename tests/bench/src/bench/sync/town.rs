//! A user with many rooms, each with a message they haven't read.

use std::collections::VecDeque;

use bytes::Bytes;
use parlour_features::raw::{Client, Door, Pending, hello};
use parlour_features::world::{by_subject, client_ref, text};
use parlour_protocol::generated::rpc::{CreateGroup, Send};
use parlour_protocol::room::CreateGroupRequest;

use crate::harness::{Outcome, during, token};
use crate::subject::{Running, Setup, Subject};
use crate::swarm::world::World;

/// Who has the rooms.
pub(super) const READER: &str = "reader";
/// Who writes in them.
const WRITER: &str = "writer";
/// Calls under way at once while rooms are made.
const IN_FLIGHT: usize = 64;

/// A server, and the rooms of the one who reads.
pub(super) struct Town {
    pub(super) server: Box<dyn Running>,
    door: Door,
    writer: Client,
    pub(super) rooms: Vec<Bytes>,
}

impl Town {
    /// Makes it.
    pub(super) async fn make(context: &super::super::Context<'_>, rooms: usize) -> Outcome<Town> {
        let setup = Setup::new(context.folder, context.certificate, World::default());
        let server = Subject::Parlour.start(&setup)?;
        let door = Door::to(server.address(), &context.certificate.sha256);
        let reader = enter(&door, READER).await?;
        let writer = enter(&door, WRITER).await?;
        let made = (0..rooms).map(|number| CreateGroupRequest {
            client_ref: client_ref(),
            name: format!("Project number {number}"),
            members: vec![by_subject(READER)],
        });
        let made = all::<CreateGroup>(&writer, made).await?;
        reader.leave();
        let id = |room: Option<parlour_protocol::room::Room>| room.map(|room| room.id);
        let rooms: Option<Vec<Bytes>> = made.into_iter().map(|made| id(made.room)).collect();
        let town = Town { server, door, writer, rooms: rooms.ok_or("a group without a room")? };
        town.write_in(&town.rooms).await?;
        Ok(town)
    }

    /// A message in each of these rooms.
    pub(super) async fn write_in(&self, rooms: &[Bytes]) -> Outcome {
        let posts = rooms.iter().map(|room| text(room, "How is it going, and until when?"));
        all::<Send>(&self.writer, posts).await.map(drop)
    }

    /// A new device of the one who reads.
    pub(super) async fn reader(&self) -> Outcome<Client> {
        enter(&self.door, READER).await
    }
}

/// The first `count` of them.
pub(super) fn rooms_of(rooms: &[Bytes], count: usize) -> &[Bytes] {
    &rooms[..count.min(rooms.len())]
}

/// A token of theirs.
pub(super) fn token_of(subject: &str) -> String {
    token::token(subject, &[])
}

async fn enter(door: &Door, subject: &str) -> Outcome<Client> {
    door.connect(hello(token_of(subject))).await.map_err(|lost| format!("{subject}: {lost:?}"))
}

/// Makes calls, some at a time, and hands back their answers in order.
async fn all<R: parlour_protocol::generated::ControlRpc>(
    client: &Client,
    requests: impl Iterator<Item = R::Request>,
) -> Outcome<Vec<R::Response>> {
    let failed = |error: &dyn std::fmt::Debug| format!("{}: {error:?}", R::METHOD.name);
    let (mut under_way, mut answers) = (VecDeque::<Pending<R>>::new(), vec![]);
    for request in requests {
        if under_way.len() == IN_FLIGHT {
            let oldest = under_way.pop_front().ok_or("nothing under way")?;
            answers.push(oldest.answer().await.map_err(|error| failed(&error))?);
        }
        under_way.push_back(client.start::<R>(&request).await.map_err(|lost| failed(&lost))?);
    }
    for pending in under_way {
        answers.push(pending.answer().await.map_err(|error| failed(&error))?);
    }
    Ok(answers)
}

/// A runtime for the generator's side.
pub(in crate::bench) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(during("runtime"))
}

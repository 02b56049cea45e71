//! The world's rooms at the server: made once before anything is measured, since Parlour's rooms
//! have members of their own rather than names that anyone may join.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlour_protocol::generated::{ControlRpc, rpc};
use parlour_protocol::ids::RoomId;
use parlour_protocol::limits::MEMBERS_PER_CALL_MAX;
use parlour_protocol::prost::Message;
use parlour_protocol::room::{AddMembersRequest, CreateGroupRequest, UserRef, user_ref};

use super::{OTHER_CALLS, Parlour};
use crate::drive::Crowd;
use crate::harness::{Outcome, during};
use crate::swarm::world::World;
use crate::swarm::{Client, Swarm};

/// How long one call of the set-up may take.
const PATIENCE: Duration = Duration::from_secs(30);
const CONNECTING: usize = 64;

/// Which id the server gave to each room of the world.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    ids: Vec<RoomId>,
    index: HashMap<RoomId, usize>,
}

impl Rooms {
    pub(crate) fn id(&self, room: usize) -> Outcome<RoomId> {
        self.ids.get(room).copied().ok_or_else(|| format!("no room {room}"))
    }

    pub(crate) fn index(&self, id: RoomId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    /// Connects everyone once, so that they are known, and makes the rooms.
    pub(crate) fn make(address: SocketAddr, world: &Arc<World>) -> Outcome<Self> {
        let swarm = Parlour::new(address, world.clone(), Arc::new(Rooms::default()))?;
        let mut crowd = Crowd::new(Box::new(swarm));
        crowd.connect(world.users, CONNECTING)?;
        // The creators connect once more, in a swarm that can call.
        drop(crowd);
        let mut swarm = Parlour::new(address, world.clone(), Arc::new(Rooms::default()))?;
        let mut made = Self::default();
        let mut creators: HashMap<usize, Client> = HashMap::new();
        for (number, members) in world.rooms.iter().enumerate() {
            let creator = *members.first().ok_or("a room without members")?;
            let client = match creators.get(&creator) {
                Some(client) => *client,
                None => swarm.connect_now(creator)?,
            };
            creators.insert(creator, client);
            let id = swarm.make_room(client, number, members)?;
            made.index.insert(id, number);
            made.ids.push(id);
        }
        Ok(made)
    }
}

impl Parlour {
    fn connect_now(&mut self, user: usize) -> Outcome<Client> {
        let client = self.connect(user, None)?;
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.turn(Duration::from_millis(20), &mut seen)?;
            for seen in seen.drain(..) {
                match seen {
                    super::Seen::Ready(ready) if ready == client => return Ok(client),
                    super::Seen::Closed { client: gone, why } if gone == client => return Err(why),
                    _ => {}
                }
            }
        }
        Err("a room's creator can't connect".to_owned())
    }

    fn make_room(&mut self, client: Client, number: usize, members: &[usize]) -> Outcome<RoomId> {
        let others: Vec<UserRef> = members.iter().skip(1).map(|user| named(*user)).collect();
        let mut parts = others.chunks(MEMBERS_PER_CALL_MAX);
        let request = CreateGroupRequest {
            client_ref: self.client_ref(),
            name: World::room_name(number),
            members: parts.next().unwrap_or_default().to_vec(),
        };
        let made = self.ask::<rpc::CreateGroup>(client, &request)?;
        let field = made.room.ok_or("no room in the answer")?.id;
        for members in parts {
            let request = AddMembersRequest { room: field.clone(), members: members.to_vec() };
            self.ask::<rpc::AddMembers>(client, &request)?;
        }
        RoomId::parse(&field).map_err(during("room"))
    }

    /// Calls and waits for the answer.
    fn ask<R: ControlRpc>(&mut self, client: Client, request: &R::Request) -> Outcome<R::Response> {
        let id = OTHER_CALLS + self.members[client].next_call;
        self.members[client].next_call += 1;
        self.call::<R>(client, id, request)?;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while Instant::now() < deadline {
            self.turn(Duration::from_millis(20), &mut seen)?;
            if let Some(body) = self.answers.remove(&id) {
                return R::Response::decode(body).map_err(during(R::METHOD.name));
            }
            let gone: HashSet<Client> = seen.drain(..).filter_map(closed).collect();
            if gone.contains(&client) {
                return Err(format!("{}: refused", R::METHOD.name));
            }
        }
        Err(format!("{}: no answer", R::METHOD.name))
    }
}

fn closed(seen: super::Seen) -> Option<Client> {
    match seen {
        super::Seen::Closed { client, why } => {
            eprintln!("client {client}: {why}");
            Some(client)
        }
        _ => None,
    }
}

fn named(user: usize) -> UserRef {
    UserRef { user: Some(user_ref::User::Subject(World::subject(user))) }
}

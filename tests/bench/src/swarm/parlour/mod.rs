//! A swarm of Parlour's clients on the bare protocol: what the SDK does on the wire, without its
//! cache and its views.

mod hear;
mod member;
mod rooms;
mod wire;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parlour_protocol::generated::rpc;
use parlour_protocol::ids::RoomId;
use parlour_protocol::message::{MessagePosted, SendRequest};
use parlour_protocol::prost::Message;
use parlour_protocol::sync::ReadLogRequest;

pub(crate) use rooms::Rooms;

use self::member::{Member, Purpose, Stage};
use super::meter::Meter;
use super::quic::{Happened, Quic};
use super::world::World;
use super::{Client, Old, Seen, Swarm};
use crate::harness::Outcome;

/// Calls whose number is at least this aren't posts.
const OTHER_CALLS: u64 = 1 << 40;
/// The room of the world that is filled, and that a transfer reads.
const FILLED_ROOM: usize = 1;
/// Rooms read at once after a move.
const READ_ON_ROOMS: usize = 4;
/// Messages under way while a room is filled.
const FILL_IN_FLIGHT: usize = 64;

/// The clients.
pub(crate) struct Parlour {
    quic: Quic,
    happened: Vec<Happened>,
    world: Arc<World>,
    rooms: Arc<Rooms>,
    members: Vec<Member>,
    /// Answers to calls that aren't posts, for whoever waits for them.
    answers: HashMap<u64, Bytes>,
    random: u64,
}

impl Parlour {
    pub(crate) fn new(address: SocketAddr, world: Arc<World>, rooms: Arc<Rooms>) -> Outcome<Self> {
        Ok(Self {
            quic: Quic::new(address)?,
            happened: Vec::new(),
            world,
            rooms,
            members: Vec::new(),
            answers: HashMap::new(),
            random: u64::from(std::process::id()) << 32 | 0x9e37_79b9,
        })
    }

    fn post_text(&mut self, client: Client, room: usize, call: u64, text: String) -> Outcome {
        let request = SendRequest {
            room: self.rooms.id(room)?.to_field(),
            client_ref: self.client_ref(),
            body: MessagePosted { text, ..MessagePosted::default() }.encode_to_vec().into(),
            ..SendRequest::default()
        };
        self.call::<rpc::Send>(client, call, &request)
    }

    fn known_room(&self, id: RoomId) -> Option<usize> {
        self.rooms.index(id)
    }
}

impl Swarm for Parlour {
    fn connect(&mut self, user: usize, from: Option<IpAddr>) -> Outcome<Client> {
        let client = self.quic.open(None, from)?;
        self.members.push(Member::new(user));
        Ok(client)
    }

    fn post(&mut self, client: Client, room: usize, number: u64) -> Outcome {
        let text = self.world.text(number);
        self.post_text(client, room, number, text)
    }

    fn turn(&mut self, wait: Duration, seen: &mut Vec<Seen>) -> Outcome {
        let mut happened = std::mem::take(&mut self.happened);
        self.quic.turn(wait, &mut happened)?;
        while !happened.is_empty() {
            for (client, event) in happened.drain(..) {
                self.hear(client, event, seen)?;
            }
            self.quic.flush(&mut happened)?;
        }
        self.happened = happened;
        Ok(())
    }

    fn meter(&mut self) -> &mut Meter {
        &mut self.quic.meter
    }

    fn fill(&mut self, client: Client, wanted: usize, text_bytes: usize) -> Outcome {
        let text = "b".repeat(text_bytes);
        let (mut posted, mut done) = (0, 0);
        let mut seen = Vec::new();
        while done < wanted {
            while posted < wanted && posted - done < FILL_IN_FLIGHT {
                self.post_text(client, FILLED_ROOM, OTHER_CALLS + posted as u64, text.clone())?;
                posted += 1;
            }
            self.turn(Duration::from_millis(50), &mut seen)?;
            done += std::mem::take(&mut self.answers).len();
            if let Some(Seen::Closed { why, .. }) =
                seen.drain(..).find(|seen| matches!(seen, Seen::Closed { .. }))
            {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Reads the whole log of a room on a lane of its own.
    fn bulk(&mut self, client: Client, _: usize) -> Outcome {
        let room = self.rooms.id(FILLED_ROOM)?.to_field();
        let request = ReadLogRequest { room, from_seq: 1, to_seq: 0, limit: 0 };
        self.bulk_call::<rpc::ReadLog>(client, &request, Purpose::Transfer)
    }

    /// QUIC follows: the connection goes on from the new address. As the SDK does, a padded ping
    /// lets the server send there, and what is new in the rooms is asked for on new lanes.
    fn moved(&mut self, client: Client, address: IpAddr, old: Old) -> Outcome {
        self.quic.rebind(client, address, old == Old::Works)?;
        self.ping_padded(client)?;
        let known = &self.members[client].known;
        let rooms: Vec<usize> = known.keys().copied().take(READ_ON_ROOMS).collect();
        rooms.into_iter().try_for_each(|room| self.read_on(client, room))
    }

    fn again(&mut self, client: Client) -> Outcome {
        self.quic.open(Some(client), None)?;
        self.members[client].reconnect();
        debug_assert_eq!(self.members[client].stage, Stage::Connecting);
        Ok(())
    }
}

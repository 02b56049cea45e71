//! The parts whose instructions are counted: none does cryptography or waits for a device.

use std::hint::black_box;

use bytes::Bytes;
use parlour_core::hub::Lane;
use parlour_protocol::event;
use parlour_protocol::generated::{EventMessage, rpc};
use parlour_protocol::ids::{RoomId, UserId};
use parlour_protocol::message::{MessagePosted, SendRequest};
use parlour_protocol::prost::Message;
use parlour_protocol::room::{CreateGroupRequest, UserRef, user_ref};
use parlour_protocol::wire::{EventFrame, EventHeader, event_frame};

use self::core_harness::Server;
use crate::swarm::world::World;

/// The core's own test harness: a node over the memory store and a hub, without sockets. Taken from
/// where it is, so that there is one.
#[path = "../../../../../server/core/tests/harness/mod.rs"]
mod core_harness;

/// One part.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) is: &'static str,
    pub(super) run: fn(u64),
}

/// All of them.
pub(crate) const ALL: &[Part] = &[
    Part { name: "encode", is: "a post of 200 bytes to a frame of the event lane", run: encode },
    Part { name: "decode", is: "that frame to a message", run: decode },
    Part { name: "append", is: "a send, its place and its commit in a room of one", run: append },
    Part { name: "route-1000", is: "a send to 1,000 members' lanes, checked", run: route },
];

const MEMBERS: usize = 1_000;
const MEMBERS_PER_CALL: usize = 99;

fn post() -> (EventHeader, Bytes) {
    let text = World::one_room(1).text(1);
    let body = MessagePosted { text }.encode_to_vec().into();
    let header = EventHeader {
        seq: 1_234,
        at_ms: 1_700_000_000_000,
        sender: UserId::from_bytes([1; 16]).to_field(),
        kind: MessagePosted::RULE.kind,
        client_ref: Bytes::from_static(&[2; 16]),
        msg_no: 1_200,
        ..EventHeader::default()
    };
    (header, body)
}

fn encode(operations: u64) {
    let (header, body) = post();
    let room = RoomId::from_bytes([3; 16]);
    for _ in 0..operations {
        let event = event::compose(black_box(&header), black_box(&body));
        black_box(event::room_events_frame(room, &[event]));
    }
}

fn decode(operations: u64) {
    let (header, body) = post();
    let frame =
        event::room_events_frame(RoomId::from_bytes([3; 16]), &[event::compose(&header, &body)]);
    // Two bytes of length come before the message.
    let message = frame.slice(2..);
    for _ in 0..operations {
        let frame = EventFrame::decode(black_box(message.clone())).expect("own frame");
        let Some(event_frame::Frame::RoomEvents(events)) = frame.frame else { continue };
        for event in events.events {
            black_box(MessagePosted::decode(event.body).expect("own body"));
        }
    }
}

fn append(operations: u64) {
    send(1, operations);
}

fn route(operations: u64) {
    send(MEMBERS, operations);
}

/// Sends from the first of some members; everyone's lanes are emptied after each.
fn send(members: usize, operations: u64) {
    let mut server = Server::new();
    for member in 0..members {
        server.connect(&World::subject(member));
    }
    let room = group(&mut server, members);
    let body: Bytes = post().1;
    let mut chunks = Vec::new();
    for _ in 0..operations {
        let client_ref = server.client_ref().to_field();
        let request = SendRequest {
            room: room.clone(),
            client_ref,
            body: body.clone(),
            mentions: Vec::new(),
            mention_everyone: false,
        };
        server.start::<rpc::Send>(0, &request);
        server.run();
        for client in &server.clients {
            let Some(outbox) = server.hub.outbox(client.id) else { continue };
            for lane in [Lane::Control, Lane::Event] {
                chunks.clear();
                outbox.next(lane, &mut chunks, 64);
                chunks.iter().for_each(|chunk: &Bytes| outbox.wrote(lane, chunk.len()));
            }
        }
    }
}

fn group(server: &mut Server, members: usize) -> Bytes {
    let others: Vec<UserRef> = (1..members)
        .map(|member| UserRef { user: Some(user_ref::User::Subject(World::subject(member))) })
        .collect();
    let mut parts = others.chunks(MEMBERS_PER_CALL);
    let client_ref = server.client_ref().to_field();
    let members = parts.next().unwrap_or_default().to_vec();
    let request = CreateGroupRequest { client_ref, name: "all".to_owned(), members };
    let made = server.call::<rpc::CreateGroup>(0, &request).expect("a new room");
    let room = made.room.expect("in the answer").id;
    for members in parts {
        let request = parlour_protocol::room::AddMembersRequest {
            room: room.clone(),
            members: members.to_vec(),
        };
        server.call::<rpc::AddMembers>(0, &request).expect("users that are known");
    }
    room
}

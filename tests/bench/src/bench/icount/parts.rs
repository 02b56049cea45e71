//! The parts whose instructions are counted: none does cryptography or waits for a device.

use std::hint::black_box;

use bytes::Bytes;
use parlour_core::{hub::Lane, identity};
use parlour_protocol::access::{PermissionOverride, permission_override::Subject};
use parlour_protocol::directory::change::Change as What;
use parlour_protocol::directory::{
    Change, ChangeDirectoryRequest, NodeKind, PutMembership, PutNode, PutOverrides,
};
use parlour_protocol::event;
use parlour_protocol::generated::{EventMessage, rpc};
use parlour_protocol::ids::{RoomId, UserId};
use parlour_protocol::message::{MessagePosted, SendRequest};
use parlour_protocol::prost::Message;
use parlour_protocol::room::{CreateGroupRequest, UserRef, user_ref};
use parlour_protocol::wire::{EventFrame, EventHeader, event_frame};

use super::storage;
use crate::swarm::world::World;
use parlour_inproc::Server;

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
    Part {
        name: "route-node-1000",
        is: "the same in a team's room, with roles and overrides down to it",
        run: route_node,
    },
    Part {
        name: "record",
        is: "a record of 280 bytes put under its key, and read from there",
        run: storage::record_round,
    },
    Part {
        name: "journal",
        is: "a send's five rows to an entry of the journal, and back",
        run: storage::journal_round,
    },
    Part {
        name: "block",
        is: "twelve records to a block, and one of them found in it",
        run: storage::block_round,
    },
];

const MEMBERS: usize = 1_000;
const MEMBERS_PER_CALL: usize = 99;

fn post() -> (EventHeader, Bytes) {
    let text = World::one_room(1).text(1);
    let body = MessagePosted { text, ..MessagePosted::default() }.encode_to_vec().into();
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

fn route_node(operations: u64) {
    let mut server = connected(MEMBERS);
    let room = team(&mut server, MEMBERS);
    send_to(&mut server, &room, operations);
}

fn send(members: usize, operations: u64) {
    let mut server = connected(members);
    let room = group(&mut server, members);
    send_to(&mut server, &room, operations);
}

fn connected(members: usize) -> Server {
    let mut server = Server::new();
    for member in 0..members {
        server.connect(&World::subject(member));
    }
    server
}

/// Sends from the first of the members; everyone's lanes are emptied after each.
fn send_to(server: &mut Server, room: &Bytes, operations: u64) {
    let body: Bytes = post().1;
    let mut chunks = Vec::new();
    for _ in 0..operations {
        let client_ref = server.client_ref().to_field();
        let request = SendRequest {
            room: room.clone(),
            client_ref,
            body: body.clone(),
            ..SendRequest::default()
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

/// A team below a department, with a role of its own and overrides at every level.
fn team(server: &mut Server, members: usize) -> Bytes {
    let node = |kind: NodeKind, key: &str, parent: &str| {
        What::PutNode(PutNode {
            key: key.to_owned(),
            kind: kind as i32,
            parent: (!key.is_empty()).then(|| parent.to_owned()),
            name: Some("all".to_owned()),
            ..PutNode::default()
        })
    };
    let says = |node: &str, role: &str, deny: u64| {
        let subject = Some(Subject::Role(role.to_owned()));
        let overrides = vec![PermissionOverride { subject, allow: 0, deny }];
        What::PutOverrides(PutOverrides { node: node.to_owned(), overrides })
    };
    let mut changes = vec![
        node(NodeKind::Organization, "", ""),
        node(NodeKind::Department, "one", ""),
        node(NodeKind::Team, "team", "one"),
        says("", "guest", 1 << 5),
        says("one", "everyone", 1 << 5),
        says("team", "scribe", 1 << 1),
    ];
    changes.extend((0..members).map(|member| {
        What::PutMembership(PutMembership {
            node: "team".to_owned(),
            subject: World::subject(member),
            role: "lead".to_owned(),
        })
    }));
    for changes in changes.chunks(900) {
        let changes = changes.iter().map(|what| Change { change: Some(what.clone()) }).collect();
        let request = ChangeDirectoryRequest { changes, dry_run: false };
        server.call::<rpc::ChangeDirectory>(0, &request).expect("good changes");
    }
    identity::node_id(identity::org_id("acme"), "team").to_field()
}

//! The server and the model side by side, and who is connected.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use bytes::Bytes;
use parlour_core::identity;
use parlour_inproc::Server;
use parlour_protocol::{
    blob::Blob,
    directory::{
        Change, ChangeDirectoryRequest, NodeKind, PutNode, PutUser, change::Change as What,
    },
    generated::rpc,
    ids::OrgId,
};

use super::{
    files::File,
    model::{Group, Model, Node, Room, User},
};

/// Everyone; who begins with `guest` has a guest's token.
pub(super) const USERS: [&str; 12] =
    ["root", "ann", "ben", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "guest-jo", "guest-ky"];
/// The nodes below the organization: key, kind, and the node above at the start.
pub(super) const NODES: [(&str, NodeKind, Room); 9] = [
    ("one", NodeKind::Department, 0),
    ("two", NodeKind::Department, 0),
    ("red", NodeKind::Team, 1),
    ("blue", NodeKind::Team, 1),
    ("green", NodeKind::Team, 2),
    ("ship", NodeKind::Project, 3),
    ("dock", NodeKind::Project, 4),
    ("sail", NodeKind::Task, 6),
    ("rope", NodeKind::Task, 7),
];
/// Most groups at once.
pub(super) const GROUPS_MAX: usize = 6;

/// What happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) sent: u64,
    pub(super) refused: u64,
    pub(super) deliveries: u64,
    pub(super) changes: u64,
    pub(super) downloads: u64,
    pub(super) found: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Totals) {
        self.sent += other.sent;
        self.refused += other.refused;
        self.deliveries += other.deliveries;
        self.changes += other.changes;
        self.downloads += other.downloads;
        self.found += other.found;
    }
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) seq: u64,
    pub(super) by: User,
    /// Of a reply in a thread: the thread's root.
    pub(super) root: u64,
    pub(super) mentions: Option<User>,
    pub(super) file: Option<File>,
}

/// See the module.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) model: Model,
    /// Connections by user.
    pub(super) clients: Vec<Option<usize>>,
    /// Ids of rooms: nodes, then groups.
    pub(super) rooms: Vec<Bytes>,
    /// Messages by room, newest last; the deleted ones are taken out.
    pub(super) messages: Vec<Vec<Said>>,
    /// Deleted messages that carried a file, by room.
    pub(super) gone: Vec<Vec<(u64, File)>>,
    /// Files that somebody has uploaded.
    pub(super) blobs: BTreeMap<File, Blob>,
    /// Who may send which file.
    pub(super) claims: BTreeSet<(User, File)>,
    /// Threads that somebody has replied in, by room and root.
    pub(super) replied: BTreeSet<(Room, u64)>,
    /// Who follows which thread.
    pub(super) follows: BTreeSet<(User, Room, u64)>,
    /// Which rooms a user's own log says they are in, while connected.
    pub(super) told: Vec<BTreeSet<Bytes>>,
    pub(super) totals: Totals,
}

fn org() -> OrgId {
    identity::org_id("acme")
}

impl World {
    /// An organization with its nodes, and everyone connected.
    pub(super) fn new() -> Self {
        let mut world = World {
            server: Server::new(),
            model: Model::default(),
            clients: vec![None; USERS.len()],
            rooms: vec![identity::node_id(org(), "").to_field()],
            messages: vec![vec![]],
            gone: vec![vec![]],
            blobs: BTreeMap::new(),
            claims: BTreeSet::new(),
            replied: BTreeSet::new(),
            follows: BTreeSet::new(),
            told: vec![BTreeSet::new(); USERS.len()],
            totals: Totals::default(),
        };
        world.clients[0] = Some(world.server.connect(USERS[0]));
        world.model.nodes.push(Node { kind: "organization", ..Node::default() });
        world.model.nodes[0].members.insert(0, "owner");
        let mut changes = vec![node("", NodeKind::Organization, None)];
        for (key, kind, parent) in NODES {
            changes.push(node(key, kind, Some(key_of(parent))));
            world.rooms.push(identity::node_id(org(), key).to_field());
            world.messages.push(vec![]);
            world.gone.push(vec![]);
            let name = if kind == NodeKind::Department { "department" } else { "other" };
            world.model.nodes.push(Node { parent: Some(parent), kind: name, ..Node::default() });
            if kind == NodeKind::Task {
                // Whoever makes it is in it; the organization's owner is made by this very call.
                let role = "creator";
                world.model.nodes.last_mut().expect("just pushed").members.insert(0, role);
            }
        }
        world.change(changes);
        for user in 1..USERS.len() {
            world.connect(user);
        }
        world
    }

    /// Connects a user, who is in the organization from then on.
    pub(super) fn connect(&mut self, user: User) {
        let role = if USERS[user].starts_with("guest") { "guest" } else { "member" };
        self.model.nodes[0].members.entry(user).or_insert(role);
        self.clients[user] = Some(self.server.connect(USERS[user]));
        self.told[user] = self.rooms_of(user);
    }

    /// Ends a user's connection.
    pub(super) fn disconnect(&mut self, user: User) {
        if let Some(client) = self.clients[user].take() {
            self.server.disconnect(client);
        }
    }

    /// Changes the directory as root; every change is a good one.
    pub(super) fn change(&mut self, changes: Vec<What>) {
        let changes = changes.into_iter().map(|what| Change { change: Some(what) }).collect();
        let request = ChangeDirectoryRequest { changes, dry_run: false };
        let root = self.clients[0].expect("root stays");
        let answer = self.server.call::<rpc::ChangeDirectory>(root, &request);
        answer.expect("the oracle only makes changes that are allowed");
        self.server.deliver();
        self.totals.changes += 1;
    }

    /// The rooms a user is in, as the model has it.
    pub(super) fn rooms_of(&self, user: User) -> BTreeSet<Bytes> {
        let mut rooms = BTreeSet::new();
        for (room, id) in self.rooms.iter().enumerate() {
            if self.model.is_in(room, user) {
                rooms.insert(id.clone());
            }
        }
        rooms
    }

    /// A new group, made by a connected user.
    pub(super) fn group(&mut self, creator: User, members: BTreeSet<User>) {
        let client = self.clients[creator].expect("the creator is connected");
        let mut refs = vec![];
        for member in members.iter().filter(|member| **member != creator) {
            refs.push(self.user_ref(*member));
        }
        let id = parlour_inproc::group_of(&mut self.server, client, refs);
        self.server.run();
        self.server.deliver();
        self.rooms.push(id);
        self.messages.push(vec![]);
        self.gone.push(vec![]);
        let mut members = members;
        members.insert(creator);
        self.model.groups.push(Group { creator, members, overrides: vec![] });
    }

    /// A user as calls name them.
    pub(super) fn user_ref(&self, user: User) -> parlour_protocol::room::UserRef {
        parlour_inproc::user(identity::user_id(org(), USERS[user]))
    }

    /// A user's id as a field.
    pub(super) fn user_field(&self, user: User) -> Bytes {
        identity::user_id(org(), USERS[user]).to_field()
    }
}

/// The key of a node by number.
pub(super) fn key_of(room: Room) -> &'static str {
    room.checked_sub(1).map_or("", |at| NODES[at].0)
}

fn node(key: &str, kind: NodeKind, parent: Option<&str>) -> What {
    What::PutNode(PutNode {
        key: key.into(),
        kind: kind as i32,
        parent: parent.map(ToOwned::to_owned),
        name: Some(format!("node {key}")),
        ..PutNode::default()
    })
}

/// A change of a user.
pub(super) fn put_user(user: User, role: Option<&str>, deactivated: Option<bool>) -> What {
    What::PutUser(PutUser {
        subject: USERS[user].to_owned(),
        role: role.map(ToOwned::to_owned),
        deactivated,
        ..PutUser::default()
    })
}

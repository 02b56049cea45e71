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
    erasing::Held,
    files::File,
    later::{Reminded, ToSend},
    model::{Group, Model, Node, Room, User},
    polls::Asked,
    secrets::Secret,
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
    pub(super) joined: u64,
    pub(super) banned: u64,
    pub(super) blocked: u64,
    pub(super) scheduled: u64,
    pub(super) edited: u64,
    pub(super) expired: u64,
    pub(super) votes: u64,
    pub(super) erased: u64,
    pub(super) retained: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Totals) {
        self.sent += other.sent;
        self.refused += other.refused;
        self.deliveries += other.deliveries;
        self.changes += other.changes;
        self.downloads += other.downloads;
        self.found += other.found;
        self.joined += other.joined;
        self.banned += other.banned;
        self.blocked += other.blocked;
        self.scheduled += other.scheduled;
        self.edited += other.edited;
        self.expired += other.expired;
        self.votes += other.votes;
        self.erased += other.erased;
        self.retained += other.retained;
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
    /// The number of its text.
    pub(super) text: usize,
    /// When it was said, and when it disappears, Unix milliseconds.
    pub(super) at_ms: u64,
    pub(super) expires_ms: u64,
    /// It asks something.
    pub(super) has_poll: bool,
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
    /// Deleted messages with the files that they carried, by room.
    pub(super) gone: Vec<Vec<(u64, Option<File>)>>,
    /// Every text that there ever was.
    pub(super) secrets: Vec<Secret>,
    /// Names of groups, by the number of that text.
    pub(super) names: BTreeMap<Room, usize>,
    /// Who has saved which message, whether it can be read or not.
    pub(super) saved: BTreeSet<(User, Room, u64)>,
    /// Pinned messages.
    pub(super) pins: BTreeSet<(Room, u64)>,
    pub(super) reminders: Vec<Reminded>,
    /// Scheduled messages that aren't sent.
    pub(super) scheduled: Vec<ToSend>,
    /// Edits of messages that are there, by room and message: their places and texts, in order.
    pub(super) edits: BTreeMap<(Room, u64), Vec<(u64, usize)>>,
    /// Polls that are there.
    pub(super) polls: BTreeMap<(Room, u64), Asked>,
    /// Every anonymous poll that there ever was.
    pub(super) anonymous: BTreeSet<(Room, u64)>,
    /// When blocks were made, and when this step began, Unix milliseconds.
    pub(super) blocked_ms: BTreeMap<(User, User), u64>,
    pub(super) began_ms: u64,
    /// Who is erased.
    pub(super) erased: BTreeSet<User>,
    /// Legal holds, and all that was ever held: it is held for another day.
    pub(super) holds: BTreeSet<Held>,
    pub(super) held: BTreeSet<Held>,
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
            secrets: vec![],
            names: BTreeMap::new(),
            saved: BTreeSet::new(),
            pins: BTreeSet::new(),
            reminders: vec![],
            scheduled: vec![],
            edits: BTreeMap::new(),
            polls: BTreeMap::new(),
            anonymous: BTreeSet::new(),
            blocked_ms: BTreeMap::new(),
            began_ms: 0,
            erased: BTreeSet::new(),
            holds: BTreeSet::new(),
            held: BTreeSet::new(),
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
        let mut members = members;
        members.insert(creator);
        self.push(id, Group { creator, members, ..Group::default() });
    }

    /// A room that isn't the directory's is there from now on.
    pub(super) fn push(&mut self, id: Bytes, group: Group) -> Room {
        self.rooms.push(id);
        self.messages.push(vec![]);
        self.gone.push(vec![]);
        self.model.groups.push(group);
        self.rooms.len() - 1
    }

    /// The id of a user's own room.
    pub(super) fn private_id(&self, user: User) -> Bytes {
        identity::private_room_id(org(), identity::user_id(org(), USERS[user])).to_field()
    }

    /// A message is deleted, and all that hangs on it; where it and its edits stood.
    pub(super) fn remove(&mut self, room: Room, seq: u64) -> Vec<u64> {
        let at = self.messages[room].iter().position(|said| said.seq == seq);
        let said = self.messages[room].remove(at.expect("it was there"));
        self.secrets[said.text].gone = true;
        self.gone[room].push((seq, said.file));
        self.pins.remove(&(room, seq));
        self.polls.remove(&(room, seq));
        let mut places = vec![seq];
        for (edit, text) in self.edits.remove(&(room, seq)).unwrap_or_default() {
            self.secrets[text].gone = true;
            places.push(edit);
        }
        places
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

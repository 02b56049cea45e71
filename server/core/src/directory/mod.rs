//! An organization's directory in memory: nodes, who is in them, and what follows for rooms.
//! Membership flows upward only, and is worked out here rather than copied anywhere.

mod apply;
mod cell;
pub mod plan;
pub mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parlour_protocol::{
    access::Permission,
    directory::{Node as NodeView, NodeKind},
    ids::{OrgId, RoomId, UserId},
    limits,
    room::RoomKind,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    access::{Bits, Override, base, evaluate},
    identity,
    records::Counters,
    rooms::{GroupSettings, RoomState, next_version},
};

pub use apply::{Change, Delta};
pub use cell::{Directories, DirectoryCell};

/// A role's name: 1 to 32 of `a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Arc<str>);

/// Why text is not a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not 1 to 32 of a-z 0-9 _ -")]
pub struct NotARole;

impl Role {
    /// Whoever may do everything.
    pub const OWNER: &'static str = "owner";
    /// Whoever runs things.
    pub const ADMIN: &'static str = "admin";
    /// Everyone else.
    pub const MEMBER: &'static str = "member";
    /// Of the rooms named for them, and no others.
    pub const GUEST: &'static str = "guest";

    /// A role of that name.
    pub fn parse(text: &str) -> Result<Self, NotARole> {
        let fits = (1..=limits::ROLE_BYTES_MAX).contains(&text.len());
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        if fits && text.bytes().all(plain) { Ok(Role(text.into())) } else { Err(NotARole) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// What is recorded of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// Its name in files and calls.
    pub key: Arc<str>,
    /// What it is.
    pub kind: NodeKind,
    /// The node above it; `None` for the root.
    pub parent: Option<RoomId>,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub topic: String,
    /// Whether only those in its room see it.
    pub private: bool,
    /// Whether it is archived by itself.
    pub archived: bool,
    /// Who made it.
    pub creator: UserId,
    /// What it says of permissions, for its room and those below.
    pub overrides: Arc<[Override]>,
}

impl NodeRecord {
    /// The kind of its room.
    pub fn room_kind(&self) -> RoomKind {
        match self.kind {
            NodeKind::Department => RoomKind::Department,
            NodeKind::Team => RoomKind::Team,
            NodeKind::Project => RoomKind::Project,
            NodeKind::Task => RoomKind::Task,
            NodeKind::Organization | NodeKind::Unspecified => RoomKind::Organization,
        }
    }
}

#[derive(Clone, Debug)]
struct Node {
    record: NodeRecord,
    children: BTreeSet<RoomId>,
    members: BTreeMap<UserId, Role>,
}

/// See the module. A node and its room have one id.
#[derive(Clone, Debug)]
pub struct Directory {
    org: OrgId,
    root: RoomId,
    nodes: BTreeMap<RoomId, Node>,
    // Nodes that say who hears rooms; mostly there are none.
    view_overrides: usize,
    // The nodes a user is in directly.
    by_user: FxHashMap<UserId, Vec<RoomId>>,
    deactivated: FxHashSet<UserId>,
}

impl Directory {
    /// The directory of an organization that has none yet.
    pub fn new(org: OrgId) -> Self {
        Directory {
            org,
            root: identity::node_id(org, ""),
            nodes: BTreeMap::new(),
            view_overrides: 0,
            by_user: FxHashMap::default(),
            deactivated: FxHashSet::default(),
        }
    }

    /// Whose it is.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// The organization's own node.
    pub fn root(&self) -> RoomId {
        self.root
    }

    /// Whether the organization has a directory.
    pub fn exists(&self) -> bool {
        self.nodes.contains_key(&self.root)
    }

    /// What is recorded of a node.
    pub fn node(&self, id: RoomId) -> Option<&NodeRecord> {
        self.nodes.get(&id).map(|node| &node.record)
    }

    /// The nodes after that one, in the order of their ids.
    pub fn nodes_after(
        &self,
        after: Option<RoomId>,
    ) -> impl Iterator<Item = (RoomId, &NodeRecord)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.nodes.range((from, Unbounded)).map(|(id, node)| (*id, &node.record))
    }

    /// Who is in the node directly, after that user, in the order of their ids.
    pub fn memberships_after(
        &self,
        node: RoomId,
        after: Option<UserId>,
    ) -> impl Iterator<Item = (UserId, &Role)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let members = self.nodes.get(&node).map(|node| node.members.range((from, Unbounded)));
        members.into_iter().flatten().map(|(user, role)| (*user, role))
    }

    /// The user's role in the node itself.
    pub fn role_in(&self, node: RoomId, user: UserId) -> Option<&Role> {
        self.nodes.get(&node)?.members.get(&user)
    }

    /// The user's role in the organization.
    pub fn role(&self, user: UserId) -> Option<&Role> {
        self.role_in(self.root, user)
    }

    /// The nodes a user is in directly, and their role there.
    pub fn nodes_of(&self, user: UserId) -> impl Iterator<Item = (RoomId, &Role)> {
        let nodes = self.by_user.get(&user).into_iter().flatten();
        nodes.filter_map(move |node| Some((*node, self.role_in(*node, user)?)))
    }

    /// Whether the user has only the rooms named for them.
    pub fn is_guest(&self, user: UserId) -> bool {
        self.role(user).is_some_and(|role| role.name() == Role::GUEST)
    }

    /// Whether the user is shut out.
    pub fn is_deactivated(&self, user: UserId) -> bool {
        self.deactivated.contains(&user)
    }

    /// The node and those above it, up to the root.
    pub fn path(&self, id: RoomId) -> impl Iterator<Item = (RoomId, &NodeRecord)> {
        let next = |(_, record): &(RoomId, &NodeRecord)| record.parent;
        let found = |id: RoomId| self.node(id).map(|record| (id, record));
        std::iter::successors(found(id), move |step| next(step).and_then(found))
    }

    /// Whether the node or one above it is archived.
    pub fn is_archived(&self, id: RoomId) -> bool {
        self.path(id).any(|(_, record)| record.archived)
    }

    /// The node and all below it.
    pub fn subtree(&self, id: RoomId) -> Vec<RoomId> {
        let mut all = vec![id];
        let mut at = 0;
        while let Some(node) = all.get(at).and_then(|id| self.nodes.get(id)) {
            all.extend(&node.children);
            at += 1;
        }
        all
    }

    /// Everyone who is in the node or one below it directly.
    pub fn users_of_subtree(&self, id: RoomId) -> BTreeSet<UserId> {
        let nodes = self.subtree(id).into_iter().filter_map(|id| self.nodes.get(&id));
        nodes.flat_map(|node| node.members.keys().copied()).collect()
    }

    /// The rooms a user is in: those of their nodes and of the nodes above them.
    pub fn rooms_of(&self, user: UserId) -> BTreeSet<RoomId> {
        let mut rooms = BTreeSet::new();
        if self.deactivated.contains(&user) {
            return rooms;
        }
        let guest = self.is_guest(user);
        for node in self.by_user.get(&user).into_iter().flatten() {
            for (id, record) in self.path(*node) {
                if !(guest && id == self.root) {
                    rooms.insert(id);
                }
                // Being in an archived node, or in one only as a guest, doesn't count above it.
                if record.archived || guest {
                    break;
                }
            }
        }
        if self.view_overrides > 0 {
            rooms.retain(|room| self.permissions(*room, user).has(Permission::View));
        }
        rooms
    }

    /// Whether the user is in the node's room.
    pub fn is_member(&self, room: RoomId, user: UserId) -> bool {
        self.rooms_of(user).contains(&room)
    }

    /// What the user may do in the node's room, if they are in it.
    pub fn permissions(&self, room: RoomId, user: UserId) -> Bits {
        let Some(kind) = self.node(room).map(NodeRecord::room_kind) else { return Bits::NONE };
        let role = self.role(user);
        if role.is_some_and(|role| role.name() == Role::OWNER) {
            return Bits::ALL;
        }
        let mut path: Vec<(RoomId, &NodeRecord)> = self.path(room).collect();
        path.reverse();
        let mut roles: Vec<&Role> = vec![];
        let levels = path.into_iter().map(|(id, record)| {
            // A role held above counts below, never the other way round.
            roles.extend(self.role_in(id, user));
            (&*record.overrides, roles.clone())
        });
        evaluate(base(role, kind), user, levels)
    }

    /// Everyone in the node's room.
    pub fn members_of(&self, room: RoomId) -> BTreeSet<UserId> {
        self.few_members_of(room, usize::MAX).unwrap_or_default()
    }

    /// The same where there are no more than that to look at.
    pub(crate) fn few_members_of(&self, room: RoomId, max: usize) -> Option<BTreeSet<UserId>> {
        let mut members = BTreeSet::new();
        let mut rest = vec![room];
        while let Some(id) = rest.pop() {
            let Some(node) = self.nodes.get(&id) else { continue };
            let own = id == room && id != self.root;
            let counts =
                |user: &UserId| !self.deactivated.contains(user) && (own || !self.is_guest(*user));
            if node.members.len() > max {
                return None;
            }
            members.extend(node.members.keys().copied().filter(counts));
            let active = |child: &&RoomId| self.node(**child).is_some_and(|node| !node.archived);
            rest.extend(node.children.iter().filter(active));
            if members.len() > max {
                return None;
            }
        }
        if self.view_overrides > 0 {
            members.retain(|user| self.permissions(room, *user).has(Permission::View));
        }
        Some(members)
    }

    /// The node's room, its log's end left open.
    pub fn room_state(&self, id: RoomId) -> Option<RoomState> {
        let record = self.node(id)?;
        Some(RoomState { members: Arc::new(self.members_of(id)), ..self.room_record(id, record) })
    }

    /// The same without members.
    pub(crate) fn room_record(&self, id: RoomId, record: &NodeRecord) -> RoomState {
        RoomState {
            kind: record.room_kind(),
            org: self.org,
            name: record.name.clone(),
            topic: record.topic.clone(),
            archived: self.is_archived(id),
            parent: record.parent,
            creator: record.creator,
            overrides: record.overrides.clone(),
            group: GroupSettings::default(),
            members: Arc::default(),
            version: next_version(),
            head: Counters::default(),
        }
    }

    /// Tells which nodes the user knows of.
    pub fn visible_to(&self, user: UserId) -> impl Fn(RoomId) -> bool {
        let rooms = self.rooms_of(user);
        let is_outsider = self.role(user).is_none() || self.is_guest(user);
        move |id| {
            let is_private = || self.path(id).any(|(_, record)| record.private);
            rooms.contains(&id) || !(is_outsider || is_private())
        }
    }

    /// The node as its organization sees it.
    pub fn view(&self, id: RoomId) -> Option<NodeView> {
        let record = self.node(id)?;
        Some(NodeView {
            id: id.to_field(),
            key: record.key.to_string(),
            kind: record.kind as i32,
            parent: record.parent.map(|parent| parent.to_field()).unwrap_or_default(),
            name: record.name.clone(),
            topic: record.topic.clone(),
            private: record.private,
            archived: self.is_archived(id),
        })
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;

//! What was committed becomes what is known; what it means for rooms comes out.

use std::collections::{BTreeMap, BTreeSet};

use parlour_protocol::ids::{RoomId, UserId};

use super::{Directory, Node, NodeRecord, Role};
use crate::access::Override;

/// A change that was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A node is there, with this record.
    Node(RoomId, NodeRecord),
    /// A user is in a node with this role, or not any more.
    Membership(RoomId, UserId, Option<Role>),
    /// A user is shut out, or let in again.
    Deactivated(UserId, bool),
}

/// What changes mean for one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Who is in it now and wasn't before.
    pub joined: Vec<UserId>,
    /// Who was in it before and isn't now.
    pub left: Vec<UserId>,
}

impl Directory {
    /// Applies changes; tells whose rooms they change, and how.
    pub fn apply(&mut self, changes: &[Change]) -> BTreeMap<RoomId, Delta> {
        let users = self.touched(changes);
        let before: Vec<BTreeSet<RoomId>> = users.iter().map(|user| self.rooms_of(*user)).collect();
        for change in changes {
            self.apply_one(change);
        }
        let mut deltas: BTreeMap<RoomId, Delta> = BTreeMap::new();
        for (user, before) in users.into_iter().zip(before) {
            let after = self.rooms_of(user);
            for room in after.difference(&before) {
                deltas.entry(*room).or_default().joined.push(user);
            }
            for room in before.difference(&after) {
                deltas.entry(*room).or_default().left.push(user);
            }
        }
        deltas
    }

    /// The users whose rooms may change.
    fn touched(&self, changes: &[Change]) -> BTreeSet<UserId> {
        let mut users = BTreeSet::new();
        for change in changes {
            match change {
                Change::Membership(_, user, _) | Change::Deactivated(user, _) => {
                    users.insert(*user);
                }
                Change::Node(id, record) => {
                    let flows = |now: &NodeRecord| {
                        now.parent != record.parent || now.archived != record.archived
                    };
                    let hears = |now: &NodeRecord| {
                        now.overrides != record.overrides
                            && (concerns_view(now) || concerns_view(record))
                    };
                    if self.node(*id).is_some_and(|now| flows(now) || hears(now)) {
                        users.extend(self.users_of_subtree(*id));
                    }
                }
            }
        }
        users
    }

    pub(super) fn apply_one(&mut self, change: &Change) {
        match change {
            Change::Node(id, record) => self.put_node(*id, record.clone()),
            Change::Membership(node, user, role) => self.put_membership(*node, *user, role.clone()),
            Change::Deactivated(user, true) => {
                self.deactivated.insert(*user);
            }
            Change::Deactivated(user, false) => {
                self.deactivated.remove(user);
            }
        }
    }

    fn put_node(&mut self, id: RoomId, record: NodeRecord) {
        let before = self.nodes.get(&id).and_then(|node| node.record.parent);
        if let Some(parent) = before.and_then(|parent| self.nodes.get_mut(&parent)) {
            parent.children.remove(&id);
        }
        if let Some(parent) = record.parent.and_then(|parent| self.nodes.get_mut(&parent)) {
            parent.children.insert(id);
        }
        let said_before = self.node(id).is_some_and(concerns_view);
        self.view_overrides += usize::from(concerns_view(&record));
        self.view_overrides -= usize::from(said_before);
        match self.nodes.get_mut(&id) {
            Some(node) => node.record = record,
            None => {
                let node = Node { record, children: BTreeSet::new(), members: BTreeMap::new() };
                self.nodes.insert(id, node);
            }
        }
    }

    fn put_membership(&mut self, id: RoomId, user: UserId, role: Option<Role>) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        match role {
            Some(role) => {
                if node.members.insert(user, role).is_none() {
                    self.by_user.entry(user).or_default().push(id);
                }
            }
            None => {
                node.members.remove(&user);
                if let Some(nodes) = self.by_user.get_mut(&user) {
                    nodes.retain(|node| *node != id);
                    if nodes.is_empty() {
                        self.by_user.remove(&user);
                    }
                }
            }
        }
    }
}

fn concerns_view(record: &NodeRecord) -> bool {
    record.overrides.iter().any(Override::concerns_view)
}

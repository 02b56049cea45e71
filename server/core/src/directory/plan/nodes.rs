//! Planning what becomes of nodes.

use std::sync::Arc;

use parlour_protocol::{
    access::OverridesChanged,
    directory::{NodeKind, Outcome, PutNode, PutOverrides},
    generated::EventMessage,
    ids::RoomId,
    limits,
    room::{RoomArchived, RoomRenamed, TopicChanged},
};

use super::{Planner, Wrong, people::CREATOR, wrong};
use crate::{
    access::Override,
    directory::{NodeRecord, Role, rows::RoomNotice},
    identity,
};

impl Planner<'_> {
    pub(super) fn put_node(&mut self, put: &PutNode) -> Result<Outcome, Wrong> {
        let id = identity::node_id(self.base.org(), &put.key);
        match self.node(id).cloned() {
            Some(record) => self.change_node(id, record, put),
            None => self.create_node(id, put),
        }
    }

    fn create_node(&mut self, id: RoomId, put: &PutNode) -> Result<Outcome, Wrong> {
        let kind = NodeKind::try_from(put.kind).unwrap_or(NodeKind::Unspecified);
        let is_root = put.key.is_empty();
        match (kind, is_root) {
            (NodeKind::Unspecified, _) => return Err(wrong("kind", "is missing or not known")),
            (NodeKind::Organization, true) => {}
            (NodeKind::Organization, false) => {
                return Err(wrong("kind", "there is one organization, and its key is empty"));
            }
            (_, true) => return Err(wrong("key", "is empty, as only the organization's is")),
            (_, false) => check_key(&put.key)?,
        }
        let name = put.name.clone().ok_or_else(|| wrong("name", "is missing"))?;
        let parent = match is_root {
            true => None,
            false => Some(self.parent(id, kind, put.parent.as_deref().unwrap_or_default())?),
        };
        let record = NodeRecord {
            key: put.key.as_str().into(),
            kind,
            parent,
            name: checked_name(name)?,
            topic: checked_topic(put.topic.clone().unwrap_or_default())?,
            private: put.private.unwrap_or_default(),
            archived: put.archived.unwrap_or_default(),
            creator: self.by,
            overrides: Arc::default(),
        };
        self.nodes.insert(id, record);
        if is_root {
            self.everyone = true;
            // Whoever makes it has it, unless it is an operator.
            if self.users.contains_key(&self.by) {
                let owner = Role::parse(Role::OWNER).expect("a role's name");
                self.set_role(id, self.by, Some(owner));
            }
        }
        if kind == NodeKind::Task && self.role_in(self.base.root(), self.by).is_some() {
            let role = Role::parse(CREATOR).expect("a role's name");
            self.set_role(id, self.by, Some(role));
        }
        Ok(Outcome::Created)
    }

    fn change_node(
        &mut self,
        id: RoomId,
        before: NodeRecord,
        put: &PutNode,
    ) -> Result<Outcome, Wrong> {
        if put.kind != NodeKind::Unspecified as i32 && put.kind != before.kind as i32 {
            return Err(wrong("kind", "can't be changed"));
        }
        let is_root = before.parent.is_none();
        if is_root && (put.archived == Some(true) || put.private == Some(true)) {
            return Err(wrong("", "the organization itself can't be archived or private"));
        }
        let mut record = before.clone();
        if let Some(name) = &put.name {
            record.name = checked_name(name.clone())?;
        }
        if let Some(topic) = &put.topic {
            record.topic = checked_topic(topic.clone())?;
        }
        match put.parent.as_deref() {
            Some("") | None if is_root => {}
            Some(_) if is_root => return Err(wrong("parent", "nothing is above the organization")),
            Some(parent) => record.parent = Some(self.parent(id, before.kind, parent)?),
            None => {}
        }
        record.private = put.private.unwrap_or(record.private);
        record.archived = put.archived.unwrap_or(record.archived);
        if record == before {
            return Ok(Outcome::None);
        }
        if record.parent != before.parent || record.archived != before.archived {
            self.told_subtrees.insert(id);
        }
        self.notice_changes(id, &before, &record);
        self.nodes.insert(id, record);
        Ok(Outcome::Changed)
    }

    pub(super) fn put_overrides(&mut self, put: &PutOverrides) -> Result<Outcome, Wrong> {
        let id = identity::node_id(self.base.org(), &put.node);
        let record = self.node(id).cloned().ok_or_else(|| wrong("node", "no such node"))?;
        let overrides =
            Override::parse_all(&put.overrides).map_err(|why| wrong("overrides", why))?;
        if record.overrides[..] == overrides[..] {
            return Ok(Outcome::None);
        }
        let hears = |all: &[Override]| all.iter().any(Override::concerns_view);
        if hears(&record.overrides) || hears(&overrides) {
            self.told_subtrees.insert(id);
        }
        let body =
            OverridesChanged { overrides: overrides.iter().map(Override::to_wire).collect() };
        self.notice(id, &body);
        self.nodes.insert(id, NodeRecord { overrides: overrides.into(), ..record });
        Ok(Outcome::Changed)
    }

    /// What the rooms' logs say of it.
    fn notice_changes(&mut self, id: RoomId, before: &NodeRecord, after: &NodeRecord) {
        if before.name != after.name {
            self.notice(id, &RoomRenamed { name: after.name.clone() });
        }
        if before.topic != after.topic {
            self.notice(id, &TopicChanged { topic: after.topic.clone() });
        }
        if before.archived != after.archived {
            // The rooms below are read only with it.
            for node in self.base.subtree(id) {
                self.notice(node, &RoomArchived { archived: after.archived });
            }
        }
    }

    fn notice<M: EventMessage>(&mut self, room: RoomId, body: &M) {
        self.notices.push(RoomNotice {
            room: room.to_field(),
            kind: M::RULE.kind,
            body: body.encode_to_vec().into(),
            sender: self.by.to_field(),
        });
    }

    /// The node above, if the kind may stand below it and doesn't stand above it already.
    fn parent(&self, id: RoomId, kind: NodeKind, key: &str) -> Result<RoomId, Wrong> {
        let parent = identity::node_id(self.base.org(), key);
        let Some(record) = self.node(parent) else {
            let why = match key {
                "" => "the organization has no directory yet: put it first, with an empty key",
                _ => "no such node",
            };
            return Err(wrong("parent", why));
        };
        match (kind, record.kind) {
            (NodeKind::Task, NodeKind::Project) => {}
            (NodeKind::Task, _) => return Err(wrong("parent", "a task belongs to a project")),
            (_, NodeKind::Task) => return Err(wrong("parent", "nothing stands below a task")),
            _ => {}
        }
        let next = |id: &RoomId| self.node(*id).and_then(|record| record.parent);
        if std::iter::successors(Some(parent), next).any(|above| above == id) {
            return Err(wrong("parent", "is the node itself or below it"));
        }
        Ok(parent)
    }
}

fn check_key(key: &str) -> Result<(), Wrong> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/".contains(&b);
    if key.len() <= limits::NODE_KEY_BYTES_MAX && key.bytes().all(plain) {
        return Ok(());
    }
    Err(wrong("key", "is not 1 to 64 of a-z 0-9 . _ - /"))
}

fn checked_name(name: String) -> Result<String, Wrong> {
    match name.trim().len() {
        0 => Err(wrong("name", "is empty")),
        _ if name.len() > limits::ROOM_NAME_BYTES_MAX => Err(wrong("name", "is over 200 bytes")),
        _ => Ok(name),
    }
}

fn checked_topic(topic: String) -> Result<String, Wrong> {
    match topic.len() > limits::TOPIC_BYTES_MAX {
        true => Err(wrong("topic", "is over 1,024 bytes")),
        false => Ok(topic),
    }
}

//! A directory's rows in the store. Fields are numbered like a protocol: never reused.

use bytes::Bytes;
use parlour_protocol::{
    access as wire,
    directory::NodeKind,
    ids::{OrgId, RoomId, UserId},
};
use prost::Message;

use super::{NodeRecord, Role};
use crate::{
    access::Override,
    ports::store::{Put, StoreError},
    records::key,
    tables::Table,
};

/// A row of `Table::NODES`.
#[derive(Clone, PartialEq, Message)]
pub struct NodeRow {
    /// The node's key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// `NodeKind`.
    #[prost(int32, tag = "2")]
    pub kind: i32,
    /// Empty for the root.
    #[prost(bytes = "bytes", tag = "3")]
    pub parent: Bytes,
    /// What people call it.
    #[prost(string, tag = "4")]
    pub name: String,
    /// What it is for.
    #[prost(string, tag = "5")]
    pub topic: String,
    /// Whether only those in it see it.
    #[prost(bool, tag = "6")]
    pub private: bool,
    /// Whether it is archived by itself.
    #[prost(bool, tag = "7")]
    pub archived: bool,
    /// Who made it.
    #[prost(bytes = "bytes", tag = "8")]
    pub creator: Bytes,
    /// What it says of permissions.
    #[prost(message, repeated, tag = "9")]
    pub overrides: Vec<wire::PermissionOverride>,
}

/// A row of `Table::MEMBERSHIPS`.
#[derive(Clone, PartialEq, Message)]
pub struct MembershipRow {
    /// The role's name.
    #[prost(string, tag = "1")]
    pub role: String,
}

/// A row of `Table::DIRECTORY_OUTBOX`: what follows from a change, at least once.
#[derive(Clone, PartialEq, Message)]
pub struct DirectoryJobRow {
    /// Users whose own logs are to say which rooms they are in.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub users: Vec<Bytes>,
    /// The same for everyone in these nodes and below.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub subtrees: Vec<Bytes>,
    /// Events for the logs of rooms.
    #[prost(message, repeated, tag = "3")]
    pub notices: Vec<RoomNotice>,
    /// Whether everyone who has a row is to be put into the organization.
    #[prost(bool, tag = "4")]
    pub everyone: bool,
    /// What users own goes to others.
    #[prost(message, repeated, tag = "5")]
    pub hand_overs: Vec<HandOverRow>,
}

/// What a user owns goes to another.
#[derive(Clone, PartialEq, Message)]
pub struct HandOverRow {
    /// Whose it is.
    #[prost(bytes = "bytes", tag = "1")]
    pub from: Bytes,
    /// Who gets it.
    #[prost(bytes = "bytes", tag = "2")]
    pub to: Bytes,
    /// Who says so.
    #[prost(bytes = "bytes", tag = "3")]
    pub by: Bytes,
}

/// An event for a room's log.
#[derive(Clone, PartialEq, Message)]
pub struct RoomNotice {
    /// Which room.
    #[prost(bytes = "bytes", tag = "1")]
    pub room: Bytes,
    /// The event's kind.
    #[prost(uint32, tag = "2")]
    pub kind: u32,
    /// The event's body.
    #[prost(bytes = "bytes", tag = "3")]
    pub body: Bytes,
    /// Who caused it.
    #[prost(bytes = "bytes", tag = "4")]
    pub sender: Bytes,
}

impl NodeRow {
    /// The row of a record.
    pub fn of(record: &NodeRecord) -> Self {
        NodeRow {
            key: record.key.to_string(),
            kind: record.kind as i32,
            parent: record.parent.map(|parent| parent.to_field()).unwrap_or_default(),
            name: record.name.clone(),
            topic: record.topic.clone(),
            private: record.private,
            archived: record.archived,
            creator: record.creator.to_field(),
            overrides: record.overrides.iter().map(Override::to_wire).collect(),
        }
    }

    /// The record of a row.
    pub fn into_record(self) -> Result<NodeRecord, StoreError> {
        let parent = match self.parent.len() {
            0 => None,
            _ => Some(RoomId::parse(&self.parent).map_err(|_| StoreError::Damaged)?),
        };
        Ok(NodeRecord {
            key: self.key.into(),
            kind: NodeKind::try_from(self.kind).map_err(|_| StoreError::Damaged)?,
            parent,
            name: self.name,
            topic: self.topic,
            private: self.private,
            archived: self.archived,
            creator: UserId::parse(&self.creator).map_err(|_| StoreError::Damaged)?,
            overrides: Override::parse_all(&self.overrides)
                .map_err(|_| StoreError::Damaged)?
                .into(),
        })
    }
}

/// The write of a node.
pub fn node_put(org: OrgId, id: RoomId, record: &NodeRecord) -> Put {
    let value = Some(NodeRow::of(record).encode_to_vec().into());
    Put { table: Table::NODES, key: key(&[org.as_bytes(), id.as_bytes()]), value }
}

/// The write of a membership; `None` ends it.
pub fn membership_put(org: OrgId, node: RoomId, user: UserId, role: Option<&Role>) -> Put {
    let row = |role: &Role| MembershipRow { role: role.name().to_owned() }.encode_to_vec().into();
    let key = key(&[org.as_bytes(), node.as_bytes(), user.as_bytes()]);
    Put { table: Table::MEMBERSHIPS, key, value: role.map(row) }
}

/// org ‖ seq ‖ part, for `DIRECTORY_OUTBOX`.
pub fn outbox_key(org: OrgId, seq: u64, part: u32) -> Bytes {
    key(&[org.as_bytes(), &seq.to_be_bytes(), &part.to_be_bytes()])
}

//! The organization's tree of departments, teams, projects and tasks.

pub use parlour_protocol::directory::{
    Change, EndMembership, NodeKind, Outcome, PutMembership, PutNode, PutUser,
    change::Change as What,
};
use parlour_protocol::{
    directory::{ChangeDirectoryRequest, ListNodesRequest, Node as WireNode},
    generated::rpc,
    ids::RoomId,
    limits::{DIRECTORY_CHANGES_MAX, NODE_PAGE_MAX},
};

use crate::{Room, error::CallError, handle::Handle};

/// The directory of the user's organization. Cheap to clone; it doesn't keep the client alive.
#[derive(Clone, Debug)]
pub struct Directory {
    handle: Handle,
}

/// A node of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id, which is its room's.
    pub id: RoomId,
    /// Its name in files and calls; empty for the organization.
    pub key: String,
    /// What it is.
    pub kind: NodeKind,
    /// The node above; `None` for the organization.
    pub parent: Option<RoomId>,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub topic: String,
    /// Whether only those in its room see it.
    pub is_private: bool,
    /// Whether its room is read only.
    pub is_archived: bool,
}

impl Directory {
    pub(crate) fn new(handle: Handle) -> Self {
        Directory { handle }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Every node the user may see, in the order of their ids; none where the organization has no
    /// directory.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn nodes(&self) -> Result<Vec<Node>, CallError> {
        let mut nodes = Vec::new();
        let mut request =
            ListNodesRequest { page_size: NODE_PAGE_MAX as u32, ..Default::default() };
        loop {
            let page = self.handle.call::<rpc::ListNodes>(request.clone()).await?;
            nodes.extend(page.nodes.into_iter().filter_map(parse));
            if page.next_page.is_empty() {
                return Ok(nodes);
            }
            request.page = page.next_page;
        }
    }

    /// The room of a node. The user may not be in it.
    pub fn room(&self, node: &Node) -> Room {
        Room::new(node.id, self.handle.clone())
    }

    /// Makes all of these changes or none, and says what each did. At most 1,000.
    ///
    /// # Errors
    /// `INVALID_FIELD` with the change and field that is wrong, `SCOPE_MISSING` without
    /// `admin:directory`; otherwise as the server refuses, or when the client is gone.
    pub async fn change(
        &self,
        changes: impl IntoIterator<Item = What>,
    ) -> Result<Vec<Outcome>, CallError> {
        self.send(changes, false).await
    }

    /// Says what [`Directory::change`] would do.
    ///
    /// # Errors
    /// As [`Directory::change`].
    pub async fn try_change(
        &self,
        changes: impl IntoIterator<Item = What>,
    ) -> Result<Vec<Outcome>, CallError> {
        self.send(changes, true).await
    }

    async fn send(
        &self,
        changes: impl IntoIterator<Item = What>,
        dry_run: bool,
    ) -> Result<Vec<Outcome>, CallError> {
        let changes = changes.into_iter().map(|what| Change { change: Some(what) });
        // One more than allowed is enough for the server to refuse them.
        let changes = changes.take(DIRECTORY_CHANGES_MAX + 1).collect();
        let request = ChangeDirectoryRequest { changes, dry_run };
        let answer = self.handle.call::<rpc::ChangeDirectory>(request).await?;
        let outcome = |number| Outcome::try_from(number).unwrap_or(Outcome::Unspecified);
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }
}

fn parse(node: WireNode) -> Option<Node> {
    Some(Node {
        id: RoomId::parse(&node.id).ok()?,
        key: node.key,
        kind: NodeKind::try_from(node.kind).unwrap_or(NodeKind::Unspecified),
        parent: RoomId::parse(&node.parent).ok(),
        name: node.name,
        topic: node.topic,
        is_private: node.private,
        is_archived: node.archived,
    })
}

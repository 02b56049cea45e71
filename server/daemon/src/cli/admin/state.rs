//! The organization as it is: everything that a file is compared with.

use std::collections::BTreeMap;

use bytes::Bytes;
use parlour_protocol::{
    directory::{ListMembershipsRequest, ListNodesRequest, Membership, Node},
    generated::rpc::{ListMemberships, ListNodes},
};

use super::{Line, Outcome};

/// See the module.
#[derive(Default)]
pub(super) struct State {
    /// Nodes by key.
    pub(super) nodes: BTreeMap<String, Node>,
    /// Keys by id.
    pub(super) keys: BTreeMap<Bytes, String>,
    /// Who is in which node directly: node's key, subject.
    pub(super) members: BTreeMap<String, BTreeMap<String, Membership>>,
}

impl State {
    /// Reads the nodes.
    pub(super) async fn read(line: &Line) -> Outcome<Self> {
        let mut state = State::default();
        let mut request = ListNodesRequest { page_size: 200, ..Default::default() };
        loop {
            let page = line.call::<ListNodes>(&request).await?;
            for node in page.nodes {
                state.keys.insert(node.id.clone(), node.key.clone());
                state.nodes.insert(node.key.clone(), node);
            }
            if page.next_page.is_empty() {
                return Ok(state);
            }
            request.page = page.next_page;
        }
    }

    /// Reads who is in a node that is there.
    pub(super) async fn read_members(&mut self, line: &Line, node: &str) -> Outcome {
        let mut request =
            ListMembershipsRequest { node: node.into(), page_size: 200, ..Default::default() };
        let members = self.members.entry(node.to_owned()).or_default();
        loop {
            let page = line.call::<ListMemberships>(&request).await?;
            for membership in page.memberships {
                let subject = membership.user.as_ref().map(|user| user.subject.clone());
                members.insert(subject.unwrap_or_default(), membership);
            }
            if page.next_page.is_empty() {
                return Ok(());
            }
            request.page = page.next_page;
        }
    }

    /// Everyone in a node, as far as it was read.
    pub(super) fn members_of(&self, node: &str) -> Option<&BTreeMap<String, Membership>> {
        self.members.get(node)
    }

    /// The key of the node above, empty for the organization.
    pub(super) fn parent_key(&self, node: &Node) -> String {
        self.keys.get(&node.parent).cloned().unwrap_or_default()
    }
}

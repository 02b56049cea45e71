//! The file of `parlour admin apply`: an organization as it should be.

use std::collections::BTreeMap;

use parlour_protocol::directory::NodeKind;
use serde::Deserialize;

/// See the module; docs/directory.md describes every key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) organization: Organization,
    #[serde(default)]
    pub(super) users: Vec<User>,
    #[serde(default)]
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    /// The `org` of the tokens.
    pub(super) org: String,
    pub(super) name: String,
    pub(super) topic: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    /// The `sub` of the user's tokens.
    pub(super) subject: String,
    pub(super) role: Option<String>,
    pub(super) name: Option<String>,
    pub(super) handle: Option<String>,
    pub(super) title: Option<String>,
    pub(super) pronouns: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) locale: Option<String>,
    #[serde(default)]
    pub(super) deactivated: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The key of the node above; the organization where there is none.
    #[serde(default)]
    pub(super) parent: String,
    pub(super) topic: Option<String>,
    #[serde(default)]
    pub(super) private: bool,
    #[serde(default)]
    pub(super) archived: bool,
    /// Everyone in it; left as they are where the key is missing.
    pub(super) members: Option<Vec<String>>,
    /// Other roles than `member`, by subject.
    #[serde(default)]
    pub(super) roles: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Department,
    Team,
    Project,
    Task,
}

impl Kind {
    /// The same as the protocol has it.
    pub(super) fn on_the_wire(self) -> NodeKind {
        match self {
            Kind::Department => NodeKind::Department,
            Kind::Team => NodeKind::Team,
            Kind::Project => NodeKind::Project,
            Kind::Task => NodeKind::Task,
        }
    }
}

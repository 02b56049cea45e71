//! Who may hear, see and do what, worked out word by word from PROTOCOL.md's sections 19 and 20:
//! slowly, without anything of the server's.

use std::collections::{BTreeMap, BTreeSet};

/// Permissions that the oracle looks at, with their numbers in the protocol.
pub(super) const VIEW: u8 = 1;
pub(super) const SEND: u8 = 2;
pub(super) const REPLY: u8 = 4;
pub(super) const ATTACH: u8 = 5;
pub(super) const MENTION_EVERYONE: u8 = 6;
pub(super) const MODERATE: u8 = 7;
pub(super) const REMOVE_MEMBERS: u8 = 10;
pub(super) const MANAGE_ROOM: u8 = 11;
pub(super) const MANAGE_PERMISSIONS: u8 = 12;

/// A user, by number.
pub(super) type User = usize;
/// A room, by number: nodes first, the organization being 0, then groups.
pub(super) type Room = usize;

/// For whom an override is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    Everyone,
    Role(&'static str),
    User(User),
}

/// One override: for whom, what is allowed, what is denied.
pub(super) type Override = (Whom, BTreeSet<u8>, BTreeSet<u8>);

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) parent: Option<Room>,
    pub(super) kind: &'static str,
    pub(super) private: bool,
    pub(super) archived: bool,
    pub(super) members: BTreeMap<User, &'static str>,
    pub(super) overrides: Vec<Override>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) creator: User,
    pub(super) members: BTreeSet<User>,
    pub(super) overrides: Vec<Override>,
}

/// Everything that decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) nodes: Vec<Node>,
    pub(super) groups: Vec<Group>,
    pub(super) deactivated: BTreeSet<User>,
}

impl Model {
    /// The user's role in the organization.
    pub(super) fn role(&self, user: User) -> Option<&'static str> {
        self.nodes.first()?.members.get(&user).copied()
    }

    /// Whether being in the node `from` makes one a member of the node `to`'s room.
    fn flows(&self, from: Room, to: Room) -> bool {
        if from == to {
            return true;
        }
        let node = &self.nodes[from];
        !node.archived && node.parent.is_some_and(|parent| self.flows(parent, to))
    }

    /// Whether the user is in the room.
    pub(super) fn is_in(&self, room: Room, user: User) -> bool {
        if room >= self.nodes.len() {
            let group = self.groups.get(room - self.nodes.len());
            return group.is_some_and(|group| group.members.contains(&user));
        }
        if self.deactivated.contains(&user) {
            return false;
        }
        let by_node = match self.role(user) {
            Some("guest") => room != 0 && self.nodes[room].members.contains_key(&user),
            _ => (0..self.nodes.len())
                .any(|at| self.nodes[at].members.contains_key(&user) && self.flows(at, room)),
        };
        by_node && self.may(room, user, VIEW)
    }

    /// The node and those above it, from the organization down.
    fn path(&self, room: Room) -> Vec<Room> {
        let mut path = vec![];
        let mut at = Some(room);
        while let Some(node) = at {
            path.insert(0, node);
            at = self.nodes[node].parent;
        }
        path
    }

    /// Whether nothing can be written there.
    pub(super) fn is_read_only(&self, room: Room) -> bool {
        room < self.nodes.len() && self.path(room).iter().any(|at| self.nodes[*at].archived)
    }

    /// Whether the user sees the node in the list of nodes.
    pub(super) fn is_shown(&self, room: Room, user: User) -> bool {
        let private = self.path(room).iter().any(|at| self.nodes[*at].private);
        let outsider = self.role(user).is_none_or(|role| role == "guest");
        if private || outsider { self.is_in(room, user) } else { true }
    }

    /// Whether the user, being in the room, may do that.
    pub(super) fn may(&self, room: Room, user: User, what: u8) -> bool {
        let role = self.role(user).unwrap_or("member");
        let Some(group) = room.checked_sub(self.nodes.len()).map(|group| &self.groups[group])
        else {
            if role == "owner" {
                return true;
            }
            let large = matches!(self.nodes[room].kind, "organization" | "department");
            let (mut held, mut levels) = (vec![], vec![]);
            for at in self.path(room) {
                held.extend(self.nodes[at].members.get(&user).copied());
                levels.push((&self.nodes[at].overrides, held.clone()));
            }
            return decide(base(role, large, what), user, what, &levels);
        };
        if group.creator == user {
            return true;
        }
        let role = if role == "guest" { "guest" } else { "member" };
        let held: Vec<_> = self.role(user).into_iter().collect();
        decide(base(role, false, what), user, what, &[(&group.overrides, held)])
    }
}

fn base(role: &str, large: bool, what: u8) -> bool {
    match role {
        "owner" | "admin" => true,
        "guest" => (VIEW..=5).contains(&what),
        _ if large && [MENTION_EVERYONE, 8, MANAGE_ROOM].contains(&what) => false,
        _ => ![MODERATE, REMOVE_MEMBERS, MANAGE_PERMISSIONS, 14, 16, 17].contains(&what),
    }
}

/// Level by level for roles; then what is said for the user alone, nearest level first.
fn decide(base: bool, user: User, what: u8, levels: &[(&Vec<Override>, Vec<&str>)]) -> bool {
    let alone = levels.iter().rev().find_map(|(overrides, _)| {
        let (_, allow, deny) = overrides.iter().find(|(whom, ..)| *whom == Whom::User(user))?;
        match (allow.contains(&what), deny.contains(&what)) {
            (_, true) => Some(false),
            (true, false) => Some(true),
            (false, false) => None,
        }
    });
    if let Some(alone) = alone {
        return alone;
    }
    let mut may = base;
    for (overrides, held) in levels {
        let counts = |whom: &Whom| match whom {
            Whom::Everyone => true,
            Whom::Role(role) => held.contains(role),
            Whom::User(_) => false,
        };
        let said: Vec<&Override> = overrides.iter().filter(|(whom, ..)| counts(whom)).collect();
        if said.iter().any(|(_, allow, _)| allow.contains(&what)) {
            may = true;
        }
        if said.iter().any(|(.., deny)| deny.contains(&what)) {
            may = false;
        }
    }
    may
}

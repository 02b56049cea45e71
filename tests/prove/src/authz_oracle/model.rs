//! Who may hear, see and do what, worked out word by word from PROTOCOL.md's sections 19 and 20:
//! slowly, without anything of the server's.

use std::collections::{BTreeMap, BTreeSet};

/// Permissions that the oracle looks at, with their numbers in the protocol.
pub(super) const VIEW: u8 = 1;
pub(super) const SEND: u8 = 2;
pub(super) const REACT: u8 = 3;
pub(super) const REPLY: u8 = 4;
pub(super) const ATTACH: u8 = 5;
pub(super) const MENTION_EVERYONE: u8 = 6;
pub(super) const MODERATE: u8 = 7;
pub(super) const PIN: u8 = 8;
pub(super) const ADD_MEMBERS: u8 = 9;
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

/// What a room is that isn't the directory's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Group,
    Direct,
    Private,
}

/// A room that isn't the directory's.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) kind: Kind,
    pub(super) creator: User,
    pub(super) members: BTreeSet<User>,
    pub(super) overrides: Vec<Override>,
    pub(super) open: bool,
    pub(super) archived: bool,
    pub(super) banned: BTreeSet<User>,
}

/// Everything that decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) nodes: Vec<Node>,
    pub(super) groups: Vec<Group>,
    pub(super) deactivated: BTreeSet<User>,
    /// Who has blocked whom.
    pub(super) blocks: BTreeSet<(User, User)>,
    /// Seconds after which what is said in a room disappears; 0, or none, for never.
    pub(super) expiries_s: BTreeMap<Room, u32>,
}

impl Model {
    /// The user's role in the organization.
    pub(super) fn role(&self, user: User) -> Option<&'static str> {
        self.nodes.first()?.members.get(&user).copied()
    }

    /// The room, if it isn't the directory's.
    pub(super) fn group(&self, room: Room) -> Option<&Group> {
        self.groups.get(room.checked_sub(self.nodes.len())?)
    }

    /// The same, to be changed.
    pub(super) fn group_mut(&mut self, room: Room) -> Option<&mut Group> {
        self.groups.get_mut(room.checked_sub(self.nodes.len())?)
    }

    pub(super) fn is_guest(&self, user: User) -> bool {
        self.role(user) == Some("guest")
    }

    /// Whether one of the two has blocked the other.
    pub(super) fn are_apart(&self, a: User, b: User) -> bool {
        self.blocks.contains(&(a, b)) || self.blocks.contains(&(b, a))
    }

    /// Whether it is a direct room of two of whom one has blocked the other.
    pub(super) fn is_apart(&self, room: Room) -> bool {
        self.group(room).is_some_and(|group| {
            let members: Vec<User> = group.members.iter().copied().collect();
            group.kind == Kind::Direct && self.are_apart(members[0], members[1])
        })
    }

    /// Whether the room is there for the user to join, or to look at before they do.
    pub(super) fn is_offered(&self, room: Room, user: User) -> bool {
        let is_open = |group: &Group| group.open && !group.archived;
        self.group(room).is_some_and(is_open) && !self.is_guest(user)
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
        if let Some(group) = self.group(room) {
            return group.members.contains(&user);
        }
        if room >= self.nodes.len() {
            return false;
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
        match self.group(room) {
            Some(group) => group.archived,
            None => self.path(room).iter().any(|at| self.nodes[*at].archived),
        }
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
        if group.kind == Kind::Group && group.creator == user {
            return true;
        }
        if self.is_apart(room) {
            return what == VIEW;
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
        _ => ![MODERATE, REMOVE_MEMBERS, MANAGE_PERMISSIONS, 14, 15, 16, 17].contains(&what),
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

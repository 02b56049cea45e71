//! Permissions: a set of bits, worked out from the role in the organization, then level by level
//! down to the room, then what is said for the user alone. Nearer wins; at one level, what is
//! denied beats what is allowed.

use std::ops::BitOr;

use parlour_protocol::{
    access::{self as wire, Permission, permission_override::Subject as WireSubject},
    ids::UserId,
    limits,
    room::RoomKind,
};

use crate::directory::Role;

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bits(u64);

impl Bits {
    /// Every permission, known here or not.
    pub const ALL: Bits = Bits(u64::MAX);
    /// None.
    pub const NONE: Bits = Bits(0);

    /// A set as it travels.
    pub const fn from_wire(bits: u64) -> Self {
        Bits(bits)
    }

    /// The set as it travels.
    pub const fn to_wire(self) -> u64 {
        self.0
    }

    /// These permissions.
    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < permissions.len() {
            bits |= 1 << (permissions[i] as u64 - 1);
            i += 1;
        }
        Bits(bits)
    }

    /// Whether the permission is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & Bits::of(&[permission]).0 != 0
    }

    /// Whether all of the others are among them.
    pub const fn has_all(self, others: Bits) -> bool {
        others.0 & !self.0 == 0
    }

    /// What is left where nothing may be written any more.
    pub const fn only_reads(self) -> Self {
        Bits(self.0 & Bits::of(&[Permission::View]).0)
    }

    const fn without(self, others: Bits) -> Self {
        Bits(self.0 & !others.0)
    }
}

impl BitOr for Bits {
    type Output = Bits;

    fn bitor(self, other: Bits) -> Bits {
        Bits(self.0 | other.0)
    }
}

/// For whom an override is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Everyone.
    Everyone,
    /// Those with a role.
    Role(Role),
    /// One user.
    User(UserId),
}

/// What a node or room says otherwise than the level above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// For whom.
    pub subject: Subject,
    /// Permissions given.
    pub allow: Bits,
    /// Permissions taken.
    pub deny: Bits,
}

/// The role name that means everyone.
const EVERYONE: &str = "everyone";

impl Override {
    /// Overrides as they travel, or what is wrong with them.
    pub fn parse_all(
        overrides: &[wire::PermissionOverride],
    ) -> Result<Vec<Override>, &'static str> {
        if overrides.len() > limits::OVERRIDES_MAX {
            return Err("are more than 100");
        }
        let mut parsed: Vec<Override> = Vec::with_capacity(overrides.len());
        for one in overrides {
            let subject = match &one.subject {
                Some(WireSubject::Role(role)) if role == EVERYONE => Subject::Everyone,
                Some(WireSubject::Role(role)) => {
                    Subject::Role(Role::parse(role).map_err(|_| "name what is not a role")?)
                }
                Some(WireSubject::User(user)) => {
                    Subject::User(UserId::parse(user).map_err(|_| "name what is not a user's id")?)
                }
                None => return Err("are for nobody"),
            };
            if parsed.iter().any(|other| other.subject == subject) {
                return Err("name a role or user twice");
            }
            let (allow, deny) = (Bits(one.allow), Bits(one.deny));
            parsed.push(Override { subject, allow, deny });
        }
        Ok(parsed)
    }

    /// The override as it travels.
    pub fn to_wire(&self) -> wire::PermissionOverride {
        let subject = match &self.subject {
            Subject::Everyone => WireSubject::Role(EVERYONE.to_owned()),
            Subject::Role(role) => WireSubject::Role(role.name().to_owned()),
            Subject::User(user) => WireSubject::User(user.to_field()),
        };
        wire::PermissionOverride {
            subject: Some(subject),
            allow: self.allow.to_wire(),
            deny: self.deny.to_wire(),
        }
    }

    /// Whether it says who hears the room.
    pub fn concerns_view(&self) -> bool {
        (self.allow | self.deny).has(Permission::View)
    }
}

const GUEST: Bits = Bits::of(&[
    Permission::View,
    Permission::Send,
    Permission::React,
    Permission::Reply,
    Permission::Attach,
]);
const MEMBER: Bits = Bits::of(&[
    Permission::View,
    Permission::Send,
    Permission::React,
    Permission::Reply,
    Permission::Attach,
    Permission::MentionEveryone,
    Permission::Pin,
    Permission::AddMembers,
    Permission::ManageRoom,
    Permission::StartCall,
]);
/// What members of a room that is the directory's don't have: it isn't theirs to run, and everyone
/// is many.
const NOT_IN_NODES: Bits =
    Bits::of(&[Permission::MentionEveryone, Permission::Pin, Permission::ManageRoom]);

/// What a role gives in rooms of that kind before anything is overridden.
pub fn base(role: Option<&Role>, kind: RoomKind) -> Bits {
    let is_large = matches!(kind, RoomKind::Organization | RoomKind::Department);
    match role.map_or(Role::MEMBER, Role::name) {
        Role::OWNER | Role::ADMIN => Bits::ALL,
        Role::GUEST => GUEST,
        _ if is_large => MEMBER.without(NOT_IN_NODES),
        _ => MEMBER,
    }
}

/// Works it out for one user: `levels` from the farthest to the nearest, each with the roles that
/// the user has there.
pub fn evaluate<'a>(
    base: Bits,
    user: UserId,
    levels: impl IntoIterator<Item = (&'a [Override], Vec<&'a Role>)>,
) -> Bits {
    let (mut bits, mut alone_allow, mut alone_deny) = (base, Bits::NONE, Bits::NONE);
    for (overrides, roles) in levels {
        let (mut allow, mut deny) = (Bits::NONE, Bits::NONE);
        for one in overrides {
            match &one.subject {
                Subject::User(id) if *id == user => {
                    // The nearer level speaks last.
                    alone_allow = alone_allow.without(one.deny) | one.allow.without(one.deny);
                    alone_deny = alone_deny.without(one.allow) | one.deny;
                }
                Subject::User(_) => {}
                Subject::Role(role) if !roles.contains(&role) => {}
                Subject::Role(_) | Subject::Everyone => {
                    allow = allow | one.allow;
                    deny = deny | one.deny;
                }
            }
        }
        bits = (bits | allow).without(deny);
    }
    (bits | alone_allow).without(alone_deny)
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;

//! What one may do in a room, and who decides it.

pub use parlour_protocol::access::Permission;
use parlour_protocol::{
    access::{
        GetAccessRequest, PermissionOverride, SetOverridesRequest, permission_override::Subject,
    },
    generated::rpc,
    ids::UserId,
};

use crate::{Room, error::CallError};

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    /// None.
    pub const NONE: Permissions = Permissions(0);

    /// Whether the permission is among them.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// These and one more.
    #[must_use]
    pub fn with(self, permission: Permission) -> Self {
        Permissions(self.0 | bit(permission))
    }

    /// These without one.
    #[must_use]
    pub fn without(self, permission: Permission) -> Self {
        Permissions(self.0 & !bit(permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Permissions::NONE, Permissions::with)
    }
}

fn bit(permission: Permission) -> u64 {
    match permission as u64 {
        0 => 0,
        number => 1 << (number - 1),
    }
}

/// For whom an override is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum For {
    /// Everyone.
    Everyone,
    /// Those with a role, by its name.
    Role(String),
    /// One user.
    User(UserId),
}

/// What a room says otherwise than the level above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// For whom.
    pub subject: For,
    /// Permissions given.
    pub allow: Permissions,
    /// Permissions taken; beats what the same room gives.
    pub deny: Permissions,
}

/// What the name of a role can't be.
const EVERYONE: &str = "everyone";

impl Override {
    fn to_wire(&self) -> PermissionOverride {
        let subject = match &self.subject {
            For::Everyone => Subject::Role(EVERYONE.to_owned()),
            For::Role(role) => Subject::Role(role.clone()),
            For::User(user) => Subject::User(user.to_field()),
        };
        PermissionOverride { subject: Some(subject), allow: self.allow.0, deny: self.deny.0 }
    }

    fn parse(wire: PermissionOverride) -> Option<Self> {
        let subject = match wire.subject? {
            Subject::Role(role) if role == EVERYONE => For::Everyone,
            Subject::Role(role) => For::Role(role),
            Subject::User(user) => For::User(UserId::parse(&user).ok()?),
        };
        Some(Override { subject, allow: Permissions(wire.allow), deny: Permissions(wire.deny) })
    }
}

impl Room {
    /// What the user may do here, as of now.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND` when the user isn't in it; otherwise when the client is gone.
    pub async fn permissions(&self) -> Result<Permissions, CallError> {
        let request = GetAccessRequest { room: self.id().to_field() };
        let answer = self.handle().call::<rpc::GetAccess>(request).await?;
        Ok(Permissions(answer.permissions))
    }

    /// What the room itself says of permissions. What nodes above it say isn't shown.
    ///
    /// # Errors
    /// As [`Room::permissions`].
    pub async fn overrides(&self) -> Result<Vec<Override>, CallError> {
        let request = GetAccessRequest { room: self.id().to_field() };
        let answer = self.handle().call::<rpc::GetAccess>(request).await?;
        Ok(answer.overrides.into_iter().filter_map(Override::parse).collect())
    }

    /// Replaces what the room says of permissions: at most 100, one for each role or user.
    ///
    /// # Errors
    /// `NOT_ALLOWED` without [`Permission::ManagePermissions`], or for what the user doesn't have
    /// themselves; `INVALID_FIELD`, `DIRECT_ROOM`.
    pub async fn set_overrides(
        &self,
        overrides: impl IntoIterator<Item = Override>,
    ) -> Result<(), CallError> {
        let overrides = overrides.into_iter().map(|one| one.to_wire()).collect();
        let request = SetOverridesRequest { room: self.id().to_field(), overrides };
        self.handle().call::<rpc::SetOverrides>(request).await.map(drop)
    }

    /// Lets only those write who may change permissions, or everyone again. What else the room says
    /// stays.
    ///
    /// # Errors
    /// As [`Room::set_overrides`].
    pub async fn set_announcements_only(&self, only: bool) -> Result<(), CallError> {
        let mut overrides = self.overrides().await?;
        match overrides.iter_mut().find(|one| one.subject == For::Everyone) {
            Some(everyone) if only => everyone.deny = everyone.deny.with(Permission::Send),
            Some(everyone) => everyone.deny = everyone.deny.without(Permission::Send),
            None if only => overrides.push(Override {
                subject: For::Everyone,
                allow: Permissions::NONE,
                deny: Permissions::NONE.with(Permission::Send),
            }),
            None => {}
        }
        let says_nothing =
            |one: &Override| one.allow == Permissions::NONE && one.deny == Permissions::NONE;
        overrides.retain(|one| !says_nothing(one));
        self.set_overrides(overrides).await
    }
}

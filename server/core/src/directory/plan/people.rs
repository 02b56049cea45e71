//! Planning what becomes of users and of who is in which node.

use std::collections::BTreeSet;

use parlour_protocol::{
    directory::{EndMembership, HandOver, NodeKind, Outcome, PutMembership, PutUser},
    ids::{RoomId, UserId},
    limits,
    user::Profile,
};

use super::{Planner, Wrong, wrong};
use crate::{
    directory::{Role, rows::HandOverRow},
    identity,
    records::{Erased, UserRow},
};

/// Roles in the organization itself.
const ROLES: [&str; 4] = [Role::OWNER, Role::ADMIN, Role::MEMBER, Role::GUEST];

/// The role of whoever made a task, or got it from them.
pub(super) const CREATOR: &str = "creator";

impl Planner<'_> {
    pub(super) fn put_user(&mut self, put: &PutUser) -> Result<Outcome, Wrong> {
        let user = self.user_id(&put.subject)?;
        let root = self.base.root();
        if self.node(root).is_none() {
            return Err(wrong("", "the organization has no directory yet: put it first"));
        }
        let before = self.role_in(root, user).cloned();
        let role = match put.role.as_deref() {
            Some(role) if ROLES.contains(&role) => role,
            Some(_) => return Err(wrong("role", "is not owner, admin, member or guest")),
            None => before.as_ref().map_or(Role::MEMBER, Role::name),
        };
        let role = Role::parse(role).expect("a role's name");
        let changed = self.write_user(user, put)?;
        if before.as_ref() != Some(&role) {
            self.set_role(root, user, Some(role));
        } else if !changed {
            return Ok(Outcome::None);
        }
        Ok(if before.is_none() { Outcome::Created } else { Outcome::Changed })
    }

    /// The user's row as the change wants it; whether that is another one than before.
    fn write_user(&mut self, user: UserId, put: &PutUser) -> Result<bool, Wrong> {
        let before = self.users.get(&user).cloned();
        // Whoever was erased comes back as somebody new, and only where that is said.
        match before.as_ref().map_or(Erased::No, UserRow::erased) {
            Erased::No => {}
            Erased::UnderWay => return Err(wrong("subject", "is being erased")),
            Erased::Done if put.deactivated == Some(false) => {}
            Erased::Done => {
                let what =
                    "was erased: say that they aren't deactivated to let them in as somebody new";
                return Err(wrong("subject", what));
            }
        }
        let known = before.clone().filter(|row| !row.is_erased());
        let mut row = known.unwrap_or_else(|| UserRow {
            subject: put.subject.clone(),
            name: put.subject.clone(),
            ..UserRow::default()
        });
        if let Some(profile) = &put.profile {
            self.merge_profile(user, &mut row, profile)?;
        }
        let was_deactivated = before.as_ref().is_some_and(|row| row.deactivated);
        if let Some(deactivated) = put.deactivated
            && deactivated != was_deactivated
        {
            row.deactivated = deactivated;
            self.deactivated.insert(user, deactivated);
            self.told.insert(user);
        }
        if before.as_ref() == Some(&row) {
            return Ok(false);
        }
        self.users.insert(user, row);
        self.written.insert(user);
        Ok(true)
    }

    fn merge_profile(
        &mut self,
        user: UserId,
        row: &mut UserRow,
        wanted: &Profile,
    ) -> Result<(), Wrong> {
        merge_fields(row, wanted)?;
        let profile = row.profile.get_or_insert_default();
        match &wanted.avatar {
            Some(avatar) if !avatar.is_empty() => {
                return Err(wrong("profile.avatar", "is the user's to set, and others' to remove"));
            }
            Some(_) => self.avatars_gone.extend(profile.avatar.take().map(|hash| (hash, user))),
            None => {}
        }
        let Some(handle) = &wanted.handle else { return Ok(()) };
        check_handle(handle)?;
        if self.handles.get(handle).is_some_and(|owner| *owner != user) {
            return Err(wrong("profile.handle", "is another user's"));
        }
        if let Some(before) = profile.handle.replace(handle.clone()) {
            self.handles.remove(&before);
            self.handle_writes.insert(before, None);
        }
        self.handles.insert(handle.clone(), user);
        self.handle_writes.insert(handle.clone(), Some(user));
        Ok(())
    }

    pub(super) fn put_membership(&mut self, put: &PutMembership) -> Result<Outcome, Wrong> {
        let (node, kind) = self.named_node(&put.node)?;
        let user = self.user_id(&put.subject)?;
        let role = match (put.role.as_str(), kind) {
            ("", NodeKind::Task) => "assignee",
            ("", _) => Role::MEMBER,
            (role, _) => role,
        };
        let role = Role::parse(role).map_err(|error| wrong("role", error.to_string()))?;
        let root = self.base.root();
        if self.role_in(root, user).is_none() {
            // Somebody who came with a token before there was a directory.
            let row = self.users.get(&user).filter(|row| !row.is_erased());
            let row = row.ok_or_else(|| wrong("subject", "no such user"))?;
            let role = Role::parse(row.role_when_new()).expect("a role's name");
            self.set_role(root, user, Some(role));
        }
        match self.role_in(node, user) {
            Some(before) if *before == role => Ok(Outcome::None),
            before => {
                let outcome = before.map_or(Outcome::Created, |_| Outcome::Changed);
                self.set_role(node, user, Some(role));
                Ok(outcome)
            }
        }
    }

    pub(super) fn end_membership(&mut self, end: &EndMembership) -> Result<Outcome, Wrong> {
        let (node, _) = self.named_node(&end.node)?;
        let user = self.user_id(&end.subject)?;
        if self.role_in(node, user).is_none() {
            return Ok(Outcome::None);
        }
        self.set_role(node, user, None);
        Ok(Outcome::Removed)
    }

    pub(super) fn hand_over(&mut self, over: &HandOver) -> Result<Outcome, Wrong> {
        let of = |field: &'static str| move |Wrong(_, why): Wrong| wrong(field, why);
        let from = self.user_id(&over.from).map_err(of("from"))?;
        let to = self.user_id(&over.to).map_err(of("to"))?;
        if from == to {
            return Err(wrong("to", "is the same user"));
        }
        if !self.users.contains_key(&from) {
            return Err(wrong("from", "no such user"));
        }
        if !self.may_own(to) {
            return Err(wrong("to", "is nobody who could own it"));
        }
        let creator = Role::parse(CREATOR).expect("a role's name");
        let planned = self.roles.keys().filter(|(_, user)| *user == from).map(|(node, _)| *node);
        let nodes: BTreeSet<RoomId> =
            self.base.nodes_of(from).map(|(node, _)| node).chain(planned).collect();
        for node in nodes {
            if self.role_in(node, from) == Some(&creator) {
                self.set_role(node, from, None);
                // Who is in the task already keeps their role there.
                if self.role_in(node, to).is_none() {
                    self.set_role(node, to, Some(creator.clone()));
                }
            }
        }
        let (from, to, by) = (from.to_field(), to.to_field(), self.by.to_field());
        self.hand_overs.push(HandOverRow { from, to, by });
        // What there is stands elsewhere; it may be nothing.
        Ok(Outcome::Changed)
    }

    /// Also when all changes are made.
    pub(super) fn may_own(&self, user: UserId) -> bool {
        let is_here = self.users.get(&user).is_some_and(|row| !row.deactivated);
        let role = self.role_in(self.base.root(), user).filter(|_| is_here);
        role.is_some_and(|role| role.name() != Role::GUEST)
    }

    /// A node that users are put into one by one: any but the organization itself.
    fn named_node(&self, key: &str) -> Result<(RoomId, NodeKind), Wrong> {
        if key.is_empty() {
            return Err(wrong("node", "is the organization: put or deactivate the user instead"));
        }
        let id = identity::node_id(self.base.org(), key);
        let record = self.node(id).ok_or_else(|| wrong("node", "no such node"))?;
        Ok((id, record.kind))
    }
}

/// What a profile says besides handle and avatar.
pub(crate) fn merge_fields(row: &mut UserRow, wanted: &Profile) -> Result<(), Wrong> {
    let profile = row.profile.get_or_insert_default();
    let name_max = limits::PROFILE_NAME_BYTES_MAX;
    let fields = [
        ("profile.name", &wanted.name, &mut profile.name, name_max),
        ("profile.title", &wanted.title, &mut profile.title, name_max),
        ("profile.pronouns", &wanted.pronouns, &mut profile.pronouns, 64),
        ("profile.time_zone", &wanted.time_zone, &mut profile.time_zone, 64),
        ("profile.locale", &wanted.locale, &mut profile.locale, 35),
    ];
    for (field, wanted, has, bytes_max) in fields {
        let Some(wanted) = wanted else { continue };
        if wanted.len() > bytes_max {
            return Err(wrong(field, format!("is over {bytes_max} bytes")));
        }
        *has = (!wanted.is_empty()).then(|| wanted.clone());
    }
    if let Some(name) = &profile.name {
        row.name = name.clone();
    }
    Ok(())
}

fn check_handle(handle: &str) -> Result<(), Wrong> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if (1..=limits::HANDLE_BYTES_MAX).contains(&handle.len()) && handle.bytes().all(plain) {
        return Ok(());
    }
    Err(wrong("profile.handle", "is not 1 to 32 of a-z 0-9 . _ -"))
}

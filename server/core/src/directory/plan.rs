//! Planning: what a call's changes come to, over what is known. Nothing is changed here.

mod nodes;
mod people;

pub(crate) use people::merge_fields;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use parlour_protocol::{
    directory::{self as wire, DirectoryChanged, Outcome, change::Change as Wanted},
    generated::EventMessage,
    ids::{BlobHash, OrgId, RoomId, UserId},
    limits,
    wire::{Error, ErrorReason},
};
use prost::Message;

use super::{
    Change, Directory, DirectoryCell, NodeRecord, Role,
    rows::{DirectoryJobRow, HandOverRow, RoomNotice, membership_put, node_put},
};
use crate::{
    draft::{Draft, OrgDraft},
    identity,
    pictures::{Purpose, hidden},
    ports::store::Put,
    records::{UserRow, key, org_user},
    tables::Table,
};

/// Most users, or notices, in one row of what follows.
const JOB_PART_MAX: usize = 500;

/// What has to be read before planning: the rows that the changes name.
#[derive(Debug, Default)]
pub struct Known {
    /// Users by id; those who have no row aren't in it.
    pub users: BTreeMap<UserId, UserRow>,
    /// Who has which handle.
    pub handles: BTreeMap<String, UserId>,
}

/// What the changes come to.
#[derive(Debug, Default)]
pub struct Plan {
    /// What each change does.
    pub outcomes: Vec<Outcome>,
    /// Those that do something.
    pub effective: Vec<wire::Change>,
    /// What changes in memory.
    pub changes: Vec<Change>,
    /// What changes in the store.
    pub puts: Vec<Put>,
    /// What follows elsewhere.
    pub jobs: Vec<DirectoryJobRow>,
}

impl Plan {
    /// The draft that carries it out, decided on at that event of the directory.
    pub fn into_draft(
        self,
        cell: Arc<DirectoryCell>,
        version: u64,
        sender: UserId,
        actor: &str,
    ) -> Result<Draft, Error> {
        let body = DirectoryChanged { actor: actor.to_owned(), changes: self.effective };
        let body = body.encode_to_vec();
        if body.len() > limits::BODY_BYTES_MAX {
            return Err(Error::new(ErrorReason::BodyTooLarge, "the changes are over 60 KiB"));
        }
        Ok(Draft::Org(Box::new(OrgDraft {
            cell,
            version,
            sender,
            kind: DirectoryChanged::RULE.kind,
            body: body.into(),
            changes: self.changes,
            puts: self.puts,
            absent: vec![],
            jobs: self.jobs,
            closes: None,
        })))
    }
}

/// What is known, with what was planned so far over it.
struct Planner<'a> {
    base: &'a Directory,
    by: UserId,
    nodes: BTreeMap<RoomId, NodeRecord>,
    roles: BTreeMap<(RoomId, UserId), Option<Role>>,
    users: BTreeMap<UserId, UserRow>,
    handles: BTreeMap<String, UserId>,
    // Handles given or given up.
    handle_writes: BTreeMap<String, Option<UserId>>,
    // Users whose rows are to be written.
    written: BTreeSet<UserId>,
    deactivated: BTreeMap<UserId, bool>,
    // Whose own logs have something to say afterwards.
    told: BTreeSet<UserId>,
    told_subtrees: BTreeSet<RoomId>,
    notices: Vec<RoomNotice>,
    hand_overs: Vec<HandOverRow>,
    avatars_gone: Vec<(Bytes, UserId)>,
    // Whether those who came before there was a directory are to be put into it.
    everyone: bool,
}

/// Which field of which change is wrong, and why.
pub(crate) struct Wrong(pub(crate) String, pub(crate) String);

fn wrong(field: &str, why: impl Into<String>) -> Wrong {
    Wrong(field.to_owned(), why.into())
}

/// org ‖ handle, for `HANDLES`.
pub fn handle_key(org: OrgId, handle: &str) -> Bytes {
    key(&[org.as_bytes(), handle.as_bytes()])
}

/// Plans the changes of one call by that user.
pub fn plan(
    base: &Directory,
    by: UserId,
    wanted: &[wire::Change],
    known: Known,
) -> Result<Plan, Error> {
    if wanted.len() > limits::DIRECTORY_CHANGES_MAX {
        return Err(Error::invalid("changes", "are more than 1,000"));
    }
    let mut planner = Planner {
        base,
        by,
        nodes: BTreeMap::new(),
        roles: BTreeMap::new(),
        users: known.users,
        handles: known.handles,
        handle_writes: BTreeMap::new(),
        written: BTreeSet::new(),
        deactivated: BTreeMap::new(),
        told: BTreeSet::new(),
        told_subtrees: BTreeSet::new(),
        notices: vec![],
        hand_overs: vec![],
        avatars_gone: vec![],
        everyone: false,
    };
    let mut plan = Plan::default();
    for (i, change) in wanted.iter().enumerate() {
        let (name, result) = match &change.change {
            Some(Wanted::PutNode(put)) => ("put_node", planner.put_node(put)),
            Some(Wanted::PutUser(put)) => ("put_user", planner.put_user(put)),
            Some(Wanted::PutMembership(put)) => ("put_membership", planner.put_membership(put)),
            Some(Wanted::EndMembership(end)) => ("end_membership", planner.end_membership(end)),
            Some(Wanted::PutOverrides(put)) => ("put_overrides", planner.put_overrides(put)),
            Some(Wanted::HandOver(over)) => ("hand_over", planner.hand_over(over)),
            None => ("change", Err(wrong("", "is missing or not known here"))),
        };
        let outcome = result.map_err(|Wrong(field, why)| {
            let dot = if field.is_empty() { "" } else { "." };
            Error::invalid(format!("changes[{i}].{name}{dot}{field}"), why)
        })?;
        if outcome != Outcome::None {
            plan.effective.push(change.clone());
        }
        plan.outcomes.push(outcome);
    }
    planner.check_depths()?;
    let to = |over: &HandOverRow| UserId::parse(&over.to).is_ok_and(|to| planner.may_own(to));
    if !planner.hand_overs.iter().all(to) {
        return Err(Error::invalid("changes", "somebody who gets something leaves, too"));
    }
    planner.finish(&mut plan);
    Ok(plan)
}

impl Planner<'_> {
    fn node(&self, id: RoomId) -> Option<&NodeRecord> {
        self.nodes.get(&id).or_else(|| self.base.node(id))
    }

    fn role_in(&self, node: RoomId, user: UserId) -> Option<&Role> {
        match self.roles.get(&(node, user)) {
            Some(role) => role.as_ref(),
            None => self.base.role_in(node, user),
        }
    }

    fn user_id(&self, subject: &str) -> Result<UserId, Wrong> {
        match subject.len() {
            0 => Err(wrong("subject", "is empty")),
            n if n > limits::SUBJECT_BYTES_MAX => Err(wrong("subject", "is over 255 bytes")),
            _ => Ok(identity::user_id(self.base.org(), subject)),
        }
    }

    fn set_role(&mut self, node: RoomId, user: UserId, role: Option<Role>) {
        self.roles.insert((node, user), role);
        self.told.insert(user);
    }

    /// Every node that may have moved is checked with all below it.
    fn check_depths(&self) -> Result<(), Error> {
        let moved = self.nodes.keys().flat_map(|id| self.base.subtree(*id));
        for id in moved.chain(self.nodes.keys().copied()) {
            if self.depth(id) > limits::NODE_DEPTH_MAX {
                return Err(Error::invalid("changes", "a node would have more than 16 above it"));
            }
        }
        Ok(())
    }

    /// How many nodes stand above one, as far as it matters.
    fn depth(&self, id: RoomId) -> usize {
        let next = |id: &RoomId| self.node(*id).and_then(|record| record.parent);
        let path = std::iter::successors(Some(id), next);
        path.skip(1).take(limits::NODE_DEPTH_MAX + 1).count()
    }

    fn finish(self, plan: &mut Plan) {
        let org = self.base.org();
        // A node comes before those in it, and the one above before those below.
        let mut ids: Vec<RoomId> = self.nodes.keys().copied().collect();
        ids.sort_by_key(|id| (self.depth(*id), *id));
        for id in ids {
            let record = &self.nodes[&id];
            plan.puts.push(node_put(org, id, record));
            plan.changes.push(Change::Node(id, record.clone()));
        }
        for ((node, user), role) in self.roles {
            plan.puts.push(membership_put(org, node, user, role.as_ref()));
            plan.changes.push(Change::Membership(node, user, role));
        }
        for user in self.written {
            let row = self.users.get(&user).cloned().unwrap_or_default();
            let value = Some(row.encode_to_vec().into());
            plan.puts.push(Put { table: Table::USERS, key: org_user(org, user), value });
        }
        for (handle, user) in self.handle_writes {
            let key = handle_key(org, &handle);
            let value = user.map(|user| user.to_field());
            plan.puts.push(Put { table: Table::HANDLES, key, value });
        }
        for (hash, user) in self.avatars_gone {
            let hash = BlobHash::parse(&hash).into_iter();
            plan.puts
                .extend(hash.flat_map(|hash| hidden(org, hash, Purpose::Avatar(user), (user, 0))));
        }
        let deactivated = self.deactivated.into_iter();
        plan.changes.extend(deactivated.map(|(user, is)| Change::Deactivated(user, is)));
        plan.jobs = jobs(self.told, self.told_subtrees, self.notices);
        for part in self.hand_overs.chunks(JOB_PART_MAX) {
            plan.jobs.push(DirectoryJobRow { hand_overs: part.to_vec(), ..Default::default() });
        }
        if self.everyone {
            plan.jobs.push(DirectoryJobRow { everyone: true, ..Default::default() });
        }
    }
}

fn jobs(
    users: BTreeSet<UserId>,
    subtrees: BTreeSet<RoomId>,
    notices: Vec<RoomNotice>,
) -> Vec<DirectoryJobRow> {
    let users: Vec<_> = users.into_iter().map(|user| user.to_field()).collect();
    let subtrees: Vec<_> = subtrees.into_iter().map(|node| node.to_field()).collect();
    let mut jobs = Vec::new();
    // What rooms are called comes before who is in them.
    for part in notices.chunks(JOB_PART_MAX) {
        jobs.push(DirectoryJobRow { notices: part.to_vec(), ..Default::default() });
    }
    for part in users.chunks(JOB_PART_MAX) {
        jobs.push(DirectoryJobRow { users: part.to_vec(), ..Default::default() });
    }
    for part in subtrees.chunks(JOB_PART_MAX) {
        jobs.push(DirectoryJobRow { subtrees: part.to_vec(), ..Default::default() });
    }
    jobs
}

//! Introductions: what is written of a user who comes for the first time or under another name,
//! and which rooms they are in.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    directory::{self as wire, DirectoryChanged, change::Change as Wanted},
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    limits::WELCOME_MEMBERSHIPS_MAX,
    user::Profile,
    wire::NodeRole,
};
use prost::Message;

use crate::{
    directory::{
        Change, Directory, DirectoryCell, Role,
        plan::{Known, plan},
        rows::membership_put,
    },
    draft::{Draft, OrgDraft, RowsDraft, Submit},
    identity,
    limits::{RERUNS_MAX, ROOMS_PER_USER_MAX, SCAN_ROWS, TOLD_AT_ONCE, USER_CACHE_MAX},
    node::{Caller, Node},
    ports::store::{Put, Scan, Shard, StoreError},
    records::{UserRow, key, org_user},
    tables::Table,
    told::{submit_all, tell_user},
};

/// The scope of tokens whose users are guests: they have only the rooms named for them.
pub const GUEST_SCOPE: &str = "guest";

/// What the organization's log says of who did it, where nobody asked for it.
const PARLOUR: &str = "parlour";

/// What a welcome says of its user.
#[derive(Debug, Default)]
pub(crate) struct Me {
    pub(crate) name: String,
    pub(crate) profile: Option<Profile>,
    pub(crate) role: String,
    pub(crate) memberships: Vec<NodeRole>,
}

impl Node {
    /// What to commit because the user is new, or has another name than before. Refused as stale
    /// if the directory changed meanwhile: then ask again.
    pub async fn introduction(&self, caller: &Caller) -> Result<Option<Draft>, StoreError> {
        let directory = self.directory(caller.org).await?;
        let version = directory.head().seq;
        let (exists, unknown) =
            directory.read(|directory| (directory.exists(), directory.role(caller.user).is_none()));
        let unknown = exists && unknown;
        let known = || self.known_users.lock().expect("no panic while the lock is held");
        if !unknown && known().get(&caller.user) == Some(&caller.name) {
            return Ok(None);
        }
        let stored = self.user_row(caller.org, caller.user).await?;
        let row = introduced(caller, stored.as_ref());
        if known().len() >= USER_CACHE_MAX {
            known().clear();
        }
        if !unknown && stored.as_ref() == Some(&row) {
            known().insert(caller.user, caller.name.clone());
            return Ok(None);
        }
        let key = org_user(caller.org, caller.user);
        let put = Put { table: Table::USERS, key, value: Some(row.encode_to_vec().into()) };
        let draft = if exists {
            joining(caller, directory, version, unknown, put)
        } else {
            Draft::Rows(Box::new(RowsDraft::new(Shard::Org(caller.org), vec![put])))
        };
        self.count_for(&draft).await?;
        Ok(Some(draft))
    }

    /// What the user's own log doesn't say yet of the rooms that the directory gives them.
    pub async fn untold(&self, caller: &Caller) -> Result<Vec<Draft>, StoreError> {
        let directory = self.directory(caller.org).await?;
        if !directory.read(|directory| directory.exists()) {
            return Ok(vec![]);
        }
        tell_user(self, &directory, caller.user).await
    }

    /// The rooms a user is in: as the directory has it, and as far as their own shard knows.
    pub async fn rooms_of(&self, org: OrgId, user: UserId) -> Result<Vec<RoomId>, StoreError> {
        let directory = self.directory(org).await?;
        let mut rooms: BTreeSet<RoomId> = directory.read(|directory| directory.rooms_of(user));
        let mut scan = Scan::prefix(Table::USER_ROOMS, user.to_field(), SCAN_ROWS);
        while rooms.len() < ROOMS_PER_USER_MAX {
            let rows = self.store.scan(scan.clone()).await?;
            rooms.extend(rows.iter().filter_map(|(key, _)| RoomId::parse(key.get(16..)?).ok()));
            let Some((last, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
            scan.from = key(&[last, &[0]]);
        }
        Ok(rooms.into_iter().collect())
    }

    /// What the welcome says of its user.
    pub(crate) async fn profile(
        &self,
        caller: &Caller,
        directory: &DirectoryCell,
    ) -> Result<Me, StoreError> {
        let mut me = Me { name: caller.name.to_string(), ..Me::default() };
        let exists = directory.read(|directory| directory.exists());
        if !exists && !me.name.is_empty() {
            return Ok(me);
        }
        let row = self.user_row(caller.org, caller.user).await?;
        if me.name.is_empty() {
            me.name = introduced(caller, row.as_ref()).name;
        }
        if !exists {
            return Ok(me);
        }
        me.profile = row.and_then(|row| row.profile);
        if let Some(name) = me.profile.as_ref().and_then(|profile| profile.name.as_ref()) {
            me.name = name.clone();
        }
        directory.read(|directory| {
            let role = directory.role(caller.user).map(|role| role.name().to_owned());
            me.role = role.unwrap_or_else(|| role_of_new(caller).to_owned());
            let nodes = directory.nodes_of(caller.user).take(WELCOME_MEMBERSHIPS_MAX);
            me.memberships = nodes
                .map(|(node, role)| NodeRole {
                    node: node.to_field(),
                    role: role.name().to_owned(),
                })
                .collect();
        });
        Ok(me)
    }
}

/// Puts everyone who came before there was a directory into it.
pub(crate) async fn introduce_everyone(
    node: &Node,
    hub: &Arc<dyn Submit>,
    cell: &Arc<DirectoryCell>,
) -> Result<bool, StoreError> {
    let mut scan = Scan::prefix(Table::USERS, cell.org.to_field(), TOLD_AT_ONCE);
    let mut again = 0;
    loop {
        let version = cell.head().seq;
        let rows = node.store.scan(scan.clone()).await?;
        let mut known = Known::default();
        for (key, row) in &rows {
            let user = key.get(16..).and_then(|user| UserId::parse(user).ok());
            let row = user.zip(UserRow::decode(row.clone()).ok());
            known.users.extend(row);
        }
        let new = |user: &UserId| cell.read(|directory| directory.role(*user).is_none());
        let wanted: Vec<wire::Change> = known
            .users
            .iter()
            .filter(|(user, row)| !row.is_hook && !row.is_erased() && new(user))
            .map(|(_, row)| wire::PutUser {
                subject: row.subject.clone(),
                role: Some(row.role_when_new().to_owned()),
                ..Default::default()
            })
            .map(|put| wire::Change { change: Some(Wanted::PutUser(put)) })
            .collect();
        if !wanted.is_empty() && again < RERUNS_MAX {
            again += 1;
            let by = identity::operator_id(cell.org);
            let plan = cell.read(|directory| plan(directory, by, &wanted, known));
            let draft = plan.and_then(|plan| plan.into_draft(cell.clone(), version, by, PARLOUR));
            let Ok(draft) = draft else { return Ok(false) };
            node.count_for(&draft).await?;
            if !submit_all(hub, vec![draft]).await {
                return Ok(false);
            }
            // Once more, in case the directory changed in between.
            continue;
        }
        again = 0;
        let Some((last, _)) = rows.last().filter(|_| rows.len() == TOLD_AT_ONCE) else {
            return Ok(true);
        };
        scan.from = key(&[last, &[0]]);
    }
}

fn role_of_new(caller: &Caller) -> &'static str {
    if has_guest_scope(caller) { Role::GUEST } else { Role::MEMBER }
}

/// Whether the caller's token says that they are a guest.
pub(crate) fn has_guest_scope(caller: &Caller) -> bool {
    caller.has_scope(GUEST_SCOPE)
}

/// Whether the caller is a guest: as the directory has it, else as the token says.
pub(crate) fn is_guest(directory: &Directory, caller: &Caller) -> bool {
    match directory.role(caller.user) {
        Some(_) => directory.is_guest(caller.user),
        None => has_guest_scope(caller),
    }
}

/// The user's row now that they were here. The directory's name stands above the token's, and that
/// above the name they had; who never had one is called as their subject.
fn introduced(caller: &Caller, stored: Option<&UserRow>) -> UserRow {
    let mut row = stored.cloned().unwrap_or_default();
    row.subject = caller.subject.to_string();
    row.seen = true;
    row.guest = has_guest_scope(caller);
    let named = row.profile.as_ref().is_some_and(|profile| profile.name.is_some());
    if !named && !caller.name.is_empty() {
        row.name = caller.name.to_string();
    }
    if row.name.is_empty() {
        row.name = caller.subject.to_string();
    }
    row
}

/// Whoever comes with a token of the organization is in it. An event even where only the name is
/// another one: who plans a change on the user's row has to see that it moved.
fn joining(
    caller: &Caller,
    cell: Arc<DirectoryCell>,
    version: u64,
    is_new: bool,
    put: Put,
) -> Draft {
    let role = Role::parse(role_of_new(caller)).expect("a role's name");
    let root = cell.read(|directory| directory.root());
    let wanted = wire::PutUser {
        subject: caller.subject.to_string(),
        role: is_new.then(|| role.name().to_owned()),
        ..Default::default()
    };
    let body = DirectoryChanged {
        actor: caller.subject.to_string(),
        changes: vec![wire::Change { change: Some(Wanted::PutUser(wanted)) }],
    };
    let (mut puts, mut changes) = (vec![put], vec![]);
    if is_new {
        puts.push(membership_put(caller.org, root, caller.user, Some(&role)));
        changes.push(Change::Membership(root, caller.user, Some(role)));
    }
    Draft::Org(Box::new(OrgDraft {
        version,
        sender: caller.user,
        kind: DirectoryChanged::RULE.kind,
        body: Bytes::from(body.encode_to_vec()),
        puts,
        changes,
        absent: vec![],
        jobs: vec![],
        closes: None,
        cell,
    }))
}

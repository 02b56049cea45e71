//! The directory as its organization sees it, and how admins change it.

use std::collections::BTreeSet;

use parlour_protocol::{
    directory::{
        AuditEntry, Change, ChangeDirectoryRequest, ChangeDirectoryResponse,
        ListMembershipsRequest, ListMembershipsResponse, ListNodesRequest, ListNodesResponse,
        Membership, Node, ReadAuditRequest, ReadAuditResponse, change::Change as Wanted,
    },
    generated::{DirectoryAdminService, DirectoryService},
    ids::{RoomId, UserId},
    limits,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

use crate::{
    directory::plan::{Known, handle_key, plan},
    draft::store_error,
    identity,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::{ANSWER_BYTES, ITEM_BYTES},
    ports::store::{LogKey, ReadRange},
    tables::Table,
};

/// The scope of those who see and change everything.
const ADMIN_SCOPE: &str = "admin:directory";

impl DirectoryService<ServerKit> for Features {
    async fn list_nodes(
        &self,
        ctx: &mut Ctx,
        request: ListNodesRequest,
    ) -> Result<Answer<ListNodesResponse>, Error> {
        let size = page_size(request.page_size)?;
        let after = match &request.page[..] {
            [] => None,
            page => Some(id_field("page", RoomId::parse(page))?),
        };
        let all = ctx.caller.has_scope(ADMIN_SCOPE);
        let user = ctx.user();
        let directory = ctx.directory().await?;
        Ok(Answer::Now(directory.read_at(|directory, as_of_seq| {
            let nodes = directory.nodes_after(after);
            let is_visible = directory.visible_to(user);
            let seen = nodes.filter(|(id, _)| all || is_visible(*id));
            let mut seen = seen.filter_map(|(id, _)| directory.view(id)).peekable();
            let (mut nodes, mut bytes) = (Vec::<Node>::new(), 0);
            while nodes.len() < size
                && let Some(node) = seen.next_if(|node| bytes + node.encoded_len() <= ANSWER_BYTES)
            {
                bytes += node.encoded_len();
                nodes.push(node);
            }
            let next_page = seen.next().and_then(|_| nodes.last()).map(|node| node.id.clone());
            ListNodesResponse { next_page: next_page.unwrap_or_default(), nodes, as_of_seq }
        })))
    }
}

impl DirectoryAdminService<ServerKit> for Features {
    async fn change_directory(
        &self,
        ctx: &mut Ctx,
        request: ChangeDirectoryRequest,
    ) -> Result<Answer<ChangeDirectoryResponse>, Error> {
        if request.changes.len() > limits::DIRECTORY_CHANGES_MAX {
            return Err(Error::invalid("changes", "are more than 1,000"));
        }
        let cell = ctx.directory().await?;
        // Before rows are read: if one of them changes meanwhile, so does this.
        let version = cell.head().seq;
        let known = known(ctx, &request.changes).await?;
        let user = ctx.user();
        let plan = cell.read(|directory| plan(directory, user, &request.changes, known));
        let plan = plan?;
        let outcomes: Vec<i32> = plan.outcomes.iter().map(|outcome| *outcome as i32).collect();
        if plan.effective.is_empty() || request.dry_run {
            return Ok(Answer::Now(ChangeDirectoryResponse { outcomes, seq: 0 }));
        }
        let draft = plan.into_draft(cell, version, user, &ctx.caller.subject)?;
        Ok(Answer::commit(draft, move |done| ChangeDirectoryResponse { outcomes, seq: done.seq }))
    }

    async fn list_memberships(
        &self,
        ctx: &mut Ctx,
        request: ListMembershipsRequest,
    ) -> Result<Answer<ListMembershipsResponse>, Error> {
        let size = page_size(request.page_size)?;
        let node = identity::node_id(ctx.caller.org, &request.node);
        let after = match &request.page[..] {
            [] => None,
            page => Some(id_field("page", UserId::parse(page))?),
        };
        let directory = ctx.directory().await?;
        let found = directory.read_at(|directory, as_of_seq| {
            directory.node(node)?;
            let members = directory.memberships_after(node, after).take(size + 1);
            let members: Vec<_> =
                members.map(|(user, role)| (user, role.name().to_owned())).collect();
            Some((members, as_of_seq))
        });
        let missing = || Error::new(ErrorReason::NodeNotFound, "no such node");
        let (mut found, as_of_seq) = found.ok_or_else(missing)?;
        let mut more = found.len() > size;
        found.truncate(size);
        let (mut memberships, mut bytes) = (Vec::with_capacity(found.len()), 0);
        let mut last = None;
        for (user, role) in found {
            let row = ctx.user_row(user).await?.unwrap_or_default();
            let membership = Membership { user: Some(row.view(user)), role };
            bytes += membership.encoded_len();
            if bytes > ANSWER_BYTES {
                more = true;
                break;
            }
            memberships.push(membership);
            last = Some(user);
        }
        let next_page = last.filter(|_| more).map(|user| user.to_field()).unwrap_or_default();
        Ok(Answer::Now(ListMembershipsResponse { memberships, next_page, as_of_seq }))
    }

    async fn read_audit(
        &self,
        ctx: &mut Ctx,
        request: ReadAuditRequest,
    ) -> Result<Answer<ReadAuditResponse>, Error> {
        let records_max = match request.limit as usize {
            0 => 20,
            n if n <= limits::AUDIT_PAGE_MAX => n,
            _ => return Err(Error::invalid("limit", "is over 50")),
        };
        let as_of_seq = ctx.directory().await?.head().seq;
        // Within a frame of the control lane.
        let range = ReadRange {
            from: request.from_seq.max(1),
            to: as_of_seq,
            reverse: false,
            records_max,
            bytes_max: ITEM_BYTES / 4,
        };
        let log = LogKey::Org(ctx.caller.org);
        let stored = if range.from > range.to {
            vec![]
        } else {
            ctx.store().read(log, range).await.map_err(store_error)?
        };
        let events = stored.into_iter().filter_map(|stored| Event::decode(stored.record?).ok());
        let entries = events.filter_map(|event| {
            let header = event.header?;
            let (seq, at_ms, kind) = (header.seq, header.at_ms, header.kind);
            Some(AuditEntry { seq, at_ms, sender: header.sender, kind, body: event.body })
        });
        Ok(Answer::Now(ReadAuditResponse { entries: entries.collect(), as_of_seq }))
    }
}

fn page_size(wanted: u32) -> Result<usize, Error> {
    match wanted as usize {
        0 => Ok(100),
        n if n <= limits::NODE_PAGE_MAX => Ok(n),
        _ => Err(Error::invalid("page_size", "is over 200")),
    }
}

/// The rows that the changes name.
async fn known(ctx: &Ctx, changes: &[Change]) -> Result<Known, Error> {
    let (mut known, mut handles) = (Known::default(), BTreeSet::new());
    let org = ctx.caller.org;
    if let Some(row) = ctx.user_row(ctx.user()).await? {
        known.users.insert(ctx.user(), row);
    }
    for change in changes {
        let subjects = match &change.change {
            Some(Wanted::PutUser(put)) => {
                handles.extend(put.profile.as_ref().and_then(|profile| profile.handle.clone()));
                [Some(&put.subject), None]
            }
            Some(Wanted::PutMembership(put)) => [Some(&put.subject), None],
            Some(Wanted::HandOver(over)) => [Some(&over.from), Some(&over.to)],
            _ => continue,
        };
        for subject in subjects.into_iter().flatten() {
            let user = identity::user_id(org, subject);
            if !known.users.contains_key(&user)
                && let Some(row) = ctx.user_row(user).await?
            {
                known.users.insert(user, row);
            }
        }
    }
    for handle in handles.into_iter().filter(|handle| handle.len() <= limits::HANDLE_BYTES_MAX) {
        let key = handle_key(org, &handle);
        let owner = ctx.store().get(Table::HANDLES, &key).await.map_err(store_error)?;
        if let Some(owner) = owner.and_then(|owner| UserId::parse(&owner).ok()) {
            known.handles.insert(handle, owner);
        }
    }
    Ok(known)
}

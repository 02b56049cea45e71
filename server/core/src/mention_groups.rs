//! Mentions of groups, which are nodes of the directory: which are taken, and whom they mean. Where that
//! are few people, they are told as if they were named.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    ids::{RoomId, UserId},
    limits,
    wire::Error,
};

use crate::{
    directory::Directory,
    draft::{RoomDraft, store_error},
    kit::{Ctx, id_field},
    limits::{GROUP_LOOKED_AT_MAX, GROUP_MEANT_MAX},
    ports::store::Put,
    records::room_seq,
    rooms::RoomCell,
    tables::Table,
};

/// The groups that a message mentions. A node that the sender doesn't know of isn't there.
pub(crate) async fn groups_of(
    ctx: &Ctx,
    needed: &[Permission],
    fields: &[Bytes],
) -> Result<Vec<RoomId>, Error> {
    if fields.is_empty() {
        return Ok(vec![]);
    }
    if needed.contains(&Permission::Reply) {
        return Err(Error::invalid("body.mention_groups", "is not for threads"));
    }
    if fields.len() > limits::MENTION_GROUPS_MAX {
        return Err(Error::invalid("body.mention_groups", "are more than 8"));
    }
    let directory = ctx.directory().await?;
    let mut nodes = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let node = id_field("body.mention_groups", RoomId::parse(field))?;
        let is_there = directory.read(|directory| {
            directory.node(node).is_some()
                && !directory.is_archived(node)
                && directory.visible_to(ctx.user())(node)
        });
        if !is_there || nodes.contains(&node) {
            let field = format!("body.mention_groups[{i}]");
            return Err(Error::invalid(field, "is no node that can be mentioned, once"));
        }
        nodes.push(node);
    }
    Ok(nodes)
}

/// Whom they mean of those in the room, besides the sender and who is named: nobody where that are many,
/// since nothing is kept for each member of a large room.
pub(crate) async fn meant_by(
    ctx: &Ctx,
    cell: &RoomCell,
    groups: &[RoomId],
    named: &[UserId],
) -> Result<Vec<UserId>, Error> {
    if groups.is_empty() {
        return Ok(vec![]);
    }
    let members = cell.read(|state| state.members.clone());
    let directory = ctx.directory().await?;
    let all = directory.read(|directory| people(directory, groups, &members));
    let mut all = all.unwrap_or_default();
    all.remove(&ctx.user());
    all.retain(|user| !named.contains(user));
    Ok(if all.len() <= GROUP_MEANT_MAX { all.into_iter().collect() } else { vec![] })
}

/// Those of the groups who are in the room; `None` where the room and one of the groups are large.
fn people(
    directory: &Directory,
    groups: &[RoomId],
    members: &BTreeSet<UserId>,
) -> Option<BTreeSet<UserId>> {
    if members.len() <= GROUP_LOOKED_AT_MAX {
        let is_meant = |user: &&UserId| {
            let rooms = directory.rooms_of(**user);
            groups.iter().any(|group| rooms.contains(group))
        };
        return Some(members.iter().filter(is_meant).copied().collect());
    }
    let mut all = BTreeSet::new();
    for group in groups {
        let people = directory.few_members_of(*group, GROUP_LOOKED_AT_MAX)?;
        all.extend(people.into_iter().filter(|user| members.contains(user)));
    }
    Some(all)
}

/// Keeps whom they meant, so that all of them hear of the message's end.
pub(crate) fn meant_put(room: RoomId, meant: &[UserId]) -> Option<(Table, Bytes, Bytes)> {
    let users: Vec<u8> = meant.iter().flat_map(|user| *user.as_bytes()).collect();
    (!users.is_empty()).then(|| (Table::MEANT, room.to_field(), users.into()))
}

/// Whom the groups of a message meant that is deleted: it isn't kept any longer.
pub(crate) async fn meant_before(
    ctx: &Ctx,
    draft: &mut RoomDraft,
    seq: u64,
) -> Result<Vec<Bytes>, Error> {
    let key = room_seq(draft.cell.id, seq);
    let row = ctx.store().get(Table::MEANT, &key).await.map_err(store_error)?;
    let Some(row) = row else { return Ok(vec![]) };
    draft.puts.push(Put { table: Table::MEANT, key, value: None });
    Ok((0..row.len() / 16).map(|n| row.slice(16 * n..16 * (n + 1))).collect())
}

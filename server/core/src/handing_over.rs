//! What somebody owns goes to somebody else: by themselves, one group after the other, or all of it
//! because an admin says so, over restarts and at least once.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    limits::GROUP_MEMBERS_MAX,
    room::{MembersAdded, RoomHandedOver, RoomKind},
};
use prost::Message;

use crate::{
    directory::{Role, rows::HandOverRow},
    done::committed,
    draft::{Draft, Guard, NewEvent, Refused, RoomDraft, Submit},
    groups::{gained, member_put},
    limits::{RERUNS_MAX, SCAN_ROWS},
    node::Node,
    ports::store::{Scan, StoreError},
    records::key,
    rooms::{RoomCell, RoomChange, RoomState, room_put},
    tables::Table,
};

/// The draft of a group that is a member's from now on.
pub(crate) fn handing_over(
    cell: Arc<RoomCell>,
    state: RoomState,
    by: UserId,
    to: UserId,
) -> RoomDraft {
    let body = RoomHandedOver { from: state.creator.to_field(), to: to.to_field() };
    let event = NewEvent::new(by, RoomHandedOver::RULE.kind, body.encode_to_vec().into());
    let (room, version, change) = (cell.id, state.version, RoomChange::HandedOver(to));
    let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
    draft.puts.push(room_put(room, &state.with(change.clone())));
    draft.change = Some(change);
    draft
}

/// Hands over the groups that are a user's and that they are in. What is so already isn't done again.
pub(crate) async fn hand_over(
    node: &Node,
    hub: &Arc<dyn Submit>,
    org: OrgId,
    row: &HandOverRow,
) -> Result<bool, StoreError> {
    let parsed = (UserId::parse(&row.from), UserId::parse(&row.to), UserId::parse(&row.by));
    let (Ok(from), Ok(to), Ok(by)) = parsed else { return Ok(true) };
    if !may_own(node, org, to).await? {
        // They have left, too, or are a guest by now: nothing is theirs to run.
        return Ok(true);
    }
    let mut well = true;
    // Groups that the user's own log doesn't name yet; before the others, so that none comes between.
    for id in awaited(node).await? {
        well &= hand_over_room(node, hub, (org, id), from, (to, by)).await?;
    }
    if node.user_row(org, from).await?.is_some_and(|row| row.is_erased()) {
        // They are in none any more.
        for id in node.rooms_of_org(org).await? {
            well &= hand_over_room(node, hub, (org, id), from, (to, by)).await?;
        }
        return Ok(well);
    }
    let mut scan = Scan::prefix(Table::USER_ROOMS, from.to_field(), SCAN_ROWS);
    loop {
        let rows = node.store.scan(scan.clone()).await?;
        for id in rows.iter().filter_map(|(key, _)| RoomId::parse(key.get(16..)?).ok()) {
            well &= hand_over_room(node, hub, (org, id), from, (to, by)).await?;
        }
        let Some((last, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
        scan.from = key(&[last, &[0]]);
    }
    Ok(well)
}

/// Whether groups can be the user's to run.
pub(crate) async fn may_own(node: &Node, org: OrgId, user: UserId) -> Result<bool, StoreError> {
    let row = node.user_row(org, user).await?;
    let is_guest = node.directory(org).await?.read(|directory| match directory.role(user) {
        Some(role) => role.name() == Role::GUEST,
        None => row.as_ref().is_some_and(|row| row.guest),
    });
    Ok(!is_guest && row.is_some_and(|row| !row.deactivated && !row.is_hook))
}

/// Rooms whose members weren't told yet of something.
async fn awaited(node: &Node) -> Result<BTreeSet<RoomId>, StoreError> {
    let mut rooms = BTreeSet::new();
    let mut scan = Scan {
        table: Table::OUTBOX,
        from: Bytes::new(),
        to: None,
        reverse: false,
        rows_max: SCAN_ROWS,
    };
    loop {
        let rows = node.store.scan(scan.clone()).await?;
        rooms.extend(rows.iter().filter_map(|(key, _)| RoomId::parse(key.get(..16)?).ok()));
        let Some((last, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(rooms);
        };
        scan.from = key(&[last, &[0]]);
    }
}

async fn hand_over_room(
    node: &Node,
    hub: &Arc<dyn Submit>,
    (org, id): (OrgId, RoomId),
    from: UserId,
    (to, by): (UserId, UserId),
) -> Result<bool, StoreError> {
    for _ in 0..RERUNS_MAX {
        let Some(cell) = node.room(org, id).await? else { return Ok(true) };
        let state = cell.state();
        if state.kind != RoomKind::Group || state.creator != from {
            return Ok(true);
        }
        let draft = if state.members.contains(&to) {
            handing_over(cell, state, by, to)
        } else if state.group.banned.contains(&to) || state.members.len() >= GROUP_MEMBERS_MAX {
            // Nobody gets what they can't be in: it stays as it is.
            return Ok(true);
        } else {
            adding(cell, &state, by, to)
        };
        match committed(hub, Draft::Room(Box::new(draft))).await {
            Ok(_) | Err(Refused::Stale | Refused::Exists) => {}
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// First, whoever gets a group is in it.
fn adding(cell: Arc<RoomCell>, state: &RoomState, by: UserId, to: UserId) -> RoomDraft {
    let users: Vec<Bytes> = vec![to.to_field()];
    let body = MembersAdded { users }.encode_to_vec().into();
    let event = NewEvent::new(by, MembersAdded::RULE.kind, body);
    let room = cell.id;
    let mut described = cell.describe(to);
    described.member_count += 1;
    let mut draft = RoomDraft::new(cell, Guard::Version(state.version), event);
    draft.puts.push(member_put(room, to, true));
    draft.effects = Some(gained(room, vec![(vec![to], described)]));
    draft.change = Some(RoomChange::Added(vec![to]));
    draft
}

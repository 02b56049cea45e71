//! Rooms: direct and group rooms, and who is in them.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, RoomService},
    ids::{ClientRef, UserId},
    limits,
    room::{
        AddMembersRequest, AddMembersResponse, CreateGroupRequest, CreateGroupResponse,
        GetRoomRequest, GetRoomResponse, ListMembersRequest, ListMembersResponse, MemberRemoved,
        MembersAdded, OpenDirectRequest, OpenDirectResponse, RemoveMemberRequest,
        RemoveMemberResponse, RenameRoomRequest, RenameRoomResponse, RoomKind, RoomRenamed,
        UserRef,
    },
    user::User,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{Draft, Guard, NewEvent, RoomDraft, store_error},
    groups::{creation, gained, group, lost, member_put, new_state, resolve},
    identity,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::ANSWER_BYTES,
    ports::store::Put,
    records::room_user,
    rooms::{RoomChange, RoomState, member_page, room_put},
    tables::Table,
};

impl RoomService<ServerKit> for Features {
    async fn open_direct(
        &self,
        ctx: &mut Ctx,
        request: OpenDirectRequest,
    ) -> Result<Answer<OpenDirectResponse>, Error> {
        let with = resolve(ctx, "with", request.with.as_ref()).await?;
        if with == ctx.user() {
            return Err(Error::invalid("with", "is the caller"));
        }
        let id = identity::direct_room_id(ctx.caller.org, ctx.user(), with);
        if let Some(cell) = ctx.node.rooms.get(ctx.store(), id).await.map_err(store_error)? {
            let room = Some(cell.describe(ctx.user()));
            return Ok(Answer::Now(OpenDirectResponse { room, created: false }));
        }
        if ctx.are_apart(ctx.user(), with).await? {
            let what = "one of the two has blocked the other";
            return Err(Error::new(ErrorReason::NotAllowed, what));
        }
        let state = new_state(ctx, RoomKind::Direct, String::new(), [ctx.user(), with].into());
        let draft = creation(ctx, id, state);
        let room = draft.cell.describe(ctx.user());
        Ok(Answer::commit(Draft::Room(Box::new(draft)), move |_| OpenDirectResponse {
            room: Some(room),
            created: true,
        }))
    }

    async fn create_group(
        &self,
        ctx: &mut Ctx,
        request: CreateGroupRequest,
    ) -> Result<Answer<CreateGroupResponse>, Error> {
        let client_ref = id_field("client_ref", ClientRef::parse(&request.client_ref))?;
        check_name(&request.name)?;
        let id = identity::group_room_id(ctx.caller.org, ctx.user(), client_ref);
        if let Some(cell) = ctx.node.rooms.get(ctx.store(), id).await.map_err(store_error)? {
            if !cell.is_member(ctx.user()) {
                let what = "client_ref made a room the caller has left";
                return Err(Error::new(ErrorReason::RefConflict, what));
            }
            let room = Some(cell.describe(ctx.user()));
            return Ok(Answer::Now(CreateGroupResponse { room }));
        }
        let mut members = resolve_all(ctx, &request.members).await?;
        refuse_unwanted(ctx, &members).await?;
        members.insert(ctx.user());
        let state = new_state(ctx, RoomKind::Group, request.name, members);
        let draft = creation(ctx, id, state);
        let room = draft.cell.describe(ctx.user());
        Ok(Answer::commit(Draft::Room(Box::new(draft)), move |_| CreateGroupResponse {
            room: Some(room),
        }))
    }

    async fn add_members(
        &self,
        ctx: &mut Ctx,
        request: AddMembersRequest,
    ) -> Result<Answer<AddMembersResponse>, Error> {
        let cell = group(ctx, &request.room).await?;
        let state = cell.state();
        ctx.check(&cell, Permission::AddMembers).await?;
        let mut users = resolve_all(ctx, &request.members).await?;
        users.retain(|user| !state.members.contains(user));
        if users.iter().any(|user| state.group.banned.contains(user)) {
            return Err(Error::new(ErrorReason::NotAllowed, "one of them is banned"));
        }
        if users.is_empty() {
            return Ok(Answer::Now(AddMembersResponse { added: vec![] }));
        }
        refuse_unwanted(ctx, &users).await?;
        if state.members.len() + users.len() > limits::GROUP_MEMBERS_MAX {
            return Err(Error::new(ErrorReason::RoomFull, "the group has 10,000 members"));
        }
        let added: Vec<Bytes> = users.iter().map(|user| user.to_field()).collect();
        let body = MembersAdded { users: added.clone() }.encode_to_vec().into();
        let event = NewEvent::new(ctx.user(), MembersAdded::RULE.kind, body);
        let (room, users) = (cell.id, users.into_iter().collect::<Vec<_>>());
        let mut described = cell.describe(ctx.user());
        described.member_count += users.len() as u32;
        let mut draft = RoomDraft::new(cell, Guard::Version(state.version), event);
        draft.puts = users.iter().map(|user| member_put(room, *user, true)).collect();
        draft.effects = Some(gained(room, vec![(users.clone(), described)]));
        draft.change = Some(RoomChange::Added(users));
        Ok(Answer::commit(Draft::Room(Box::new(draft)), move |_| AddMembersResponse { added }))
    }

    async fn remove_member(
        &self,
        ctx: &mut Ctx,
        request: RemoveMemberRequest,
    ) -> Result<Answer<RemoveMemberResponse>, Error> {
        let cell = group(ctx, &request.room).await?;
        let user = id_field("user", UserId::parse(&request.user))?;
        let state = cell.state();
        if user != ctx.user() {
            ctx.check(&cell, Permission::RemoveMembers).await?;
        }
        if !state.members.contains(&user) {
            return Err(Error::new(ErrorReason::UserNotFound, "no such member"));
        }
        let body = MemberRemoved { user: user.to_field() }.encode_to_vec().into();
        let event = NewEvent::new(ctx.user(), MemberRemoved::RULE.kind, body);
        let room = cell.id;
        let mut draft = RoomDraft::new(cell, Guard::Version(state.version), event);
        draft.puts = vec![
            member_put(room, user, false),
            Put { table: Table::LAST_SENT, key: room_user(room, user), value: None },
        ];
        draft.effects = Some(lost(room, user));
        draft.change = Some(RoomChange::Removed(user));
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |_| RemoveMemberResponse {}))
    }

    async fn rename_room(
        &self,
        ctx: &mut Ctx,
        request: RenameRoomRequest,
    ) -> Result<Answer<RenameRoomResponse>, Error> {
        let cell = group(ctx, &request.room).await?;
        check_name(&request.name)?;
        let state = cell.state();
        ctx.check(&cell, Permission::ManageRoom).await?;
        let body = RoomRenamed { name: request.name.clone() }.encode_to_vec().into();
        let event = NewEvent::new(ctx.user(), RoomRenamed::RULE.kind, body);
        let room = cell.id;
        let mut draft = RoomDraft::new(cell, Guard::Version(state.version), event);
        draft.puts.push(room_put(room, &RoomState { name: request.name.clone(), ..state }));
        draft.change = Some(RoomChange::Renamed(request.name));
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| RenameRoomResponse {
            seq: done.seq,
        }))
    }

    async fn get_room(
        &self,
        ctx: &mut Ctx,
        request: GetRoomRequest,
    ) -> Result<Answer<GetRoomResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let (room, head) = cell.describe_at_head(ctx.user());
        Ok(Answer::Now(GetRoomResponse { room: Some(room), as_of_seq: head.seq }))
    }

    async fn list_members(
        &self,
        ctx: &mut Ctx,
        request: ListMembersRequest,
    ) -> Result<Answer<ListMembersResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= limits::MEMBER_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 500")),
        };
        let after = match &request.page[..] {
            [] => None,
            page => Some(id_field("page", UserId::parse(page))?),
        };
        let state = cell.state();
        let (page, mut more) = member_page(&state, after, size);
        let (mut members, mut bytes) = (Vec::with_capacity(page.len()), 0);
        for id in page {
            let member = ctx.user_row(id).await?.unwrap_or_default().view(id);
            bytes += member.encoded_len();
            if bytes > ANSWER_BYTES {
                more = true;
                break;
            }
            members.push(member);
        }
        let last = members.last().filter(|_| more);
        let next_page = last.map(|member: &User| member.id.clone()).unwrap_or_default();
        let as_of_seq = state.head.seq;
        Ok(Answer::Now(ListMembersResponse { members, next_page, as_of_seq }))
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    match name.trim().len() {
        0 => Err(Error::invalid("name", "is empty")),
        _ if name.len() > limits::ROOM_NAME_BYTES_MAX => {
            Err(Error::invalid("name", "is over 200 bytes"))
        }
        _ => Ok(()),
    }
}

/// Who has blocked the caller isn't brought into anything by them.
async fn refuse_unwanted(ctx: &Ctx, users: &BTreeSet<UserId>) -> Result<(), Error> {
    let all = users.len();
    if ctx.who_hear(users.iter().copied().collect()).await?.len() < all {
        return Err(Error::new(ErrorReason::NotAllowed, "one of them has blocked the caller"));
    }
    Ok(())
}

async fn resolve_all(ctx: &Ctx, users: &[UserRef]) -> Result<BTreeSet<UserId>, Error> {
    if users.len() > limits::MEMBERS_PER_CALL_MAX {
        return Err(Error::invalid("members", "are more than 100"));
    }
    let mut ids = BTreeSet::new();
    for user in users {
        ids.insert(resolve(ctx, "members", Some(user)).await?);
    }
    Ok(ids)
}

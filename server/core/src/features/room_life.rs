//! The life of groups: topic, archive, slow mode, who may come in and who may not.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, RoomLifeService},
    ids::{RoomId, UserId},
    limits::{BANS_MAX, GROUP_MEMBERS_MAX, OPEN_ROOM_PAGE_MAX, SLOW_MODE_S_MAX, TOPIC_BYTES_MAX},
    room::{
        ArchiveRoomRequest, ArchiveRoomResponse, BanRequest, BanResponse, HandOverRoomRequest,
        HandOverRoomResponse, JoinRoomRequest, JoinRoomResponse, ListBansRequest, ListBansResponse,
        ListOpenRoomsRequest, ListOpenRoomsResponse, MemberBanned, MemberUnbanned, MembersAdded,
        OpenRoom, RoomArchived, RoomAvatarChanged, RoomKind, RoomOpened, SetOpenRequest,
        SetOpenResponse, SetRoomAvatarRequest, SetRoomAvatarResponse, SetSlowModeRequest,
        SetSlowModeResponse, SetTopicRequest, SetTopicResponse, SlowModeChanged, TopicChanged,
        UnbanRequest, UnbanResponse,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{Draft, Guard, NewEvent, RoomDraft, not_allowed, room_not_found, store_error},
    groups::{gained, group, lost, member_put, settable},
    handing_over::{handing_over, may_own},
    introduction::is_guest,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::{ANSWER_BYTES, SCAN_ROWS},
    pictures::{avatar, room_puts},
    ports::store::{Put, Scan},
    records::{key, org_room, room_user},
    rooms::{GroupSettings, RoomCell, RoomChange, RoomState, room_put},
    tables::Table,
};

impl RoomLifeService<ServerKit> for Features {
    async fn set_topic(
        &self,
        ctx: &mut Ctx,
        request: SetTopicRequest,
    ) -> Result<Answer<SetTopicResponse>, Error> {
        let topic = request.topic;
        if topic.len() > TOPIC_BYTES_MAX {
            return Err(Error::invalid("topic", "is over 1,024 bytes"));
        }
        let body = TopicChanged { topic: topic.clone() };
        let change =
            |state: &RoomState| (state.topic != topic).then(|| RoomChange::Topic(topic.clone()));
        let draft = run(ctx, &request.room, Permission::ManageRoom, &body, change).await?;
        Ok(answer(draft, |seq| SetTopicResponse { seq }))
    }

    async fn archive_room(
        &self,
        ctx: &mut Ctx,
        request: ArchiveRoomRequest,
    ) -> Result<Answer<ArchiveRoomResponse>, Error> {
        let archived = request.archived;
        let change = |state: &RoomState| {
            (state.archived != archived).then_some(RoomChange::Archived(archived))
        };
        let body = RoomArchived { archived };
        let draft = run(ctx, &request.room, Permission::ManageRoom, &body, change).await?;
        Ok(answer(draft, |seq| ArchiveRoomResponse { seq }))
    }

    async fn set_slow_mode(
        &self,
        ctx: &mut Ctx,
        request: SetSlowModeRequest,
    ) -> Result<Answer<SetSlowModeResponse>, Error> {
        let slow_mode_s = request.seconds;
        if slow_mode_s > SLOW_MODE_S_MAX {
            return Err(Error::invalid("seconds", "are over 21,600"));
        }
        let change = |state: &RoomState| {
            let group = GroupSettings { slow_mode_s, ..state.group.clone() };
            (state.group != group).then_some(RoomChange::Group(group))
        };
        let body = SlowModeChanged { seconds: slow_mode_s };
        let cell = settable(ctx, &request.room).await?;
        let draft = run_in(ctx, cell, Permission::ManageRoom, &body, change).await?;
        Ok(answer(draft, |seq| SetSlowModeResponse { seq }))
    }

    async fn set_open(
        &self,
        ctx: &mut Ctx,
        request: SetOpenRequest,
    ) -> Result<Answer<SetOpenResponse>, Error> {
        let open = request.open;
        let change = |state: &RoomState| {
            let group = GroupSettings { open, ..state.group.clone() };
            (state.group != group).then_some(RoomChange::Group(group))
        };
        let body = RoomOpened { open };
        let mut draft = run(ctx, &request.room, Permission::ManageRoom, &body, change).await?;
        if let Some(draft) = &mut draft {
            let key = org_room(ctx.caller.org, draft.cell.id);
            let value = open.then(Bytes::new);
            draft.puts.push(Put { table: Table::OPEN_ROOMS, key, value });
        }
        Ok(answer(draft, |seq| SetOpenResponse { seq }))
    }

    async fn list_open_rooms(
        &self,
        ctx: &mut Ctx,
        request: ListOpenRoomsRequest,
    ) -> Result<Answer<ListOpenRoomsResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 50,
            n if n <= OPEN_ROOM_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 100")),
        };
        refuse_guests(ctx).await?;
        let org = ctx.caller.org;
        let mut scan = Scan::prefix(Table::OPEN_ROOMS, Bytes::copy_from_slice(org.as_bytes()), 0);
        scan.rows_max = SCAN_ROWS;
        if !request.page.is_empty() {
            let after = id_field("page", RoomId::parse(&request.page))?;
            scan.from = key(&[&org_room(org, after), &[0]]);
        }
        let (mut rooms, mut bytes, mut next_page) = (Vec::new(), 0, Bytes::new());
        loop {
            let rows = ctx.store().scan(scan.clone()).await.map_err(store_error)?;
            for (row, _) in &rows {
                let Some(cell) = listed(ctx, row).await? else { continue };
                let room = cell.describe(ctx.user());
                bytes += room.encoded_len() + 8;
                if rooms.len() == size || bytes > ANSWER_BYTES {
                    return Ok(Answer::Now(ListOpenRoomsResponse { rooms, next_page }));
                }
                next_page = room.id.clone();
                let joined = cell.is_member(ctx.user());
                rooms.push(OpenRoom { room: Some(room), joined });
            }
            let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
            scan.from = key(&[row, &[0]]);
        }
        Ok(Answer::Now(ListOpenRoomsResponse { rooms, next_page: Bytes::new() }))
    }

    async fn join_room(
        &self,
        ctx: &mut Ctx,
        request: JoinRoomRequest,
    ) -> Result<Answer<JoinRoomResponse>, Error> {
        let id = id_field("room", RoomId::parse(&request.room))?;
        refuse_guests(ctx).await?;
        let cell = ctx.node.room(ctx.caller.org, id).await.map_err(store_error)?;
        let cell = cell.ok_or_else(room_not_found)?;
        let (user, state) = (ctx.user(), cell.state());
        if state.members.contains(&user) {
            return Ok(Answer::Now(JoinRoomResponse { room: Some(cell.describe(user)) }));
        }
        let is_there = state.kind == RoomKind::Group
            && state.org == ctx.caller.org
            && state.group.open
            && !state.archived;
        if !is_there {
            return Err(room_not_found());
        }
        if state.group.banned.contains(&user) {
            return Err(Error::new(ErrorReason::NotAllowed, "the caller is banned"));
        }
        if state.members.len() >= GROUP_MEMBERS_MAX {
            return Err(Error::new(ErrorReason::RoomFull, "the group has 10,000 members"));
        }
        let body = MembersAdded { users: vec![user.to_field()] }.encode_to_vec().into();
        let event = NewEvent::new(user, MembersAdded::RULE.kind, body);
        let mut described = cell.describe(user);
        described.member_count += 1;
        let mut draft = RoomDraft::new(cell, Guard::Version(state.version), event);
        draft.puts.push(member_put(id, user, true));
        draft.effects = Some(gained(id, vec![(vec![user], described.clone())]));
        draft.change = Some(RoomChange::Added(vec![user]));
        let answer = JoinRoomResponse { room: Some(described) };
        Ok(Answer::commit(Draft::Room(Box::new(draft)), move |_| answer))
    }

    async fn ban(&self, ctx: &mut Ctx, request: BanRequest) -> Result<Answer<BanResponse>, Error> {
        let user = id_field("user", UserId::parse(&request.user))?;
        let cell = group(ctx, &request.room).await?;
        let (is_creator, was_member, full) = cell.read(|state| {
            let full = state.group.banned.len() >= BANS_MAX;
            (state.creator == user, state.members.contains(&user), full)
        });
        if is_creator || user == ctx.user() {
            return Err(not_allowed());
        }
        if full {
            return Err(Error::new(ErrorReason::TooManyBans, "1,000 users are banned"));
        }
        let change = |state: &RoomState| {
            let is_banned = state.group.banned.contains(&user);
            (!is_banned).then_some(RoomChange::Banned(user))
        };
        let body = MemberBanned { user: user.to_field(), was_member };
        let draft = run(ctx, &request.room, Permission::RemoveMembers, &body, change).await?;
        let draft = draft.map(|mut draft| {
            if was_member {
                let room = draft.cell.id;
                draft.puts.push(member_put(room, user, false));
                let sent = room_user(room, user);
                draft.puts.push(Put { table: Table::LAST_SENT, key: sent, value: None });
                draft.effects = Some(lost(room, user));
            }
            draft
        });
        Ok(answer(draft, |seq| BanResponse { seq }))
    }

    async fn unban(
        &self,
        ctx: &mut Ctx,
        request: UnbanRequest,
    ) -> Result<Answer<UnbanResponse>, Error> {
        let user = id_field("user", UserId::parse(&request.user))?;
        let change = |state: &RoomState| {
            let mut group = state.group.clone();
            let was_banned = Arc::make_mut(&mut group.banned).remove(&user);
            was_banned.then_some(RoomChange::Group(group))
        };
        let body = MemberUnbanned { user: user.to_field() };
        let draft = run(ctx, &request.room, Permission::RemoveMembers, &body, change).await?;
        Ok(answer(draft, |seq| UnbanResponse { seq }))
    }

    async fn hand_over_room(
        &self,
        ctx: &mut Ctx,
        request: HandOverRoomRequest,
    ) -> Result<Answer<HandOverRoomResponse>, Error> {
        let to = id_field("to", UserId::parse(&request.to))?;
        let cell = group(ctx, &request.room).await?;
        let state = cell.state();
        if state.creator != ctx.user() {
            return Err(not_allowed());
        }
        if !state.members.contains(&to) {
            return Err(Error::new(ErrorReason::UserNotFound, "no such member"));
        }
        if !may_own(&ctx.node, ctx.caller.org, to).await.map_err(store_error)? {
            let what = "they are a guest, or deactivated";
            return Err(Error::new(ErrorReason::NotAllowed, what));
        }
        let draft = (to != ctx.user()).then(|| handing_over(cell, state, ctx.user(), to));
        Ok(answer(draft, |seq| HandOverRoomResponse { seq }))
    }

    async fn set_room_avatar(
        &self,
        ctx: &mut Ctx,
        request: SetRoomAvatarRequest,
    ) -> Result<Answer<SetRoomAvatarResponse>, Error> {
        let cell = settable(ctx, &request.room).await?;
        ctx.check(&cell, Permission::ManageRoom).await?;
        let state = cell.state();
        let (org, id, before) = (ctx.caller.org, cell.id, state.group.avatar);
        // What it has already needs no upload.
        let after = match before.is_some_and(|hash| hash.as_bytes()[..] == request.avatar[..]) {
            true => before,
            false => avatar(ctx, "avatar", &request.avatar).await?,
        };
        let draft = (before != after).then(|| {
            let body = RoomAvatarChanged { avatar: request.avatar }.encode_to_vec().into();
            let event = NewEvent::new(ctx.user(), RoomAvatarChanged::RULE.kind, body);
            let group = GroupSettings { avatar: after, ..state.group.clone() };
            let (version, change) = (state.version, RoomChange::Group(group));
            let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
            draft.puts.push(room_put(id, &state.with(change.clone())));
            draft.puts.extend(room_puts((org, id), before, after, (ctx.user(), ctx.now.unix_ms)));
            draft.change = Some(change);
            draft
        });
        Ok(answer(draft, |seq| SetRoomAvatarResponse { seq }))
    }

    async fn list_bans(
        &self,
        ctx: &mut Ctx,
        request: ListBansRequest,
    ) -> Result<Answer<ListBansResponse>, Error> {
        let cell = group(ctx, &request.room).await?;
        ctx.check(&cell, Permission::RemoveMembers).await?;
        let users = cell.read(|s| s.group.banned.iter().map(|user| user.to_field()).collect());
        Ok(Answer::Now(ListBansResponse { users }))
    }
}

/// The draft of a change to a group that the caller may make; `None` where it is so already.
async fn run<M: EventMessage>(
    ctx: &Ctx,
    room: &[u8],
    permission: Permission,
    body: &M,
    change: impl Fn(&RoomState) -> Option<RoomChange>,
) -> Result<Option<RoomDraft>, Error> {
    run_in(ctx, group(ctx, room).await?, permission, body, change).await
}

/// The same for a room that was found already.
async fn run_in<M: EventMessage>(
    ctx: &Ctx,
    cell: Arc<RoomCell>,
    permission: Permission,
    body: &M,
    change: impl Fn(&RoomState) -> Option<RoomChange>,
) -> Result<Option<RoomDraft>, Error> {
    ctx.check(&cell, permission).await?;
    let state = cell.state();
    let Some(change) = change(&state) else { return Ok(None) };
    let (id, version) = (cell.id, state.version);
    let event = NewEvent::new(ctx.user(), M::RULE.kind, body.encode_to_vec().into());
    let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
    draft.puts.push(room_put(id, &state.with(change.clone())));
    draft.change = Some(change);
    Ok(Some(draft))
}

fn answer<R: Send + 'static>(draft: Option<RoomDraft>, of: fn(u64) -> R) -> Answer<R> {
    match draft {
        Some(draft) => Answer::commit(Draft::Room(Box::new(draft)), move |done| of(done.seq)),
        None => Answer::Now(of(0)),
    }
}

/// Guests have only the rooms named for them.
async fn refuse_guests(ctx: &Ctx) -> Result<(), Error> {
    match ctx.directory().await?.read(|directory| is_guest(directory, &ctx.caller)) {
        true => Err(not_allowed()),
        false => Ok(()),
    }
}

/// The room of a row, if it is one to join.
async fn listed(ctx: &Ctx, row: &[u8]) -> Result<Option<Arc<RoomCell>>, Error> {
    let Some(id) = row.get(16..).and_then(|id| RoomId::parse(id).ok()) else { return Ok(None) };
    let cell = ctx.node.room(ctx.caller.org, id).await.map_err(store_error)?;
    Ok(cell.filter(|cell| cell.read(|state| state.group.open && !state.archived)))
}

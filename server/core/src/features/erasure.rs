//! Erasure, as admins ask for it and read how far it is.

use bytes::Bytes;
use parlour_protocol::{
    compliance::{
        EraseUserRequest, EraseUserResponse, Erasure, ListErasuresRequest, ListErasuresResponse,
        UserErased,
    },
    generated::ErasureAdminService,
    ids::{BlobHash, OrgId, UserId},
    limits::ERASURE_PAGE_MAX,
    user::Profile,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    deleting::held_at,
    directory::{
        Change, Directory,
        plan::handle_key,
        rows::{DirectoryJobRow, membership_put},
    },
    draft::{Draft, OrgDraft, store_error},
    erasing::ErasureRow,
    groups::resolve,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    pictures::{Purpose, hidden},
    ports::store::{Put, Scan},
    records::{Erased, UserRow, key, org_user},
    tables::Table,
};

impl ErasureAdminService<ServerKit> for Features {
    async fn erase_user(
        &self,
        ctx: &mut Ctx,
        request: EraseUserRequest,
    ) -> Result<Answer<EraseUserResponse>, Error> {
        let cell = ctx.directory().await?;
        // Before all else is read: whatever changes meanwhile is decided on again.
        let version = cell.head().seq;
        let user = resolve(ctx, "user", request.user.as_ref()).await?;
        let row = ctx.user_row(user).await?.unwrap_or_default();
        let answer = EraseUserResponse { user: user.to_field() };
        let org = ctx.caller.org;
        if row.is_erased() && !is_partly(ctx, user, &row).await? {
            return Ok(Answer::Now(answer));
        }
        check(ctx, user, &row).await?;
        let (mut puts, changes) = cell.read(|directory| goes(directory, org, user));
        puts.extend(profile_goes(org, user, row.profile.as_ref(), ctx.now.unix_ms));
        let erasure = ErasureRow {
            by: ctx.user().to_field(),
            since_ms: ctx.now.unix_ms,
            subject: row.subject,
            ..ErasureRow::default()
        };
        let rows = [
            (Table::USERS, UserRow::of_erased(Erased::UnderWay).encode_to_vec()),
            (Table::ERASURES, erasure.encode_to_vec()),
        ];
        let key = org_user(org, user);
        let put =
            |(table, row): (_, Vec<u8>)| Put { table, key: key.clone(), value: Some(row.into()) };
        puts.extend(rows.map(put));
        let body = UserErased { actor: ctx.caller.subject.to_string(), user: user.to_field() };
        // Their own log follows the directory once more: they are in no room of it.
        let told = DirectoryJobRow { users: vec![user.to_field()], ..DirectoryJobRow::default() };
        let draft = OrgDraft {
            puts,
            changes,
            jobs: vec![told],
            ..OrgDraft::new(cell, version, ctx.user(), &body)
        };
        let node = ctx.node.clone();
        Ok(Answer::commit(Draft::Org(Box::new(draft)), move |_| {
            // Should they come back, they are new.
            node.known_users.lock().expect("no panic while the lock is held").remove(&user);
            node.erasures.give();
            answer
        }))
    }

    async fn list_erasures(
        &self,
        ctx: &mut Ctx,
        request: ListErasuresRequest,
    ) -> Result<Answer<ListErasuresResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= ERASURE_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 500")),
        };
        let org = ctx.caller.org;
        let prefix = match &request.user[..] {
            [] => org.to_field(),
            user => org_user(org, id_field("user", UserId::parse(user))?),
        };
        let mut scan = Scan::prefix(Table::ERASURES, prefix, size + 1);
        if !request.page.is_empty() {
            let after = id_field("page", UserId::parse(&request.page))?;
            scan.from = key(&[&org_user(org, after), &[0]]);
        }
        let mut rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page = rows.last().filter(|_| more).map(|(row, _)| row.slice(16..));
        let view = |(row, value): (Bytes, Bytes)| {
            let ErasureRow { since_ms, done_ms, deleted, held, damaged, trouble, .. } =
                ErasureRow::decode(value).ok()?;
            let user = row.slice(16..);
            Some(Erasure { user, since_ms, done_ms, deleted, held, damaged, trouble })
        };
        let erasures = rows.into_iter().filter_map(view).collect();
        let next_page = next_page.unwrap_or_default();
        Ok(Answer::Now(ListErasuresResponse { erasures, next_page }))
    }
}

/// Whether an erasure has come to its end without what couldn't be read, which may be readable by now.
async fn is_partly(ctx: &Ctx, user: UserId, row: &UserRow) -> Result<bool, Error> {
    if row.erased() != Erased::Done {
        return Ok(false);
    }
    let place = org_user(ctx.caller.org, user);
    let erasure = ctx.store().get(Table::ERASURES, &place).await.map_err(store_error)?;
    let erasure = erasure.and_then(|row| ErasureRow::decode(row).ok());
    Ok(erasure.is_some_and(|erasure| erasure.damaged > 0))
}

/// Refuses to erase who is still here, who is no person, and whose words are held.
async fn check(ctx: &Ctx, user: UserId, row: &UserRow) -> Result<(), Error> {
    if row.is_bot || row.is_hook {
        return Err(Error::new(ErrorReason::ServiceAccount, "only people can be erased"));
    }
    if ctx.directory().await?.read(Directory::exists) && !row.deactivated {
        let what = "deactivate the user first, and hand over what they own";
        return Err(Error::new(ErrorReason::NotDeactivated, what));
    }
    let (_, holds) = held_at(ctx).await?;
    match holds.has_all_of(user) {
        true => Err(Error::new(ErrorReason::UserHeld, "a legal hold keeps what the user wrote")),
        false => Ok(()),
    }
}

/// They are in no node any more, and shut out.
fn goes(directory: &Directory, org: OrgId, user: UserId) -> (Vec<Put>, Vec<Change>) {
    let mut nodes: Vec<_> = directory.nodes_of(user).map(|(node, _)| node).collect();
    if directory.role(user).is_some() {
        nodes.push(directory.root());
    }
    nodes.sort_unstable();
    nodes.dedup();
    let puts = nodes.iter().map(|node| membership_put(org, *node, user, None)).collect();
    let ends = nodes.into_iter().map(|node| Change::Membership(node, user, None));
    (puts, ends.chain([Change::Deactivated(user, true)]).collect())
}

/// What a profile takes up elsewhere.
fn profile_goes(org: OrgId, user: UserId, profile: Option<&Profile>, now_ms: u64) -> Vec<Put> {
    let Some(profile) = profile else { return vec![] };
    let mut puts = Vec::new();
    if let Some(handle) = &profile.handle {
        puts.push(Put { table: Table::HANDLES, key: handle_key(org, handle), value: None });
    }
    let avatar = profile.avatar.as_ref().and_then(|hash| BlobHash::parse(hash).ok());
    let gone = avatar.map(|hash| hidden(org, hash, Purpose::Avatar(user), (user, now_ms)));
    puts.extend(gone.into_iter().flatten());
    puts
}

//! Users, as tokens, the directory and they themselves tell.

use parlour_protocol::{
    directory::{Change, DirectoryChanged, PutUser, change::Change as What},
    generated::UserService,
    ids::{BlobHash, UserId},
    limits,
    user::{GetUsersRequest, GetUsersResponse, SetProfileRequest, SetProfileResponse},
    wire::Error,
};
use prost::Message;

use crate::{
    directory::plan::{Wrong, merge_fields},
    draft::{Draft, OrgDraft, not_allowed},
    identity,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::ANSWER_BYTES,
    pictures::{Purpose, avatar, hidden, shown},
    ports::store::Put,
    records::org_user,
    tables::Table,
};

impl UserService<ServerKit> for Features {
    async fn get_users(
        &self,
        ctx: &mut Ctx,
        request: GetUsersRequest,
    ) -> Result<Answer<GetUsersResponse>, Error> {
        if request.users.len() + request.subjects.len() > limits::USERS_PER_CALL_MAX {
            return Err(Error::invalid("users", "too many"));
        }
        let org = ctx.caller.org;
        let mut ids = Vec::with_capacity(request.users.len() + request.subjects.len());
        for id in &request.users {
            ids.push(id_field("users", UserId::parse(id))?);
        }
        ids.extend(request.subjects.iter().map(|subject| identity::user_id(org, subject)));
        let mut users = Vec::with_capacity(ids.len());
        let (mut bytes, mut looked_at) = (0, 0);
        for id in ids {
            let user = ctx.user_row(id).await?.map(|row| row.view(id));
            bytes += user.as_ref().map_or(0, Message::encoded_len);
            if bytes > ANSWER_BYTES {
                break;
            }
            users.extend(user);
            looked_at += 1;
        }
        Ok(Answer::Now(GetUsersResponse { users, looked_at }))
    }

    async fn set_profile(
        &self,
        ctx: &mut Ctx,
        request: SetProfileRequest,
    ) -> Result<Answer<SetProfileResponse>, Error> {
        let wanted = request.profile.unwrap_or_default();
        for (field, is_set) in
            [("profile.name", wanted.name.is_some()), ("profile.handle", wanted.handle.is_some())]
        {
            if is_set {
                return Err(Error::invalid(field, "is not the user's to set"));
            }
        }
        let (org, user) = (ctx.caller.org, ctx.user());
        let cell = ctx.directory().await?;
        // Before the row is read: whatever changes meanwhile is decided on again.
        let version = cell.head().seq;
        let before = ctx.user_row(user).await?.ok_or_else(not_allowed)?;
        let mut row = before.clone();
        merge_fields(&mut row, &wanted).map_err(|Wrong(field, why)| Error::invalid(field, why))?;
        let mut puts = Vec::new();
        let profile = row.profile.get_or_insert_default();
        if let Some(hash) = &wanted.avatar
            && profile.avatar.as_ref() != Some(hash)
        {
            let hash = avatar(ctx, "profile.avatar", hash).await?;
            let before = std::mem::replace(&mut profile.avatar, hash.map(BlobHash::to_field));
            let before = before.and_then(|hash| BlobHash::parse(&hash).ok());
            let gone = before
                .map(|hash| hidden(org, hash, Purpose::Avatar(user), (user, ctx.now.unix_ms)));
            puts.extend(gone.into_iter().flatten());
            puts.extend(hash.map(|hash| shown(org, hash, Purpose::Avatar(user))));
        }
        let profile = row.profile.clone();
        if profile.clone().unwrap_or_default() == before.profile.unwrap_or_default() {
            return Ok(Answer::Now(SetProfileResponse { profile }));
        }
        ctx.pace_org_change()?;
        let value = Some(row.encode_to_vec().into());
        puts.push(Put { table: Table::USERS, key: org_user(org, user), value });
        let subject = ctx.caller.subject.to_string();
        let put = PutUser { subject: subject.clone(), profile: Some(wanted), ..PutUser::default() };
        let change = Change { change: Some(What::PutUser(put)) };
        let body = DirectoryChanged { actor: subject, changes: vec![change] };
        let draft = OrgDraft { puts, ..OrgDraft::new(cell, version, user, &body) };
        Ok(Answer::commit(Draft::Org(Box::new(draft)), move |_| SetProfileResponse { profile }))
    }
}

//! Users, as tokens and the directory tell.

use parlour_protocol::{
    generated::UserService,
    ids::UserId,
    limits,
    user::{GetUsersRequest, GetUsersResponse},
    wire::Error,
};
use prost::Message;

use crate::{
    identity,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::ANSWER_BYTES,
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
}

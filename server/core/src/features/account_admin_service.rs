//! The calls of admins about accounts, and which feature answers them.

use parlour_protocol::{
    account::{
        CreateInviteRequest, CreateInviteResponse, CreateSignInLinkRequest,
        CreateSignInLinkResponse, DecideKnockRequest, DecideKnockResponse, EndLoginsRequest,
        EndLoginsResponse, ListAccountsRequest, ListAccountsResponse, ListInvitesRequest,
        ListInvitesResponse, RevokeInviteRequest, RevokeInviteResponse, SetAccountScopesRequest,
        SetAccountScopesResponse,
    },
    generated::AccountAdminService,
    wire::Error,
};

use super::{account_admin, invites};
use crate::kit::{Answer, Ctx, Features, ServerKit};

impl AccountAdminService<ServerKit> for Features {
    async fn create_sign_in_link(
        &self,
        ctx: &mut Ctx,
        request: CreateSignInLinkRequest,
    ) -> Result<Answer<CreateSignInLinkResponse>, Error> {
        account_admin::create_sign_in_link(ctx, request).await
    }

    async fn set_account_scopes(
        &self,
        ctx: &mut Ctx,
        request: SetAccountScopesRequest,
    ) -> Result<Answer<SetAccountScopesResponse>, Error> {
        account_admin::set_account_scopes(ctx, request).await
    }

    async fn list_accounts(
        &self,
        ctx: &mut Ctx,
        request: ListAccountsRequest,
    ) -> Result<Answer<ListAccountsResponse>, Error> {
        account_admin::list_accounts(ctx, request).await
    }

    async fn end_logins(
        &self,
        ctx: &mut Ctx,
        request: EndLoginsRequest,
    ) -> Result<Answer<EndLoginsResponse>, Error> {
        account_admin::end_logins(ctx, request).await
    }

    async fn create_invite(
        &self,
        ctx: &mut Ctx,
        request: CreateInviteRequest,
    ) -> Result<Answer<CreateInviteResponse>, Error> {
        invites::create(ctx, request).await
    }

    async fn list_invites(
        &self,
        ctx: &mut Ctx,
        request: ListInvitesRequest,
    ) -> Result<Answer<ListInvitesResponse>, Error> {
        invites::list(ctx, request).await
    }

    async fn revoke_invite(
        &self,
        ctx: &mut Ctx,
        request: RevokeInviteRequest,
    ) -> Result<Answer<RevokeInviteResponse>, Error> {
        invites::revoke(ctx, request).await
    }

    async fn decide_knock(
        &self,
        ctx: &mut Ctx,
        request: DecideKnockRequest,
    ) -> Result<Answer<DecideKnockResponse>, Error> {
        invites::decide(ctx, request).await
    }
}

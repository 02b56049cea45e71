//! The methods that are about accounts and what is theirs, of nobody whom the other load needs.

use bytes::Bytes;
use parlour_protocol::{
    account::{
        AddPasskeyRequest, BeginPasskeyRequest, CreateInviteRequest, CreateKeyRequest,
        CreateServiceAccountRequest, CreateSignInLinkRequest, DecideKnockRequest, EndLoginRequest,
        EndLoginsRequest, ListAccountsRequest, ListInvitesRequest, ListKeysRequest,
        ListLoginsRequest, ListPasskeysRequest, RemovePasskeyRequest, RevokeInviteRequest,
        RevokeKeyRequest, SetAccountScopesRequest, SetPasswordRequest, end_login_request::Which,
    },
    generated::rpc,
    health::GetHealthRequest,
    webhook::{
        CreateWebhookRequest, EventFilter, ListWebhooksRequest, ResumeWebhookRequest,
        RevokeWebhookRequest, create_webhook_request, list_webhooks_request,
        resume_webhook_request, revoke_webhook_request,
    },
};

use super::{Sample, sample};

pub(super) fn samples() -> Vec<Sample> {
    let nobody = || "nobody-of-that-name".to_owned();
    let id = || Bytes::from_static(&[9; 16]);
    vec![
        sample::<rpc::SetPassword>(&SetPasswordRequest {
            current: "the present one".into(),
            password: "another one".into(),
        }),
        sample::<rpc::GetHealth>(&GetHealthRequest {}),
        sample::<rpc::BeginPasskey>(&BeginPasskeyRequest {}),
        sample::<rpc::AddPasskey>(&AddPasskeyRequest {
            state: id(),
            client_data_json: Bytes::from_static(b"{}"),
            attestation_object: id(),
            name: "a key".into(),
            current: "the present one".into(),
        }),
        sample::<rpc::ListPasskeys>(&ListPasskeysRequest {}),
        sample::<rpc::RemovePasskey>(&RemovePasskeyRequest { id: id() }),
        sample::<rpc::ListLogins>(&ListLoginsRequest {}),
        sample::<rpc::EndLogin>(&EndLoginRequest { which: Some(Which::Login(id())) }),
        sample::<rpc::CreateSignInLink>(&CreateSignInLinkRequest {
            subject: nobody(),
            valid_s: 600,
        }),
        sample::<rpc::SetAccountScopes>(&SetAccountScopesRequest {
            subject: nobody(),
            scopes: vec!["admin:audit".into()],
        }),
        sample::<rpc::ListAccounts>(&ListAccountsRequest { page: id(), page_size: 10 }),
        sample::<rpc::EndLogins>(&EndLoginsRequest { subject: nobody(), password: true }),
        sample::<rpc::CreateInvite>(&CreateInviteRequest {
            label: "for the team".into(),
            role: "guest".into(),
            nodes: vec!["team".into()],
            uses_max: 3,
            valid_s: 600,
            knock: true,
        }),
        sample::<rpc::ListInvites>(&ListInvitesRequest { page: id(), page_size: 10 }),
        sample::<rpc::RevokeInvite>(&RevokeInviteRequest { id: id() }),
        sample::<rpc::DecideKnock>(&DecideKnockRequest {
            id: id(),
            subject: nobody(),
            approve: true,
        }),
    ]
}

/// Programs' accounts, and their webhooks.
pub(super) fn of_programs() -> Vec<Sample> {
    let nobody = || "nobody-of-that-name".to_owned();
    let id = || Bytes::from_static(&[9; 16]);
    vec![
        sample::<rpc::CreateServiceAccount>(&CreateServiceAccountRequest {
            subject: "a-program".into(),
            name: "A program".into(),
            role: "guest".into(),
            nodes: vec!["team".into()],
            scopes: vec!["events:publish".into()],
        }),
        sample::<rpc::CreateKey>(&CreateKeyRequest {
            subject: nobody(),
            name: "of a program".into(),
            scopes: vec!["events:publish".into()],
            valid_s: 600,
        }),
        sample::<rpc::ListKeys>(&ListKeysRequest { subject: nobody() }),
        sample::<rpc::RevokeKey>(&RevokeKeyRequest { subject: nobody(), key: id() }),
        sample::<rpc::CreateWebhook>(&CreateWebhookRequest {
            of: Some(create_webhook_request::Of::Account(nobody())),
            client_ref: id(),
            name: "of a program".into(),
            url: "https://example.org/hook".into(),
            filter: Some(EventFilter {
                groups: vec![1],
                app_names: vec!["com.example.".into()],
                skip_own: true,
            }),
        }),
        sample::<rpc::ListWebhooks>(&ListWebhooksRequest {
            of: Some(list_webhooks_request::Of::Room(id())),
        }),
        sample::<rpc::RevokeWebhook>(&RevokeWebhookRequest {
            of: Some(revoke_webhook_request::Of::Room(id())),
            webhook: id(),
        }),
        sample::<rpc::ResumeWebhook>(&ResumeWebhookRequest {
            of: Some(resume_webhook_request::Of::Account(nobody())),
            webhook: id(),
            from_seq: 3,
            replay_room: id(),
        }),
    ]
}

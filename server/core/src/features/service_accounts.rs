//! Accounts of programs and their keys: made, listed and revoked by admins. Each change is an event of the
//! organization's log.

use parlour_protocol::{
    account::{
        AccountAction, AccountsChanged, ApiKey, CreateKeyRequest, CreateKeyResponse,
        CreateServiceAccountRequest, CreateServiceAccountResponse, ListKeysRequest,
        ListKeysResponse, RevokeKeyRequest, RevokeKeyResponse,
    },
    directory::{Change, PutMembership, PutUser, change::Change as Wanted},
    generated::ServiceAccountService,
    ids::{ApiKeyId, UserId},
    limits::{
        API_KEY_NAME_BYTES_MAX, API_KEY_VALID_S_MAX, API_KEYS_MAX, INVITE_NODES_MAX,
        PROFILE_NAME_BYTES_MAX,
    },
    user::Profile,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    accounts::{
        Account, account_not_found, audited, check_scopes,
        invites::{check_subject, subject_taken},
        keys::{self, Key, new_secret},
        rows::{AccountRow, KeyRow},
        valid_s,
    },
    directory::{
        Role,
        plan::{Known, plan},
    },
    draft::{Closes, Draft, OrgDraft},
    identity,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    ports::store::Put,
    records::{UserRow, org_user},
    tables::Table,
};

impl ServiceAccountService<ServerKit> for Features {
    async fn create_service_account(
        &self,
        ctx: &mut Ctx,
        request: CreateServiceAccountRequest,
    ) -> Result<Answer<CreateServiceAccountResponse>, Error> {
        let role = check_new(&request)?;
        let org = ctx.caller.org;
        let user = identity::user_id(org, &request.subject);
        // Before rows are read: if one of them changes meanwhile, so does this.
        let directory = ctx.directory().await?;
        let version = directory.head().seq;
        if ctx.node.is_taken(org, user, &request.subject).await? {
            return Err(subject_taken());
        }
        let row = AccountRow {
            subject: request.subject.clone(),
            org: ctx.caller.org_name.to_string(),
            created_ms: ctx.now.unix_ms,
            scopes: request.scopes.clone(),
            is_service: true,
            ..AccountRow::default()
        };
        let account = Account::new(org, user, row);
        let name = Some(&*request.name).filter(|name| !name.is_empty());
        let user_row = UserRow {
            subject: request.subject.clone(),
            name: name.unwrap_or(&request.subject).to_owned(),
            is_bot: true,
            ..UserRow::default()
        };
        let mut event = event(ctx, AccountAction::ServiceCreated, &request.subject);
        event.scopes = request.scopes.clone();
        let puts = account.change(account.row.clone());
        let mut draft = OrgDraft {
            version,
            absent: vec![account.guard()],
            ..audited(directory.clone(), ctx.user(), &event, puts)
        };
        if directory.read(|directory| directory.exists()) {
            let known = Known { users: [(user, user_row)].into(), ..Known::default() };
            let wanted = wanted(&request, role);
            let plan = directory.read(|directory| plan(directory, ctx.user(), &wanted, known))?;
            draft.puts.extend(plan.puts);
            draft.changes = plan.changes;
            draft.jobs = plan.jobs;
        } else {
            let value = Some(user_row.encode_to_vec().into());
            draft.puts.push(Put { table: Table::USERS, key: org_user(org, user), value });
        }
        Ok(Answer::commit(Draft::Org(Box::new(draft)), move |_| CreateServiceAccountResponse {
            user: user.to_field(),
        }))
    }

    async fn create_key(
        &self,
        ctx: &mut Ctx,
        request: CreateKeyRequest,
    ) -> Result<Answer<CreateKeyResponse>, Error> {
        check_key(&request)?;
        let account = service(ctx, &request.subject).await?;
        let lacks = |scope: &&String| !account.row.scopes.contains(*scope);
        if request.scopes.iter().any(|scope| lacks(&scope)) {
            return Err(Error::invalid("scopes", "are more than the account's"));
        }
        let keys = ctx.node.keys(&account, ctx.now.unix_ms).await?;
        if keys.good.len() >= API_KEYS_MAX {
            return Err(Error::new(ErrorReason::TooManyKeys, "the account has 20 keys"));
        }
        let id = ApiKeyId::from_bytes(ctx.node.new_id(ctx.now.unix_ms));
        let (text, secret) = new_secret(&ctx.node, &account, id);
        let row = KeyRow {
            name: request.name,
            secret,
            scopes: request.scopes.clone(),
            created_ms: ctx.now.unix_ms,
            expires_ms: match request.valid_s {
                0 => 0,
                valid_s => ctx.now.unix_ms + u64::from(valid_s) * 1000,
            },
            generation: account.row.generation,
            revoked: false,
            creator: ctx.caller.subject.to_string(),
        };
        let key = Key { id, row };
        let mut puts = keys.surplus(&account, 0);
        puts.push(key.put(&account));
        let event = AccountsChanged {
            key: id.to_field(),
            scopes: request.scopes,
            ..event(ctx, AccountAction::KeyCreated, &request.subject)
        };
        let view = view(&account, key);
        let draft = changing(ctx, &account, &event, puts).await?;
        Ok(Answer::commit(Draft::Org(Box::new(draft)), move |_| CreateKeyResponse {
            key: Some(view),
            secret: text,
        }))
    }

    async fn list_keys(
        &self,
        ctx: &mut Ctx,
        request: ListKeysRequest,
    ) -> Result<Answer<ListKeysResponse>, Error> {
        let account = service(ctx, &request.subject).await?;
        let keys = ctx.node.keys(&account, ctx.now.unix_ms).await?;
        let mut keys: Vec<Key> = keys.good.into_iter().chain(keys.past).collect();
        keys.sort_by_key(|key| key.id);
        let keys = keys.into_iter().map(|key| view(&account, key)).collect();
        Ok(Answer::Now(ListKeysResponse { keys }))
    }

    async fn revoke_key(
        &self,
        ctx: &mut Ctx,
        request: RevokeKeyRequest,
    ) -> Result<Answer<RevokeKeyResponse>, Error> {
        let account = service(ctx, &request.subject).await?;
        let id = id_field("key", ApiKeyId::parse(&request.key))?;
        let keys = ctx.node.keys(&account, ctx.now.unix_ms).await?;
        if keys.past.iter().any(|key| key.id == id && key.is_revoked(&account)) {
            return Ok(Answer::Now(RevokeKeyResponse { closed: 0 }));
        }
        let Some(key) = keys.good.iter().chain(&keys.past).find(|key| key.id == id) else {
            return Err(Error::new(ErrorReason::KeyNotFound, "no such key"));
        };
        let mut puts = keys.surplus(&account, 1);
        puts.extend(keys::revoke(&account, key, ctx.now.unix_ms));
        let event = AccountsChanged {
            key: id.to_field(),
            ..event(ctx, AccountAction::KeyRevoked, &request.subject)
        };
        let closes = Closes::Tokens(vec![id.to_string().into()]);
        let draft =
            OrgDraft { closes: Some(closes), ..changing(ctx, &account, &event, puts).await? };
        Ok(Answer::commit(Draft::Org(Box::new(draft)), |done| RevokeKeyResponse {
            closed: done.closed,
        }))
    }
}

/// A draft about an account's keys: two of them are decided one after the other, so that the bound on
/// keys is exact.
async fn changing(
    ctx: &Ctx,
    account: &Account,
    event: &AccountsChanged,
    mut puts: Vec<Put>,
) -> Result<OrgDraft, Error> {
    puts.extend(account.change(account.row.clone()));
    let draft = audited(ctx.directory().await?, ctx.user(), event, puts);
    Ok(OrgDraft { absent: vec![account.guard()], ..draft })
}

/// A program's account.
async fn service(ctx: &Ctx, subject: &str) -> Result<Account, Error> {
    let user: UserId = identity::user_id(ctx.caller.org, subject);
    let account = ctx.node.account(ctx.caller.org, user).await?;
    account.filter(|account| account.row.is_service).ok_or_else(account_not_found)
}

/// The event that says what the caller does.
fn event(ctx: &Ctx, action: AccountAction, subject: &str) -> AccountsChanged {
    AccountsChanged {
        actor: ctx.caller.subject.to_string(),
        action: action as i32,
        subject: subject.to_owned(),
        ..AccountsChanged::default()
    }
}

/// What changes in the directory when it comes.
fn wanted(request: &CreateServiceAccountRequest, role: &str) -> Vec<Change> {
    let subject = request.subject.clone();
    let name = (!request.name.is_empty()).then(|| request.name.clone());
    let handle = Some(subject.clone());
    let user = PutUser {
        subject: subject.clone(),
        role: Some(role.to_owned()),
        profile: Some(Profile { name, handle, ..Profile::default() }),
        deactivated: None,
    };
    let nodes = request.nodes.iter().map(|node| PutMembership {
        node: node.clone(),
        subject: subject.clone(),
        role: String::new(),
    });
    let changes = std::iter::once(Wanted::PutUser(user)).chain(nodes.map(Wanted::PutMembership));
    changes.map(|change| Change { change: Some(change) }).collect()
}

/// Its role in the organization.
fn check_new(request: &CreateServiceAccountRequest) -> Result<&'static str, Error> {
    check_subject("subject", &request.subject)?;
    check_scopes(&request.scopes)?;
    if request.name.len() > PROFILE_NAME_BYTES_MAX {
        return Err(Error::invalid("name", "is over 200 bytes"));
    }
    if request.nodes.len() > INVITE_NODES_MAX {
        return Err(Error::invalid("nodes", "are more than 20"));
    }
    if request.nodes.iter().any(String::is_empty) {
        return Err(Error::invalid("nodes", "the organization itself is given by the role"));
    }
    match request.role.as_str() {
        "" | Role::MEMBER => Ok(Role::MEMBER),
        Role::GUEST => Ok(Role::GUEST),
        _ => Err(Error::invalid("role", "is not member or guest")),
    }
}

fn check_key(request: &CreateKeyRequest) -> Result<(), Error> {
    check_scopes(&request.scopes)?;
    if !(1..=API_KEY_NAME_BYTES_MAX).contains(&request.name.len()) {
        return Err(Error::invalid("name", "is not 1 to 80 bytes"));
    }
    if request.name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "has control characters"));
    }
    // 0 is for ever.
    valid_s(request.valid_s, 0, API_KEY_VALID_S_MAX).map(drop)
}

/// A key as others see it: without its secret's hash.
fn view(account: &Account, key: Key) -> ApiKey {
    ApiKey {
        id: key.id.to_field(),
        revoked: key.is_revoked(account),
        name: key.row.name,
        scopes: key.row.scopes,
        created_ms: key.row.created_ms,
        expires_ms: key.row.expires_ms,
        creator: key.row.creator,
    }
}

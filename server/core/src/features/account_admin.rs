//! What admins do about accounts: links, what tokens allow, an end to all logins. Each of it is an event
//! of the organization's log.

use parlour_protocol::{
    account::{
        Account as View, AccountAction, AccountsChanged, CreateSignInLinkRequest,
        CreateSignInLinkResponse, EndLoginsRequest, EndLoginsResponse, ListAccountsRequest,
        ListAccountsResponse, SetAccountScopesRequest, SetAccountScopesResponse,
    },
    ids::{LoginId, UserId},
    limits,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    accounts::{
        Account, account_not_found, audited, check_scopes, code, logins,
        rows::{AccountRow, CodeRow},
        tokens_end_ms, valid_s,
    },
    admission::revoked_key,
    draft::{Closes, Draft, OrgDraft, store_error},
    identity,
    kit::{Answer, Ctx, id_field},
    limits::ANSWER_BYTES,
    ports::store::{Put, Scan},
    records::{RevokedRow, key, org_user},
    tables::Table,
};

pub(super) async fn create_sign_in_link(
    ctx: &Ctx,
    request: CreateSignInLinkRequest,
) -> Result<Answer<CreateSignInLinkResponse>, Error> {
    let valid_s = valid_s(request.valid_s, limits::LINK_VALID_S, limits::LINK_VALID_S_MAX)?;
    ctx.node.accounts.issuer()?;
    let user = subject(ctx, &request.subject)?;
    let org = ctx.caller.org;
    let directory = ctx.directory().await?;
    let version = directory.head().seq;
    let is_unknown = |directory: &crate::directory::Directory| {
        directory.exists() && directory.role(user).is_none()
    };
    if directory.read(is_unknown) {
        return Err(Error::new(ErrorReason::UserNotFound, "the directory has no such user"));
    }
    if ctx.user_row(user).await?.is_some_and(|row| row.is_erased()) {
        return Err(Error::new(ErrorReason::UserNotFound, "the user was erased"));
    }
    let present = ctx.node.account(org, user).await?;
    present.as_ref().map_or(Ok(()), Account::check_person)?;
    let created = present.is_none();
    let account = present.unwrap_or_else(|| {
        let row = AccountRow {
            subject: request.subject.clone(),
            org: ctx.caller.org_name.to_string(),
            created_ms: ctx.now.unix_ms,
            ..AccountRow::default()
        };
        Account::new(org, user, row)
    });
    let code = code::new(&ctx.node, org);
    let expires_ms = ctx.now.unix_ms + u64::from(valid_s) * 1000;
    let row = CodeRow { expires_ms, user: user.to_field(), ..CodeRow::default() };
    let value = Some(row.encode_to_vec().into());
    let mut puts = vec![Put { table: Table::CODES, key: code.key.clone(), value }];
    if !account.row.link.is_empty() {
        // One link at a time: the one before is no longer any good.
        let tables = [Table::CODES, Table::CODES_SPENT];
        let gone = |table| Put { table, key: account.row.link.clone(), value: None };
        puts.extend(tables.map(gone));
    }
    puts.extend(account.change(AccountRow { link: code.key, ..account.row.clone() }));
    let event = event(ctx, AccountAction::LinkCreated, &request.subject);
    let draft = OrgDraft {
        version,
        absent: vec![account.guard()],
        ..audited(directory, ctx.user(), &event, puts)
    };
    let text = code.text;
    Ok(Answer::commit(Draft::Org(Box::new(draft)), move |_| CreateSignInLinkResponse {
        code: text,
        expires_ms,
        created,
    }))
}

pub(super) async fn set_account_scopes(
    ctx: &Ctx,
    request: SetAccountScopesRequest,
) -> Result<Answer<SetAccountScopesResponse>, Error> {
    check_scopes(&request.scopes)?;
    let account = existing(ctx, &request.subject).await?;
    if account.row.scopes == request.scopes {
        return Ok(Answer::Now(SetAccountScopesResponse { closed: 0 }));
    }
    let row = AccountRow { scopes: request.scopes.clone(), ..account.row.clone() };
    let mut puts = account.change(row);
    puts.push(tokens_end(ctx, &account).await?);
    let mut event = event(ctx, AccountAction::ScopesSet, &request.subject);
    event.scopes = request.scopes;
    let draft = OrgDraft {
        absent: vec![account.guard()],
        closes: Some(Closes::User(account.user)),
        ..audited(ctx.directory().await?, ctx.user(), &event, puts)
    };
    Ok(Answer::commit(Draft::Org(Box::new(draft)), |done| SetAccountScopesResponse {
        closed: done.closed,
    }))
}

pub(super) async fn list_accounts(
    ctx: &Ctx,
    request: ListAccountsRequest,
) -> Result<Answer<ListAccountsResponse>, Error> {
    let size = match request.page_size as usize {
        0 => 50,
        n if n <= limits::ACCOUNT_PAGE_MAX => n,
        _ => return Err(Error::invalid("page_size", "is over 100")),
    };
    let org = ctx.caller.org;
    let mut scan = Scan::prefix(Table::ACCOUNTS, org.to_field(), size + 1);
    if !request.page.is_empty() {
        let after = id_field("page", UserId::parse(&request.page))?;
        scan.from = key(&[&org_user(org, after), &[0]]);
    }
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let mut more = rows.len() > size;
    let (mut accounts, mut bytes) = (Vec::new(), 0);
    for (key, row) in rows.into_iter().take(size) {
        let user = key.get(32 - 16..).and_then(|user| UserId::parse(user).ok());
        let (Some(user), Ok(row)) = (user, AccountRow::decode(row)) else { continue };
        let view = view(ctx, Account::new(org, user, row)).await?;
        bytes += view.encoded_len();
        if bytes > ANSWER_BYTES {
            more = true;
            break;
        }
        accounts.push(view);
    }
    let last = accounts.last().filter(|_| more);
    let next_page = last.map(|account| account.user.clone()).unwrap_or_default();
    Ok(Answer::Now(ListAccountsResponse { accounts, next_page }))
}

pub(super) async fn end_logins(
    ctx: &Ctx,
    request: EndLoginsRequest,
) -> Result<Answer<EndLoginsResponse>, Error> {
    let account = existing(ctx, &request.subject).await?;
    let logins = ctx.node.logins(&account).await?;
    let ids: Vec<LoginId> = logins.iter().map(|login| login.id).collect();
    let (mut puts, _) = logins::end(&account, &ids, ctx.now.unix_ms);
    puts.extend(account.end_all(request.password));
    if request.password {
        let held = ctx.node.passkeys_of(&account).await?;
        puts.extend(held.iter().flat_map(|held| held.puts(&account, false)));
    }
    puts.push(tokens_end(ctx, &account).await?);
    let action = match request.password {
        true => AccountAction::PasswordRemoved,
        false => AccountAction::LoginsEnded,
    };
    let event = event(ctx, action, &request.subject);
    let draft = OrgDraft {
        absent: vec![account.guard()],
        closes: Some(Closes::User(account.user)),
        ..audited(ctx.directory().await?, ctx.user(), &event, puts)
    };
    Ok(Answer::commit(Draft::Org(Box::new(draft)), |done| EndLoginsResponse {
        closed: done.closed,
    }))
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

/// Refuses the tokens of an account that were made so far.
async fn tokens_end(ctx: &Ctx, account: &Account) -> Result<Put, Error> {
    let key = revoked_key(account.org, b'u', account.user.to_bytes());
    let before = ctx.node.row(Table::REVOKED, &key).await?;
    let row = RevokedRow::new(tokens_end_ms(before, ctx.now.unix_ms));
    Ok(Put { table: Table::REVOKED, key, value: Some(row.encode_to_vec().into()) })
}

fn subject(ctx: &Ctx, subject: &str) -> Result<UserId, Error> {
    if !(1..=limits::SUBJECT_BYTES_MAX).contains(&subject.len()) {
        return Err(Error::invalid("subject", "is not 1 to 255 bytes"));
    }
    Ok(identity::user_id(ctx.caller.org, subject))
}

async fn existing(ctx: &Ctx, named: &str) -> Result<Account, Error> {
    let user = subject(ctx, named)?;
    let account = ctx.node.account(ctx.caller.org, user).await?;
    if !account.as_ref().is_some_and(|account| account.row.is_service) {
        // Programs have accounts where people have none.
        ctx.node.accounts.issuer()?;
    }
    account.ok_or_else(account_not_found)
}

async fn view(ctx: &Ctx, account: Account) -> Result<View, Error> {
    let logins = ctx.node.logins(&account).await?;
    let good = logins.iter().filter(|login| login.is_good(&account, ctx.now.unix_ms)).count();
    let keys = match account.row.is_service {
        true => ctx.node.keys(&account, ctx.now.unix_ms).await?.good.len(),
        false => 0,
    };
    Ok(View {
        user: account.user.to_field(),
        subject: account.row.subject,
        created_ms: account.row.created_ms,
        has_password: !account.row.password.is_empty(),
        scopes: account.row.scopes,
        logins: good as u32,
        is_service: account.row.is_service,
        keys: keys as u32,
    })
}

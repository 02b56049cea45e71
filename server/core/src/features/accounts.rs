//! What people do with their accounts: the password, and where they are signed in.

use bytes::Bytes;
use parlour_protocol::{
    account::{
        EndLoginRequest, EndLoginResponse, ListLoginsRequest, ListLoginsResponse, Login as View,
        LoginMethod, SetPasswordRequest, SetPasswordResponse, end_login_request::Which,
    },
    generated::AccountService,
    ids::LoginId,
    limits::{LINK_SETS_PASSWORD_FOR, LOGINS_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN},
    wire::{Error, ErrorReason},
};

use crate::{
    accounts::{
        Account, account_not_found,
        logins::{self, login_of},
        rows::AccountRow,
        sign_in::not_now,
    },
    draft::{Draft, Refused, RowsDraft},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    ports::store::Shard,
    tables::Table,
};

impl AccountService<ServerKit> for Features {
    async fn set_password(
        &self,
        ctx: &mut Ctx,
        request: SetPasswordRequest,
    ) -> Result<Answer<SetPasswordResponse>, Error> {
        let account = own(ctx).await?;
        account.check_person()?;
        check_new(&request.password, &account)?;
        let current = login_of(&ctx.caller);
        let absent = still_in(ctx, &account).await?;
        // Hashing is dear: one at a time for each.
        let _turn = ctx.node.accounts.take_turn(ctx.user())?;
        check_owner(ctx, &account, request.current).await?;
        let password = ctx.node.accounts.issuer()?.hash(request.password).await.map_err(not_now)?;
        let others = others(ctx, &account, current).await?;
        let (mut puts, closes) = logins::end(&account, &others, ctx.now.unix_ms);
        puts.extend(account.change(AccountRow {
            password,
            generation: account.row.generation + 1,
            spared: current.map(LoginId::to_field).unwrap_or_default(),
            ..account.row.clone()
        }));
        let draft = RowsDraft {
            absent,
            closes: Some(closes),
            ..RowsDraft::new(Shard::Org(account.org), puts)
        };
        Ok(Answer::commit(Draft::Rows(Box::new(draft)), |_| SetPasswordResponse {}))
    }

    async fn list_logins(
        &self,
        ctx: &mut Ctx,
        _: ListLoginsRequest,
    ) -> Result<Answer<ListLoginsResponse>, Error> {
        let account = own(ctx).await?;
        let current = login_of(&ctx.caller);
        let mut logins = ctx.node.logins(&account).await?;
        logins.retain(|login| login.is_good(&account, ctx.now.unix_ms));
        let newest = logins.into_iter().rev().take(LOGINS_MAX);
        let logins = newest.map(|login| View {
            id: login.id.to_field(),
            current: Some(login.id) == current,
            agent: login.row.agent,
            device: login.row.device,
            since_ms: login.row.since_ms,
            used_ms: login.row.used_ms,
            method: login.row.method,
        });
        Ok(Answer::Now(ListLoginsResponse { logins: logins.collect() }))
    }

    async fn end_login(
        &self,
        ctx: &mut Ctx,
        request: EndLoginRequest,
    ) -> Result<Answer<EndLoginResponse>, Error> {
        let account = own(ctx).await?;
        let ended = match request.which {
            Some(Which::Login(id)) => {
                let id = id_field("login", LoginId::parse(&id))?;
                // Another account's isn't there.
                let login = ctx.node.login(&account, id).await?;
                login.map(|login| login.id).into_iter().collect()
            }
            Some(Which::Others(true)) => others(ctx, &account, login_of(&ctx.caller)).await?,
            _ => return Err(Error::invalid("which", "is missing")),
        };
        if ended.is_empty() {
            return Ok(Answer::Now(EndLoginResponse { closed: 0 }));
        }
        let (puts, closes) = logins::end(&account, &ended, ctx.now.unix_ms);
        let draft =
            RowsDraft { closes: Some(closes), ..RowsDraft::new(Shard::Org(account.org), puts) };
        Ok(Answer::commit(Draft::Rows(Box::new(draft)), |done| EndLoginResponse {
            closed: done.closed,
        }))
    }
}

/// What must be absent when something that lets people in is committed: whoever was signed out leaves no
/// way in behind.
pub(super) async fn still_in(ctx: &Ctx, account: &Account) -> Result<Vec<(Table, Bytes)>, Error> {
    let mut absent = vec![account.guard()];
    if let Some(id) = login_of(&ctx.caller) {
        let login = ctx.node.login(account, id).await?;
        if !login.is_some_and(|login| login.is_good(account, ctx.now.unix_ms)) {
            return Err(Refused::Revoked.into());
        }
        absent.push((Table::REVOKED, logins::ended_key(account.org, id)));
    }
    Ok(absent)
}

/// Refuses whoever isn't sure to be the account's owner: who has the password shows it, or has come in just
/// now by other means of theirs.
pub(super) async fn check_owner(
    ctx: &Ctx,
    account: &Account,
    password: String,
) -> Result<(), Error> {
    let hash = account.row.password.clone();
    if hash.is_empty() || has_come_in(ctx, account, login_of(&ctx.caller)).await? {
        return Ok(());
    }
    let (user, now) = (ctx.user(), ctx.now);
    let is_right = password.len() <= PASSWORD_BYTES_MAX
        && ctx.node.check_password(user, password, Some(hash), now).await?;
    if is_right {
        return Ok(());
    }
    Err(Error::new(ErrorReason::WrongPassword, "the password is not right"))
}

pub(super) async fn own(ctx: &Ctx) -> Result<Account, Error> {
    ctx.node.accounts.issuer()?;
    let account = ctx.node.account(ctx.caller.org, ctx.user()).await?;
    account.ok_or_else(account_not_found)
}

/// The account's logins but that one.
async fn others(
    ctx: &Ctx,
    account: &Account,
    current: Option<LoginId>,
) -> Result<Vec<LoginId>, Error> {
    let logins = ctx.node.logins(account).await?;
    let ids = logins.into_iter().map(|login| login.id);
    Ok(ids.filter(|id| Some(*id) != current).collect())
}

/// Whether the caller has signed in with a link or a passkey just now: whoever has forgotten the password
/// gets a link.
async fn has_come_in(ctx: &Ctx, account: &Account, id: Option<LoginId>) -> Result<bool, Error> {
    let Some(id) = id else { return Ok(false) };
    let Some(login) = ctx.node.login(account, id).await? else { return Ok(false) };
    let fresh_ms = LINK_SETS_PASSWORD_FOR.as_millis() as u64;
    let methods = [LoginMethod::Link, LoginMethod::Passkey];
    Ok(methods.iter().any(|method| login.row.method == *method as i32)
        && login.is_good(account, ctx.now.unix_ms)
        && ctx.now.unix_ms.saturating_sub(login.row.since_ms) <= fresh_ms)
}

fn check_new(password: &str, account: &Account) -> Result<(), Error> {
    let problem = match password.len() {
        n if n < PASSWORD_BYTES_MIN => "is under 10 bytes",
        n if n > PASSWORD_BYTES_MAX => "is over 256 bytes",
        _ if password.eq_ignore_ascii_case(&account.row.subject) => "is the account's name",
        _ => return Ok(()),
    };
    Err(Error::invalid("password", problem))
}

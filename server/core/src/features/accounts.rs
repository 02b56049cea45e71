//! What people do with their accounts: the password, and where they are signed in.

use parlour_protocol::{
    account::{
        EndLoginRequest, EndLoginResponse, ListLoginsRequest, ListLoginsResponse, Login as View,
        SetPasswordRequest, SetPasswordResponse, end_login_request::Which,
    },
    generated::AccountService,
    ids::LoginId,
    limits::{LOGINS_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN},
    wire::Error,
};

use crate::{
    accounts::{
        Account,
        logins::{self, login_of},
        owner::{check_owner, own, still_in},
        rows::AccountRow,
        sign_in::not_now,
    },
    draft::{Draft, RowsDraft},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    ports::store::Shard,
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

fn check_new(password: &str, account: &Account) -> Result<(), Error> {
    let problem = match password.len() {
        n if n < PASSWORD_BYTES_MIN => "is under 10 bytes",
        n if n > PASSWORD_BYTES_MAX => "is over 256 bytes",
        _ if password.eq_ignore_ascii_case(&account.row.subject) => "is the account's name",
        _ => return Ok(()),
    };
    Err(Error::invalid("password", problem))
}

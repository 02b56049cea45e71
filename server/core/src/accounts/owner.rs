//! Whether whoever asks is sure to be an account's owner, before they change how people come in.

use bytes::Bytes;
use parlour_protocol::{
    account::LoginMethod,
    ids::LoginId,
    limits::{LINK_SETS_PASSWORD_FOR, PASSWORD_BYTES_MAX},
    wire::{Error, ErrorReason},
};

use super::{
    Account, account_not_found,
    logins::{self, login_of},
};
use crate::{draft::Refused, kit::Ctx, tables::Table};

/// What must be absent when something that lets people in is committed: whoever was signed out leaves no
/// way in behind.
pub(crate) async fn still_in(ctx: &Ctx, account: &Account) -> Result<Vec<(Table, Bytes)>, Error> {
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
pub(crate) async fn check_owner(
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

pub(crate) async fn own(ctx: &Ctx) -> Result<Account, Error> {
    ctx.node.accounts.issuer()?;
    let account = ctx.node.account(ctx.caller.org, ctx.user()).await?;
    account.ok_or_else(account_not_found)
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

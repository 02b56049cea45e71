//! Passkeys: ways to sign in that stay on people's devices.

use bytes::Bytes;
use parlour_protocol::{
    account::{
        AddPasskeyRequest, AddPasskeyResponse, BeginPasskeyRequest, BeginPasskeyResponse,
        ListPasskeysRequest, ListPasskeysResponse, RemovePasskeyRequest, RemovePasskeyResponse,
    },
    generated::PasskeyService,
    limits::{PASSKEY_NAME_BYTES_MAX, PASSKEYS_MAX},
    wire::{Error, ErrorReason},
};

use crate::{
    accounts::{
        code::sha256,
        owner::{check_owner, own, still_in},
        passkeys::Held,
        rows::PasskeyRow,
    },
    draft::{Draft, RowsDraft},
    kit::{Answer, Ctx, Features, ServerKit},
    ports::{passkeys::Kept, store::Shard},
    tables::Table,
};

impl PasskeyService<ServerKit> for Features {
    async fn begin_passkey(
        &self,
        ctx: &mut Ctx,
        _: BeginPasskeyRequest,
    ) -> Result<Answer<BeginPasskeyResponse>, Error> {
        let passkeys = ctx.node.passkeys()?.clone();
        let account = own(ctx).await?;
        account.check_person()?;
        let held = ctx.node.passkeys_of(&account).await?;
        check_room(held.len())?;
        let user = ctx.user().to_bytes();
        let asked = passkeys.ask_new(user, ctx.now.unix_ms);
        Ok(Answer::Now(BeginPasskeyResponse {
            challenge: Bytes::copy_from_slice(&asked.challenge),
            host: passkeys.host().to_owned(),
            host_name: passkeys.name().to_owned(),
            user: ctx.user().to_field(),
            algorithms: passkeys.algorithms().to_vec(),
            exclude: held.into_iter().map(|held| held.row.id).collect(),
            state: ctx.node.sealed_question(user, &asked),
            expires_ms: asked.expires_ms,
        }))
    }

    async fn add_passkey(
        &self,
        ctx: &mut Ctx,
        request: AddPasskeyRequest,
    ) -> Result<Answer<AddPasskeyResponse>, Error> {
        let passkeys = ctx.node.passkeys()?.clone();
        if request.name.len() > PASSKEY_NAME_BYTES_MAX {
            return Err(Error::invalid("name", "is over 100 bytes"));
        }
        let account = own(ctx).await?;
        account.check_person()?;
        let mut absent = still_in(ctx, &account).await?;
        check_room(ctx.node.passkeys_of(&account).await?.len())?;
        let _turn = ctx.node.accounts.take_turn(ctx.user())?;
        check_owner(ctx, &account, request.current).await?;
        let state = ctx.node.open_question(ctx.user().to_bytes(), &request.state);
        let state =
            state.ok_or_else(|| Error::invalid("state", "is of no question to the caller"))?;
        let made = (&request.client_data_json, &request.attestation_object);
        let judged = passkeys.judge_new(&state, made.0, made.1, ctx.now.unix_ms);
        let kept = judged.map_err(|why| Error::invalid("attestation_object", why.to_string()))?;
        if !ctx.node.answers_first(&state, made.1, ctx.now)? {
            return Err(Error::invalid("state", "was answered before"));
        }
        let held = held(kept, request.name, ctx.now.unix_ms);
        let taken = (Table::PASSKEY_OWNERS, held.hash.clone());
        let is_taken = ctx.store().get(taken.0, &taken.1).await;
        if is_taken.map_err(crate::draft::store_error)?.is_some() {
            return Err(Error::invalid("attestation_object", "is a passkey that there is already"));
        }
        absent.push(taken);
        let mut puts = held.puts(&account, true).to_vec();
        // A change of the account that was decided before doesn't miss it.
        puts.extend(account.change(account.row.clone()));
        let draft = RowsDraft { absent, ..RowsDraft::new(Shard::Org(account.org), puts) };
        let view = held.view();
        Ok(Answer::commit(Draft::Rows(Box::new(draft)), move |_| AddPasskeyResponse {
            passkey: Some(view.clone()),
        }))
    }

    async fn list_passkeys(
        &self,
        ctx: &mut Ctx,
        _: ListPasskeysRequest,
    ) -> Result<Answer<ListPasskeysResponse>, Error> {
        let held = ctx.node.passkeys_of(&own(ctx).await?).await?;
        let passkeys = held.iter().map(Held::view).collect();
        Ok(Answer::Now(ListPasskeysResponse { passkeys }))
    }

    async fn remove_passkey(
        &self,
        ctx: &mut Ctx,
        request: RemovePasskeyRequest,
    ) -> Result<Answer<RemovePasskeyResponse>, Error> {
        let account = own(ctx).await?;
        let held = ctx.node.passkeys_of(&account).await?;
        let Some(held) = held.into_iter().find(|held| held.hash == request.id) else {
            return Ok(Answer::Now(RemovePasskeyResponse {}));
        };
        let puts = held.puts(&account, false).to_vec();
        let draft = RowsDraft::new(Shard::Org(account.org), puts);
        Ok(Answer::commit(Draft::Rows(Box::new(draft)), |_| RemovePasskeyResponse {}))
    }
}

fn check_room(count: usize) -> Result<(), Error> {
    match count < PASSKEYS_MAX {
        true => Ok(()),
        false => Err(Error::new(ErrorReason::TooManyPasskeys, "the account has 20 passkeys")),
    }
}

fn held(kept: Kept, name: String, now_ms: u64) -> Held {
    let Kept { id, encoded, model, is_synced } = kept;
    Held {
        hash: Bytes::copy_from_slice(&sha256(&id)),
        row: PasskeyRow {
            id: id.into(),
            encoded: encoded.into(),
            name,
            created_ms: now_ms,
            used_ms: 0,
            model: Bytes::copy_from_slice(&model),
            is_synced,
        },
    }
}

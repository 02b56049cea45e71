//! Incoming webhooks of a room: made, listed and revoked by those who run it, or by an operator.

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventMessage, HookService},
    hook::{
        CreateHookRequest, CreateHookResponse, Hook, HookCreated, HookRevoked, ListHooksRequest,
        ListHooksResponse, RevokeHookRequest, RevokeHookResponse,
    },
    ids::{ClientRef, RoomId},
    limits::{HOOK_NAME_BYTES_MAX, HOOKS_PER_ROOM_MAX},
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    address::base64url,
    draft::{Basis, Draft, Guard, NewEvent, RoomDraft, SettledDraft, room_archived, store_error},
    hooks::{HOOK_PATH, HookRow, hook_key, managed, new_address},
    identity::{self, fingerprint},
    kit::{Answer, Ctx, Features, ServerKit},
    messages::{own_ref, sent_before},
    ports::store::{Put, Scan, StoreError},
    rooms::RoomChange,
    tables::Table,
};

impl HookService<ServerKit> for Features {
    async fn create_hook(
        &self,
        ctx: &mut Ctx,
        request: CreateHookRequest,
    ) -> Result<Answer<CreateHookResponse>, Error> {
        let CreateHookRequest { room, client_ref, name } = request;
        let (cell, version) = managed(ctx, &room).await?;
        if name.is_empty() || name.len() > HOOK_NAME_BYTES_MAX {
            return Err(Error::invalid("name", "is not 1 to 80 bytes"));
        }
        if name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "has control characters"));
        }
        let client_ref = own_ref(ctx, &client_ref)?;
        let kind = HookCreated::RULE.kind;
        let print = fingerprint(kind, &[name.as_bytes()]);
        let id = hook_id(ctx, cell.id, client_ref);
        if sent_before(ctx, cell.id, client_ref, print).await?.is_some() {
            let hooks = hooks(ctx, cell.id).await?;
            let hook = hooks.into_iter().find(|hook| hook.id[..] == id);
            let path = String::new();
            return Ok(Answer::Now(CreateHookResponse { hook, path, deduplicated: true }));
        }
        if cell.read(|state| state.archived) {
            return Err(room_archived());
        }
        if hooks(ctx, cell.id).await?.len() >= HOOKS_PER_ROOM_MAX {
            let error = Some(Error::new(ErrorReason::TooManyHooks, "the room has 20 hooks"));
            let draft = SettledDraft { basis: Basis::Room(cell, version), error };
            return Ok(Answer::commit(Draft::Settled(Box::new(draft)), |_| Default::default()));
        }
        let (secret, address) = new_address(&ctx.node, cell.id, id);
        let row = HookRow {
            name,
            user: identity::hook_user_id(cell.org, id).to_field(),
            creator: ctx.user().to_field(),
            created_ms: ctx.now.unix_ms,
            secret,
            org: cell.org.to_field(),
        };
        let hook = view(Bytes::copy_from_slice(&id), &row);
        let body = HookCreated { hook: Some(hook.clone()) }.encode_to_vec().into();
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            ..NewEvent::new(ctx.user(), kind, body)
        };
        let room = cell.id;
        let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
        let value = Some(row.encode_to_vec().into());
        draft.puts.push(Put { table: Table::HOOKS, key: hook_key(room, id), value });
        draft.change = Some(RoomChange::Hooks);
        let path = format!("{HOOK_PATH}{}", base64url(&address));
        Ok(Answer::commit(Draft::Room(Box::new(draft)), move |_| CreateHookResponse {
            hook: Some(hook),
            path,
            deduplicated: false,
        }))
    }

    async fn list_hooks(
        &self,
        ctx: &mut Ctx,
        request: ListHooksRequest,
    ) -> Result<Answer<ListHooksResponse>, Error> {
        let (cell, _) = managed(ctx, &request.room).await?;
        let mut hooks = hooks(ctx, cell.id).await?;
        hooks.sort_by_key(|hook| hook.created_ms);
        Ok(Answer::Now(ListHooksResponse { hooks }))
    }

    async fn revoke_hook(
        &self,
        ctx: &mut Ctx,
        request: RevokeHookRequest,
    ) -> Result<Answer<RevokeHookResponse>, Error> {
        let (cell, version) = managed(ctx, &request.room).await?;
        let hooks = hooks(ctx, cell.id).await?;
        let Some(hook) = hooks.into_iter().find(|hook| hook.id == request.hook) else {
            return Err(Error::new(ErrorReason::HookNotFound, "no such hook"));
        };
        let key = [&cell.id.as_bytes()[..], &hook.id].concat().into();
        let body = HookRevoked { hook: hook.id, name: hook.name }.encode_to_vec().into();
        let event = NewEvent::new(ctx.user(), HookRevoked::RULE.kind, body);
        let mut draft = RoomDraft::new(cell, Guard::Version(version), event);
        draft.puts.push(Put { table: Table::HOOKS, key, value: None });
        draft.change = Some(RoomChange::Hooks);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| RevokeHookResponse {
            seq: done.seq,
            at_ms: done.at_ms,
        }))
    }
}

fn hook_id(ctx: &Ctx, room: RoomId, client_ref: ClientRef) -> [u8; 16] {
    identity::hook_id(room, ctx.user(), client_ref)
}

async fn hooks(ctx: &Ctx, room: RoomId) -> Result<Vec<Hook>, Error> {
    let scan = Scan::prefix(Table::HOOKS, room.to_field(), HOOKS_PER_ROOM_MAX);
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let damaged = |_| store_error(StoreError::Damaged);
    rows.into_iter()
        .map(|(key, row)| Ok(view(key.slice(16..), &HookRow::decode(row).map_err(damaged)?)))
        .collect()
}

/// A hook as others see it: without its secret's hash.
fn view(id: Bytes, row: &HookRow) -> Hook {
    Hook {
        id,
        name: row.name.clone(),
        user: row.user.clone(),
        creator: row.creator.clone(),
        created_ms: row.created_ms,
    }
}

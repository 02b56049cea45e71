//! Outgoing webhooks: made, listed, revoked and resumed by those who run a room, and for service accounts
//! by admins. What they post is the courier's.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use parlour_protocol::{
    generated::{EventMessage, WebhookService},
    ids::{RoomId, WebhookId},
    limits::{HOOK_NAME_BYTES_MAX, WEBHOOK_URL_BYTES_MAX, WEBHOOKS_MAX},
    webhook::{
        CreateWebhookRequest, CreateWebhookResponse, ListWebhooksRequest, ListWebhooksResponse,
        ResumeWebhookRequest, ResumeWebhookResponse, RevokeWebhookRequest, RevokeWebhookResponse,
        WebhookAction, WebhookCreated, WebhookResumed, WebhookRevoked, WebhooksChanged,
        create_webhook_request, list_webhooks_request, resume_webhook_request,
        revoke_webhook_request,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    accounts::{Account, account_not_found},
    draft::{Draft, Guard, NewEvent, OrgDraft, RoomDraft, room_not_found, store_error},
    hooks::managed,
    identity::{self, fingerprint},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::{SCAN_ROWS, WEBHOOK_SECRET_BYTES},
    messages::own_ref,
    ports::store::{Put, Scan},
    rooms::{RoomCell, RoomChange},
    tables::Table,
    webhooks::{
        filter::check_filter,
        rows::{Scope, StateRow, Webhook, WebhookRow},
    },
};

/// What signing secrets begin with, as the Standard Webhooks have it.
const SECRET_PREFIX: &str = "whsec_";

/// Admins who look after service accounts look after their webhooks.
const ACCOUNTS_SCOPE: &str = "admin:accounts";

impl WebhookService<ServerKit> for Features {
    async fn create_webhook(
        &self,
        ctx: &mut Ctx,
        request: CreateWebhookRequest,
    ) -> Result<Answer<CreateWebhookResponse>, Error> {
        let target = Target::of(ctx, request.of.clone().map(Of::from)).await?;
        check_new(ctx, &request)?;
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let scope = target.scope();
        let filter = request.filter.clone().unwrap_or_default();
        let print = fingerprint(
            WebhookCreated::RULE.kind,
            &[request.name.as_bytes(), request.url.as_bytes(), &filter.encode_to_vec()],
        );
        let id = identity::webhook_id(*scope.as_bytes(), ctx.user(), client_ref);
        let hooks = hooks(ctx, scope).await?;
        if let Some(before) = hooks.iter().find(|hook| hook.id == id) {
            if before.row.fingerprint != print {
                let what = "client_ref was used for something else";
                return Err(Error::new(ErrorReason::RefConflict, what));
            }
            let webhook = Some(before.view(None));
            let (secret, deduplicated) = (String::new(), true);
            return Ok(Answer::Now(CreateWebhookResponse { webhook, secret, deduplicated }));
        }
        if hooks.len() >= WEBHOOKS_MAX {
            return Err(Error::new(ErrorReason::TooManyWebhooks, "there are 20 webhooks"));
        }
        let mut secret = [0; WEBHOOK_SECRET_BYTES];
        ctx.node.entropy.fill(&mut secret);
        let row = WebhookRow {
            name: request.name,
            url: request.url,
            filter: Some(filter),
            owner: target.owner(ctx),
            created_ms: ctx.now.unix_ms,
            secret: ctx.node.sealer.seal(&secret).into(),
            epoch: 0,
            org: ctx.caller.org.to_field(),
            room: target.room().map(RoomId::to_field).unwrap_or_default(),
            subject: target.subject(),
            fingerprint: print,
        };
        let hook = Webhook { scope, id, row };
        let (table, step) = hook.guard();
        if ctx.store().get(table, &step).await.map_err(store_error)?.is_some() {
            // Made under that ref, and revoked.
            return Err(webhook_not_found());
        }
        let made = WebhookCreated { webhook: Some(Box::new(hook.public_view())) };
        let puts = vec![hook.put()];
        let draft = target.draft(ctx, &hook, puts, &made, change(WebhookAction::Created)).await?;
        let view = hook.view(None);
        let secret = format!("{SECRET_PREFIX}{}", STANDARD.encode(secret));
        Ok(Answer::commit(draft, move |_| CreateWebhookResponse {
            webhook: Some(view),
            secret,
            deduplicated: false,
        }))
    }

    async fn list_webhooks(
        &self,
        ctx: &mut Ctx,
        request: ListWebhooksRequest,
    ) -> Result<Answer<ListWebhooksResponse>, Error> {
        let target = Target::of(ctx, request.of.map(Of::from)).await?;
        let mut webhooks = vec![];
        for hook in hooks(ctx, target.scope()).await? {
            let state: Option<StateRow> = ctx.node.row(Table::WEBHOOK_STATES, &hook.key()).await?;
            webhooks.push(hook.view(state));
        }
        webhooks.sort_by_key(|hook| hook.created_ms);
        Ok(Answer::Now(ListWebhooksResponse { webhooks }))
    }

    async fn revoke_webhook(
        &self,
        ctx: &mut Ctx,
        request: RevokeWebhookRequest,
    ) -> Result<Answer<RevokeWebhookResponse>, Error> {
        let target = Target::of(ctx, request.of.map(Of::from)).await?;
        let hook = target.hook(ctx, &request.webhook).await?;
        let scan = Scan::prefix(Table::WEBHOOK_MARKS, hook.key(), SCAN_ROWS);
        let marks = ctx.store().scan(scan).await.map_err(store_error)?;
        let puts = hook.end(marks.into_iter().map(|(key, _)| key));
        let event = WebhookRevoked { webhook: hook.id.to_field(), name: hook.row.name.clone() };
        let draft = target.draft(ctx, &hook, puts, &event, change(WebhookAction::Revoked)).await?;
        Ok(Answer::commit(draft, |_| RevokeWebhookResponse {}))
    }

    async fn resume_webhook(
        &self,
        ctx: &mut Ctx,
        request: ResumeWebhookRequest,
    ) -> Result<Answer<ResumeWebhookResponse>, Error> {
        let target = Target::of(ctx, request.of.clone().map(Of::from)).await?;
        let mut hook = target.hook(ctx, &request.webhook).await?;
        let replayed = target.replayed(ctx, &request).await?;
        if let Target::Room(..) = &target {
            hook.row.owner = target.owner(ctx);
        }
        let mut puts = hook.next_epoch();
        puts.push(Put { table: Table::WEBHOOK_STATES, key: hook.key(), value: None });
        puts.extend(replayed.map(|room| hook.mark_put(room, request.from_seq - 1)));
        let event = WebhookResumed {
            webhook: hook.id.to_field(),
            name: hook.row.name.clone(),
            from_seq: request.from_seq,
        };
        let changed = WebhooksChanged {
            replay_room: request.replay_room,
            from_seq: request.from_seq,
            ..change(WebhookAction::Resumed)
        };
        let draft = target.draft(ctx, &hook, puts, &event, changed).await?;
        Ok(Answer::commit(draft, |_| ResumeWebhookResponse {}))
    }
}

/// Which rooms a request is about.
enum Of {
    Room(Bytes),
    Account(String),
}

macro_rules! of {
    ($($of:path),*) => {$(
        impl From<$of> for Of {
            fn from(of: $of) -> Of {
                use $of as It;
                match of {
                    It::Room(room) => Of::Room(room),
                    It::Account(subject) => Of::Account(subject),
                }
            }
        }
    )*};
}

of!(
    create_webhook_request::Of,
    list_webhooks_request::Of,
    revoke_webhook_request::Of,
    resume_webhook_request::Of
);

/// The rooms, which the caller may look after.
enum Target {
    /// One, and the version of it that this is true of.
    Room(Arc<RoomCell>, u64),
    /// All that a program is in.
    Account(Account),
}

impl Target {
    async fn of(ctx: &Ctx, of: Option<Of>) -> Result<Self, Error> {
        ctx.node.webhooks.port()?;
        match of {
            Some(Of::Room(room)) => {
                let (cell, version) = managed(ctx, &room).await?;
                Ok(Target::Room(cell, version))
            }
            Some(Of::Account(_)) if !ctx.caller.has_scope(ACCOUNTS_SCOPE) => {
                Err(Error::new(ErrorReason::ScopeMissing, "the token lacks a scope"))
            }
            Some(Of::Account(subject)) => {
                let user = identity::user_id(ctx.caller.org, &subject);
                let account = ctx.node.account(ctx.caller.org, user).await?;
                let account = account.filter(|account| account.row.is_service);
                account.map(Target::Account).ok_or_else(account_not_found)
            }
            None => Err(Error::invalid("of", "is missing")),
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Target::Room(cell, _) => Scope::Room(cell.id),
            Target::Account(account) => Scope::Account(account.user),
        }
    }

    fn room(&self) -> Option<RoomId> {
        match self {
            Target::Room(cell, _) => Some(cell.id),
            Target::Account(_) => None,
        }
    }

    fn subject(&self) -> String {
        match self {
            Target::Room(..) => String::new(),
            Target::Account(account) => account.row.subject.clone(),
        }
    }

    /// Who reads along.
    fn owner(&self, ctx: &Ctx) -> Bytes {
        match self {
            Target::Room(..) => ctx.user().to_field(),
            Target::Account(account) => account.user.to_field(),
        }
    }

    async fn hook(&self, ctx: &Ctx, id: &[u8]) -> Result<Webhook, Error> {
        let id = id_field("webhook", WebhookId::parse(id))?;
        let mut hooks = hooks(ctx, self.scope()).await?.into_iter();
        hooks.find(|hook| hook.id == id).ok_or_else(webhook_not_found)
    }

    /// The room that is gone over once more, if one is.
    async fn replayed(
        &self,
        ctx: &Ctx,
        request: &ResumeWebhookRequest,
    ) -> Result<Option<RoomId>, Error> {
        if request.from_seq == 0 {
            return Ok(None);
        }
        let cell = match self {
            Target::Room(cell, _) => cell.clone(),
            Target::Account(account) => {
                let id = id_field("replay_room", RoomId::parse(&request.replay_room))?;
                let cell = ctx.node.room(ctx.caller.org, id).await.map_err(store_error)?;
                let cell = cell.filter(|cell| cell.is_member(account.user));
                cell.ok_or_else(room_not_found)?
            }
        };
        if request.from_seq > cell.head().seq + 1 {
            return Err(Error::invalid("from_seq", "is behind the room's last event"));
        }
        Ok(Some(cell.id))
    }

    /// What is committed: told in the room, or in the organization's log.
    async fn draft<M: EventMessage>(
        &self,
        ctx: &Ctx,
        hook: &Webhook,
        puts: Vec<Put>,
        event: &M,
        changed: WebhooksChanged,
    ) -> Result<Draft, Error> {
        let absent = vec![hook.guard()];
        match self {
            Target::Room(cell, version) => {
                let event = NewEvent::new(ctx.user(), M::RULE.kind, event.encode_to_vec().into());
                let mut draft = RoomDraft::new(cell.clone(), Guard::Version(*version), event);
                (draft.puts, draft.absent) = (puts, absent);
                draft.change = Some(RoomChange::Webhooks);
                Ok(Draft::Room(Box::new(draft)))
            }
            Target::Account(account) => {
                let body = WebhooksChanged {
                    actor: ctx.caller.subject.to_string(),
                    subject: account.row.subject.clone(),
                    webhook: Some(Box::new(hook.public_view())),
                    ..changed
                };
                let cell = ctx.directory().await?;
                Ok(Draft::Org(Box::new(OrgDraft {
                    version: cell.head().seq,
                    cell,
                    sender: ctx.user(),
                    kind: WebhooksChanged::RULE.kind,
                    body: body.encode_to_vec().into(),
                    changes: vec![],
                    puts,
                    absent,
                    jobs: vec![],
                    closes: None,
                })))
            }
        }
    }
}

/// All webhooks of a scope.
async fn hooks(ctx: &Ctx, scope: Scope) -> Result<Vec<Webhook>, Error> {
    let prefix = Bytes::copy_from_slice(scope.as_bytes());
    let scan = Scan::prefix(Table::WEBHOOKS, prefix, WEBHOOKS_MAX);
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    Ok(rows.into_iter().filter_map(|(key, row)| Webhook::parse(&key, row)).collect())
}

fn change(action: WebhookAction) -> WebhooksChanged {
    WebhooksChanged { action: action as i32, ..WebhooksChanged::default() }
}

fn check_new(ctx: &Ctx, request: &CreateWebhookRequest) -> Result<(), Error> {
    if !(1..=HOOK_NAME_BYTES_MAX).contains(&request.name.len()) {
        return Err(Error::invalid("name", "is not 1 to 80 bytes"));
    }
    if request.name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "has control characters"));
    }
    if request.url.len() > WEBHOOK_URL_BYTES_MAX {
        return Err(Error::invalid("url", "is over 2,048 bytes"));
    }
    ctx.node.webhooks.port()?.check(&request.url).map_err(|why| Error::invalid("url", why))?;
    request.filter.as_ref().map_or(Ok(()), check_filter)
}

fn webhook_not_found() -> Error {
    Error::new(ErrorReason::WebhookNotFound, "no such webhook")
}

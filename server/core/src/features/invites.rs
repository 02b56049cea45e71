//! Invites as admins have them. How they are taken is in `accounts/invites.rs`.

use parlour_protocol::{
    account::{
        AccountAction, AccountsChanged, CreateInviteRequest, CreateInviteResponse,
        DecideKnockRequest, DecideKnockResponse, Invite, InviteUse, KnockState, ListInvitesRequest,
        ListInvitesResponse, RevokeInviteRequest, RevokeInviteResponse,
    },
    ids::{InviteId, UserId},
    limits,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    accounts::{
        audited, code,
        invites::{Taker, subject_taken, use_put},
        rows::{CodeRow, InviteRow, UseRow, invite_key},
        valid_s,
    },
    directory::Role,
    draft::{Draft, OrgDraft, store_error},
    identity,
    kit::{Answer, Ctx, id_field},
    limits::ANSWER_BYTES,
    ports::store::{Put, Scan},
    records::key,
    tables::Table,
};

pub(super) async fn create(
    ctx: &Ctx,
    request: CreateInviteRequest,
) -> Result<Answer<CreateInviteResponse>, Error> {
    ctx.node.accounts.issuer()?;
    let row = invite_of(ctx, request)?;
    let directory = ctx.directory().await?;
    let version = directory.head().seq;
    let org = ctx.caller.org;
    let missing = directory.read(|directory| {
        let is_missing = |key: &&String| directory.node(identity::node_id(org, key)).is_none();
        !directory.exists() || row.nodes.iter().find(is_missing).is_some()
    });
    if missing {
        return Err(Error::new(ErrorReason::NodeNotFound, "the directory has no such node"));
    }
    let id = InviteId::from_bytes(ctx.node.new_id(ctx.now.unix_ms));
    let code = code::new(&ctx.node, org);
    let expires_ms = row.expires_ms;
    let by_code = CodeRow { expires_ms, invite: id.to_field(), ..CodeRow::default() };
    let puts = vec![
        Put {
            table: Table::INVITES,
            key: invite_key(org, id),
            value: Some(row.encode_to_vec().into()),
        },
        Put { table: Table::CODES, key: code.key, value: Some(by_code.encode_to_vec().into()) },
    ];
    let event = event(ctx, AccountAction::InviteCreated, id, "");
    let draft = OrgDraft { version, ..audited(directory, ctx.user(), &event, puts) };
    let text = code.text;
    Ok(Answer::commit(Draft::Org(Box::new(draft)), move |_| CreateInviteResponse {
        id: id.to_field(),
        code: text,
        expires_ms,
    }))
}

fn invite_of(ctx: &Ctx, request: CreateInviteRequest) -> Result<InviteRow, Error> {
    if request.label.len() > limits::PROFILE_NAME_BYTES_MAX {
        return Err(Error::invalid("label", "is over 200 bytes"));
    }
    let role = match request.role.as_str() {
        "" | Role::MEMBER => Role::MEMBER,
        Role::GUEST => Role::GUEST,
        _ => return Err(Error::invalid("role", "is not member or guest")),
    };
    if request.nodes.len() > limits::INVITE_NODES_MAX {
        return Err(Error::invalid("nodes", "are more than 20"));
    }
    if request.nodes.iter().any(String::is_empty) {
        return Err(Error::invalid("nodes", "the organization itself is given by the role"));
    }
    if request.uses_max > limits::INVITE_USES_MAX {
        return Err(Error::invalid("uses_max", "is over 1,000"));
    }
    let valid_s = valid_s(request.valid_s, limits::INVITE_VALID_S, limits::INVITE_VALID_S_MAX)?;
    Ok(InviteRow {
        label: request.label,
        role: role.to_owned(),
        nodes: request.nodes,
        uses_max: request.uses_max.max(1),
        created_ms: ctx.now.unix_ms,
        expires_ms: ctx.now.unix_ms + u64::from(valid_s) * 1000,
        knock: request.knock,
        revoked: false,
        org: ctx.caller.org_name.to_string(),
    })
}

pub(super) async fn list(
    ctx: &Ctx,
    request: ListInvitesRequest,
) -> Result<Answer<ListInvitesResponse>, Error> {
    let size = match request.page_size as usize {
        0 => limits::INVITE_PAGE_MAX,
        n if n <= limits::INVITE_PAGE_MAX => n,
        _ => return Err(Error::invalid("page_size", "is over 20")),
    };
    let org = ctx.caller.org;
    let mut scan = Scan::prefix(Table::INVITES, org.to_field(), size + 1);
    if !request.page.is_empty() {
        let after = id_field("page", InviteId::parse(&request.page))?;
        scan.from = key(&[&invite_key(org, after), &[0]]);
    }
    let rows = ctx.store().scan(scan).await.map_err(store_error)?;
    let mut more = rows.len() > size;
    let (mut invites, mut bytes) = (Vec::<Invite>::new(), 0);
    for (key, row) in rows.into_iter().take(size) {
        let id = key.get(16..).and_then(|id| InviteId::parse(id).ok());
        let (Some(id), Ok(row)) = (id, InviteRow::decode(row)) else { continue };
        let (used, uses) = ctx.node.used(org, id).await?;
        let mut view = view(id, row, used, uses);
        bytes += view.encoded_len();
        if bytes > ANSWER_BYTES {
            if invites.is_empty() {
                // One alone that doesn't fit: fewer of those who took it.
                while view.encoded_len() > ANSWER_BYTES {
                    view.uses.pop();
                }
                invites.push(view);
            }
            more = true;
            break;
        }
        invites.push(view);
    }
    let last = invites.last().filter(|_| more);
    let next_page = last.map(|invite| invite.id.clone()).unwrap_or_default();
    Ok(Answer::Now(ListInvitesResponse { invites, next_page }))
}

fn view(id: InviteId, row: InviteRow, used: u32, uses: Vec<(UserId, UseRow)>) -> Invite {
    let mut uses: Vec<UseRow> = uses.into_iter().map(|(_, row)| row).collect();
    // Those who wait first, as somebody has to look at them.
    uses.sort_by_key(|row| (row.state != KnockState::Waiting as i32, row.at_ms));
    uses.truncate(limits::INVITE_USES_LISTED_MAX);
    let uses = uses.into_iter().map(|row| InviteUse {
        subject: row.subject,
        name: row.name,
        note: row.note,
        at_ms: row.at_ms,
        state: row.state,
    });
    Invite {
        id: id.to_field(),
        label: row.label,
        role: row.role,
        nodes: row.nodes,
        uses_max: row.uses_max,
        created_ms: row.created_ms,
        expires_ms: row.expires_ms,
        knock: row.knock,
        revoked: row.revoked,
        uses: uses.collect(),
        used,
    }
}

pub(super) async fn revoke(
    ctx: &Ctx,
    request: RevokeInviteRequest,
) -> Result<Answer<RevokeInviteResponse>, Error> {
    let id = id_field("id", InviteId::parse(&request.id))?;
    let directory = ctx.directory().await?;
    let version = directory.head().seq;
    let org = ctx.caller.org;
    let row = invite(ctx, id).await?;
    if row.revoked {
        return Ok(Answer::Now(RevokeInviteResponse {}));
    }
    let row = InviteRow { revoked: true, ..row };
    let value = Some(row.encode_to_vec().into());
    let mut puts = vec![Put { table: Table::INVITES, key: invite_key(org, id), value }];
    for (user, row) in ctx.node.used(org, id).await?.1 {
        if row.state == KnockState::Waiting as i32 {
            let declined = UseRow { state: KnockState::Declined as i32, ..row };
            puts.push(use_put(org, id, user, &declined));
        }
    }
    let event = event(ctx, AccountAction::InviteRevoked, id, "");
    let draft = OrgDraft { version, ..audited(directory, ctx.user(), &event, puts) };
    Ok(Answer::commit(Draft::Org(Box::new(draft)), |_| RevokeInviteResponse {}))
}

pub(super) async fn decide(
    ctx: &Ctx,
    request: DecideKnockRequest,
) -> Result<Answer<DecideKnockResponse>, Error> {
    let id = id_field("id", InviteId::parse(&request.id))?;
    let directory = ctx.directory().await?;
    let version = directory.head().seq;
    let org = ctx.caller.org;
    let invite = invite(ctx, id).await?;
    let user = identity::user_id(org, &request.subject);
    let (_, uses) = ctx.node.used(org, id).await?;
    let found = uses.into_iter().find(|(taker, _)| *taker == user);
    let (_, row) = found.ok_or_else(not_found)?;
    let state = match request.approve {
        true => KnockState::Joined,
        false => KnockState::Declined,
    };
    if row.state == state as i32 {
        return Ok(Answer::Now(DecideKnockResponse {}));
    }
    if row.state != KnockState::Waiting as i32 {
        return Err(Error::new(ErrorReason::NotAllowed, "that was decided otherwise"));
    }
    let mut draft = if request.approve {
        // Meanwhile the name may have become somebody's, who isn't who knocked.
        if ctx.node.is_taken(org, user, &row.subject).await? {
            return Err(subject_taken());
        }
        let taker = Taker { org, user, id, invite: &invite, row: &row };
        ctx.node.joining(&taker, &ctx.caller.subject, ctx.now).await?
    } else {
        let event = event(ctx, AccountAction::Declined, id, &request.subject);
        let row = UseRow { state: state as i32, ..row };
        audited(directory, ctx.user(), &event, vec![use_put(org, id, user, &row)])
    };
    draft.version = version;
    Ok(Answer::commit(Draft::Org(Box::new(draft)), |_| DecideKnockResponse {}))
}

async fn invite(ctx: &Ctx, id: InviteId) -> Result<InviteRow, Error> {
    ctx.node.accounts.issuer()?;
    let row = ctx.node.row(Table::INVITES, &invite_key(ctx.caller.org, id)).await?;
    row.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::new(ErrorReason::InviteNotFound, "no such invite, or nobody of that name took it")
}

fn event(ctx: &Ctx, action: AccountAction, id: InviteId, subject: &str) -> AccountsChanged {
    AccountsChanged {
        actor: ctx.caller.subject.to_string(),
        action: action as i32,
        subject: subject.to_owned(),
        invite: id.to_field(),
        ..AccountsChanged::default()
    }
}

//! Retention and legal holds, as admins set them and members ask about them.

use bytes::Bytes;
use parlour_protocol::{
    compliance::{
        GetRetentionRequest, GetRetentionResponse, HoldState, HoldTarget, LegalHold,
        LegalHoldChanged, ListLegalHoldsRequest, ListLegalHoldsResponse, ListRetentionRequest,
        ListRetentionResponse, RetentionChanged, RetentionRule, RoomRetention, SetLegalHoldRequest,
        SetLegalHoldResponse, SetRetentionRequest, SetRetentionResponse, hold_target::Of,
    },
    generated::{ComplianceAdminService, EventMessage, RetentionService},
    ids::RoomId,
    limits::{
        HOLD_REASON_BYTES_MAX, LEGAL_HOLDS_MAX, RETENTION_PAGE_MAX, RETENTION_RULES_MAX,
        RETENTION_S_MAX, RETENTION_S_MIN,
    },
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    draft::{Draft, OrgDraft, room_not_found, store_error},
    groups::resolve,
    holds::{Held, HoldRow, hold},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    ports::store::{Put, Scan},
    records::key,
    retention::{RuleRow, rule, rule_in_force, rule_key},
    tables::Table,
};

impl RetentionService<ServerKit> for Features {
    async fn get_retention(
        &self,
        ctx: &mut Ctx,
        request: GetRetentionRequest,
    ) -> Result<Answer<GetRetentionResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let rule = rule_in_force(ctx.store(), cell.org, cell.id).await.map_err(store_error)?;
        Ok(Answer::Now(GetRetentionResponse { rule: Some(rule) }))
    }
}

impl ComplianceAdminService<ServerKit> for Features {
    async fn set_retention(
        &self,
        ctx: &mut Ctx,
        request: SetRetentionRequest,
    ) -> Result<Answer<SetRetentionResponse>, Error> {
        let max_age_s = request.rule.map(|rule| rule.max_age_s);
        if max_age_s.is_some_and(|s| s > 0 && !(RETENTION_S_MIN..=RETENTION_S_MAX).contains(&s)) {
            return Err(Error::invalid("rule.max_age_s", "is not 0, or 5 to 315,360,000"));
        }
        let (org, version) = (ctx.caller.org, ctx.directory().await?.head().seq);
        let room = match request.room.is_empty() {
            true => None,
            false => Some(room_of_org(ctx, "room", &request.room).await?),
        };
        let row = max_age_s.map(|max_age_s| RuleRow { max_age_s });
        let present = rule(ctx.store(), org, room).await.map_err(store_error)?;
        if row == present {
            return Ok(Answer::Now(SetRetentionResponse {}));
        }
        let key = rule_key(org, room);
        if present.is_none() {
            let all = Scan::prefix(Table::RETENTION, org.to_field(), RETENTION_RULES_MAX);
            if ctx.store().scan(all).await.map_err(store_error)?.len() >= RETENTION_RULES_MAX {
                let what = "there are 10,000 rules of retention";
                return Err(Error::new(ErrorReason::TooManyRules, what));
            }
        }
        let value = row.map(|row| Bytes::from(row.encode_to_vec()));
        let put = Put { table: Table::RETENTION, key, value };
        let actor = ctx.caller.subject.to_string();
        let body = RetentionChanged { actor, room: request.room, rule: request.rule };
        let draft = changed(ctx, version, &body, vec![put]).await?;
        let node = ctx.node.clone();
        Ok(Answer::commit(draft, move |_| {
            node.retention.give();
            SetRetentionResponse {}
        }))
    }

    async fn list_retention(
        &self,
        ctx: &mut Ctx,
        request: ListRetentionRequest,
    ) -> Result<Answer<ListRetentionResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= RETENTION_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 500")),
        };
        let org = ctx.caller.org;
        let mut scan = Scan::prefix(Table::RETENTION, org.to_field(), size + 1);
        if !request.page.is_empty() {
            let after = RoomId::parse(&request.page);
            let after = after.map_err(|_| Error::invalid("page", "is not of an answer"))?;
            scan.from = key(&[&rule_key(org, Some(after)), &[0]]);
        }
        let mut rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page = rows.last().filter(|_| more).map(|(row, _)| row.slice(16..));
        let view = |(row, value): (Bytes, Bytes)| {
            let room = row.slice(16..);
            let is_org = room.iter().all(|byte| *byte == 0);
            let RuleRow { max_age_s } = RuleRow::decode(value).ok()?;
            let room = if is_org { Bytes::new() } else { room };
            Some(RoomRetention { room, rule: Some(RetentionRule { max_age_s }) })
        };
        let rules = rows.into_iter().filter_map(view).collect();
        Ok(Answer::Now(ListRetentionResponse { rules, next_page: next_page.unwrap_or_default() }))
    }

    async fn set_legal_hold(
        &self,
        ctx: &mut Ctx,
        request: SetLegalHoldRequest,
    ) -> Result<Answer<SetLegalHoldResponse>, Error> {
        let wanted = match request.state() {
            HoldState::Held => true,
            HoldState::Ended => false,
            HoldState::Unspecified => return Err(Error::invalid("state", "is missing")),
        };
        let SetLegalHoldRequest { target, state, reason } = request;
        if reason.len() > HOLD_REASON_BYTES_MAX || wanted && reason.is_empty() {
            return Err(Error::invalid("reason", "is not 1 to 500 bytes"));
        }
        let (org, version) = (ctx.caller.org, ctx.directory().await?.head().seq);
        let target = held_by(ctx, target).await?;
        let present = hold(ctx.store(), org, target).await.map_err(store_error)?;
        let now_ms = ctx.now.unix_ms;
        let row = match present {
            Some(row) if wanted && row.ended_ms == 0 && row.reason == reason => None,
            Some(row) if wanted => Some(HoldRow { reason: reason.clone(), ended_ms: 0, ..row }),
            Some(row) if row.ended_ms == 0 => Some(HoldRow { ended_ms: now_ms, ..row }),
            None if wanted => {
                check_room_for_hold(ctx).await?;
                Some(HoldRow { reason: reason.clone(), since_ms: now_ms, ended_ms: 0 })
            }
            Some(_) | None => None,
        };
        let Some(row) = row else { return Ok(Answer::Now(SetLegalHoldResponse {})) };
        let value = Some(row.encode_to_vec().into());
        let put = Put { table: Table::HOLDS, key: target.key(org), value };
        let actor = ctx.caller.subject.to_string();
        let body = LegalHoldChanged { actor, target: Some(target.to_wire()), state, reason };
        let draft = changed(ctx, version, &body, vec![put]).await?;
        Ok(Answer::commit(draft, |_| SetLegalHoldResponse {}))
    }

    async fn list_legal_holds(
        &self,
        ctx: &mut Ctx,
        _request: ListLegalHoldsRequest,
    ) -> Result<Answer<ListLegalHoldsResponse>, Error> {
        let scan = Scan::prefix(Table::HOLDS, ctx.caller.org.to_field(), LEGAL_HOLDS_MAX + 1);
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let view = |(row, value): (Bytes, Bytes)| {
            let target = Held::of_key(&row)?.to_wire();
            let HoldRow { reason, since_ms, ended_ms } = HoldRow::decode(value).ok()?;
            (ended_ms == 0).then_some(LegalHold { target: Some(target), reason, since_ms })
        };
        let holds = rows.into_iter().filter_map(view).collect();
        Ok(Answer::Now(ListLegalHoldsResponse { holds }))
    }
}

/// Refuses one more hold than there may be.
async fn check_room_for_hold(ctx: &Ctx) -> Result<(), Error> {
    let all = Scan::prefix(Table::HOLDS, ctx.caller.org.to_field(), LEGAL_HOLDS_MAX + 1);
    let all = ctx.store().scan(all).await.map_err(store_error)?;
    match all.iter().filter(|(row, _)| Held::of_key(row).is_some()).count() {
        n if n >= LEGAL_HOLDS_MAX => {
            Err(Error::new(ErrorReason::TooManyHolds, "there are 1,000 legal holds"))
        }
        _ => Ok(()),
    }
}

/// A room of the caller's organization, whoever is in it.
async fn room_of_org(ctx: &Ctx, field: &str, id: &[u8]) -> Result<RoomId, Error> {
    let id = id_field(field, RoomId::parse(id))?;
    let cell = ctx.node.room(ctx.caller.org, id).await.map_err(store_error)?;
    cell.map(|cell| cell.id).ok_or_else(room_not_found)
}

async fn held_by(ctx: &Ctx, target: Option<HoldTarget>) -> Result<Held, Error> {
    match target.and_then(|target| target.of) {
        Some(Of::Organization(true)) => Ok(Held::Organization),
        Some(Of::Room(room)) => Ok(Held::Room(room_of_org(ctx, "target.room", &room).await?)),
        Some(Of::User(user)) => Ok(Held::User(resolve(ctx, "target.user", Some(&user)).await?)),
        Some(Of::Organization(false)) | None => Err(Error::invalid("target", "is missing")),
    }
}

async fn changed<M: EventMessage>(
    ctx: &Ctx,
    version: u64,
    body: &M,
    puts: Vec<Put>,
) -> Result<Draft, Error> {
    let cell = ctx.directory().await?;
    Ok(Draft::Org(Box::new(OrgDraft { puts, ..OrgDraft::new(cell, version, ctx.user(), body) })))
}

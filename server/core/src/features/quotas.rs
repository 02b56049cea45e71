//! What an organization has, and how much of it there may be.

use parlour_protocol::{
    generated::QuotaAdminService,
    quota::{
        GetUsageRequest, GetUsageResponse, Quotas, QuotasChanged, SetQuotasRequest,
        SetQuotasResponse, Usage,
    },
    wire::Error,
};
use prost::Message;

use crate::{
    draft::{Draft, OrgDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit},
    ports::store::{Put, StoreError},
    quotas::{Quota, QuotaRow},
    tables::Table,
};

impl QuotaAdminService<ServerKit> for Features {
    async fn get_usage(
        &self,
        ctx: &mut Ctx,
        _request: GetUsageRequest,
    ) -> Result<Answer<GetUsageResponse>, Error> {
        let org = ctx.caller.org;
        let quotas = &ctx.node.quotas;
        quotas.ledger.count(ctx.store()).await.map_err(store_error)?;
        let found = ctx.node.survey(org).await?;
        let attachment_bytes = ctx.node.blob_bytes(org).await?;
        let nodes = ctx.directory().await?.read(|directory| directory.nodes_after(None).count());
        let had = quotas.ledger.read(org, |had| (had.users.len(), had.groups.len()));
        // Lost in the meantime: that is the store's trouble.
        let (users, groups) = had.ok_or_else(|| store_error(StoreError::Unavailable))?;
        let usage = Usage {
            users: users as u64,
            active_users: found.active_users,
            groups: groups as u64,
            direct_rooms: found.direct_rooms,
            nodes: nodes as u64,
            messages: found.messages,
            replies: found.replies,
            attachment_bytes,
            devices: quotas.devices(org),
            counted_at_ms: found.at_ms,
        };
        let Quota { users, groups, attachment_bytes, devices } = ctx.node.quota(org);
        let in_force = Quotas {
            users: Some(users),
            groups: Some(groups),
            attachment_bytes: Some(attachment_bytes),
            devices: Some(devices),
        };
        Ok(Answer::Now(GetUsageResponse {
            usage: Some(usage),
            quotas: Some(in_force),
            set: Some(quotas.set_for(org).to_wire()),
        }))
    }

    async fn set_quotas(
        &self,
        ctx: &mut Ctx,
        request: SetQuotasRequest,
    ) -> Result<Answer<SetQuotasResponse>, Error> {
        let wanted = request.quotas.ok_or_else(|| Error::invalid("quotas", "is missing"))?;
        let (org, cell) = (ctx.caller.org, ctx.directory().await?);
        let version = cell.head().seq;
        let row = QuotaRow::of(wanted);
        let key = org.to_field();
        let stored = ctx.store().get(Table::QUOTAS, &key).await.map_err(store_error)?;
        let stored = stored.and_then(|stored| QuotaRow::decode(stored).ok()).unwrap_or_default();
        // What a commit that failed has left may be in the store, and not be in force.
        if row == stored && row == ctx.node.quotas.set_for(org) {
            return Ok(Answer::Now(SetQuotasResponse {}));
        }
        let value = (row != QuotaRow::default()).then(|| row.encode_to_vec().into());
        let puts = vec![Put { table: Table::QUOTAS, key, value }];
        let actor = ctx.caller.subject.to_string();
        let body = QuotasChanged { actor, quotas: Some(wanted) };
        let draft = OrgDraft { puts, ..OrgDraft::new(cell, version, ctx.user(), &body) };
        Ok(Answer::commit(Draft::Org(Box::new(draft)), |_| SetQuotasResponse {}))
    }
}

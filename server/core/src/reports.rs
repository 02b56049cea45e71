//! Rows of reports, and how old ones go.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    ids::{OrgId, ReportId, UserId},
    moderation::{Report, ReportDecision},
};
use prost::Message;

use crate::{
    done::committed,
    draft::{Draft, RowsDraft, Submit},
    inventory::each_row,
    limits::REPORT_KEPT_MS,
    node::Node,
    ports::store::{Put, Shard, Store, StoreError},
    records::key,
    tables::Table,
};

/// Length of a key of `Table::REPORTS`.
const KEY_BYTES: usize = 33;

/// What keys of `Table::REPORTS` begin with.
pub(crate) fn reports_of(org: OrgId, is_decided: bool) -> Bytes {
    key(&[org.as_bytes(), &[u8::from(is_decided)]])
}

pub(crate) fn report_key(org: OrgId, is_decided: bool, id: &[u8]) -> Bytes {
    key(&[&reports_of(org, is_decided), id])
}

/// org ‖ reporter ‖ room ‖ seq, for `Table::REPORTED`.
pub(crate) fn reported_key(org: OrgId, of: &Report) -> Bytes {
    key(&[org.as_bytes(), &of.reporter, &of.room, &of.seq.to_be_bytes()])
}

/// A report, open or decided.
pub(crate) async fn report(
    store: &dyn Store,
    org: OrgId,
    id: ReportId,
) -> Result<Option<Report>, StoreError> {
    for is_decided in [false, true] {
        if let Some(row) =
            store.get(Table::REPORTS, &report_key(org, is_decided, id.as_bytes())).await?
        {
            return Report::decode(row).map(Some).map_err(|_| StoreError::Damaged);
        }
    }
    Ok(None)
}

/// The rows of a report that is decided from now on.
pub(crate) fn decided(org: OrgId, report: &Report) -> Vec<Put> {
    let value = Some(report.encode_to_vec().into());
    vec![
        Put { table: Table::REPORTS, key: report_key(org, false, &report.id), value: None },
        Put { table: Table::REPORTED, key: reported_key(org, report), value: None },
        Put { table: Table::REPORTS, key: report_key(org, true, &report.id), value },
    ]
}

/// The ends of all reports that are of a user, by them or of what they wrote; those that they have decided
/// have their id instead of their subject.
pub(crate) async fn reports_about(
    store: &dyn Store,
    org: OrgId,
    (user, subject): (UserId, &str),
) -> Result<Vec<Put>, StoreError> {
    let mut puts = Vec::new();
    let gone = |table, key| Put { table, key, value: None };
    each_row(store, Table::REPORTS, org.as_bytes(), |row, value| {
        let report = Report::decode(value).ok()?;
        let is_theirs =
            [&report.sender, &report.reporter].into_iter().any(|of| *of == user.as_bytes()[..]);
        if is_theirs {
            puts.push(gone(Table::REPORTS, Bytes::copy_from_slice(row)));
            puts.push(gone(Table::REPORTED, reported_key(org, &report)));
        } else if !subject.is_empty() && report.decided_by == subject {
            let report = Report { decided_by: user.to_string(), ..report };
            let value = Some(report.encode_to_vec().into());
            puts.push(Put { value, ..gone(Table::REPORTS, Bytes::copy_from_slice(row)) });
        }
        Some(())
    })
    .await?;
    Ok(puts)
}

impl Node {
    /// Removes reports that were decided long ago; how many. To be called now and then.
    pub async fn sweep_reports(
        &self,
        hub: &Arc<dyn Submit>,
        now_ms: u64,
    ) -> Result<u64, StoreError> {
        let mut old = Vec::new();
        each_row(&*self.store, Table::REPORTS, &[], |row, value| {
            let report = Report::decode(value).ok()?;
            let is_old = report.decision() != ReportDecision::Unspecified
                && report.decided_ms + REPORT_KEPT_MS < now_ms;
            (is_old && row.len() == KEY_BYTES).then(|| old.push(Bytes::copy_from_slice(row)))
        })
        .await?;
        let mut gone = 0;
        for row in old {
            let Ok(org) = OrgId::parse(&row[..16]) else { continue };
            let put = Put { table: Table::REPORTS, key: row, value: None };
            let rows = RowsDraft::new(Shard::Org(org), vec![put]);
            gone += u64::from(committed(hub, Draft::Rows(Box::new(rows))).await.is_ok());
        }
        Ok(gone)
    }
}

//! The organization's log says what was done, and no longer who somebody was: where it names them by their
//! subject it has their id instead, and what it says of their profile goes.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    account::AccountsChanged,
    compliance::{
        DataExported, HoldTarget, LegalHoldChanged, RetentionChanged, UserErased, hold_target::Of,
    },
    directory::{Change, DirectoryChanged, change::Change as What},
    emoji::EmojiChanged,
    event,
    generated::EventMessage,
    moderation::{FilterChanged, ReportDecided},
    quota::QuotasChanged,
    room::user_ref::User,
    session::SessionsRevoked,
    webhook::WebhooksChanged,
    wire::{Error, Event},
};
use prost::Message;

use super::{Erasing, commit, some_from};
use crate::{
    draft::{RowsDraft, Submit, store_error},
    node::Node,
    ports::store::{Erase, LogKey, RECORD_BYTES_MAX, Shard},
};

/// Goes through the whole log; how many records of it can't be read.
pub(super) async fn redact(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    subject: &str,
) -> Result<u64, Error> {
    if subject.is_empty() {
        // It was done before.
        return Ok(0);
    }
    let log = LogKey::Org(of.org);
    let (mut from, mut damaged) = (1, 0);
    loop {
        let read = node.store.read(log, some_from(from)).await.map_err(store_error)?;
        let Some(last) = read.last() else { return Ok(damaged) };
        from = last.seq + 1;
        let mut erases = Vec::new();
        for stored in read {
            let event = stored.record.map(Event::decode).transpose().ok().flatten();
            let Some(Event { header: Some(header), body }) = event else {
                damaged += 1;
                continue;
            };
            // An id may be longer than a subject, and the record at its bound.
            let names = [of.user.to_string(), String::new()];
            let bodies = names.iter().map(|id| redacted(header.kind, body.clone(), subject, id));
            let mut records = bodies.flatten().map(|body| event::compose(&header, &body));
            if let Some(record) = records.find(|record| record.len() <= RECORD_BYTES_MAX) {
                erases.push(Erase { log, seq: stored.seq, record });
            }
        }
        if !erases.is_empty() {
            let rows = RowsDraft { erases, ..RowsDraft::new(Shard::Org(of.org), vec![]) };
            commit(hub, rows).await?;
        }
    }
}

/// The body without them, if they are in it. Of kinds that aren't known here nothing can be said.
fn redacted(kind: u32, body: Bytes, subject: &str, id: &str) -> Option<Bytes> {
    let name = |named: &mut String| {
        let is_theirs = named == subject;
        if is_theirs {
            *named = id.to_owned();
        }
        is_theirs
    };
    match kind {
        _ if kind == DirectoryChanged::RULE.kind => edit(body, |changed: &mut DirectoryChanged| {
            let mut is_in = name(&mut changed.actor);
            for change in &mut changed.changes {
                is_in |= change_without(change, &name);
            }
            is_in
        }),
        _ if kind == AccountsChanged::RULE.kind => edit(body, |changed: &mut AccountsChanged| {
            name(&mut changed.actor) | name(&mut changed.subject)
        }),
        _ if kind == WebhooksChanged::RULE.kind => edit(body, |changed: &mut WebhooksChanged| {
            name(&mut changed.actor) | name(&mut changed.subject)
        }),
        _ if kind == SessionsRevoked::RULE.kind => edit(body, |revoked: &mut SessionsRevoked| {
            name(&mut revoked.actor) | name(&mut revoked.subject)
        }),
        _ if kind == DataExported::RULE.kind => edit(body, |exported: &mut DataExported| {
            name(&mut exported.actor) | name(&mut exported.subject)
        }),
        _ if kind == EmojiChanged::RULE.kind => {
            edit(body, |changed: &mut EmojiChanged| name(&mut changed.actor))
        }
        _ if kind == RetentionChanged::RULE.kind => {
            edit(body, |changed: &mut RetentionChanged| name(&mut changed.actor))
        }
        _ if kind == ReportDecided::RULE.kind => {
            edit(body, |changed: &mut ReportDecided| name(&mut changed.actor))
        }
        _ if kind == FilterChanged::RULE.kind => {
            edit(body, |changed: &mut FilterChanged| name(&mut changed.actor))
        }
        _ if kind == QuotasChanged::RULE.kind => {
            edit(body, |changed: &mut QuotasChanged| name(&mut changed.actor))
        }
        _ if kind == UserErased::RULE.kind => {
            edit(body, |changed: &mut UserErased| name(&mut changed.actor))
        }
        _ if kind == LegalHoldChanged::RULE.kind => edit(body, |changed: &mut LegalHoldChanged| {
            let mut is_in = name(&mut changed.actor);
            if let Some(HoldTarget { of: Some(Of::User(user)) }) = &mut changed.target
                && let Some(User::Subject(subject)) = &mut user.user
            {
                is_in |= name(subject);
            }
            is_in
        }),
        _ => None,
    }
}

fn edit<M: Message + Default>(body: Bytes, change: impl FnOnce(&mut M) -> bool) -> Option<Bytes> {
    let mut message = M::decode(body).ok()?;
    change(&mut message).then(|| message.encode_to_vec().into())
}

fn change_without(change: &mut Change, name: &impl Fn(&mut String) -> bool) -> bool {
    match &mut change.change {
        Some(What::PutUser(put)) => {
            let is_theirs = name(&mut put.subject);
            if is_theirs {
                put.profile = None;
            }
            is_theirs
        }
        Some(What::PutMembership(put)) => name(&mut put.subject),
        Some(What::EndMembership(end)) => name(&mut end.subject),
        Some(What::HandOver(over)) => name(&mut over.from) | name(&mut over.to),
        Some(What::PutNode(_) | What::PutOverrides(_)) | None => false,
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;

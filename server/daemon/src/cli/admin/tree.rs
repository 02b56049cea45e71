//! `parlour admin tree` and `parlour admin audit`: what is, and how it came to be.

use parlour_protocol::{
    account::{AccountAction, AccountsChanged},
    compliance::{DataExported, HoldState, LegalHoldChanged, RetentionChanged, UserErased},
    directory::{
        AuditEntry, Change, DirectoryChanged, Node, NodeKind, ReadAuditRequest,
        change::Change as What,
    },
    emoji::EmojiChanged,
    generated::{EventMessage, rpc::ReadAudit},
    ids::{ApiKeyId, InviteId, RoomId, SessionId, UserId, WebhookId},
    moderation::{FilterChanged, ReportDecided, ReportDecision},
    quota::QuotasChanged,
    session::SessionsRevoked,
    webhook::{WebhookAction, WebhooksChanged},
};
use prost::Message;

use super::{Line, Outcome, fail, kept, quotas, state::State};

pub(super) async fn tree(line: &Line) -> Outcome {
    let mut state = State::read(line).await?;
    let keys: Vec<String> = state.nodes.keys().cloned().collect();
    for key in &keys {
        state.read_members(line, key).await?;
    }
    let Some(root) = state.nodes.get("") else {
        return fail("the organization has no directory; make one with `parlour admin apply`");
    };
    show(&state, root, 0);
    Ok(())
}

fn show(state: &State, node: &Node, depth: usize) {
    let kind = NodeKind::try_from(node.kind).unwrap_or(NodeKind::Unspecified);
    let kind = kind.as_str_name().trim_start_matches("NODE_KIND_").to_lowercase();
    let count = state.members_of(&node.key).map_or(0, |members| members.len());
    let archived = if node.archived { ", archived" } else { "" };
    let private = if node.private { ", private" } else { "" };
    let key = if node.key.is_empty() { String::new() } else { format!(" [{}]", node.key) };
    say!("{:indent$}{kind} {}{key}: {count}{private}{archived}", "", node.name, indent = depth * 2);
    for child in state.nodes.values().filter(|child| child.parent == node.id) {
        show(state, child, depth + 1);
    }
}

pub(super) async fn audit(line: &Line, from: u64) -> Outcome {
    let mut request = ReadAuditRequest { from_seq: from, limit: 50 };
    loop {
        let page = line.call::<ReadAudit>(&request).await?;
        let Some(last) = page.entries.last().map(|entry| entry.seq) else { return Ok(()) };
        for entry in page.entries {
            let (seq, at_ms) = (entry.seq, entry.at_ms);
            for (actor, words) in entry_words(entry)? {
                say!("{seq} {at_ms} {actor}: {words}");
            }
        }
        if last >= page.as_of_seq {
            return Ok(());
        }
        request.from_seq = last + 1;
    }
}

/// Who did what, one line for each change.
fn entry_words(entry: AuditEntry) -> Outcome<Vec<(String, String)>> {
    let body = entry.body;
    Ok(match entry.kind {
        kind if kind == AccountsChanged::RULE.kind => {
            let changed = AccountsChanged::decode(body)?;
            vec![(changed.actor.clone(), account_words(&changed))]
        }
        kind if kind == WebhooksChanged::RULE.kind => {
            let changed = WebhooksChanged::decode(body)?;
            vec![(changed.actor.clone(), webhook_words(&changed))]
        }
        kind if kind == EmojiChanged::RULE.kind => {
            let EmojiChanged { actor, name, removed, .. } = EmojiChanged::decode(body)?;
            let what = if removed { "removed" } else { "added" };
            vec![(actor, format!("emoji :{name}: {what}"))]
        }
        kind if kind == RetentionChanged::RULE.kind => {
            let RetentionChanged { actor, room, rule } = RetentionChanged::decode(body)?;
            let room = RoomId::parse(&room).map(|room| format!("room {room}"));
            let room = room.unwrap_or_else(|_| "all other rooms".into());
            let rule = rule.map_or("no rule".into(), kept::words);
            vec![(actor, format!("messages are kept in {room}: {rule}"))]
        }
        kind if kind == QuotasChanged::RULE.kind => {
            let QuotasChanged { actor, quotas: set } = QuotasChanged::decode(body)?;
            vec![(actor, quotas::words(set))]
        }
        kind if kind == LegalHoldChanged::RULE.kind => {
            let changed = LegalHoldChanged::decode(body)?;
            let what = match changed.state() {
                HoldState::Ended => "no longer held",
                _ => "held",
            };
            let LegalHoldChanged { actor, target, reason, .. } = changed;
            let target = kept::target_words(target.as_ref());
            vec![(actor, format!("{target} {what}: {reason}"))]
        }
        kind if kind == ReportDecided::RULE.kind => {
            let decided = ReportDecided::decode(body)?;
            let room = RoomId::parse(&decided.room).map(|id| id.to_string()).unwrap_or_default();
            let what = match decided.decision() {
                ReportDecision::Deleted => "deleted",
                _ => "left",
            };
            let words = format!("message {} of room {room}, reported: {what}", decided.seq);
            vec![(decided.actor, words)]
        }
        kind if kind == FilterChanged::RULE.kind => {
            let FilterChanged { actor, words } = FilterChanged::decode(body)?;
            vec![(actor, format!("words that messages may not have: {words}"))]
        }
        kind if kind == UserErased::RULE.kind => {
            let UserErased { actor, user } = UserErased::decode(body)?;
            let user = UserId::parse(&user).map(|id| id.to_string()).unwrap_or_default();
            vec![(actor, format!("user {user}: erased"))]
        }
        kind if kind == DirectoryChanged::RULE.kind => {
            let DirectoryChanged { actor, changes, .. } = DirectoryChanged::decode(body)?;
            changes.iter().map(|change| (actor.clone(), words(change))).collect()
        }
        kind if kind == SessionsRevoked::RULE.kind => revoked(SessionsRevoked::decode(body)?),
        kind if kind == DataExported::RULE.kind => exported(DataExported::decode(body)?),
        kind => vec![("unknown".into(), format!("event of kind {kind}"))],
    })
}

fn revoked(revoked: SessionsRevoked) -> Vec<(String, String)> {
    let SessionsRevoked { actor, subject, session, token_id } = revoked;
    let words = match SessionId::parse(&session) {
        Ok(session) => format!("session {session} ended"),
        Err(_) if token_id.is_empty() => format!("all sessions of {subject} ended"),
        Err(_) => format!("token {token_id} revoked"),
    };
    vec![(actor, words)]
}

fn exported(DataExported { actor, subject }: DataExported) -> Vec<(String, String)> {
    let of = if subject.is_empty() { "the organization" } else { &subject };
    vec![(actor, format!("{of} exported"))]
}

fn account_words(changed: &AccountsChanged) -> String {
    let subject = &changed.subject;
    let invite = InviteId::parse(&changed.invite).map(|id| id.to_string()).unwrap_or_default();
    let key = ApiKeyId::parse(&changed.key).map(|id| id.to_string()).unwrap_or_default();
    match changed.action() {
        AccountAction::LinkCreated => format!("sign-in link for {subject}"),
        AccountAction::ScopesSet => format!("scopes of {subject}: {}", changed.scopes.join(" ")),
        AccountAction::LoginsEnded => format!("{subject} signed out"),
        AccountAction::PasswordRemoved => format!("{subject} signed out, without the password"),
        AccountAction::InviteCreated => format!("invite {invite}"),
        AccountAction::InviteRevoked => format!("invite {invite} revoked"),
        AccountAction::Knocked => format!("{subject} knocks with invite {invite}"),
        AccountAction::Declined => format!("{subject} with invite {invite} declined"),
        AccountAction::ServiceCreated => {
            format!("service account {subject}: {}", changed.scopes.join(" "))
        }
        AccountAction::KeyCreated => {
            format!("key {key} of {subject}: {}", changed.scopes.join(" "))
        }
        AccountAction::KeyRevoked => format!("key {key} of {subject} revoked"),
        AccountAction::Unspecified => "something that this release doesn't know".into(),
    }
}

fn webhook_words(changed: &WebhooksChanged) -> String {
    let webhook = changed.webhook.clone().unwrap_or_default();
    let id = WebhookId::parse(&webhook.id).map(|id| id.to_string()).unwrap_or_default();
    let what = match changed.action() {
        WebhookAction::Created => "created",
        WebhookAction::Revoked => "revoked",
        WebhookAction::Resumed => "resumed",
        WebhookAction::Stopped => "stopped",
        WebhookAction::Unspecified => "changed",
    };
    format!("webhook {id} of {} to {} {what}", changed.subject, webhook.url)
}

fn words(change: &Change) -> String {
    match &change.change {
        Some(What::PutNode(put)) => {
            let name = put.name.as_deref().unwrap_or_default();
            let archived = match put.archived {
                Some(true) => " archived",
                _ => "",
            };
            format!("node {:?} {name}{archived}", put.key)
        }
        Some(What::PutUser(put)) => match put.deactivated {
            Some(true) => format!("user {} deactivated", put.subject),
            _ => format!("user {}", put.subject),
        },
        Some(What::PutMembership(put)) => {
            format!("{} in {} as {}", put.subject, put.node, put.role)
        }
        Some(What::EndMembership(end)) => format!("{} from {}", end.subject, end.node),
        Some(What::PutOverrides(put)) => {
            format!("{} overrides at node {:?}", put.overrides.len(), put.node)
        }
        Some(What::HandOver(over)) => format!("what {} owns to {}", over.from, over.to),
        None => "a change that this release doesn't know".into(),
    }
}

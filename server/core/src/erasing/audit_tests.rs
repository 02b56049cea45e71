//! The organization's log without somebody.

use parlour_protocol::{
    account::AccountAction,
    directory::{EndMembership, HandOver, PutMembership, PutNode, PutUser},
    generated::{EVENT_RULES, EventLog},
    room::UserRef,
    user::Profile,
};

use super::*;

const ID: &str = "their-id";

fn without<M: EventMessage + Default>(message: &M) -> Option<M> {
    let body = redacted(M::RULE.kind, message.encode_to_vec().into(), "alice", ID)?;
    assert!(!body.windows(5).any(|part| part == b"alice"), "{body:?}");
    Some(M::decode(body).unwrap())
}

fn change(what: What) -> Change {
    Change { change: Some(what) }
}

#[test]
fn every_event_of_an_organization_is_looked_at() {
    let known = [
        DirectoryChanged::RULE.kind,
        AccountsChanged::RULE.kind,
        WebhooksChanged::RULE.kind,
        EmojiChanged::RULE.kind,
        RetentionChanged::RULE.kind,
        LegalHoldChanged::RULE.kind,
        UserErased::RULE.kind,
        ReportDecided::RULE.kind,
        FilterChanged::RULE.kind,
        QuotasChanged::RULE.kind,
        SessionsRevoked::RULE.kind,
        DataExported::RULE.kind,
    ];
    for rule in EVENT_RULES.iter().filter(|rule| rule.log == EventLog::Org) {
        assert!(known.contains(&rule.kind), "{}: does it name somebody?", rule.kind);
    }
}

#[test]
fn a_directory_change_keeps_what_was_done_but_not_who_they_were() {
    let subject = || "alice".to_owned();
    let put = PutUser {
        subject: subject(),
        role: Some("admin".into()),
        profile: Some(Profile { name: Some("Alice".into()), ..Profile::default() }),
        ..PutUser::default()
    };
    let other = PutUser {
        subject: "bob".into(),
        profile: Some(Profile { name: Some("Bob".into()), ..Profile::default() }),
        ..PutUser::default()
    };
    let changed = DirectoryChanged {
        actor: "bob".into(),
        changes: vec![
            change(What::PutUser(put)),
            change(What::PutUser(other.clone())),
            change(What::PutMembership(PutMembership { subject: subject(), ..Default::default() })),
            change(What::EndMembership(EndMembership { subject: subject(), ..Default::default() })),
            change(What::HandOver(HandOver { from: "bob".into(), to: subject() })),
            change(What::PutNode(PutNode { key: "sales".into(), ..Default::default() })),
        ],
    };
    let after = without(&changed).unwrap();
    assert_eq!((&*after.actor, after.changes.len()), ("bob", 6));
    let Some(What::PutUser(put)) = &after.changes[0].change else { panic!("{after:?}") };
    assert_eq!((&*put.subject, &put.profile, put.role.as_deref()), (ID, &None, Some("admin")));
    assert_eq!(after.changes[1], change(What::PutUser(other)));
    assert_eq!(
        after.changes[4],
        change(What::HandOver(HandOver { from: "bob".into(), to: ID.into() }))
    );
    assert!(without(&after).is_none(), "there is nothing more to do");
}

#[test]
fn whoever_did_something_has_only_an_id() {
    let actor = || "alice".to_owned();
    let accounts = AccountsChanged {
        actor: actor(),
        action: AccountAction::LinkCreated as i32,
        subject: "bob".into(),
        ..AccountsChanged::default()
    };
    let after = without(&accounts).unwrap();
    assert_eq!((&*after.actor, &*after.subject), (ID, "bob"));
    let webhooks = WebhooksChanged { subject: actor(), ..WebhooksChanged::default() };
    assert_eq!(without(&webhooks).unwrap().subject, ID);
    assert_eq!(without(&EmojiChanged { actor: actor(), ..Default::default() }).unwrap().actor, ID);
    let retention = RetentionChanged { actor: actor(), ..Default::default() };
    assert_eq!(without(&retention).unwrap().actor, ID);
    let decided = ReportDecided { actor: actor(), seq: 7, ..Default::default() };
    assert_eq!(without(&decided), Some(ReportDecided { actor: ID.into(), ..decided }));
    assert_eq!(without(&FilterChanged { actor: actor(), words: 2 }).unwrap().actor, ID);
    assert_eq!(without(&QuotasChanged { actor: actor(), ..Default::default() }).unwrap().actor, ID);
    assert_eq!(without(&UserErased { actor: actor(), ..Default::default() }).unwrap().actor, ID);
    let user = UserRef { user: Some(User::Subject(actor())) };
    let target = Some(HoldTarget { of: Some(Of::User(user)) });
    let held = LegalHoldChanged { target, reason: "case 7".into(), ..Default::default() };
    let after = without(&held).unwrap();
    let user = UserRef { user: Some(User::Subject(ID.into())) };
    assert_eq!(after.target, Some(HoldTarget { of: Some(Of::User(user)) }));
    assert_eq!(after.reason, "case 7");
    assert!(without(&EmojiChanged { actor: "bob".into(), ..Default::default() }).is_none());
}

#[test]
fn who_was_signed_out_or_exported_is_an_id() {
    let alice = || "alice".to_owned();
    let revoked =
        SessionsRevoked { actor: "root".into(), subject: alice(), ..SessionsRevoked::default() };
    let left = without(&revoked).expect("she is named");
    assert_eq!((&*left.actor, &*left.subject), ("root", ID));
    let exported = DataExported { actor: alice(), subject: alice() };
    let left = without(&exported).expect("she is named");
    assert_eq!((&*left.actor, &*left.subject), (ID, ID));
    let other = DataExported { actor: "root".into(), subject: String::new() };
    assert_eq!(without(&other), None);
}

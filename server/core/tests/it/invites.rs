//! Invites without a network: who comes by one, who has to wait, and who doesn't come in.

use parlour_core::draft::Refused;
use parlour_inproc::{
    Server,
    accounts::{acme, by_code, by_invite, by_link, kept, link, reason, sign_in},
};
use parlour_protocol::{
    account::*,
    directory::{self as wire, change::Change as What, *},
    generated::rpc,
    wire::ErrorReason,
};

#[test]
fn everything_admins_do_is_in_the_audit_log() {
    let (mut server, admin) = acme();
    by_link(&mut server, admin, "alice", 1);
    invite(&mut server, admin, CreateInviteRequest { uses_max: 2, ..Default::default() });
    let request = ReadAuditRequest { from_seq: 0, limit: 50 };
    let entries = server.call::<rpc::ReadAudit>(admin, &request).unwrap().entries;
    let actions: Vec<AccountAction> = entries
        .into_iter()
        .filter(|entry| entry.kind == 301)
        .map(|entry| {
            let changed: AccountsChanged = prost::Message::decode(entry.body).unwrap();
            assert_eq!(changed.actor, "admin");
            changed.action()
        })
        .collect();
    assert_eq!(actions, [AccountAction::LinkCreated, AccountAction::InviteCreated]);
}

fn invite(server: &mut Server, admin: usize, request: CreateInviteRequest) -> CreateInviteResponse {
    server.call::<rpc::CreateInvite>(admin, &request).unwrap()
}

fn invites(server: &mut Server, admin: usize) -> Vec<Invite> {
    server.call::<rpc::ListInvites>(admin, &ListInvitesRequest::default()).unwrap().invites
}

#[test]
fn an_invite_makes_accounts_in_its_nodes_and_no_more_than_it_may() {
    let (mut server, admin) = acme();
    let nodes = vec!["team".to_owned()];
    let request = CreateInviteRequest { nodes, uses_max: 2, ..Default::default() };
    let code = invite(&mut server, admin, request).code;
    let carol = sign_in(by_invite(&code, "carol"), &[1; 32]);
    let signed_in = server.sign_in(&carol).unwrap();
    assert_eq!(server.sign_in(&carol).unwrap().login, signed_in.login);
    let client = server.connect(&signed_in.token);
    let request = ListMembershipsRequest { node: "team".into(), ..Default::default() };
    let members = server.call::<rpc::ListMemberships>(admin, &request).unwrap().memberships;
    let user = members[0].user.clone().unwrap();
    let profile = user.profile.clone().unwrap();
    assert_eq!((&*user.subject, &*user.name), ("carol", "The carol"));
    assert_eq!(profile.handle.as_deref(), Some("carol"));
    let logins = server.call::<rpc::ListLogins>(client, &ListLoginsRequest {}).unwrap().logins;
    assert_eq!(logins[0].method(), LoginMethod::Invite);

    // Names that are somebody's already, as account, user or handle.
    for taken in ["carol", "alice", "alice.handle"] {
        let request = sign_in(by_invite(&code, taken), &[2; 32]);
        let error = server.sign_in(&request).unwrap_err();
        assert_eq!(reason(&error), ErrorReason::SubjectTaken, "{taken}");
    }
    for bad in ["", "Carol", "ca rol", &"x".repeat(33)] {
        let error = server.sign_in(&sign_in(by_invite(&code, bad), &[2; 32])).unwrap_err();
        assert_eq!(error.violations[0].field, "code.newcomer.subject");
    }
    // Two at once for the one place that is left.
    let two = ["dave", "erin"].map(|who| sign_in(by_invite(&code, who), &[3; 32]));
    let drafts = two.clone().map(|request| server.decide(&request).unwrap().1.unwrap());
    let results = drafts.map(|draft| server.try_commit(draft));
    assert_eq!(results, [Ok(()), Err(Refused::Stale)]);
    let error = server.sign_in(&two[1]).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::SignInRefused);
    let list = invites(&mut server, admin);
    assert_eq!((list.len(), list[0].used, list[0].uses.len()), (1, 2, 2));
}

#[test]
fn whoever_knocks_waits_until_somebody_decides() {
    let (mut server, admin) = acme();
    let request = CreateInviteRequest {
        uses_max: 3,
        knock: true,
        role: "guest".into(),
        ..Default::default()
    };
    let made = invite(&mut server, admin, request);
    let carol = sign_in(by_invite(&made.code, "carol"), &[1; 32]);
    let dave = sign_in(by_invite(&made.code, "dave"), &[2; 32]);
    for request in [&carol, &dave, &carol] {
        let error = server.sign_in(request).unwrap_err();
        assert_eq!((reason(&error), error.retry_after_ms), (ErrorReason::KnockWaiting, 5000));
    }
    let uses = &invites(&mut server, admin)[0].uses;
    assert_eq!((uses.len(), &*uses[0].note), (2, "it's me"));
    let decide = |server: &mut Server, subject: &str, approve| {
        let request = DecideKnockRequest { id: made.id.clone(), subject: subject.into(), approve };
        server.call::<rpc::DecideKnock>(admin, &request).map(drop)
    };
    decide(&mut server, "carol", true).unwrap();
    decide(&mut server, "carol", true).unwrap();
    decide(&mut server, "dave", false).unwrap();
    let error = decide(&mut server, "dave", true).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::NotAllowed);
    let error = decide(&mut server, "nobody", true).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::InviteNotFound);
    let signed_in = server.sign_in(&carol).unwrap();
    assert!(signed_in.token.ends_with("/guest"), "{}", signed_in.token);
    assert_eq!(reason(&server.sign_in(&dave).unwrap_err()), ErrorReason::SignInRefused);

    // A revoked invite declines those who wait.
    let erin = sign_in(by_invite(&made.code, "erin"), &[3; 32]);
    server.sign_in(&erin).unwrap_err();
    let request = RevokeInviteRequest { id: made.id.clone() };
    server.call::<rpc::RevokeInvite>(admin, &request).unwrap();
    assert_eq!(reason(&server.sign_in(&erin).unwrap_err()), ErrorReason::SignInRefused);
    let frank = sign_in(by_invite(&made.code, "frank"), &[4; 32]);
    assert_eq!(reason(&server.sign_in(&frank).unwrap_err()), ErrorReason::SignInRefused);
    // Who came stays.
    server.sign_in(&sign_in(kept(&signed_in.login, &[1; 32]), &[5; 32])).unwrap();
}

#[test]
fn nonsense_is_refused_by_its_field() {
    let (mut server, admin) = acme();
    let code = link(&mut server, admin, "alice");
    let good = sign_in(by_code(&code), &[1; 32]);
    let mut wrong = vec![];
    let mut add = |field: &'static str, change: fn(&mut parlour_protocol::wire::SignIn)| {
        let mut request = good.clone();
        change(&mut request);
        wrong.push((field, request));
    };
    add("how", |request| request.how = None);
    add("next_hash", |request| request.next_hash = vec![1; 31].into());
    add("device", |request| request.device = vec![1; 17].into());
    add("agent", |request| request.agent = "x".repeat(101));
    for (field, request) in wrong {
        let error = server.sign_in(&request).unwrap_err();
        assert_eq!(error.violations[0].field, field);
    }
    for login in [&b""[..], &[1; 47], &[1; 48], &[1; 500]] {
        let how = kept(&bytes::Bytes::copy_from_slice(login), &[1; 32]);
        let error = server.sign_in(&sign_in(how, &[2; 32])).unwrap_err();
        assert_eq!(reason(&error), ErrorReason::LoginEnded);
    }
    server.sign_in(&good).unwrap();
    let requests = [
        (CreateInviteRequest { role: "owner".into(), ..Default::default() }, "role"),
        (CreateInviteRequest { uses_max: 1001, ..Default::default() }, "uses_max"),
        (CreateInviteRequest { valid_s: 1, ..Default::default() }, "valid_s"),
        (CreateInviteRequest { nodes: vec![String::new()], ..Default::default() }, "nodes"),
        (CreateInviteRequest { label: "x".repeat(201), ..Default::default() }, "label"),
    ];
    for (request, field) in requests {
        let error = server.call::<rpc::CreateInvite>(admin, &request).unwrap_err();
        assert_eq!(error.violations[0].field, field);
    }
    let nodes = vec!["nowhere".to_owned()];
    let request = CreateInviteRequest { nodes, ..Default::default() };
    let error = server.call::<rpc::CreateInvite>(admin, &request).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::NodeNotFound);
}

#[test]
fn a_knock_isnt_approved_onto_somebody_who_came_meanwhile() {
    let (mut server, admin) = acme();
    let request = CreateInviteRequest { uses_max: 3, knock: true, ..Default::default() };
    let made = invite(&mut server, admin, request);
    let knock = sign_in(by_invite(&made.code, "carol"), &[1; 32]);
    server.sign_in(&knock).unwrap_err();
    let carol = PutUser { subject: "carol".into(), ..PutUser::default() };
    let changes = vec![wire::Change { change: Some(What::PutUser(carol)) }];
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(admin, &request).unwrap();
    let request =
        DecideKnockRequest { id: made.id.clone(), subject: "carol".into(), approve: true };
    let error = server.call::<rpc::DecideKnock>(admin, &request).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::SubjectTaken);
    assert_eq!(reason(&server.sign_in(&knock).unwrap_err()), ErrorReason::KnockWaiting);
    for reserved in ["operator", "parlour"] {
        let error = server.sign_in(&sign_in(by_invite(&made.code, reserved), &[2; 32]));
        assert_eq!(reason(&error.unwrap_err()), ErrorReason::SubjectTaken);
    }
}

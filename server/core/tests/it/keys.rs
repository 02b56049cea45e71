//! Accounts of programs without a network: what their keys let in, and when they no longer do.

use std::time::Duration;

use parlour_core::{admission::Refusal, ports::auth::TokenError};
use parlour_inproc::{
    Server,
    accounts::{acme, reason},
};
use parlour_protocol::{
    account::*,
    directory::{self as wire, change::Change as What, *},
    generated::rpc,
    limits::{API_KEYS_MAX, API_KEYS_PAST_MAX},
    session::{ReauthRequest, RevokeRequest, revoke_request},
    user::{GetUsersRequest, UserKind},
    wire::{CloseCode, Error, ErrorReason},
};

fn bot(server: &mut Server, admin: usize, subject: &str, scopes: &[&str]) -> Result<(), Error> {
    let request = CreateServiceAccountRequest {
        subject: subject.into(),
        name: format!("The {subject}"),
        nodes: vec!["team".into()],
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        ..Default::default()
    };
    server.call::<rpc::CreateServiceAccount>(admin, &request).map(drop)
}

fn key_of(
    server: &mut Server,
    admin: usize,
    scopes: &[&str],
    valid_s: u32,
) -> Result<CreateKeyResponse, Error> {
    let request = CreateKeyRequest {
        subject: "deploy".into(),
        name: "of a test".into(),
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        valid_s,
    };
    server.call::<rpc::CreateKey>(admin, &request)
}

fn keys(server: &mut Server, admin: usize) -> Vec<ApiKey> {
    let request = ListKeysRequest { subject: "deploy".into() };
    server.call::<rpc::ListKeys>(admin, &request).unwrap().keys
}

fn revoke(server: &mut Server, admin: usize, key: &CreateKeyResponse) -> Result<u32, Error> {
    let key = key.key.clone().unwrap().id;
    let request = RevokeKeyRequest { subject: "deploy".into(), key };
    server.call::<rpc::RevokeKey>(admin, &request).map(|answer| answer.closed)
}

/// A server with an account `deploy`, its admin, and a key that allows everything the account does.
fn deploy(scopes: &[&str]) -> (Server, usize, CreateKeyResponse) {
    let (mut server, admin) = acme();
    bot(&mut server, admin, "deploy", scopes).unwrap();
    let key = key_of(&mut server, admin, scopes, 0).unwrap();
    (server, admin, key)
}

fn is_closed(server: &mut Server, client: usize, code: CloseCode) -> bool {
    server.run();
    let id = server.clients[client].id;
    server.closed.contains(&(id, code))
}

#[test]
fn a_key_is_all_a_program_needs() {
    let (mut server, admin, key) = deploy(&[]);
    assert!(key.secret.starts_with("parlour_"));
    let client = server.connect(&key.secret);
    let caller = server.clients[client].caller.clone();
    assert_eq!((&*caller.subject, &*caller.name), ("deploy", "The deploy"));
    // It is somebody in the organization, and in its node, and known for what it is.
    let request = ListMembershipsRequest { node: "team".into(), ..Default::default() };
    let members = server.call::<rpc::ListMemberships>(admin, &request).unwrap().memberships;
    let user = members[0].user.clone().unwrap();
    assert_eq!((&*user.subject, user.kind()), ("deploy", UserKind::Bot));
    let request = GetUsersRequest { users: vec![], subjects: vec!["alice".into()] };
    let users = server.call::<rpc::GetUsers>(client, &request).unwrap().users;
    assert_eq!(users[0].kind(), UserKind::Person);
    // It renews itself with the same key.
    let request = ReauthRequest { token: key.secret.clone() };
    server.call::<rpc::Reauth>(client, &request).unwrap();
    let accounts = server.call::<rpc::ListAccounts>(admin, &Default::default()).unwrap().accounts;
    assert_eq!(accounts.len(), 1);
    assert!(accounts[0].is_service && accounts[0].keys == 1 && accounts[0].logins == 0);
    // Coming again changes nothing about what it is.
    server.disconnect(client);
    server.connect(&key.secret);
    let request = GetUsersRequest { users: vec![], subjects: vec!["deploy".into()] };
    let users = server.call::<rpc::GetUsers>(admin, &request).unwrap().users;
    assert_eq!(users[0].kind(), UserKind::Bot);
}

#[test]
fn a_key_allows_no_more_than_it_says_and_no_more_than_its_account() {
    let (mut server, admin, narrow) = deploy(&["admin:audit", "events:publish"]);
    let scopes = |server: &Server, client: usize| {
        let has: Vec<String> =
            server.clients[client].caller.auth().scopes.iter().map(|it| (**it).into()).collect();
        has
    };
    let client = server.connect(&narrow.secret);
    assert_eq!(scopes(&server, client), ["admin:audit", "events:publish"]);
    let one = key_of(&mut server, admin, &["events:publish"], 0).unwrap();
    let other = server.connect(&one.secret);
    assert_eq!(scopes(&server, other), ["events:publish"]);
    let none = server.call::<rpc::ReadAudit>(other, &Default::default()).unwrap_err();
    assert_eq!(reason(&none), ErrorReason::ScopeMissing);
    let more = key_of(&mut server, admin, &["admin:accounts"], 0).unwrap_err();
    assert_eq!(more.violations[0].field, "scopes");

    // What the account loses its keys lose: their connections close, and come again with less.
    let request =
        SetAccountScopesRequest { subject: "deploy".into(), scopes: vec!["events:publish".into()] };
    let closed = server.call::<rpc::SetAccountScopes>(admin, &request).unwrap().closed;
    assert_eq!(closed, 2);
    let again = server.connect(&narrow.secret);
    assert_eq!(scopes(&server, again), ["events:publish"]);
}

#[test]
fn a_revoked_key_lets_nobody_in_and_nobody_stay() {
    let (mut server, admin, key) = deploy(&[]);
    let other = key_of(&mut server, admin, &[], 0).unwrap();
    let (victim, stays) = (server.connect(&key.secret), server.connect(&other.secret));
    assert_eq!(revoke(&mut server, admin, &key), Ok(1));
    assert!(is_closed(&mut server, victim, CloseCode::Revoked));
    assert!(!is_closed(&mut server, stays, CloseCode::Revoked));
    assert_eq!(server.try_admit(&key.secret), Err(Refusal::Revoked));
    assert_eq!(server.try_admit(&other.secret), Ok(()));
    assert_eq!(revoke(&mut server, admin, &key), Ok(0), "once more is no error");
    let known = keys(&mut server, admin);
    assert_eq!(known.iter().map(|key| key.revoked).collect::<Vec<_>>(), [true, false]);
    let request = RevokeKeyRequest { subject: "deploy".into(), key: vec![9; 16].into() };
    let nothing = server.call::<rpc::RevokeKey>(admin, &request).unwrap_err();
    assert_eq!(reason(&nothing), ErrorReason::KeyNotFound);
}

#[test]
fn keys_end_with_their_time_their_user_and_all_logins() {
    let (mut server, admin, key) = deploy(&[]);
    let brief = key_of(&mut server, admin, &[], 60).unwrap();
    let client = server.connect(&brief.secret);
    server.advance(Duration::from_secs(61));
    server.advance(Duration::from_secs(1));
    assert!(is_closed(&mut server, client, CloseCode::TokenExpired));
    assert_eq!(server.try_admit(&brief.secret), Err(Refusal::Token(TokenError::Expired)));
    assert_eq!(server.try_admit(&key.secret), Ok(()));

    let out = |deactivated| PutUser {
        subject: "deploy".into(),
        deactivated: Some(deactivated),
        ..PutUser::default()
    };
    for deactivated in [true, false] {
        let change = wire::Change { change: Some(What::PutUser(out(deactivated))) };
        let request = ChangeDirectoryRequest { changes: vec![change], dry_run: false };
        server.call::<rpc::ChangeDirectory>(admin, &request).unwrap();
        let wanted = if deactivated { Err(Refusal::Revoked) } else { Ok(()) };
        assert_eq!(server.try_admit(&key.secret), wanted);
    }

    // Whichever way all of an account is ended, new keys let it in again.
    for how in 0..2 {
        let key = key_of(&mut server, admin, &[], 0).unwrap();
        let client = server.connect(&key.secret);
        if how == 0 {
            let what = Some(revoke_request::What::Subject("deploy".into()));
            server.call::<rpc::Revoke>(admin, &RevokeRequest { what }).unwrap();
        } else {
            let request = EndLoginsRequest { subject: "deploy".into(), password: false };
            server.call::<rpc::EndLogins>(admin, &request).unwrap();
        }
        assert!(is_closed(&mut server, client, CloseCode::Revoked));
        server.advance(Duration::from_secs(5));
        assert_eq!(server.try_admit(&key.secret), Err(Refusal::Revoked));
        let new = key_of(&mut server, admin, &[], 0).unwrap();
        assert_eq!(server.try_admit(&new.secret), Ok(()));
    }
}

#[test]
fn wrong_keys_are_refused_and_guesses_slow_down_without_keeping_the_owner_out() {
    let (mut server, admin, key) = deploy(&[]);
    let wrong = Err(Refusal::Token(TokenError::WrongApiKey));
    let malformed = Err(Refusal::Token(TokenError::Malformed));
    assert_eq!(server.try_admit("parlour_nonsense"), malformed);
    assert_eq!(server.try_admit(&format!("parlour_{}", "A".repeat(96))), wrong);
    let mut guess = key.secret.clone();
    let last = guess.pop().unwrap();
    guess.push(if last == 'A' { 'B' } else { 'A' });
    for _ in 0..5 {
        assert_eq!(server.try_admit(&guess), wrong);
    }
    let too_often = server.try_admit(&guess).unwrap_err();
    let Refusal::TooOften(wait_ms) = too_often else { panic!("{too_often:?}") };
    assert_eq!(too_often.to_error().retry_after_ms, wait_ms);
    assert_eq!(server.try_admit(&key.secret), Ok(()), "its owner comes in all the same");
    server.advance(Duration::from_millis(wait_ms));
    assert_eq!(server.try_admit(&guess), wrong);
    // A revoked one's secret is told apart from a wrong one only by whoever has it.
    revoke(&mut server, admin, &key).unwrap();
    server.advance(Duration::from_secs(3601));
    assert_eq!(server.try_admit(&guess), wrong);
    assert_eq!(server.try_admit(&key.secret), Err(Refusal::Revoked));
}

#[test]
fn keys_have_a_bound_and_what_is_past_is_forgotten() {
    let (mut server, admin, first) = deploy(&[]);
    for _ in 1..API_KEYS_MAX {
        key_of(&mut server, admin, &[], 0).unwrap();
    }
    let many = key_of(&mut server, admin, &[], 0).unwrap_err();
    assert_eq!(reason(&many), ErrorReason::TooManyKeys);
    revoke(&mut server, admin, &first).unwrap();
    for _ in 0..API_KEYS_PAST_MAX + 3 {
        let key = key_of(&mut server, admin, &[], 0).unwrap();
        revoke(&mut server, admin, &key).unwrap();
    }
    let known = keys(&mut server, admin);
    assert_eq!(known.len(), API_KEYS_MAX - 1 + API_KEYS_PAST_MAX);
    assert_eq!(server.try_admit(&first.secret).unwrap_err().close_code(), CloseCode::TokenInvalid);
}

#[test]
fn of_two_keys_made_at_once_for_the_last_place_one_is_decided_again() {
    let (mut server, admin, _) = deploy(&[]);
    for _ in 2..API_KEYS_MAX {
        key_of(&mut server, admin, &[], 0).unwrap();
    }
    let request = CreateKeyRequest {
        subject: "deploy".into(),
        name: "one more".into(),
        ..Default::default()
    };
    let calls = [0, 1].map(|_| server.start::<rpc::CreateKey>(admin, &request));
    server.run();
    let answers = calls.map(|call| server.answer::<rpc::CreateKey>(admin, call));
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(reason(refused[0]), ErrorReason::TooManyKeys);
}

#[test]
fn programs_and_people_are_kept_apart() {
    let (mut server, admin, _) = deploy(&[]);
    let link = CreateSignInLinkRequest { subject: "deploy".into(), valid_s: 0 };
    let refused = server.call::<rpc::CreateSignInLink>(admin, &link).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::ServiceAccount);
    for taken in ["deploy", "alice", "bob.handle", "operator"] {
        let refused = bot(&mut server, admin, taken, &[]).unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::SubjectTaken, "{taken}");
    }
    let request =
        CreateKeyRequest { subject: "alice".into(), name: "hers".into(), ..Default::default() };
    let refused = server.call::<rpc::CreateKey>(admin, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::AccountNotFound);
    let bad = bot(&mut server, admin, "Not Plain", &[]).unwrap_err();
    assert_eq!(bad.violations[0].field, "subject");
    // Who may do none of it.
    let guest = server.connect("guest");
    let refused = bot(&mut server, guest, "other", &[]).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::ScopeMissing);
}

#[test]
fn what_admins_do_is_in_the_audit_log_and_no_secret_is() {
    let (mut server, admin, key) = deploy(&["events:publish"]);
    revoke(&mut server, admin, &key).unwrap();
    let request = ReadAuditRequest { from_seq: 0, limit: 50 };
    let entries = server.call::<rpc::ReadAudit>(admin, &request).unwrap().entries;
    let secret = &key.secret.as_bytes()[8..];
    let changed: Vec<AccountsChanged> = entries
        .into_iter()
        .filter(|entry| entry.kind == 301)
        .map(|entry| {
            assert!(!entry.body.windows(secret.len()).any(|part| part == secret));
            prost::Message::decode(entry.body).unwrap()
        })
        .collect();
    use AccountAction as A;
    let actions: Vec<_> = changed.iter().map(AccountsChanged::action).collect();
    assert_eq!(actions, [A::ServiceCreated, A::KeyCreated, A::KeyRevoked]);
    assert!(changed.iter().all(|it| it.subject == "deploy" && it.actor == "admin"));
    assert_eq!(changed[0].scopes, ["events:publish"]);
    assert_eq!(changed[2].key, key.key.unwrap().id);
}

#[test]
fn a_key_that_is_revoked_while_its_program_comes_in_is_found_out() {
    let (mut server, admin, key) = deploy(&[]);
    let client = server.connect(&key.secret);
    let caller = server.clients[client].caller.clone();
    let check = |server: &Server| {
        let node = server.node.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(node.check_admitted(&caller))
    };
    assert_eq!(check(&server), Ok(()));
    let request = EndLoginsRequest { subject: "deploy".into(), password: false };
    server.call::<rpc::EndLogins>(admin, &request).unwrap();
    server.advance(Duration::from_secs(5));
    assert_eq!(check(&server), Err(Refusal::Revoked));
}

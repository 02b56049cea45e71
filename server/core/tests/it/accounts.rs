//! Accounts without a network: links, logins and passwords, and what happens when two things happen at
//! once.

use std::time::Duration;

use parlour_core::draft::Refused;
use parlour_inproc::{
    Server,
    accounts::{acme, by_code, by_link, by_password, kept, link, reason, sign_in},
};
use parlour_protocol::{
    account::*,
    directory::{self as wire, change::Change as What, *},
    generated::rpc,
    limits::{LINK_SETS_PASSWORD_FOR, LOGIN_UNUSED_MAX, LOGINS_MAX},
    session::{RevokeRequest, revoke_request},
    wire::{CloseCode, Error, ErrorReason, SignedIn},
};

const DAY_MS: u64 = 24 * 3600 * 1000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn logins(server: &mut Server, client: usize) -> Vec<Login> {
    server.call::<rpc::ListLogins>(client, &ListLoginsRequest {}).unwrap().logins
}

fn password(server: &mut Server, client: usize, current: &str, new: &str) -> Result<(), Error> {
    let request = SetPasswordRequest { current: current.into(), password: new.into() };
    server.call::<rpc::SetPassword>(client, &request).map(drop)
}

#[test]
fn a_link_is_good_once_and_a_lost_answer_is_had_again() {
    let (mut server, admin) = acme();
    let code = link(&mut server, admin, "alice");
    let request = sign_in(by_code(&code), &[1; 32]);
    let first = server.sign_in(&request).unwrap();
    assert_eq!((&*first.subject, &*first.org), ("alice", "acme"));
    let again = server.sign_in(&request).unwrap();
    assert_eq!(again.login, first.login);
    let other = server.sign_in(&sign_in(by_code(&code), &[2; 32])).unwrap_err();
    assert_eq!(reason(&other), ErrorReason::SignInRefused);
    let alice = server.connect(&first.token);
    let logins = logins(&mut server, alice);
    assert_eq!(logins.len(), 1);
    assert!(logins[0].current && logins[0].method() == LoginMethod::Link);
    // Gone on with, the link's answer isn't given any more.
    server.sign_in(&sign_in(kept(&first.login, &[1; 32]), &[3; 32])).unwrap();
    assert_eq!(reason(&server.sign_in(&request).unwrap_err()), ErrorReason::SignInRefused);
}

#[test]
fn of_two_who_take_one_link_at_once_one_is_in() {
    let (mut server, admin) = acme();
    let code = link(&mut server, admin, "alice");
    let requests = [1, 2].map(|n| sign_in(by_code(&code), &[n; 32]));
    let drafts = requests.map(|request| server.decide(&request).unwrap().1.unwrap());
    let results = drafts.map(|draft| server.try_commit(draft));
    assert_eq!(results, [Ok(()), Err(Refused::Exists)]);
}

#[test]
fn links_end_with_time_with_another_one_and_with_the_user() {
    let (mut server, admin) = acme();
    let refused = |server: &mut Server, code: &str| {
        let error = server.sign_in(&sign_in(by_code(code), &[1; 32])).unwrap_err();
        assert_eq!(reason(&error), ErrorReason::SignInRefused);
    };
    let first = link(&mut server, admin, "alice");
    let second = link(&mut server, admin, "alice");
    refused(&mut server, &first);
    server.advance(ms(DAY_MS + 1));
    refused(&mut server, &second);
    refused(&mut server, "nonsense");
    refused(&mut server, &"A".repeat(54));
    let third = link(&mut server, admin, "alice");
    let put = PutUser { subject: "alice".into(), deactivated: Some(true), ..PutUser::default() };
    let changes = vec![wire::Change { change: Some(What::PutUser(put)) }];
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(admin, &request).unwrap();
    refused(&mut server, &third);

    let request = CreateSignInLinkRequest { subject: "nobody".into(), valid_s: 0 };
    let error = server.call::<rpc::CreateSignInLink>(admin, &request).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::UserNotFound);
    let request = CreateSignInLinkRequest { subject: "bob".into(), valid_s: 59 };
    let error = server.call::<rpc::CreateSignInLink>(admin, &request).unwrap_err();
    assert_eq!(error.violations[0].field, "valid_s");
}

#[test]
fn a_login_goes_on_and_a_copied_secret_ends_it() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let renewal = sign_in(kept(&first.login, &[1; 32]), &[2; 32]);
    let second = server.sign_in(&renewal).unwrap();
    assert_eq!(second.login, first.login);
    // Its answer was lost.
    server.sign_in(&renewal).unwrap();
    server.sign_in(&sign_in(kept(&first.login, &[2; 32]), &[3; 32])).unwrap();
    let alice = server.connect(&second.token);
    // A secret of long ago is refused, and that's all: it has no power any more.
    let old = server.sign_in(&sign_in(kept(&first.login, &[1; 32]), &[9; 32])).unwrap_err();
    assert_eq!(reason(&old), ErrorReason::LoginEnded);
    assert!(server.closed.is_empty());
    // The one before, with another one to follow: two have it.
    let copied = server.sign_in(&sign_in(kept(&first.login, &[2; 32]), &[8; 32])).unwrap_err();
    assert_eq!(reason(&copied), ErrorReason::LoginEnded);
    assert_eq!(server.closed, [(server.clients[alice].id, CloseCode::Revoked)]);
    let owner = server.sign_in(&sign_in(kept(&first.login, &[3; 32]), &[4; 32])).unwrap_err();
    assert_eq!(reason(&owner), ErrorReason::LoginEnded);
    assert!(server.try_admit(&second.token).is_err());
}

#[test]
fn a_login_that_is_ended_doesnt_come_back_by_a_renewal_under_way() {
    let ends: [fn(&mut Server, usize, usize, &bytes::Bytes); 2] = [
        |server, alice, _, id| {
            let which = Some(end_login_request::Which::Login(id.clone()));
            server.call::<rpc::EndLogin>(alice, &EndLoginRequest { which }).unwrap();
        },
        |server, _, admin, _| {
            let request = EndLoginsRequest { subject: "alice".into(), password: false };
            server.call::<rpc::EndLogins>(admin, &request).unwrap();
        },
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let (mut server, admin) = acme();
        let first = by_link(&mut server, admin, "alice", 1);
        let alice = server.connect(&first.token);
        let id = logins(&mut server, alice)[0].id.clone();
        let (_, draft) = server.decide(&renewal_of(&first)).unwrap();
        end(&mut server, alice, admin, &id);
        assert_eq!(server.try_commit(draft.unwrap()), Err(Refused::Exists), "{n}");
        let error = server.sign_in(&renewal_of(&first)).unwrap_err();
        assert_eq!(reason(&error), ErrorReason::LoginEnded, "{n}");
    }
}

fn renewal_of(signed_in: &SignedIn) -> parlour_protocol::wire::SignIn {
    sign_in(kept(&signed_in.login, &[1; 32]), &[2; 32])
}

#[test]
fn a_login_that_isnt_used_is_over_and_their_number_is_bounded() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "", "a good password").unwrap();
    for n in 1..LOGINS_MAX {
        server.advance(ms(1000));
        let how = by_password("alice", "a good password");
        server.sign_in(&sign_in(how, &[n as u8; 32])).unwrap();
    }
    assert_eq!(logins(&mut server, alice).len(), LOGINS_MAX);
    assert!(server.closed.is_empty());
    // One more: the oldest goes, with its connection.
    server.sign_in(&sign_in(by_password("alice", "a good password"), &[200; 32])).unwrap();
    assert_eq!(server.closed, [(server.clients[alice].id, CloseCode::Revoked)]);
    let error = server.sign_in(&renewal_of(&first)).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::LoginEnded);

    let bob = by_link(&mut server, admin, "bob", 1);
    server.advance(ms(LOGIN_UNUSED_MAX.as_millis() as u64 + 1000));
    let error = server.sign_in(&renewal_of(&bob)).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::LoginEnded);
}

#[test]
fn a_password_is_set_after_a_link_and_changed_with_the_present_one() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    for (bad, why) in [("short", "under"), ("alice", "under"), (&*"x".repeat(257), "over")] {
        let error = password(&mut server, alice, "", bad).unwrap_err();
        assert!(error.violations[0].problem.contains(why), "{bad}");
    }
    password(&mut server, alice, "", "the first one").unwrap();
    // By name and by handle; whatever is wrong has one answer.
    for user in ["alice", "alice.handle"] {
        server.sign_in(&sign_in(by_password(user, "the first one"), &[5; 32])).unwrap();
    }
    for how in [
        by_password("alice", "the first on"),
        by_password("alice", ""),
        by_password("bob", "the first one"),
        by_password("nobody", "the first one"),
    ] {
        let error = server.sign_in(&sign_in(how, &[5; 32])).unwrap_err();
        assert_eq!(reason(&error), ErrorReason::SignInRefused);
    }
    // Within a quarter of an hour of the link the present one isn't asked for.
    password(&mut server, alice, "", "the second one").unwrap();
    server.advance(ms(LINK_SETS_PASSWORD_FOR.as_millis() as u64 + 1));
    let error = password(&mut server, alice, "", "the third one").unwrap_err();
    assert_eq!(reason(&error), ErrorReason::WrongPassword);
    password(&mut server, alice, "the second one", "the third one").unwrap();
    server.sign_in(&sign_in(by_password("alice", "the third one"), &[6; 32])).unwrap();
}

#[test]
fn a_new_password_ends_the_other_logins_and_spares_this_one() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let second = by_link(&mut server, admin, "alice", 3);
    let (here, there) = (server.connect(&first.token), server.connect(&second.token));
    let (_, renewal) = server.decide(&renewal_of(&first)).unwrap();
    password(&mut server, here, "", "a good password").unwrap();
    assert_eq!(server.closed, [(server.clients[there].id, CloseCode::Revoked)]);
    let ended = server.sign_in(&sign_in(kept(&second.login, &[3; 32]), &[4; 32])).unwrap_err();
    assert_eq!(reason(&ended), ErrorReason::LoginEnded);
    // What was decided before is decided again, and goes on.
    assert_eq!(server.try_commit(renewal.unwrap()), Err(Refused::Exists));
    server.sign_in(&renewal_of(&first)).unwrap();
    server.sign_in(&sign_in(kept(&first.login, &[2; 32]), &[3; 32])).unwrap();
    assert_eq!(logins(&mut server, here).len(), 1);
}

#[test]
fn guessing_gets_slow_even_for_nobody() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "", "a good password").unwrap();
    for user in ["alice", "nobody"] {
        let guess = sign_in(by_password(user, "a bad password"), &[5; 32]);
        for _ in 0..5 {
            let error = server.sign_in(&guess).unwrap_err();
            assert_eq!(reason(&error), ErrorReason::SignInRefused);
        }
        let error = server.sign_in(&guess).unwrap_err();
        assert_eq!((reason(&error), error.retry_after_ms), (ErrorReason::RateLimited, 1000));
    }
    // The right one has to wait as well; a login that is kept doesn't.
    let right = sign_in(by_password("alice", "a good password"), &[5; 32]);
    assert_eq!(reason(&server.sign_in(&right).unwrap_err()), ErrorReason::RateLimited);
    server.sign_in(&renewal_of(&first)).unwrap();
    server.advance(ms(1001));
    server.sign_in(&right).unwrap();
}

#[test]
fn admins_end_logins_and_set_what_tokens_allow() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "", "a good password").unwrap();
    let scopes = vec!["admin:audit".to_owned()];
    let request = SetAccountScopesRequest { subject: "alice".into(), scopes };
    let answer = server.call::<rpc::SetAccountScopes>(admin, &request).unwrap();
    assert_eq!(answer.closed, 1);
    assert!(server.try_admit(&first.token).is_err());
    // At once, in the same second: another token, and a good one.
    let renewed = server.sign_in(&renewal_of(&first)).unwrap();
    assert!(renewed.token.ends_with("/admin:audit"), "{}", renewed.token);
    server.try_admit(&renewed.token).unwrap();
    let answer = server.call::<rpc::SetAccountScopes>(admin, &request).unwrap();
    assert_eq!(answer.closed, 0);

    let request = EndLoginsRequest { subject: "alice".into(), password: true };
    server.call::<rpc::EndLogins>(admin, &request).unwrap();
    let ended = server.sign_in(&sign_in(kept(&first.login, &[2; 32]), &[3; 32])).unwrap_err();
    assert_eq!(reason(&ended), ErrorReason::LoginEnded);
    let how = by_password("alice", "a good password");
    let error = server.sign_in(&sign_in(how, &[4; 32])).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::SignInRefused);
    let list = server.call::<rpc::ListAccounts>(admin, &ListAccountsRequest::default()).unwrap();
    let account = &list.accounts[0];
    assert_eq!((&*account.subject, account.logins, account.has_password), ("alice", 0, false));

    let request = EndLoginsRequest { subject: "bob".into(), password: false };
    let error = server.call::<rpc::EndLogins>(admin, &request).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::AccountNotFound);
    let guest = server.connect("guest");
    let error = server.call::<rpc::EndLogins>(guest, &request).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::ScopeMissing);
}

#[test]
fn whoever_signs_out_is_answered_before_the_end() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    let which = Some(end_login_request::Which::Login(logins(&mut server, alice)[0].id.clone()));
    let answer = server.call::<rpc::EndLogin>(alice, &EndLoginRequest { which }).unwrap();
    assert_eq!(answer.closed, 1);
    assert_eq!(server.closed, [(server.clients[alice].id, CloseCode::Revoked)]);
}

#[test]
fn whoever_is_signed_out_does_nothing_more_over_a_connection_that_lingers() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "", "the first one").unwrap();
    // Asked for in the same moment as the end, and after it: neither is done.
    let (current, new) = (String::new(), "another one".to_owned());
    server.start::<rpc::SetPassword>(alice, &SetPasswordRequest { current, password: new });
    let request = EndLoginsRequest { subject: "alice".into(), password: true };
    server.call::<rpc::EndLogins>(admin, &request).unwrap();
    let error = password(&mut server, alice, "", "yet another one").unwrap_err();
    assert_eq!(reason(&error), ErrorReason::TokenRevoked);
    let by = |password| sign_in(by_password("alice", password), &[9; 32]);
    for password in ["the first one", "another one", "yet another one"] {
        let error = server.sign_in(&by(password)).unwrap_err();
        assert_eq!(reason(&error), ErrorReason::SignInRefused, "{password}");
    }
}

#[test]
fn a_new_login_and_a_new_password_dont_miss_each_other() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "", "the old one").unwrap();
    let old = sign_in(by_password("alice", "the old one"), &[5; 32]);
    let (signed_in, draft) = server.decide(&old).unwrap();
    // Decided with the old password, committed after the new one: decided again, and refused.
    password(&mut server, alice, "", "the new one").unwrap();
    assert_eq!(server.try_commit(draft.unwrap()), Err(Refused::Exists));
    assert_eq!(reason(&server.sign_in(&old).unwrap_err()), ErrorReason::SignInRefused);
    let login = sign_in(kept(&signed_in.login, &[5; 32]), &[6; 32]);
    assert_eq!(reason(&server.sign_in(&login).unwrap_err()), ErrorReason::LoginEnded);
    // The other way round: the change is decided again, and ends the login that came between.
    let (signed_in, draft) =
        server.decide(&sign_in(by_password("alice", "the new one"), &[7; 32])).unwrap();
    let (current, new) = (String::new(), "the third one".to_owned());
    let there = draft.unwrap();
    server.try_commit(there).unwrap();
    let other = server.connect(&signed_in.token);
    server.call::<rpc::SetPassword>(alice, &SetPasswordRequest { current, password: new }).unwrap();
    assert!(server.closed.contains(&(server.clients[other].id, CloseCode::Revoked)));
    assert!(server.try_admit(&signed_in.token).is_err());
}

#[test]
fn of_two_who_show_one_secret_at_once_both_are_out() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let shown = [2, 3].map(|next| sign_in(kept(&first.login, &[1; 32]), &[next; 32]));
    let drafts = shown.clone().map(|request| server.decide(&request).unwrap().1.unwrap());
    let results = drafts.map(|draft| server.try_commit(draft));
    assert_eq!(results, [Ok(()), Err(Refused::Exists)]);
    // The second asks again, as the driver does for it: it is found out.
    assert_eq!(reason(&server.sign_in(&shown[1]).unwrap_err()), ErrorReason::LoginEnded);
    let next = sign_in(kept(&first.login, &[2; 32]), &[4; 32]);
    assert_eq!(reason(&server.sign_in(&next).unwrap_err()), ErrorReason::LoginEnded);
}

#[test]
fn a_subject_that_is_revoked_has_no_login_to_come_back_with() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    server.connect(&first.token);
    let what = Some(revoke_request::What::Subject("alice".into()));
    let answer = server.call::<rpc::Revoke>(admin, &RevokeRequest { what }).unwrap();
    assert_eq!(answer.closed, 1);
    let error = server.sign_in(&renewal_of(&first)).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::LoginEnded);
}

#[test]
fn a_token_that_was_dated_ahead_is_ended_as_well() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let scopes = |server: &mut Server, scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let request = SetAccountScopesRequest { subject: "alice".into(), scopes };
        server.call::<rpc::SetAccountScopes>(admin, &request).unwrap();
    };
    // All within one second.
    scopes(&mut server, &["admin:audit"]);
    let second = server.sign_in(&renewal_of(&first)).unwrap();
    server.try_admit(&second.token).unwrap();
    scopes(&mut server, &[]);
    assert!(server.try_admit(&second.token).is_err());
    let third = sign_in(kept(&first.login, &[2; 32]), &[3; 32]);
    let third = server.sign_in(&third).unwrap();
    server.try_admit(&third.token).unwrap();
}

#[test]
fn guesses_dont_tell_which_names_are_one_account() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "", "a good password").unwrap();
    let guess = |user| sign_in(by_password(user, "a bad password"), &[5; 32]);
    for _ in 0..6 {
        server.sign_in(&guess("alice.handle")).unwrap_err();
    }
    let by_handle = server.sign_in(&guess("alice.handle")).unwrap_err();
    assert_eq!(reason(&by_handle), ErrorReason::RateLimited);
    let by_name = server.sign_in(&guess("alice")).unwrap_err();
    assert_eq!(reason(&by_name), ErrorReason::SignInRefused);
}

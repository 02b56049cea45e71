//! Rows of accounts that have no effect any more go, all others stay, and nobody can tell by what is refused.

use std::time::Duration;

use parlour_core::{
    accounts::sweep::SweptRows,
    limits::{ENDS_KEPT_FOR, INVITES_LISTED_FOR, SWEPT_AFTER},
    ports::store::Scan,
    tables::Table,
};
use parlour_inproc::{
    Server,
    accounts::{acme, by_code, by_invite, by_link, by_password, kept, link, reason, sign_in},
};
use parlour_protocol::{
    account::*,
    generated::rpc,
    limits::{INVITE_VALID_S, LINK_VALID_S, LOGIN_UNUSED_MAX},
    session::{RevokeRequest, revoke_request::What},
    wire::{Error, ErrorReason, SignedIn},
};

const SECOND: Duration = Duration::from_secs(1);

fn rows(server: &Server, table: Table) -> usize {
    let scan = Scan::prefix(table, bytes::Bytes::new(), 10_000);
    server.runtime.block_on(server.node.store.scan(scan)).unwrap().len()
}

fn seconds(s: u32) -> Duration {
    Duration::from_secs(s.into())
}

fn ended(server: &mut Server, signed_in: &SignedIn, secret: u8) {
    let error = server.sign_in(&sign_in(kept(&signed_in.login, &[secret; 32]), &[99; 32]));
    assert_eq!(reason(&error.unwrap_err()), ErrorReason::LoginEnded);
}

fn password(server: &mut Server, client: usize, new: &str) {
    let request = SetPasswordRequest { current: String::new(), password: new.into() };
    server.call::<rpc::SetPassword>(client, &request).unwrap();
}

#[test]
fn codes_of_links_go_when_their_time_is_long_over() {
    let (mut server, admin) = acme();
    let unused = link(&mut server, admin, "bob");
    let used = sign_in(by_code(&link(&mut server, admin, "alice")), &[1; 32]);
    let first = server.sign_in(&used).unwrap();
    server.advance(seconds(LINK_VALID_S) - SECOND);
    assert_eq!(server.sweep_accounts(), SweptRows::default());
    // Its answer is still given again.
    assert_eq!(server.sign_in(&used).unwrap().login, first.login);
    server.advance(SWEPT_AFTER);
    let refused = |server: &mut Server| {
        for request in [&used, &sign_in(by_code(&unused), &[2; 32])] {
            let error = server.sign_in(request).unwrap_err();
            assert_eq!(reason(&error), ErrorReason::SignInRefused);
        }
    };
    refused(&mut server);
    assert_eq!(server.sweep_accounts(), SweptRows::default());
    server.advance(2 * SECOND);
    assert_eq!(server.sweep_accounts(), SweptRows { codes: 2, ..SweptRows::default() });
    assert_eq!((rows(&server, Table::CODES), rows(&server, Table::CODES_SPENT)), (0, 0));
    refused(&mut server);
    // The login goes on, and another link makes another one.
    server.sign_in(&sign_in(kept(&first.login, &[1; 32]), &[2; 32])).unwrap();
    let admin = server.connect("admin");
    by_link(&mut server, admin, "alice", 5);
}

#[test]
fn logins_go_that_nobody_can_go_on_with() {
    let (mut server, admin) = acme();
    let unused = by_link(&mut server, admin, "bob", 1);
    let first = by_link(&mut server, admin, "alice", 1);
    server.sign_in(&sign_in(kept(&first.login, &[1; 32]), &[2; 32])).unwrap();
    server.advance(LOGIN_UNUSED_MAX);
    let kept_on = server.sign_in(&sign_in(kept(&first.login, &[2; 32]), &[3; 32])).unwrap();
    server.advance(SWEPT_AFTER);
    ended(&mut server, &unused, 1);
    assert_eq!(server.sweep_accounts().logins, 0, "what is under way may still be told");
    server.advance(SECOND);
    let swept = server.sweep_accounts();
    assert_eq!((swept.logins, rows(&server, Table::LOGINS)), (1, 1));
    ended(&mut server, &unused, 1);
    // The other one has all that it had: it goes on, and a copied secret still shows.
    server.sign_in(&sign_in(kept(&first.login, &[3; 32]), &[4; 32])).unwrap();
    assert_eq!(server.sweep_accounts(), SweptRows::default());
    let alice = server.connect(&kept_on.token.replace(&ends_of(&kept_on), &ends_at(&server)));
    ended(&mut server, &kept_on, 3);
    assert!(server.closed.iter().any(|(id, _)| *id == server.clients[alice].id));
    // Ended for being copied, it has left what was shown of it.
    assert_eq!(rows(&server, Table::CODES_SPENT), 1);
    assert_eq!(server.sweep_accounts().secrets, 1);
    assert_eq!(rows(&server, Table::CODES_SPENT), 0);
    ended(&mut server, &kept_on, 4);
}

/// The part of a token that says when it ends.
fn ends_of(signed_in: &SignedIn) -> String {
    signed_in.token.split('/').nth(3).unwrap().to_owned()
}

fn ends_at(server: &Server) -> String {
    use parlour_core::ports::clock::Clock;
    (server.hand.now().unix_ms + 3_600_000).to_string()
}

#[test]
fn of_those_that_a_change_has_ended_the_one_that_it_spared_stays() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    password(&mut server, alice, "a good password");
    // Spared, and not of the present generation until it comes again.
    assert_eq!(server.sweep_accounts().logins, 0);
    let second = sign_in(by_password("alice", "a good password"), &[3; 32]);
    let second = server.sign_in(&second).unwrap();
    let (_, under_way) = server.decide(&sign_in(kept(&first.login, &[1; 32]), &[2; 32])).unwrap();
    assert_eq!(server.sweep_accounts().logins, 0);
    server.try_commit(under_way.unwrap()).unwrap();

    let request = RevokeRequest { what: Some(What::Subject("alice".into())) };
    server.call::<rpc::Revoke>(admin, &request).unwrap();
    assert_eq!(rows(&server, Table::LOGINS), 2);
    assert_eq!(server.sweep_accounts().logins, 2);
    assert_eq!(rows(&server, Table::LOGINS), 0);
    for (login, secret) in [(&first, 2), (&second, 3)] {
        ended(&mut server, login, secret);
        assert!(server.try_admit(&login.token).is_err(), "its tokens are refused as before");
    }
}

#[test]
fn ends_go_with_the_last_token_and_those_of_other_tokens_stay() {
    let (mut server, admin) = acme();
    let first = by_link(&mut server, admin, "alice", 1);
    let alice = server.connect(&first.token);
    let which = Some(end_login_request::Which::Login(
        server.call::<rpc::ListLogins>(alice, &ListLoginsRequest {}).unwrap().logins[0].id.clone(),
    ));
    server.call::<rpc::EndLogin>(alice, &EndLoginRequest { which }).unwrap();
    let session = server.connect("carol");
    let session = bytes::Bytes::copy_from_slice(server.clients[session].caller.session.as_bytes());
    for what in [
        What::Subject("bob".into()),
        What::TokenId("of-somebody-else".into()),
        What::Session(session),
    ] {
        server.call::<rpc::Revoke>(admin, &RevokeRequest { what: Some(what) }).unwrap();
    }
    assert_eq!(rows(&server, Table::REVOKED), 4);
    assert!(server.try_admit(&first.token).is_err());
    server.advance(ENDS_KEPT_FOR);
    assert_eq!(server.sweep_accounts().ends, 0);
    server.advance(SECOND);
    assert_eq!(server.sweep_accounts().ends, 1);
    assert_eq!(rows(&server, Table::REVOKED), 3);
    assert!(server.try_admit(&first.token).is_err(), "its time is over");
    ended(&mut server, &first, 1);
    // Nobody knows how long such tokens are good.
    server.advance(Duration::from_secs(10 * 365 * 24 * 3600));
    assert_eq!(server.sweep_accounts().ends, 0);
    assert!(server.try_admit("carol/of-somebody-else").is_err());
    assert!(server.try_admit("bob/x/1").is_err());
}

fn invite(server: &mut Server, admin: usize, uses_max: u32, knock: bool) -> CreateInviteResponse {
    let request = CreateInviteRequest { uses_max, knock, ..CreateInviteRequest::default() };
    server.call::<rpc::CreateInvite>(admin, &request).unwrap()
}

fn knocked(server: &mut Server, code: &str, who: &str) -> Result<SignedIn, Error> {
    server.sign_in(&sign_in(by_invite(code, who), &[1; 32]))
}

#[test]
fn invites_go_when_nobody_can_come_in_by_them() {
    let (mut server, admin) = acme();
    let (plain, knocking) =
        (invite(&mut server, admin, 2, false), invite(&mut server, admin, 2, true));
    let carol = knocked(&mut server, &plain.code, "carol").unwrap();
    server.sign_in(&sign_in(kept(&carol.login, &[1; 32]), &[2; 32])).unwrap();
    for who in ["dave", "erin"] {
        let waits = knocked(&mut server, &knocking.code, who).unwrap_err();
        assert_eq!(reason(&waits), ErrorReason::KnockWaiting);
    }
    let whole = seconds(INVITE_VALID_S) + INVITES_LISTED_FOR;
    server.advance(whole);
    assert_eq!(server.sweep_accounts(), SweptRows::default());
    server.advance(SECOND);
    // Both places of one were not taken, and its code is no use; who waits for the other still does.
    let swept = server.sweep_accounts();
    assert_eq!(swept, SweptRows { invites: 2, codes: 1, ..SweptRows::default() });
    for who in ["carol", "frank"] {
        let refused = knocked(&mut server, &plain.code, who).unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::SignInRefused);
    }
    let waits = knocked(&mut server, &knocking.code, "dave").unwrap_err();
    assert_eq!(reason(&waits), ErrorReason::KnockWaiting);

    let admin = server.connect("admin");
    for (who, approve) in [("dave", true), ("erin", false)] {
        let (id, subject) = (knocking.id.clone(), who.to_owned());
        let request = DecideKnockRequest { id, subject, approve };
        server.call::<rpc::DecideKnock>(admin, &request).unwrap();
    }
    // Who was let in asks again until they go on.
    assert_eq!(server.sweep_accounts(), SweptRows::default());
    let dave = knocked(&mut server, &knocking.code, "dave").unwrap();
    server.sign_in(&sign_in(kept(&dave.login, &[1; 32]), &[2; 32])).unwrap();
    let swept = server.sweep_accounts();
    assert_eq!(swept, SweptRows { invites: 3, codes: 1, ..SweptRows::default() });
    for table in [Table::INVITES, Table::INVITE_USES, Table::CODES] {
        assert_eq!(rows(&server, table), 0, "{}", table.name());
    }
    for who in ["dave", "erin"] {
        let refused = knocked(&mut server, &knocking.code, who).unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::SignInRefused);
    }
    server.sign_in(&sign_in(kept(&dave.login, &[2; 32]), &[3; 32])).unwrap();
}

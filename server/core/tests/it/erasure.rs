//! Erasure without a network: what somebody wrote and what says who they were is nowhere any more.

use crate::erased::*;
use std::time::Duration;

use parlour_core::{admission::Refusal, identity};
use parlour_inproc::{Server, carrying, group, message};
use parlour_protocol::{
    account::CreateServiceAccountRequest,
    compliance::*,
    directory::*,
    generated::{EventMessage, rpc},
    ids::OrgId,
    interaction::*,
    message::*,
    room::ListMembersRequest,
    user::{User, UserKind},
    wire::{ErrorReason, Event},
};
use prost::Message;

#[test]
fn whoever_is_erased_is_nowhere_in_the_store_any_more() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    let users = [told.id, server.clients[ben].user, server.clients[root].user];
    let rooms = rooms_of(&told);
    assert!(holding(&server, &rooms, &users, "secret").len() > 15, "the search finds things");
    assert_eq!(reason(ask(&mut server, root, "nobody")), ErrorReason::UserNotFound);
    assert_eq!(reason(ask(&mut server, root, "zoe-secret")), ErrorReason::NotDeactivated);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    server.deliver();
    let id = ask(&mut server, root, "zoe-secret").unwrap();
    let now_shown = shown(&mut server, ben, &id);
    let erased = User { id: id.clone(), deactivated: true, ..User::default() };
    let erased = User { kind: UserKind::Erased as i32, mark: now_shown.mark, ..erased };
    assert_eq!(now_shown, erased, "with the answer");
    let request = ListMembersRequest { room: told.group.clone(), ..Default::default() };
    assert_eq!(erasures(&mut server, root)[0].done_ms, 0);
    assert_eq!(ask(&mut server, root, "zoe-secret").unwrap(), id, "a retry does nothing");
    server.clients[ben].frames.clear();
    assert_eq!(server.erase(ALL), [Some(3)]);
    assert_eq!(holding(&server, &rooms, &users, "secret"), Vec::<String>::new());
    assert_eq!(texts(&mut server, ben, &told.group), ["of ben, too"]);
    assert_eq!(texts(&mut server, ben, &told.direct), ["of ben"]);
    let heard: Vec<Event> = server.clients[ben].heard();
    let kinds: Vec<u32> = heard.iter().map(|event| event.header.as_ref().unwrap().kind).collect();
    assert!(kinds.contains(&MessagesDeleted::RULE.kind), "{kinds:?}");
    let members = server.call::<rpc::ListMembers>(ben, &request).unwrap().members;
    assert_eq!(members.len(), 1, "in no group any more");
    let done = erasures(&mut server, root).remove(0);
    assert!(done.done_ms > 0 && (done.deleted, done.held, done.damaged) == (3, 0, 0), "{done:?}");
    let audit = server.call::<rpc::ReadAudit>(root, &ReadAuditRequest::default()).unwrap();
    assert_eq!(audit.entries.last().unwrap().kind, UserErased::RULE.kind);
    assert_eq!(server.erase(ALL), [], "there is nobody left");
    assert_eq!(server.try_admit("zoe-secret"), Err(Refusal::Revoked));
}

#[test]
fn files_of_messages_that_were_never_sent_go_too() {
    let (mut server, root, ben) = acme();
    let (zoe, _) = tell(&mut server, root, ben);
    let blob = server.upload(zoe, 9, b"a secret file for later").unwrap();
    let org = identity::org_id("acme");
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    server.sweep();
    server.advance(Duration::from_secs(600));
    server.sweep();
    assert!(!is_stored(&server, org, &blob.hash));
    server.advance(Duration::from_secs(3600));
    server.carry_out_timers();
    let users = [server.clients[zoe].user];
    assert_eq!(holding(&server, &[], &users, "secret"), Vec::<String>::new(), "nothing comes back");
}

#[test]
fn what_was_asked_of_programs_goes_from_their_logs() {
    let (mut server, root, ben) = acme();
    let request = CreateServiceAccountRequest { subject: "bot".into(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(root, &request).unwrap();
    let bot = server.connect("bot");
    let (zoe, _) = tell(&mut server, root, ben);
    let room = group(&mut server, ben, &[zoe, bot]);
    let command =
        Command { name: "deploy".into(), description: "Does it.".into(), ..Command::default() };
    let set = SetCommandsRequest { commands: vec![command] };
    server.call::<rpc::SetCommands>(bot, &set).unwrap();
    let invoke = InvokeCommandRequest {
        room: room.clone(),
        program: server.clients[bot].user.to_field(),
        command: "deploy".into(),
        text: "the secret branch".into(),
        client_ref: server.client_ref().to_field(),
        ..InvokeCommandRequest::default()
    };
    server.call::<rpc::InvokeCommand>(zoe, &invoke).unwrap();
    // Anybody may send a message with components, and hears who uses them.
    let option = SelectOption { value: "a secret choice".into(), label: "This".into() };
    let select = Select { options: vec![option], ..Select::default() };
    let kind = Some(component::Kind::Select(select));
    let choice = Component { id: "choice".into(), kind, disabled: false };
    let rows = vec![ComponentRow { components: vec![choice] }];
    let posted = MessagePosted {
        text: "Choose".into(),
        components: Some(Components { rows }),
        ..MessagePosted::default()
    };
    let base = message(&mut server, &room, "");
    let sent = SendRequest { body: posted.encode_to_vec().into(), ..base };
    let target_seq = server.call::<rpc::Send>(ben, &sent).unwrap().seq;
    let used = UseComponentRequest {
        room,
        target_seq,
        component: "choice".into(),
        values: vec!["a secret choice".into()],
        client_ref: server.client_ref().to_field(),
    };
    server.call::<rpc::UseComponent>(zoe, &used).unwrap();
    let logs = [server.clients[bot].user, server.clients[ben].user];
    assert_eq!(holding(&server, &[], &logs, "secret branch").len(), 1);
    assert_eq!(holding(&server, &[], &logs, "secret choice").len(), 1);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    assert_eq!(holding(&server, &[], &logs, "secret"), Vec::<String>::new());
}

#[test]
fn an_attachment_goes_unless_somebody_else_sent_it_too() {
    let (mut server, root, ben) = acme();
    let zoe = server.connect("zoe");
    let room = group(&mut server, ben, &[zoe]);
    let alone = server.upload(zoe, 1, b"of zoe alone").unwrap();
    let shared = server.upload(zoe, 2, b"of both").unwrap();
    let request = carrying(&mut server, &room, "two", &[alone.clone(), shared.clone()]);
    server.call::<rpc::Send>(zoe, &request).unwrap();
    server.upload(ben, 3, b"of both").unwrap();
    let request = carrying(&mut server, &room, "one", std::slice::from_ref(&shared));
    server.call::<rpc::Send>(ben, &request).unwrap();
    change(&mut server, root, put("zoe", Some(true))).unwrap();
    ask(&mut server, root, "zoe").unwrap();
    server.erase(ALL);
    server.sweep();
    server.advance(Duration::from_secs(600));
    server.sweep();
    let org = identity::org_id("acme");
    assert!(is_stored(&server, org, &shared.hash) && !is_stored(&server, org, &alone.hash));
}

fn is_stored(server: &Server, org: OrgId, hash: &[u8]) -> bool {
    let hash = parlour_protocol::ids::BlobHash::parse(hash).unwrap();
    let key = parlour_core::ports::blobs::BlobKey { org, hash };
    server.runtime.block_on(server.node.open_file(key)).unwrap().is_some()
}

#[test]
fn what_is_held_for_all_stops_an_erasure_and_a_held_room_keeps_its_copies() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    let hold = |server: &mut Server, of: hold_target::Of, state: HoldState| {
        let target = Some(HoldTarget { of: Some(of) });
        let request = SetLegalHoldRequest { target, state: state as i32, reason: "case 7".into() };
        server.call::<rpc::SetLegalHold>(root, &request).unwrap();
    };
    let user = || hold_target::Of::User(named("zoe-secret").unwrap());
    for of in [user(), hold_target::Of::Organization(true)] {
        hold(&mut server, of.clone(), HoldState::Held);
        assert_eq!(reason(ask(&mut server, root, "zoe-secret")), ErrorReason::UserHeld);
        hold(&mut server, of, HoldState::Ended);
        assert_eq!(
            reason(ask(&mut server, root, "zoe-secret")),
            ErrorReason::UserHeld,
            "for a day"
        );
        server.advance(Duration::from_secs(24 * 3600));
        server.forget_unheld();
    }
    hold(&mut server, hold_target::Of::Room(told.group.clone()), HoldState::Held);
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    assert_eq!(texts(&mut server, ben, &told.group), ["of ben, too"]);
    let done = erasures(&mut server, root).remove(0);
    assert_eq!((done.deleted, done.held), (3, 2), "{done:?}");
    let users = [told.id, server.clients[ben].user, server.clients[root].user];
    let left = holding(&server, &rooms_of(&told), &users, "secret");
    assert!(!left.is_empty() && left.iter().all(|place| place == "held"), "{left:?}");
    hold(&mut server, hold_target::Of::Room(told.group.clone()), HoldState::Ended);
    server.advance(Duration::from_secs(24 * 3600));
    server.forget_unheld();
    assert_eq!(holding(&server, &rooms_of(&told), &users, "secret"), Vec::<String>::new());
}

#[test]
fn programs_are_not_erased_and_only_admins_erase() {
    let (mut server, root, _) = acme();
    let guest = server.connect("guest-eve");
    assert!(ask(&mut server, guest, "ben").is_err());
    let request = CreateServiceAccountRequest { subject: "bot".into(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(root, &request).unwrap();
    assert_eq!(reason(ask(&mut server, root, "bot")), ErrorReason::ServiceAccount);
}

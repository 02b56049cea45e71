//! Interactions without a network: what programs are told, once, and what only one user sees.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_inproc::{Server, group, message};
use parlour_protocol::{
    account::CreateServiceAccountRequest,
    generated::{EventBody, rpc},
    interaction::{component::Kind, *},
    limits::INTERACTION_FOR,
    message::{EditRequest, MessageEdited, MessagePosted, SendRequest},
    prost::Message,
    room::RemoveMemberRequest,
    wire::{Error, ErrorReason, event_frame::Frame},
};

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn command(name: &str) -> Command {
    Command { name: name.into(), description: "does it".into(), usage: String::new() }
}

fn button(id: &str) -> Component {
    let button = Button { label: "Press".into(), ..Button::default() };
    Component { id: id.into(), kind: Some(Kind::Button(button)), disabled: false }
}

fn buttons(ids: &[&str]) -> Components {
    let components = ids.iter().map(|id| button(id)).collect();
    Components { rows: vec![ComponentRow { components }] }
}

/// A program and somebody in a room.
fn world(server: &mut Server) -> (usize, usize, Bytes) {
    let ann = server.connect("ann");
    let account = CreateServiceAccountRequest { subject: "bot".into(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(ann, &account).unwrap();
    let bot = server.connect("bot");
    let room = group(server, ann, &[bot]);
    (ann, bot, room)
}

fn told(server: &mut Server, client: usize) -> Vec<EventBody> {
    server.deliver();
    let frames = server.clients[client].frames.iter();
    let events = frames.filter_map(|frame| match frame {
        Frame::UserEvents(user) => Some(user.events.clone()),
        _ => None,
    });
    let bodies = events
        .flatten()
        .map(|event| EventBody::decode(event.header.unwrap().kind, event.body).unwrap());
    let wanted = |body: &EventBody| {
        matches!(body, EventBody::CommandInvoked(_) | EventBody::ComponentUsed(_))
    };
    bodies.filter(wanted).collect()
}

fn answers(server: &mut Server, client: usize) -> Vec<String> {
    server.deliver();
    let frames = server.clients[client].frames.iter();
    let bodies = frames.filter_map(|frame| match frame {
        Frame::Ephemeral(notice) => InteractionAnswered::decode(notice.body.clone()).ok(),
        _ => None,
    });
    bodies.map(|answered| MessagePosted::decode(answered.body).unwrap().text).collect()
}

fn invoke(server: &mut Server, room: &Bytes, program: usize, name: &str) -> InvokeCommandRequest {
    InvokeCommandRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        program: server.clients[program].user.to_field(),
        command: name.into(),
        text: "now".into(),
        thread_root_seq: 0,
    }
}

fn respond(token: &Bytes, text: &str) -> RespondToRequest {
    let posted = MessagePosted { text: text.into(), ..MessagePosted::default() };
    RespondToRequest { token: token.clone(), body: posted.encode_to_vec().into() }
}

#[test]
fn a_command_is_told_to_its_program_once_and_stands_nowhere_else() {
    let mut server = Server::new();
    let (ann, bot, room) = world(&mut server);
    let set = SetCommandsRequest { commands: vec![command("deploy"), command("status")] };
    assert_eq!(reason(server.call::<rpc::SetCommands>(ann, &set)), ErrorReason::NotAllowed);
    server.call::<rpc::SetCommands>(bot, &set).unwrap();
    let list = ListCommandsRequest { room: room.clone(), page: Bytes::new() };
    let listed = server.call::<rpc::ListCommands>(ann, &list).unwrap();
    assert_eq!((listed.programs.len(), listed.programs[0].commands.len()), (1, 2));
    let request = invoke(&mut server, &room, bot, "deploy");
    assert!(!server.call::<rpc::InvokeCommand>(ann, &request).unwrap().deduplicated);
    assert!(server.call::<rpc::InvokeCommand>(ann, &request).unwrap().deduplicated);
    let other = InvokeCommandRequest { text: "later".into(), ..request.clone() };
    assert_eq!(reason(server.call::<rpc::InvokeCommand>(ann, &other)), ErrorReason::RefConflict);
    let heard = told(&mut server, bot);
    let [EventBody::CommandInvoked(invoked)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((&*invoked.command, &*invoked.text), ("deploy", "now"));
    assert_eq!(invoked.user, server.clients[ann].user.to_field());
    assert!(told(&mut server, ann).is_empty());
    // Only who was asked answers, and only who has asked sees it.
    let ben = server.connect("ben");
    let add = parlour_protocol::room::AddMembersRequest {
        room: room.clone(),
        members: vec![parlour_inproc::user(server.clients[ben].user)],
    };
    server.call::<rpc::AddMembers>(ann, &add).unwrap();
    let answer = respond(&invoked.token, "only for you");
    assert_eq!(reason(server.call::<rpc::RespondTo>(ben, &answer)), ErrorReason::InteractionOver);
    server.call::<rpc::RespondTo>(bot, &answer).unwrap();
    assert_eq!(answers(&mut server, ann), ["only for you"]);
    assert!(answers(&mut server, ben).is_empty() && answers(&mut server, bot).is_empty());
    let forged = respond(&Bytes::from_static(&[7; 90]), "x");
    assert_eq!(reason(server.call::<rpc::RespondTo>(bot, &forged)), ErrorReason::InteractionOver);
    server.advance(INTERACTION_FOR + Duration::from_secs(1));
    assert_eq!(reason(server.call::<rpc::RespondTo>(bot, &answer)), ErrorReason::InteractionOver);
    let unknown = invoke(&mut server, &room, bot, "nothing");
    let refused = server.call::<rpc::InvokeCommand>(ann, &unknown);
    assert_eq!(reason(refused), ErrorReason::CommandNotFound);
    let user = server.clients[bot].user.to_field();
    let remove = RemoveMemberRequest { room: room.clone(), user };
    server.call::<rpc::RemoveMember>(ann, &remove).unwrap();
    let gone = invoke(&mut server, &room, bot, "deploy");
    assert_eq!(reason(server.call::<rpc::InvokeCommand>(ann, &gone)), ErrorReason::CommandNotFound);
}

#[test]
fn what_a_message_offers_now_is_used_and_its_sender_is_told_also_after_a_restart() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, bot, room) = world(&mut server);
    let posted = MessagePosted {
        text: "Deploy?".into(),
        components: Some(buttons(&["yes", "no"])),
        ..MessagePosted::default()
    };
    let base = message(&mut server, &room, "");
    let request = SendRequest { body: posted.encode_to_vec().into(), ..base };
    let seq = server.call::<rpc::Send>(bot, &request).unwrap().seq;
    let used = |server: &mut Server, id: &str| {
        let request = UseComponentRequest {
            room: room.clone(),
            client_ref: server.client_ref().to_field(),
            target_seq: seq,
            component: id.into(),
            values: vec![],
        };
        server.call::<rpc::UseComponent>(ann, &request)
    };
    used(&mut server, "yes").unwrap();
    assert_eq!(reason(used(&mut server, "maybe")), ErrorReason::ComponentNotFound);
    let edit = |components: Option<Components>| MessageEdited { text: "Done".into(), components };
    let body = edit(Some(buttons(&["undo"]))).encode_to_vec().into();
    let client_ref = server.client_ref().to_field();
    let request = EditRequest { room: room.clone(), client_ref, target_seq: seq, body };
    server.call::<rpc::Edit>(bot, &request).unwrap();
    server.run();
    assert_eq!(reason(used(&mut server, "yes")), ErrorReason::ComponentNotFound);
    used(&mut server, "undo").unwrap();
    let heard = told(&mut server, bot);
    let ids = |heard: &[EventBody]| -> Vec<String> {
        let of = |body: &EventBody| match body {
            EventBody::ComponentUsed(used) => used.component.clone(),
            other => panic!("{other:?}"),
        };
        heard.iter().map(of).collect()
    };
    assert_eq!(ids(&heard), ["yes", "undo"]);
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    let bot = server.connect("bot");
    let request = UseComponentRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq: seq,
        component: "undo".into(),
        values: vec![],
    };
    server.call::<rpc::UseComponent>(ann, &request).unwrap();
    assert_eq!(ids(&told(&mut server, bot)), ["undo"]);
    let broken = MessagePosted {
        text: "x".into(),
        components: Some(buttons(&["a", "a"])),
        ..MessagePosted::default()
    };
    let base = message(&mut server, &room, "");
    let request = SendRequest { body: broken.encode_to_vec().into(), ..base };
    assert_eq!(reason(server.call::<rpc::Send>(bot, &request)), ErrorReason::InvalidField);
}

#[test]
fn a_block_ends_it_in_a_direct_room() {
    let mut server = Server::new();
    let (ann, bot, _) = world(&mut server);
    let with = Some(parlour_inproc::user(server.clients[bot].user));
    let open = parlour_protocol::room::OpenDirectRequest { with };
    let room = server.call::<rpc::OpenDirect>(ann, &open).unwrap().room.unwrap().id;
    let posted = MessagePosted {
        text: "Press".into(),
        components: Some(buttons(&["yes"])),
        ..MessagePosted::default()
    };
    let base = message(&mut server, &room, "");
    let request = SendRequest { body: posted.encode_to_vec().into(), ..base };
    let target_seq = server.call::<rpc::Send>(bot, &request).unwrap().seq;
    let press = |server: &mut Server| UseComponentRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq,
        component: "yes".into(),
        values: vec![],
    };
    let request = press(&mut server);
    server.call::<rpc::UseComponent>(ann, &request).unwrap();
    let heard = told(&mut server, bot);
    let [EventBody::ComponentUsed(used)] = &heard[..] else { panic!("{heard:?}") };
    let user = Some(parlour_inproc::user(server.clients[bot].user));
    let block = parlour_protocol::people::BlockUserRequest { user };
    server.call::<rpc::BlockUser>(ann, &block).unwrap();
    let request = press(&mut server);
    assert_eq!(reason(server.call::<rpc::UseComponent>(ann, &request)), ErrorReason::NotAllowed);
    let answer = respond(&used.token, "psst");
    assert_eq!(reason(server.call::<rpc::RespondTo>(bot, &answer)), ErrorReason::NotAllowed);
    assert!(answers(&mut server, ann).is_empty());
}

#[test]
fn nobody_fills_the_log_of_a_program() {
    let mut server = Server::new();
    let (ann, bot, room) = world(&mut server);
    let set = SetCommandsRequest { commands: vec![command("deploy")] };
    server.call::<rpc::SetCommands>(bot, &set).unwrap();
    let mut given = 0;
    let refused = loop {
        let request = invoke(&mut server, &room, bot, "deploy");
        match server.call::<rpc::InvokeCommand>(ann, &request) {
            Ok(_) => given += 1,
            refused => break refused,
        }
        assert!(given < 1000, "there is no end");
    };
    assert_eq!(reason(refused), ErrorReason::RateLimited);
    assert!(given >= 100);
}

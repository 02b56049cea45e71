//! People without a network: who is found, what a block keeps apart, and what is handed over.

use std::sync::Arc;

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_inproc::{Server, group, message, send, user};
use parlour_protocol::{
    access::GetAccessRequest,
    directory::{change::Change as What, *},
    generated::{EventBody, rpc},
    inbox::ReadMentionsRequest,
    limits::PRESENCE_TOLD_EVERY,
    message::{DeleteRequest, MessagePosted, SendRequest},
    people::*,
    poll::{ClosePollRequest, Poll, PollOption},
    presence::{Activity, PresenceState, SetPresenceRequest, WatchPresenceRequest},
    room::*,
    wire::{Error, ErrorReason, event_frame::Frame},
};
use prost::Message;

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn found(server: &mut Server, by: usize, query: &str) -> Vec<String> {
    let (mut names, mut page) = (vec![], Bytes::new());
    loop {
        let request = ListPeopleRequest { query: query.into(), page, page_size: 2 };
        let answer = server.call::<rpc::ListPeople>(by, &request).unwrap();
        names.extend(answer.users.into_iter().map(|user| user.name));
        page = answer.next_page;
        if page.is_empty() {
            return names;
        }
    }
}

fn block(server: &mut Server, by: usize, whom: usize) {
    let request = BlockUserRequest { user: Some(user(server.clients[whom].user)) };
    server.call::<rpc::BlockUser>(by, &request).unwrap();
    server.deliver();
}

fn unblock(server: &mut Server, by: usize, whom: usize) {
    let request = UnblockUserRequest { user: server.clients[whom].user.to_field() };
    server.call::<rpc::UnblockUser>(by, &request).unwrap();
}

fn direct(server: &mut Server, by: usize, with: usize) -> Result<Bytes, Error> {
    let request = OpenDirectRequest { with: Some(user(server.clients[with].user)) };
    Ok(server.call::<rpc::OpenDirect>(by, &request)?.room.unwrap().id)
}

fn change(server: &mut Server, by: usize, changes: Vec<What>) -> Result<Vec<i32>, Error> {
    let changes = changes.into_iter().map(|what| Change { change: Some(what) }).collect();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    let outcomes = server.call::<rpc::ChangeDirectory>(by, &request)?.outcomes;
    server.run();
    Ok(outcomes)
}

fn root() -> What {
    let name = Some("Acme".to_owned());
    What::PutNode(PutNode { kind: NodeKind::Organization as i32, name, ..PutNode::default() })
}

fn put_user(subject: &str, name: Option<&str>, deactivated: Option<bool>) -> What {
    let named = |name: &str| parlour_protocol::user::Profile {
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let (subject, profile) = (subject.to_owned(), name.map(named));
    What::PutUser(PutUser { subject, profile, deactivated, role: None })
}

fn mentioning(server: &mut Server, room: &Bytes, whom: usize) -> SendRequest {
    let mentions = vec![server.clients[whom].user.to_field()];
    SendRequest { mentions, ..message(server, room, "you") }
}

fn mentions(server: &mut Server, by: usize) -> usize {
    let items = server.bulk::<rpc::ReadMentions>(by, &ReadMentionsRequest::default()).unwrap();
    items.iter().map(|item| item.mentions.len()).sum()
}

#[test]
fn people_are_found_as_they_are_called_now_also_after_a_restart() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, _) = (server.connect("ann"), server.connect("ben"));
    assert_eq!(found(&mut server, ann, "be"), ["ben"]);
    server.connect("bea");
    assert_eq!(found(&mut server, ann, "be"), ["bea", "ben"], "who comes is found at once");
    change(&mut server, ann, vec![root(), put_user("ben", Some("Zora Quist"), None)]).unwrap();
    assert_eq!(found(&mut server, ann, "qui"), ["Zora Quist"]);
    assert_eq!(found(&mut server, ann, "be"), ["bea", "Zora Quist"], "ben is still the subject");
    change(&mut server, ann, vec![put_user("bea", None, Some(true))]).unwrap();
    assert_eq!(found(&mut server, ann, ""), ["ann", "Zora Quist"]);
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    assert_eq!(found(&mut server, ann, ""), ["ann", "Zora Quist"]);
    let guest = server.connect("guest");
    let list = |query: String, page: Bytes| ListPeopleRequest { query, page, page_size: 0 };
    let refused = server.call::<rpc::ListPeople>(guest, &list(String::new(), Bytes::new()));
    assert_eq!(reason(refused), ErrorReason::NotAllowed);
    for (query, page) in [("x".repeat(201), Bytes::new()), (String::new(), Bytes::from("x"))] {
        let refused = server.call::<rpc::ListPeople>(ann, &list(query, page));
        assert_eq!(reason(refused), ErrorReason::InvalidField);
    }
}

#[test]
fn whoever_is_blocked_writes_nothing_to_whoever_blocks_them_and_the_other_way_round() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let room = direct(&mut server, ann, ben).unwrap();
    send(&mut server, ben, &room, "hello");
    block(&mut server, ann, ben);
    block(&mut server, ann, cyd);
    for (by, what) in [(ben, "I"), (ann, "you")] {
        let request = message(&mut server, &room, what);
        assert_eq!(reason(server.call::<rpc::Send>(by, &request)), ErrorReason::NotAllowed);
        let access = GetAccessRequest { room: room.clone() };
        let permissions = server.call::<rpc::GetAccess>(by, &access).unwrap().permissions;
        assert_eq!(permissions, 1, "only to read");
    }
    assert_eq!(reason(direct(&mut server, cyd, ann)), ErrorReason::NotAllowed);
    assert_eq!(reason(direct(&mut server, ann, cyd)), ErrorReason::NotAllowed);
    let name = "g".to_owned();
    let members = vec![user(server.clients[ann].user)];
    let request = CreateGroupRequest { client_ref: server.client_ref().to_field(), name, members };
    let refused = server.call::<rpc::CreateGroup>(ben, &request);
    assert_eq!(reason(refused), ErrorReason::NotAllowed);
    let own = group(&mut server, ben, &[cyd]);
    let members = vec![user(server.clients[ann].user)];
    let request = AddMembersRequest { room: own, members };
    assert_eq!(reason(server.call::<rpc::AddMembers>(ben, &request)), ErrorReason::NotAllowed);
    // It is kept, and ends.
    let mut server = Server::over(store);
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let request = message(&mut server, &room, "again");
    assert_eq!(reason(server.call::<rpc::Send>(ben, &request)), ErrorReason::NotAllowed);
    let listed = server.call::<rpc::ListBlocked>(ann, &ListBlockedRequest {}).unwrap();
    assert_eq!(listed.users.len(), 2);
    unblock(&mut server, ann, ben);
    unblock(&mut server, ann, cyd);
    send(&mut server, ben, &room, "again");
    direct(&mut server, cyd, ann).unwrap();
    assert_eq!(
        reason(server.call::<rpc::BlockUser>(
            ann,
            &BlockUserRequest { user: Some(user(server.clients[ann].user)) }
        )),
        ErrorReason::InvalidField
    );
}

#[test]
fn whoever_is_apart_from_somebody_closes_no_poll_between_the_two() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = direct(&mut server, ann, ben).unwrap();
    let option = |text: &str| PollOption { text: text.into(), ..PollOption::default() };
    let (question, options) = ("where?".into(), vec![option("here"), option("there")]);
    let poll = Some(Poll { question, options, max_choices: 1, ..Poll::default() });
    let body = MessagePosted { poll, ..MessagePosted::default() }.encode_to_vec().into();
    let request = SendRequest { body, ..message(&mut server, &room, "") };
    let target_seq = server.call::<rpc::Send>(ann, &request).unwrap().seq;
    let close = |server: &mut Server| {
        let client_ref = server.client_ref().to_field();
        let request = ClosePollRequest { room: room.clone(), client_ref, target_seq };
        server.call::<rpc::ClosePoll>(ann, &request)
    };
    block(&mut server, ben, ann);
    assert_eq!(reason(close(&mut server)), ErrorReason::NotAllowed);
    unblock(&mut server, ben, ann);
    assert!(close(&mut server).unwrap().seq > 0);
}

#[test]
fn a_mention_by_somebody_blocked_is_none_and_the_message_is_there() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ben, &[ann]);
    let request = mentioning(&mut server, &room, ann);
    server.call::<rpc::Send>(ben, &request).unwrap();
    server.run();
    assert_eq!(mentions(&mut server, ann), 1);
    block(&mut server, ann, ben);
    let request = mentioning(&mut server, &room, ann);
    let seq = server.call::<rpc::Send>(ben, &request).unwrap().seq;
    server.run();
    server.deliver();
    assert_eq!(mentions(&mut server, ann), 1);
    let heard = server.clients[ann].heard();
    assert!(heard.iter().any(|event| event.header.as_ref().unwrap().seq == seq));
}

#[test]
fn whoever_is_blocked_sees_somebody_leave_and_not_come_back() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let say = SetPresenceRequest { activity: Activity::Active as i32 };
    server.call::<rpc::SetPresence>(ann, &say).unwrap();
    let watch = |server: &mut Server| {
        let add = vec![server.clients[ann].user.to_field()];
        let request = WatchPresenceRequest { add, remove: vec![] };
        server.call::<rpc::WatchPresence>(ben, &request).unwrap().people
    };
    assert_eq!(watch(&mut server)[0].state(), PresenceState::Online);
    server.advance(PRESENCE_TOLD_EVERY);
    server.deliver();
    server.clients[ben].frames.clear();
    block(&mut server, ann, ben);
    server.advance(PRESENCE_TOLD_EVERY);
    server.deliver();
    let frames = std::mem::take(&mut server.clients[ben].frames);
    let told: Vec<_> = frames
        .into_iter()
        .filter_map(|frame| match frame {
            Frame::Presence(update) => Some(update.people),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].state(), PresenceState::Offline);
    assert!(watch(&mut server).is_empty(), "for him she isn't there");
    unblock(&mut server, ann, ben);
    assert_eq!(watch(&mut server)[0].state(), PresenceState::Online);
}

#[test]
fn a_block_is_told_to_the_users_devices_and_to_nobody_else() {
    let mut server = Server::new();
    let (ann, phone) = (server.connect("ann"), server.connect("ann"));
    let ben = server.connect("ben");
    block(&mut server, ann, ben);
    block(&mut server, ann, ben);
    let told = |server: &Server, client: usize| {
        let frames = server.clients[client].frames.iter();
        let events = frames.filter_map(|frame| match frame {
            Frame::UserEvents(user) => Some(user.events.clone()),
            _ => None,
        });
        let bodies =
            events.flatten().map(|event| EventBody::decode(event.header.unwrap().kind, event.body));
        bodies.filter(|body| matches!(body, Ok(EventBody::BlockChanged(_)))).count()
    };
    assert_eq!((told(&server, ann), told(&server, phone)), (1, 1), "once");
    assert_eq!(told(&server, ben), 0);
}

#[test]
fn a_group_goes_to_another_member_by_whoever_it_is() {
    let mut server = Server::new();
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let room = group(&mut server, ann, &[ben]);
    let over = |server: &mut Server, by: usize, to: usize| {
        let to = server.clients[to].user.to_field();
        let request = HandOverRoomRequest { room: room.clone(), to };
        server.call::<rpc::HandOverRoom>(by, &request)
    };
    assert_eq!(reason(over(&mut server, ben, ben)), ErrorReason::NotAllowed);
    assert_eq!(reason(over(&mut server, ann, cyd)), ErrorReason::UserNotFound);
    assert_eq!(over(&mut server, ann, ann).unwrap().seq, 0);
    assert!(over(&mut server, ann, ben).unwrap().seq > 0);
    assert_eq!(reason(over(&mut server, ann, ben)), ErrorReason::NotAllowed);
    let request = GetRoomRequest { room: room.clone() };
    let shown = server.call::<rpc::GetRoom>(ann, &request).unwrap().room.unwrap();
    assert_eq!(shown.creator, server.clients[ben].user.to_field());
}

#[test]
fn what_somebody_who_leaves_has_owned_is_handed_over_once() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let with = group(&mut server, ben, &[ann, cyd]);
    let without = group(&mut server, ben, &[ann]);
    let others = group(&mut server, ann, &[ben]);
    let put = |key: &str, kind: NodeKind, parent: Option<&str>| {
        let (key, name) = (key.to_owned(), Some(key.to_owned()));
        let parent = parent.map(str::to_owned);
        What::PutNode(PutNode { key, kind: kind as i32, name, parent, ..PutNode::default() })
    };
    change(&mut server, ann, vec![root(), put("p", NodeKind::Project, None)]).unwrap();
    change(&mut server, ben, vec![put("p/t", NodeKind::Task, Some("p"))]).unwrap();
    let over = |to: &str| What::HandOver(HandOver { from: "ben".into(), to: to.into() });
    for to in ["ben", "nobody"] {
        let refused = change(&mut server, ann, vec![over(to)]);
        assert_eq!(reason(refused), ErrorReason::InvalidField);
    }
    let gone = put_user("ben", None, Some(true));
    change(&mut server, ann, vec![over("cyd"), gone]).unwrap();
    let creators = |server: &mut Server, rooms: &[&Bytes]| -> Vec<Bytes> {
        let get = |room: &&Bytes| {
            let request = GetRoomRequest { room: (*room).clone() };
            server.call::<rpc::GetRoom>(ann, &request).unwrap().room.unwrap().creator
        };
        rooms.iter().map(get).collect()
    };
    let (a, c) = (server.clients[ann].user.to_field(), server.clients[cyd].user.to_field());
    assert_eq!(creators(&mut server, &[&with, &without, &others]), [c.clone(), c.clone(), a]);
    send(&mut server, cyd, &without, "now I am in it");
    let members = ListMembershipsRequest { node: "p/t".into(), ..Default::default() };
    let members = server.call::<rpc::ListMemberships>(ann, &members).unwrap().memberships;
    let of = |m: &Membership| (m.user.as_ref().unwrap().subject.clone(), m.role.clone());
    assert_eq!(members.iter().map(of).collect::<Vec<_>>(), [("cyd".into(), "creator".into())]);
    let head = server.call::<rpc::GetRoom>(ann, &GetRoomRequest { room: with.clone() });
    let head = head.unwrap().as_of_seq;
    change(&mut server, ann, vec![over("cyd")]).unwrap();
    let again = server.call::<rpc::GetRoom>(ann, &GetRoomRequest { room: with.clone() });
    assert_eq!(again.unwrap().as_of_seq, head, "what is handed over already isn't again");
}

#[test]
fn what_comes_after_a_block_finds_no_way_around_it() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ben, &[ann]);
    let root = send(&mut server, ann, &room, "a root");
    block(&mut server, ann, ben);
    // A mention that nobody was told of isn't withdrawn.
    let request = mentioning(&mut server, &room, ann);
    let target_seq = server.call::<rpc::Send>(ben, &request).unwrap().seq;
    server.run();
    let own_seq = |server: &mut Server| {
        let listed = server.call::<rpc::ListBlocked>(ann, &ListBlockedRequest {}).unwrap();
        listed.as_of_seq
    };
    let before = own_seq(&mut server);
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::Delete>(ben, &delete).unwrap();
    // Nor does a reply make its root's author follow the thread.
    let reply = SendRequest { thread_root_seq: root, ..message(&mut server, &room, "so?") };
    server.call::<rpc::Send>(ben, &reply).unwrap();
    server.run();
    assert_eq!(own_seq(&mut server), before, "nothing of it is in ann's log");
    let notice = PostNoticeRequest {
        to: Some(user(server.clients[ann].user)),
        client_ref: server.client_ref().to_field(),
        body: message(&mut server, &room, "psst").body,
        attachments: vec![],
    };
    assert_eq!(reason(server.call::<rpc::PostNotice>(ben, &notice)), ErrorReason::NotAllowed);
}

#[test]
fn nobody_gets_what_they_cant_run() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let guest = server.connect("guest");
    let room = group(&mut server, ann, &[ben, guest]);
    let to = server.clients[guest].user.to_field();
    let request = HandOverRoomRequest { room, to };
    assert_eq!(reason(server.call::<rpc::HandOverRoom>(ann, &request)), ErrorReason::NotAllowed);
    change(&mut server, ann, vec![root()]).unwrap();
    let over = What::HandOver(HandOver { from: "ann".into(), to: "ben".into() });
    let leaves = put_user("ben", None, Some(true));
    let refused = change(&mut server, ann, vec![over, leaves]);
    assert_eq!(reason(refused), ErrorReason::InvalidField);
}

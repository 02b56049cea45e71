//! Private rooms without a network: the user's own, and notices of programs in it.

use std::sync::Arc;

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_inproc::{Server, send, user};
use parlour_protocol::{
    generated::rpc,
    message::MessagePosted,
    poll::Poll,
    prost::Message,
    room::*,
    wire::{Error, ErrorReason},
};

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn open(server: &mut Server, by: usize) -> (Room, bool) {
    let answer = server.call::<rpc::OpenPrivateRoom>(by, &OpenPrivateRoomRequest {}).unwrap();
    (answer.room.unwrap(), answer.created)
}

fn notice(server: &mut Server, to: usize, text: &str) -> PostNoticeRequest {
    let posted = MessagePosted { text: text.into(), ..MessagePosted::default() };
    PostNoticeRequest {
        to: Some(user(server.clients[to].user)),
        client_ref: server.client_ref().to_field(),
        body: posted.encode_to_vec().into(),
        attachments: vec![],
    }
}

fn texts(server: &Server, client: usize) -> Vec<String> {
    let events = server.clients[client].heard().into_iter();
    let of = |event: parlour_protocol::wire::Event| {
        let is_message = event.header.as_ref().unwrap().kind == 10;
        is_message.then(|| MessagePosted::decode(event.body).unwrap().text)
    };
    events.filter_map(of).collect()
}

#[test]
fn a_private_room_is_on_all_devices_of_its_user_and_nobody_elses() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, phone, ben) = (server.connect("ann"), server.connect("ann"), server.connect("ben"));
    let (room, created) = open(&mut server, ann);
    assert!(created && room.kind == RoomKind::User as i32 && room.member_count == 1);
    assert_eq!(open(&mut server, phone), (room.clone(), false));
    send(&mut server, ann, &room.id, "milk");
    server.deliver();
    assert_eq!(texts(&server, phone), ["milk"]);
    assert!(texts(&server, ben).is_empty());
    let get = GetRoomRequest { room: room.id.clone() };
    assert_eq!(reason(server.call::<rpc::GetRoom>(ben, &get)), ErrorReason::RoomNotFound);
    assert_ne!(open(&mut server, ben).0.id, room.id);
    let rename = RenameRoomRequest { room: room.id.clone(), name: "mine".into() };
    assert_eq!(reason(server.call::<rpc::RenameRoom>(ann, &rename)), ErrorReason::DirectRoom);
    let members = vec![user(server.clients[ben].user)];
    let add = AddMembersRequest { room: room.id.clone(), members };
    assert_eq!(reason(server.call::<rpc::AddMembers>(ann, &add)), ErrorReason::DirectRoom);
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    assert_eq!(open(&mut server, ann), (room, false));
}

#[test]
fn a_notice_is_posted_once_and_makes_the_room_it_needs() {
    let mut server = Server::new();
    let (ann, bot) = (server.connect("ann"), server.connect("bot"));
    let request = notice(&mut server, ann, "the build is red");
    let posted = server.call::<rpc::PostNotice>(bot, &request).unwrap();
    assert!(!posted.deduplicated && posted.seq == 2, "the room's making comes before");
    let again = server.call::<rpc::PostNotice>(bot, &request).unwrap();
    assert!(again.deduplicated && again.seq == posted.seq);
    server.deliver();
    assert_eq!(texts(&server, ann), ["the build is red"]);
    assert!(texts(&server, bot).is_empty(), "whoever posts doesn't hear it");
    let (room, created) = open(&mut server, ann);
    assert!(!created);
    let get = GetRoomRequest { room: room.id };
    assert_eq!(reason(server.call::<rpc::GetRoom>(bot, &get)), ErrorReason::RoomNotFound);
    let other = PostNoticeRequest { body: notice(&mut server, ann, "other").body, ..request };
    assert_eq!(reason(server.call::<rpc::PostNotice>(bot, &other)), ErrorReason::RefConflict);
    // A whole chain of them, begun before there is a room, keeps its order.
    let ben = server.connect("ben");
    let requests: Vec<_> =
        (0..5).map(|n| notice(&mut server, ben, &format!("notice {n}"))).collect();
    let calls: Vec<u64> =
        requests.iter().map(|request| server.start::<rpc::PostNotice>(bot, request)).collect();
    server.run();
    for call in calls {
        server.answer::<rpc::PostNotice>(bot, call).unwrap();
    }
    server.deliver();
    let mut told = texts(&server, ben);
    told.sort_unstable();
    assert_eq!(told, (0..5).map(|n| format!("notice {n}")).collect::<Vec<_>>());
}

#[test]
fn notices_take_the_scope_and_somebody_to_read_them() {
    let mut server = Server::new();
    let (ann, guest) = (server.connect("ann"), server.connect("guest"));
    let request = notice(&mut server, ann, "psst");
    let refused = server.call::<rpc::PostNotice>(guest, &request);
    assert_eq!(reason(refused), ErrorReason::ScopeMissing);
    let nobody = UserRef { user: Some(user_ref::User::Subject("nobody".into())) };
    let unknown = PostNoticeRequest { to: Some(nobody), ..request.clone() };
    assert_eq!(reason(server.call::<rpc::PostNotice>(ann, &unknown)), ErrorReason::UserNotFound);
    let poll = MessagePosted { poll: Some(Poll::default()), ..MessagePosted::default() };
    let bodies = [Bytes::new(), poll.encode_to_vec().into(), Bytes::from_static(&[0xff])];
    for body in bodies {
        let bad = PostNoticeRequest { body, ..request.clone() };
        assert_eq!(reason(server.call::<rpc::PostNotice>(ann, &bad)), ErrorReason::InvalidField);
    }
    let large = PostNoticeRequest { body: vec![0; 61 * 1024].into(), ..request };
    assert_eq!(reason(server.call::<rpc::PostNotice>(ann, &large)), ErrorReason::BodyTooLarge);
}

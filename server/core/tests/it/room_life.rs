//! The life of groups without a network: topic and archive, who may come in and who may not, and how
//! fast one may write.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_inproc::{Server, group, message, send, user};
use parlour_protocol::{
    generated::rpc,
    message::SendRequest,
    room::*,
    wire::{Error, ErrorReason},
};

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn get(server: &mut Server, by: usize, room: &Bytes) -> Result<Room, Error> {
    let answer = server.call::<rpc::GetRoom>(by, &GetRoomRequest { room: room.clone() })?;
    Ok(answer.room.unwrap())
}

fn open(server: &mut Server, by: usize, room: &Bytes, open: bool) -> Result<u64, Error> {
    let request = SetOpenRequest { room: room.clone(), open };
    Ok(server.call::<rpc::SetOpen>(by, &request)?.seq)
}

fn join(server: &mut Server, by: usize, room: &Bytes) -> Result<Room, Error> {
    let request = JoinRoomRequest { room: room.clone() };
    let joined = server.call::<rpc::JoinRoom>(by, &request)?;
    server.deliver();
    Ok(joined.room.unwrap())
}

fn ban(server: &mut Server, by: usize, room: &Bytes, whom: usize) -> Result<u64, Error> {
    let user = server.clients[whom].user.to_field();
    let request = BanRequest { room: room.clone(), user };
    let banned = server.call::<rpc::Ban>(by, &request)?.seq;
    server.deliver();
    Ok(banned)
}

fn listed(server: &mut Server, by: usize) -> Vec<(Bytes, bool)> {
    let (mut rooms, mut page) = (vec![], Bytes::new());
    loop {
        let request = ListOpenRoomsRequest { page, page_size: 2 };
        let answer = server.call::<rpc::ListOpenRooms>(by, &request).unwrap();
        rooms.extend(answer.rooms.into_iter().map(|open| (open.room.unwrap().id, open.joined)));
        page = answer.next_page;
        if page.is_empty() {
            return rooms;
        }
    }
}

#[test]
fn a_group_has_a_topic_and_an_end_and_both_are_kept() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let topic = |topic: &str| SetTopicRequest { room: room.clone(), topic: topic.into() };
    let seq = server.call::<rpc::SetTopic>(ben, &topic("lunch")).unwrap().seq;
    assert!(seq > 0);
    assert_eq!(server.call::<rpc::SetTopic>(ann, &topic("lunch")).unwrap().seq, 0, "it is so");
    let long = server.call::<rpc::SetTopic>(ann, &topic(&"x".repeat(1025)));
    assert_eq!(reason(long), ErrorReason::InvalidField);
    let archive = |archived| ArchiveRoomRequest { room: room.clone(), archived };
    server.call::<rpc::ArchiveRoom>(ann, &archive(true)).unwrap();
    let base = message(&mut server, &room, "too late");
    assert_eq!(reason(server.call::<rpc::Send>(ben, &base)), ErrorReason::RoomArchived);
    let mut server = Server::over(store);
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let shown = get(&mut server, ben, &room).unwrap();
    assert_eq!((shown.topic.as_str(), shown.archived), ("lunch", true));
    server.call::<rpc::ArchiveRoom>(ann, &archive(false)).unwrap();
    send(&mut server, ben, &room, "again");
    let direct = OpenDirectRequest { with: Some(user(server.clients[ben].user)) };
    let direct = server.call::<rpc::OpenDirect>(ann, &direct).unwrap().room.unwrap().id;
    let request = SetTopicRequest { room: direct, topic: "us".into() };
    assert_eq!(reason(server.call::<rpc::SetTopic>(ann, &request)), ErrorReason::DirectRoom);
}

#[test]
fn open_groups_are_listed_and_joined_and_closed_ones_arent_there() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let cyd = server.connect("cyd");
    let rooms: Vec<Bytes> = (0..5).map(|_| group(&mut server, ann, &[])).collect();
    assert_eq!(reason(join(&mut server, ben, &rooms[0])), ErrorReason::RoomNotFound);
    for room in &rooms {
        assert!(open(&mut server, ann, room, true).unwrap() > 0);
        assert_eq!(open(&mut server, ann, room, true).unwrap(), 0);
    }
    let all: BTreeSet<Bytes> = rooms.iter().cloned().collect();
    let found = listed(&mut server, ben);
    assert_eq!(found.len(), 5);
    assert_eq!(found.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), all);
    assert!(found.iter().all(|(_, joined)| !joined));
    let joined = join(&mut server, ben, &rooms[0]).unwrap();
    assert_eq!((joined.member_count, joined.open), (2, true));
    join(&mut server, ben, &rooms[0]).unwrap();
    send(&mut server, ben, &rooms[0], "here I am");
    assert!(listed(&mut server, ben).contains(&(rooms[0].clone(), true)));
    // What is closed or archived isn't there for others, and stays for those who are in it.
    open(&mut server, ann, &rooms[0], false).unwrap();
    let archive = ArchiveRoomRequest { room: rooms[1].clone(), archived: true };
    server.call::<rpc::ArchiveRoom>(ann, &archive).unwrap();
    for room in &rooms[..2] {
        assert_eq!(reason(join(&mut server, cyd, room)), ErrorReason::RoomNotFound);
    }
    assert_eq!(listed(&mut server, cyd).len(), 3);
    send(&mut server, ben, &rooms[0], "still here");
    // Whoever may not run the room can't open it.
    assert_eq!(reason(open(&mut server, cyd, &rooms[0], true)), ErrorReason::RoomNotFound);
    let request = ListOpenRoomsRequest { page_size: 101, ..Default::default() };
    assert_eq!(reason(server.call::<rpc::ListOpenRooms>(ben, &request)), ErrorReason::InvalidField);
}

#[test]
fn whoever_is_banned_is_out_until_they_are_unbanned() {
    let mut server = Server::new();
    let (ann, ben, cyd) = (server.connect("ann"), server.connect("ben"), server.connect("cyd"));
    let room = group(&mut server, ann, &[ben, cyd]);
    open(&mut server, ann, &room, true).unwrap();
    assert_eq!(reason(ban(&mut server, cyd, &room, ben)), ErrorReason::NotAllowed);
    assert_eq!(reason(ban(&mut server, ann, &room, ann)), ErrorReason::NotAllowed);
    assert!(ban(&mut server, ann, &room, ben).unwrap() > 0);
    assert_eq!(ban(&mut server, ann, &room, ben).unwrap(), 0, "it is so");
    let heard = server.clients[ben].heard().len();
    send(&mut server, ann, &room, "without him");
    server.deliver();
    assert_eq!(server.clients[ben].heard().len(), heard);
    assert_eq!(reason(get(&mut server, ben, &room)), ErrorReason::RoomNotFound);
    assert_eq!(reason(join(&mut server, ben, &room)), ErrorReason::NotAllowed);
    let members = vec![user(server.clients[ben].user)];
    let add = AddMembersRequest { room: room.clone(), members };
    assert_eq!(reason(server.call::<rpc::AddMembers>(ann, &add)), ErrorReason::NotAllowed);
    let bans = ListBansRequest { room: room.clone() };
    let id = server.clients[ben].user.to_field();
    assert_eq!(server.call::<rpc::ListBans>(ann, &bans).unwrap().users, std::slice::from_ref(&id));
    assert_eq!(reason(server.call::<rpc::ListBans>(cyd, &bans)), ErrorReason::NotAllowed);
    let unban = UnbanRequest { room: room.clone(), user: id };
    assert!(server.call::<rpc::Unban>(ann, &unban).unwrap().seq > 0);
    assert_eq!(server.call::<rpc::Unban>(ann, &unban).unwrap().seq, 0);
    join(&mut server, ben, &room).unwrap();
    send(&mut server, ben, &room, "back");
}

#[test]
fn slow_mode_lets_one_message_through_at_a_time() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let other = server.connect("ben");
    let room = group(&mut server, ann, &[ben]);
    let slow = |seconds| SetSlowModeRequest { room: room.clone(), seconds };
    let too_slow = server.call::<rpc::SetSlowMode>(ann, &slow(21_601));
    assert_eq!(reason(too_slow), ErrorReason::InvalidField);
    server.call::<rpc::SetSlowMode>(ann, &slow(10)).unwrap();
    // Two devices at once: one of the messages is first, that which stands before the other.
    let (one, two) = (message(&mut server, &room, "a"), message(&mut server, &room, "b"));
    let calls = [(ben, one.clone()), (other, two)]
        .map(|(by, request)| (by, server.start::<rpc::Send>(by, &request)));
    server.run();
    server.deliver();
    let results = calls.map(|(by, call)| server.answer::<rpc::Send>(by, call));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let refused = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.reason, ErrorReason::SlowMode as i32);
    assert!((9_000..=10_000).contains(&refused.retry_after_ms), "{}", refused.retry_after_ms);
    // The same message again is no other one.
    let again = server.call::<rpc::Send>(ben, &one).unwrap();
    assert!(again.deduplicated);
    // Whoever runs the room isn't slowed down, and threads aren't.
    server.advance(Duration::from_secs(9));
    let request = message(&mut server, &room, "c");
    assert_eq!(reason(server.call::<rpc::Send>(ben, &request)), ErrorReason::SlowMode);
    let root = send(&mut server, ann, &room, "1");
    send(&mut server, ann, &room, "2");
    let reply = SendRequest { thread_root_seq: root, ..message(&mut server, &room, "so") };
    server.call::<rpc::Send>(ben, &reply).unwrap();
    server.advance(Duration::from_millis(1_500));
    server.call::<rpc::Send>(ben, &request).unwrap();
    server.call::<rpc::SetSlowMode>(ann, &slow(0)).unwrap();
    send(&mut server, ben, &room, "fast");
    send(&mut server, ben, &room, "faster");
}

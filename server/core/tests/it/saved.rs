//! Saved messages without a network: the user's own, on all their devices, each once, and never
//! more than may be.

use bytes::Bytes;
use parlour_inproc::{Server, group, send, user};
use parlour_protocol::{
    generated::{EventBody, rpc},
    limits::SAVED_MAX,
    message::DeleteRequest,
    room::{AddMembersRequest, RemoveMemberRequest},
    saved::*,
    wire::{Error, ErrorReason, event_frame::Frame},
};

fn try_save(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    seq: u64,
) -> Result<SaveMessageResponse, Error> {
    server.call::<rpc::SaveMessage>(by, &SaveMessageRequest { room: room.clone(), seq })
}

fn save(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> SaveMessageResponse {
    try_save(server, by, room, seq).unwrap()
}

fn unsave(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> u64 {
    let request = UnsaveMessageRequest { room: room.clone(), seq };
    server.call::<rpc::UnsaveMessage>(by, &request).unwrap().user_seq
}

fn list(server: &mut Server, by: usize) -> Vec<SavedMessage> {
    let mut request = ListSavedRequest { page_size: 200, ..Default::default() };
    let mut all = vec![];
    loop {
        let answer = server.call::<rpc::ListSaved>(by, &request).unwrap();
        all.extend(answer.saved);
        if answer.next_page.is_empty() {
            return all;
        }
        request.page = answer.next_page;
    }
}

fn seqs(server: &mut Server, by: usize) -> Vec<u64> {
    list(server, by).into_iter().map(|saved| saved.seq).collect()
}

/// What a connection heard in its user's own log: messages saved (`+`) and taken off (`-`).
fn heard(server: &mut Server, by: usize) -> Vec<(char, u64)> {
    server.deliver();
    let frames = server.clients[by].frames.iter();
    let events = frames.filter_map(|frame| match frame {
        Frame::UserEvents(events) => Some(events.events.clone()),
        _ => None,
    });
    let said = |event: parlour_protocol::wire::Event| {
        let kind = event.header.unwrap().kind;
        match EventBody::decode(kind, event.body).unwrap() {
            EventBody::MessageSaved(saved) => Some(('+', saved.seq)),
            EventBody::MessageUnsaved(saved) => Some(('-', saved.seq)),
            _ => None,
        }
    };
    events.flatten().filter_map(said).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn a_message_is_saved_once_on_all_devices_and_nobody_else_hears_of_it() {
    let mut server = Server::new();
    let (ann, laptop) = (server.connect("ann"), server.connect("ann"));
    let ben = server.connect("ben");
    let room = group(&mut server, ann, &[ben]);
    let said = send(&mut server, ben, &room, "the plan");
    let first = save(&mut server, ann, &room, said);
    assert!(first.user_seq > 0);
    server.advance(std::time::Duration::from_secs(1));
    let again = save(&mut server, laptop, &room, said);
    assert_eq!((again.user_seq, again.saved_at_ms), (0, first.saved_at_ms), "it is saved");
    let expected =
        SavedMessage { room: room.clone(), seq: said, saved_at_ms: first.saved_at_ms, gone: false };
    assert_eq!(list(&mut server, laptop), [expected]);
    assert!(unsave(&mut server, laptop, &room, said) > 0);
    assert_eq!(unsave(&mut server, ann, &room, said), 0, "it isn't");
    assert!(list(&mut server, ann).is_empty());
    for device in [ann, laptop] {
        assert_eq!(heard(&mut server, device), [('+', said), ('-', said)]);
    }
    assert!(heard(&mut server, ben).is_empty() && list(&mut server, ben).is_empty());
}

#[test]
fn two_devices_at_once_make_one_event() {
    let mut server = Server::new();
    let (ann, laptop) = (server.connect("ann"), server.connect("ann"));
    let room = group(&mut server, ann, &[]);
    let said = send(&mut server, ann, &room, "the plan");
    let request = SaveMessageRequest { room: room.clone(), seq: said };
    let calls =
        [ann, laptop].map(|device| (device, server.start::<rpc::SaveMessage>(device, &request)));
    server.run();
    let answers =
        calls.map(|(device, call)| server.answer::<rpc::SaveMessage>(device, call).unwrap());
    assert!(answers[0].user_seq > 0 && answers[1].user_seq == 0, "{answers:?}");
    assert_eq!(answers[0].saved_at_ms, answers[1].saved_at_ms);
    let request = UnsaveMessageRequest { room, seq: said };
    for device in [ann, laptop] {
        server.start::<rpc::UnsaveMessage>(device, &request);
    }
    server.run();
    assert_eq!(heard(&mut server, laptop), [('+', said), ('-', said)]);
}

#[test]
fn what_one_device_asks_without_waiting_keeps_its_order() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let said = send(&mut server, ann, &room, "the plan");
    let on = SaveMessageRequest { room: room.clone(), seq: said };
    let off = UnsaveMessageRequest { room: room.clone(), seq: said };
    for _ in 0..2 {
        server.start::<rpc::SaveMessage>(ann, &on);
        server.start::<rpc::UnsaveMessage>(ann, &off);
    }
    server.run();
    assert!(list(&mut server, ann).is_empty());
    save(&mut server, ann, &room, said);
    server.start::<rpc::UnsaveMessage>(ann, &off);
    server.start::<rpc::SaveMessage>(ann, &on);
    server.run();
    assert_eq!(seqs(&mut server, ann), [said]);
    let signs: String = heard(&mut server, ann).into_iter().map(|(sign, _)| sign).collect();
    assert_eq!(signs, "+-+-+-+");
}

#[test]
fn a_thousand_are_saved_and_no_more_however_many_come_at_once() {
    let mut server = Server::new();
    let (ann, laptop) = (server.connect("ann"), server.connect("ann"));
    let room = group(&mut server, ann, &[]);
    let said: Vec<u64> =
        (0..SAVED_MAX + 2).map(|n| send(&mut server, ann, &room, &n.to_string())).collect();
    for seq in &said[..SAVED_MAX - 1] {
        save(&mut server, ann, &room, *seq);
    }
    let last = &said[SAVED_MAX - 1..];
    let requests = [(ann, last[0]), (laptop, last[1]), (ann, last[2])];
    let calls = requests.map(|(device, seq)| {
        let request = SaveMessageRequest { room: room.clone(), seq };
        (device, server.start::<rpc::SaveMessage>(device, &request))
    });
    server.run();
    let ends = calls.map(|(device, call)| server.answer::<rpc::SaveMessage>(device, call));
    let refused: Vec<_> = ends.into_iter().filter(Result::is_err).map(reason).collect();
    assert_eq!(refused, [ErrorReason::TooManySaved, ErrorReason::TooManySaved]);
    assert_eq!(save(&mut server, ann, &room, said[0]).user_seq, 0, "it needs no place");
    // A place is made and taken in one go.
    let off = UnsaveMessageRequest { room: room.clone(), seq: said[0] };
    server.start::<rpc::UnsaveMessage>(laptop, &off);
    let on = SaveMessageRequest { room: room.clone(), seq: last[1] };
    let call = server.start::<rpc::SaveMessage>(laptop, &on);
    server.run();
    assert!(server.answer::<rpc::SaveMessage>(laptop, call).unwrap().user_seq > 0);
    let mut expected: Vec<u64> = said[1..=SAVED_MAX].to_vec();
    expected.reverse();
    assert_eq!(seqs(&mut server, ann), expected, "the newest first, over several pages");
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let said: Vec<u64> = (0..5).map(|n| send(&mut server, ann, &room, &n.to_string())).collect();
    // Not in the order of the log.
    for seq in [said[3], said[0], said[4], said[1]] {
        save(&mut server, ann, &room, seq);
    }
    let page = |server: &mut Server, page, page_size| {
        let answer = server.call::<rpc::ListSaved>(ann, &ListSavedRequest { page, page_size });
        answer.map(|answer| {
            let seqs: Vec<u64> = answer.saved.iter().map(|saved| saved.seq).collect();
            (seqs, answer.next_page)
        })
    };
    let (first, next) = page(&mut server, Bytes::new(), 2).unwrap();
    assert_eq!(first, [said[1], said[4]]);
    // What comes and goes meanwhile moves nothing.
    save(&mut server, ann, &room, said[2]);
    unsave(&mut server, ann, &room, said[4]);
    let (second, end) = page(&mut server, next, 2).unwrap();
    assert_eq!((second, end.len()), (vec![said[0], said[3]], 0));
    let (all, end) = page(&mut server, Bytes::new(), 4).unwrap();
    assert_eq!((all.len(), end.len()), (4, 0), "a full page may be the last");
    assert_eq!(reason(page(&mut server, Bytes::new(), 201)), ErrorReason::InvalidField);
    assert_eq!(reason(page(&mut server, Bytes::from_static(b"?"), 2)), ErrorReason::InvalidField);
}

#[test]
fn what_cant_be_read_any_more_stays_marked_until_it_is_taken_off() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let said: Vec<u64> = (0..3).map(|n| send(&mut server, ann, &room, &n.to_string())).collect();
    for seq in &said {
        save(&mut server, ben, &room, *seq);
    }
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: said[0] };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    let marks = |server: &mut Server| {
        list(server, ben).into_iter().map(|saved| (saved.seq, saved.gone)).collect::<Vec<_>>()
    };
    assert_eq!(marks(&mut server), [(said[2], false), (said[1], false), (said[0], true)]);
    let ben_user = server.clients[ben].user;
    let removal = RemoveMemberRequest { room: room.clone(), user: ben_user.to_field() };
    server.call::<rpc::RemoveMember>(ann, &removal).unwrap();
    assert_eq!(marks(&mut server), [(said[2], true), (said[1], true), (said[0], true)]);
    assert!(unsave(&mut server, ben, &room, said[1]) > 0, "it can be taken off");
    let back = AddMembersRequest { room: room.clone(), members: vec![user(ben_user)] };
    server.call::<rpc::AddMembers>(ann, &back).unwrap();
    assert_eq!(marks(&mut server), [(said[2], false), (said[0], true)]);
}

#[test]
fn only_what_one_may_read_is_saved() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[]);
    let said = send(&mut server, ann, &room, "the plan");
    for (by, seq, expected) in [
        (ben, said, ErrorReason::RoomNotFound),
        (ann, 0, ErrorReason::MessageNotFound),
        (ann, 1, ErrorReason::MessageNotFound),
        (ann, 99, ErrorReason::MessageNotFound),
    ] {
        assert_eq!(reason(try_save(&mut server, by, &room, seq)), expected);
    }
    let nowhere = Bytes::from_static(&[7; 16]);
    assert_eq!(reason(try_save(&mut server, ann, &nowhere, 1)), ErrorReason::RoomNotFound);
    assert_eq!(unsave(&mut server, ben, &nowhere, 1), unsave(&mut server, ben, &room, said));
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: said };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    assert_eq!(reason(try_save(&mut server, ann, &room, said)), ErrorReason::MessageNotFound);
}

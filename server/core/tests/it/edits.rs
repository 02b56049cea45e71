//! Edit history without a network: every version for those in the room, none once it is deleted.

use bytes::Bytes;
use parlour_inproc::{Server, group, send};
use parlour_protocol::{
    generated::{EventBody, rpc},
    message::*,
    pin::PinRequest,
    room::RemoveMemberRequest,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

fn edit(server: &mut Server, by: usize, room: &Bytes, target_seq: u64, text: &str) -> u64 {
    let client_ref = server.client_ref().to_field();
    let body = MessageEdited { text: text.into(), ..Default::default() }.encode_to_vec().into();
    let request = EditRequest { room: room.clone(), client_ref, target_seq, body };
    server.call::<rpc::Edit>(by, &request).unwrap().seq
}

fn read(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    target_seq: u64,
) -> Result<Vec<ReadEditsItem>, Error> {
    let request = ReadEditsRequest { room: room.clone(), target_seq };
    server.bulk::<rpc::ReadEdits>(by, &request)
}

/// Number and text of each version.
fn versions(items: Vec<ReadEditsItem>) -> Vec<(u64, String)> {
    let version = |event: Event| {
        let header = event.header.unwrap();
        match EventBody::decode(header.kind, event.body).unwrap() {
            EventBody::MessagePosted(message) => (header.seq, message.text),
            EventBody::MessageEdited(edit) => (header.seq, edit.text),
            other => panic!("{other:?} is no version"),
        }
    };
    items.into_iter().flat_map(|item| item.events).map(version).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn every_version_is_there_in_order_and_nothing_else() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let first = send(&mut server, ann, &room, "teh plan");
    assert_eq!(
        versions(read(&mut server, ben, &room, first).unwrap()),
        [(first, "teh plan".into())]
    );
    let other = send(&mut server, ann, &room, "another");
    let second = edit(&mut server, ann, &room, first, "tha plan");
    edit(&mut server, ann, &room, other, "not this one");
    let client_ref = server.client_ref().to_field();
    let pin = PinRequest { room: room.clone(), client_ref, target_seq: first };
    server.call::<rpc::Pin>(ben, &pin).unwrap();
    let third = edit(&mut server, ann, &room, first, "the plan");
    let items = read(&mut server, ben, &room, first).unwrap();
    assert!(items.iter().all(|item| item.as_of_seq == third));
    let expected =
        [(first, "teh plan".into()), (second, "tha plan".into()), (third, "the plan".into())];
    assert_eq!(versions(items), expected);
}

#[test]
fn a_deleted_message_has_no_versions_and_strangers_see_none() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let cid = server.connect("cid");
    let room = group(&mut server, ann, &[ben]);
    let said = send(&mut server, ann, &room, "secret");
    let edited = edit(&mut server, ann, &room, said, "secrets");
    assert_eq!(reason(read(&mut server, cid, &room, said)), ErrorReason::RoomNotFound);
    for seq in [0, 1, edited, 99] {
        assert_eq!(reason(read(&mut server, ben, &room, seq)), ErrorReason::MessageNotFound);
    }
    let user = server.clients[ben].user.to_field();
    let removal = RemoveMemberRequest { room: room.clone(), user };
    server.call::<rpc::RemoveMember>(ann, &removal).unwrap();
    assert_eq!(reason(read(&mut server, ben, &room, said)), ErrorReason::RoomNotFound);
    // What the delete leaves to be erased later isn't shown before it is.
    server.drop_effects = true;
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: said };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    assert_eq!(reason(read(&mut server, ann, &room, said)), ErrorReason::MessageNotFound);
}

#[test]
fn many_versions_come_in_several_items() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let said = send(&mut server, ann, &room, "0");
    for n in 1..1100 {
        edit(&mut server, ann, &room, said, &n.to_string());
    }
    for _ in 0..20 {
        edit(&mut server, ann, &room, said, &"x".repeat(16 * 1024));
    }
    let items = read(&mut server, ann, &room, said).unwrap();
    assert!(items.len() >= 4 && items.iter().all(|item| item.encoded_len() < 256 * 1024));
    let found = versions(items);
    assert_eq!(found.len(), 1120);
    assert!(found.is_sorted() && found[1099].1 == "1099");
}

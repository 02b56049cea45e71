//! Link previews without a network: which texts are looked at, and what becomes of what was found.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parlour_core::{
    draft::Refused,
    previews::{Linking, added},
};
use parlour_inproc::{Server, accounts::reason, group, send};
use parlour_protocol::{
    generated::{EventMessage, rpc},
    ids::{OrgId, RoomId},
    message::{DeleteRequest, EditRequest, MessageEdited},
    preview::*,
    room::ArchiveRoomRequest,
    sync::*,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

const LINK: &str = "https://example.org/a";

/// The next text that somebody would look at.
fn next(server: &mut Server) -> Option<Linking> {
    next_of(server, |_| true)
}

/// The same, of those organizations alone.
fn next_of(server: &mut Server, may: impl Fn(OrgId) -> bool) -> Option<Linking> {
    server.run();
    let mut next = pin!(server.node.previews.next(may));
    let Poll::Ready((_, room, seq)) = next.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    else {
        return None;
    };
    server.runtime.block_on(server.node.linking(room, seq)).unwrap()
}

fn found(title: &str) -> Vec<LinkPreview> {
    vec![LinkPreview { url: LINK.into(), title: title.into(), ..LinkPreview::default() }]
}

fn edit(server: &mut Server, by: usize, room: &Bytes, target_seq: u64, text: &str) -> u64 {
    let body = MessageEdited { text: text.into(), ..Default::default() };
    let request = EditRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq,
        body: body.encode_to_vec().into(),
    };
    server.call::<rpc::Edit>(by, &request).unwrap().seq
}

fn hide(server: &mut Server, by: usize, room: &Bytes, target_seq: u64) -> Result<u64, Error> {
    let client_ref = server.client_ref().to_field();
    let request = HideLinkPreviewsRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::HideLinkPreviews>(by, &request).map(|done| done.seq)
}

fn delete(server: &mut Server, by: usize, room: &Bytes, target_seq: u64) {
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::Delete>(by, &request).unwrap();
}

/// Events of the log, as they are stored now.
fn log(server: &mut Server, by: usize, room: &Bytes) -> Vec<Event> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(by, &request).unwrap();
    items.into_iter().flat_map(|item| item.events).collect()
}

fn room_of_two() -> (Server, usize, usize, Bytes) {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    (server, ada, ben, room)
}

#[test]
fn what_was_found_is_told_to_the_room_once_and_stands_in_pages() {
    let (mut server, ada, ben, room) = room_of_two();
    send(&mut server, ada, &room, "nothing to see");
    let seq =
        send(&mut server, ada, &room, "see https://example.org/a, twice: https://example.org/a");
    let linking = next(&mut server).unwrap();
    assert_eq!(linking.links, [LINK]);
    assert_eq!(linking.room(), RoomId::parse(&room).unwrap());
    assert!(next(&mut server).is_none(), "each text once");
    server.clients[ben].heard();
    server.try_commit(added(&linking, found("A"))).unwrap();
    server.deliver();
    let told = server.clients[ben].heard().pop().unwrap();
    let header = told.header.clone().unwrap();
    assert_eq!((header.kind, header.target_seq), (LinkPreviewsAdded::RULE.kind, seq));
    assert_eq!(header.sender, server.clients[ada].user.to_field());
    let body = LinkPreviewsAdded::decode(told.body.clone()).unwrap();
    assert_eq!((body.text_seq, body.previews), (seq, found("A")));
    assert!(next(&mut server).is_none(), "its own link isn't one");
    // A page that has the message and not what came behind it.
    let request = ReadTimelineRequest { room: room.clone(), before_seq: seq + 1, limit: 1 };
    let items = server.bulk::<rpc::ReadTimeline>(ben, &request).unwrap();
    let amendments: Vec<Event> = items.into_iter().flat_map(|item| item.amendments).collect();
    assert_eq!(amendments.len(), 1);
    assert_eq!(amendments[0].header.as_ref().unwrap().seq, header.seq);
}

#[test]
fn an_edit_has_previews_of_its_own() {
    let (mut server, ada, _, room) = room_of_two();
    let seq = send(&mut server, ada, &room, "https://example.org/old");
    let old = next(&mut server).unwrap();
    let edited = edit(&mut server, ada, &room, seq, LINK);
    let new = next(&mut server).unwrap();
    assert_eq!(new.links, [LINK]);
    // Whoever looked at the old text sees that it is one.
    assert!(!server.runtime.block_on(server.node.is_newest(&old)).unwrap());
    assert!(server.runtime.block_on(server.node.is_newest(&new)).unwrap());
    server.try_commit(added(&new, found("A"))).unwrap();
    let last = log(&mut server, ada, &room).pop().unwrap();
    assert_eq!(last.header.unwrap().target_seq, seq);
    assert_eq!(LinkPreviewsAdded::decode(last.body).unwrap().text_seq, edited);
    // One that takes its links away is no text to look at; one that was outrun by another neither.
    edit(&mut server, ada, &room, seq, "no link");
    edit(&mut server, ada, &room, seq, "https://example.org/1");
    edit(&mut server, ada, &room, seq, "https://example.org/2");
    assert!(next(&mut server).is_none());
    assert_eq!(next(&mut server).unwrap().links, ["https://example.org/2"]);
}

#[test]
fn its_author_or_whoever_may_delete_it_hides_them_for_good() {
    let (mut server, ada, ben, room) = room_of_two();
    let seq = send(&mut server, ben, &room, LINK);
    let (linking, other) = (next(&mut server).unwrap(), send(&mut server, ada, &room, LINK));
    let of_ada = next(&mut server).unwrap();
    server.try_commit(added(&linking, found("A"))).unwrap();
    let refused = hide(&mut server, ben, &room, other).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::NotAllowed);
    let hidden = hide(&mut server, ben, &room, seq).unwrap();
    assert!(hidden > 0);
    assert_eq!(hide(&mut server, ada, &room, seq), Ok(0), "they are gone");
    // Ada made the group and moderates it.
    let of_ben = send(&mut server, ben, &room, LINK);
    assert!(hide(&mut server, ada, &room, of_ben).unwrap() > 0);
    // Whatever comes later stays away, also what an edit leads to.
    assert_eq!(server.try_commit(added(&linking, found("A"))), Err(Refused::Exists));
    edit(&mut server, ben, &room, seq, "https://example.org/b");
    assert!(next(&mut server).is_none() && next(&mut server).is_none());
    server.try_commit(added(&of_ada, found("A"))).unwrap();
    let request = ReadTimelineRequest { room: room.clone(), before_seq: seq + 1, limit: 1 };
    let items = server.bulk::<rpc::ReadTimeline>(ada, &request).unwrap();
    let mut kinds: Vec<u32> = items
        .into_iter()
        .flat_map(|item| item.amendments)
        .map(|event| event.header.unwrap().kind)
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [MessageEdited::RULE.kind, LinkPreviewsHidden::RULE.kind]);
    for missing in [hidden, 0, 99] {
        let refused = hide(&mut server, ada, &room, missing).unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::MessageNotFound);
    }
}

#[test]
fn with_a_message_goes_what_its_links_said() {
    let (mut server, ada, _, room) = room_of_two();
    let seq = send(&mut server, ada, &room, LINK);
    let linking = next(&mut server).unwrap();
    server.try_commit(added(&linking, found("secret title"))).unwrap();
    delete(&mut server, ada, &room, seq);
    server.run();
    assert_eq!(server.try_commit(added(&linking, found("A"))), Err(Refused::Exists));
    let stored: Vec<Bytes> = log(&mut server, ada, &room).into_iter().map(|e| e.body).collect();
    let has = |text: &str| {
        stored.iter().any(|body| body.windows(text.len()).any(|at| at == text.as_bytes()))
    };
    assert!(!has("secret title") && !has("example.org"));
    // One that was deleted before anybody looked isn't looked at.
    let seq = send(&mut server, ada, &room, LINK);
    delete(&mut server, ada, &room, seq);
    assert!(next(&mut server).is_none());
}

#[test]
fn archived_rooms_get_none() {
    let (mut server, ada, _, room) = room_of_two();
    send(&mut server, ada, &room, LINK);
    // Somebody looks at this one when the room is archived.
    let looked_at = next(&mut server).unwrap();
    send(&mut server, ada, &room, LINK);
    let archive = |archived| ArchiveRoomRequest { room: room.clone(), archived };
    server.call::<rpc::ArchiveRoom>(ada, &archive(true)).unwrap();
    assert!(next(&mut server).is_none());
    let refused = server.try_commit(added(&looked_at, found("A")));
    assert_eq!(refused, Err(Refused::Archived));
    server.call::<rpc::ArchiveRoom>(ada, &archive(false)).unwrap();
    server.try_commit(added(&looked_at, found("A"))).unwrap();
}

#[test]
fn what_waits_has_a_bound() {
    let (mut server, ada, _, room) = room_of_two();
    for n in 0..1_100 {
        send(&mut server, ada, &room, &format!("https://example.org/{n}"));
    }
    // The oldest are left out.
    assert_eq!(next(&mut server).unwrap().links, ["https://example.org/100"]);
}

#[test]
fn an_organization_whose_turn_it_is_not_holds_up_no_other() {
    let (mut server, ada, _, room) = room_of_two();
    let (eve, fay) = (server.connect("eve@globex"), server.connect("fay@globex"));
    let theirs = group(&mut server, eve, &[fay]);
    let org = |server: &Server, client: usize| server.clients[client].caller.org;
    let (acme, globex) = (org(&server, ada), org(&server, eve));
    assert_ne!(acme, globex);
    send(&mut server, ada, &room, LINK);
    send(&mut server, ada, &room, LINK);
    send(&mut server, eve, &theirs, LINK);
    let other = next_of(&mut server, |org| org != acme).unwrap();
    assert_eq!(other.room(), RoomId::parse(&theirs).unwrap());
    assert!(next_of(&mut server, |org| org != acme).is_none());
    // Those that waited are still there, in their order.
    for _ in 0..2 {
        let own = next(&mut server).unwrap();
        assert_eq!(own.room(), RoomId::parse(&room).unwrap());
    }
    assert!(next(&mut server).is_none());
}

//! Drafts without a network: the last one counts, on all devices of the user, and nobody else hears.

use bytes::Bytes;
use parlour_inproc::{Server, group};
use parlour_protocol::{
    draft::*,
    generated::{EventMessage, rpc},
    limits::DRAFTS_MAX,
    room::RemoveMemberRequest,
    wire::{Error, ErrorReason, event_frame::Frame},
};
use prost::Message;

fn begun(room: &Bytes, thread_root_seq: u64, text: &str) -> MessageDraft {
    let (room, text) = (room.clone(), text.to_owned());
    MessageDraft { room, thread_root_seq, text, ..MessageDraft::default() }
}

fn set(server: &mut Server, by: usize, draft: MessageDraft) -> Result<(), Error> {
    server.call::<rpc::SetDraft>(by, &SetDraftRequest { draft: Some(draft) }).map(drop)
}

fn list(server: &mut Server, by: usize) -> Vec<(u64, String)> {
    let mut request = ListDraftsRequest::default();
    let mut all = vec![];
    loop {
        let answer = server.call::<rpc::ListDrafts>(by, &request).unwrap();
        all.extend(answer.drafts.into_iter().map(|draft| (draft.thread_root_seq, draft.text)));
        if answer.next_page.is_empty() {
            return all;
        }
        request.page = answer.next_page;
    }
}

fn heard(server: &mut Server, by: usize) -> Vec<String> {
    server.deliver();
    let frames = server.clients[by].frames.drain(..);
    let said = |frame| match frame {
        Frame::Ephemeral(said) if said.kind == DraftChanged::RULE.kind => {
            Some(DraftChanged::decode(said.body).unwrap().draft.unwrap().text)
        }
        _ => None,
    };
    frames.filter_map(said).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn the_last_one_counts_on_all_devices_and_nobody_else_hears_of_it() {
    let mut server = Server::new();
    let (ann, laptop, ben) = (server.connect("ann"), server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let log = |server: &mut Server| server.node.rooms.cached(id(&room)).unwrap().head().seq;
    let before = log(&mut server);
    for text in ["He", "Hello"] {
        set(&mut server, ann, begun(&room, 0, text)).unwrap();
    }
    set(&mut server, laptop, begun(&room, 1, "a reply")).unwrap();
    assert_eq!(list(&mut server, laptop), [(0, "Hello".into()), (1, "a reply".into())]);
    assert_eq!(heard(&mut server, laptop), ["He", "Hello", "a reply"]);
    assert_eq!((heard(&mut server, ben), list(&mut server, ben)), (vec![], vec![]));
    set(&mut server, laptop, begun(&room, 0, "")).unwrap();
    set(&mut server, laptop, begun(&room, 0, "")).unwrap();
    assert_eq!(heard(&mut server, ann), ["He", "Hello", "a reply", "", ""]);
    assert_eq!(list(&mut server, ann), [(1, "a reply".into())]);
    assert_eq!(log(&mut server), before);
}

fn id(room: &Bytes) -> parlour_protocol::ids::RoomId {
    parlour_protocol::ids::RoomId::parse(room).unwrap()
}

#[test]
fn what_is_begun_in_a_room_that_one_leaves_stays_ones_own_to_throw_away() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    set(&mut server, ben, begun(&room, 0, "hm")).unwrap();
    let request =
        RemoveMemberRequest { room: room.clone(), user: server.clients[ben].user.to_field() };
    server.call::<rpc::RemoveMember>(ann, &request).unwrap();
    assert_eq!(list(&mut server, ben), [(0, "hm".into())]);
    assert_eq!(reason(set(&mut server, ben, begun(&room, 0, "x"))), ErrorReason::RoomNotFound);
    set(&mut server, ben, begun(&room, 0, "")).unwrap();
    assert_eq!(list(&mut server, ben), []);
}

#[test]
fn there_are_as_many_as_may_be_and_none_is_too_large() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let text = "x".repeat(1000);
    for i in 0..DRAFTS_MAX as u64 {
        set(&mut server, ann, begun(&room, i, &text)).unwrap();
    }
    assert_eq!(list(&mut server, ann).len(), DRAFTS_MAX);
    let more = begun(&room, 1_000, "x");
    assert_eq!(reason(set(&mut server, ann, more)), ErrorReason::TooManyDrafts);
    set(&mut server, ann, begun(&room, 0, "another")).unwrap();
    let long = begun(&room, 0, &"x".repeat(16 * 1024 + 1));
    assert_eq!(reason(set(&mut server, ann, long)), ErrorReason::InvalidField);
    let many = MessageDraft { mentions: vec![room.clone(); 101], ..begun(&room, 0, "x") };
    assert_eq!(reason(set(&mut server, ann, many)), ErrorReason::InvalidField);
    let attachment =
        parlour_protocol::blob::Attachment { description: "x".repeat(1024), ..Default::default() };
    let large = MessageDraft { attachments: vec![attachment; 40], ..begun(&room, 0, "x") };
    assert_eq!(reason(set(&mut server, ann, large)), ErrorReason::BodyTooLarge);
}

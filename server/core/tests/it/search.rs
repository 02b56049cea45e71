//! Search without a network, over the index in memory: what is found, by whom, and by whom not any
//! more. The index is fed when the test says so, so that it can be late.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::{memory::Memory, search::MemorySearch};
use parlour_core::search::feed::{Feed, FeedError};
use parlour_inproc::{Server, group, message, send};
use parlour_protocol::{
    directory::{
        Change, ChangeDirectoryRequest, EndMembership, NodeKind, PutMembership, PutNode,
        change::Change as What,
    },
    generated::rpc,
    message::{DeleteRequest, EditRequest, MessageEdited, MessagePosted, SendRequest},
    room::{AddMembersRequest, OpenDirectRequest, RemoveMemberRequest},
    search::*,
    wire::{Error, ErrorReason},
};
use prost::Message;

fn words(text: &str) -> SearchMessagesRequest {
    SearchMessagesRequest { text: text.into(), ..Default::default() }
}

fn ask(
    server: &mut Server,
    by: usize,
    request: &SearchMessagesRequest,
) -> Result<(Vec<SearchHit>, SearchMessagesItem), Error> {
    let mut items = server.bulk::<rpc::SearchMessages>(by, request)?;
    let last = SearchMessagesItem { hits: vec![], ..items.last().unwrap().clone() };
    let hits = items.iter_mut().flat_map(|item| std::mem::take(&mut item.hits)).collect();
    Ok((hits, last))
}

/// Numbers of the messages found, the first one first.
fn find(server: &mut Server, by: usize, request: &SearchMessagesRequest) -> Vec<u64> {
    let (hits, _) = ask(server, by, request).unwrap();
    hits.into_iter().map(|hit| hit.message.unwrap().header.unwrap().seq).collect()
}

fn edit(server: &mut Server, by: usize, room: &Bytes, target_seq: u64, text: &str) -> u64 {
    let body = MessageEdited { text: text.into(), ..Default::default() }.encode_to_vec().into();
    let client_ref = server.client_ref().to_field();
    let request = EditRequest { room: room.clone(), client_ref, target_seq, body };
    server.call::<rpc::Edit>(by, &request).unwrap().seq
}

fn delete(server: &mut Server, by: usize, room: &Bytes, target_seq: u64) {
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::Delete>(by, &request).unwrap();
}

fn remove(server: &mut Server, by: usize, room: &Bytes, whom: usize) {
    let user = server.clients[whom].user.to_field();
    let request = RemoveMemberRequest { room: room.clone(), user };
    server.call::<rpc::RemoveMember>(by, &request).unwrap();
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn a_hit_is_the_message_as_it_is_stored_with_its_newest_edit() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "Lunch at noon?");
    send(&mut server, ben, &room, "dinner");
    server.index();
    let (hits, last) = ask(&mut server, ben, &words("noon LUNCH")).unwrap();
    assert_eq!((hits.len(), last.building, last.next_page.len()), (1, false, 0));
    let hit = &hits[0];
    assert_eq!((&hit.room, hit.indexed_seq, &hit.edit), (&room, seq + 1, &None));
    let event = hit.message.clone().unwrap();
    assert_eq!(event.header.unwrap().seq, seq);
    let text = MessagePosted::decode(event.body).unwrap().text;
    let marked = |hit: &SearchHit, text: &str| -> Vec<String> {
        let part = |part: &Highlight| {
            text[part.offset as usize..(part.offset + part.len) as usize].to_owned()
        };
        hit.highlights.iter().map(part).collect()
    };
    assert_eq!(marked(hit, &text), ["Lunch", "noon"]);
    let edited = edit(&mut server, ann, &room, seq, "Lunch at one!");
    server.index();
    let (hits, _) = ask(&mut server, ben, &words("lunch one")).unwrap();
    let event = hits[0].edit.clone().unwrap();
    assert_eq!(event.header.unwrap().seq, edited);
    let text = MessageEdited::decode(event.body).unwrap().text;
    assert_eq!(marked(&hits[0], &text), ["Lunch", "one"]);
    assert_eq!(find(&mut server, ben, &words("noon")), [0; 0]);
}

#[test]
fn an_index_that_is_late_finds_nothing_that_is_not_so() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let edited = send(&mut server, ann, &room, "a secret plan");
    let deleted = send(&mut server, ann, &room, "a secret date");
    let stays = send(&mut server, ann, &room, "a secret place");
    server.index();
    assert_eq!(find(&mut server, ben, &words("secret")), [stays, deleted, edited]);
    edit(&mut server, ann, &room, edited, "nothing of the kind");
    delete(&mut server, ann, &room, deleted);
    assert_eq!(find(&mut server, ben, &words("secret")), [stays], "as the log has it now");
    assert_eq!(find(&mut server, ben, &words("nothing")), [0; 0], "not known yet");
    server.index();
    assert_eq!(find(&mut server, ben, &words("secret")), [stays]);
    assert_eq!(find(&mut server, ben, &words("nothing")), [edited]);
    // An edit of what is deleted before the index has seen either.
    edit(&mut server, ann, &room, stays, "a secret palace");
    delete(&mut server, ann, &room, stays);
    server.index();
    assert_eq!(find(&mut server, ben, &words("secret")), [0; 0]);
}

#[test]
fn nobody_finds_what_they_may_not_read() {
    let mut server = Server::new();
    let clients = ["ann", "ben", "cyd"].map(|name| server.connect(name));
    let [ann, ben, cyd] = clients;
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "secret");
    let with = Some(parlour_inproc::user(server.clients[ben].user));
    let direct = server.call::<rpc::OpenDirect>(ann, &OpenDirectRequest { with }).unwrap();
    let direct = direct.room.unwrap().id;
    let private = send(&mut server, ben, &direct, "secret, too");
    server.index();
    let in_room = SearchMessagesRequest { rooms: vec![room.clone()], ..words("secret") };
    for who in [ann, ben] {
        assert_eq!(find(&mut server, who, &words("secret")).len(), 2);
        assert_eq!(find(&mut server, who, &in_room), [seq]);
    }
    assert_eq!(find(&mut server, cyd, &words("secret")), [0; 0]);
    assert_eq!(reason(ask(&mut server, cyd, &in_room)), ErrorReason::RoomNotFound);
    // Gone at once, whatever the index and the rows of the user say.
    server.drop_effects = true;
    remove(&mut server, ann, &room, ben);
    assert_eq!(find(&mut server, ben, &words("secret")), [private]);
    assert_eq!(reason(ask(&mut server, ben, &in_room)), ErrorReason::RoomNotFound);
    server.drop_effects = false;
    server.recover();
    assert_eq!(find(&mut server, ben, &words("secret")), [private]);
    // Whoever comes later finds what was said before, as they may read it.
    let members = vec![parlour_inproc::user(server.clients[cyd].user)];
    let request = AddMembersRequest { room: room.clone(), members };
    server.call::<rpc::AddMembers>(ann, &request).unwrap();
    server.run();
    assert_eq!(find(&mut server, cyd, &words("secret")), [seq]);
}

fn change(server: &mut Server, by: usize, changes: Vec<What>) {
    let changes = changes.into_iter().map(|what| Change { change: Some(what) }).collect();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(by, &request).unwrap();
    server.deliver();
}

#[test]
fn rooms_of_the_directory_are_searched_by_those_who_are_in_them_now() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let node = |key: &str, kind: NodeKind, parent: Option<&str>| {
        What::PutNode(PutNode {
            key: key.into(),
            kind: kind as i32,
            parent: parent.map(ToOwned::to_owned),
            name: Some(format!("node {key}")),
            ..PutNode::default()
        })
    };
    let nodes = vec![
        node("", NodeKind::Organization, None),
        node("sales", NodeKind::Department, Some("")),
        node("north", NodeKind::Team, Some("sales")),
    ];
    change(&mut server, ann, nodes);
    let ben = server.connect("ben");
    let member = |key: &str| {
        What::PutMembership(PutMembership {
            node: key.into(),
            subject: "ben".into(),
            ..PutMembership::default()
        })
    };
    change(&mut server, ann, vec![member("north")]);
    let org = parlour_core::identity::org_id("acme");
    let department = parlour_core::identity::node_id(org, "sales").to_field();
    let seq = send(&mut server, ben, &department, "quarterly numbers");
    server.index();
    let cyd = server.connect("cyd");
    assert_eq!(find(&mut server, ben, &words("numbers")), [seq]);
    assert_eq!(find(&mut server, cyd, &words("numbers")), [0; 0]);
    let end = EndMembership { node: "north".into(), subject: "ben".into() };
    change(&mut server, ann, vec![What::EndMembership(end)]);
    assert_eq!(find(&mut server, ben, &words("numbers")), [0; 0]);
}

#[test]
fn threads_senders_times_and_links_narrow_it_down() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let root = send(&mut server, ann, &room, "where to?");
    server.advance(Duration::from_secs(1));
    let reply = SendRequest { thread_root_seq: root, ..message(&mut server, &room, "to the sea") };
    let reply = server.call::<rpc::Send>(ben, &reply).unwrap();
    server.advance(Duration::from_secs(1));
    let link = send(&mut server, ann, &room, "to https://sea.example");
    server.index();
    let all = words("to");
    assert_eq!(find(&mut server, ann, &all), [link, reply.seq, root]);
    let thread =
        SearchMessagesRequest { thread_root_seq: root, rooms: vec![room.clone()], ..all.clone() };
    assert_eq!(find(&mut server, ann, &thread), [reply.seq, root]);
    let nowhere = SearchMessagesRequest { rooms: vec![], ..thread };
    assert_eq!(reason(ask(&mut server, ann, &nowhere)), ErrorReason::InvalidField);
    let senders = vec![server.clients[ben].user.to_field()];
    let sender = SearchMessagesRequest { senders, ..all.clone() };
    assert_eq!(find(&mut server, ann, &sender), [reply.seq]);
    let alone = SearchMessagesRequest { text: String::new(), ..sender };
    assert_eq!(find(&mut server, ann, &alone), [reply.seq]);
    let after = SearchMessagesRequest { after_ms: reply.at_ms, ..all.clone() };
    assert_eq!(find(&mut server, ann, &after), [link, reply.seq]);
    let before = SearchMessagesRequest { before_ms: reply.at_ms, ..all.clone() };
    assert_eq!(find(&mut server, ann, &before), [root]);
    let links = SearchMessagesRequest { has_link: true, ..Default::default() };
    assert_eq!(find(&mut server, ann, &links), [link]);
    let files = SearchMessagesRequest { has_file: true, ..all.clone() };
    assert_eq!(find(&mut server, ann, &files), [0; 0]);
    let phrase = SearchMessagesRequest { phrases: vec!["the sea".into()], ..Default::default() };
    assert_eq!(find(&mut server, ann, &phrase), [reply.seq]);
    let typed = SearchMessagesRequest { last_is_prefix: true, ..words("to se") };
    assert_eq!(find(&mut server, ann, &typed), [link, reply.seq]);
}

#[test]
fn pages_lead_on_to_the_end_also_over_what_is_gone() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let mut all: Vec<u64> =
        (0..40).map(|n| send(&mut server, ann, &room, &format!("x {n}"))).collect();
    server.index();
    for _ in 0..15 {
        delete(&mut server, ann, &room, all.remove(10));
    }
    all.reverse();
    let (mut found, mut page) = (vec![], Bytes::new());
    loop {
        let request = SearchMessagesRequest { page, limit: 4, ..words("x") };
        let (hits, last) = ask(&mut server, ann, &request).unwrap();
        assert!(hits.len() <= 4);
        found.extend(hits.into_iter().map(|hit| hit.message.unwrap().header.unwrap().seq));
        page = last.next_page;
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(found, all);
    // Large ones come in several items.
    let long = format!("long {}", "word ".repeat(3000));
    for _ in 0..20 {
        send(&mut server, ann, &room, &long);
    }
    server.index();
    let request = SearchMessagesRequest { limit: 20, ..words("long") };
    let items = server.bulk::<rpc::SearchMessages>(ann, &request).unwrap();
    assert!(items.len() > 1 && items.iter().all(|item| item.encoded_len() < 256 * 1024));
    assert_eq!(items.iter().map(|item| item.hits.len()).sum::<usize>(), 20);
    assert!(items.iter().flat_map(|item| &item.hits).all(|hit| hit.highlights.len() == 1));
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    server.index();
    let refused = [
        SearchMessagesRequest::default(),
        words("?!"),
        words(&"x".repeat(513)),
        SearchMessagesRequest { limit: 51, ..words("x") },
        SearchMessagesRequest { page: Bytes::from_static(b"nonsense"), ..words("x") },
        SearchMessagesRequest { order: 99, ..words("x") },
        SearchMessagesRequest { rooms: vec![Bytes::from_static(b"no id")], ..words("x") },
        SearchMessagesRequest { rooms: vec![room; 101], ..words("x") },
        SearchMessagesRequest { senders: vec![Bytes::from_static(b"no id")], ..words("x") },
    ];
    for request in refused {
        let result = ask(&mut server, ann, &request);
        assert_eq!(reason(result), ErrorReason::InvalidField, "{request:?}");
    }
    let mut server = Server::with(Arc::new(Memory::new([1; 16])), None);
    let ann = server.connect("ann");
    assert_eq!(reason(ask(&mut server, ann, &words("x"))), ErrorReason::SearchDisabled);
}

#[test]
fn an_index_that_is_made_later_says_so_until_it_has_all() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::with(store.clone(), None);
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let mut seqs: Vec<u64> =
        (0..1200).map(|n| send(&mut server, ann, &room, &format!("x{n} y"))).collect();
    edit(&mut server, ann, &room, seqs[3], "other");
    delete(&mut server, ann, &room, seqs[5]);
    drop(server);
    let index: Arc<MemorySearch> = Arc::default();
    let mut server = Server::with(store.clone(), Some(index.clone()));
    let ann = server.connect("ann");
    let (hits, last) = ask(&mut server, ann, &words("y")).unwrap();
    assert!(hits.is_empty() && last.building);
    server.index();
    let (hits, last) = ask(&mut server, ann, &words("x1")).unwrap();
    assert_eq!((hits.len(), last.building), (1, false));
    assert_eq!(find(&mut server, ann, &words("x3")), [0; 0]);
    assert_eq!(find(&mut server, ann, &words("x5")), [0; 0]);
    assert_eq!(find(&mut server, ann, &words("other")), [seqs[3]]);
    // Another start over the same index has only the rest to read, and all is there once.
    seqs.push(send(&mut server, ann, &room, "the last y"));
    drop(server);
    let mut server = Server::with(store, Some(index));
    let ann = server.connect("ann");
    server.index();
    let request = SearchMessagesRequest { limit: 50, ..words("y") };
    let expected: Vec<u64> = seqs.iter().rev().take(50).copied().collect();
    assert_eq!(find(&mut server, ann, &request), expected);
}

#[test]
fn an_index_that_is_ahead_of_the_logs_is_not_theirs() {
    let index: Arc<MemorySearch> = Arc::default();
    let mut server = Server::with(Arc::new(Memory::new([1; 16])), Some(index.clone()));
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    (0..3).for_each(|n| assert!(send(&mut server, ann, &room, &format!("lost {n}")) > 0));
    server.index();
    // The same room in a store that has lost its last messages, as from a copy of the disk.
    let mut server = Server::with(Arc::new(Memory::new([1; 16])), Some(index));
    let ann = server.connect("ann");
    assert_eq!(group(&mut server, ann, &[]), room);
    send(&mut server, ann, &room, "kept");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(Feed::open(server.node.clone())).map(drop).unwrap_err();
    assert_eq!(refused, FeedError::Ahead);
    assert!(refused.needs_reset());
    runtime.block_on(server.node.search.port().unwrap().reset()).unwrap();
    server.index();
    assert_eq!(find(&mut server, ann, &words("kept")).len(), 1);
    assert_eq!(find(&mut server, ann, &words("lost")), [0; 0]);
}

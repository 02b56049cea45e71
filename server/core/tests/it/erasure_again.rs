//! Erasures that stop, that can't do all, and people who come back after one.

use crate::erased::*;
use std::sync::Arc;

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::{
    draft::{Draft as StoreDraft, RowsDraft},
    identity,
    ports::store::{Put, Shard},
    tables::Table,
};
use parlour_inproc::{Server, send};
use parlour_protocol::{
    compliance::*,
    directory::{change::Change as What, *},
    generated::rpc,
    ids::RoomId,
    room::{UserRef, user_ref},
    settings::GetSettingsRequest,
    wire::Error,
};

#[test]
fn a_group_of_somebody_who_was_erased_can_still_be_handed_over() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    let room = RoomId::parse(&told.group).unwrap();
    let creator = |server: &Server| {
        let cell = server.runtime.block_on(server.node.room(identity::org_id("acme"), room));
        cell.unwrap().unwrap().state().creator
    };
    assert_eq!(creator(&server), told.id);
    let over = HandOver { from: "zoe-secret".into(), to: "ben".into() };
    change(&mut server, root, What::HandOver(over)).unwrap();
    assert_eq!(creator(&server), server.clients[ben].user);
}

#[test]
fn a_room_that_can_not_be_read_keeps_nothing_else_and_is_done_once_it_can() {
    let store = Arc::new(Memory::new([1; 16]));
    let (mut server, root, ben) = acme_over(store.clone());
    let (zoe, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    let user = UserRef { user: Some(user_ref::User::Id(told.id.to_field())) };
    ask(&mut server, root, "zoe-secret").unwrap();
    let room = RoomId::parse(&told.group).unwrap();
    let users = [server.clients[zoe].user, server.clients[ben].user];
    // A member who can't be one.
    let wrong = Bytes::from([room.as_bytes(), &[7][..]].concat());
    let write = |server: &mut Server, value: Option<Bytes>| {
        let put = Put { table: Table::MEMBERS, key: wrong.clone(), value };
        let rows = RowsDraft::new(Shard::Room(room), vec![put]);
        server.try_commit(StoreDraft::Rows(Box::new(rows))).unwrap();
    };
    write(&mut server, Some(Bytes::new()));
    let mut server = Server::over(store.clone());
    let root = server.connect("root");
    assert_eq!(server.erase(ALL), [None]);
    let now_so = erasures(&mut server, root).remove(0);
    assert!(now_so.done_ms == 0 && !now_so.trouble.is_empty(), "{now_so:?}");
    let left = holding(&server, &rooms_of(&told), &users, "secret");
    assert!(
        left.iter().all(|place| place.contains(&room.to_string()) || place == "erasures"),
        "{left:?}"
    );
    let mut times = 1;
    while server.erase(ALL) == [None] {
        times += 1;
        assert!(times < 50);
    }
    let done = erasures(&mut server, root).remove(0);
    assert!(done.done_ms > 0 && done.damaged == 1 && times == 10, "{done:?} after {times}");
    write(&mut server, None);
    let mut server = Server::over(store);
    let root = server.connect("root");
    let request = EraseUserRequest { user: Some(user) };
    server.call::<rpc::EraseUser>(root, &request).unwrap();
    assert_eq!(server.erase(ALL), [Some(2)]);
    assert_eq!(holding(&server, &rooms_of(&told), &users, "secret"), Vec::<String>::new());
    assert_eq!(erasures(&mut server, root).remove(0).damaged, 0);
}

#[test]
fn an_erasure_that_stops_anywhere_goes_on_from_there() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    let mut stops = 0;
    // One draft more each time, as what was done before is found to be.
    while server.erase(stops) == [None] {
        stops += 1;
        assert!(stops < 200, "it comes to an end");
    }
    assert!(stops > 5, "it stopped {stops} times");
    let users = [told.id, server.clients[ben].user, server.clients[root].user];
    assert_eq!(holding(&server, &rooms_of(&told), &users, "secret"), Vec::<String>::new());
    assert_eq!(texts(&mut server, ben, &told.group), ["of ben, too"]);
    let done = erasures(&mut server, root).remove(0);
    assert!(done.done_ms > 0 && done.deleted <= 3, "{done:?}");
}

#[test]
fn whoever_was_erased_comes_back_only_as_somebody_new() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    let id = ask(&mut server, root, "zoe-secret").unwrap();
    let field = |result: Result<(), Error>| result.unwrap_err().violations[0].problem.clone();
    let under_way = change(&mut server, root, put("zoe-secret", Some(false)));
    assert_eq!(field(under_way), "is being erased");
    server.erase(ALL);
    let said = field(change(&mut server, root, put("zoe-secret", None)));
    assert!(said.starts_with("was erased"), "{said}");
    let member =
        PutMembership { node: "one".into(), subject: "zoe-secret".into(), ..Default::default() };
    let one = PutNode {
        key: "one".into(),
        kind: NodeKind::Department as i32,
        name: Some("One".into()),
        ..Default::default()
    };
    change(&mut server, root, What::PutNode(one)).unwrap();
    assert!(change(&mut server, root, What::PutMembership(member)).is_err());
    change(&mut server, root, put("zoe-secret", Some(false))).unwrap();
    let now_shown = shown(&mut server, ben, &id);
    assert_eq!((&*now_shown.name, now_shown.profile.is_some()), ("zoe-secret", false));
    let member =
        PutMembership { node: "one".into(), subject: "zoe-secret".into(), ..Default::default() };
    change(&mut server, root, What::PutMembership(member)).unwrap();
    let zoe = server.connect("zoe-secret");
    let one = identity::node_id(identity::org_id("acme"), "one").to_field();
    assert_eq!(texts(&mut server, zoe, &one), Vec::<String>::new(), "they are in its room");
    let row = server.node.user_row(identity::org_id("acme"), told.id);
    assert!(server.runtime.block_on(row).unwrap().unwrap().seen, "and their own log is told so");
    let settings = server.call::<rpc::GetSettings>(zoe, &GetSettingsRequest::default()).unwrap();
    assert!(settings.settings.unwrap_or_default().keywords.is_empty());
    assert_eq!(texts(&mut server, zoe, &told.direct), ["of ben"], "a direct room stays its two's");
    send(&mut server, zoe, &told.direct, "hello again");
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    assert_eq!(server.erase(ALL), [Some(1)], "and can be erased again");
}

//! Unread counts by subtraction are what a count over the whole log would give.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use parlour_inproc::Server;
use parlour_protocol::{generated::rpc, marker::*, message::*, room::*, sync::*};
use proptest::prelude::*;
use prost::Message;

/// Something a user does in the room, by index of the user.
#[derive(Clone, Debug)]
enum Step {
    Send { by: usize, mentions: Option<usize>, everyone: bool },
    Delete { by: usize, which: usize },
    Read { by: usize, which: usize },
    Unread { by: usize, which: usize },
    Retain { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let by = 0usize..3;
    prop_oneof![
        4 => (by.clone(), prop::option::of(0usize..3), prop::bool::weighted(0.2))
            .prop_map(|(by, mentions, everyone)| Step::Send { by, mentions, everyone }),
        1 => (by.clone(), any::<usize>()).prop_map(|(by, which)| Step::Delete { by, which }),
        2 => (by.clone(), any::<usize>()).prop_map(|(by, which)| Step::Read { by, which }),
        1 => (by, any::<usize>()).prop_map(|(by, which)| Step::Unread { by, which }),
        1 => any::<usize>().prop_map(|which| Step::Retain { which }),
    ]
}

/// A message as a patient person would remember it.
struct Remembered {
    seq: u64,
    by: usize,
    mentions: BTreeSet<usize>,
    everyone: bool,
    deleted: bool,
    at_ms: u64,
}

/// The room as somebody would keep it on paper.
#[derive(Default)]
struct Paper {
    messages: Vec<Remembered>,
    read_up_to: BTreeMap<usize, u64>,
    head: u64,
}

impl Paper {
    fn unread(&self, user: usize) -> Unread {
        let from = self.read_up_to.get(&user).copied().unwrap_or(0);
        let new = || self.messages.iter().filter(|m| m.seq > from && !m.deleted);
        // A message that names its own sender mentions nobody.
        let to_me = |m: &&Remembered| m.everyone || m.mentions.contains(&user) && m.by != user;
        let mentions = new().filter(to_me).count() as u64;
        let messages = new().count() as u64;
        Unread { messages, mentions }
    }
}

fn digest(server: &mut Server, client: usize) -> RoomDigest {
    let items = server.bulk::<rpc::Sync>(client, &SyncRequest::default()).unwrap();
    let mut digests = items.into_iter().filter_map(|item| match item.item {
        Some(sync_item::Item::Digests(digests)) => digests.rooms.into_iter().next(),
        _ => None,
    });
    digests.next().unwrap()
}

fn play(server: &mut Server, paper: &mut Paper, room: &Bytes, step: Step) {
    let users: Vec<Bytes> = server.clients.iter().map(|c| c.user.to_field()).collect();
    match step {
        Step::Send { by, mentions, everyone } => {
            let request = SendRequest {
                room: room.clone(),
                client_ref: server.client_ref().to_field(),
                body: MessagePosted { text: "text".into(), ..MessagePosted::default() }
                    .encode_to_vec()
                    .into(),
                mentions: mentions.iter().map(|m| users[*m].clone()).collect(),
                mention_everyone: everyone,
                ..SendRequest::default()
            };
            let seq = server.call::<rpc::Send>(by, &request).unwrap().seq;
            let mentions = mentions.into_iter().collect();
            let at_ms = server.node.now().unix_ms;
            let deleted = false;
            paper.messages.push(Remembered { seq, by, mentions, everyone, deleted, at_ms });
            server.advance(Duration::from_secs(5));
            paper.read_up_to.insert(by, seq);
            paper.head = seq;
        }
        Step::Delete { by, which } => {
            let own = paper.messages.iter_mut().filter(|m| m.by == by && !m.deleted);
            let mut own: Vec<_> = own.collect();
            if own.is_empty() {
                return;
            }
            let at = which % own.len();
            let request = DeleteRequest {
                room: room.clone(),
                client_ref: server.client_ref().to_field(),
                target_seq: own[at].seq,
            };
            paper.head = server.call::<rpc::Delete>(by, &request).unwrap().seq;
            own[at].deleted = true;
        }
        Step::Read { by, which } => {
            let seq = 1 + which as u64 % paper.head;
            let request = MarkReadRequest { room: room.clone(), seq };
            let answer = server.call::<rpc::MarkRead>(by, &request).unwrap();
            let read = paper.read_up_to.entry(by).or_default();
            *read = (*read).max(seq);
            assert_eq!(answer.unread, Some(paper.unread(by)), "as answered");
        }
        Step::Unread { by, which } => {
            let seq = 1 + which as u64 % paper.head;
            let request = MarkUnreadRequest { room: room.clone(), seq };
            let answer = server.call::<rpc::MarkUnread>(by, &request).unwrap();
            paper.read_up_to.insert(by, seq - 1);
            assert_eq!(answer.unread, Some(paper.unread(by)), "as answered");
        }
        Step::Retain { which } => {
            let Some(upto) = which.checked_rem(paper.messages.len()) else { return };
            let max_age_ms = server.node.now().unix_ms - paper.messages[upto].at_ms;
            let deleted = server.retain_older(0, room, max_age_ms);
            let there = paper.messages[..=upto].iter_mut().filter(|m| !m.deleted);
            let gone = there.map(|m| m.deleted = true).count() as u64;
            assert_eq!(deleted, gone);
            paper.head += gone.div_ceil(256);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn counts_are_what_counting_gives(steps in prop::collection::vec(step(), 1..60)) {
        let mut server = Server::new();
        for name in ["ada", "bob", "cyd"] {
            server.connect(name);
        }
        let members = server.clients.iter().map(|client| UserRef {
            user: Some(user_ref::User::Id(client.user.to_field())),
        });
        let request = CreateGroupRequest {
            name: "team".into(),
            members: members.collect(),
            client_ref: Bytes::from_static(&[1; 16]),
        };
        let room = server.call::<rpc::CreateGroup>(0, &request).unwrap().room.unwrap().id;
        let mut paper = Paper { head: 1, ..Paper::default() };
        for step in steps {
            play(&mut server, &mut paper, &room, step.clone());
            for client in 0..3 {
                let digest = digest(&mut server, client);
                prop_assert_eq!(digest.seq, paper.head);
                let (had, expected) = (digest.unread.unwrap(), paper.unread(client));
                prop_assert_eq!(had, expected, "user {} after {:?}", client, step);
            }
        }
    }
}

//! Unread counts of threads by subtraction, and of the room beside them, are what counting gives.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use parlour_inproc::{Server, group, message};
use parlour_protocol::{generated::rpc, marker::*, message::*, sync::*, thread::*};
use proptest::prelude::*;

/// Something a user does in the room, by index of the user.
#[derive(Clone, Debug)]
enum Step {
    Send { by: usize },
    Reply { by: usize, root: usize, mentions: Option<usize> },
    Delete { by: usize, which: usize },
    Read { by: usize, which: usize },
    Unread { by: usize, which: usize },
    Follow { by: usize, root: usize, on: bool },
    Retain { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let by = 0usize..3;
    prop_oneof![
        1 => by.clone().prop_map(|by| Step::Send { by }),
        5 => (by.clone(), any::<usize>(), prop::option::of(0usize..3))
            .prop_map(|(by, root, mentions)| Step::Reply { by, root, mentions }),
        1 => (by.clone(), any::<usize>()).prop_map(|(by, which)| Step::Delete { by, which }),
        2 => (by.clone(), any::<usize>()).prop_map(|(by, which)| Step::Read { by, which }),
        1 => (by.clone(), any::<usize>()).prop_map(|(by, which)| Step::Unread { by, which }),
        1 => (by, any::<usize>(), any::<bool>())
            .prop_map(|(by, root, on)| Step::Follow { by, root, on }),
        1 => any::<usize>().prop_map(|which| Step::Retain { which }),
    ]
}

struct Remembered {
    seq: u64,
    /// 0 for a message of the room itself.
    root: u64,
    by: usize,
    mentions: BTreeSet<usize>,
    deleted: bool,
    at_ms: u64,
}

/// The room as somebody would keep it on paper.
#[derive(Default)]
struct Paper {
    messages: Vec<Remembered>,
    room_read: BTreeMap<usize, u64>,
    /// Up to where who has read which thread they follow.
    follows: BTreeMap<(usize, u64), u64>,
}

impl Paper {
    fn unread(&self, user: usize, root: u64, from: u64) -> Unread {
        let of = |m: &&Remembered| m.root == root && m.seq > from && !m.deleted;
        let new = || self.messages.iter().filter(of);
        let to_me = |m: &&Remembered| m.mentions.contains(&user) && m.by != user;
        Unread { messages: new().count() as u64, mentions: new().filter(to_me).count() as u64 }
    }

    fn threads(&self, user: usize) -> BTreeMap<u64, Unread> {
        let mine = self.follows.iter().filter(|((of, _), _)| *of == user);
        mine.map(|((_, root), from)| (*root, self.unread(user, *root, *from))).collect()
    }

    fn one(&self, which: usize, fits: impl Fn(&Remembered) -> bool) -> Option<usize> {
        let all: Vec<usize> =
            (0..self.messages.len()).filter(|at| fits(&self.messages[*at])).collect();
        (!all.is_empty()).then(|| all[which % all.len()])
    }

    fn reply(&mut self, by: usize, root: u64, (seq, at_ms): (u64, u64), mentions: BTreeSet<usize>) {
        let author = self.messages.iter().find(|m| m.seq == root).unwrap().by;
        let is_first = !self.messages.iter().any(|m| m.root == root);
        for user in mentions.iter().filter(|user| **user != by) {
            self.follows.entry((*user, root)).or_insert(seq - 1);
        }
        if is_first && author != by {
            self.follows.entry((author, root)).or_insert(root);
        }
        self.follows.insert((by, root), seq);
        self.messages.push(Remembered { seq, root, by, mentions, deleted: false, at_ms });
    }
}

fn play(server: &mut Server, paper: &mut Paper, room: &Bytes, step: Step) {
    let users: Vec<Bytes> = server.clients.iter().map(|c| c.user.to_field()).collect();
    match step {
        Step::Send { by } => {
            let request = message(server, room, "text");
            let seq = server.call::<rpc::Send>(by, &request).unwrap().seq;
            paper.room_read.insert(by, seq);
            let mentions = BTreeSet::new();
            let at_ms = server.node.now().unix_ms;
            paper.messages.push(Remembered { seq, root: 0, by, mentions, deleted: false, at_ms });
            server.advance(Duration::from_secs(5));
        }
        Step::Reply { by, root, mentions } => {
            let Some(at) = paper.one(root, |m| m.root == 0 && !m.deleted) else { return };
            let thread_root_seq = paper.messages[at].seq;
            let named = mentions.iter().map(|m| users[*m].clone()).collect();
            let base = message(server, room, "text");
            let request = SendRequest { thread_root_seq, mentions: named, ..base };
            let seq = server.call::<rpc::Send>(by, &request).unwrap().seq;
            let place = (seq, server.node.now().unix_ms);
            paper.reply(by, thread_root_seq, place, mentions.into_iter().collect());
            server.advance(Duration::from_secs(5));
        }
        Step::Delete { by, which } => {
            let Some(at) = paper.one(which, |m| m.by == by && !m.deleted) else { return };
            let target_seq = paper.messages[at].seq;
            let client_ref = server.client_ref().to_field();
            let request = DeleteRequest { room: room.clone(), client_ref, target_seq };
            server.call::<rpc::Delete>(by, &request).unwrap();
            paper.messages[at].deleted = true;
        }
        Step::Read { by, which } | Step::Unread { by, which } => {
            let mine = |m: &Remembered| paper.follows.contains_key(&(by, m.root));
            let Some(at) = paper.one(which, |m| m.root > 0 && mine(m)) else { return };
            let (seq, root_seq, room) =
                (paper.messages[at].seq, paper.messages[at].root, room.clone());
            let read = paper.follows.get_mut(&(by, root_seq)).unwrap();
            let answer = if matches!(step, Step::Read { .. }) {
                *read = (*read).max(seq);
                let request = MarkThreadReadRequest { room, root_seq, seq };
                server.call::<rpc::MarkThreadRead>(by, &request).unwrap().unread
            } else {
                *read = seq - 1;
                let request = MarkThreadUnreadRequest { room, root_seq, seq };
                server.call::<rpc::MarkThreadUnread>(by, &request).unwrap().unread
            };
            let from = *read;
            assert_eq!(answer, Some(paper.unread(by, root_seq, from)), "as answered");
        }
        Step::Follow { by, root, on } => {
            let Some(at) = paper.one(root, |m| m.root == 0 && !m.deleted) else { return };
            let (root_seq, room) = (paper.messages[at].seq, room.clone());
            let last = paper.messages.iter().filter(|m| m.root == root_seq).map(|m| m.seq).max();
            if on {
                let request = FollowThreadRequest { room, root_seq };
                server.call::<rpc::FollowThread>(by, &request).unwrap();
                paper.follows.entry((by, root_seq)).or_insert(last.unwrap_or(root_seq));
            } else {
                let request = UnfollowThreadRequest { room, root_seq };
                server.call::<rpc::UnfollowThread>(by, &request).unwrap();
                paper.follows.remove(&(by, root_seq));
            }
        }
        Step::Retain { which } => retain(server, paper, room, which),
    }
    server.deliver();
}

/// Everything up to one of the messages is too old.
fn retain(server: &mut Server, paper: &mut Paper, room: &Bytes, which: usize) {
    let Some(upto) = which.checked_rem(paper.messages.len()) else { return };
    let max_age_ms = server.node.now().unix_ms - paper.messages[upto].at_ms;
    let deleted = server.retain_older(0, room, max_age_ms);
    let there = paper.messages[..=upto].iter_mut().filter(|m| !m.deleted);
    assert_eq!(deleted, there.map(|m| m.deleted = true).count() as u64);
}

fn digest(server: &mut Server, client: usize) -> RoomDigest {
    let items = server.bulk::<rpc::Sync>(client, &SyncRequest::default()).unwrap();
    let mut digests = items.into_iter().filter_map(|item| match item.item {
        Some(sync_item::Item::Digests(digests)) => digests.rooms.into_iter().next(),
        _ => None,
    });
    digests.next().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn counts_are_what_counting_gives(steps in prop::collection::vec(step(), 1..60)) {
        let mut server = Server::new();
        for name in ["ada", "bob", "cyd"] {
            server.connect(name);
        }
        let room = group(&mut server, 0, &[1, 2]);
        let mut paper = Paper::default();
        for step in steps {
            play(&mut server, &mut paper, &room, step.clone());
            for user in 0..3 {
                let digest = digest(&mut server, user);
                let from = paper.room_read.get(&user).copied().unwrap_or(0);
                prop_assert_eq!(digest.unread.unwrap(), paper.unread(user, 0, from));
                let had: BTreeMap<u64, Unread> = digest
                    .threads
                    .iter()
                    .map(|t| (t.thread.as_ref().unwrap().root_seq, t.unread.unwrap()))
                    .collect();
                prop_assert_eq!(had, paper.threads(user), "user {} after {:?}", user, step);
            }
        }
    }
}

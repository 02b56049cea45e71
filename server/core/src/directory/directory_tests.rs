//! The tree by itself, against a model that works everything out from scratch.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parlour_protocol::{
    directory::NodeKind,
    ids::{OrgId, RoomId, UserId},
};
use proptest::prelude::*;

use super::{Change, Directory, NodeRecord, Role};
use crate::identity;

const ORG: OrgId = OrgId::from_bytes([9; 16]);

fn node(key: u8) -> RoomId {
    let key = if key == 0 { String::new() } else { key.to_string() };
    identity::node_id(ORG, &key)
}

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn record(key: u8, parent: Option<u8>, archived: bool) -> NodeRecord {
    NodeRecord {
        key: key.to_string().into(),
        kind: if key == 0 { NodeKind::Organization } else { NodeKind::Team },
        parent: parent.map(node),
        name: "node".into(),
        topic: String::new(),
        private: false,
        archived,
        creator: user(0),
        overrides: Arc::default(),
    }
}

fn role(name: &str) -> Option<Role> {
    Role::parse(name).ok()
}

/// What the rule says, word by word: parent, archived, direct members by node; roles at the root.
#[derive(Default)]
struct Model {
    nodes: BTreeMap<u8, (Option<u8>, bool)>,
    members: BTreeSet<(u8, u8)>,
    guests: BTreeSet<u8>,
    deactivated: BTreeSet<u8>,
}

impl Model {
    fn is_member(&self, room: u8, who: u8) -> bool {
        if self.deactivated.contains(&who) {
            return false;
        }
        if self.guests.contains(&who) {
            return room != 0 && self.members.contains(&(room, who));
        }
        self.members.iter().any(|(at, user)| *user == who && self.flows(*at, room))
    }

    /// From a node up to one above it, unless one on the way is archived.
    fn flows(&self, from: u8, to: u8) -> bool {
        if from == to {
            return true;
        }
        let (parent, archived) = self.nodes[&from];
        !archived && parent.is_some_and(|parent| self.flows(parent, to))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Node { key: u8, parent: u8, archived: bool },
    Member { node: u8, user: u8, is: bool },
    Guest { user: u8, is: bool },
    Deactivated { user: u8, is: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..8_u8, 0..8_u8, prop::bool::weighted(0.2))
            .prop_map(|(key, parent, archived)| Step::Node { key, parent, archived }),
        (1..8_u8, 1..6_u8, any::<bool>()).prop_map(|(node, user, is)| Step::Member {
            node,
            user,
            is
        }),
        (1..6_u8, any::<bool>()).prop_map(|(user, is)| Step::Guest { user, is }),
        (1..6_u8, any::<bool>()).prop_map(|(user, is)| Step::Deactivated { user, is }),
    ]
}

/// The step as a change, if it is one that planning would let through.
fn change(model: &mut Model, step: &Step) -> Option<Change> {
    match *step {
        Step::Node { key, parent, archived } => {
            let parent = parent.min(key.saturating_sub(1));
            if !model.nodes.contains_key(&parent) {
                return None;
            }
            model.nodes.insert(key, (Some(parent), archived));
            Some(Change::Node(node(key), record(key, Some(parent), archived)))
        }
        Step::Member { node: at, user: who, is } => {
            if !model.nodes.contains_key(&at) {
                return None;
            }
            if is {
                model.members.insert((at, who));
            } else {
                model.members.remove(&(at, who));
            }
            Some(Change::Membership(node(at), user(who), role("member").filter(|_| is)))
        }
        Step::Guest { user: who, is } => {
            if is {
                model.guests.insert(who);
            } else {
                model.guests.remove(&who);
            }
            let role = role(if is { "guest" } else { "member" });
            Some(Change::Membership(node(0), user(who), role))
        }
        Step::Deactivated { user: who, is } => {
            if is {
                model.deactivated.insert(who);
            } else {
                model.deactivated.remove(&who);
            }
            Some(Change::Deactivated(user(who), is))
        }
    }
}

proptest! {
    #[test]
    fn members_are_what_the_rule_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model::default();
        model.nodes.insert(0, (None, false));
        let mut directory = Directory::new(ORG);
        directory.apply(&[Change::Node(node(0), record(0, None, false))]);
        for who in 1..6 {
            model.members.insert((0, who));
            directory.apply(&[Change::Membership(node(0), user(who), role("member"))]);
        }
        let mut followed: BTreeMap<RoomId, BTreeSet<UserId>> = BTreeMap::new();
        for key in 0..8 {
            followed.insert(node(key), directory.members_of(node(key)));
        }
        for step in &steps {
            let Some(change) = change(&mut model, step) else { continue };
            for (room, delta) in directory.apply(&[change]) {
                let members = followed.entry(room).or_default();
                members.extend(delta.joined);
                delta.left.iter().for_each(|user| { members.remove(user); });
            }
            for key in model.nodes.keys() {
                for who in 1..6 {
                    let expected = model.is_member(*key, who);
                    prop_assert_eq!(directory.is_member(node(*key), user(who)), expected);
                    prop_assert_eq!(directory.members_of(node(*key)).contains(&user(who)), expected);
                    prop_assert_eq!(followed[&node(*key)].contains(&user(who)), expected);
                }
            }
        }
    }
}

#[test]
fn roles_are_parsed() {
    assert!(Role::parse("team-lead_2").is_ok());
    for bad in ["", "Lead", "a b", "é", &"x".repeat(33)] {
        assert!(Role::parse(bad).is_err(), "{bad:?}");
    }
}

//! What has to change so that an organization is what a file says, each with a line for people.

use std::collections::{BTreeMap, BTreeSet};

use parlour_protocol::{
    directory::{
        Change, EndMembership, NodeKind, PutMembership, PutNode, PutUser, change::Change as What,
    },
    user::Profile,
};

use super::{
    Outcome, fail,
    file::{File, Node, User},
    state::State,
};

/// One change and what it is, in words.
pub(super) struct Step {
    pub(super) change: Change,
    pub(super) words: String,
}

fn step(what: What, words: String) -> Step {
    Step { change: Change { change: Some(what) }, words }
}

/// The changes from what is to what should be, in an order in which they can be made.
pub(super) fn diff(file: &File, state: &State, prune: bool) -> Outcome<Vec<Step>> {
    let mut steps = Vec::new();
    steps.extend(organization(file, state));
    for user in &file.users {
        steps.extend(put_user(user, state));
    }
    let nodes = parents_first(&file.nodes)?;
    for node in &nodes {
        steps.extend(put_node(node, state));
    }
    for node in &nodes {
        memberships(node, state, &mut steps);
    }
    if prune {
        pruned(file, state, &mut steps);
    }
    Ok(steps)
}

fn organization(file: &File, state: &State) -> Option<Step> {
    let wanted = &file.organization;
    let put = PutNode {
        kind: NodeKind::Organization as i32,
        name: Some(wanted.name.clone()),
        topic: wanted.topic.clone(),
        ..PutNode::default()
    };
    match state.nodes.get("") {
        None => Some(step(What::PutNode(put), format!("+ organization {}", wanted.name))),
        Some(is) => {
            let topic = wanted.topic.as_ref().is_none_or(|topic| *topic == is.topic);
            let same = is.name == wanted.name && topic;
            (!same).then(|| step(What::PutNode(put), format!("~ organization {}", wanted.name)))
        }
    }
}

fn put_user(wanted: &User, state: &State) -> Option<Step> {
    let profile = Profile {
        name: wanted.name.clone(),
        handle: wanted.handle.clone(),
        title: wanted.title.clone(),
        pronouns: wanted.pronouns.clone(),
        time_zone: wanted.time_zone.clone(),
        locale: wanted.locale.clone(),
        avatar: None,
    };
    let subject = &wanted.subject;
    let known = state.members_of("").and_then(|members| members.get(subject));
    let sign = match known {
        None => '+',
        Some(is) => {
            let user = is.user.clone().unwrap_or_default();
            let has = user.profile.unwrap_or_default();
            let role = wanted.role.as_ref().is_none_or(|role| *role == is.role);
            let same = [
                (&profile.name, &has.name),
                (&profile.handle, &has.handle),
                (&profile.title, &has.title),
                (&profile.pronouns, &has.pronouns),
                (&profile.time_zone, &has.time_zone),
                (&profile.locale, &has.locale),
            ];
            let fields = same.iter().all(|(wanted, has)| wanted.is_none() || wanted == has);
            if role && fields && user.deactivated == wanted.deactivated.unwrap_or(false) {
                return None;
            }
            '~'
        }
    };
    let put = PutUser {
        subject: subject.clone(),
        role: wanted.role.clone(),
        profile: (profile != Profile::default()).then_some(profile),
        // Whoever isn't there may have been erased: they come back only where the file says so.
        deactivated: wanted.deactivated.or(known.map(|_| false)),
    };
    Some(step(What::PutUser(put), format!("{sign} user {subject}")))
}

fn put_node(wanted: &Node, state: &State) -> Option<Step> {
    let put = PutNode {
        key: wanted.key.clone(),
        kind: wanted.kind.on_the_wire() as i32,
        parent: Some(wanted.parent.clone()),
        name: Some(wanted.name.clone()),
        topic: wanted.topic.clone(),
        private: Some(wanted.private),
        archived: Some(wanted.archived),
    };
    let kind = format!("{:?}", wanted.kind).to_lowercase();
    let Some(is) = state.nodes.get(&wanted.key) else {
        return Some(step(What::PutNode(put), format!("+ {kind} {}", wanted.key)));
    };
    let topic = wanted.topic.as_ref().is_none_or(|topic| *topic == is.topic);
    let same = is.name == wanted.name && topic && is.private == wanted.private;
    // What is archived above makes it so as well; then it is left to the server to compare.
    let parent = state.parent_key(is);
    if same && parent == wanted.parent && is.archived == wanted.archived {
        return None;
    }
    let words = match parent == wanted.parent {
        true => format!("~ {kind} {}", wanted.key),
        false => format!("> {kind} {} moves below {:?}", wanted.key, wanted.parent),
    };
    Some(step(What::PutNode(put), words))
}

fn memberships(wanted: &Node, state: &State, steps: &mut Vec<Step>) {
    let Some(members) = &wanted.members else { return };
    let default = if wanted.kind.on_the_wire() == NodeKind::Task { "assignee" } else { "member" };
    let role = |subject: &String| wanted.roles.get(subject).map_or(default, String::as_str);
    let wanted_roles: BTreeMap<&String, &str> =
        members.iter().chain(wanted.roles.keys()).map(|subject| (subject, role(subject))).collect();
    let node = &wanted.key;
    let none = BTreeMap::new();
    let is = state.members_of(node).unwrap_or(&none);
    for (subject, role) in &wanted_roles {
        let has = is.get(*subject);
        if has.is_some_and(|has| has.role == *role) {
            continue;
        }
        let sign = if has.is_some() { '~' } else { '+' };
        let put = PutMembership {
            node: node.clone(),
            subject: (*subject).clone(),
            role: (*role).to_owned(),
        };
        let words = format!("{sign} {subject} in {node} as {role}");
        steps.push(step(What::PutMembership(put), words));
    }
    for subject in is.keys().filter(|subject| !wanted_roles.contains_key(subject)) {
        let end = EndMembership { node: node.clone(), subject: subject.clone() };
        steps.push(step(What::EndMembership(end), format!("- {subject} from {node}")));
    }
}

/// What the file doesn't name: nodes are archived, users deactivated.
fn pruned(file: &File, state: &State, steps: &mut Vec<Step>) {
    let named: BTreeSet<&str> = file.nodes.iter().map(|node| node.key.as_str()).collect();
    for (key, node) in &state.nodes {
        if key.is_empty() || named.contains(key.as_str()) || node.archived {
            continue;
        }
        let put = PutNode { key: key.clone(), archived: Some(true), ..PutNode::default() };
        steps.push(step(What::PutNode(put), format!("- node {key} is archived")));
    }
    let named: BTreeSet<&str> = file.users.iter().map(|user| user.subject.as_str()).collect();
    for (subject, membership) in state.members_of("").into_iter().flatten() {
        let gone = membership.user.as_ref().is_some_and(|user| user.deactivated);
        if named.contains(subject.as_str()) || gone {
            continue;
        }
        let put =
            PutUser { subject: subject.clone(), deactivated: Some(true), ..PutUser::default() };
        steps.push(step(What::PutUser(put), format!("- user {subject} is deactivated")));
    }
}

fn parents_first(nodes: &[Node]) -> Outcome<Vec<&Node>> {
    let by_key: BTreeMap<&str, &Node> =
        nodes.iter().map(|node| (node.key.as_str(), node)).collect();
    if by_key.len() < nodes.len() {
        return fail("two nodes have one key");
    }
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let mut order: Vec<&Node> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut path: Vec<&Node> = vec![];
        let mut at = Some(node);
        while let Some(node) = at.filter(|node| !placed.contains(node.key.as_str())) {
            if path.iter().any(|above| above.key == node.key) {
                return fail(format!("node {:?} stands below itself", node.key));
            }
            path.push(node);
            at = by_key.get(node.parent.as_str()).copied();
        }
        while let Some(node) = path.pop() {
            placed.insert(&node.key);
            order.push(node);
        }
    }
    Ok(order)
}

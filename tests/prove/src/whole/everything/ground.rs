//! What everybody stands on: a room, messages in it that nobody edits or deletes, a poll, a thread, an organization.

use std::sync::Arc;

use bytes::Bytes;
use parlour_features::{
    raw::Client,
    server::Server,
    world::{ORG, group, say, text},
};
use parlour_protocol::{
    directory::{Change, ChangeDirectoryRequest, NodeKind, PutNode, change::Change as What},
    generated::rpc::{ChangeDirectory, Send},
    message::MessagePosted,
    poll::{Poll, PollOption},
    wire::Hello,
};
use prost::Message;

use crate::whole::writers::{TOKEN_SECONDS, lasting_hello};

/// Messages that stay as they are, to be reacted to, pinned and saved.
const LASTING: usize = 20;
/// What the poll asks about.
pub(super) const OPTIONS: u32 = 4;
/// The key of the organization's own node.
const ROOT: &str = "";

/// What is there before anybody is killed.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) room: Bytes,
    pub(super) lasting: Vec<u64>,
    pub(super) poll: u64,
    pub(super) thread: u64,
}

impl Ground {
    /// Makes it, and the hellos of those who act on it. The first of them may change the directory.
    pub(super) async fn lay(server: &Server, doers: usize) -> (Arc<Ground>, Vec<Hello>) {
        let names: Vec<String> = (0..doers).map(|n| format!("doer{n}")).collect();
        let mut hellos: Vec<Hello> = names.iter().map(|name| lasting_hello(server, name)).collect();
        let mut claims = parlour_features::token::claims(ORG, &names[0]);
        claims.exp = claims.iat + TOKEN_SECONDS;
        claims.scope = Some("admin:directory events:publish".to_owned());
        hellos[0] = parlour_features::raw::hello(server.sign(&claims));
        let mut clients = vec![];
        for hello in &hellos {
            clients.push(server.door().connect(hello.clone()).await.expect("everybody is welcome"));
        }
        let others: Vec<&str> = names[1..].iter().map(|name| &name[..]).collect();
        let room = group(&clients[0], "everything", &others).await;
        let mut lasting = vec![];
        for n in 0..LASTING {
            let said = say(&clients[0], &room, &format!("lasting {n}")).await;
            lasting.push(said.expect("a message can be sent").seq);
        }
        let poll = ask(&clients[0], &room).await;
        let put = node(ROOT, NodeKind::Organization, None, "Acme");
        clients[0].call::<ChangeDirectory>(&put).await.expect("there is an organization");
        let thread = lasting[0];
        (Arc::new(Ground { room, lasting, poll, thread }), hellos)
    }
}

/// A team of the organization's by its key, which has that name.
pub(super) fn team(key: &str, name: &str) -> ChangeDirectoryRequest {
    node(key, NodeKind::Team, Some(ROOT), name)
}

fn node(key: &str, kind: NodeKind, parent: Option<&str>, name: &str) -> ChangeDirectoryRequest {
    let put = PutNode {
        key: key.to_owned(),
        kind: kind as i32,
        parent: parent.map(ToOwned::to_owned),
        name: Some(name.to_owned()),
        ..PutNode::default()
    };
    let changes = vec![Change { change: Some(What::PutNode(put)) }];
    ChangeDirectoryRequest { changes, dry_run: false }
}

async fn ask(client: &Client, room: &Bytes) -> u64 {
    let option = |n| PollOption { text: format!("option {n}"), ..PollOption::default() };
    let poll = Poll {
        question: "which?".into(),
        options: (0..OPTIONS).map(option).collect(),
        max_choices: OPTIONS,
        ..Poll::default()
    };
    let body = MessagePosted { poll: Some(poll), ..MessagePosted::default() }.encode_to_vec();
    let request = parlour_protocol::message::SendRequest { body: body.into(), ..text(room, "") };
    client.call::<Send>(&request).await.expect("a poll can be sent").seq
}

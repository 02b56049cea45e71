//! What a restored server has to have beside its logs: markers and unread counts, members, a
//! directory, attachments, tokens that were given out before, and sessions that go on.

use parlour::{Attachment, Client as Sdk, Draft, Trust};
use parlour_features::{
    raw::{Client, hello},
    server::Server,
    token::claims,
    world::{group, say},
};
use parlour_protocol::{
    directory::{
        Change, ChangeDirectoryRequest, ListMembershipsRequest, ListNodesRequest, NodeKind,
        PutMembership, PutNode, PutUser, change::Change as What,
    },
    generated::rpc::{
        ChangeDirectory, GetUsers, ListMembers, ListMemberships, ListNodes, MarkRead, Sync,
    },
    ids::RoomId,
    marker::MarkReadRequest,
    room::ListMembersRequest,
    sync::{SyncRequest, sync_item::Item},
    user::GetUsersRequest,
    wire::Hello,
};
use prost::Message;

use crate::{report::Report, rng::Rng};

/// An organization of its own: nobody else writes in it.
const ORG: &str = "kept";
const FILE_BYTES: usize = 300_000;

/// The people and things, as they were made.
pub(crate) struct Kept {
    /// Of a token that is as old as the server.
    hello: Hello,
    room: RoomId,
    /// Where the message with the file is.
    seq: u64,
    attachment: Attachment,
    file: Vec<u8>,
}

/// What calls answer, by name.
pub(crate) type State = Vec<(&'static str, Vec<u8>)>;

fn lasting(server: &Server, sub: &str) -> Hello {
    let mut claims = claims(ORG, sub);
    claims.exp = claims.iat + 30 * 24 * 3600;
    claims.scope = Some("admin:directory".into());
    hello(server.sign(&claims))
}

async fn sdk(server: &Server, hello: &Hello) -> Sdk {
    let client = Sdk::builder()
        .address(server.ready().quic.to_string())
        .token(hello.token.as_str())
        .trust(Trust::parse_sha256(&server.ready().sha256).expect("the server prints its hash"));
    let client = client.connect().await.expect("its token is good");
    client.synced().await.expect("the client runs");
    client
}

impl Kept {
    /// Makes all of it.
    pub(crate) async fn begin(server: &Server, seed: u64) -> Kept {
        let hello = lasting(server, "keeper");
        let keeper = server.door().connect(hello.clone()).await.expect("keeper is welcome");
        let friend = server.door().connect(lasting(server, "friend")).await;
        let friend = friend.expect("friend is welcome");
        let changes = ChangeDirectoryRequest { changes: directory(), dry_run: false };
        keeper.call::<ChangeDirectory>(&changes).await.expect("a directory can be made");
        let room = group(&keeper, "kept", &["friend"]).await;
        let id = RoomId::parse(&room).expect("the server's ids have 16 bytes");

        let file = Rng::new(seed).bytes(FILE_BYTES);
        let client = sdk(server, &hello).await;
        let attachment = client.upload(file.clone()).named("noise").await.expect("taken");
        let draft = Draft { attachments: vec![attachment.clone()], ..Draft::default() };
        let seq = client.room(id).send(draft).await.expect("sent").seq;
        let mut read = 0;
        for n in 0..5 {
            let said = say(&friend, &room, &format!("{n}")).await.expect("sent");
            read = if n == 1 { said.seq } else { read };
        }
        let request = MarkReadRequest { room: room.clone(), seq: read };
        let marked = keeper.call::<MarkRead>(&request).await.expect("read");
        let unread = marked.unread.expect("the answer counts");
        assert!(unread.encoded_len() > 0, "three are unread");
        Kept { hello, room: id, seq, attachment, file }
    }

    /// Whoever made it, as they were connected before.
    pub(crate) async fn connect(&self, server: &Server) -> Client {
        server.door().connect(self.hello.clone()).await.expect("keeper is welcome")
    }

    /// All of it, as the server has it now.
    pub(crate) async fn state(&self, server: &Server, report: &mut Report) -> State {
        let client = self.connect(server).await;
        let mut state = State::new();
        let mut digests = vec![];
        let sync = client.bulk::<Sync>(&SyncRequest::default()).await.expect("a sync");
        for item in sync {
            if let Some(Item::Digests(rooms)) = item.item {
                digests.extend(rooms.rooms.iter().map(Message::encode_to_vec));
            }
        }
        digests.sort();
        report.expect(digests.len() > 1, || "the group and the directory's rooms".into());
        state.push(("rooms, markers and unread counts", digests.concat()));
        let room = self.room.to_field();
        let request = ListMembersRequest { room, ..Default::default() };
        let members = client.call::<ListMembers>(&request).await.expect("members");
        state.push(("members", members.encode_to_vec()));
        let subjects = vec!["keeper".into(), "friend".into()];
        let request = GetUsersRequest { subjects, ..Default::default() };
        let users = client.call::<GetUsers>(&request).await.expect("users");
        state.push(("users", users.encode_to_vec()));
        let nodes = client.call::<ListNodes>(&ListNodesRequest::default()).await.expect("nodes");
        report.expect(nodes.nodes.len() == 2, || format!("{} nodes", nodes.nodes.len()));
        state.push(("nodes", nodes.encode_to_vec()));
        let request = ListMembershipsRequest { node: "d".into(), ..Default::default() };
        let memberships = client.call::<ListMemberships>(&request).await.expect("memberships");
        state.push(("memberships", memberships.encode_to_vec()));
        drop(client);
        let client = sdk(server, &self.hello).await;
        let download = client.room(self.room).download(self.seq, &self.attachment);
        let file = download.bytes(2 * FILE_BYTES).await;
        let same = file.as_ref().is_ok_and(|file| file[..] == self.file[..]);
        report.expect(same, || format!("the attachment: {:?}", file.map(|file| file.len())));
        state
    }

    /// A session goes on in the restored server, and a cache of the one before is dropped.
    pub(crate) async fn resumes(&self, server: &Server, before: &Client, report: &mut Report) {
        let welcome = before.welcome();
        let resuming = Hello { resume: welcome.resume.clone(), ..self.hello.clone() };
        let client = match server.door().connect(resuming).await {
            Ok(client) => client,
            Err(lost) => return report.violation(&format!("a session doesn't go on: {lost:?}")),
        };
        let now = client.welcome();
        let same = now.resumed && now.session == welcome.session && now.user == welcome.user;
        report.expect(same, || format!("the session is another one: {now:?}"));
        let request = SyncRequest {
            incarnation: welcome.incarnation.clone(),
            user_seq: 1 << 40,
            watermark_ms: 1 << 50,
            first: 0,
        };
        let items = client.bulk::<Sync>(&request).await.unwrap_or_default();
        let is_reset = |item: &Option<Item>| matches!(item, Some(Item::User(delta)) if delta.reset);
        let reset = items.iter().any(|item| is_reset(&item.item));
        report.expect(reset, || "a cache of another incarnation isn't dropped".into());
    }
}

fn directory() -> Vec<Change> {
    let node = |key: &str, kind: NodeKind| {
        What::PutNode(PutNode {
            key: key.into(),
            kind: kind as i32,
            name: Some(format!("node {key}")),
            ..PutNode::default()
        })
    };
    let user =
        |subject: &str| What::PutUser(PutUser { subject: subject.into(), ..PutUser::default() });
    let place = |subject: &str| {
        What::PutMembership(PutMembership {
            node: "d".into(),
            subject: subject.into(),
            role: String::new(),
        })
    };
    let changes = [
        node("", NodeKind::Organization),
        node("d", NodeKind::Department),
        user("keeper"),
        user("friend"),
        place("keeper"),
        place("friend"),
    ];
    changes.map(|change| Change { change: Some(change) }).into()
}

/// Notes what is different.
pub(crate) fn compare(before: &State, after: &State, report: &mut Report) {
    for ((what, before), (_, after)) in before.iter().zip(after) {
        report.expect(before == after, || format!("{what}: not as they were"));
    }
}

//! A large organization: 100,000 users out of a file in under a minute, one room with all of them
//! in it, and changes that act at once.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_core::identity;
use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    raw::{Client, hello},
    server::Server,
    token::claims,
    world::{ORG, join, say},
};
use parlour_protocol::{
    directory::{Change, ChangeDirectoryRequest, PutNode, change::Change as What},
    generated::rpc::{ChangeDirectory, GetRoom, ListMembers},
    room::{GetRoomRequest, ListMembersRequest},
};

use super::{block_on, over};
use crate::{args::Args, report::Report};

const DEPARTMENTS: u64 = 20;
const TEAMS: u64 = 500;
const LOADED_WITHIN: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(20);
const POSTED: u32 = 10;
const GAINED: u32 = 101;
const LOST: u32 = 102;
/// Messages whose delivery is timed.
const MESSAGES: usize = 200;

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    let users = args.count(100_000, 3_000);
    let kind = args.store.unwrap_or(Kind::Sled);
    report.part(&kind.to_string(), block_on(load(args, kind, users)));
    report
}

/// Everyone is in one team, every team in a department, spread evenly.
fn file(users: u64) -> String {
    let mut file = format!("[organization]\norg = \"{ORG}\"\nname = \"Large\"\n");
    for user in 0..users {
        let _ = write!(file, "[[users]]\nsubject = \"u{user}\"\nname = \"User {user}\"\n");
    }
    for department in 0..DEPARTMENTS {
        let _ = write!(
            file,
            "[[nodes]]\nkey = \"d{department}\"\nkind = \"department\"\nname = \"D{department}\"\n"
        );
    }
    for team in 0..TEAMS {
        let members: Vec<String> = (0..users)
            .filter(|user| user % TEAMS == team)
            .map(|user| format!("\"u{user}\""))
            .collect();
        let department = team % DEPARTMENTS;
        let _ = write!(
            file,
            "[[nodes]]\nkey = \"t{team}\"\nkind = \"team\"\nname = \"T{team}\"\n\
             parent = \"d{department}\"\nmembers = [{}]\n",
            members.join(", ")
        );
    }
    file
}

fn room(key: &str) -> Bytes {
    identity::node_id(identity::org_id(ORG), key).to_field()
}

async fn load(args: &Args, kind: Kind, users: u64) -> Report {
    let mut report = Report::default();
    let mut server = Server::start(over(kind));
    let path = server.root().join("org.toml");
    if let Err(error) = std::fs::write(&path, file(users)) {
        report.violation(&format!("the file can't be written: {error}"));
        return report;
    }
    let path = path.to_string_lossy().into_owned();
    for (figure, expected) in [("load_ms", "changes made"), ("again_ms", "nothing to do")] {
        let since = Instant::now();
        let output = server.command(&["admin", "apply", &path, "--yes"]);
        let took = since.elapsed();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = said.lines().last().unwrap_or_default().to_owned();
        report.expect(last.contains(expected), || format!("apply says {last:?}"));
        // Times are asserted at the full count only: a short one runs beside other tests.
        report.expect(args.short || took < LOADED_WITHIN, || format!("apply took {took:?}"));
        report.figure(figure, took.as_millis() as u64);
        args.progress(&format!("large-org: {last} after {took:?}"));
        report.trials(1);
    }
    report.figure("users", users);
    report.figure("rss_mb", server.memory() / 1_000_000);
    live(&server, users, &mut report).await;
    report.expect(server.stop().success(), || "the stop was not clean".into());
    let since = Instant::now();
    match server.run() {
        Ok(()) => {
            let again = join(&server, "u1").await;
            report.figure("start_and_join_ms", since.elapsed().as_millis() as u64);
            let found = again.call::<GetRoom>(&GetRoomRequest { room: room("t1") }).await;
            report.expect(found.is_ok(), || "a member's room is lost over a restart".into());
        }
        Err(why) => report.violation(&format!("it doesn't start again: {why}")),
    }
    report
}

async fn live(server: &Server, users: u64, report: &mut Report) {
    let scope = Some("admin:directory".to_owned());
    let token = server.sign(&TokenRequest { scope, ..claims(ORG, "u0") });
    let admin = server.door().connect(hello(token)).await.expect("welcomed");
    let (ann, ben) = (join(server, "u1").await, join(server, "u2").await);
    let everyone = room("");
    let read = admin.call::<GetRoom>(&GetRoomRequest { room: everyone.clone() }).await;
    let count = read.ok().and_then(|read| read.room).map_or(0, |room| room.member_count);
    report.expect(u64::from(count) == users, || format!("{count} members of {users}"));
    let listed = list(&admin, &everyone).await;
    report.expect(listed == users, || format!("{listed} members listed of {users}"));
    let mut took = Vec::with_capacity(MESSAGES);
    for n in 0..MESSAGES {
        let since = Instant::now();
        let sent = say(&admin, &everyone, &format!("message {n}")).await;
        report.expect(sent.is_ok(), || format!("refused: {sent:?}"));
        let heard = tokio::time::timeout(PATIENCE, ann.hears(POSTED)).await;
        report.expect(heard.is_ok(), || "a message to everyone is not heard".into());
        took.push(since.elapsed());
    }
    report.trials(MESSAGES as u64);
    report.figure("to_everyone_ms", crate::report::quantiles_ms(took));
    moved(&admin, &ann, &ben, report).await;
}

/// A department with its teams goes below another one, and those in it with them.
async fn moved(admin: &Client, ann: &Client, ben: &Client, report: &mut Report) {
    // u1 is in t1 and so in d1; u2 is in t2 and d2.
    let put = PutNode { key: "d1".into(), parent: Some("d2".into()), ..PutNode::default() };
    let changes = vec![Change { change: Some(What::PutNode(put)) }];
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    let since = Instant::now();
    let done = admin.call::<ChangeDirectory>(&request).await;
    report.expect(done.is_ok(), || format!("the move is refused: {done:?}"));
    report.figure("move_answered_ms", since.elapsed().as_millis() as u64);
    let gained = tokio::time::timeout(PATIENCE, ann.hears(GAINED)).await;
    report.expect(gained.is_ok(), || "who moved isn't told of the room they gained".into());
    report.figure("move_told_ms", since.elapsed().as_millis() as u64);
    let sent = say(ann, &room("d2"), "here we are").await;
    report.expect(sent.is_ok(), || format!("who moved can't write: {sent:?}"));
    let seq = sent.map(|sent| sent.seq).unwrap_or_default();
    let hears = ben.hears_where(|event| {
        event.header.as_ref().is_some_and(|header| header.kind == POSTED && header.seq == seq)
    });
    let heard = tokio::time::timeout(PATIENCE, hears).await;
    report.expect(heard.is_ok(), || "the department doesn't hear who came".into());
    let out = PutNode { key: "d1".into(), parent: Some(String::new()), ..PutNode::default() };
    let changes = vec![Change { change: Some(What::PutNode(out)) }];
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    let done = admin.call::<ChangeDirectory>(&request).await;
    report.expect(done.is_ok(), || format!("the move back is refused: {done:?}"));
    let lost = tokio::time::timeout(PATIENCE, ann.hears(LOST)).await;
    report.expect(lost.is_ok(), || "who moved away isn't told of the room they lost".into());
    let refused = say(ann, &room("d2"), "still here?").await;
    report.expect(refused.is_err(), || "who moved away can still write".into());
    report.trials(2);
}

async fn list(client: &Client, room: &Bytes) -> u64 {
    let mut request =
        ListMembersRequest { room: room.clone(), page_size: 500, ..Default::default() };
    let mut count = 0;
    loop {
        let Ok(page) = client.call::<ListMembers>(&request).await else { return count };
        count += page.members.len() as u64;
        if page.next_page.is_empty() {
            return count;
        }
        request.page = page.next_page;
    }
}

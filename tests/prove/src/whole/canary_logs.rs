//! Canaries: a token, a message, names, a key and addresses that must turn up in no log at any
//! level, no metric and no error.

use std::{collections::BTreeSet, fs};

use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    http,
    raw::{CallError, hello, hello_frame, say_wrong},
    server::{Options, ROOMY, Server},
    token::{claims, secret, sign},
    world::{group, say, text},
};
use parlour_protocol::{
    generated::rpc::{GetUsers, Reauth, RenameRoom, Send, Sync},
    message::SendRequest,
    room::RenameRoomRequest,
    session::ReauthRequest,
    user::GetUsersRequest,
    wire::Hello,
};

use super::block_on;
use crate::{args::Args, report::Report};

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    for round in 0..args.count(5, 1) {
        for format in ["text", "json"] {
            block_on(sing(&format!("{round}"), format, &mut report));
        }
    }
    report
}

/// What must not be seen again.
#[derive(Default)]
struct Canaries {
    secrets: BTreeSet<String>,
    /// What clients were told.
    told: Vec<String>,
}

impl Canaries {
    fn keep(&mut self, secret: impl Into<String>) -> String {
        let secret = secret.into();
        self.secrets.insert(secret.clone());
        secret
    }

    fn tell<T: std::fmt::Debug>(&mut self, answer: Result<T, CallError>) {
        self.told.extend(answer.err().map(|error| format!("{error:?}")));
    }

    /// Notes every canary that is in a text.
    fn look(&self, place: &str, text: &str, report: &mut Report) {
        for secret in &self.secrets {
            let found = text.contains(secret);
            report.expect(!found, || format!("{place} shows {secret:?}"));
        }
        report.trials(self.secrets.len() as u64);
    }
}

async fn sing(round: &str, format: &str, report: &mut Report) {
    let mut canaries = Canaries::default();
    let key = canaries.keep(secret());
    let metrics_token = canaries.keep("canary-metrics-token");
    let config = format!(
        "{ROOMY}[log]\nlevel = \"trace\"\nformat = \"{format}\"\n\
         [metrics]\ntoken_file = \"metrics-token.txt\"\n\
         [[auth.keys]]\nid = \"main\"\nalgorithm = \"HS256\"\nsecret = \"{key}\"\n"
    );
    let mut server = Server::prepare(Options::config(config));
    fs::write(server.root().join("metrics-token.txt"), &metrics_token).expect("written");
    if let Err(why) = server.run() {
        return report.violation(&format!("it doesn't start: {why}"));
    }
    talk(&server, &key, round, &mut canaries).await;
    let metrics = http::get(server.ready().http, "/metrics", Some(&metrics_token)).body;
    let wrong = http::get(server.ready().http, "/metrics", Some("canary-wrong-token")).body;
    canaries.keep("canary-wrong-token");
    server.kill();
    report.expect(server.run().is_ok(), || "it doesn't start again".into());
    server.reload();
    server.write_config(&format!("[[auth.keys]]\nid = \"main\"\nsecret = \"{key}\"\nsecrte = 1\n"));
    server.signal("HUP");
    server.logs("nothing changed");
    let check = server.command(&["config"]);
    let complaint = String::from_utf8_lossy(&check.stderr).into_owned();
    report.expect(!check.status.success(), || "that configuration is wrong".into());
    let log = server.log();
    report.expect(log.len() > 500, || "nothing was logged at trace level".into());
    report.figure(&format!("{format}_log_bytes"), log.len() as u64);
    canaries.look("the log", &log, report);
    canaries.look("the metrics", &metrics, report);
    canaries.look("a refused request", &wrong, report);
    canaries.look("a complaint", &complaint, report);
    for told in &canaries.told {
        canaries.look("an error", told, report);
    }
    report.expect(server.stop().success(), || "the stop was not clean".into());
    canaries.look("the log of the end", &server.log(), report);
}

/// Uses every canary, rightly and wrongly.
async fn talk(server: &Server, key: &str, round: &str, canaries: &mut Canaries) {
    let org = canaries.keep(format!("canary-org-{round}"));
    let sub = canaries.keep(format!("canary-subject-{round}"));
    let name = canaries.keep(format!("Canary Name {round}"));
    let jti = canaries.keep(format!("canary-jti-{round}"));
    let claims = TokenRequest { name: Some(name), jti: Some(jti), ..claims(&org, &sub) };
    let token = canaries.keep(sign("main", key, &claims));
    canaries.secrets.extend(token.split('.').skip(1).map(str::to_owned));
    let agent = canaries.keep(format!("canary-agent-{round}"));
    let greeting = Hello { agent, ..hello(&token[..]) };
    let door = server.door();
    let client = door.connect(greeting.clone()).await.expect("welcomed");
    let here = door.local_port();
    canaries.secrets.insert(format!("127.0.0.1:{here}"));

    let room_name = canaries.keep(format!("canary-room-{round}"));
    let room = group(&client, &room_name, &[]).await;
    let words = canaries.keep(format!("canary-message-{round}"));
    canaries.tell(say(&client, &room, &words).await);
    let renamed = canaries.keep(format!("canary-renamed-{round}"));
    let rename = RenameRoomRequest { room: room.clone(), name: renamed };
    canaries.tell(client.call::<RenameRoom>(&rename).await);
    let sent = text(&room, &words);
    canaries.tell(client.call::<Send>(&sent).await);
    let other = text(&room, &format!("{words} again"));
    let conflict = SendRequest { client_ref: sent.client_ref.clone(), ..other };
    canaries.tell(client.call::<Send>(&conflict).await);
    let long = words.repeat(2_000);
    canaries.tell(say(&client, &room, &long).await);
    canaries.tell(say(&client, &words.clone().into(), &words).await);
    let wrong_name = RenameRoomRequest { room: room.clone(), name: room_name.repeat(100) };
    canaries.tell(client.call::<RenameRoom>(&wrong_name).await);
    let nobody = canaries.keep(format!("canary-nobody-{round}"));
    let users = GetUsersRequest { subjects: vec![nobody.clone()], users: vec![words.into()] };
    canaries.tell(client.call::<GetUsers>(&users).await);
    let forged = canaries.keep(format!("{}x", &token[..token.len() - 3]));
    canaries.tell(client.call::<Reauth>(&ReauthRequest { token: forged.clone() }).await);
    canaries.tell(client.bulk::<Sync>(&Default::default()).await);
    client.types(&room);
    for hello in [hello(&forged[..]), hello(&nobody[..]), Hello { min_rev: 7, ..greeting.clone() }]
    {
        let (goodbye, _) = say_wrong(&door, &hello_frame(hello)).await;
        canaries.told.extend(goodbye.map(|said| said.message));
    }
    let output = server.command(&["revoke", "--org", &org, "--subject", &sub]);
    canaries.told.push(String::from_utf8_lossy(&output.stdout).into_owned());
    let (goodbye, _) = say_wrong(&door, &hello_frame(greeting)).await;
    canaries.told.extend(goodbye.map(|said| said.message));
}

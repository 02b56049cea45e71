//! Revocation of live connections in busy rooms: silent within two seconds, and refused after.

use std::time::{Duration, Instant};

use parlour_adapters::Kind;
use parlour_features::{
    raw::{Client, Lost, hello},
    server::Server,
    token::claims,
    world::{ORG, group, text},
};
use parlour_protocol::{
    generated::rpc::{AddMembers, Revoke, Send},
    room::AddMembersRequest,
    session::{RevokeRequest, revoke_request::What},
    wire::{CloseCode, Hello},
};
use tokio::sync::watch;

use super::{block_on, over, writers::lasting_hello};
use crate::{
    args::Args,
    report::{Report, quantiles_ms},
};

const SILENT_WITHIN: Duration = Duration::from_secs(2);
/// Victims at once.
const VICTIMS: u64 = 20;

pub(crate) fn run(args: &Args) -> Report {
    block_on(revoke(args, args.count(1_000, 60)))
}

async fn revoke(args: &Args, trials: u64) -> Report {
    let mut report = Report::default();
    let server = Server::start(over(args.store.unwrap_or(Kind::Sled)));
    let admin = {
        let mut claims = claims(ORG, "root");
        claims.scope = Some("admin:sessions".into());
        server.door().connect(hello(server.sign(&claims))).await.expect("welcomed")
    };
    let room = group(&admin, "busy", &[]).await;
    let talker = server.door().connect(lasting_hello(&server, "talker")).await.expect("welcomed");
    add(&admin, &room, "talker").await;
    let (stop, stopped) = watch::channel(false);
    let talking = tokio::spawn(talk(talker, room.clone(), stopped));
    let (mut took, mut trial) = (vec![], 0);
    while trial < trials {
        let now = VICTIMS.min(trials - trial);
        let mut victims = vec![];
        for n in trial..trial + now {
            victims.push(Victim::join(&server, &admin, &room, n).await);
        }
        for victim in victims {
            took.extend(victim.revoke(&server, &admin, &mut report).await);
        }
        trial += now;
        args.progress(&format!("revoke-live: {trial} of {trials}"));
    }
    let _ = stop.send(true);
    let posts = talking.await.expect("talking doesn't panic");
    report.trials(trials);
    report.figure("posts_meanwhile", posts);
    report.figure("closed_after_ms", quantiles_ms(took));
    report
}

async fn add(admin: &Client, room: &bytes::Bytes, sub: &str) {
    let members = vec![parlour_features::world::by_subject(sub)];
    let request = AddMembersRequest { room: room.clone(), members };
    admin.call::<AddMembers>(&request).await.expect("the admin is a member");
}

/// Keeps a room busy; returns how many posts were answered.
async fn talk(talker: Client, room: bytes::Bytes, mut stop: watch::Receiver<bool>) -> u64 {
    let mut posts = 0;
    while !*stop.borrow_and_update() {
        posts += u64::from(talker.call::<Send>(&text(&room, "chatter")).await.is_ok());
    }
    posts
}

struct Victim {
    client: Client,
    hello: Hello,
    what: What,
}

impl Victim {
    async fn join(server: &Server, admin: &Client, room: &bytes::Bytes, n: u64) -> Victim {
        let sub = format!("victim{n}");
        let hello = lasting_hello(server, &sub);
        let client = server.door().connect(hello.clone()).await.expect("welcomed");
        add(admin, room, &sub).await;
        client.hears(10).await;
        let what = match n % 3 {
            0 => What::Subject(sub),
            1 => What::Session(client.welcome().session.clone()),
            _ => {
                let (_, payload) = parlour_features::token::open(&hello.token);
                What::TokenId(payload["jti"].as_str().unwrap_or_default().to_owned())
            }
        };
        Victim { client, hello, what }
    }

    /// Revokes it, and returns how long it was open after that.
    async fn revoke(
        self,
        server: &Server,
        admin: &Client,
        report: &mut Report,
    ) -> Option<Duration> {
        let request = RevokeRequest { what: Some(self.what.clone()) };
        let since = Instant::now();
        let answer = admin.call::<Revoke>(&request).await;
        report.expect(answer.as_ref().is_ok_and(|a| a.closed == 1), || format!("{answer:?}"));
        let lost = self.client.closed().await;
        let took = since.elapsed();
        let revoked = lost.is(CloseCode::Revoked);
        report.expect(revoked, || format!("{:?}: {lost:?}", self.what));
        report.expect(took < SILENT_WITHIN, || format!("{:?}: open for {took:?}", self.what));
        // Resuming is what a session's revocation is about; the others hold for any hello.
        let resume = self.client.welcome().resume.clone();
        let again = server.door().connect(Hello { resume, ..self.hello }).await;
        let refused = matches!(&again, Err(lost) if lost.is(CloseCode::Revoked));
        report.expect(refused, || format!("{:?}: comes in again", self.what));
        drop::<Result<Client, Lost>>(again);
        Some(took)
    }
}

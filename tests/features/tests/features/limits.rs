//! Rates of organizations, and of guesses from one address; a server that is full.

use std::time::{Duration, Instant};

use parlour_features::{
    http::{Reply, bearer, request},
    raw::{CallError, Client, Lost, hello, hello_frame, say_wrong},
    server::{Options, ROOMY, Server},
    token::claims,
    world::{ORG, group, join, say},
};
use parlour_protocol::{
    generated::rpc::{GetUsers, Reauth, Revoke},
    session::{ReauthRequest, RevokeRequest, revoke_request::What},
    user::GetUsersRequest,
    wire::{CloseCode, ErrorReason},
};

/// Rates with others in the places of some.
fn with(limits: &[(&str, &str)]) -> Server {
    let of = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let lines: Vec<String> = ROOMY
        .lines()
        .map(|line| match limits.iter().find(|(key, _)| *key == of(line)) {
            Some((key, value)) => format!("{key} = {value}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    Server::start(Options::config(lines.concat()))
}

/// The same where nobody is a proxy: over a WebSocket, who comes from one that names no client isn't counted.
fn without_proxies(limits: &[(&str, &str)]) -> Server {
    let mut server = with(limits);
    server.stop();
    let config = std::fs::read_to_string(server.config_file()).expect("it is there");
    server.write_config(&format!("{config}[http]\nproxies = []\n"));
    server.run().expect("it starts again");
    server
}

fn slow_organizations() -> Server {
    with(&[("calls_per_second_per_organization", "0.5"), ("calls_burst_per_organization", "200")])
}

async fn ask(client: &Client) -> Result<(), CallError> {
    client.call::<GetUsers>(&GetUsersRequest::default()).await.map(drop)
}

async fn elsewhere(server: &Server, sub: &str) -> Client {
    let token = server.sign(&claims("globex", sub));
    server.door().connect(hello(token)).await.expect("another organization's user comes in")
}

#[tokio::test]
async fn an_organization_that_floods_waits_and_no_other_one_does() {
    let mut server = slow_organizations();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let theirs = elsewhere(&server, "zoe").await;
    let room = group(&theirs, "calm", &[]).await;
    let mut refused = None;
    for n in 0..1000 {
        let client = if n % 2 == 0 { &ada } else { &bob };
        if let Err(error) = ask(client).await {
            refused = Some((n, error));
            break;
        }
    }
    let (after, error) = refused.expect("it is refused some time");
    assert!(after >= 200, "{after}");
    assert_eq!(error.reason(), ErrorReason::RateLimited as i32);
    let CallError::Refused(error) = error else { panic!("{error:?}") };
    assert!(error.retry_after_ms > 0, "{error:?}");
    // Whoever of them comes now waits as well, and each of another organization's calls is answered.
    let carol = join(&server, "carol").await;
    ask(&carol).await.expect_err("her organization's calls come too fast");
    for _ in 0..100 {
        let _ = ask(&ada).await;
        say(&theirs, &room, "all is well").await.expect("nobody slows another organization");
    }
    // A new token keeps somebody connected through it, and an administrator can end it.
    let token = server.sign(&claims(ORG, "bob"));
    bob.call::<Reauth>(&ReauthRequest { token }).await.expect("renewed");
    let admin = server.token(ORG, "root", &["--scope", "admin:sessions"]);
    let admin = server.door().connect(hello(admin)).await.expect("comes in");
    let what = Some(What::Subject("ada".into()));
    admin.call::<Revoke>(&RevokeRequest { what }).await.expect("the flood is ended");
    assert!(ada.closed().await.is(CloseCode::Revoked));
    server.assert_well();
}

#[tokio::test]
async fn what_an_organization_floods_does_not_make_another_one_slow() {
    let server = slow_organizations();
    let theirs = elsewhere(&server, "zoe").await;
    let room = group(&theirs, "calm", &[]).await;
    let took = async |calls: usize| {
        let began = Instant::now();
        for _ in 0..calls {
            say(&theirs, &room, "tick").await.expect("sent");
        }
        began.elapsed() / calls as u32
    };
    let alone = took(50).await;
    let mut flooding = Vec::new();
    for n in 0..4 {
        let client = join(&server, &format!("loud{n}")).await;
        flooding.push(tokio::spawn(async move {
            loop {
                let _ = ask(&client).await;
            }
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let beside = took(50).await;
    flooding.iter().for_each(|task| task.abort());
    // What is refused costs next to nothing. The bound is wide, as the machine is shared.
    assert!(beside < 20 * alone + Duration::from_millis(20), "{alone:?} became {beside:?}");
}

fn guessed(server: &Server, token: &str, from: &str) -> Reply {
    let headers = format!("{}X-Forwarded-For: {from}\r\n", bearer(token));
    let path = "/parlour/v1/rpc/UserService.GetUsers";
    request(server.ready().http, "POST", path, &headers, b"{}").expect("answered")
}

#[tokio::test]
async fn guesses_over_http_are_slowed_by_the_address_that_the_proxy_names() {
    let server =
        with(&[("failures_per_second_per_address", "0.001"), ("failures_burst_per_address", "5")]);
    let good = server.sign(&claims(ORG, "ada"));
    assert_eq!(guessed(&server, &good, "192.0.2.1").status, 200);
    let answers: Vec<u16> =
        (0..200).map(|n| guessed(&server, &format!("a.b.{n}"), "192.0.2.1").status).collect();
    assert_eq!(answers[..5], [401; 5]);
    let looked_at = answers.iter().filter(|status| **status == 401).count();
    assert!((6..80).contains(&looked_at), "one in eight by chance: {looked_at}");
    assert!(answers.iter().all(|status| [401, 429].contains(status)), "{answers:?}");
    let refused = (0..100).map(|_| guessed(&server, "a.b.c", "192.0.2.1"));
    let refused = refused.into_iter().find(|reply| reply.status == 429).expect("refused");
    assert_eq!(refused.json()["error"]["reason"], "RATE_LIMITED");
    assert!(refused.header("retry-after").is_some(), "{}", refused.head);
    // A token that was right before always is; a new one comes in by chance, sooner or later.
    for _ in 0..50 {
        assert_eq!(guessed(&server, &good, "192.0.2.1").status, 200);
    }
    let new = server.sign(&claims(ORG, "bob"));
    assert!((0..500).any(|_| guessed(&server, &new, "192.0.2.1").status == 200));
    // From elsewhere nothing has changed, and without an address nothing is counted.
    assert_eq!(guessed(&server, "a.b.c", "192.0.2.2").status, 401);
    for _ in 0..50 {
        assert_eq!(guessed(&server, "a.b.c", "nowhere").status, 401);
    }
}

#[tokio::test]
async fn guesses_in_hellos_are_slowed_and_those_who_were_here_come_in() {
    let mut server = without_proxies(&[
        ("failures_per_second_per_address", "0.001"),
        ("failures_burst_per_address", "3"),
    ]);
    let good = server.sign(&claims(ORG, "ada"));
    server.door().connect(hello(&good[..])).await.expect("comes in").leave();
    let (mut looked_at, mut told_to_wait) = (0, 0);
    for n in 0..60 {
        let (said, _) = say_wrong(&server.door(), &hello_frame(hello(format!("a.b.{n}")))).await;
        match said.expect("a goodbye") {
            said if said.code == CloseCode::TokenInvalid as i32 => looked_at += 1,
            said if said.code == CloseCode::Overloaded as i32 => {
                assert!(said.retry_after_ms > 0, "{said:?}");
                told_to_wait += 1;
            }
            said => panic!("{said:?}"),
        }
    }
    assert!(looked_at >= 3 && told_to_wait >= 25, "{looked_at} were looked at");
    for _ in 0..10 {
        server.door().connect(hello(&good[..])).await.expect("it was right before").leave();
    }
    let mut tries = 0..500;
    let new = server.sign(&claims(ORG, "bob"));
    while server.door().connect(hello(&new[..])).await.is_err() {
        tries.next().expect("nobody is locked out for ever");
    }
    server.assert_well();
}

#[tokio::test]
async fn who_comes_to_a_full_server_is_refused_and_comes_in_once_there_is_room() {
    let config = ROOMY.replace("[limits]\n", "[limits]\nconnections_max = 3\n");
    let mut server = Server::start(Options::config(config));
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let _carol = join(&server, "carol").await;
    let dan = server.sign(&claims(ORG, "dan"));
    for _ in 0..10 {
        // Before a handshake, or a WebSocket: refusing costs next to nothing.
        match server.door().connect(hello(&dan[..])).await {
            Err(Lost::Transport(_)) => {}
            other => panic!("{:?}", other.map(drop)),
        }
    }
    ask(&ada).await.expect("those who are there are served");
    bob.leave();
    let mut tries = 0..500;
    while server.door().connect(hello(&dan[..])).await.is_err() {
        tries.next().expect("there is room again");
    }
    server.assert_well();
}

//! Nothing anybody says, is called or proves themselves with reaches a log or a metric, at any
//! level, whatever goes wrong.

mod support;

use std::{fs, time::Duration};

use parlour_protocol::{
    generated::rpc,
    ids::uuid_v7,
    message::{MessagePosted, SendRequest},
    room::CreateGroupRequest,
};
use prost::Message;
use support::{Client, Process, get, ok};
use tokio::time::timeout;

fn client_ref() -> bytes::Bytes {
    let random = parlour_daemon::clock::random();
    uuid_v7(parlour_daemon::clock::unix_ms(), random).to_vec().into()
}

async fn hello(server: &Process, token: &str) -> Option<Client> {
    let hello = timeout(Duration::from_secs(5), Client::hello(server.quic(), token)).await;
    hello.expect("in time").ok().map(|(client, _)| client)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_reaches_any_output() {
    for format in ["text", "json"] {
        let dir = tempfile::tempdir().expect("folder");
        let config = format!(
            "[log]\nlevel = \"trace\"\nformat = \"{format}\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n"
        );
        fs::write(dir.path().join("parlour.toml"), config).expect("file");
        let mut server = Process::start(dir.path(), &[]);
        let sign = |sub: &str| {
            let words = ["--org", "CanaryOrg", "--name", "CanaryName", "--jti", "CanaryJti"];
            ok(dir.path(), &[&["token", "--sub", sub][..], &words].concat())
        };
        let token = sign("CanarySub");
        let mut client = hello(&server, &token).await.expect("in");
        let room = rpc::CreateGroup::call(&mut client).await;
        let text = MessagePosted { text: "CanaryText".into(), ..MessagePosted::default() };
        let send = SendRequest {
            room,
            client_ref: client_ref(),
            body: text.encode_to_vec().into(),
            ..SendRequest::default()
        };
        client.call::<rpc::Send>(&send).await.expect("sent");
        let other = MessagePosted { text: "CanaryOther".into(), ..MessagePosted::default() }
            .encode_to_vec()
            .into();
        let conflict = SendRequest { body: other, ..send.clone() };
        client.call::<rpc::Send>(&conflict).await.expect_err("the ref is used");
        let nowhere = SendRequest { room: vec![9; 16].into(), ..send };
        client.call::<rpc::Send>(&nowhere).await.expect_err("no such room");

        assert!(hello(&server, "CanaryGarbage.CanaryGarbage.CanaryGarbage").await.is_none());
        let forged = format!("{}.CanarySignature", token.rsplit_once('.').expect("signed").0);
        assert!(hello(&server, &forged).await.is_none());
        ok(dir.path(), &["revoke", "--org", "CanaryOrg", "--subject", "CanarySub"]);
        assert!(hello(&server, &token).await.is_none());
        let metrics = get(server.metrics(), "/metrics");
        assert!(metrics.contains("parlour_calls_total{method=\"Send\",outcome=\"ok\"} 1"));
        get(server.http(), "/CanaryPath?CanaryQuery");
        server.signal("-HUP");
        server.signal("-TERM");
        assert_eq!(server.code(), Some(0));

        let log = fs::read_to_string(dir.path().join("log")).expect("log");
        assert!(log.lines().count() > 3, "it does log: {log}");
        let secret = fs::read_to_string(dir.path().join("parlour-data/keys/token.key"));
        let secret = secret.expect("key").trim().to_owned();
        let payload = token.split('.').nth(1).expect("payload").to_owned();
        // Clients come from ::1; the server's own addresses aren't secret, but aren't logged.
        for canary in ["Canary", &secret, &payload, "::1", "127.0.0.1"] {
            for (what, output) in [("log", &log), ("metrics", &metrics)] {
                let line = output.lines().find(|line| line.contains(canary));
                assert!(line.is_none(), "{canary} is in the {what}: {line:?}");
            }
        }
        assert!(!server.ready.contains("Canary") && !server.ready.contains(&secret));
    }
}

/// A group made by the client.
trait Group {
    async fn call(client: &mut Client) -> bytes::Bytes;
}

impl Group for rpc::CreateGroup {
    async fn call(client: &mut Client) -> bytes::Bytes {
        let request = CreateGroupRequest {
            client_ref: client_ref(),
            name: "CanaryRoom".into(),
            ..CreateGroupRequest::default()
        };
        let response = client.call::<rpc::CreateGroup>(&request).await.expect("group");
        response.room.expect("room").id
    }
}

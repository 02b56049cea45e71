//! What whoever looks after a server reads over the protocol: how it is, who is connected, what a token allows.

use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    raw::{Client, hello},
    server::Server,
    token::claims,
    world::{ORG, join},
};
use parlour_protocol::{
    generated::rpc::{GetHealth, ListSessions, Revoke},
    health::GetHealthRequest,
    session::{Carrier, ListSessionsRequest, RevokeRequest, revoke_request::What},
    wire::ErrorReason,
};

async fn with_scopes(server: &Server, sub: &str, scopes: &str) -> Client {
    let token = server.token(ORG, sub, &["--scope", scopes]);
    server.door().connect(hello(token)).await.expect("welcomed")
}

#[tokio::test]
async fn who_may_reads_how_the_server_is() {
    let server = Server::roomy();
    let admin = with_scopes(&server, "root", "admin:health notices").await;
    assert_eq!(admin.welcome().scopes, ["admin:health", "notices"]);
    let health = admin.call::<GetHealth>(&GetHealthRequest {}).await.expect("may");
    assert_eq!((&*health.version, &*health.state), (env!("CARGO_PKG_VERSION"), "ready"));
    assert!(health.connections >= 1 && health.connections_max >= health.connections);
    assert!(health.certificate_ends_ms > health.started_ms && health.started_ms > 0);
    assert_eq!((&*health.store, health.providers.len()), ("sled", 0));
    let nobody = join(&server, "bob").await;
    assert!(nobody.welcome().scopes.is_empty());
    let refused = nobody.call::<GetHealth>(&GetHealthRequest {}).await.expect_err("may not");
    assert_eq!(refused.reason(), ErrorReason::ScopeMissing as i32);
}

#[tokio::test]
async fn who_may_lists_who_is_connected_and_ends_one() {
    let server = Server::roomy();
    let admin = with_scopes(&server, "root", "admin:sessions").await;
    let token = server.token(ORG, "ada", &[]);
    let mut says = hello(token);
    says.agent = "features/1".into();
    let ada = server.door().connect(says).await.expect("welcomed");
    let elsewhere = server.token("globex", "ada", &[]);
    let _elsewhere = server.door().connect(hello(elsewhere)).await.expect("welcomed");
    let (mut found, mut page) = (Vec::new(), Default::default());
    loop {
        let request = ListSessionsRequest { page, page_size: 1, ..Default::default() };
        let answer = admin.call::<ListSessions>(&request).await.expect("may");
        found.extend(answer.sessions);
        page = answer.next_page;
        if page.is_empty() {
            break;
        }
    }
    found.sort_by(|a, b| a.subject.cmp(&b.subject));
    let subjects: Vec<&str> = found.iter().map(|session| &*session.subject).collect();
    assert_eq!(subjects, ["ada", "root"], "of this organization, once");
    let seen = &found[0];
    assert_eq!((&seen.session, &*seen.agent), (&ada.welcome().session, "features/1"));
    assert_eq!(seen.user, ada.welcome().user);
    // Over HTTP this host counts as a proxy, which hasn't said for whom it speaks.
    let is_socket = seen.carrier == Carrier::Websocket as i32;
    assert_eq!(&*seen.address, if is_socket { "" } else { "127.0.0.1" });
    assert!(seen.since_ms > 0 && seen.carrier != Carrier::Unspecified as i32);
    let only = ListSessionsRequest { subject: "ada".into(), ..Default::default() };
    assert_eq!(admin.call::<ListSessions>(&only).await.expect("may").sessions.len(), 1);
    let what = Some(What::Session(seen.session.clone()));
    assert_eq!(admin.call::<Revoke>(&RevokeRequest { what }).await.expect("may").closed, 1);
    ada.closed().await;
    assert!(admin.call::<ListSessions>(&only).await.expect("may").sessions.is_empty());
    let wrong = ListSessionsRequest { page: vec![1].into(), ..Default::default() };
    let refused = admin.call::<ListSessions>(&wrong).await.expect_err("no page");
    assert_eq!(refused.reason(), ErrorReason::InvalidField as i32);
}

#[tokio::test]
async fn a_name_once_given_stays_where_a_token_has_none() {
    let server = Server::roomy();
    let named = TokenRequest { name: Some("Ada Lovelace".into()), ..claims(ORG, "ada") };
    let ada = server.door().connect(hello(server.sign(&named))).await.expect("welcomed");
    let name = ada.welcome().name.clone();
    drop(ada);
    let nameless = TokenRequest { name: None, ..named };
    let ada = server.door().connect(hello(server.sign(&nameless))).await.expect("welcomed");
    assert_eq!((&*name, &ada.welcome().name), ("Ada Lovelace", &name));
    let nameless = TokenRequest { sub: "bob".into(), ..nameless };
    let bob = server.door().connect(hello(server.sign(&nameless))).await.expect("welcomed");
    assert_eq!(bob.welcome().name, "bob", "who never had one");
}

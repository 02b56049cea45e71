//! Tokens of identity providers whose keys the server fetches: which let in, how keys rotate, and what a
//! provider that is down, wrong or hostile does.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    http,
    provider::{Mood, Provider, ProviderKey},
    raw::{Client, Lost, hello, hello_frame, say_wrong},
    server::{Options, ROOMY, Server},
    token::{claims, forge},
    world::{ORG, join},
};
use parlour_protocol::{
    generated::rpc::{GetUsers, Reauth},
    session::ReauthRequest,
    user::GetUsersRequest,
    wire::{CloseCode, ErrorReason},
};
use serde_json::json;

const FIXED: &str = "organization = \"acme\"";

fn said(provider: &Provider, sub: &str) -> TokenRequest {
    TokenRequest {
        iss: Some(provider.issuer()),
        aud: Some("parlour".into()),
        // Not what the server is told to believe it.
        org: "elsewhere".into(),
        ..claims(ORG, sub)
    }
}

fn server(provider: &Provider) -> Server {
    let mut server = Server::prepare(Options::default());
    configure(&server, provider, FIXED);
    server.run().expect("it starts");
    server
}

fn configure(server: &Server, provider: &Provider, more: &str) {
    let oidc = provider.config(server.root(), more);
    let own = "[accounts]\nenabled = true\n";
    server.write_config(&format!("{ROOMY}\n[metrics]\nlisten = \"127.0.0.1:0\"\n{own}{oidc}"));
}

async fn comes(server: &Server, token: &str) -> Result<Client, Lost> {
    server.door().connect(hello(token)).await
}

async fn refused(server: &Server, token: &str) -> Lost {
    say_wrong(&server.door(), &hello_frame(hello(token))).await.1
}

/// Comes again until somebody is let in: a look may be a second ago, or under way.
async fn comes_at_last(server: &Server, token: &str) -> Client {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match comes(server, token).await {
            Ok(client) => return client,
            Err(lost) if Instant::now() > until => panic!("never let in: {lost:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

fn status(server: &Server) -> String {
    let output = server.command(&["status"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_tokens_let_in_by_every_algorithm_and_forgeries_do_not() {
    let keys = [ProviderKey::rsa("r"), ProviderKey::ec("e"), ProviderKey::ed("d")];
    let provider = Provider::start(Mood::Well, &keys.each_ref());
    let secret = b"everybody can read this very secret";
    let k = URL_SAFE_NO_PAD.encode(secret);
    provider.show_also(json!({"kty": "oct", "kid": "hs", "alg": "HS256", "k": k}));
    let server = server(&provider);
    for key in &keys {
        let ada = comes_at_last(&server, &key.sign(&said(&provider, "ada"))).await;
        assert_eq!(ada.welcome().name, "ada");
    }
    // The same one as with a token of the organization's own.
    let ada = comes(&server, &keys[0].sign(&said(&provider, "ada"))).await.expect("let in");
    assert_eq!(ada.user(), join(&server, "ada").await.user());

    let stranger = ProviderKey::ec("e");
    let good = said(&provider, "ada");
    let payload = serde_json::to_value(&good).expect("claims");
    let public = keys[0].jwk["n"].as_str().expect("a modulus");
    let public = URL_SAFE_NO_PAD.decode(public).expect("base64");
    for (what, token) in [
        ("another audience", keys[0].sign(&TokenRequest { aud: Some("x".into()), ..good.clone() })),
        ("no audience", keys[0].sign(&TokenRequest { aud: None, ..good.clone() })),
        ("another issuer", {
            keys[0].sign(&TokenRequest { iss: Some("https://x".into()), ..good.clone() })
        }),
        ("no issuer", keys[0].sign(&TokenRequest { iss: None, ..good.clone() })),
        ("another key under its id", stranger.sign(&good)),
        (
            "a public key as a secret",
            forge(&json!({"alg": "HS256", "kid": "r"}), &payload, &public),
        ),
        ("a secret of the key set", forge(&json!({"alg": "HS256", "kid": "hs"}), &payload, secret)),
        ("no algorithm", forge(&json!({"alg": "none", "kid": "r"}), &payload, b"x")),
        // The server's own key vouches for nobody of the provider's.
        ("the server's own key", server.sign(&good)),
    ] {
        let lost = refused(&server, &token).await;
        let code = match what {
            // It isn't known whether there is such a key while somebody looks.
            "a secret of the key set" if lost.is(CloseCode::Overloaded) => CloseCode::Overloaded,
            "the server's own key" if lost.is(CloseCode::Overloaded) => CloseCode::Overloaded,
            _ => CloseCode::TokenInvalid,
        };
        assert!(lost.is(code), "{what}: {lost:?}");
    }
    let past = TokenRequest { exp: good.iat - 60, iat: good.iat - 120, ..good };
    assert!(refused(&server, &keys[1].sign(&past)).await.is(CloseCode::TokenExpired));
    let status = status(&server);
    assert!(status.contains(&format!("{}: 3 keys, read", provider.issuer())), "{status}");
    let doctor = server.command(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("3 keys"), "{doctor:?}");
    let metrics = server.ready().metrics.expect("metrics listen");
    let metrics = http::get(metrics, "/metrics", None).body;
    assert!(metrics.contains("parlour_oidc_fetches_total{outcome=\"ok\"}"), "{metrics}");
    assert!(!server.log().contains(&server.sign(&said(&provider, "ada"))[..40]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_at_the_start_keeps_nobody_else_out() {
    let key = ProviderKey::ed("d");
    let provider = Provider::start(Mood::Down, &[&key]);
    let server = server(&provider);
    let begun = Instant::now();
    join(&server, "bob").await;
    assert!(begun.elapsed() < Duration::from_secs(3), "nobody waits for the provider");
    let token = key.sign(&said(&provider, "ada"));
    assert!(refused(&server, &token).await.is(CloseCode::Overloaded));
    let status = status(&server);
    assert!(status.contains("no keys yet") && status.contains("state        ready"), "{status}");
    let doctor = server.command(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("its tokens are refused until"), "{said}");
    provider.is(Mood::Well);
    comes_at_last(&server, &token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_while_the_provider_is_down_costs_nobody_anything() {
    let key = ProviderKey::ed("d");
    let provider = Provider::start(Mood::Well, &[&key]);
    let server = server(&provider);
    let token = key.sign(&said(&provider, "ada"));
    let ada = comes_at_last(&server, &token).await;
    provider.is(Mood::Down);
    configure(&server, &provider, &format!("{FIXED}\nname_claims = [\"nick\"]"));
    server.reload();
    ada.call::<GetUsers>(&GetUsersRequest::default()).await.expect("what was opened stays open");
    comes(&server, &token).await.expect("the keys are good");
    // Whoever may do something else now has to come again, and can.
    configure(&server, &provider, &format!("{FIXED}\nscopes = [\"admin:sessions\"]"));
    server.reload();
    assert!(ada.closed().await.is(CloseCode::TokenInvalid));
    comes(&server, &token).await.expect("the keys are good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_under_live_connections() {
    let (old, new) = (ProviderKey::rsa("old"), ProviderKey::ec("new"));
    let provider = Provider::start(Mood::Well, &[&old]);
    let server = server(&provider);
    let ada = comes_at_last(&server, &old.sign(&said(&provider, "ada"))).await;
    let bob = comes(&server, &old.sign(&said(&provider, "bob"))).await.expect("let in");
    tokio::time::sleep(Duration::from_secs(2)).await;
    provider.show(&[&old, &new]);
    // On a live connection, without a wait and without a word to anybody.
    let token = new.sign(&said(&provider, "ada"));
    ada.call::<Reauth>(&ReauthRequest { token }).await.expect("the key is looked for");
    bob.call::<GetUsers>(&GetUsersRequest::default()).await.expect("the old key is still shown");
    // A key that is shown no more ends what it opened, once that is seen.
    provider.show(&[&new]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    refused(&server, &ProviderKey::ec("unknown").sign(&said(&provider, "eve"))).await;
    assert!(refused(&server, &old.sign(&said(&provider, "bob"))).await.is(CloseCode::TokenInvalid));
    let token = old.sign(&said(&provider, "bob"));
    let again = bob.call::<Reauth>(&ReauthRequest { token }).await.expect_err("the key is gone");
    assert!(
        [ErrorReason::TokenInvalid as i32, ErrorReason::StoreUnavailable as i32]
            .contains(&again.reason())
    );
    ada.call::<GetUsers>(&GetUsersRequest::default()).await.expect("ada has a new token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_nobody_has_do_not_make_the_server_ask_and_ask() {
    let key = ProviderKey::ed("d");
    let provider = Provider::start(Mood::Well, &[&key]);
    let server = server(&provider);
    let good = key.sign(&said(&provider, "ada"));
    comes_at_last(&server, &good).await;
    provider.is(Mood::Silent);
    let (begun, before) = (Instant::now(), provider.asked());
    let others = [ProviderKey::ed("x"), ProviderKey::ed("y")];
    let garbage = (0..60).map(|n| {
        let token = others[n % 2].sign(&said(&provider, "eve"));
        let server = &server;
        async move { refused(server, &token).await }
    });
    let all = futures_util::future::join_all(garbage);
    let well = async {
        // Meanwhile everybody else comes and goes.
        for _ in 0..20 {
            let begun = Instant::now();
            comes(&server, &good).await.expect("its key is known");
            // Somebody who waits for the look waits four.
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        }
    };
    let (lost, ()) = futures_util::join!(all, well);
    let both = [CloseCode::TokenInvalid, CloseCode::Overloaded];
    assert!(lost.iter().all(|lost| both.iter().any(|code| lost.is(*code))), "{lost:?}");
    let asked = provider.asked() - before;
    let bound = 2 + begun.elapsed().as_secs() as usize;
    assert!(asked <= bound, "asked {asked} times in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_says_wrong_changes_nothing() {
    let key = ProviderKey::ec("e");
    let provider = Provider::start(Mood::Well, &[&key]);
    let server = server(&provider);
    let good = key.sign(&said(&provider, "ada"));
    comes_at_last(&server, &good).await;
    let next = ProviderKey::ec("next");
    let later = next.sign(&said(&provider, "ada"));
    provider.show(&[&key, &next]);
    for (mood, problem) in [
        (Mood::Garbled, "not an openid configuration"),
        (Mood::Endless, "too large"),
        (Mood::Redirecting, "answered with 302"),
        (Mood::Another, "another issuer"),
        (Mood::Down, "tls fails"),
    ] {
        provider.is(mood);
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let lost = refused(&server, &later).await;
            assert!(
                lost.is(CloseCode::Overloaded) || lost.is(CloseCode::TokenInvalid),
                "{mood:?}: {lost:?}"
            );
            if status(&server).contains(problem) {
                break;
            }
            assert!(Instant::now() < until, "{mood:?}: {}", status(&server));
        }
        comes(&server, &good).await.expect("the former key is good");
    }
    provider.is(Mood::Well);
    comes_at_last(&server, &later).await;
}

#[test]
fn what_is_configured_wrong_is_said() {
    let oidc = |lines: &str| format!("[[auth.oidc]]\naudiences = [\"a\"]\n{lines}\n");
    for (lines, problem) in [
        ("issuer = \"http://id.example\"\norganization = \"a\"", ""),
        ("issuer = \"http://10.0.0.1\"\norganization = \"a\"", "is not an address of https"),
        ("issuer = \"https://id.example\"", "auth.oidc.organization"),
        (
            "issuer = \"https://id.example\"\norganization = \"a\"\norganization_claim = \"o\"",
            "auth.oidc.organization",
        ),
        ("issuer = \"https://id.example\"\norganisation = \"a\"", "did you mean"),
        ("issuer = \"https://id.example\"\norganization = \"a\"\nlook_gap_s = 0", "look_gap_s"),
        ("issuer = \"https://id.example?x\"\norganization = \"a\"", "auth.oidc.issuer"),
    ] {
        let parsed = parlour_daemon::Config::parse(&oidc(lines));
        match parsed {
            Ok(_) => assert!(problem.is_empty(), "{lines}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!problem.is_empty() && said.contains(problem), "{lines}: {said}");
            }
        }
    }
}

#[test]
fn browsers_read_where_people_sign_in() {
    let provider = Provider::start(Mood::Well, &[&ProviderKey::rsa("r")]);
    let mut server = Server::prepare(Options::default());
    let web = "web_client = \"parlour\"\nweb_title = \"Example SSO\"\n\
               web_origins = [\"https://token.example\"]\n";
    configure(&server, &provider, &format!("{FIXED}\n{web}"));
    server.run().expect("it starts");
    let at = server.ready().http;
    let told = http::get(at, "/parlour/v1/endpoints", None);
    let told: serde_json::Value = serde_json::from_str(&told.body).expect("JSON");
    let expected = json!({"accounts": true, "passkeys": true, "oidc": [{
        "name": "Example SSO",
        "issuer": provider.issuer(),
        "client_id": "parlour",
        "scope": "openid profile offline_access",
    }]});
    assert_eq!(told["sign_in"], expected);
    configure(&server, &provider, &format!("{FIXED}\nweb_client = \"other\"\n"));
    let refused = server.command(&["config"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("auth.oidc.web_client"), "{why}");
    let page = http::request(at, "GET", "/", "", b"").expect("answered");
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    if page.status == 404 {
        println!(
            "SKIPPED: no web client is built into this server, whose page says where it may go"
        );
        return;
    }
    for asked in [provider.issuer(), "https://token.example".into()] {
        let origin: Vec<&str> = asked.splitn(4, '/').take(3).collect();
        assert!(policy.contains(&format!(" {}", origin.join("/"))), "{policy}");
    }
}

//! Tokens of every algorithm, by single keys and by key sets, and keys that come and go.

use std::{fs, path::Path};

use parlour_features::{
    provider::ProviderKey,
    raw::{Client, Lost, hello, hello_frame, say_wrong},
    server::{Options, ROOMY, Server},
    token::{claims, forge, open},
    world::ORG,
};
use parlour_protocol::{generated::rpc::GetUsers, user::GetUsersRequest, wire::CloseCode};
use serde_json::json;

/// One of each kind, named for it and for where it is.
fn keys(place: &str) -> [(&'static str, ProviderKey); 3] {
    let id = |algorithm: &str| format!("{algorithm} {place}");
    [
        ("RS256", ProviderKey::rsa(&id("RS256"))),
        ("ES256", ProviderKey::ec(&id("ES256"))),
        ("EdDSA", ProviderKey::ed(&id("EdDSA"))),
    ]
}

fn write_set(path: &Path, keys: &[&ProviderKey]) {
    let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
    // Whole or not at all, as whoever publishes keys writes them.
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, json!({ "keys": keys }).to_string()).expect("written");
    fs::rename(unfinished, path).expect("renamed");
}

/// A server that believes these keys in files of their own, and those in a set.
fn server(single: &[(&'static str, ProviderKey)], set: &[&ProviderKey]) -> Server {
    let mut server = Server::prepare(Options::config(""));
    write_set(&server.root().join("keys.json"), set);
    let mut config = format!("{ROOMY}[auth]\nkey_sets = [\"keys.json\"]\n");
    for (algorithm, key) in single {
        let file = format!("{algorithm}.pem");
        fs::write(server.root().join(&file), &key.public_pem).expect("written");
        config.push_str(&format!(
            "[[auth.keys]]\nid = \"{}\"\nalgorithm = \"{algorithm}\"\npublic_key_file = \"{file}\"\n",
            key.jwk["kid"].as_str().expect("it has a name"),
        ));
    }
    server.write_config(&config);
    server.run().expect("it starts");
    server
}

async fn comes(server: &Server, token: String) -> Result<Client, Lost> {
    server.door().connect(hello(token)).await
}

async fn is_refused(server: &Server, token: String, what: &str) {
    let (_, lost) = say_wrong(&server.door(), &hello_frame(hello(token))).await;
    assert!(lost.is(CloseCode::TokenInvalid), "{what}: {lost:?}");
}

#[tokio::test]
async fn every_algorithm_is_believed_of_its_own_key_and_of_no_other() {
    let (single, set) = (keys("alone"), keys("in a set"));
    let mut server = server(&single, &set.each_ref().map(|(_, key)| key));
    for (what, key) in single.iter().chain(&set) {
        let token = key.sign(&claims(ORG, "ada"));
        let came = comes(&server, token.clone()).await;
        assert!(came.is_ok(), "{what}: {came:?}");

        let (header, payload) = open(&token);
        let (_, signature) = token.rsplit_once('.').expect("a token has three parts");
        for (algorithm, other) in single.iter().chain(&set) {
            let mut header = header.clone();
            // Signed by one, said to be of another: by its name, and by the algorithm it names.
            header["kid"] = other.jwk["kid"].clone();
            header["alg"] = json!(algorithm);
            if header != open(&token).0 {
                let said = forge(&header, &payload, b"");
                let (body, _) = said.rsplit_once('.').expect("three parts");
                let what = format!("{what} as {}", other.jwk["kid"]);
                is_refused(&server, format!("{body}.{signature}"), &what).await;
            }
        }
        // The public half is known to everybody: it is no secret of HMAC's.
        let mut header = header.clone();
        header["alg"] = json!("HS256");
        let by_public = forge(&header, &payload, key.public_pem.as_bytes());
        is_refused(&server, by_public, &format!("{what}, its public half as a secret")).await;
    }
    server.assert_well();
}

#[tokio::test]
async fn a_key_set_is_read_again_by_itself_and_who_came_by_a_key_that_is_gone_leaves() {
    let [old, new] = ["old", "new"].map(ProviderKey::ed);
    let mut server = server(&[], &[&old]);
    let before = comes(&server, old.sign(&claims(ORG, "ada"))).await.expect("the old key holds");
    is_refused(&server, new.sign(&claims(ORG, "bob")), "not shown yet").await;

    let set = server.root().join("keys.json");
    write_set(&set, &[&old, &new]);
    server.logs("token keys read again");
    let after = comes(&server, new.sign(&claims(ORG, "bob"))).await.expect("the new key holds");
    before.call::<GetUsers>(&GetUsersRequest::default()).await.expect("and so does the old one");

    // What isn't a set takes no key from anybody.
    fs::write(&set, "{\"keys\":").expect("written");
    server.logs("the former ones stay in force");
    before.call::<GetUsers>(&GetUsersRequest::default()).await.expect("still here");

    write_set(&set, &[&new]);
    assert!(before.closed().await.is(CloseCode::TokenInvalid));
    is_refused(&server, old.sign(&claims(ORG, "ada")), "gone").await;
    after.call::<GetUsers>(&GetUsersRequest::default()).await.expect("the new one stays");
    server.assert_well();
}

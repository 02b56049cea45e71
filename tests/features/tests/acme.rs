//! Certificates by ACME, from a real ACME server beside the real server. Where the host has none, that is
//! said.

use std::{fs, path::Path, time::Duration};

use parlour::{Client, Trust};
use parlour_features::{
    http,
    pebble::{self, Pebble, free_port, https, program},
    server::{Options, ROOMY, Server},
    token,
    world::ORG,
};

/// Pebble, not yet running; `None`, and said, where there is none.
fn pebble(folder: &Path) -> Option<Pebble> {
    let Some(program) = program() else {
        eprintln!("SKIPPED: no ACME server on this host; Debian has it as the package pebble");
        return None;
    };
    Some(Pebble::prepare(&program, &folder.join("pebble")))
}

/// A server for `localhost` that has its certificate from there.
fn config(pebble: &Pebble, http: &str, acme: &str) -> String {
    format!(
        "{ROOMY}[http]\n{http}\n[tls.acme]\nnames = [\"localhost\"]\nterms_agreed = true\n\
         contact = [\"admin@example.org\"]\ndirectory = \"{}\"\nca_file = \"{}\"\n{acme}\n",
        pebble.directory(),
        pebble.ca_file().display()
    )
}

/// Waits for what is in the log so many times by then. A CA takes its time.
async fn logged(server: &Server, what: &str, times: usize) {
    for _ in 0..1200 {
        if server.log().matches(what).count() >= times {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never {times} times in the log: {what}");
}

const ISSUED: &str = "acme: a certificate was issued";

/// A client over QUIC, which is where certificates differ.
async fn client(server: &Server, sub: &str, trust: Trust) -> Client {
    let address = format!("localhost:{}", server.ready().quic.port());
    let token = server.sign(&token::claims(ORG, sub));
    let client = Client::builder().address(address).token(token).trust(trust);
    client.connect().await.expect("the certificate is right")
}

/// One that believes whoever that root vouches for.
async fn believer(server: &Server, sub: &str, root: &str) -> Client {
    client(server, sub, Trust::RootPem(root.into())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_ordered_shown_everywhere_and_renewed_while_clients_stay() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut pebble) = pebble(folder.path()) else { return };
    let port = free_port();
    let listen = format!("listen = \"127.0.0.1:{port}\"");
    let mut server = Server::start(Options::config(config(&pebble, "tls = true", &listen)));
    // Nobody is there yet: the server runs with what it has made itself.
    server.logs("the ca can't be asked: nobody answers there");
    let status = server.printed(&["status"]);
    assert!(status.contains("localhost: none yet, ordered in"), "{status}");
    assert!(status.contains("check tls.acme.directory"), "{status}");
    assert!(server.data().join("certificate.sha256").exists());
    let pinned = Trust::parse_sha256(&server.ready().sha256).expect("a hash");
    let early = client(&server, "early", pinned).await;
    let room = early.create_group("Talk", [] as [&str; 0]).await.unwrap();

    // It tries again by itself.
    pebble.run(&pebble::Options { http_port: port, valid_s: 30, ..pebble::Options::default() });
    logged(&server, ISSUED, 1).await;
    let root = pebble.root();
    let address = server.ready().http;
    let document = https(address, "/parlour/v1/endpoints", &root).expect("pebble's certificate");
    assert!(document.body.contains("\"certificate_hashes\":[]"), "{}", document.body);
    believer(&server, "late", &root).await;
    assert!(!server.data().join("certificate.sha256").exists(), "nothing is left to pin");
    room.send("still here").await.expect("who was connected stays");
    let status = server.printed(&["status"]);
    assert!(status.contains("localhost: ends in"), "{status}");

    // Two thirds later.
    logged(&server, ISSUED, 2).await;
    let again = https(address, "/healthz", &root).expect("pebble's again");
    assert_ne!(again.shown, document.shown);
    room.send("and still").await.expect("who was connected stays");
    early.synced().await.expect("on the same connection");

    // A restart shows it at once, and orders with the account it has.
    let account = account_of(&server);
    server.stop();
    pebble.run(&pebble::Options { http_port: port, valid_s: 3600, ..pebble::Options::default() });
    server.run().expect("it starts again");
    assert!(server.printed(&["status"]).contains("localhost: ends in"));
    assert_eq!(account_of(&server), account, "made once");
    server.assert_well();
}

fn account_of(server: &Server) -> Vec<u8> {
    let found = fs::read_dir(server.data().join("tls"))
        .expect("the folder of certificates")
        .flatten()
        .find(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("acme-account-") && name.ends_with(".json")
        });
    fs::read(found.expect("there is an account").path()).expect("can be read")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_finds_nothing_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut pebble) = pebble(folder.path()) else { return };
    let port = free_port();
    // It looks where nobody is.
    let elsewhere = pebble::Options { http_port: free_port(), ..pebble::Options::default() };
    pebble.run(&pebble::Options { valid_s: 3600, ..elsewhere });
    let listen = format!("listen = \"127.0.0.1:{port}\"");
    let mut server = Server::start(Options::config(config(&pebble, "", &listen)));
    logged(&server, "the ca's look at localhost by http-01 failed", 1).await;
    let status = server.printed(&["status"]);
    assert!(status.contains("port 80 of it to tls.acme.listen"), "{status}");
    let asked = http::get(server.ready().http, "/.well-known/acme-challenge/guessed", None);
    assert_eq!(asked.status, 404);

    // The CA is made anew, so it doesn't know the account either.
    pebble.run(&pebble::Options { http_port: port, valid_s: 3600, ..pebble::Options::default() });
    tokio::time::sleep(Duration::from_secs(11)).await;
    server.reload();
    logged(&server, "doesn't know the account that is kept", 1).await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    server.reload();
    logged(&server, ISSUED, 1).await;
    believer(&server, "alice", &pebble.root()).await;

    // Good for long: a restart orders nothing.
    server.stop();
    server.run().expect("it starts again");
    believer(&server, "alice", &pebble.root()).await;
    assert_eq!(server.log().matches(ISSUED).count(), 1);
    let doctor = server.printed(&["doctor"]);
    assert!(doctor.contains("acme") && doctor.contains("answers"), "{doctor}");
    server.assert_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_of_a_ca_prove_their_name_by_tls() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut pebble) = pebble(folder.path()) else { return };
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let file = folder.path().join("eab.txt");
    fs::write(&file, format!("{key}\n")).unwrap();
    let eab = format!("eab_key_id = \"kid-1\"\neab_key_file = \"{}\"", file.display());
    let server = Server::start(Options::config(config(&pebble, "tls = true", &eab)));
    server.logs("the ca can't be asked");
    pebble.run(&pebble::Options {
        tls_port: server.ready().http.port(),
        valid_s: 3600,
        external: Some(("kid-1".into(), key.into())),
        ..pebble::Options::default()
    });
    server.reload();
    logged(&server, ISSUED, 1).await;
    let root = pebble.root();
    assert_eq!(https(server.ready().http, "/healthz", &root).expect("right").body, "ok\n");
    believer(&server, "alice", &root).await;
    assert!(!server.log().contains(key));

    let stranger = Server::start(Options::config(config(&pebble, "tls = true", "")));
    logged(&stranger, "an external account's key only", 1).await;
    logged(&stranger, "set tls.acme.eab_key_id", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_directory_and_a_wrong_configuration_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut pebble) = pebble(folder.path()) else { return };
    pebble.run(&pebble::Options { valid_s: 3600, ..pebble::Options::default() });
    let right = config(&pebble, "", "");
    let server = Server::start(Options::config(right.replace("/dir\"", "/nothing\"")));
    server.logs("what answers there is no acme server: it answers with 404");
    let doctor = server.command(&["doctor"]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("it answers with 404 and no directory"), "{told}");

    let told = |config: String| {
        let refused = Server::prepare(Options::config(config)).command(&["serve"]);
        assert!(!refused.status.success());
        String::from_utf8_lossy(&refused.stderr).into_owned()
    };
    for (from, to, wanted) in [
        ("terms_agreed = true", "", "tls.acme.terms_agreed"),
        ("\"localhost\"", "\"*.example.org\"", "wildcard"),
        ("https://localhost", "http://localhost", "tls.acme.directory"),
        ("admin@example.org", "nobody", "tls.acme.contact"),
        ("terms_agreed", "eab_key_id = \"a\"\nterms_agreed", "tls.acme.eab_key_id"),
        ("[http]", "[http]\nlisten = \"off\"", "tls.acme.listen"),
    ] {
        let complaint = told(right.replacen(from, to, 1));
        assert!(complaint.contains(wanted), "{wanted}: {complaint}");
    }
}

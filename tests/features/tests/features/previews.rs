//! Link previews through a real server: what is told, what is visited, and where nobody goes.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_features::{
    http,
    raw::Client,
    server::{Options, ROOMY, Server},
    site::{Page, Site},
    world::{client_ref, group, join, say},
};
use parlour_protocol::{
    generated::{
        EventMessage,
        rpc::{Edit, HideLinkPreviews},
    },
    message::{EditRequest, MessageEdited},
    preview::{HideLinkPreviewsRequest, LinkPreviewsAdded, LinkPreviewsHidden},
    wire::Event,
};
use prost::Message;

fn server(previews: &str) -> Server {
    let metrics = "[metrics]\nlisten = \"127.0.0.1:0\"\n";
    Server::start(Options::config(format!("{ROOMY}\n{metrics}[previews]\n{previews}\n")))
}

fn looking() -> Server {
    server("enabled = true\nallow_private = [\"127.0.0.1/32\"]")
}

async fn added(client: &Client) -> (u64, LinkPreviewsAdded) {
    let Event { header, body } = client.hears(LinkPreviewsAdded::RULE.kind).await;
    (header.expect("a header").target_seq, LinkPreviewsAdded::decode(body).expect("a body"))
}

fn titles(added: &LinkPreviewsAdded) -> Vec<&str> {
    added.previews.iter().map(|preview| &*preview.title).collect()
}

/// How many links ended up like that.
fn counted(server: &Server, outcome: &str) -> usize {
    let metrics = server.ready().metrics.expect("metrics listen");
    let text = http::get(metrics, "/metrics", None).body;
    let name = format!("parlour_link_previews_total{{outcome=\"{outcome}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().expect("a number"))
}

async fn counts(server: &Server, outcome: &str, count: usize) {
    let until = Instant::now() + Duration::from_secs(20);
    while counted(server, outcome) < count {
        assert!(Instant::now() < until, "{outcome}: {}", counted(server, outcome));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn edit(client: &Client, room: &Bytes, target_seq: u64, text: &str) -> u64 {
    let body = MessageEdited { text: text.into(), ..Default::default() }.encode_to_vec();
    let (room, client_ref) = (room.clone(), client_ref());
    let request = EditRequest { room, client_ref, target_seq, body: body.into() };
    client.call::<Edit>(&request).await.expect("edited").seq
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_told_what_its_links_lead_to() {
    let (server, site) = (looking(), Site::at("127.0.0.1"));
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "links", &["bob"]).await;
    site.put(
        "/a",
        Page::Html(
            "<head><meta property=\"og:title\" content=\"The &quot;A&quot;\">\
             <meta property=og:description content='what it is'>\
             <meta property=og:site_name content=Site>"
                .into(),
        ),
    );
    site.put("/moved", Page::Redirect("/b".into()));
    site.titled("/b", "B");
    let text = format!("{} and {} and {}", site.url("/a"), site.url("/none"), site.url("/moved"));
    let sent = say(&ada, &room, &text).await.expect("sent");
    let (target, first) = added(&bob).await;
    assert_eq!((target, first.text_seq), (sent.seq, sent.seq));
    assert_eq!(titles(&first), ["The \"A\"", "B"]);
    let preview = &first.previews[0];
    assert_eq!((&*preview.description, &*preview.site_name), ("what it is", "Site"));
    // The link that was written, not where it led.
    assert_eq!(first.previews[1].url, site.url("/moved"));
    for head in site.came() {
        let head = head.to_ascii_lowercase();
        assert!(head.contains("user-agent: parlour/") && !head.contains("cookie"), "{head}");
    }
    // Nobody comes twice for what is known.
    let visits = site.came().len();
    let edited = edit(&ada, &room, sent.seq, &format!("only {}", site.url("/a"))).await;
    let (target, second) = added(&bob).await;
    assert_eq!((target, second.text_seq), (sent.seq, edited));
    assert_eq!(titles(&second), ["The \"A\""]);
    assert_eq!(site.came().len(), visits);
    assert_eq!(counted(&server, "cached"), 1);
    let request = HideLinkPreviewsRequest {
        room: room.clone(),
        client_ref: client_ref(),
        target_seq: sent.seq,
    };
    let hidden = ada.call::<HideLinkPreviews>(&request).await.expect("her own");
    let again = ada.call::<HideLinkPreviews>(&request).await.expect("once more");
    assert!(again.deduplicated && again.seq == hidden.seq);
    bob.hears(LinkPreviewsHidden::RULE.kind).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_pages_that_are_slow() {
    let (server, site) = (looking(), Site::at("127.0.0.1"));
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "links", &["bob"]).await;
    for n in 0..3 {
        site.put(&format!("/slow{n}"), Page::Slow(Duration::from_secs(30)));
    }
    // One organization has four places: what is fast finds one.
    let begun = Instant::now();
    for n in 0..3 {
        say(&ada, &room, &site.url(&format!("/slow{n}"))).await.expect("sent");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let sent = say(&ada, &room, &site.titled("/fast", "fast")).await.expect("sent");
    let (target, fast) = added(&bob).await;
    assert_eq!((target, titles(&fast)), (sent.seq, vec!["fast"]));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    counts(&server, "failed", 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_goes_where_it_is_not_allowed() {
    let (server, site, inside) = (looking(), Site::at("127.0.0.1"), Site::at("127.0.0.2"));
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "links", &["bob"]).await;
    let secret = inside.titled("/secret", "secret");
    let port = secret.rsplit(':').next().and_then(|rest| rest.split('/').next()).expect("a port");
    let mut links = vec![
        secret.clone(),
        format!("http://[::ffff:127.0.0.2]:{port}/secret"),
        format!("http://[64:ff9b::7f00:2]:{port}/secret"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://1.1.1.1:25/".to_owned(),
    ];
    site.put("/to-inside", Page::Redirect(secret));
    site.put("/to-metadata", Page::Redirect("http://169.254.169.254/".into()));
    site.put("/to-file", Page::Redirect("file:///etc/passwd".into()));
    links.extend(["/to-inside", "/to-metadata", "/to-file"].map(|path| site.url(path)));
    for link in &links {
        say(&ada, &room, link).await.expect("sent all the same");
    }
    counts(&server, "not_allowed", links.len()).await;
    site.put("/round", Page::Redirect("/round".into()));
    say(&ada, &room, &site.url("/round")).await.expect("sent");
    counts(&server, "failed", 1).await;
    let rounds = site.came().iter().filter(|head| head.starts_with("GET /round ")).count();
    assert_eq!(rounds, 4, "the link, and three redirections");
    // What is allowed comes, and before it nothing did.
    let sent = say(&ada, &room, &site.titled("/good", "good")).await.expect("sent");
    assert_eq!(added(&bob).await.0, sent.seq);
    assert!(inside.came().is_empty(), "{:?}", inside.came());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_and_a_host_have_their_rates_and_without_a_wish_nobody_looks() {
    let (server, site) = (looking(), Site::at("127.0.0.1"));
    let ada = join(&server, "ada").await;
    let room = group(&ada, "links", &[]).await;
    for n in 0..40 {
        say(&ada, &room, &site.titled(&format!("/{n}"), "x")).await.expect("sent");
    }
    counts(&server, "limited", 20).await;
    assert!(site.came().len() < 20, "{}", site.came().len());

    let quiet = self::server("");
    let ada = join(&quiet, "ada").await;
    let room = group(&ada, "links", &[]).await;
    let visits = site.came().len();
    say(&ada, &room, &site.titled("/quiet", "x")).await.expect("sent");
    // Long enough for a look that there would be.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(site.came().len(), visits);
    // Where people's links lead is theirs: not even what goes wrong there is in a log.
    let host = site.url("");
    let host = host.trim_start_matches("http://");
    assert!(!server.log().contains(host) && !quiet.log().contains(host));
}

//! `cargo xtask demo`: a server with a small example organization, and two chats to paste.

mod check;
mod site;
mod talker;

use std::path::Path;
use std::time::Duration;

use crate::args::Args;
use crate::{Outcome, shell, web};
use site::Site;
use talker::Talker;

pub(crate) const HELP: &str = "\
usage: cargo xtask demo [--check]

Starts a server in .parlour-demo/ and prints addresses to open in a browser, one for each of three
people, and the same chat for two terminals. Ctrl-C ends it; the next start has all that was said.
  --check   the same unattended in a fresh folder: two client processes exchange messages, the
            server is killed and started again, and nothing may be lost";

const FOLDER: &str = ".parlour-demo";

/// Where the example's server listens, if nothing else does.
const QUIC: &str = "127.0.0.1:4433";
const HTTP: &str = "127.0.0.1:8080";

const PEOPLE: &[(&str, &str)] =
    &[("ada", "Ada Lovelace"), ("grace", "Grace Hopper"), ("linus", "Linus Torvalds")];

/// Who says what before anybody else: the number is the place among the three.
const FIRST_WORDS: &[(usize, &str)] = &[
    (0, "Good morning, Grace. Is your compiler awake?"),
    (1, "It found a moth in the relay. How is the engine?"),
    (0, "Still on paper, but the notes grow."),
    (2, "Ada, may I read your notes?"),
];

/// A file that says the first conversation is there.
const SEEDED: &str = "seeded";
const SEEDED_WITHIN: Duration = Duration::from_secs(30);

/// The packages of the unattended run.
const CHECKED: &[&str] =
    &["parlour-daemon", "parlour-demo-client", "parlour-chat", "parlour-hello"];

pub(crate) fn run(mut args: Args) -> Outcome {
    let check_only = args.switch("--check");
    args.finish()?;
    if check_only {
        println!("building the server and the client (the first time takes minutes)");
        return check(&shell::build(CHECKED, false)?);
    }
    println!("building the web client, the server and the chat (the first time takes minutes)");
    if let Err(why) = web::build() {
        println!("[demo] without the web client: {why}");
    }
    serve(&shell::build(&["parlour-daemon", "parlour-demo-client", "parlour-chat"], false)?)
}

/// The unattended run, from programs already built.
pub(crate) fn check(bins: &Path) -> Outcome {
    let folder = shell::target_dir().join(format!("demo-check-{}", std::process::id()));
    let outcome = check::run(&Site::new(&folder, bins)?);
    match &outcome {
        Ok(()) => std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?,
        Err(_) => eprintln!("what was left is in {}", folder.display()),
    }
    outcome
}

fn serve(bins: &Path) -> Outcome {
    let folder = shell::root().join(FOLDER);
    let site = Site::new(&folder, bins)?;
    for (subject, name) in PEOPLE {
        site.token(subject, name)?;
    }
    let mut server = site.start(Some(site::Listen::near(QUIC, HTTP)?), false)?;
    site.organize()?;
    if !site.file(SEEDED).exists() {
        seed(&site, &server)?;
    }
    println!(
        "\nA server with a small organization is ready. In a browser, each in a window of its own:\n"
    );
    for (subject, name) in PEOPLE {
        println!("  {name}\n  {}\n", page(&site, &server, subject)?);
    }
    println!("Or in two more terminals:\n");
    for subject in ["ada", "grace"] {
        println!("  {}\n", chat(&site, &server, subject).join(" "));
    }
    println!("Ctrl-C ends the server; what was said stays.\n");
    server.wait()
}

/// A first conversation, so that nobody begins with an empty screen: a user can be written to once
/// they have connected, and a direct room is there once somebody opened it.
fn seed(site: &Site, server: &site::Server) -> Outcome {
    let begin = |name, with| Talker::start(site, server, name, with, "-");
    let mut talkers = [begin("ada", "grace")?, begin("grace", "ada")?, begin("linus", "ada")?];
    for talker in &mut talkers {
        talker.until("ready", SEEDED_WITHIN, |talker| talker.printed("history"))?;
    }
    for (nth, text) in FIRST_WORDS {
        let talker = &mut talkers[*nth];
        let said = talker.acknowledged.len();
        talker.say(text)?;
        talker.until("heard", SEEDED_WITHIN, |talker| talker.acknowledged.len() > said)?;
    }
    talkers.into_iter().try_for_each(Talker::end)?;
    std::fs::write(site.file(SEEDED), "").map_err(|error| error.to_string())
}

/// The address for a browser. What stands behind the # stays in it.
fn page(site: &Site, server: &site::Server, subject: &str) -> Outcome<String> {
    let file = site.token_file(subject);
    let token = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(format!("http://{}/#token={}", server.http, token.trim()))
}

/// The command for a terminal, in words.
fn chat(site: &Site, server: &site::Server, subject: &str) -> Vec<String> {
    let mut words = vec![near(&site.program("parlour-chat"))];
    let flags = [
        ("--address", server.address.clone()),
        ("--pin", server.certificate.clone()),
        ("--token-file", near(&site.token_file(subject))),
        ("--cache", near(&site.file(&format!("{subject}.sqlite")))),
    ];
    words.extend(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
    words
}

/// A path as one would type it in the workspace's root.
fn near(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

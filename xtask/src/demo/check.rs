//! The unattended demo: two client processes talk, the server is killed in the middle and started
//! again, and then every word is looked for: in both clients, and in a third one that comes new.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::site::{Listen, Server, Site};
use super::talker::Talker;
use crate::{Outcome, shell};

/// A line of the hello program is shorter.
const LINE_MAX: u64 = 4096;

/// Messages of each of the two, before the kill and around it.
const MESSAGES: usize = 25;

/// A client that lost its server notices, backs off and comes back within this.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(site: &Site) -> Outcome {
    site.token("ada", "Ada Lovelace")?;
    site.token("grace", "Grace Hopper")?;
    let mut server = site.start(None, true)?;
    println!("demo: the server is ready at {}", server.address);
    let mut talkers = [
        Talker::start(site, &server, "ada", "grace", "ada.sqlite")?,
        Talker::start(site, &server, "grace", "ada", "grace.sqlite")?,
    ];
    for talker in &mut talkers {
        talker.until("ready", PATIENCE, |talker| talker.printed("history"))?;
    }
    exchange(&mut talkers, "before")?;
    hear_all(&mut talkers, 2 * MESSAGES)?;
    println!("demo: {} messages went between two processes", 2 * MESSAGES);

    let mut server = kill_in_the_middle(site, &mut server, &mut talkers)?;
    hear_all(&mut talkers, 4 * MESSAGES)?;
    let log = judge(&talkers)?;
    println!("demo: all {log} messages are there once, in one order, for both");

    let mut late = Talker::start(site, &server, "ada", "grace", "-")?;
    late.until("its history", PATIENCE, |talker| talker.printed("history"))?;
    late.heard.sort();
    let [ada, _] = &talkers;
    if late.heard != ada.heard {
        return Err(format!("a new device reads {} messages, not {log}", late.heard.len()));
    }
    println!("demo: a new device reads the same {log}");
    late.end()?;
    talkers.into_iter().try_for_each(Talker::end)?;
    programs(site, &server)?;
    server.end()?;
    println!("demo: everyone left cleanly");
    Ok(())
}

/// The chat whose command the demo prints, and the hello of the README: each says something that the other reads.
fn programs(site: &Site, server: &Server) -> Outcome {
    let token = site.token("linus", "Linus Torvalds")?;
    let token = read(&token)?;
    let hello = [server.address.as_str(), &server.certificate, token.trim(), "ada"];
    let mut greets = shell::program(site.program("parlour-hello"), &hello)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("parlour-hello can't be run: {error}"))?;
    let script = "/wait-live\n/dm linus\n/wait Hello!\nGood morning, Linus.\n/wait-sent\n/dump\n";
    let said = scripted(&super::chat(site, server, "ada"), script);
    let mut heard = String::new();
    let hears = greets.stdout.take().map(BufReader::new).ok_or("no standard output")?;
    // It reads for ever; what it hears first is enough.
    let outcome = said.and_then(|said| {
        hears.take(LINE_MAX).read_line(&mut heard).map_err(|error| error.to_string())?;
        Ok(said)
    });
    greets.kill().and_then(|()| greets.wait()).map_err(|error| error.to_string())?;
    let said = outcome?;
    for line in ["linus: Hello!", "ada: Good morning, Linus."] {
        if !said.lines().any(|said| said == line) {
            return Err(format!("the chat doesn't print {line:?} but {said}"));
        }
    }
    if heard.trim_end() != "Good morning, Linus." {
        return Err(format!("the hello program heard {heard:?}"));
    }
    println!("demo: the printed chat and the hello program talked");
    Ok(())
}

/// What a chat prints that is given a script instead of a screen.
fn scripted(words: &[String], script: &str) -> Outcome<String> {
    let [program, flags @ ..] = words else { return Err("no command".into()) };
    let mut chat = Command::new(program)
        .args(flags)
        .arg("--script")
        .current_dir(shell::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("parlour-chat can't be run: {error}"))?;
    let mut input = chat.stdin.take().ok_or("no standard input")?;
    input.write_all(script.as_bytes()).map_err(|error| error.to_string())?;
    drop(input);
    let output = chat.wait_with_output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("parlour-chat ended: {}", output.status)),
    }
}

fn read(file: &Path) -> Outcome<String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Both say all they have to, in turn.
fn exchange(talkers: &mut [Talker; 2], when: &str) -> Outcome {
    for nth in 0..MESSAGES {
        for talker in talkers.iter_mut() {
            talker.say(&format!("{} {when} {nth}", talker.name))?;
        }
    }
    Ok(())
}

/// The server is killed while messages are under way: some are acknowledged, others not.
fn kill_in_the_middle(
    site: &Site,
    server: &mut Server,
    talkers: &mut [Talker; 2],
) -> Outcome<Server> {
    let [ada, _] = &mut *talkers;
    let before = ada.acknowledged.len();
    exchange(talkers, "around")?;
    let [ada, _] = &mut *talkers;
    // Another moment in each run.
    let more = std::process::id() as usize % MESSAGES;
    ada.until("acknowledged", PATIENCE, |talker| talker.acknowledged.len() > before + more)?;
    server.kill()?;
    let acknowledged: usize = talkers.iter().map(|talker| talker.acknowledged.len()).sum();
    println!("demo: the server was killed with {acknowledged} of {} acknowledged", 4 * MESSAGES);
    let start = Instant::now();
    let there = Listen { quic: server.address.clone(), http: server.http.clone() };
    let again = site.start(Some(there), true)?;
    println!("demo: it was ready again in {:.1} s", start.elapsed().as_secs_f64());
    Ok(again)
}

/// Both have heard everything, and the server has acknowledged what they said.
fn hear_all(talkers: &mut [Talker; 2], count: usize) -> Outcome {
    for talker in talkers {
        let done =
            |talker: &Talker| talker.heard.len() >= count && talker.acknowledged.len() >= count / 2;
        talker.until("everything", PATIENCE, done)?;
    }
    Ok(())
}

/// Nothing lost, nothing doubled, one order for both. Hands back how many messages there are.
fn judge(talkers: &[Talker; 2]) -> Outcome<usize> {
    for talker in talkers {
        let name = talker.name;
        if !talker.heard.is_sorted() {
            return Err(format!("{name} heard messages out of order"));
        }
        let texts: BTreeSet<&str> = talker.heard.iter().map(|heard| heard.text.as_str()).collect();
        if texts.len() != talker.heard.len() {
            return Err(format!("{name} heard a message twice"));
        }
        let lost = talker.acknowledged.iter().find(|sent| !talker.heard.contains(sent));
        if let Some(lost) = lost {
            return Err(format!("acknowledged to {name} and lost: {lost:?}"));
        }
    }
    let [ada, grace] = talkers;
    if ada.heard != grace.heard {
        return Err("the two heard different logs".into());
    }
    let said = 4 * MESSAGES;
    match ada.heard.len() {
        heard if heard == said => Ok(heard),
        heard => Err(format!("{said} messages were said, {heard} are there")),
    }
}

//! Damaged disks under the whole server: copies of a stopped server's data folder, truncated,
//! garbled or zeroed in one place. It refuses to start and says why, or it says over the wire what
//! can't be read. Never a wrong byte, never silence. What `storage copy --salvage` makes of it serves
//! what could be read, and says what is missing.

use std::{collections::BTreeMap, fs};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_features::{
    raw::{CallError, Client, Door},
    server::Server,
    world::text,
};
use parlour_protocol::{
    generated::rpc::{ReadLog, ReadTimeline, Send},
    sync::{ReadLogRequest, ReadTimelineRequest, SeqRange},
    wire::{CloseCode, ErrorReason, Event, Hello},
};
use prost::Message;

use super::{
    block_on, over,
    writers::{Writer, people},
};
use crate::{
    args::Args,
    disk_damage::{copy_tree, damage},
    report::Report,
    rng::Rng,
};

const WRITERS: usize = 4;
const ROOMS: usize = 4;
const TEXTS: u64 = 100;

pub(crate) fn run(args: &Args) -> Report {
    let copies = args.count(100, 6);
    let mut report = Report::default();
    for kind in args.stores() {
        report.part(kind.name(), block_on(run_on(args, kind, copies)));
    }
    report
}

/// How damage showed.
#[derive(Debug, Default)]
struct Found {
    refused_to_start: u64,
    turned_away: u64,
    said: u64,
    reported: u64,
    harmless: u64,
    /// Stores that could be salvaged and served.
    salvaged: u64,
    /// Stores that couldn't even be opened for it.
    lost: u64,
    /// Messages of those that were salvaged, and those that the reader got of them.
    salvaged_of: u64,
    salvaged_read: u64,
}

/// By room: what was written there, in order.
type Truth = Vec<(Bytes, BTreeMap<u64, Vec<u8>>)>;

async fn run_on(args: &Args, kind: Kind, copies: u64) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let mut server = Server::start(over(kind));
    let (writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let truth = fill(&server, &writers, &rooms, &mut rng).await;
    report.expect(server.stop().success(), || "the first stop was not clean".into());
    let original = server.data();
    let reader = writers[0].hello();
    let mut found = Found::default();
    for copy in 0..copies {
        let path = server.root().join("copy");
        copy_tree(&original, &path).expect("there is room for one copy");
        let what = damage(&path, &mut rng).expect("the copy can be damaged");
        server.use_data(path.clone());
        if let Err(problem) = judge(&mut server, &reader, &truth, &mut found).await {
            report.violation(&format!("copy {copy}, {what}: {problem}"));
        }
        if let Err(problem) = salvage(&mut server, kind, &reader, &truth, &mut found).await {
            report.violation(&format!("copy {copy}, {what}, salvaged: {problem}"));
        }
        fs::remove_dir_all(&path).expect("it was just made");
    }
    args.progress(&format!("server-disk-damage {kind}: {found:?}"));
    report.trials(copies);
    report.figure("refused_to_start", found.refused_to_start);
    report.figure("turned_away", found.turned_away);
    report.figure("said_over_the_wire", found.said);
    report.figure("reported_by_check", found.reported);
    report.figure("harmless", found.harmless);
    report.figure("salvaged", found.salvaged);
    report.figure("not_to_salvage", found.lost);
    report.figure("salvaged_read", found.salvaged_read);
    report.figure("salvaged_of", found.salvaged_of);
    report
}

/// Texts of all sizes, and what the logs say then.
async fn fill(server: &Server, writers: &[Writer], rooms: &[Bytes], rng: &mut Rng) -> Truth {
    for writer in writers {
        let client = server.door().connect(writer.hello()).await.expect("everybody is welcome");
        for n in 0..TEXTS {
            let len = if rng.below(10) == 0 { rng.below(8_000) } else { rng.below(200) };
            let noise: String =
                rng.bytes(len as usize).iter().map(|byte| format!("{byte:02x}")).collect();
            let said = text(writer.room_id(), &format!("{}/{n} {noise}", writer.index));
            client.call::<Send>(&said).await.expect("there is room");
        }
    }
    let door = server.door();
    let reader = door.connect(writers[0].hello()).await.expect("everybody is welcome");
    let mut truth = Truth::new();
    for room in rooms {
        let read = read(&reader, room).await.expect("nothing is damaged yet");
        assert!(read.damaged.is_empty(), "nothing is damaged yet");
        truth.push((room.clone(), read.events));
    }
    truth
}

/// What a room's log says over the wire.
#[derive(Default)]
struct Read {
    events: BTreeMap<u64, Vec<u8>>,
    damaged: Vec<SeqRange>,
    head: u64,
}

impl Read {
    fn take(&mut self, events: Vec<Event>, damaged: Vec<SeqRange>, head: u64) {
        let seq = |event: &Event| event.header.as_ref().map_or(0, |header| header.seq);
        self.events.extend(events.iter().map(|event| (seq(event), event.encode_to_vec())));
        self.damaged.extend(damaged);
        self.head = self.head.max(head);
    }

    /// What nobody wrote, or nobody speaks of.
    fn wrong(&self, truth: &BTreeMap<u64, Vec<u8>>) -> Option<String> {
        let is_wrong = |(seq, bytes): &(&u64, &Vec<u8>)| truth.get(seq) != Some(*bytes);
        if let Some((seq, _)) = self.events.iter().find(is_wrong) {
            return Some(format!("what is at {seq} was never written there"));
        }
        let is_damaged =
            |seq: u64| self.damaged.iter().any(|r| (r.from_seq..=r.to_seq).contains(&seq));
        let silent = truth
            .keys()
            .find(|seq| **seq <= self.head && !self.events.contains_key(seq) && !is_damaged(**seq));
        silent.map(|seq| format!("{seq} isn't there, and nothing is said of it"))
    }

    /// Whether everything was there that ever was.
    fn is_whole(&self, truth: &BTreeMap<u64, Vec<u8>>) -> bool {
        self.events.len() == truth.len()
    }
}

async fn read(reader: &Client, room: &Bytes) -> Result<Read, CallError> {
    let mut read = Read::default();
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..Default::default() };
    for item in reader.bulk::<ReadLog>(&request).await? {
        read.take(item.events, item.damaged, item.as_of_seq);
    }
    Ok(read)
}

/// A page of a room's timeline: what people see of it.
async fn read_page(reader: &Client, room: &Bytes) -> Result<Read, CallError> {
    let mut read = Read::default();
    let request = ReadTimelineRequest { room: room.clone(), limit: 500, ..Default::default() };
    for item in reader.bulk::<ReadTimeline>(&request).await? {
        read.take(item.events, item.damaged, 0);
    }
    Ok(read)
}

async fn judge(
    server: &mut Server,
    hello: &Hello,
    truth: &Truth,
    found: &mut Found,
) -> Result<(), String> {
    let is_clean = server.command(&["storage", "check"]).status.success();
    if let Err(why) = server.run() {
        // Engines assert on damage and the adapters catch that, but the messages are in the log. The
        // last word is the program's own.
        let last = why.lines().last().unwrap_or_default();
        found.refused_to_start += 1;
        let is_clear = last.contains("parlour: ");
        return if is_clear { Ok(()) } else { Err(format!("it doesn't start: {why:?}")) };
    }
    let heard = hear(&server.door(), hello, truth).await;
    if server.has_ended() {
        return Err(format!("it ended with {}", server.wait()));
    }
    server.kill();
    match heard?.0 {
        Heard::TurnedAway => found.turned_away += 1,
        Heard::Said => found.said += 1,
        // An older state, or damage where nobody reads, is for the check to see.
        Heard::All | Heard::Less if !is_clean => found.reported += 1,
        Heard::All => found.harmless += 1,
        Heard::Less => return Err("something is missing, and nobody says so".into()),
    }
    Ok(())
}

/// Serves what can be read of the damaged store.
async fn salvage(
    server: &mut Server,
    kind: Kind,
    hello: &Hello,
    truth: &Truth,
    found: &mut Found,
) -> Result<(), String> {
    let (store, fresh) = (server.data().join("store"), server.data().join("salvaged"));
    let from = format!("{kind}:{}", store.display());
    let to = format!("{kind}:{}", fresh.display());
    let output = server.command(&["storage", "copy", "--salvage", "--from", &from, "--to", &to]);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        found.lost += 1;
        let is_clear = said.lines().last().is_some_and(|last| last.contains("parlour: "));
        return if is_clear { Ok(()) } else { Err(format!("it isn't salvaged: {said:?}")) };
    }
    let is_whole = !String::from_utf8_lossy(&output.stdout).contains("missing or damaged");
    fs::remove_dir_all(&store).map_err(|error| error.to_string())?;
    fs::rename(&fresh, &store).map_err(|error| error.to_string())?;
    if let Err(why) = server.run() {
        // What is damaged lies beside the store: a key or a certificate.
        let is_clear = why.lines().last().is_some_and(|last| last.contains("parlour: "));
        return if is_clear { Ok(()) } else { Err(format!("it doesn't start: {why:?}")) };
    }
    let heard = hear(&server.door(), hello, truth).await;
    server.kill();
    let (heard, read) = heard?;
    match heard {
        Heard::TurnedAway => {}
        Heard::Less if is_whole => return Err("something is missing, and nobody says so".into()),
        Heard::Less | Heard::Said | Heard::All => {
            found.salvaged += 1;
            found.salvaged_read += read;
            found.salvaged_of += truth.iter().map(|(_, truth)| truth.len() as u64).sum::<u64>();
        }
    }
    Ok(())
}

/// What a client hears of the damage.
enum Heard {
    TurnedAway,
    Said,
    All,
    Less,
}

/// Reads everything there is, and says how much that was; an error is what must not be.
async fn hear(door: &Door, hello: &Hello, truth: &Truth) -> Result<(Heard, u64), String> {
    let reader = match door.connect(hello.clone()).await {
        Ok(reader) => reader,
        // The keys are other ones now, or the store says that it can't be read.
        Err(lost) if is_clear(&lost) => return Ok((Heard::TurnedAway, 0)),
        Err(lost) => return Err(format!("turned away with {lost:?}")),
    };
    let (mut said, mut whole, mut count) = (false, true, 0);
    for (room, truth) in truth {
        for (what, read) in
            [("log", read(&reader, room).await), ("page", read_page(&reader, room).await)]
        {
            match read {
                Ok(read) => {
                    if let Some(wrong) = read.wrong(truth) {
                        return Err(format!("{what}: {wrong}"));
                    }
                    said |= !read.damaged.is_empty();
                    count += if what == "log" { read.events.len() as u64 } else { 0 };
                    whole &= read.is_whole(truth) || what == "page";
                }
                Err(error) if error.reason() == ErrorReason::DataDamaged as i32 => said = true,
                Err(CallError::Refused(error))
                    if error.reason == ErrorReason::RoomNotFound as i32 =>
                {
                    whole = false;
                }
                Err(error) => return Err(format!("{what}: {error:?}")),
            }
        }
    }
    let heard = match (said, whole) {
        (true, _) => Heard::Said,
        (false, true) => Heard::All,
        (false, false) => Heard::Less,
    };
    Ok((heard, count))
}

fn is_clear(lost: &parlour_features::raw::Lost) -> bool {
    [CloseCode::TokenInvalid, CloseCode::Internal].iter().any(|code| lost.is(*code))
}

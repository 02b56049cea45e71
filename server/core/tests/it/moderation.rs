//! Moderation without a network: reports, what becomes of them, and words that aren't taken.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, carrying, group, message, send};
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::{EventMessage, rpc},
    limits::REPORTS_OPEN_MAX,
    message::*,
    moderation::*,
    poll::{Poll, PollOption},
    sync::ReadLogRequest,
    wire::{Error, ErrorReason},
};
use prost::Message;

fn report(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> Result<Bytes, Error> {
    let (reason, note) = (ReportReason::Abuse as i32, "see for yourselves".into());
    let request = ReportMessageRequest { room: room.clone(), seq, reason, note };
    server.call::<rpc::ReportMessage>(by, &request).map(|answer| answer.report)
}

fn list(server: &mut Server, by: usize, decided: bool) -> Vec<Report> {
    let mut request = ListReportsRequest { decided, page_size: 2, ..Default::default() };
    let mut all = vec![];
    loop {
        let answer = server.call::<rpc::ListReports>(by, &request).unwrap();
        all.extend(answer.reports);
        if answer.next_page.is_empty() {
            return all;
        }
        request.page = answer.next_page;
    }
}

fn decide(server: &mut Server, by: usize, report: &Bytes, of: ReportDecision) -> Result<(), Error> {
    let request = DecideReportRequest { report: report.clone(), decision: of as i32 };
    server.call::<rpc::DecideReport>(by, &request).map(drop)
}

fn filter(server: &mut Server, by: usize, words: &[&str]) -> Result<(), Error> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let request = SetFilterRequest { filter: Some(Filter { words }) };
    server.call::<rpc::SetFilter>(by, &request).map(drop)
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn edit(server: &mut Server, by: usize, room: &Bytes, seq: u64, text: &str) -> Result<u64, Error> {
    let body = MessageEdited { text: text.into(), ..Default::default() };
    let client_ref = server.client_ref().to_field();
    let request = EditRequest {
        room: room.clone(),
        client_ref,
        target_seq: seq,
        body: body.encode_to_vec().into(),
    };
    server.call::<rpc::Edit>(by, &request).map(|answer| answer.seq)
}

fn is_deleted(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> bool {
    let request = ReadLogRequest { room: room.clone(), from_seq: seq, ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(by, &request).unwrap();
    let first = items[0].events[0].header.clone().unwrap();
    first.flags & FLAG_ERASED != 0
}

#[test]
fn a_report_has_what_the_message_said_then_and_nobody_in_the_room_hears_of_it() {
    let mut server = Server::new();
    let (root, ann, ben) = (server.connect("root"), server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "fine");
    edit(&mut server, ann, &room, seq, "not fine at all").unwrap();
    server.deliver();
    server.clients[ann].frames.clear();
    let id = report(&mut server, ben, &room, seq).unwrap();
    assert_eq!(report(&mut server, ben, &room, seq).unwrap(), id, "once is enough");
    edit(&mut server, ann, &room, seq, "as if nothing had been").unwrap();
    let found = list(&mut server, root, false);
    assert_eq!(
        (found.len(), &*found[0].text, &*found[0].note),
        (1, "not fine at all", "see for yourselves")
    );
    assert_eq!(found[0].sender, server.clients[ann].user.to_field());
    assert_eq!(found[0].reporter, server.clients[ben].user.to_field());
    server.deliver();
    let kinds: Vec<u32> = server.clients[ann]
        .heard()
        .iter()
        .map(|event| event.header.as_ref().unwrap().kind)
        .collect();
    assert_eq!(kinds, [MessageEdited::RULE.kind], "only their own edit");
    assert_eq!(reason(report(&mut server, ann, &room, seq)), ErrorReason::InvalidField);
    assert_eq!(reason(report(&mut server, root, &room, seq)), ErrorReason::RoomNotFound);
    assert_eq!(reason(report(&mut server, ben, &room, 999)), ErrorReason::MessageNotFound);
    let none = ReportMessageRequest { room: room.clone(), seq, ..Default::default() };
    assert_eq!(reason(server.call::<rpc::ReportMessage>(ben, &none)), ErrorReason::InvalidField);
}

#[test]
fn a_decision_deletes_the_message_or_leaves_it_and_is_made_once() {
    let mut server = Server::new();
    let (root, ann, ben) = (server.connect("root"), server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let (bad, good) = (send(&mut server, ann, &room, "bad"), send(&mut server, ann, &room, "good"));
    let about_bad = report(&mut server, ben, &room, bad).unwrap();
    let about_good = report(&mut server, ben, &room, good).unwrap();
    decide(&mut server, root, &about_bad, ReportDecision::Deleted).unwrap();
    decide(&mut server, root, &about_good, ReportDecision::Dismissed).unwrap();
    assert!(is_deleted(&mut server, ben, &room, bad) && !is_deleted(&mut server, ben, &room, good));
    assert_eq!(list(&mut server, root, false), []);
    let done = list(&mut server, root, true);
    assert_eq!((done.len(), &*done[0].decided_by, &*done[0].text), (2, "root", "bad"));
    decide(&mut server, root, &about_bad, ReportDecision::Deleted).unwrap();
    let otherwise = decide(&mut server, root, &about_bad, ReportDecision::Dismissed);
    assert_eq!(reason(otherwise), ErrorReason::ReportDecided);
    let unknown = decide(&mut server, root, &Bytes::from_static(&[1; 16]), ReportDecision::Deleted);
    assert_eq!(reason(unknown), ErrorReason::ReportNotFound);
    assert_ne!(
        report(&mut server, ben, &room, good).unwrap(),
        about_good,
        "and may be reported anew"
    );
    // Its sender was quicker.
    let third = send(&mut server, ann, &room, "third");
    let about_third = report(&mut server, ben, &room, third).unwrap();
    let delete = DeleteRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq: third,
    };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    decide(&mut server, root, &about_third, ReportDecision::Deleted).unwrap();
    assert_eq!(server.sweep_reports(), 0);
    server.advance(Duration::from_secs(91 * 24 * 3600));
    assert_eq!(server.sweep_reports(), 3);
    assert_eq!((list(&mut server, root, false).len(), list(&mut server, root, true).len()), (1, 0));
}

#[test]
fn reports_come_slowly_and_are_no_more_than_so_many() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    for made in 0..REPORTS_OPEN_MAX {
        let seq = send(&mut server, ann, &room, &format!("{made}"));
        if made == 20 {
            assert_eq!(reason(report(&mut server, ben, &room, seq)), ErrorReason::RateLimited);
        }
        server.advance(Duration::from_secs(if made < 20 { 0 } else { 6 }));
        report(&mut server, ben, &room, seq).unwrap();
    }
    let seq = send(&mut server, ann, &room, "one more");
    server.advance(Duration::from_secs(60));
    assert_eq!(reason(report(&mut server, ben, &room, seq)), ErrorReason::TooManyReports);
}

#[test]
fn a_refused_word_is_refused_wherever_it_is_said() {
    let mut server = Server::new();
    let (root, ann, ben) = (server.connect("root"), server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seq = send(&mut server, ann, &room, "darn, before it was refused");
    filter(&mut server, root, &["darn", "go away"]).unwrap();
    let say = |server: &mut Server, text: &str| {
        let request = message(server, &room, text);
        server.call::<rpc::Send>(ann, &request).map(|sent| sent.seq)
    };
    assert_eq!(reason(say(&mut server, "Darn!")), ErrorReason::WordRefused);
    assert_eq!(reason(say(&mut server, "please GO AWAY")), ErrorReason::WordRefused);
    say(&mut server, "darned, go a way").unwrap();
    assert_eq!(reason(edit(&mut server, ann, &room, seq, "darn it")), ErrorReason::WordRefused);
    let option = |text: &str| PollOption { text: text.into(), ..PollOption::default() };
    let poll = Poll {
        question: "what now?".into(),
        options: vec![option("stay"), option("go away")],
        max_choices: 1,
        ..Poll::default()
    };
    let body = MessagePosted { poll: Some(poll), ..MessagePosted::default() };
    let asks = SendRequest { body: body.encode_to_vec().into(), ..message(&mut server, &room, "") };
    assert_eq!(reason(server.call::<rpc::Send>(ann, &asks)), ErrorReason::WordRefused);
    let blob = server.upload(ann, 1, b"bytes").unwrap();
    let named = carrying(&mut server, &room, "a file", std::slice::from_ref(&blob));
    server.call::<rpc::Send>(ann, &named).unwrap();
    let elsewhere =
        server.call::<rpc::GetFilter>(root, &GetFilterRequest {}).unwrap().filter.unwrap();
    assert_eq!(elsewhere.words, ["darn", "go away"]);
    assert_eq!(reason(filter(&mut server, root, &["*"])), ErrorReason::InvalidField);
    filter(&mut server, root, &[]).unwrap();
    say(&mut server, "darn").unwrap();
}

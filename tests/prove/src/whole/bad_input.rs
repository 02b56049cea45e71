//! Malformed variants of every message a client sends, against a live server: never a panic,
//! always the right code, and somebody who behaves is served throughout.

use bytes::Bytes;
use parlour_features::{
    garble::garble,
    random::Random,
    raw::{
        CallError, Client, Door, Lane, LaneError, PATIENCE, bulk_open, client_frame, hello,
        lane_of, say_wrong,
    },
    server::Server,
    token::claims,
    world::{ORG, group, hello_of, join, say},
};
use parlour_protocol::{
    REV_MAX, REV_MIN,
    generated::{Lane as Travels, METHODS, rpc::GetUsers},
    limits::{AGENT_BYTES_MAX, INTENTS_MAX, LANE_OPEN_BYTES_MAX, RESUME_BYTES_MAX},
    wire::{
        BulkCall, BulkItem, Call, Cancel, ClientFrame, CloseCode, Ephemeral, ErrorReason, Hello,
        LaneKind, LaneOpen, PasswordSignIn, Ping, ServerFrame, SignIn, bulk_item::Item,
        client_frame::Frame, server_frame::Frame as Answer, sign_in::How,
    },
};
use prost::Message;

use super::{
    block_on,
    samples::{Sample, samples},
};
use crate::{args::Args, report::Report};

/// Calls on their way at once, below what the server allows.
const IN_FLIGHT: u64 = 100;

pub(crate) fn run(args: &Args) -> Report {
    block_on(attack(args, args.count(10_000, 150)))
}

/// Whom the server must go on serving.
struct Good {
    client: Client,
    room: Bytes,
}

impl Good {
    async fn is_served(&self, after: &str, report: &mut Report) {
        let said = say(&self.client, &self.room, "good day").await;
        report.expect(said.is_ok(), || format!("after {after}: {said:?}"));
    }
}

async fn attack(args: &Args, count: u64) -> Report {
    let mut report = Report::default();
    let mut random = Random::new(args.seed);
    let mut server = Server::roomy();
    let client = join(&server, "ada").await;
    let bob = join(&server, "bob").await;
    let room = group(&client, "kitchen", &["bob"]).await;
    let good = Good { client, room };
    for _ in 0..5 {
        good.is_served("nothing", &mut report).await;
    }
    let token = server.sign(&claims(ORG, "eve"));
    let all = samples(&good.room, &bob.welcome().user, &token);
    report.expect(all.len() == METHODS.len(), || "a method has no sample".into());
    for sample in &all {
        match sample.lane {
            Travels::Control => calls(&server, sample, count, &mut random, &mut report).await,
            Travels::Bulk => bulk_calls(&server, sample, count, &mut random, &mut report).await,
        }
        good.is_served(sample.name, &mut report).await;
        server.assert_well();
        args.progress(&format!("bad-input: {}", sample.name));
    }
    for (name, valid) in frames(&server, &all) {
        control_frames(&server, &valid, count, &mut random, &mut report).await;
        good.is_served(name, &mut report).await;
        args.progress(&format!("bad-input: {name}"));
    }
    let opening = LaneOpen { kind: LaneKind::Bulk as i32 }.encode_to_vec();
    let call = BulkCall { method: 50, body: Bytes::new() }.encode_to_vec();
    for (before, valid) in [(vec![], opening), (bulk_open().to_vec(), call)] {
        lanes(&server, &before, &valid, count, &mut random, &mut report).await;
        good.is_served("a lane", &mut report).await;
    }
    hellos(&server, count, &mut random, &mut report).await;
    datagrams(&server, &good, count, &mut random, &mut report).await;
    good.is_served("datagrams", &mut report).await;
    server.assert_well();
    drop((good, bob));
    report.expect(server.stop().success(), || "the stop was not clean".into());
    report
}

/// Somebody with every right, so that what is behind the scope is reached as well.
async fn eve(server: &Server) -> Client {
    let mut claims = claims(ORG, "eve");
    let admin = "admin:sessions admin:directory admin:audit admin:accounts admin:compliance \
                 admin:moderation admin:usage admin:quotas admin:health notices commands";
    claims.scope = Some(admin.into());
    server.door().connect(hello(server.sign(&claims))).await.expect("eve has a good token")
}

/// Datagrams that a connection may send at once; more are a flood, and that is another proof.
const DATAGRAMS_BORNE: u64 = 900;

/// What an answer to a garbled request must not be, if anything.
fn judge(sample: &Sample, body: &[u8], answer: Result<(), CallError>) -> Result<(), String> {
    use ErrorReason as R;
    let reason = match answer {
        Ok(()) => R::Unspecified,
        Err(CallError::Refused(error)) => match R::try_from(error.reason) {
            Ok(reason) => reason,
            Err(_) => return Err(format!("an unknown reason {}", error.reason)),
        },
        Err(CallError::Lost(lost)) => return Err(format!("{lost:?}")),
    };
    let right = match reason {
        R::Internal | R::StoreUnavailable | R::DataDamaged | R::ReadOnly | R::UnknownMethod => {
            false
        }
        R::MalformedRequest => !(sample.is_valid)(body),
        _ => (sample.is_valid)(body),
    };
    if right { Ok(()) } else { Err(reason.as_str_name().to_owned()) }
}

fn note(report: &mut Report, what: &str, bytes: &[u8], problem: &str) {
    let hex: String = bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
    report.violation(&format!("{what} of {} bytes {hex}: {problem}", bytes.len()));
}

async fn calls(s: &Server, sample: &Sample, count: u64, random: &mut Random, report: &mut Report) {
    let eve = eve(s).await;
    let mut done = 0;
    while done < count {
        let mut pending = vec![];
        for _ in 0..IN_FLIGHT.min(count - done) {
            let mut body = garble(&sample.valid, random);
            // More than fits a frame is another test.
            body.truncate(60_000);
            let call = eve.start_raw::<GetUsers>(sample.method, body.clone().into()).await;
            let Ok(call) = call else { return note(report, sample.name, &body, "not connected") };
            pending.push((body, call));
        }
        done += pending.len() as u64;
        for (body, call) in pending {
            if let Err(problem) = judge(sample, &body, call.outcome().await.map(drop)) {
                note(report, sample.name, &body, &problem);
            }
        }
    }
    report.trials(done);
}

async fn bulk_calls(
    server: &Server,
    sample: &Sample,
    count: u64,
    random: &mut Random,
    report: &mut Report,
) {
    let eve = eve(server).await;
    for _ in 0..count {
        let mut body = garble(&sample.valid, random);
        body.truncate(60_000);
        let answer = eve.bulk_raw(sample.method, body.clone().into()).await.map(drop);
        if let Err(problem) = judge(sample, &body, answer) {
            note(report, sample.name, &body, &problem);
        }
    }
    report.trials(count);
}

/// Frames of the control lane after the welcome.
fn frames(server: &Server, all: &[Sample]) -> Vec<(&'static str, Vec<u8>)> {
    let frame = |frame| ClientFrame { frame: Some(frame) }.encode_to_vec();
    let sample = all.iter().find(|sample| sample.method == 30).expect("there is Send");
    let call = Call { id: 77, method: 30, body: sample.valid.clone().into(), chain: 0 };
    vec![
        ("Hello, again", frame(Frame::Hello(hello_of(server, "eve")))),
        ("SignIn", frame(Frame::SignIn(sign_in()))),
        ("Call", frame(Frame::Call(call))),
        ("Cancel", frame(Frame::Cancel(Cancel { id: 1 << 60 }))),
        ("Ping", frame(Frame::Ping(Ping { nonce: 1 << 60, ..Ping::default() }))),
    ]
}

/// A sign-in as it would be before the hello.
fn sign_in() -> SignIn {
    let (org, user, password) = ("acme".into(), "eve".into(), "a password of hers".into());
    SignIn {
        how: Some(How::Password(PasswordSignIn { org, user, password })),
        next_hash: vec![7; 32].into(),
        device: vec![7; 16].into(),
        agent: "prove".into(),
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    prost::encoding::encode_varint(message.len() as u64, &mut out);
    out.extend(message);
    out
}

/// The code a frame closes the connection with, if it does.
fn expected(message: &[u8], welcomed: bool) -> Option<CloseCode> {
    match ClientFrame::decode(message) {
        Err(_) => Some(CloseCode::MalformedFrame),
        Ok(ClientFrame { frame: Some(Frame::Hello(_) | Frame::SignIn(_)) }) if welcomed => {
            Some(CloseCode::UnexpectedFrame)
        }
        // A sign-in is answered, whatever it says, and a hello may follow.
        Ok(ClientFrame { frame: Some(Frame::Hello(_) | Frame::SignIn(_)) }) => None,
        Ok(_) if welcomed => None,
        Ok(_) => Some(CloseCode::UnexpectedFrame),
    }
}

async fn control_frames(
    server: &Server,
    valid: &[u8],
    count: u64,
    random: &mut Random,
    report: &mut Report,
) {
    let mut present = eve(server).await;
    for nonce in 0..count {
        let mut message = garble(valid, random);
        message.truncate(60_000);
        let mut bytes = framed(&message);
        let nonce = nonce | 1 << 50;
        bytes.extend(client_frame(Frame::Ping(Ping { nonce, ..Ping::default() })));
        let _ = present.say(&bytes).await;
        match expected(&message, true) {
            Some(code) => {
                let lost = present.closed().await;
                if !lost.is(code) {
                    note(report, "a frame", &message, &format!("{lost:?} instead of {code:?}"));
                }
                present = eve(server).await;
            }
            None => {
                if !present.hears_pong(nonce).await {
                    let lost = present.connection().close_reason();
                    note(report, "a frame", &message, &format!("no pong, {lost:?}"));
                    present = eve(server).await;
                }
            }
        }
    }
    report.trials(count);
}

/// First frames instead of a hello; each needs a handshake.
async fn hellos(server: &Server, count: u64, random: &mut Random, report: &mut Report) {
    let hello = hello_of(server, "eve");
    let token = hello.token.clone();
    let valid = ClientFrame { frame: Some(Frame::Hello(hello)) }.encode_to_vec();
    for _ in 0..count {
        let mut message = garble(&valid, random);
        message.truncate(60_000);
        let code = match ClientFrame::decode(&message[..]) {
            Ok(ClientFrame { frame: Some(Frame::Hello(hello)) }) => expected_of(&hello, &token),
            _ => expected(&message, false),
        };
        if let Some(code) = code {
            let (goodbye, lost) = say_wrong(&server.door(), &framed(&message)).await;
            if !lost.is(code) || goodbye.is_none_or(|said| said.code != code as i32) {
                note(report, "a hello", &message, &format!("{lost:?} instead of {code:?}"));
            }
            continue;
        }
        let answer = first_answer(&server.door(), &framed(&message)).await;
        let right = match ClientFrame::decode(&message[..]) {
            Ok(ClientFrame { frame: Some(Frame::Hello(_)) }) => {
                matches!(answer, Some(Answer::Welcome(_)))
            }
            _ => matches!(answer, Some(Answer::SignInResult(_))),
        };
        if !right {
            note(report, "a hello", &message, &format!("answered with {answer:?}"));
        }
    }
    report.trials(count);
}

/// What a hello that decodes is closed with, if it is: the token is looked at last.
fn expected_of(hello: &Hello, token: &str) -> Option<CloseCode> {
    if hello.min_rev > REV_MAX || hello.max_rev < REV_MIN || hello.min_rev > hello.max_rev {
        return Some(CloseCode::NoCommonRevision);
    }
    let fits = hello.device.len() == 16
        && hello.agent.len() <= AGENT_BYTES_MAX
        && hello.resume.len() <= RESUME_BYTES_MAX
        && hello.intents.len() <= INTENTS_MAX;
    match (fits, hello.token == token) {
        (false, _) => Some(CloseCode::MalformedFrame),
        (true, false) => Some(CloseCode::TokenInvalid),
        (true, true) => None,
    }
}

/// What a new connection is answered with first; `None` if it is closed instead.
async fn first_answer(door: &Door, bytes: &[u8]) -> Option<Answer> {
    let connection = door.handshake().await.ok()?;
    let (mut send, recv) = connection.open_bi().await.ok()?;
    send.write_all(bytes).await.ok()?;
    let mut lane = Lane::new(recv);
    let answer = tokio::time::timeout(PATIENCE, lane.next::<ServerFrame>()).await;
    answer.ok()?.ok()??.frame
}

/// Garbled openings and calls of bulk lanes; the lane is reset and the connection lives on, up to
/// the hundredth broken lane, so every fiftieth is another connection's.
async fn lanes(
    server: &Server,
    before: &[u8],
    valid: &[u8],
    count: u64,
    random: &mut Random,
    report: &mut Report,
) {
    let mut present = eve(server).await;
    for n in 0..count {
        if n % 50 == 49 {
            present = eve(server).await;
        }
        let mut message = garble(valid, random);
        message.truncate(60_000);
        let bytes = [before, &framed(&message)].concat();
        let lane = lane_of(present.connection(), &bytes).await;
        let Ok(mut lane) = lane else {
            note(report, "a lane", &message, "the connection is gone");
            present = eve(server).await;
            continue;
        };
        let end = hear_lane(&mut lane).await;
        let right = match expected_lane(before.is_empty(), &message) {
            Some(code) => end == LaneEnd::Reset(code as u32),
            None => end == LaneEnd::Answered,
        };
        if !right {
            let problem = format!("{end:?}");
            note(report, "a lane", &message, &problem);
        }
    }
    report.trials(count);
}

/// What a lane is reset with: its opening, with nothing behind it, or a bulk call.
fn expected_lane(is_opening: bool, message: &[u8]) -> Option<CloseCode> {
    if !is_opening {
        return BulkCall::decode(message).err().map(|_| CloseCode::MalformedFrame);
    }
    if message.len() > LANE_OPEN_BYTES_MAX {
        return Some(CloseCode::FrameTooLarge);
    }
    let Ok(open) = LaneOpen::decode(message) else { return Some(CloseCode::MalformedFrame) };
    match LaneKind::try_from(open.kind) {
        Ok(LaneKind::Bulk | LaneKind::Blob) => Some(CloseCode::TruncatedFrame),
        _ => Some(CloseCode::UnknownLane),
    }
}

/// How a lane ended.
#[derive(Debug, PartialEq)]
enum LaneEnd {
    /// With an end or an error behind its items.
    Answered,
    Reset(u32),
    /// As no lane may.
    Wrong(String),
}

async fn hear_lane(lane: &mut Lane) -> LaneEnd {
    let mut is_answered = false;
    loop {
        match lane.next::<BulkItem>().await {
            Ok(Some(_)) if is_answered => return LaneEnd::Wrong("goes on behind its end".into()),
            Ok(Some(BulkItem { item })) => {
                is_answered = matches!(item, Some(Item::End(_) | Item::Error(_)));
            }
            Ok(None) if is_answered => return LaneEnd::Answered,
            Ok(None) => return LaneEnd::Wrong("cut off".into()),
            Err(LaneError::Reset(code)) => return LaneEnd::Reset(code),
            Err(other) => return LaneEnd::Wrong(format!("{other:?}")),
        }
    }
}

async fn datagrams(
    server: &Server,
    good: &Good,
    count: u64,
    random: &mut Random,
    report: &mut Report,
) {
    let typing = Ephemeral { room: good.room.clone(), kind: 200, ..Default::default() };
    let valid = typing.encode_to_vec();
    let mut connected = eve(server).await;
    for n in 0..count {
        if n % DATAGRAMS_BORNE == DATAGRAMS_BORNE - 1 {
            let answer = connected.call::<GetUsers>(&Default::default()).await;
            report.expect(answer.is_ok(), || format!("after datagrams: {answer:?}"));
            connected = eve(server).await;
        }
        let mut message = garble(&valid, random);
        message.truncate(1_000);
        if let Err(error) = connected.connection().send_datagram(message.clone().into()) {
            note(report, "a datagram", &message, &format!("{error:?}"));
        }
    }
    let answer = connected.call::<GetUsers>(&Default::default()).await;
    report.expect(answer.is_ok(), || format!("after datagrams: {answer:?}"));
    report.trials(count);
}

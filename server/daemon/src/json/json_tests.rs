//! JSON in and out, and what a refusal says.

use bytes::Bytes;
use parlour_protocol::{
    app::{AppEvent, PublishRequest},
    event,
    message::{MessagePosted, SendRequest},
    sync::{ReadLogItem, ReadTimelineItem},
    wire::{Error, ErrorReason, Event, EventHeader},
};
use prost::Message;
use serde_json::{Value, json};

use super::*;

fn message(name: &str) -> MessageDescriptor {
    CONTRACT.pool.get_message_by_name(name).expect("it is in the contract")
}

fn send(json: &str) -> Result<SendRequest, Error> {
    let bytes = read(&message("parlour.message.v1.SendRequest"), json.as_bytes())?;
    Ok(SendRequest::decode(bytes).expect("what is read is a message"))
}

fn problem(json: &str) -> (String, String) {
    let error = send(json).expect_err("refused");
    assert_eq!(error.reason, ErrorReason::InvalidField as i32, "{error}");
    (error.violations[0].field.clone(), error.violations[0].problem.clone())
}

#[test]
fn a_send_is_read_in_base64_and_as_people_write_it() {
    let body = MessagePosted { text: "Hello".into(), ..Default::default() }.encode_to_vec();
    let expected = SendRequest {
        room: Bytes::from_static(&[0x11; 16]),
        client_ref: Bytes::from_static(&[0x22; 16]),
        body: body.into(),
        reply_to_seq: 7,
        mention_everyone: true,
        mentions: vec![Bytes::from_static(&[0x33; 16])],
        attachments: vec![Bytes::from_static(&[0x44; 32])],
        ..SendRequest::default()
    };
    let canonical = r#"{"room":"EREREREREREREREREREREQ==","clientRef":"IiIiIiIiIiIiIiIiIiIiIg==",
        "body":"CgVIZWxsbw==","replyToSeq":"7","mentionEveryone":true,
        "mentions":["MzMzMzMzMzMzMzMzMzMzMw=="],
        "attachments":["REREREREREREREREREREREREREREREREREREREREREQ="]}"#;
    assert_eq!(send(canonical).as_ref(), Ok(&expected));
    let plain = r#"{"room":"11111111-1111-1111-1111-111111111111",
        "client_ref":"22222222-2222-2222-2222-222222222222","body":{"text":"Hello"},
        "reply_to_seq":7,"mention_everyone":true,"thread_root_seq":null,
        "mentions":["33333333-3333-3333-3333-333333333333"],
        "attachments":["4444444444444444444444444444444444444444444444444444444444444444"]}"#;
    assert_eq!(send(plain).as_ref(), Ok(&expected));
    assert_eq!(send("").as_ref(), Ok(&SendRequest::default()));
    assert_eq!(send(r#"{"replyToSeq":7.0}"#).map(|send| send.reply_to_seq), Ok(7));
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    for (json, field) in [
        (r#"{"rooom":"x"}"#, "rooom"),
        (r#"{"body":{"txt":"x"}}"#, "body.txt"),
        (r#"{"body":{"text":1}}"#, "body.text"),
        (r#"{"body":{"attachments":[{"blob":{"size":"x"}}]}}"#, "body.attachments[0].blob.size"),
        (r#"{"body":7}"#, "body"),
        (r#"{"room":"not base64!"}"#, "room"),
        (r#"{"room":7}"#, "room"),
        (r#"{"mentions":"x"}"#, "mentions"),
        (r#"{"mentions":["AAAA",null]}"#, "mentions[1]"),
        (r#"{"replyToSeq":-1}"#, "replyToSeq"),
        (r#"{"replyToSeq":1.5}"#, "replyToSeq"),
        (r#"{"replyToSeq":"18446744073709551616"}"#, "replyToSeq"),
        (r#"{"mentionEveryone":"true"}"#, "mentionEveryone"),
        (r#"{"replyToSeq":1,"reply_to_seq":2}"#, "reply_to_seq"),
    ] {
        assert_eq!(problem(json).0, field, "{json}");
    }
    let (_, what) = problem(r#"{"body":{"text":["a secret"]}}"#);
    assert!(!what.contains("secret"), "{what}");
    for broken in ["{", "[]", "7", "{}{}", "\"x\"", "{\"room\":}"] {
        let error = send(broken).expect_err("refused");
        assert_eq!(error.reason, ErrorReason::MalformedRequest as i32, "{broken}");
    }
    let deep = format!("{}{}", r#"{"body":"#.repeat(500), "}".repeat(500));
    assert!(send(&deep).is_err());
}

#[test]
fn of_a_choice_there_is_one() {
    let user = message("parlour.room.v1.UserRef");
    assert!(read(&user, br#"{"subject":"ada"}"#).is_ok());
    assert!(read(&user, br#"{"subject":"ada","id":null}"#).is_ok());
    let error = read(&user, br#"{"id":"AAAA","subject":"ada"}"#).expect_err("refused");
    assert_eq!(error.violations[0].field, "subject");
}

#[test]
fn a_payload_may_be_json_itself() {
    let publish = message("parlour.app.v1.PublishRequest");
    let request = |json: &str| {
        let bytes = read(&publish, json.as_bytes()).expect("it is right");
        let request = PublishRequest::decode(bytes).expect("a request");
        AppEvent::decode(request.body).expect("an event")
    };
    let event = request(r#"{"body":{"name":"a.b","payload":{"ok":[1,"x"]}}}"#);
    assert_eq!(event.content_type, "application/json");
    assert_eq!(&event.payload[..], br#"{"ok":[1,"x"]}"#);
    let event = request(r#"{"body":{"name":"a.b","payload":"AAE=","contentType":"a/b"}}"#);
    assert_eq!((&event.payload[..], &*event.content_type), (&[0, 1][..], "a/b"));
    assert_eq!(request(r#"{"body":{"name":"a.b"}}"#).content_type, "");
}

#[test]
fn answers_are_canonical_or_plain_and_both_can_be_read_again() {
    let body = MessagePosted { text: "Hello".into(), ..Default::default() }.encode_to_vec();
    let header = EventHeader {
        seq: 2,
        sender: Bytes::from_static(&[0x44; 16]),
        kind: 10,
        ..EventHeader::default()
    };
    let unknown = Event {
        header: Some(EventHeader { seq: 3, kind: 99, ..EventHeader::default() }),
        body: Bytes::from_static(b"??"),
    };
    let posted = Event::decode(event::compose(&header, &body)).expect("an event");
    let item = ReadLogItem { events: vec![posted, unknown], ..Default::default() };
    let item: Bytes = item.encode_to_vec().into();
    let log = message("parlour.sync.v1.ReadLogItem");
    let canonical = write(&log, item.clone(), Form::Canonical).expect("written");
    assert_eq!(canonical["events"][0]["body"], "CgVIZWxsbw==");
    assert_eq!(canonical["events"][0]["header"]["sender"], "RERERERERERERERERERERA==");
    assert_eq!(canonical["events"][0]["header"]["seq"], "2");
    let plain = write(&log, item.clone(), Form::Plain).expect("written");
    assert_eq!(plain["events"][0]["body"], json!({ "text": "Hello" }));
    assert_eq!(
        plain["events"][0]["header"]["sender"],
        Value::from("44444444-4444-4444-4444-444444444444")
    );
    assert_eq!(plain["events"][1]["body"], "Pz8=", "of an unknown kind it stays base64");
    let text = canonical.to_string();
    assert_eq!(read(&log, text.as_bytes()).as_ref(), Ok(&item));
}

#[test]
fn an_answer_that_is_none_is_our_bug_and_no_panic() {
    let page = message("parlour.sync.v1.ReadTimelineItem");
    assert!(ReadTimelineItem::decode(&b"\xff"[..]).is_err());
    let error = write(&page, Bytes::from_static(b"\xff"), Form::Canonical).expect_err("refused");
    assert_eq!(error.reason, ErrorReason::Internal as i32);
}

#[test]
fn methods_are_named_by_service_and_all_are_there() {
    assert_eq!(CONTRACT.methods.len(), METHODS.len());
    assert_eq!(CONTRACT.methods["MessageService.Send"].method.id, 30);
    for kind in [10, 11, 60] {
        assert!(CONTRACT.bodies.contains_key(&kind), "{kind}");
    }
}

#[test]
fn fields_that_are_named_are_there() {
    let mut seen = std::collections::BTreeSet::new();
    for field in
        CONTRACT.pool.all_messages().flat_map(|message| message.fields().collect::<Vec<_>>())
    {
        if let Content::Message(name) = content(&field) {
            assert!(CONTRACT.pool.get_message_by_name(name).is_some(), "{name}");
            seen.insert(field.full_name().to_owned());
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

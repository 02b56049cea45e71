//! Attachments without a network: who may send and read them, and how long they are kept.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::{
    blobs::{BlobPolicy, Swept},
    quotas::Quota,
};
use parlour_inproc::{Server, announce, carrying, group, send};
use parlour_protocol::{
    access::{Permission, PermissionOverride, SetOverridesRequest, permission_override::Subject},
    blob::*,
    generated::rpc,
    limits::{ATTACHMENTS_MAX, CLAIM_FOR},
    message::{DeleteRequest, EditRequest, MessageEdited, MessagePosted, SendRequest},
    room::RemoveMemberRequest,
    search::SearchMessagesRequest,
    session::{RevokeRequest, revoke_request},
    wire::{Error, ErrorReason},
};
use prost::Message;

const SWEEP: Duration = Duration::from_secs(600);

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn field<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().violations[0].field.clone()
}

fn post(server: &mut Server, by: usize, room: &Bytes, blob: &Blob) -> Result<u64, Error> {
    let request = carrying(server, room, "", std::slice::from_ref(blob));
    server.call::<rpc::Send>(by, &request).map(|done| done.seq)
}

fn delete(server: &mut Server, by: usize, room: &Bytes, target_seq: u64) {
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::Delete>(by, &request).unwrap();
}

fn claim(server: &mut Server, by: usize, room: &Bytes, seq: u64, blob: &Blob) -> Result<(), Error> {
    let request = ClaimAttachmentRequest { room: room.clone(), seq, hash: blob.hash.clone() };
    server.call::<rpc::ClaimAttachment>(by, &request).map(|_| ())
}

/// Sweeps often enough for what nobody uses to go.
fn sweep_away(server: &mut Server) -> u64 {
    let first = server.sweep();
    server.advance(SWEEP);
    first.removed + server.sweep().removed
}

#[test]
fn what_is_sent_is_read_by_the_room_and_by_nobody_else() {
    let mut server = Server::new();
    let [alice, bob, eve] = ["alice", "bob", "eve"].map(|name| server.connect(name));
    let room = group(&mut server, alice, &[bob]);
    let blob = server.upload(alice, 1, b"the plan").unwrap();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    assert_eq!(server.download(bob, &room, seq, &blob.hash).unwrap(), b"the plan");
    let theirs = server.download(eve, &room, seq, &blob.hash);
    assert_eq!(reason(theirs), ErrorReason::RoomNotFound);
    // Of another message, or another hash, there is nothing.
    let other = send(&mut server, alice, &room, "no file");
    for (seq, hash) in
        [(other, blob.hash.clone()), (seq, vec![7; 32].into()), (0, blob.hash.clone())]
    {
        assert_eq!(reason(server.download(bob, &room, seq, &hash)), ErrorReason::BlobNotFound);
    }
    let short = server.download(bob, &room, seq, &Bytes::from_static(b"short"));
    assert_eq!(reason(short), ErrorReason::InvalidField);
    let request =
        RemoveMemberRequest { room: room.clone(), user: server.clients[bob].user.to_field() };
    server.call::<rpc::RemoveMember>(alice, &request).unwrap();
    let removed = server.download(bob, &room, seq, &blob.hash);
    assert_eq!(reason(removed), ErrorReason::RoomNotFound);
}

#[test]
fn a_hash_is_no_key() {
    let mut server = Server::new();
    let [alice, eve] = ["alice", "eve"].map(|name| server.connect(name));
    let secret = server.upload(alice, 1, b"secret").unwrap();
    let own = group(&mut server, eve, &[]);
    assert_eq!(reason(post(&mut server, eve, &own, &secret)), ErrorReason::BlobNotFound);
    // Announcing it under its hash isn't having it: the bytes have to come.
    let mut request = announce(2, b"secret");
    request.sha256 = secret.hash.clone();
    let wrong = server.upload_as(eve, request, b"guess!");
    assert_eq!(reason(wrong), ErrorReason::BlobMismatch);
    assert_eq!(reason(post(&mut server, eve, &own, &secret)), ErrorReason::BlobNotFound);
    // Claiming takes a message one can read.
    let hers = group(&mut server, alice, &[]);
    let seq = post(&mut server, alice, &hers, &secret).unwrap();
    let refused = claim(&mut server, eve, &hers, seq, &secret);
    assert_eq!(reason(refused), ErrorReason::RoomNotFound);
    let together = group(&mut server, alice, &[eve]);
    let seq = post(&mut server, alice, &together, &secret).unwrap();
    claim(&mut server, eve, &together, seq, &secret).unwrap();
    let seq = post(&mut server, eve, &own, &secret).unwrap();
    assert_eq!(server.download(eve, &own, seq, &secret.hash).unwrap(), b"secret");
}

#[test]
fn a_body_says_what_the_request_says() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"one").unwrap();
    let other = server.upload(alice, 2, b"two").unwrap();
    let good = carrying(&mut server, &room, "", std::slice::from_ref(&blob));
    let mut call = |request: SendRequest| server.call::<rpc::Send>(alice, &request).map(|d| d.seq);
    let with = |attachments: Vec<Bytes>| SendRequest { attachments, ..good.clone() };
    let hash = |blob: &Blob| blob.hash.clone();
    assert_eq!(field(call(with(vec![hash(&other)]))), "body.attachments");
    assert_eq!(field(call(with(vec![]))), "body.text", "nothing is sent by such a message");
    assert_eq!(field(call(with(vec![hash(&blob), hash(&blob)]))), "body.attachments");
    let described = |attachment: Attachment, hashes: Vec<Bytes>| {
        let posted = MessagePosted { attachments: vec![attachment], ..MessagePosted::default() };
        SendRequest { body: posted.encode_to_vec().into(), attachments: hashes, ..good.clone() }
    };
    let attachment = Attachment { blob: Some(blob.clone()), ..Attachment::default() };
    let named = |name: &str| Attachment { name: name.into(), ..attachment.clone() };
    for name in ["../x", "a\\b", "a\0", &"x".repeat(256)] {
        let request = described(named(name), vec![hash(&blob)]);
        assert_eq!(field(call(request)), "body.attachments[0].name", "{name:?}");
    }
    let wordy = Attachment { description: "x".repeat(1025), ..attachment.clone() };
    let request = described(wordy, vec![hash(&blob)]);
    assert_eq!(field(call(request)), "body.attachments[0].description");
    let loud = Blob { waveform: vec![1; 129].into(), ..blob.clone() };
    let request =
        described(Attachment { blob: Some(loud), ..attachment.clone() }, vec![hash(&blob)]);
    assert_eq!(field(call(request)), "body.attachments[0].blob.waveform");
    call(described(named("plan.txt"), vec![hash(&blob)])).unwrap();
    let many = vec![blob.clone(); ATTACHMENTS_MAX + 1];
    let request = carrying(&mut server, &room, "", &many);
    assert_eq!(field(server.call::<rpc::Send>(alice, &request)), "attachments");
    let twice = carrying(&mut server, &room, "", &[blob.clone(), blob]);
    assert_eq!(field(server.call::<rpc::Send>(alice, &twice)), "attachments[1]");
}

#[test]
fn only_a_message_with_attachments_can_lose_its_text() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"one").unwrap();
    let with = post(&mut server, alice, &room, &blob).unwrap();
    let without = send(&mut server, alice, &room, "words");
    let mut edit = |target_seq| {
        let body = MessageEdited::default().encode_to_vec().into();
        let client_ref = server.client_ref().to_field();
        let request = EditRequest { room: room.clone(), client_ref, target_seq, body };
        server.call::<rpc::Edit>(alice, &request).map(|done| done.seq)
    };
    edit(with).unwrap();
    assert_eq!(field(edit(without)), "body.text");
}

#[test]
fn attaching_takes_its_permission() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let room = group(&mut server, alice, &[bob]);
    let blob = server.upload(bob, 1, b"one").unwrap();
    let request = SetOverridesRequest {
        room: room.clone(),
        overrides: vec![PermissionOverride {
            subject: Some(Subject::Role("everyone".into())),
            deny: 1 << (Permission::Attach as u64 - 1),
            ..PermissionOverride::default()
        }],
    };
    server.call::<rpc::SetOverrides>(alice, &request).unwrap();
    assert_eq!(reason(post(&mut server, bob, &room, &blob)), ErrorReason::NotAllowed);
    send(&mut server, bob, &room, "but I may speak");
}

#[test]
fn what_is_searched_by_its_files() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"found").unwrap();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    send(&mut server, alice, &room, "no file");
    let find = |server: &mut Server| {
        server.index();
        let request = SearchMessagesRequest { has_file: true, ..Default::default() };
        let items = server.bulk::<rpc::SearchMessages>(alice, &request).unwrap();
        let hits = items.into_iter().flat_map(|item| item.hits);
        hits.map(|hit| hit.message.unwrap().header.unwrap().seq).collect::<Vec<_>>()
    };
    assert_eq!(find(&mut server), [seq]);
    delete(&mut server, alice, &room, seq);
    assert!(find(&mut server).is_empty());
}

#[test]
fn what_is_deleted_is_gone_at_once_and_its_bytes_soon() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let room = group(&mut server, alice, &[bob]);
    let blob = server.upload(alice, 1, b"oops").unwrap();
    server.advance(Duration::from_secs(1));
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    assert_eq!(sweep_away(&mut server), 0);
    delete(&mut server, alice, &room, seq);
    let gone = server.download(bob, &room, seq, &blob.hash);
    assert_eq!(reason(gone), ErrorReason::BlobNotFound);
    assert_eq!(reason(claim(&mut server, bob, &room, seq, &blob)), ErrorReason::BlobNotFound);
    assert_eq!(server.sweep(), Swept { condemned: 1, ..Swept::default() });
    assert_eq!(server.sweep(), Swept::default(), "not before its time");
    server.advance(SWEEP);
    assert_eq!(server.sweep(), Swept { condemned: 0, removed: 1, bytes: 4 });
    assert!(server.blobs.is_empty());
    assert_eq!(reason(post(&mut server, alice, &room, &blob)), ErrorReason::BlobNotFound);
    // The same bytes can come again.
    let again = server.upload(alice, 2, b"oops").unwrap();
    let seq = post(&mut server, alice, &room, &again).unwrap();
    assert_eq!(server.download(bob, &room, seq, &again.hash).unwrap(), b"oops");
}

#[test]
fn what_is_used_elsewhere_stays() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let room = group(&mut server, alice, &[bob]);
    let other = group(&mut server, bob, &[]);
    let blob = server.upload(alice, 1, b"meme").unwrap();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    claim(&mut server, bob, &room, seq, &blob).unwrap();
    let kept = post(&mut server, bob, &other, &blob).unwrap();
    delete(&mut server, alice, &room, seq);
    assert_eq!(sweep_away(&mut server), 0);
    server.advance(CLAIM_FOR);
    assert_eq!(sweep_away(&mut server), 0);
    assert_eq!(server.download(bob, &other, kept, &blob.hash).unwrap(), b"meme");
    delete(&mut server, bob, &other, kept);
    assert_eq!(sweep_away(&mut server), 1);
}

#[test]
fn what_was_never_sent_goes_when_its_claim_ends() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"draft").unwrap();
    server.advance(CLAIM_FOR - Duration::from_secs(60));
    assert_eq!(sweep_away(&mut server), 0, "there are two sweeps in it, of which one is too early");
    // Whoever comes again meanwhile has it for another seven days.
    let again = server.upload(alice, 2, b"draft").unwrap();
    assert_eq!(again, blob);
    server.advance(CLAIM_FOR - Duration::from_secs(60));
    post(&mut server, alice, &room, &blob).unwrap();
    server.advance(Duration::from_secs(60));
    assert_eq!(reason(post(&mut server, alice, &room, &blob)), ErrorReason::BlobNotFound);
    let other = server.upload(alice, 3, b"other").unwrap();
    server.advance(CLAIM_FOR + SWEEP);
    assert_eq!(sweep_away(&mut server), 1);
    assert_eq!(server.blobs.len(), 1);
    assert_eq!(reason(post(&mut server, alice, &room, &other)), ErrorReason::BlobNotFound);
}

#[test]
fn what_is_condemned_is_spared_by_whoever_sends_it() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let room = group(&mut server, alice, &[bob]);
    let blob = server.upload(alice, 1, b"twice").unwrap();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    // A claim of Bob's that ends later keeps it.
    claim(&mut server, bob, &room, seq, &blob).unwrap();
    delete(&mut server, alice, &room, seq);
    assert_eq!(sweep_away(&mut server), 0);
    let seq = post(&mut server, bob, &room, &blob).unwrap();
    delete(&mut server, bob, &room, seq);
    // Found to be unused; then Alice sends it by the claim that she still has.
    let condemned = server.sweep();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    server.advance(SWEEP);
    assert_eq!((condemned.condemned, server.sweep().removed), (1, 0));
    assert_eq!(server.download(bob, &room, seq, &blob.hash).unwrap(), b"twice");
}

#[test]
fn a_finished_upload_is_known_by_its_id_and_by_its_hash() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let blob = server.upload(alice, 1, b"once").unwrap();
    // Nothing is written: these bytes would be refused.
    assert_eq!(server.upload(alice, 1, b"lost").unwrap(), blob);
    let mut request = announce(2, b"lost");
    request.sha256 = blob.hash.clone();
    assert_eq!(server.upload_as(alice, request.clone(), b"lost").unwrap(), blob);
    assert_eq!(reason(server.upload_as(bob, request, b"lost")), ErrorReason::BlobMismatch);
    server.advance(Duration::from_secs(25 * 3600));
    server.sweep();
    assert_ne!(server.upload(alice, 1, b"anew").unwrap(), blob, "ids are remembered for a day");
}

#[test]
fn what_is_known_is_the_uploaders_for_another_week() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"again").unwrap();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    delete(&mut server, alice, &room, seq);
    // Picked again at once: nothing has to come, and it stays as long as any other.
    assert_eq!(server.upload(alice, 1, b"again").unwrap(), blob);
    assert_eq!(sweep_away(&mut server), 0);
    server.advance(CLAIM_FOR - 3 * SWEEP);
    assert_eq!(sweep_away(&mut server), 0);
    post(&mut server, alice, &room, &blob).unwrap();
}

#[test]
fn a_message_tells_the_truth_about_its_files() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"some text").unwrap();
    let lies = [
        Blob { size: 5, ..blob.clone() },
        Blob { media_type: "image/png".into(), ..blob.clone() },
        Blob { has_preview: true, ..blob.clone() },
    ];
    for lie in lies {
        assert_eq!(field(post(&mut server, alice, &room, &lie)), "body.attachments[0].blob");
    }
    // What the server doesn't know, others may.
    let voice = Blob { duration_ms: 1000, waveform: vec![1, 2].into(), ..blob };
    post(&mut server, alice, &room, &voice).unwrap();
}

#[test]
fn a_send_that_comes_again_is_known_even_if_its_file_no_longer_is() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"once").unwrap();
    let request = carrying(&mut server, &room, "", std::slice::from_ref(&blob));
    let first = server.call::<rpc::Send>(alice, &request).unwrap();
    server.advance(CLAIM_FOR);
    let alice = server.connect("alice");
    let again = server.call::<rpc::Send>(alice, &request).unwrap();
    assert_eq!((again.seq, again.deduplicated), (first.seq, true));
    assert_eq!(reason(post(&mut server, alice, &room, &blob)), ErrorReason::BlobNotFound);
}

#[test]
fn what_others_say_of_a_file_changes_nothing() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let blob = server.upload(alice, 1, b"plain").unwrap();
    let mut request = announce(1, b"plain");
    request.media_type = "Text/HTML".into();
    let other = server.upload_as(bob, request, b"plain").unwrap();
    assert_eq!(other, blob);
}

#[test]
fn what_may_not_be_uploaded_is_refused_before_its_bytes_come() {
    let mut server = Server::new();
    let alice = server.connect("alice");
    let policy = BlobPolicy {
        size_max: 10,
        media_types: vec!["text/*".into()],
        user_bytes_per_day_max: 20,
        url: "https://chat.example.org".into(),
    };
    server.node.attachments.set_policy(policy);
    server.node.quotas.set_usual(Quota { attachment_bytes: 25, ..Quota::default() });
    let large = server.upload(alice, 1, b"eleven byte");
    assert_eq!(reason(large), ErrorReason::BlobTooLarge);
    assert_eq!(field(server.upload(alice, 1, b"")), "size");
    let of = |media_type: &str| {
        let mut request = announce(1, b"x");
        request.media_type = media_type.into();
        request
    };
    let drawing = server.upload_as(alice, of("image/png"), b"x");
    assert_eq!(reason(drawing), ErrorReason::MediaTypeRefused);
    // What it says isn't what it is.
    let lie = server.upload(alice, 1, b"\x89PNG\r\n\x1a\n");
    assert_eq!(reason(lie), ErrorReason::MediaTypeRefused);
    for wrong in ["text", "text/", "te xt/plain", "text/pl\r\nain", &"t".repeat(128)] {
        assert_eq!(field(server.upload_as(alice, of(wrong), b"x")), "media_type", "{wrong:?}");
    }
    let mut request = announce(1, b"x");
    request.upload = Bytes::from_static(b"short");
    assert_eq!(field(server.upload_as(alice, request, b"x")), "upload");
    server.upload(alice, 2, b"ten bytes!").unwrap();
    server.upload(alice, 3, b"9 bytes!!").unwrap();
    let too_much = server.upload(alice, 4, b"it's over");
    assert_eq!(reason(too_much), ErrorReason::QuotaExceeded);
    server.advance(Duration::from_secs(24 * 3600));
    let of_all = server.upload(alice, 4, b"it's over");
    assert_eq!(reason(of_all), ErrorReason::QuotaExceeded, "the organization's bound");
    server.upload(alice, 5, b"little").unwrap();
    let told = server.call::<rpc::GetUploadPolicy>(alice, &GetUploadPolicyRequest {}).unwrap();
    assert_eq!((told.size_max, told.organization_bytes_max), (10, 25));
    assert_eq!((told.organization_bytes, told.media_types), (25, vec!["text/*".to_owned()]));
}

#[test]
fn links_hold_for_an_hour_and_are_told_apart() {
    let mut server = Server::new();
    let [alice, bob] = ["alice", "bob"].map(|name| server.connect(name));
    let room = group(&mut server, alice, &[]);
    let blob = server.upload(alice, 1, b"linked").unwrap();
    let seq = post(&mut server, alice, &room, &blob).unwrap();
    let request = LinkAttachmentRequest {
        room: room.clone(),
        seq,
        hash: blob.hash.clone(),
        variant: Variant::Unspecified as i32,
    };
    assert_eq!(
        reason(server.call::<rpc::LinkAttachment>(bob, &request)),
        ErrorReason::RoomNotFound
    );
    let preview = LinkAttachmentRequest { variant: Variant::Preview as i32, ..request.clone() };
    let none = server.call::<rpc::LinkAttachment>(alice, &preview);
    assert_eq!(reason(none), ErrorReason::BlobNotFound);
    let link = server.call::<rpc::LinkAttachment>(alice, &request).unwrap();
    assert!(link.path.starts_with("/parlour/v1/blobs/"), "{}", link.path);
    assert_eq!(link.url, "");
    let sealed = decode(link.path.rsplit('/').next().unwrap());
    assert!(server.opens_link(&sealed));
    assert!(!server.opens_link(&sealed[1..]));
    assert!(!server.opens_link(b""));
    server.advance(Duration::from_secs(3599));
    assert!(server.opens_link(&sealed));
    server.advance(Duration::from_secs(1));
    assert!(!server.opens_link(&sealed));
    let sealed = {
        let alice = server.connect("alice");
        let link = server.call::<rpc::LinkAttachment>(alice, &request).unwrap();
        decode(link.path.rsplit('/').next().unwrap())
    };
    assert!(server.opens_link(&sealed));
    let session = server.clients[alice].caller.session;
    let what = Some(revoke_request::What::Session(session.to_field()));
    let revoke = RevokeRequest { what };
    server.call::<rpc::Revoke>(bob, &revoke).unwrap();
    assert!(server.opens_link(&sealed), "another session of hers");
    let what = Some(revoke_request::What::Subject("alice".into()));
    server.call::<rpc::Revoke>(bob, &RevokeRequest { what }).unwrap();
    assert!(!server.opens_link(&sealed), "her links go with her");
    server.advance(Duration::from_secs(2));
    let alice = server.connect("alice");

    let request = LinkUploadRequest {
        upload: Bytes::copy_from_slice(&[3; 16]),
        size: 5,
        ..LinkUploadRequest::default()
    };
    let link = server.call::<rpc::LinkUpload>(alice, &request).unwrap();
    assert!(link.path.starts_with("/parlour/v1/uploads/"), "{}", link.path);
    let nothing = LinkUploadRequest { size: 0, ..request };
    assert_eq!(field(server.call::<rpc::LinkUpload>(alice, &nothing)), "size");
}

/// Base64 of addresses, backwards.
fn decode(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let (mut bits, mut held, mut out) = (0_u32, 0, vec![]);
    for c in text.bytes() {
        bits = bits << 6 | u32::from(digit(c));
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

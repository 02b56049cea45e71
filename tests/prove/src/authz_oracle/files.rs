//! Attachments: who has which file, and who gets it.

use bytes::Bytes;
use parlour_protocol::{
    blob::{Blob, ClaimAttachmentRequest},
    generated::rpc,
    wire::{Error, ErrorReason},
};

use super::{
    model::{Room, User},
    steps::{any_room, someone},
    world::{Said, World},
};
use crate::{report::Report, rng::Rng};

/// Files there are.
const FILES: u64 = 8;

/// A file, by number.
pub(super) type File = u8;

fn bytes_of(file: File) -> Vec<u8> {
    format!("the bytes of file {file}").into_bytes()
}

/// Any file, known or not.
pub(super) fn some_file(rng: &mut Rng) -> File {
    rng.below(FILES) as File
}

/// What the server says of a file, once anybody has uploaded it; else what a guess may look like.
pub(super) fn blob_of(world: &World, file: File) -> Blob {
    let guess = || Blob { hash: vec![file; 32].into(), size: 1, ..Blob::default() };
    world.blobs.get(&file).cloned().unwrap_or_else(guess)
}

/// Uploads, claims or downloads something.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, client) = someone(world, rng);
    match rng.below(6) {
        0 => {
            let file = some_file(rng);
            match world.server.upload(client, file, &bytes_of(file)) {
                Ok(blob) => {
                    world.blobs.insert(file, blob);
                    world.claims.insert((user, file));
                }
                Err(error) => report.violation(&format!("upload: {error}")),
            }
        }
        1 => claim(world, rng, user, client, report),
        _ => download(world, rng, user, client, report),
    }
}

/// A message of a room, one that was deleted, or none; and a file that it may carry or not.
fn some_message(world: &World, rng: &mut Rng, room: Room) -> (u64, File, bool) {
    let guess = some_file(rng);
    let there = &world.messages[room];
    let carrying: Vec<&Said> = there.iter().filter(|said| said.file.is_some()).collect();
    let gone = world.gone[room].iter().rev().find_map(|(seq, file)| Some((*seq, (*file)?)));
    match (rng.below(4), carrying.len(), gone) {
        (0, _, Some((seq, file))) => (seq, file, false),
        (1, n, _) if n > 0 => {
            let said = carrying[rng.below(n as u64) as usize];
            (said.seq, guess, said.file == Some(guess))
        }
        (_, n, _) if n > 0 => {
            let said = carrying[rng.below(n as u64) as usize];
            (said.seq, said.file.unwrap_or_default(), true)
        }
        _ => (there.last().map_or(1, |said| said.seq), guess, false),
    }
}

fn expected(world: &World, room: Room, user: User, is_there: bool) -> Option<ErrorReason> {
    match (world.model.is_in(room, user), is_there) {
        (false, _) => Some(ErrorReason::RoomNotFound),
        (true, false) => Some(ErrorReason::BlobNotFound),
        (true, true) => None,
    }
}

fn reason<T>(result: &Result<T, Error>) -> Option<ErrorReason> {
    let error = result.as_ref().err()?;
    Some(ErrorReason::try_from(error.reason).unwrap_or(ErrorReason::Unspecified))
}

fn claim(world: &mut World, rng: &mut Rng, user: User, client: usize, report: &mut Report) {
    let room = any_room(world, rng);
    let (seq, file, is_there) = some_message(world, rng, room);
    let hash = blob_of(world, file).hash;
    let request = ClaimAttachmentRequest { room: world.rooms[room].clone(), seq, hash };
    let found = reason(&world.server.call::<rpc::ClaimAttachment>(client, &request));
    let expected = expected(world, room, user, is_there);
    report.expect(found == expected, || format!("claim: {found:?} instead of {expected:?}"));
    if found.is_none() {
        world.claims.insert((user, file));
    }
}

fn download(world: &mut World, rng: &mut Rng, user: User, client: usize, report: &mut Report) {
    let room = any_room(world, rng);
    let (seq, file, is_there) = some_message(world, rng, room);
    let (id, hash): (Bytes, Bytes) = (world.rooms[room].clone(), blob_of(world, file).hash);
    let result = world.server.download(client, &id, seq, &hash);
    let (found, expected) = (reason(&result), expected(world, room, user, is_there));
    report.expect(found == expected, || format!("download: {found:?} instead of {expected:?}"));
    let is_right = result.map_or(true, |bytes| bytes == bytes_of(file));
    report.expect(is_right, || "a download has other bytes".to_owned());
    world.totals.downloads += u64::from(found.is_none());
}

//! Files up and down.

use std::path::{Path, PathBuf};

use parlour::{Attachment, Client, Draft, Room, RoomId, TransferError};

use super::words;
use crate::model::Event;

/// Uploads a file and sends it.
pub(super) async fn attach(
    client: Client,
    room: RoomId,
    path: String,
    text: String,
    thread_root: Option<u64>,
) -> Event {
    let file = match client.upload(Path::new(&path)).await {
        Ok(file) => file,
        Err(error) => return Event::Failed(format!("{path}: {}", transfer_words(&error))),
    };
    let draft = Draft { text, attachments: vec![file], thread_root, ..Draft::default() };
    match client.room(room).queue(draft).await {
        Ok(_) => Event::Done(format!("sent {path}")),
        Err(error) => Event::Failed(words::queue_words(&error)),
    }
}

/// Saves a message's files in a folder, under names that aren't taken.
pub(super) async fn save(room: Room, seq: u64, files: Vec<Attachment>, folder: String) -> Event {
    let folder = if folder.is_empty() { PathBuf::from(".") } else { PathBuf::from(folder) };
    let mut saved = Vec::new();
    for file in files {
        let path = free_path(&folder, &file.file_name());
        if let Err(error) = room.download(seq, &file).to_file(&path).await {
            let words = transfer_words(&error);
            return Event::Failed(format!("{}: {words}", path.display()));
        }
        saved.push(path.display().to_string());
    }
    Event::Done(format!("saved {}", saved.join(", ")))
}

/// The name, or the first of it with a number that isn't taken.
fn free_path(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    let (stem, end) = match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() => (stem, format!(".{end}")),
        _ => (name, String::new()),
    };
    let numbered = (2..).map(|n| folder.join(format!("{stem} ({n}){end}")));
    std::iter::once(plain).chain(numbered).find(|path| !path.exists()).unwrap_or_default()
}

fn transfer_words(error: &TransferError) -> String {
    match error {
        TransferError::Refused(refusal) => words::refusal_words(refusal),
        error => error.to_string(),
    }
}

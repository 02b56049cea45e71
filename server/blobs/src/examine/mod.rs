//! What is in a file: its kind by how it begins, and what can be seen and heard of it. None of it can
//! fail an upload: what isn't understood is kept as it is.

mod picture;
mod tools;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use parlour_protocol::blob::Blob;
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use picture::dimensions;
pub use tools::{Tools, find_tools};

/// Bytes of a file's beginning that say what kind it is.
const START_BYTES: u64 = 8 * 1024;
/// What is said of bytes that neither they nor the client say anything of.
const UNKNOWN: &str = "application/octet-stream";

/// What is found in the file at `path`; a smaller picture of it goes to `preview`. The turn ends with
/// the work, even if nobody waits for it any more.
pub(crate) async fn examine(
    path: &Path,
    preview: &Path,
    announced: &str,
    tools: Option<&Tools>,
    turn: Option<OwnedSemaphorePermit>,
) -> Blob {
    let _ = std::fs::remove_file(preview);
    let media_type = kind_of(&start_of(path), announced);
    let family = media_type.split('/').next().unwrap_or_default().to_owned();
    let mut blob = Blob { media_type, ..Blob::default() };
    match family.as_str() {
        "image" => look_at_picture(&mut blob, path.to_owned(), preview.to_owned(), turn).await,
        "audio" | "video" => {
            if let Some(tools) = tools {
                tools.look(&mut blob, path, preview).await;
            }
        }
        _ => {}
    }
    blob
}

fn start_of(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    if let Ok(file) = File::open(path) {
        // As much as can be read says as much as it can.
        let _ = file.take(START_BYTES).read_to_end(&mut start);
    }
    start
}

/// What kind bytes are that begin like that: by themselves, or what the client has announced.
pub(crate) fn kind_of(start: &[u8], announced: &str) -> String {
    let found = infer::get(start).map(|kind| kind.mime_type());
    match found {
        // A container that holds either: the client knows whether it recorded sound alone.
        Some("video/webm") if announced.starts_with("audio/webm") => announced.to_owned(),
        Some("video/mp4") if announced.starts_with("audio/mp4") => announced.to_owned(),
        // Its container's kind is the registered one (RFC 7845 section 9).
        Some("audio/opus") => "audio/ogg".to_owned(),
        // Office documents and many others are archives.
        Some("application/zip") if !announced.is_empty() && !claims_media(announced) => {
            announced.to_owned()
        }
        Some(found) => found.to_owned(),
        None if announced.is_empty() => UNKNOWN.to_owned(),
        // A picture, a sound or a film begins like one; a drawing is a text.
        None if claims_media(announced) => UNKNOWN.to_owned(),
        None => announced.to_owned(),
    }
}

fn claims_media(announced: &str) -> bool {
    let is_drawing = announced.split(';').next() == Some("image/svg+xml");
    let families = ["image/", "audio/", "video/"];
    !is_drawing && families.iter().any(|family| announced.starts_with(family))
}

/// What kind of picture a preview is that begins like that.
pub(crate) fn preview_type(start: &[u8]) -> &'static str {
    if start.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" }
}

async fn look_at_picture(
    blob: &mut Blob,
    path: PathBuf,
    preview: PathBuf,
    turn: Option<OwnedSemaphorePermit>,
) {
    let kind = blob.media_type.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        picture::look(&path, &preview, &kind)
    });
    let looked = looked.await;
    // A decoder that panics has found a file it doesn't understand.
    let Ok(Some(seen)) = looked else { return };
    (blob.width, blob.height, blob.has_preview) = (seen.width, seen.height, seen.has_preview);
}

#[cfg(test)]
#[path = "examine_tests.rs"]
mod tests;
